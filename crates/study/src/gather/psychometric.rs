//! How often the networks of a study decide for the first alternative, by the evidence for it.

use crate::error::Result;
use crate::manifest::StudyFolder;
use crate::psychometric::Decisions;
use crate::report::data::Decision;
use crate::study::PopulationPlan;
use chiliad_engine::executor::Executor;
use chiliad_engine::files::own;
use chiliad_tasks::Task;

/// Trials where no variant is a grid.
const TRIALS: usize = 512;
/// Variants that hold every condition once, the one looked for first first.
const GRIDS: [&str; 2] = ["grid", "analysis"];

/// New trials of a decision task: a whole grid of conditions where it has one, else training trials.
pub(super) fn decisions(task: &Task, seed: u64) -> Result<Option<Decisions>> {
    for variant in GRIDS {
        if !task.variants().any(|v| v == variant) {
            continue;
        }
        if let Some(n) = task.grid_size(variant)? {
            return Decisions::sample(task, variant, n, seed);
        }
    }
    Decisions::sample(task, chiliad_tasks::task::TRAIN, TRIALS, seed)
}

/// Curves of a population's networks. `[network][point]`
pub(super) fn of_population(
    folder: &StudyFolder,
    executor: &dyn Executor,
    plan: &PopulationPlan,
    decisions: &Decisions,
) -> Result<Vec<Vec<Decision>>> {
    let weights = format!("populations/{}/weights.safetensors", plan.label);
    folder.read(&weights)?;
    let population = own::load(&folder.root.join(&weights))?;
    let curves = decisions.curves(executor, &population)?;
    let point = |p: &chiliad_analysis::psychometric::Point| Decision {
        evidence: p.evidence,
        first: p.first.count as f64 / p.first.n.max(1) as f64,
        trials: p.first.n,
    };
    let row = |points: &Vec<_>| points.iter().map(point).collect();
    Ok(curves.iter().map(row).collect())
}
