//! Everything one thread needs to train one network: gather a batch, its gradient, Adam.

use super::arena::BLOCK;
use super::block::{Block, BlockTrials};
use super::level::Level;
use super::passes::{FillNoise, ForwardPass, TrainPass};
use super::product::LANES;
use super::weights::Weights;
use crate::executor::TrainOptions;
use crate::population::{Architecture, Layout, Role};
use chiliad_tasks::random::Stream;
use chiliad_tasks::{Trials, pick};
use std::sync::Arc;

/// Purpose word of the stream of noise variates.
const NOISE: u32 = 0x101;

/// A thread's storage for one architecture, batch size and trial length.
#[derive(Debug)]
pub(crate) struct Worker {
    level: Level,
    layout: Arc<Layout>,
    block: Block,
    weights: Weights,
    gradients: Vec<Weights>,
    trials: BlockTrials,
    /// Flat gradient of the last batch.
    pub(crate) gradient: Vec<f32>,
}

/// Sees every block after every step: `(first trial, t, block, outputs [trial, output])`.
pub(crate) type VisitTrials<'a> = dyn FnMut(usize, usize, &Block, &[f32]) + 'a;

/// Noise of one batch.
pub(crate) struct BatchNoise {
    pub(crate) seed: u64,
    pub(crate) step: u64,
    pub(crate) sd: f32,
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

    /// Masked mean-squared error and gradient (in `self.gradient`) of the loaded network on some trials.
    pub(crate) fn loss_and_gradient(
        &mut self,
        bank: &Trials,
        mask_sums: &[f64],
        picked: &[usize],
        noise: Option<&BatchNoise>,
    ) -> f64 {
        let total: f64 = picked.iter().map(|&i| mask_sums[i]).sum();
        let scale = if total > 0.0 { 1.0 / total } else { 0.0 };
        let (width, units) = (self.block.width, self.block.architecture.units);
        let mut loss = 0.0;
        for (b, trials) in picked.chunks(BLOCK).enumerate() {
            gather(&mut self.trials, bank, trials);
            let gradient = &mut self.gradients[b];
            gradient.clear();
            let n_noise = self.block.noise.len();
            let fill = noise.map(|n| {
                let stream = Stream::new(n.seed, NOISE);
                move |t: usize, i: usize, values: &mut [f32]| {
                    for (trial, row) in values.chunks_exact_mut(width).enumerate() {
                        // One variate per (step, slot) and (time, unit, variate), the same words as in WGSL: no draw
                        // depends on what ran before.
                        let slot = stream.child(n.step as u32, (b * BLOCK + trial) as u32);
                        for (unit, value) in row.iter_mut().enumerate().take(units) {
                            *value = n.sd * slot.normal_at(t as u32, (unit * n_noise + i) as u32);
                        }
                    }
                }
            });
            let pass = TrainPass {
                block: &mut self.block,
                weights: &self.weights,
                gradient,
                trials: &self.trials,
                bank,
                picked: trials,
                scale: scale as f32,
                noise: fill.as_ref().map(|f| f as &FillNoise<'_>),
            };
            loss += self.level.dispatch(pass);
        }
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
        loss * scale
    }

    /// One optimiser step of the loaded network; `false` where loss or gradient is not finite (nothing is changed then).
    pub(crate) fn adam(
        &mut self,
        options: &TrainOptions,
        network: usize,
        step: u64,
        loss: f64,
        [params, first, second]: [&mut [f32]; 3],
    ) -> bool {
        if !options.train_initial_state {
            for tensor in self
                .layout
                .tensors
                .iter()
                .filter(|t| matches!(t.role, Role::InitialState(_)))
            {
                self.gradient[tensor.range()].fill(0.0);
            }
        }
        let norm = global_norm(&self.gradient);
        if !(loss.is_finite() && norm.is_finite()) {
            return false;
        }
        let update = Adam {
            scale: if norm > f64::from(options.clip_norm) {
                (f64::from(options.clip_norm) / norm) as f32
            } else {
                1.0
            },
            rate: options.learning_rate[network],
            options,
            // Bias corrections in f64: 1 - beta2^t loses half its digits in f32 at the first steps.
            correction1: (1.0 / (1.0 - f64::from(options.beta1).powi(step as i32 + 1))) as f32,
            correction2: (1.0 / (1.0 - f64::from(options.beta2).powi(step as i32 + 1))) as f32,
            gradient: &self.gradient,
            params,
            first,
            second,
        };
        self.level.dispatch(update);
        true
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

/// Trials of a batch.
pub(crate) fn batch(data_seed: u64, step: u64, size: usize, bank_trials: usize) -> Vec<usize> {
    (0..size as u32)
        .map(|slot| pick(data_seed, step, slot, bank_trials as u32) as usize)
        .collect()
}

fn global_norm(gradient: &[f32]) -> f64 {
    let mut sums = [0.0_f64; LANES];
    let chunks = gradient.chunks_exact(LANES);
    let rest = chunks.remainder();
    for chunk in chunks {
        for (sum, value) in sums.iter_mut().zip(chunk) {
            *sum += f64::from(*value) * f64::from(*value);
        }
    }
    let mut total: f64 = rest.iter().map(|v| f64::from(*v) * f64::from(*v)).sum();
    for sum in sums {
        total += sum;
    }
    total.sqrt()
}

struct Adam<'a> {
    scale: f32,
    rate: f32,
    options: &'a TrainOptions,
    correction1: f32,
    correction2: f32,
    gradient: &'a [f32],
    params: &'a mut [f32],
    first: &'a mut [f32],
    second: &'a mut [f32],
}

impl pulp::WithSimd for Adam<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: pulp::Simd>(self, _: S) {
        let (b1, b2) = (self.options.beta1, self.options.beta2);
        for (((p, m), v), g) in self
            .params
            .iter_mut()
            .zip(self.first)
            .zip(self.second)
            .zip(self.gradient)
        {
            let g = g * self.scale;
            *m = b1.mul_add(*m, (1.0 - b1) * g);
            *v = b2.mul_add(*v, (1.0 - b2) * (g * g));
            *p -= self.rate * (*m * self.correction1)
                / ((*v * self.correction2).sqrt() + self.options.epsilon);
        }
    }
}
