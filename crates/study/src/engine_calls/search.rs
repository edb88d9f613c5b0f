//! Driven trials, and the search for fixed points.

use crate::error::Result;
use crate::fixed_points_plan::FixedPointsPlan;
use chiliad_engine::executor::Executor;
use chiliad_engine::fixed_points::{self, FixedPoints, Visited};
use chiliad_engine::population::Population;
use chiliad_tasks::{Condition, Task, Trials};
use rayon::prelude::*;

/// Trials that drive the networks are sampled with a seed of their own.
const DRIVEN: u64 = 0x6472_6976_656e;

/// Trials whose states seed a study's searches and are driven on.
///
/// # Errors
///
/// Those of the task.
pub fn driven_trials(task: &Task, plan: &FixedPointsPlan, seed: u64) -> Result<Trials> {
    trials_of(task, plan.driven, seed)
}

/// Such trials, at most `n` of them.
///
/// # Errors
///
/// Those of the task.
pub fn trials_of(task: &Task, n: usize, seed: u64) -> Result<Trials> {
    let variant = chiliad_tasks::task::TRAIN;
    let all = task.grid_size(variant)?.unwrap_or(usize::MAX);
    Ok(task.sample(variant, n.min(all), seed ^ DRIVEN)?)
}

/// What a search needs beyond the population.
pub struct Search<'a> {
    /// Lengths and numbers.
    pub plan: &'a FixedPointsPlan,
    /// Constant inputs.
    pub conditions: &'a [Condition],
    /// Trials whose states seed the search and are driven on; none for a search without them.
    pub trials: Option<&'a Trials>,
    /// Seeds of the user's own, `[field, unit]` each.
    pub own_seeds: Vec<Vec<f64>>,
    /// Seed of the study.
    pub seed: u64,
}

/// First-round seeds of every network after the executor's descent; none where it leaves them to Newton.
fn descend<'a>(
    executor: &dyn Executor,
    population: &Population,
    input: &[f32],
    condition: u32,
    visited: &dyn Fn(usize) -> Visited<'a>,
    options: &fixed_points::Options,
) -> Result<Option<Vec<Vec<f32>>>> {
    let (mut seeds, mut n_seeds) = (Vec::new(), 0);
    for n in 0..population.n_networks {
        let (own, count) =
            fixed_points::first_seeds(population, n, input, condition, &visited(n), options)?;
        (n_seeds, seeds) = (count, [seeds, own].concat());
    }
    let per_network = seeds.len() / population.n_networks.max(1);
    let ends = executor.descend(population, input, &seeds, n_seeds)?;
    Ok(ends.map(|e| {
        e.chunks_exact(per_network.max(1))
            .map(<[f32]>::to_vec)
            .collect()
    }))
}

/// Every network's fixed points under every condition, network by network; `done` is told how many networks are finished.
///
/// # Errors
///
/// Those of roll-out and search.
pub fn fixed_points(
    executor: &dyn Executor,
    population: &Population,
    search: &Search<'_>,
    done: &mut dyn FnMut(usize),
) -> Result<Vec<Vec<FixedPoints>>> {
    let options = search.plan.options(
        search.trials.map_or(64.0, |t| t.n_steps as f64),
        search.seed,
        search.own_seeds.clone(),
    );
    let mut all = Vec::with_capacity(population.n_networks);
    // Few networks at a time: their trajectories are held while they are searched.
    let together = 2 * rayon::current_num_threads();
    for first in (0..population.n_networks).step_by(together) {
        let chosen: Vec<usize> = (first..population.n_networks.min(first + together)).collect();
        let part = population.select(&chosen);
        let trajectories = search
            .trials
            .map(|t| executor.roll_out(&part, &t.inputs, t.n_trials, t.n_steps))
            .transpose()?;
        let visited = |n: usize| {
            let all = trajectories.as_ref();
            all.map_or_else(Visited::none, |t| Visited::of(t, n))
        };
        let mut found: Vec<Vec<FixedPoints>> = vec![Vec::new(); part.n_networks];
        for (c, condition) in search.conditions.iter().enumerate() {
            let (input, c) = (&condition.input, c as u32);
            let descended = descend(executor, &part, input, c, &visited, &options)?;
            let one = |n: usize| {
                let from = descended.as_ref().map(|d| d[n].as_slice());
                fixed_points::find_from(&part, n, input, c, &visited(n), &options, from)
            };
            let points: std::result::Result<Vec<FixedPoints>, _> =
                (0..part.n_networks).into_par_iter().map(one).collect();
            for (all, one) in found.iter_mut().zip(points?) {
                all.push(one);
            }
        }
        all.extend(found);
        done(all.len());
    }
    Ok(all)
}
