//! What forces one network: its signal on some trials, and how far states are moved to it.

use crate::executor::TrainOptions;
use crate::population::{Architecture, Layout, Population, Role};
use crate::recipe::Share;
use chiliad_tasks::Trials;
use faer::Mat;

/// What forces one network.
#[derive(Clone, Debug)]
pub(crate) struct Teacher {
    pub(crate) share: Share,
    /// State field that the readout sees.
    pub(crate) field: usize,
    /// Units that are forced.
    pub(crate) units: Vec<usize>,
    signal: Signal,
}

/// From targets to the units that are forced.
#[derive(Clone, Debug)]
enum Signal {
    /// Unit k is what output `first + k` should be.
    Outputs { first: usize },
    /// `W_out^+ (s - b_out)`, `[unit][output]`.
    Inverse { inverse: Mat<f64>, bias: Vec<f64> },
}

impl Teacher {
    /// For a network with these weights: the units in `observed` are read by the last outputs as they are; where there are none,
    /// the readout is inverted. `None` for cells whose readout sees no state field.
    pub(crate) fn new(
        architecture: &Architecture,
        layout: &Layout,
        (weights, constants): (&[f32], &[f32]),
        observed: &[usize],
        share: Share,
    ) -> Option<Self> {
        let field = architecture.cell.plain_output()?;
        if !observed.is_empty() {
            return Some(Self {
                share,
                field,
                units: observed.to_vec(),
                signal: Signal::Outputs {
                    first: architecture.outputs.checked_sub(observed.len())?,
                },
            });
        }
        let (n, outputs) = (architecture.carrying(constants), architecture.outputs);
        let w_out = &weights[layout.find(Role::Readout)?.range()];
        let bias = layout
            .find(Role::ReadoutBias)
            .map_or(vec![0.0; outputs], |t| {
                weights[t.range()].iter().map(|b| f64::from(*b)).collect()
            });
        let matrix = Mat::from_fn(outputs, n, |o, u| {
            f64::from(w_out[o * architecture.units + u])
        });
        Some(Self {
            share,
            field,
            units: (0..n).collect(),
            signal: Signal::Inverse {
                inverse: matrix.thin_svd().ok()?.pseudoinverse(),
                bias,
            },
        })
    }

    /// The signal on some trials, `[trial][time][forced unit]`.
    pub(crate) fn signal(&self, bank: &Trials, trials: &[usize]) -> Vec<f32> {
        let (steps, outputs) = (bank.n_steps, bank.n_outputs);
        let mut signal = Vec::with_capacity(trials.len() * steps * self.units.len());
        for &trial in trials {
            for target in bank.targets[trial * steps * outputs..][..steps * outputs]
                .chunks_exact(outputs.max(1))
            {
                match &self.signal {
                    Signal::Outputs { first } => signal.extend(&target[*first..]),
                    Signal::Inverse { inverse, bias } => {
                        signal.extend((0..self.units.len()).map(|u| {
                            let terms = target.iter().zip(bias).enumerate();
                            terms
                                .map(|(o, (s, b))| inverse[(u, o)] * (f64::from(*s) - b))
                                .sum::<f64>() as f32
                        }));
                    }
                }
            }
        }
        signal
    }
}

impl TrainOptions {
    /// What forces a network, `alpha` being where an annealed one is now.
    pub(crate) fn teacher(
        &self,
        population: &Population,
        network: usize,
        weights: &[f32],
        alpha: Option<f32>,
    ) -> Option<Teacher> {
        let share = self.forcing.as_ref()?.share(network, alpha);
        Teacher::new(
            &population.architecture,
            &population.layout,
            (weights, population.network_constants(network)),
            &self.observed,
            share,
        )
    }

    /// Moves a network's annealed alpha to where it is at a training step, if an estimate is due: from the norm of Jacobians of
    /// the network with these weights on the trials of that step.
    pub(crate) fn anneal(
        &self,
        (population, network): (&Population, usize),
        weights: &[f32],
        (bank, step): (&Trials, u64),
        alpha: &mut f32,
    ) {
        let Some(forcing) = &self.forcing else {
            return;
        };
        forcing.anneal(step, alpha, |norm| {
            let picked = self.order.pick(
                (network, population.n_networks),
                population.seeds[network].data,
                step,
                self.batch,
                bank.n_trials,
            );
            let of = (weights, population.network_constants(network));
            let teacher = self.teacher(population, network, weights, None)?;
            let norm = teacher.norm(norm, &population.architecture, of, bank, &picked);
            Some((1.0 - 1.0 / norm.ok()?).max(0.0) as f32)
        });
    }
}
