//! What is measured.

use super::{
    AttractorsSpec, BenchmarkSpec, CkaSpec, DistanceSpec, DsaSpec, FitSpec, LineariseSpec,
    LyapunovSpec, OutOfDistributionSpec, OutputSpec, PrincipalSpec, ProcrustesSpec,
    RegistrationSpec, RsaSpec, SvccaSpec, WeightSpec, defaults,
};
use crate::fixed_points_plan::FixedPointsPlan;
use serde::Deserialize;

/// One entry of `measure`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum MeasureSpec {
    /// Fixed points, their census and the attractors reached.
    FixedPoints(FixedPointsPlan),
    /// Graphs of the fixed points, how alike they are, and whether they explain the outputs; needs `FixedPoints`.
    Topology {
        /// Directions on an unstable circle.
        #[serde(default = "defaults::directions")]
        directions: usize,
        /// Distance from a point at which its unstable manifold is entered, of the state scale.
        #[serde(default = "defaults::amplitude")]
        amplitude: f64,
        /// New trials on which the automaton is judged.
        #[serde(default = "defaults::judged")]
        trials: usize,
        /// Steps without a pulse before a step counts for the automaton.
        #[serde(default = "defaults::grace")]
        grace: usize,
    },
    /// What states end on at the task's constant inputs, and the periodic orbits there.
    Attractors(AttractorsSpec),
    /// Lyapunov exponents, at the task's constant inputs or along its trials.
    Lyapunov(LyapunovSpec),
    /// Linear systems at the fixed points, mode removal, slow sets; needs `FixedPoints`.
    Linearise(LineariseSpec),
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
    /// Fixed points, registered; needs `FixedPoints`.
    Configuration(RegistrationSpec),
    /// Procrustes over vector fields.
    Dsa(DsaSpec),
    /// Transport between eigenvalues of the fitted operators.
    DmdWasserstein(FitSpec),
    /// Recurrent weights up to a relabelling of units.
    WeightPermutation(WeightSpec),
    /// Outputs on the same trials.
    OutputDistance(OutputSpec),
    /// Loss on another variant of the task: its spread over networks.
    OutOfDistribution(OutOfDistributionSpec),
    /// Success, steps, robustness and cost of each population.
    Benchmark(BenchmarkSpec),
}

impl MeasureSpec {
    /// The distance it is, if it is one.
    #[must_use]
    pub fn distance(&self) -> Option<DistanceSpec> {
        Some(match self {
            Self::FixedPoints(_)
            | Self::Topology { .. }
            | Self::Attractors(_)
            | Self::Lyapunov(_)
            | Self::Linearise(_)
            | Self::OutOfDistribution(_)
            | Self::Benchmark(_) => return None,
            Self::Svcca(s) => DistanceSpec::Svcca(s.clone()),
            Self::Cka(s) => DistanceSpec::Cka(s.clone()),
            Self::Procrustes(s) => DistanceSpec::Procrustes(s.clone()),
            Self::Rsa(s) => DistanceSpec::Rsa(s.clone()),
            Self::Trajectories(s) => DistanceSpec::Trajectories(s.clone()),
            Self::Endpoints(s) => DistanceSpec::Endpoints(s.clone()),
            Self::Selectivity(s) => DistanceSpec::Selectivity(s.clone()),
            Self::Configuration(s) => DistanceSpec::Configuration(s.clone()),
            Self::Dsa(s) => DistanceSpec::Dsa(s.clone()),
            Self::DmdWasserstein(s) => DistanceSpec::DmdWasserstein(s.clone()),
            Self::WeightPermutation(s) => DistanceSpec::WeightPermutation(s.clone()),
            Self::OutputDistance(s) => DistanceSpec::OutputDistance(s.clone()),
        })
    }
}
