//! A study with every default explicit and nothing left to decide: what `resolved.ron` holds.

use crate::error::{Result, StudyError};
use crate::fixed_points_plan::FixedPointsPlan;
use crate::folder::sha256;
use crate::recipe::{RecipePlan, Settings};
use crate::spec::{
    AttractorsSpec, BenchmarkSpec, ClaimSpec, CompareSpec, DistanceSpec, LessonSpec, LineariseSpec,
    LyapunovSpec, OutOfDistributionSpec, Until,
};
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
    /// Attractors, exponents and linear systems, those asked for.
    #[serde(default, skip_serializing_if = "DynamicsPlan::is_empty")]
    pub dynamics: DynamicsPlan,
    /// How networks are compared, if they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comparison: Option<ComparePlan>,
    /// Success, steps, robustness and cost, if asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub benchmark: Option<BenchmarkSpec>,
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

#[allow(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde asks for a reference"
)]
fn is_zero(n: &usize) -> bool {
    *n == 0
}

impl Study {
    /// Stages that every population goes through, in order; a population's own is `<stage>/<label>`.
    #[must_use]
    pub fn stages(&self) -> Vec<&'static str> {
        let mut names = vec!["train"];
        names.extend(self.fixed_points.as_ref().map(|_| "fixed_points"));
        names.extend(self.topology.as_ref().map(|_| "topology"));
        let measures = self.dynamics.measures().into_iter();
        names.extend(measures.map(DynamicsMeasure::name));
        names
    }

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
        for population in study.all_plans_mut() {
            if let Origin::Import { file, .. } = &mut population.origin {
                *file = PathBuf::new();
            }
            // A result, not a setting.
            population.tune(None);
        }
        Ok(sha256(study.to_ron()?.as_bytes()))
    }

    /// The same study with the step size of a population, and of what is trained beside it, chosen.
    pub fn choose(&mut self, population: usize, rate: f64) {
        if let Some(plan) = self.populations.get_mut(population) {
            plan.tune(Some(rate));
        }
        let beside = self.comparison.iter_mut();
        let beside = beside.flat_map(|c| c.twins.iter_mut().chain(&mut c.pilots));
        for companions in beside.filter(|c| c.of == population) {
            companions.plan.tune(Some(rate));
        }
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

    fn all_plans_mut(&mut self) -> impl Iterator<Item = &mut PopulationPlan> {
        let beside = self.comparison.iter_mut();
        let beside = beside.flat_map(|c| c.twins.iter_mut().chain(&mut c.pilots));
        self.populations
            .iter_mut()
            .chain(beside.map(|c| &mut c.plan))
    }

    /// Networks in all populations.
    #[must_use]
    pub fn n_networks(&self) -> usize {
        self.populations.iter().map(|p| p.networks.len()).sum()
    }
}

impl PopulationPlan {
    /// Sets the step size that pilots chose, if it is left to pilots; the first of those to be tried where there is none yet.
    fn tune(&mut self, chosen: Option<f64>) {
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
