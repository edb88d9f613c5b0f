//! A study with every default explicit and nothing left to decide: what `resolved.ron` holds.

use crate::error::{Result, StudyError};
use crate::folder::sha256;
use crate::recipe::{RecipePlan, Settings};
use crate::spec::{ClaimSpec, CompareSpec, DistanceSpec, OutOfDistributionSpec, Until};
use chiliad_analysis::distances::dsa::Tried;
use chiliad_engine::cell::Cell;
use chiliad_engine::files::FileLayout;
use chiliad_engine::files::header::CellText;
use chiliad_engine::population::Seeds;
use chiliad_tasks::{Task, Trials};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The order in which sums are taken; another order is another study.
pub const SUMMATION: &str =
    "blocks of 16 trials, time descending, fixed tree over blocks, 16-lane reductions";

/// A resolved study.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Study {
    /// Version of this record.
    pub format: u32,
    /// Title.
    pub title: String,
    /// Task.
    pub task: TaskPlan,
    /// Seed of what belongs to no network.
    pub seed: u64,
    /// Order of summation.
    pub summation: String,
    /// Populations, in the order of the study file.
    pub populations: Vec<PopulationPlan>,
    /// Search for fixed points, if asked for.
    pub fixed_points: Option<FixedPointsPlan>,
    /// Graphs of the fixed points, if asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub topology: Option<TopologyPlan>,
    /// How networks are compared, if they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comparison: Option<ComparePlan>,
    /// Claims.
    pub claims: Vec<ClaimSpec>,
}

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

/// Which task, held to its content.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TaskPlan {
    /// Name.
    pub name: String,
    /// File of the user's own, if it is no task of the library.
    pub file: Option<PathBuf>,
    /// Of the task's text or of the user's file.
    pub sha256: String,
}

/// All networks of one architecture and group.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PopulationPlan {
    /// Unique in the study; name of its folder.
    pub label: String,
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
}

/// How fixed points are sought.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FixedPointsPlan {
    /// Search seeds per network and condition.
    pub seeds: usize,
    /// Driven states.
    pub driven: usize,
    /// Steps that they get.
    pub driven_steps: u64,
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

impl Study {
    /// The text of `resolved.ron`.
    ///
    /// # Errors
    ///
    /// None that a study can cause.
    pub fn to_ron(&self) -> Result<String> {
        let pretty = ron::ser::PrettyConfig::new()
            .depth_limit(5)
            .compact_arrays(true);
        ron::ser::to_string_pretty(self, pretty)
            .map(|text| text + "\n")
            .map_err(|e| StudyError::Input(format!("resolved.ron: {e}")))
    }

    /// From the text of `resolved.ron`.
    ///
    /// # Errors
    ///
    /// [`StudyError::Damaged`] where it is none.
    pub fn from_ron(text: &str, file: &Path) -> Result<Self> {
        ron::from_str(text).map_err(|e| StudyError::Damaged {
            file: file.to_owned(),
            message: e.to_string(),
        })
    }

    /// A hash of everything that shapes the result: content of files, not where they lie, nor what is chosen on the way.
    ///
    /// # Errors
    ///
    /// Those of [`Study::to_ron`].
    pub fn identity(&self) -> Result<String> {
        let mut study = self.clone();
        study.task.file = study.task.file.map(|_| PathBuf::new());
        if let Some(plan) = &mut study.comparison {
            plan.chosen.clear();
        }
        for population in &mut study.populations {
            if let Origin::Import { file, .. } = &mut population.origin {
                *file = PathBuf::new();
            }
        }
        Ok(sha256(study.to_ron()?.as_bytes()))
    }

    /// Populations that are trained beside: twins, then pilots.
    pub fn companions(&self) -> impl Iterator<Item = &Companions> {
        let plans = self.comparison.iter();
        plans.flat_map(|plan| plan.twins.iter().chain(&plan.pilots))
    }

    /// Everything that is trained or read: populations, then companions.
    pub fn all_plans(&self) -> impl Iterator<Item = &PopulationPlan> {
        let beside = self.companions().map(|c| &c.plan);
        self.populations.iter().chain(beside)
    }

    /// Networks in all populations.
    #[must_use]
    pub fn n_networks(&self) -> usize {
        self.populations.iter().map(|p| p.networks.len()).sum()
    }
}

impl TaskPlan {
    /// The task, if its content is still what it was.
    ///
    /// # Errors
    ///
    /// [`StudyError::Damaged`] where a file has changed, and those of reading it.
    pub fn load(&self) -> Result<Task> {
        let (task, found) = match &self.file {
            None => {
                let task = Task::builtin(&self.name)?;
                let hash = sha256(task.ron.as_bytes());
                (task, hash)
            }
            Some(file) => (
                Task::find(&file.display().to_string())?,
                sha256(&std::fs::read(file).map_err(StudyError::read(file))?),
            ),
        };
        if found == self.sha256 {
            return Ok(task);
        }
        let file = self
            .file
            .clone()
            .unwrap_or_else(|| PathBuf::from(&self.name));
        Err(StudyError::Damaged { file, message: "the task is not the one this study began with; put it back, or run into another folder".into() })
    }
}

impl PopulationPlan {
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
        if self.variant == chiliad_tasks::task::TRAIN {
            return Ok(task.evaluation(self.eval_trials, seed)?);
        }
        // Another stream than any bank: its seed is the complement.
        Ok(task.sample(&self.variant, self.eval_trials, !seed)?)
    }
}
