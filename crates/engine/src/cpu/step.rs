//! Everything one thread needs to train one network: gather a batch, its gradient; `optimise` makes a step of it.

use super::activity::{Activity, Moments};
use super::arena::BLOCK;
use super::block::{Block, BlockTrials};
use super::level::Level;
use super::noise::{BatchNoise, Variates};
use super::passes::{FillNoise, ForwardPass, MomentsPass, TrainPass};
use super::weights::Weights;
use crate::executor::forcing::Teacher;
use crate::population::{Architecture, Layout, Role};
use crate::recipe::{Loss, Regulariser};
use chiliad_tasks::Trials;
use std::sync::Arc;

/// A thread's storage for one architecture, batch size and trial length.
#[derive(Debug)]
pub(crate) struct Worker {
    pub(super) level: Level,
    pub(super) layout: Arc<Layout>,
    block: Block,
    weights: Weights,
    gradients: Vec<Weights>,
    trials: BlockTrials,
    /// First parameter of the initial state, which lies last.
    pub(super) initial_state: usize,
    /// Flat gradient of the last batch.
    pub(crate) gradient: Vec<f32>,
}

/// Sees every block after every step, `(first trial, t, block, outputs [trial, output])`, and may change its states.
pub(crate) type VisitTrials<'a> = dyn FnMut(usize, usize, &mut Block, &[f32]) + 'a;

/// What is minimised for one network.
pub(crate) struct Objective<'a> {
    pub(crate) network: usize,
    /// Weights as used, `[parameter]`.
    pub(crate) weights: &'a [f32],
    pub(crate) loss: Loss,
    pub(crate) regularisers: &'a [Regulariser],
    pub(crate) teacher: Option<Teacher>,
}

impl Worker {
    /// Storage for batches of `batch` trials of `n_steps` steps.
    pub(crate) fn new(
        architecture: &Architecture,
        layout: &Arc<Layout>,
        level: Level,
        batch: usize,
        n_steps: usize,
    ) -> Self {
        let n_blocks = batch.div_ceil(BLOCK);
        Self {
            level,
            layout: Arc::clone(layout),
            block: Block::new(architecture, n_steps),
            weights: Weights::zeros(architecture),
            gradients: vec![Weights::gradient(architecture); n_blocks],
            trials: BlockTrials::default(),
            initial_state: layout
                .find(Role::InitialState(0))
                .map_or(layout.n_params, |t| t.offset),
            gradient: vec![0.0; layout.n_params],
        }
    }

    /// Bytes of this storage once it has run over `n_steps` steps.
    pub(crate) fn bytes(&self, n_steps: usize) -> usize {
        let architecture = &self.block.architecture;
        let (inputs, outputs) = (architecture.inputs + 1, architecture.outputs);
        let arena: usize = self
            .block
            .arena
            .storage
            .iter()
            .map(|lines| lines.len())
            .sum();
        let weights = self.weights.len() + self.gradients.iter().map(Weights::len).sum::<usize>();
        // A block's inputs, its outputs and their errors.
        let trials = BLOCK * n_steps * (inputs + 2 * outputs);
        size_of::<f32>() * (arena + weights + trials + self.gradient.len())
    }

    /// Loads one network.
    pub(crate) fn load(&mut self, params: &[f32], constants: &[f32]) {
        self.weights.pack(&self.layout, params, self.block.width);
        self.block.set_network(&self.weights, constants);
    }

    /// Loss on some trials, penalties, and the gradient of their sum by the weights (in `self.gradient`) of the loaded network;
    /// `divisors` are [`Loss::weights`] of the bank.
    pub(crate) fn loss_and_gradient(
        &mut self,
        objective: &Objective<'_>,
        bank: &Trials,
        divisors: &[f64],
        picked: &[usize],
        noise: Option<&BatchNoise>,
    ) -> [f64; 2] {
        let total: f64 = picked.iter().map(|&i| divisors[i]).sum();
        let scale = if total > 0.0 { 1.0 / total } else { 0.0 };
        let (width, units) = (self.block.width, self.block.architecture.units);
        let values = picked.len() * bank.n_steps * units;
        let mut activity = Activity::of(objective.regularisers, objective.network, values);
        if activity.as_ref().is_some_and(Activity::wants_moments) {
            let mut moments = Moments::zeros(units);
            self.blocks(bank, picked, noise, |worker, _, trials, fill| {
                let pass = MomentsPass {
                    block: &mut worker.block,
                    weights: &worker.weights,
                    trials: &worker.trials,
                    live: trials.len(),
                    noise: fill,
                    moments: &mut moments,
                };
                worker.level.dispatch(pass);
            });
            if let Some(activity) = &mut activity {
                activity.set_moments(&moments, units);
            }
        }
        let mut loss = 0.0;
        self.blocks(bank, picked, noise, |worker, b, trials, fill| {
            let gradient = &mut worker.gradients[b];
            gradient.clear();
            let signal = objective.teacher.as_ref().map(|of| of.signal(bank, trials));
            let pass = TrainPass {
                block: &mut worker.block,
                weights: &worker.weights,
                gradient,
                trials: &worker.trials,
                bank,
                picked: trials,
                loss: objective.loss,
                scale: scale as f32,
                activity: activity.as_mut(),
                noise: fill,
                forcing: objective.teacher.as_ref().zip(signal.as_deref()),
            };
            loss += worker.level.dispatch(pass);
        });
        // Binary tree over blocks.
        let n_blocks = picked.len().div_ceil(BLOCK);
        let mut gap = 1;
        while gap < n_blocks {
            for i in (0..n_blocks - gap).step_by(2 * gap) {
                let (left, right) = self.gradients.split_at_mut(i + gap);
                left[i].add(&right[0]);
            }
            gap *= 2;
        }
        self.gradients[0].unpack(&self.layout, &mut self.gradient, width);
        let mut penalties = activity.map_or(0.0, |a| a.value);
        for r in objective.regularisers {
            let strength = f64::from(r.strength[objective.network]);
            if strength > 0.0 {
                let (layout, gradient) = (&self.layout, &mut self.gradient);
                let value = r
                    .penalty
                    .of_weights(layout, objective.weights, strength, gradient);
                penalties += strength * value;
            }
        }
        [loss * scale, penalties]
    }

    /// Gathers the trials of every block, with noise in their inputs, and calls `work` with block and trials.
    fn blocks(
        &mut self,
        bank: &Trials,
        picked: &[usize],
        noise: Option<&BatchNoise>,
        mut work: impl FnMut(&mut Self, usize, &[usize], Option<&FillNoise<'_>>),
    ) {
        let (width, units) = (self.block.width, self.block.architecture.units);
        let n_noise = self.block.noise.len();
        for (b, trials) in picked.chunks(BLOCK).enumerate() {
            gather(&mut self.trials, bank, trials);
            let Some(noise) = noise else {
                work(self, b, trials, None);
                continue;
            };
            if noise.input_sd > 0.0 {
                let size = bank.n_steps * (bank.n_inputs + 1);
                let rows = self.trials.inputs.chunks_exact_mut(size);
                for (i, rows) in rows.enumerate().take(trials.len()) {
                    noise.add_to_inputs(b * BLOCK + i, rows, bank.n_inputs);
                }
            }
            let level = self.level;
            let fill = move |t: usize, i: usize, values: &mut [f32]| {
                for (trial, row) in values.chunks_exact_mut(width).enumerate() {
                    level.dispatch(Variates {
                        key: noise.of_slot(b * BLOCK + trial).key(),
                        time: t as u32,
                        first: i as u32,
                        stride: n_noise as u32,
                        sd: noise.sd,
                        to: &mut row[..units],
                    });
                }
            };
            let fill = (noise.sd > 0.0 && n_noise > 0).then_some(&fill as &FillNoise<'_>);
            work(self, b, trials, fill);
        }
    }

    /// Runs the loaded network forward over some trials, block by block.
    pub(crate) fn forward(
        &mut self,
        n_steps: usize,
        trials: &[usize],
        fill: &dyn Fn(&mut Vec<f32>, &[usize]),
        visit: &mut VisitTrials<'_>,
    ) {
        for (b, block_trials) in trials.chunks(BLOCK).enumerate() {
            fill(&mut self.trials.inputs, block_trials);
            let pass = ForwardPass {
                block: &mut self.block,
                weights: &self.weights,
                inputs: &self.trials.inputs,
                n_steps,
                visit: &mut |t, block, outputs| visit(b * BLOCK, t, block, outputs),
            };
            self.level.dispatch(pass);
        }
    }
}

/// `[trial][time][channel + 1]` inputs of one block, the last channel 1, zero trials in the padding.
pub(crate) fn gather_inputs(
    to: &mut Vec<f32>,
    inputs: &[f32],
    n_steps: usize,
    channels: usize,
    trials: &[usize],
) {
    to.resize(BLOCK * n_steps * (channels + 1), 0.0);
    for (slot, rows) in to.chunks_exact_mut(n_steps * (channels + 1)).enumerate() {
        let Some(&trial) = trials.get(slot) else {
            rows.fill(0.0);
            continue;
        };
        let from = &inputs[trial * n_steps * channels..][..n_steps * channels];
        if channels == 0 {
            rows.fill(1.0);
            continue;
        }
        for (row, x) in rows
            .chunks_exact_mut(channels + 1)
            .zip(from.chunks_exact(channels))
        {
            for (a, b) in row.iter_mut().zip(x) {
                *a = *b;
            }
            row[channels] = 1.0;
        }
    }
}

fn gather(to: &mut BlockTrials, bank: &Trials, trials: &[usize]) {
    gather_inputs(
        &mut to.inputs,
        &bank.inputs,
        bank.n_steps,
        bank.n_inputs,
        trials,
    );
    to.n_steps = bank.n_steps;
}
