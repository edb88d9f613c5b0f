//! Where the networks of a study come from: trained, imported, or left as they begin.

use super::{
    ConstrainSpec, ForcingSpec, Match, OneOrMany, OptimiserSpec, PenaliseSpec, ScalingSpec,
    TuneSpec, defaults,
};
use chiliad_engine::files::FileLayout;
use chiliad_engine::population::initialise::Initial;
use chiliad_engine::recipe::{Loss, Schedule};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

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
