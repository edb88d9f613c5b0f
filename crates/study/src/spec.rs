//! A study file as written: serde types, nothing resolved, defaults in one place.

mod benchmark;
mod distances;
mod dynamics;
mod forcing;
mod one_or_many;
mod or_auto;
mod parse;
mod recipe;

pub use benchmark::{BenchmarkSpec, TuneSpec};
pub use distances::{
    CkaSpec, CompareSpec, DistanceSpec, DsaSpec, FitSpec, OutOfDistributionSpec, OutputSpec,
    PrincipalSpec, ProcrustesSpec, RegistrationSpec, RsaSpec, SvccaSpec, WeightScale, WeightSpec,
};
pub use dynamics::{AttractorsSpec, DriveSpec, LineariseSpec, LyapunovSpec, Wrong};
pub use forcing::ForcingSpec;
pub use one_or_many::OneOrMany;
pub use or_auto::OrAuto;
pub use recipe::{
    CommunicabilitySpec, ConstrainSpec, DaleBy, DaleSpec, Match, NuclearSpec, OptimiserSpec,
    OwnSpec, PenaliseSpec, RateCapSpec, ResolventSpec, ScalingSpec, SpectralRadiusSpec,
};

use crate::fixed_points_plan::FixedPointsPlan;
use chiliad_engine::files::FileLayout;
use chiliad_engine::population::initialise::Initial;
use chiliad_engine::recipe::{Loss, Schedule};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

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

/// One entry of `networks`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum NetworksSpec {
    /// Networks trained here.
    Train(Box<TrainSpec>),
    /// Networks trained elsewhere.
    Import(ImportSpec),
    /// Networks with their initial weights.
    Untrained(UntrainedSpec),
}

/// Networks to train. A list is an axis; the product of the axes makes the networks.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainSpec {
    /// Name of the group; needed where two groups would have the same labels, and for `LossOf` and `like`.
    #[serde(default)]
    pub name: Option<String>,
    /// Name of the library, or path of a `.wgsl` file.
    pub cell: OneOrMany<String>,
    /// Activation.
    #[serde(default = "defaults::activation")]
    pub activation: OneOrMany<String>,
    /// Units per network.
    pub units: OneOrMany<usize>,
    /// A number of networks, with the seeds 0, 1, ..., or the seeds themselves.
    #[serde(default = "defaults::seeds")]
    pub seeds: OneOrMany<u64>,
    /// The same initial weights for all.
    #[serde(default)]
    pub init_seed: Option<u64>,
    /// The same order of trials for all.
    #[serde(default)]
    pub data_seed: Option<u64>,
    /// The same noise for all.
    #[serde(default)]
    pub noise_seed: Option<u64>,
    /// Trials per step.
    #[serde(default = "defaults::batch")]
    pub batch: usize,
    /// Take the bank's first `batch` trials at every step: the whole grid of a variant, say.
    #[serde(default)]
    pub in_turn: bool,
    /// Where the trials of a step come from.
    #[serde(default)]
    pub data: Data,
    /// Step size, here or in `optimiser`.
    #[serde(default)]
    pub learning_rate: Option<OneOrMany<f64>>,
    /// Step size chosen for each population by pilots.
    #[serde(default)]
    pub tune: Option<TuneSpec>,
    /// Optimiser.
    #[serde(default)]
    pub optimiser: OptimiserSpec,
    /// How the step size changes along training.
    #[serde(default)]
    pub schedule: Schedule,
    /// Weight decay of the optimiser.
    #[serde(default)]
    pub weight_decay: Option<OneOrMany<f64>>,
    /// Largest global norm of a gradient.
    #[serde(default = "defaults::clip_norm")]
    pub clip_norm: f64,
    /// Largest entry of a gradient.
    #[serde(default)]
    pub clip_value: Option<f64>,
    /// Loss on the trials.
    #[serde(default)]
    pub loss: Loss,
    /// What is penalised besides.
    #[serde(default)]
    pub penalise: PenaliseSpec,
    /// What restricts the weights.
    #[serde(default)]
    pub constrain: ConstrainSpec,
    /// Initial weights.
    #[serde(default)]
    pub initial: Initial,
    /// How weights and step sizes depend on the number of units.
    #[serde(default)]
    pub scaling: ScalingSpec,
    /// What networks of different cells have in common.
    #[serde(default, rename = "match")]
    pub matched: Match,
    /// When a network is done.
    #[serde(default = "defaults::until")]
    pub until: Until,
    /// Steps after which training ends in any case.
    #[serde(default = "defaults::max_steps")]
    pub max_steps: u64,
    /// Steps between evaluations.
    #[serde(default = "defaults::eval_every")]
    pub eval_every: u64,
    /// Trials of the fixed evaluation bank.
    #[serde(default = "defaults::eval_trials")]
    pub eval_trials: usize,
    /// Variant of the task that is trained on.
    #[serde(default = "defaults::variant")]
    pub variant: String,
    /// Variants that come before it, each until its own loss is reached; every network goes at its own speed.
    #[serde(default)]
    pub curriculum: Vec<LessonSpec>,
    /// Trials in one generation of the trial bank.
    #[serde(default = "defaults::bank_trials")]
    pub bank_trials: usize,
    /// Standard deviation of the cell's noise.
    #[serde(default = "defaults::noise")]
    pub noise: OneOrMany<f64>,
    /// Standard deviation of the noise added to every input.
    #[serde(default)]
    pub input_noise: Option<OneOrMany<f64>>,
    /// How both kinds of noise change along training.
    #[serde(default)]
    pub noise_schedule: Schedule,
    /// Constants of the cell.
    #[serde(default)]
    pub constants: BTreeMap<String, OneOrMany<f64>>,
    /// Losses at which the weights are kept as well.
    #[serde(default)]
    pub snapshots: Vec<f64>,
    /// Whether the initial state is trained.
    #[serde(default)]
    pub train_initial_state: bool,
    /// Units that the last outputs of the task read as they are, so that their targets are those of the units' states.
    #[serde(default)]
    pub observe: Vec<usize>,
    /// Samples of the tangent kernels whose alignment before and after training goes into `networks.parquet`; 0 for none.
    #[serde(default)]
    pub ntk: usize,
    /// Teacher forcing.
    #[serde(default)]
    pub forcing: Option<ForcingSpec>,
}

/// A part of a curriculum.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct LessonSpec {
    /// Variant of the task.
    pub variant: String,
    /// Evaluation loss, on this variant, at which the next one begins.
    pub until: f64,
}

/// Where the trials of a step come from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub enum Data {
    /// A bank that all networks share, each in an order of its own; renewed so that a trial is seen about twice.
    #[default]
    Bank,
    /// A stream of trials of every network's own, by its data seed; each is seen once.
    Fresh,
}

/// When a network is done, besides `max_steps`.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub enum Until {
    /// Its evaluation loss is at most this.
    Loss(f64),
    /// Its evaluation loss is at most this share of the variance of the evaluation's targets.
    NormalisedError(f64),
    /// Its evaluation loss has been at most this at so many evaluations in a row.
    Held {
        /// Loss.
        loss: f64,
        /// Evaluations.
        evaluations: usize,
    },
    /// The share of evaluation trials in which the largest output at the last step that counts is the right one has a mean of at
    /// least this over the last evaluations.
    Accuracy {
        /// Share.
        at_least: f64,
        /// Evaluations.
        #[serde(default = "defaults::mean_of")]
        mean_of: usize,
    },
    /// Its evaluation loss is at most the median of the best losses of that group, which must not wait for another. In a
    /// part of a study (`--shard`) a group that is trained is trained whole for this, in every part: the median must not
    /// depend on how the study is cut.
    LossOf(String),
    /// Never before `max_steps`.
    Steps,
}

/// Networks trained elsewhere.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImportSpec {
    /// Name of the group.
    #[serde(default)]
    pub name: Option<String>,
    /// A `.safetensors` file, relative to the study file.
    pub file: String,
    /// The cell with their equations.
    pub cell: String,
    /// Activation.
    #[serde(default = "defaults::one_activation")]
    pub activation: String,
    /// Names and stacking of the tensors.
    #[serde(default = "defaults::layout")]
    pub layout: FileLayout,
    /// Constants of the cell.
    #[serde(default)]
    pub constants: BTreeMap<String, f64>,
}

/// Networks with their initial weights, as a null.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UntrainedSpec {
    /// Name of the group.
    #[serde(default)]
    pub name: Option<String>,
    /// Group whose architectures, constants and numbers of networks they have.
    pub like: String,
}

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

/// A sentence and the test that decides it.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ClaimSpec {
    /// The sentence.
    pub say: String,
    /// The number it is about.
    pub test: TestSpec,
    /// What the number should be.
    pub is: IsSpec,
}

/// The number a claim is about.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub enum TestSpec {
    /// Accuracy of naming a factor from the nearest neighbours in a distance.
    KnnAccuracy {
        /// Factor.
        of: String,
        /// Distance.
        by: String,
    },
    /// Share of pairs that agree between levels of a factor.
    Agreement {
        /// Factor.
        across: String,
        /// What agrees.
        by: String,
    },
    /// Share of time steps the graph explains.
    AutomatonFidelity,
    /// Trend of a quantity along a factor.
    Trend {
        /// Factor.
        along: String,
        /// Quantity.
        of: String,
    },
    /// Share of one group outside the spread of another.
    Outliers {
        /// Group.
        of: String,
        /// Reference.
        against: String,
        /// Distance; without one, the first of `measure`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by: Option<String>,
    },
}

/// What a number should be.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub enum IsSpec {
    /// Not below.
    AtLeast(f64),
    /// Not above.
    AtMost(f64),
    /// Falls.
    Falling,
    /// Rises.
    Rising,
}

/// Every default of a study file.
pub mod defaults {
    #![allow(
        missing_docs,
        reason = "each is the default of the field of the same name"
    )]
    use super::{FileLayout, OneOrMany, Until};
    use chiliad_engine::recipe::Part;

    pub const LEARNING_RATE: f64 = 0.01;

    pub fn activation() -> OneOrMany<String> {
        OneOrMany::One("tanh".into())
    }
    pub fn one_activation() -> String {
        "tanh".into()
    }
    pub fn layout() -> FileLayout {
        FileLayout::Chiliad
    }
    pub fn seeds() -> OneOrMany<u64> {
        OneOrMany::One(16)
    }
    pub fn batch() -> usize {
        64
    }
    pub fn beta1() -> f64 {
        0.9
    }
    pub fn beta2() -> f64 {
        0.999
    }
    pub fn epsilon() -> f64 {
        1e-8
    }
    pub fn rms_decay() -> f64 {
        0.99
    }
    pub fn yes() -> bool {
        true
    }
    pub fn alpha() -> f64 {
        0.8
    }
    pub fn hops() -> usize {
        6
    }
    pub fn ratio() -> OneOrMany<f64> {
        OneOrMany::One(4.0)
    }
    pub fn clip_norm() -> f64 {
        1.0
    }
    pub fn until() -> Until {
        Until::Loss(1e-3)
    }
    pub fn max_steps() -> u64 {
        2000
    }
    pub fn eval_every() -> u64 {
        25
    }
    pub fn eval_trials() -> usize {
        512
    }
    pub fn variant() -> String {
        "train".into()
    }
    pub fn bank_trials() -> usize {
        4096
    }
    pub fn noise() -> OneOrMany<f64> {
        OneOrMany::One(0.0)
    }
    pub fn directions() -> usize {
        64
    }
    pub fn amplitude() -> f64 {
        1e-3
    }
    pub fn judged() -> usize {
        256
    }
    pub fn grace() -> usize {
        3
    }
    pub fn weights() -> Vec<Part> {
        Part::WEIGHTS.to_vec()
    }
    pub fn mean_of() -> usize {
        5
    }
    pub fn anneal_every() -> u64 {
        5
    }
    pub fn anneal_keep() -> f64 {
        0.999
    }
    pub fn state_noise() -> Vec<f64> {
        vec![0.05, 0.1, 0.2]
    }
    pub fn silenced() -> Vec<f64> {
        vec![0.05, 0.1, 0.2]
    }
    pub fn draws() -> usize {
        8
    }
    pub fn pilots() -> u64 {
        3
    }
}
