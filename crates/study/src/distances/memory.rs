//! What the comparison of so many networks will hold at once, before anything is done.

use super::fits::RANKS;
use crate::error::{Result, StudyError};
use crate::spec::{DistanceSpec, OrAuto};
use crate::study::{ComparePlan, Study};
use chiliad_analysis::distances::Pairs;
use chiliad_tasks::Task;
use serde::Serialize;

/// An upper bound.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Needed {
    /// Networks, all of them taken to converge.
    pub networks: usize,
    /// Pairs of each measure.
    pub pairs: usize,
    /// Bytes of the prepared parts of all networks, of the measure that takes most.
    pub prepared: usize,
    /// That measure.
    pub largest: String,
    /// Bytes of the figures of all pairs and measures, and of the matrices made of them.
    pub figures: usize,
}

/// Of a study's comparison.
///
/// # Errors
///
/// Those of the task.
pub fn needed(study: &Study, task: &Task, plan: &ComparePlan) -> Result<Needed> {
    let probe = super::seen::probe(task, plan, study.seed)?;
    let networks = study.n_networks();
    let moments = probe.n_trials * probe.n_steps;
    let units = study.populations.iter().map(|p| p.units).max().unwrap_or(0);
    let units = if plan.how.all_states {
        2 * units
    } else {
        units
    };
    let outputs = study
        .populations
        .iter()
        .map(|p| p.outputs)
        .max()
        .unwrap_or(0);
    let of = |d: &DistanceSpec| -> (usize, usize) {
        let (values, columns) = match d {
            DistanceSpec::Svcca(s) => (moments * s.components.unwrap_or(units), 1),
            DistanceSpec::Cka(_) | DistanceSpec::Procrustes(_) => (moments * units, 2),
            DistanceSpec::Rsa(_) => (moments * moments / 2, 1),
            DistanceSpec::Trajectories(p) => (moments * p.components, 3),
            DistanceSpec::Endpoints(p) => (probe.n_trials * p.components, 1),
            DistanceSpec::Selectivity(r) => (units * r.dimensions, 2),
            DistanceSpec::Configuration(r) => (128 * r.dimensions, 2),
            // The operator, its bases and its parts.
            DistanceSpec::Dsa(d) => {
                let settings = 1 + d.neighbouring.as_ref().map_or(2, Vec::len);
                let rank = largest(d.rank);
                (10 * rank * rank, 5 * settings)
            }
            DistanceSpec::DmdWasserstein(f) => (2 * largest(f.rank), 3),
            DistanceSpec::WeightPermutation(_) => (units * units + 4 * units, 8),
            DistanceSpec::OutputDistance(_) => (moments * outputs, 2),
        };
        (8 * networks * values, columns)
    };
    let sizes = plan.distances.iter().map(|d| (of(d).0, d.name()));
    let (prepared, largest) = sizes.max().unwrap_or((0, "none"));
    let topology = if study.topology.is_some() { 5 } else { 0 };
    let columns = topology + plan.distances.iter().map(|d| of(d).1).sum::<usize>();
    let pairs = Pairs::of(networks).pairs;
    Ok(Needed {
        networks,
        pairs,
        prepared,
        largest: largest.into(),
        // A few matrices are held at once: distances, untrained ones, losses, one in the making.
        figures: 8 * (pairs * columns + 4 * networks * networks),
    })
}

/// Refuses a study whose comparison needs more than it may hold.
///
/// # Errors
///
/// [`StudyError::Input`] with the measure, its size and what would help, and those of the task.
pub fn check(study: &Study, task: &Task) -> Result<()> {
    let Some(plan) = &study.comparison else {
        return Ok(());
    };
    let needed = needed(study, task, plan)?;
    let gigabytes = (needed.prepared + needed.figures) as f64 / 1e9;
    if gigabytes <= plan.how.memory_gb {
        return Ok(());
    }
    Err(StudyError::Input(format!(
        "compare.memory_gb: {} allowed, {gigabytes:.2} needed for {} networks, {} of it prepared for `{}`; allowed: a larger bound, fewer `compare.trials`, fewer networks, or without that measure",
        plan.how.memory_gb,
        needed.networks,
        format_args!("{:.2}", needed.prepared as f64 / 1e9),
        needed.largest
    )))
}

/// The rank, or the largest that may be chosen.
fn largest(rank: OrAuto) -> usize {
    rank.number()
        .unwrap_or(RANKS.into_iter().max().unwrap_or(0))
}
