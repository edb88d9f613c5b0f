//! All networks of one architecture and group, and how they are trained.

use crate::error::Result;
use crate::recipe::{RecipePlan, Settings};
use crate::spec::{LessonSpec, Until};
use chiliad_engine::cell::Cell;
use chiliad_engine::files::FileLayout;
use chiliad_engine::files::header::CellText;
use chiliad_engine::population::Seeds;
use chiliad_tasks::{Task, Trials};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::sync::Arc;

/// All networks of one architecture and group.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PopulationPlan {
    /// Unique in the study; name of its folder.
    pub label: String,
    /// Path of its entry in the study file, for errors; empty where the plan is read back.
    #[serde(skip)]
    pub entry: String,
    /// Name of its group, if it has one.
    pub group: Option<String>,
    /// Cell.
    pub cell: CellText,
    /// Activation.
    pub activation: String,
    /// Units.
    pub units: usize,
    /// Input channels.
    pub inputs: usize,
    /// Output channels.
    pub outputs: usize,
    /// Names of the cell's constants.
    pub constants: Vec<String>,
    /// One per network.
    pub networks: Vec<NetworkPlan>,
    /// Where the weights come from.
    pub origin: Origin,
}

/// What belongs to one network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NetworkPlan {
    /// Seeds.
    pub seeds: Seeds,
    /// Step size.
    pub learning_rate: f64,
    /// Standard deviation of the noise.
    pub noise: f64,
    /// `[constant]`
    pub constants: Vec<f64>,
    /// What else may differ between networks.
    #[serde(default, skip_serializing_if = "Settings::is_empty")]
    pub settings: Settings,
}

/// Where weights come from.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Origin {
    /// Trained here.
    Train(TrainPlan),
    /// From a file.
    Import {
        /// The file.
        file: PathBuf,
        /// Of its content.
        sha256: String,
        /// Its layout.
        layout: FileLayout,
    },
    /// Initial weights.
    Untrained {
        /// Label of the population whose shape it has.
        like: String,
    },
}

/// How a population is trained.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainPlan {
    /// Variant of the task.
    pub variant: String,
    /// Variants that come before it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub curriculum: Vec<LessonSpec>,
    /// Trials per step.
    pub batch: usize,
    /// Trials per generation of the bank.
    pub bank_trials: usize,
    /// Optimiser, schedules, loss, penalties, restrictions, initial weights.
    pub recipe: Box<RecipePlan>,
    /// Largest global norm of a gradient.
    pub clip_norm: f64,
    /// Stop rule.
    pub until: Until,
    /// Step budget.
    pub max_steps: u64,
    /// Steps between evaluations.
    pub eval_every: u64,
    /// Trials of the evaluation bank.
    pub eval_trials: usize,
    /// Losses at which weights are kept.
    pub snapshots: Vec<f64>,
    /// Whether the initial state is trained.
    pub train_initial_state: bool,
    /// Samples of the tangent kernels, 0 for none.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub ntk: usize,
    /// How the step size is chosen, where it is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tuning: Option<TuningPlan>,
}

/// How the step size of a population is chosen before its networks are trained.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TuningPlan {
    /// Step sizes that are tried.
    pub rates: Vec<f64>,
    /// Seeds of the pilots, none of them a network's.
    pub seeds: Vec<u64>,
    /// The step size chosen; until there is one, the networks' is the first of those tried.
    pub chosen: Option<f64>,
}

#[allow(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde asks for a reference"
)]
fn is_zero(n: &usize) -> bool {
    *n == 0
}

impl PopulationPlan {
    /// Sets the step size that pilots chose, if it is left to pilots; the first of those to be tried where there is none yet.
    pub(super) fn tune(&mut self, chosen: Option<f64>) {
        let Origin::Train(train) = &mut self.origin else {
            return;
        };
        let Some(tuning) = &mut train.tuning else {
            return;
        };
        tuning.chosen = chosen;
        let first = tuning.rates.first().copied().unwrap_or_default();
        for network in &mut self.networks {
            network.learning_rate = chosen.unwrap_or(first);
        }
    }

    /// The cell, compiled.
    ///
    /// # Errors
    ///
    /// Those of the cell.
    pub fn compile(&self) -> Result<Arc<Cell>> {
        Ok(Arc::new(self.cell.compile(&self.activation)?))
    }

    /// Name of the cell.
    #[must_use]
    pub fn cell_name(&self) -> &str {
        match &self.cell {
            CellText::Library(name) | CellText::Own { name, .. } => name,
        }
    }
}

impl TrainPlan {
    /// The fixed trials that decide stop, best weights and snapshots.
    ///
    /// # Errors
    ///
    /// Those of [`Task::evaluation`].
    pub fn evaluation(&self, task: &Task, seed: u64) -> Result<Trials> {
        self.evaluation_of(&self.variant, task, seed)
    }

    /// The same of a variant of the curriculum.
    ///
    /// # Errors
    ///
    /// Those of [`Task::evaluation`].
    pub fn evaluation_of(&self, variant: &str, task: &Task, seed: u64) -> Result<Trials> {
        if variant == chiliad_tasks::task::TRAIN {
            return Ok(task.evaluation(self.eval_trials, seed)?);
        }
        // Another stream than any bank: its seed is the complement.
        Ok(task.sample(variant, self.eval_trials, !seed)?)
    }

    /// Losses at which one lesson ends and the next begins.
    #[must_use]
    pub fn lessons(&self) -> Vec<f32> {
        self.curriculum.iter().map(|l| l.until as f32).collect()
    }
}
