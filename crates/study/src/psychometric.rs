//! Psychometric curves of networks on new trials of a decision task.

use crate::engine_calls::roll_out;
use crate::error::Result;
use chiliad_analysis::psychometric::{Point, choices, curve};
use chiliad_engine::executor::Executor;
use chiliad_engine::population::Population;
use chiliad_tasks::{Task, Trials};

/// Trials of a variant, with the evidence that speaks for the first alternative in each.
#[derive(Debug)]
pub struct Decisions {
    /// The trials.
    pub trials: Trials,
    /// Evidence, in the task's own units. `[trial]`
    pub evidence: Vec<f64>,
}

impl Decisions {
    /// `n` trials of a variant; none where the task names no `evidence`.
    ///
    /// # Errors
    ///
    /// Those of [`Task::sample`].
    pub fn sample(task: &Task, variant: &str, n: usize, seed: u64) -> Result<Option<Self>> {
        let evidence = (0..n).map(|k| task.evidence(variant, k, seed));
        let Some(evidence) = evidence.collect::<std::result::Result<Option<Vec<f64>>, _>>()? else {
            return Ok(None);
        };
        let trials = task.sample(variant, n, seed)?;
        Ok(Some(Self { trials, evidence }))
    }

    /// The curve of every network of a population that reads and answers these trials. `[network][point]`
    ///
    /// # Errors
    ///
    /// Those of the executor.
    pub fn curves(
        &self,
        executor: &dyn Executor,
        population: &Population,
    ) -> Result<Vec<Vec<Point>>> {
        let trials = &self.trials;
        // One network at a time: all states of all networks on a whole grid would not fit in memory.
        let one = |network: usize| {
            let one = population.select(&[network]);
            let rolled = roll_out(
                executor,
                &one,
                &trials.inputs,
                trials.n_trials,
                trials.n_steps,
            )?;
            Ok(curve(&self.evidence, &choices(trials, &rolled.outputs)))
        };
        (0..population.n_networks).map(one).collect()
    }
}
