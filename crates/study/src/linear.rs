//! Linear systems at the points of a population, and the slow sets they form: figures, arrays and tables.

mod describe;
mod tables;

pub use describe::{Description, Row};
pub use tables::{arrays, points, slow_sets};

use crate::engine_calls;
use crate::error::Result;
use crate::known_points::KnownPoints;
use crate::spec::LineariseSpec;
use chiliad_analysis::linearised::removal;
use chiliad_analysis::slow_set;
use chiliad_engine::error::EngineError;
use chiliad_engine::executor::{Executor, Trajectories};
use chiliad_engine::population::Population;
use chiliad_tasks::Trials;
use rayon::prelude::*;
use serde_json::{Value, json};

/// What is asked of every network.
pub struct LinearPlan {
    /// Mode removal.
    pub removal: removal::Options,
    /// Slow sets.
    pub slow_set: slow_set::Options,
    /// Time constant of a slow mode, in steps.
    pub slow: f64,
    /// Speed per step of a slow state, as a share of the state scale.
    pub slow_speed: f64,
    /// Steps before a visited state is looked at.
    pub relax: usize,
    /// Modes whose vectors are kept.
    pub modes: usize,
}

impl LinearPlan {
    /// Of a study file's words, for trials of `n_steps` steps where they leave something open.
    #[must_use]
    pub fn of(spec: &LineariseSpec, n_steps: usize, modes: usize) -> Self {
        let trial_length = spec.trial_length.unwrap_or(n_steps);
        Self {
            removal: removal::Options {
                horizon: spec.horizon,
                growth_max: spec.growth_max,
                normalisation: spec.normalise,
            },
            slow_set: slow_set::Options {
                persistence: spec.persistence,
                trial_length,
                ..slow_set::Options::default()
            },
            slow: spec.slow.unwrap_or(trial_length as f64 / 10.0),
            slow_speed: spec.slow_speed,
            relax: spec.relax.unwrap_or(2 * trial_length),
            modes,
        }
    }

    /// All constants, as in `result.json`.
    #[must_use]
    pub fn options(&self) -> Value {
        json!({
            "horizon": self.removal.horizon, "growth_max": self.removal.growth_max,
            "normalisation": self.removal.normalisation,
            "slow": self.slow, "relax": self.relax, "slow_speed": self.slow_speed,
            "trial_length": self.slow_set.trial_length,
            "landmarks": self.slow_set.landmarks, "neighbours": self.slow_set.neighbours,
            "variance": self.slow_set.variance, "persistence": self.slow_set.persistence,
            "persistence_ratio": self.slow_set.persistence_ratio,
        })
    }
}

/// Every network at every constant input of which points are known; `indices` are the numbers by which `known` calls the
/// networks, and `done` is told how many are finished.
///
/// # Errors
///
/// Those of roll-out and map.
pub fn linearise(
    executor: &dyn Executor,
    population: &Population,
    indices: &[usize],
    known: &[KnownPoints],
    trials: Option<&Trials>,
    plan: &LinearPlan,
    done: &mut dyn FnMut(usize),
) -> Result<Vec<Vec<Description>>> {
    let mut described = Vec::with_capacity(indices.len());
    let all: Vec<usize> = (0..population.n_networks.min(indices.len())).collect();
    // Few networks at a time: their trajectories are held while they are described.
    for part in all.chunks(2 * rayon::current_num_threads()) {
        let rolled: Option<Trajectories> = trials
            .map(|t| {
                let some = population.select(part);
                engine_calls::roll_out(executor, &some, &t.inputs, t.n_trials, t.n_steps)
            })
            .transpose()?;
        let one = |(row, &place): (usize, &usize)| {
            known
                .iter()
                .filter(|k| k.network == indices[place])
                .map(|k| plan.describe(population, place, k, rolled.as_ref().map(|t| (t, row))))
                .collect()
        };
        let some: std::result::Result<Vec<Vec<Description>>, EngineError> =
            part.par_iter().enumerate().map(one).collect();
        described.extend(some?);
        done(described.len());
    }
    Ok(described)
}

/// `networks` of `result.json`.
#[must_use]
pub fn networks(indices: &[usize], described: &[Vec<Description>]) -> Vec<Value> {
    let one = |(network, conditions): (&usize, &Vec<Description>)| {
        let values: Vec<&Value> = conditions.iter().map(|d| &d.value).collect();
        json!({"network": network, "conditions": values})
    };
    indices.iter().zip(described).map(one).collect()
}
