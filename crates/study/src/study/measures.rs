//! What is measured of every population, and how networks are compared.

use super::PopulationPlan;
use crate::spec::{
    AttractorsSpec, CompareSpec, DistanceSpec, LineariseSpec, LyapunovSpec, OutOfDistributionSpec,
};
use chiliad_analysis::distances::dsa::Tried;
use serde::{Deserialize, Serialize};

/// How networks are compared.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ComparePlan {
    /// What all distances share.
    pub how: CompareSpec,
    /// Distances, each once.
    pub distances: Vec<DistanceSpec>,
    /// Losses elsewhere.
    pub out_of_distribution: Vec<OutOfDistributionSpec>,
    /// Trained beside from the same initial weights, in another order of trials.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub twins: Vec<Companions>,
    /// Trained beside for the choice of delays and rank, and for nothing else.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pilots: Vec<Companions>,
    /// Delays and ranks chosen on the pilots: written when they are, fixed from then on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub chosen: Vec<Chosen>,
}

/// Networks that are trained beside a population, as it is, and enter no matrix.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Companions {
    /// Place of that population in the study.
    pub of: usize,
    /// Places in it of the networks whose settings they have.
    pub networks: Vec<usize>,
    /// What is trained.
    pub plan: PopulationPlan,
}

/// Delays and rank of a measure that were chosen on pilots.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Chosen {
    /// Name of the measure.
    pub measure: String,
    /// Pilots that converged.
    pub pilots: usize,
    /// The setting.
    pub setting: Tried,
    /// All that were tried.
    pub tried: Vec<Tried>,
}

/// How topology graphs are made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TopologyPlan {
    /// Directions on an unstable circle.
    pub directions: usize,
    /// Distance from a point at which its unstable manifold is entered, of the state scale.
    pub amplitude: f64,
    /// New trials on which the automaton is judged.
    pub trials: usize,
    /// Steps without a pulse before a step counts for the automaton.
    pub grace: usize,
}

/// Measures of dynamics, each with nothing left open.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DynamicsPlan {
    /// What states end on.
    pub attractors: Option<AttractorsSpec>,
    /// Lyapunov exponents.
    pub lyapunov: Option<LyapunovSpec>,
    /// Linear systems at the fixed points.
    pub linearise: Option<LineariseSpec>,
}

impl DynamicsPlan {
    /// Whether none was asked for.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.measures().is_empty()
    }

    /// Those asked for, in the order in which they are made.
    #[must_use]
    pub fn measures(&self) -> Vec<DynamicsMeasure> {
        let asked = |m: &DynamicsMeasure| match m {
            DynamicsMeasure::Attractors => self.attractors.is_some(),
            DynamicsMeasure::Lyapunov => self.lyapunov.is_some(),
            DynamicsMeasure::Linearise => self.linearise.is_some(),
        };
        let mut all = DynamicsMeasure::ALL.to_vec();
        all.retain(asked);
        all
    }
}

/// A measure of dynamics and the files it leaves of every population.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DynamicsMeasure {
    /// `Attractors(...)`.
    Attractors,
    /// `Lyapunov(...)`.
    Lyapunov,
    /// `Linearise(...)`.
    Linearise,
}

impl DynamicsMeasure {
    /// In the order in which they are made.
    pub const ALL: [Self; 3] = [Self::Attractors, Self::Lyapunov, Self::Linearise];

    /// Name of its stage; all figures are in `<name>.json`, `{"networks": [...]}`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Attractors => "attractors",
            Self::Lyapunov => "lyapunov",
            Self::Linearise => "linearise",
        }
    }

    /// Its tables, sorted by network.
    #[must_use]
    pub fn tables(self) -> &'static [&'static str] {
        match self {
            Self::Attractors => &["attractors.parquet"],
            Self::Lyapunov => &["lyapunov.parquet"],
            Self::Linearise => &["linear_points.parquet", "slow_sets.parquet"],
        }
    }
}
