//! How often networks decide rightly.

use super::Trained;
use crate::error::EngineError;
use crate::executor::{Executor, TrainOptions};
use crate::population::Population;
use chiliad_tasks::Trials;

/// Networks whose states are held at once.
const TOGETHER: usize = 8;

/// Share of trials in which the largest output at the last step that counts is the one that should be largest. `[network]`
pub(super) fn accuracy(
    executor: &dyn Executor,
    population: &Population,
    trained: &Trained,
    options: &TrainOptions,
    trials: &Trials,
) -> Result<Vec<f32>, EngineError> {
    let mut now = population.clone();
    let effective = options.effective(&trained.optimiser.params);
    now.params.copy_from_slice(&effective);
    let all: Vec<usize> = (0..now.n_networks).collect();
    let mut found = Vec::with_capacity(all.len());
    for some in all.chunks(TOGETHER) {
        let part = now.select(some);
        let run = executor.roll_out(&part, &trials.inputs, trials.n_trials, trials.n_steps)?;
        let size = trials.n_trials * trials.n_steps * trials.n_outputs;
        found.extend(
            run.outputs
                .chunks_exact(size.max(1))
                .map(|y| decided(y, trials)),
        );
    }
    Ok(found)
}

/// The same of one network's outputs, `[trial, time, output]`.
fn decided(outputs: &[f32], trials: &Trials) -> f32 {
    let (steps, n) = (trials.n_steps, trials.n_outputs);
    let largest = |row: &[f32]| {
        let order = |a: &(usize, &f32), b: &(usize, &f32)| a.1.total_cmp(b.1);
        row.iter().enumerate().max_by(order).map(|m| m.0)
    };
    let right = |trial: &usize| {
        let at = |t: usize| (trial * steps + t) * n;
        let counts = |t: &usize| trials.mask[at(*t)..][..n].iter().any(|m| *m > 0.0);
        (0..steps).rev().find(counts).is_some_and(|t| {
            largest(&outputs[at(t)..][..n]) == largest(&trials.targets[at(t)..][..n])
        })
    };
    let count = (0..trials.n_trials).filter(right).count();
    count as f32 / trials.n_trials.max(1) as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accuracy_is_of_the_last_step_that_counts() {
        let trials = Trials {
            n_trials: 2,
            n_steps: 2,
            n_inputs: 0,
            n_outputs: 2,
            inputs: Vec::new(),
            targets: vec![1.0, 0.0, 0.0, 1.0, 0.0, 1.0, 1.0, 0.0],
            mask: vec![1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 0.0, 0.0],
            condition: vec![0, 0],
        };
        // Right at the end of the first; the last step of the second does not count, and the one before is wrong.
        assert_eq!(
            decided(&[0.0, 1.0, 0.2, 0.7, 0.9, 0.1, 0.9, 0.1], &trials),
            0.5
        );
    }
}
