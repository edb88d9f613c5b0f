//! A study file as written: serde types, nothing resolved, defaults in one place.

mod benchmark;
mod claims;
pub mod defaults;
mod distances;
mod dynamics;
mod forcing;
mod measure;
mod networks;
mod one_or_many;
mod or_auto;
mod parse;
mod recipe;

pub use benchmark::{BenchmarkSpec, TuneSpec};
pub use claims::{ClaimSpec, IsSpec, TestSpec};
pub use distances::{
    CkaSpec, CompareSpec, DistanceSpec, DsaSpec, FitSpec, OutOfDistributionSpec, OutputSpec,
    PrincipalSpec, ProcrustesSpec, RegistrationSpec, RsaSpec, SvccaSpec, WeightScale, WeightSpec,
};
pub use dynamics::{AttractorsSpec, DriveSpec, LineariseSpec, LyapunovSpec, Wrong};
pub use forcing::ForcingSpec;
pub use measure::MeasureSpec;
pub use networks::{Data, ImportSpec, LessonSpec, NetworksSpec, TrainSpec, Until, UntrainedSpec};
pub use one_or_many::OneOrMany;
pub use or_auto::OrAuto;
pub use recipe::{
    CommunicabilitySpec, ConstrainSpec, DaleBy, DaleSpec, Match, NuclearSpec, OptimiserSpec,
    OwnSpec, PenaliseSpec, RateCapSpec, ResolventSpec, ScalingSpec, SpectralRadiusSpec,
};

use serde::Deserialize;

/// The whole file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StudySpec {
    /// What the study asks, in a sentence.
    pub title: String,
    /// Name of a task, path of a task file, or `External("trials.npz")`.
    pub task: TaskSpec,
    /// Where the networks come from.
    pub networks: Vec<NetworksSpec>,
    /// What is measured.
    #[serde(default)]
    pub measure: Vec<MeasureSpec>,
    /// How networks are compared, for all distances of `measure`.
    #[serde(default)]
    pub compare: CompareSpec,
    /// What is claimed.
    #[serde(default)]
    pub claims: Vec<ClaimSpec>,
    /// Seed of what belongs to no network: trial bank, evaluation trials, seeds of searches.
    #[serde(default)]
    pub seed: u64,
}

/// A task by name or path, or a file of the user's own trials.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TaskSpec {
    /// Name of the library, or path of a `.ron` file.
    Named(String),
    /// Path of an `.npz` file.
    External(String),
}
