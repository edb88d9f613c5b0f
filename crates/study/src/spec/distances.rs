//! `compare` and the distances of `measure`: what stands in the study file is what stands in the resolved study.

use super::OrAuto;
use chiliad_analysis::distances::dsa::{Delays, Fit, Rank};
use chiliad_analysis::distances::geometry::{CkaKind, Comparison, Dissimilarity};
use serde::{Deserialize, Serialize};

/// What all distances of a study share.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default, rename = "Compare")]
pub struct CompareSpec {
    /// Variant of the task whose trials all networks are run on.
    pub variant: String,
    /// How many of them, the same for all networks.
    pub trials: usize,
    /// All fields of the state side by side, instead of the one that the readout sees.
    pub all_states: bool,
    /// Whether untrained networks, shuffled moments, halves and permuted units are measured beside.
    pub controls: bool,
    /// Networks of every population trained here that are trained once more beside, from the same initial weights in another
    /// order of trials: what a distance is that only the order makes. None where `controls` is false.
    pub twins: usize,
    /// Networks beside every population trained here, with seeds of their own, on which delays and rank are chosen where
    /// they are `"auto"`.
    pub pilots: usize,
    /// Gigabytes that the comparison may hold at once; a study that needs more is refused before anything is trained.
    pub memory_gb: f64,
    /// Neighbours that vote on a network's level; fewer where the smallest level has no more other networks.
    pub neighbours: usize,
    /// Permutations behind each p.
    pub permutations: usize,
    /// Bootstrap samples of networks behind each interval.
    pub resamplings: usize,
}

impl Default for CompareSpec {
    fn default() -> Self {
        Self {
            variant: "train".into(),
            trials: 16,
            all_states: false,
            controls: true,
            twins: 2,
            pilots: 2,
            memory_gb: 8.0,
            neighbours: 5,
            permutations: 999,
            resamplings: 1000,
        }
    }
}

/// A distance between networks, as in `docs/distances.md`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum DistanceSpec {
    /// Canonical correlations of the largest principal components.
    Svcca(SvccaSpec),
    /// Centred kernel alignment.
    Cka(CkaSpec),
    /// Orthogonal Procrustes, or a shape metric.
    Procrustes(ProcrustesSpec),
    /// Representational similarity.
    Rsa(RsaSpec),
    /// Linear fits between trajectories.
    Trajectories(PrincipalSpec),
    /// Ends of trials.
    Endpoints(PrincipalSpec),
    /// Single-unit selectivity, registered.
    Selectivity(RegistrationSpec),
    /// Fixed points, registered.
    Configuration(RegistrationSpec),
    /// Procrustes over vector fields.
    Dsa(DsaSpec),
    /// Transport between eigenvalues of the fitted operators.
    DmdWasserstein(FitSpec),
    /// Recurrent weights up to a relabelling of units.
    WeightPermutation(WeightSpec),
    /// Outputs on the same trials.
    OutputDistance(OutputSpec),
}

impl DistanceSpec {
    /// Its name in files and claims.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Svcca(_) => "svcca",
            Self::Cka(_) => "cka",
            Self::Procrustes(_) => "procrustes",
            Self::Rsa(_) => "rsa",
            Self::Trajectories(_) => "trajectories",
            Self::Endpoints(_) => "endpoints",
            Self::Selectivity(_) => "selectivity",
            Self::Configuration(_) => "configuration",
            Self::Dsa(_) => "dsa",
            Self::DmdWasserstein(_) => "dmd_wasserstein",
            Self::WeightPermutation(_) => "weight_permutation",
            Self::OutputDistance(_) => "output_distance",
        }
    }
}

impl DistanceSpec {
    /// All names that [`DistanceSpec::name`] gives.
    pub const NAMES: [&str; 12] = [
        "svcca",
        "cka",
        "procrustes",
        "rsa",
        "trajectories",
        "endpoints",
        "selectivity",
        "configuration",
        "dsa",
        "dmd_wasserstein",
        "weight_permutation",
        "output_distance",
    ];

    /// How its operators are fitted, where it fits any.
    #[must_use]
    pub fn operators(&self) -> Option<FitSpec> {
        match self {
            Self::Dsa(d) => Some(d.operators()),
            Self::DmdWasserstein(f) => Some(f.clone()),
            _ => None,
        }
    }
}

/// Which directions `Svcca` keeps: so many, or those that hold a share of the variance (project default 0.99).
#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default, rename = "Svcca")]
pub struct SvccaSpec {
    /// So many.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub components: Option<usize>,
    /// The fewest that hold this share.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub variance: Option<f64>,
}

/// Which alignment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default, rename = "Cka")]
pub struct CkaSpec {
    /// Linear, Angular or Debiased.
    pub kind: CkaKind,
}

impl Default for CkaSpec {
    fn default() -> Self {
        Self {
            kind: CkaKind::Linear,
        }
    }
}

/// How states are whitened before they are turned.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default, rename = "Procrustes")]
pub struct ProcrustesSpec {
    /// 1: not at all; 0: wholly.
    pub alpha: f64,
}

impl Default for ProcrustesSpec {
    fn default() -> Self {
        Self { alpha: 1.0 }
    }
}

/// Of what, and how compared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default, rename = "Rsa")]
pub struct RsaSpec {
    /// Of two moments.
    pub dissimilarity: Dissimilarity,
    /// Of two networks.
    pub comparison: Comparison,
}

impl Default for RsaSpec {
    fn default() -> Self {
        Self {
            dissimilarity: Dissimilarity::SquaredEuclidean,
            comparison: Comparison::Cosine,
        }
    }
}

/// Principal components.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PrincipalSpec {
    /// So many, where there are.
    pub components: usize,
}

impl Default for PrincipalSpec {
    fn default() -> Self {
        Self { components: 10 }
    }
}

/// How clouds are registered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RegistrationSpec {
    /// Coordinates per point.
    pub dimensions: usize,
    /// Random rotations and reflections it starts from.
    pub restarts: usize,
}

impl Default for RegistrationSpec {
    fn default() -> Self {
        Self {
            dimensions: 7,
            restarts: 60,
        }
    }
}

/// How a linear operator is fitted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default, rename = "DmdWasserstein")]
pub struct FitSpec {
    /// States per row of the embedding, or `"auto"`.
    pub delays: OrAuto,
    /// Steps between them.
    pub interval: usize,
    /// Of the operators, or `"auto"`.
    pub rank: OrAuto,
    /// Of the regression.
    pub ridge: f64,
}

impl Default for FitSpec {
    fn default() -> Self {
        Self {
            delays: OrAuto::Number(10),
            interval: 1,
            rank: OrAuto::Number(15),
            ridge: 1e-8,
        }
    }
}

impl FitSpec {
    /// Delays and rank; none where one is still to be chosen.
    #[must_use]
    pub fn at(&self) -> Option<(usize, usize)> {
        self.delays.number().zip(self.rank.number())
    }

    /// The fit at some delays and rank.
    #[must_use]
    pub fn fit(&self, (delays, rank): (usize, usize)) -> Fit {
        Fit {
            delays: Delays {
                number: delays,
                interval: self.interval,
            },
            rank: Rank::Number(rank),
            ridge: self.ridge,
            ..Fit::default()
        }
    }
}

/// The same, and how operators are compared.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default, rename = "Dsa")]
pub struct DsaSpec {
    /// States per row of the embedding, or `"auto"`.
    pub delays: OrAuto,
    /// Steps between them.
    pub interval: usize,
    /// Of the operators, or `"auto"`.
    pub rank: OrAuto,
    /// Of the regression.
    pub ridge: f64,
    /// Random starts, besides those from matched spectra.
    pub starts: usize,
    /// Other (delays, rank) at which everything is measured again; without any, 20 % below and above both.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub neighbouring: Option<Vec<(usize, usize)>>,
}

impl Default for DsaSpec {
    fn default() -> Self {
        let FitSpec {
            delays,
            interval,
            rank,
            ridge,
        } = FitSpec::default();
        Self {
            delays,
            interval,
            rank,
            ridge,
            starts: 16,
            neighbouring: None,
        }
    }
}

impl DsaSpec {
    /// How its operators are fitted.
    #[must_use]
    pub fn operators(&self) -> FitSpec {
        FitSpec {
            delays: self.delays,
            rank: self.rank,
            interval: self.interval,
            ridge: self.ridge,
        }
    }
}

/// How weights are compared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default, rename = "WeightPermutation")]
pub struct WeightSpec {
    /// Starts of the search.
    pub starts: usize,
    /// Gate whose recurrent weights are taken; without one, the candidate of a gated cell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gate: Option<String>,
    /// What the distance is divided by; the first goes into the matrix, all into the table of pairs.
    pub scale: Vec<WeightScale>,
}

impl Default for WeightSpec {
    fn default() -> Self {
        Self {
            starts: 32,
            gate: None,
            scale: vec![WeightScale::Raw],
        }
    }
}

/// What a distance between weights is divided by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum WeightScale {
    /// Nothing.
    Raw,
    /// Units.
    PerUnit,
    /// Units squared.
    PerParameter,
    /// The root of the product of both norms.
    Relative,
    /// The mean distance of untrained networks of that size.
    Untrained,
}

impl WeightScale {
    /// Its column in the table of pairs.
    #[must_use]
    pub fn column(self) -> &'static str {
        match self {
            Self::Raw => "raw",
            Self::PerUnit => "per_unit",
            Self::PerParameter => "per_parameter",
            Self::Relative => "relative",
            Self::Untrained => "untrained",
        }
    }
}

/// No options: outputs are compared on the trials of `compare`.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default, rename = "OutputDistance")]
pub struct OutputSpec {}

/// Loss where networks were not trained.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename = "OutOfDistribution")]
pub struct OutOfDistributionSpec {
    /// Variant of the task, as it stands there or without the leading `ood-`.
    pub variant: String,
    /// Trials.
    #[serde(default = "ood_trials")]
    pub trials: usize,
}

fn ood_trials() -> usize {
    512
}
