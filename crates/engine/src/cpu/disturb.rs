//! Noise in the states of finished networks: how a loss stands up to it, whatever the cell.

use super::arena::BLOCK;
use super::block::Block;
use super::noise::Variates;
use super::{CpuExecutor, Level};
use crate::error::EngineError;
use crate::population::Population;
use crate::recipe::Loss;
use chiliad_tasks::Trials;
use chiliad_tasks::random::Stream;

/// Purpose word of the stream of this noise.
const STATE_NOISE: u32 = 0x470;

/// White noise added to every state field of every unit after each step, once the outputs of the step have been read.
#[derive(Clone, Debug, PartialEq)]
pub struct StateNoise {
    /// Seed; two networks with the same deviations get the same variates.
    pub seed: u64,
    /// Standard deviation, `[network][state field]`.
    pub sd: Vec<Vec<f32>>,
}

impl CpuExecutor {
    /// Loss of every network on trials in which its states are disturbed. `[network]`
    ///
    /// # Errors
    ///
    /// [`EngineError::Shape`] where trials or deviations do not fit the networks.
    pub fn losses_under(
        &self,
        population: &Population,
        loss: Loss,
        trials: &Trials,
        noise: &StateNoise,
    ) -> Result<Vec<f32>, EngineError> {
        let fields = population.architecture.cell.states.len();
        let refuse = |what: &str, found: usize, expected: usize| EngineError::Shape {
            operation: "disturbed evaluation",
            what: what.into(),
            found: found.to_string(),
            expected: expected.to_string(),
        };
        if noise.sd.len() != population.n_networks {
            let (found, expected) = (noise.sd.len(), population.n_networks);
            return Err(refuse("networks with deviations", found, expected));
        }
        if let Some(sd) = noise.sd.iter().find(|sd| sd.len() != fields) {
            return Err(refuse("deviations of state fields", sd.len(), fields));
        }
        let stream = Stream::new(noise.seed, STATE_NOISE);
        let (units, level) = (population.architecture.units, self.level);
        self.evaluate(population, loss, trials, &|n, first, t, block| {
            block.disturb(level, &stream, &noise.sd[n], units, (first, t));
        })
    }
}

impl Block {
    /// Adds noise to the states after step t: trial i of the block has the stream of trial `first + i`.
    fn disturb(
        &mut self,
        level: Level,
        stream: &Stream,
        sd: &[f32],
        units: usize,
        (first, t): (usize, usize),
    ) {
        let (width, fields) = (self.width, sd.len());
        let mut variates = vec![0.0; units];
        for (f, &sd) in sd.iter().enumerate() {
            let array = self.states[f];
            let rows = self.arena.at_mut(array, t + 1).chunks_exact_mut(width);
            for (trial, row) in rows.enumerate().take(BLOCK) {
                level.dispatch(Variates {
                    key: stream.child((first + trial) as u32, 0).key(),
                    time: t as u32,
                    first: f as u32,
                    stride: fields as u32,
                    sd,
                    to: &mut variates,
                });
                row.iter_mut().zip(&variates).for_each(|(s, v)| *s += v);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cell::Cell;
    use crate::population::{Architecture, Role, Seeds, initialise::initialise};
    use std::sync::Arc;

    /// A unit that only remembers, with noise of deviation s: after t steps its variance is t s^2, so that the mean square of
    /// the outputs of T steps is s^2 (T - 1) / 2; noise comes after the output.
    #[test]
    fn a_unit_that_remembers_walks_at_random() {
        let architecture = Architecture {
            cell: Arc::new(Cell::builtin("vanilla", "identity").unwrap()),
            units: 1,
            inputs: 1,
            outputs: 1,
        };
        let mut networks = initialise(&architecture, &[Seeds::all(1), Seeds::all(2)]);
        let layout = Arc::clone(&networks.layout);
        for params in networks.params.chunks_exact_mut(layout.n_params) {
            params.fill(0.0);
            for role in [Role::Recurrent(0, 0), Role::Readout] {
                params[layout.find(role).unwrap().offset] = 1.0;
            }
        }
        let (n, steps, sd) = (2000, 21, 0.3_f32);
        let trials = Trials {
            n_steps: steps,
            n_trials: n,
            n_inputs: 1,
            n_outputs: 1,
            inputs: vec![0.0; n * steps],
            targets: vec![0.0; n * steps],
            mask: vec![1.0; n * steps],
            condition: vec![0; n],
        };
        let cpu = CpuExecutor::new(Some(2)).unwrap();
        let noise = |sd: [f32; 2]| StateNoise {
            seed: 3,
            sd: sd.map(|s| vec![s]).to_vec(),
        };
        let losses = |sd| {
            let noise = noise(sd);
            cpu.losses_under(&networks, Loss::MaskedMean, &trials, &noise)
        };
        let found = losses([0.0, sd]).unwrap();
        let expected = f64::from(sd).powi(2) * (steps - 1) as f64 / 2.0;
        assert_eq!(found[0], 0.0);
        // The mean square of 2,000 walks of 20 steps has a relative standard error of 2.6 %.
        assert!(
            (f64::from(found[1]) / expected - 1.0).abs() < 0.08,
            "{found:?}"
        );
        // The same variates for every network with that deviation, whatever ran beside it.
        assert_eq!(losses([sd, sd]).unwrap()[0], found[1]);
        let few = StateNoise {
            seed: 3,
            sd: vec![vec![sd]],
        };
        assert!(
            cpu.losses_under(&networks, Loss::MaskedMean, &trials, &few)
                .is_err()
        );
    }
}
