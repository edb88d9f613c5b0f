//! Everything one thread needs to train one network: gather a batch, its gradient, an optimiser step.

use super::activity::{Activity, Moments};
use super::arena::BLOCK;
use super::block::{Block, BlockTrials};
use super::level::Level;
use super::passes::{FillNoise, ForwardPass, MomentsPass, TrainPass};
use super::product::LANES;
use super::weights::Weights;
use crate::executor::TrainOptions;
use crate::numerics::normal;
use crate::population::{Architecture, Layout, Role};
use crate::recipe::{Loss, Regulariser, Update};
use chiliad_tasks::random::{Stream, threefry2x32_lanes};
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
    /// First parameter of the initial state, which lies last.
    initial_state: usize,
    /// Flat gradient of the last batch.
    pub(crate) gradient: Vec<f32>,
}

/// Sees every block after every step: `(first trial, t, block, outputs [trial, output])`.
pub(crate) type VisitTrials<'a> = dyn FnMut(usize, usize, &Block, &[f32]) + 'a;

/// Noise of one batch.
pub(crate) struct BatchNoise {
    pub(crate) seed: u64,
    pub(crate) step: u64,
    /// Standard deviation of the cell's variates.
    pub(crate) sd: f32,
    /// Standard deviation of what is added to the inputs.
    pub(crate) input_sd: f32,
}

/// Counter of the first input channel: the cell's variates lie below.
const INPUT_VARIATE: u32 = 0x8000_0000;

/// The variates of one trial and time: unit u has those at the counter `[time, u stride + first]`.
struct Variates<'a> {
    key: [u32; 2],
    time: u32,
    first: u32,
    stride: u32,
    sd: f32,
    to: &'a mut [f32],
}

impl pulp::WithSimd for Variates<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: pulp::Simd>(self, _: S) {
        for (chunk, values) in self.to.chunks_mut(LANES).enumerate() {
            let unit = |l: usize| (chunk * LANES + l) as u32;
            let counters = [
                [self.time; LANES],
                std::array::from_fn(|l| unit(l) * self.stride + self.first),
            ];
            let [a, b] = threefry2x32_lanes(self.key, counters);
            let mut normals = [0.0; LANES];
            for l in 0..LANES {
                normals[l] = self.sd * normal([a[l], b[l]]);
            }
            values.copy_from_slice(&normals[..values.len()]);
        }
    }
}

/// What is minimised for one network.
pub(crate) struct Objective<'a> {
    pub(crate) network: usize,
    /// Weights as used, `[parameter]`.
    pub(crate) weights: &'a [f32],
    pub(crate) loss: Loss,
    pub(crate) regularisers: &'a [Regulariser],
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
            let stream = Stream::new(noise.seed, NOISE);
            // One variate per (step, slot) and (time, unit, variate), the same words as in WGSL: no draw depends on what
            // ran before.
            let slot = |i: usize| stream.child(noise.step as u32, (b * BLOCK + i) as u32);
            if noise.input_sd > 0.0 {
                let channels = bank.n_inputs + 1;
                let rows = self.trials.inputs.chunks_exact_mut(bank.n_steps * channels);
                for (i, rows) in rows.enumerate().take(trials.len()) {
                    let slot = slot(i);
                    for (t, row) in rows.chunks_exact_mut(channels).enumerate() {
                        for (c, x) in row[..channels - 1].iter_mut().enumerate() {
                            let variate = normal(slot.words(t as u32, INPUT_VARIATE + c as u32));
                            *x = noise.input_sd.mul_add(variate, *x);
                        }
                    }
                }
            }
            let level = self.level;
            let fill = move |t: usize, i: usize, values: &mut [f32]| {
                for (trial, row) in values.chunks_exact_mut(width).enumerate() {
                    level.dispatch(Variates {
                        key: slot(trial).key(),
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

    /// One optimiser step of the loaded network from `self.gradient`; `false` where loss or gradient is not finite (nothing
    /// is changed then). `params` are as trained.
    pub(crate) fn optimise(
        &mut self,
        options: &TrainOptions,
        network: usize,
        (step, rate_factor): (u64, f32),
        loss: f64,
        [params, first, second]: [&mut [f32]; 3],
    ) -> bool {
        if let Some(constraint) = &options.constraint {
            constraint.adjoint(network, params, &mut self.gradient);
        }
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
        if !(loss.is_finite() && global_norm(&self.gradient).is_finite()) {
            return false;
        }
        if options.clip_value.is_finite() {
            let most = options.clip_value;
            self.gradient
                .iter_mut()
                .for_each(|g| *g = g.clamp(-most, most));
        }
        let decay = TrainOptions::of(&options.weight_decay, network);
        // Weight decay would move what is not trained.
        let frozen: Vec<(usize, f32)> = if decay > 0.0 {
            let still = |p: &usize| {
                options
                    .constraint
                    .as_ref()
                    .is_some_and(|c| c.is_frozen(network, *p))
                    || (!options.train_initial_state && *p >= self.initial_state)
            };
            (0..params.len())
                .filter(still)
                .map(|p| (p, params[p]))
                .collect()
        } else {
            Vec::new()
        };
        let norm = global_norm(&self.gradient);
        let rate = options.learning_rate[network] * options.schedule.at(step) as f32 * rate_factor;
        let step = Step {
            scale: if norm > f64::from(options.clip_norm) {
                (f64::from(options.clip_norm) / norm) as f32
            } else {
                1.0
            },
            rate,
            decay,
            update: options.optimiser.update(step),
            gradient: &self.gradient,
            params: &mut *params,
            first,
            second,
        };
        self.level.dispatch(step);
        for (p, value) in frozen {
            params[p] = value;
        }
        for r in &options.regularisers {
            let threshold = f64::from(rate) * f64::from(r.strength[network]);
            r.penalty.proximal(&self.layout, params, threshold);
        }
        if let Some(constraint) = &options.constraint {
            constraint.project(network, params);
        }
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

/// One optimiser step, [`Update`] applied to every parameter.
struct Step<'a> {
    scale: f32,
    rate: f32,
    decay: f32,
    update: Update,
    gradient: &'a [f32],
    params: &'a mut [f32],
    first: &'a mut [f32],
    second: &'a mut [f32],
}

impl pulp::WithSimd for Step<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: pulp::Simd>(self, _: S) {
        let u = self.update;
        let (coupled, beside) = if u.decoupled {
            (0.0, self.rate * self.decay)
        } else {
            (self.decay, 0.0)
        };
        for (((p, m), v), g) in self
            .params
            .iter_mut()
            .zip(self.first)
            .zip(self.second)
            .zip(self.gradient)
        {
            let g = coupled.mul_add(*p, g * self.scale);
            *m = u.decay1.mul_add(*m, u.gain1 * g);
            *v = u.decay2.mul_add(*v, u.gain2 * (g * g));
            let moved = self.rate * (*m * u.scale1);
            let moved = if u.adaptive {
                moved / ((*v * u.scale2).sqrt() + u.epsilon)
            } else {
                moved
            };
            *p -= beside.mul_add(*p, moved);
        }
    }
}
