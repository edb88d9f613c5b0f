//! Every metric by name, and which measure it is.

use super::options::DistanceArguments;
use super::{compare, inputs};
use chiliad_analysis::distances::attractor::{Spectra, StateSpace};
use chiliad_analysis::distances::behaviour::Outputs;
use chiliad_analysis::distances::dsa::{Controlled, DsaProcrustes, DsaWasserstein, Spectrum};
use chiliad_analysis::distances::geometry::{
    Canonical, Cka, CkaKind, Components, Endpoints, Permutation, Registration, Rsa, Selectivity,
    Shape, TrajectoryFit,
};
use chiliad_analysis::distances::weights::Weights;

/// What can be compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Metric {
    /// Orthogonal Procrustes, or the shape metric with --alpha.
    Procrustes,
    /// Best matching of units.
    Permutation,
    /// 1 - linear CKA.
    Cka,
    /// arccos of linear CKA.
    AngularCka,
    /// 1 - debiased linear CKA.
    DebiasedCka,
    /// 1 - mean canonical correlation.
    Cca,
    /// The same of the largest principal components.
    Svcca,
    /// 1 - similarity of dissimilarities.
    Rsa,
    /// Linear fits between trajectories, both directions.
    Trajectories,
    /// Single-unit selectivity, registered.
    Selectivity,
    /// Ends of trials, aligned.
    Endpoints,
    /// Fitted operators, Procrustes over vector fields.
    DsaProcrustes,
    /// Fitted operators, transport between eigenvalues.
    DsaWasserstein,
    /// Fitted operators with inputs.
    DsaInput,
    /// Procrustes over vector fields between square matrices.
    Conjugation,
    /// Transport between the eigenvalues of square matrices.
    Spectrum,
    /// Recurrent weights up to a relabelling of units.
    Weights,
    /// Outputs on the same trials.
    Outputs,
    /// D_stsp: divergence of where the states lie, from the first to the second and back.
    DStsp,
    /// D_H: Hellinger distance of the units' power spectra.
    DHellinger,
}

impl std::fmt::Display for Metric {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        use clap::ValueEnum;
        match self.to_possible_value() {
            Some(value) => f.write_str(value.get_name()),
            None => Ok(()),
        }
    }
}

pub(super) fn perform(a: &DistanceArguments, json: bool) -> anyhow::Result<()> {
    let cka = |kind| compare(a, json, &Cka { kind }, inputs::samples(a)?);
    let canonical = |components| {
        let canonical = Canonical {
            components,
            // A matrix has no room for them.
            correlations: a.out.is_none(),
        };
        compare(a, json, &canonical, inputs::samples(a)?)
    };
    let components = a.components().unwrap_or(10);
    match a.metric {
        Metric::Procrustes => {
            let shape = Shape {
                alpha: a.alpha(),
                centre: !a.uncentred,
            };
            compare(a, json, &shape, inputs::samples(a)?)
        }
        Metric::Permutation => compare(a, json, &Permutation, inputs::samples(a)?),
        Metric::Cka => cka(CkaKind::Linear),
        Metric::AngularCka => cka(CkaKind::Angular),
        Metric::DebiasedCka => cka(CkaKind::Debiased),
        Metric::Cca => canonical(Components::All),
        Metric::Svcca => canonical(match a.components() {
            Some(k) => Components::Number(k),
            None => Components::Variance(a.variance()),
        }),
        Metric::Rsa => {
            let default = Rsa::default();
            let rsa = Rsa {
                dissimilarity: a.dissimilarity.map_or(default.dissimilarity, Into::into),
                comparison: a.comparison.map_or(default.comparison, Into::into),
            };
            compare(a, json, &rsa, inputs::samples(a)?)
        }
        Metric::Trajectories => {
            compare(a, json, &TrajectoryFit { components }, inputs::samples(a)?)
        }
        Metric::Selectivity => {
            let selectivity = Selectivity(Registration {
                dimensions: components,
                restarts: a.starts(Selectivity::default().0.restarts),
                seed: a.seed,
            });
            compare(a, json, &selectivity, inputs::samples(a)?)
        }
        Metric::Endpoints => compare(a, json, &Endpoints { components }, inputs::recordings(a)?),
        Metric::DsaProcrustes => {
            let dsa = DsaProcrustes {
                fit: a.fit(),
                conjugation: a.conjugation(),
            };
            compare(a, json, &dsa, inputs::recordings(a)?)
        }
        Metric::DsaWasserstein => compare(
            a,
            json,
            &DsaWasserstein { fit: a.fit() },
            inputs::recordings(a)?,
        ),
        Metric::DsaInput => {
            let controlled = Controlled {
                fit: a.fit(),
                ..Controlled::default()
            };
            compare(a, json, &controlled, inputs::driven(a)?)
        }
        Metric::Conjugation => compare(a, json, &a.conjugation(), inputs::matrices(a)?),
        Metric::Spectrum => compare(a, json, &Spectrum, inputs::matrices(a)?),
        Metric::Weights => {
            let weights = Weights {
                starts: a.starts(Weights::default().starts),
                seed: a.seed,
            };
            compare(a, json, &weights, inputs::matrices(a)?)
        }
        Metric::Outputs => compare(a, json, &Outputs, inputs::outputs(a)?),
        Metric::DStsp => {
            let density = a.density();
            compare(a, json, &StateSpace { density }, inputs::recordings(a)?)
        }
        Metric::DHellinger => {
            let sigma = a.sigma.unwrap_or(20.0);
            compare(a, json, &Spectra { sigma }, inputs::recordings(a)?)
        }
    }
}
