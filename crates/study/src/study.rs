//! A study with every default explicit and nothing left to decide: what `resolved.ron` holds.

mod measures;
mod population;

pub use measures::{Chosen, Companions, ComparePlan, DynamicsMeasure, DynamicsPlan, TopologyPlan};
pub use population::{NetworkPlan, Origin, PopulationPlan, TrainPlan, TuningPlan};

use crate::error::{Result, StudyError};
use crate::fixed_points_plan::FixedPointsPlan;
use crate::folder::sha256;
use crate::spec::{BenchmarkSpec, ClaimSpec};
use chiliad_tasks::Task;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

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
