//! Passes over the whole trials of a block: forward and backward with the loss between them, or forward only.

use super::activity::{Activity, Moments};
use super::arena::{BLOCK, CHUNK};
use super::block::{Block, BlockTrials, add_rows};
use super::product::LANES;
use super::weights::Weights;
use crate::executor::forcing::Teacher;
use crate::recipe::Loss;
use chiliad_tasks::Trials;
use pulp::{Simd, WithSimd};

/// Fills the variates of noise source i at time t: `(t, i, [trial, padded unit])`.
pub(crate) type FillNoise<'a> = dyn Fn(usize, usize, &mut [f32]) + 'a;

/// Sees a block and its outputs `[trial, output]` after every step, `(t, block, outputs)`, and may change the states that the
/// next step begins with.
pub(crate) type Visit<'a> = dyn FnMut(usize, &mut Block, &[f32]) + 'a;

/// Forward and backward over all steps; the result is the sum of `mask (y - target)^2` over the block.
pub(crate) struct TrainPass<'a> {
    pub(crate) block: &'a mut Block,
    pub(crate) weights: &'a Weights,
    /// Zero on entry, the block's share of the gradient on exit.
    pub(crate) gradient: &'a mut Weights,
    pub(crate) trials: &'a BlockTrials,
    /// Where targets and mask of the block's trials lie, and which trials these are.
    pub(crate) bank: &'a Trials,
    pub(crate) picked: &'a [usize],
    /// What is minimised on the trials.
    pub(crate) loss: Loss,
    /// 1 / sum of the trials' weights over the whole batch.
    pub(crate) scale: f32,
    /// Penalties of activity.
    pub(crate) activity: Option<&'a mut Activity>,
    /// Fills the noise variates of a step; none without noise.
    pub(crate) noise: Option<&'a FillNoise<'a>>,
    /// Teacher forcing with its signal on these trials.
    pub(crate) forcing: Option<(&'a Teacher, &'a [f32])>,
}

impl WithSimd for TrainPass<'_> {
    type Output = f64;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> f64 {
        let Self {
            block,
            weights,
            gradient,
            trials,
            bank,
            picked,
            loss,
            scale,
            mut activity,
            noise,
            forcing,
        } = self;
        let n = BLOCK * block.architecture.outputs;
        let n_steps = trials.n_steps;
        let n_outputs = block.architecture.outputs;
        block.reset(weights);
        block.unforced = None;
        let mut outputs = std::mem::take(&mut block.outputs);
        outputs.resize(n_steps * n, 0.0);
        for t in 0..n_steps {
            draw(block, noise, t);
            block.forward(simd, weights, &trials.inputs, n_steps, t);
            block.readout(
                simd,
                weights,
                t,
                &mut outputs[t * n_outputs..],
                n_steps * n_outputs,
            );
            if let Some((teacher, signal)) = forcing {
                block.force(teacher, signal, n_steps, t);
            }
        }
        block.errors.resize(n_steps * n, 0.0);
        let loss = simd.vectorize(Errors {
            outputs: &outputs,
            bank,
            picked,
            loss,
            scale,
            errors: &mut block.errors,
            bias: &mut gradient.readout_bias,
        });
        block.outputs = outputs;
        for &array in &block.adjoint_previous {
            block.arena.at_mut(array, n_steps).fill(0.0);
        }
        for t in (0..n_steps).rev() {
            if let Some((teacher, _)) = forcing {
                block.unforce_adjoint(teacher, t);
                block.exchange_forced(t);
            }
            block.backward(
                simd,
                weights,
                gradient,
                trials,
                activity.as_deref_mut(),
                picked.len(),
                t,
            );
            block.exchange_forced(t);
            if t.is_multiple_of(CHUNK) {
                block.weight_gradients(simd, gradient, trials, t);
            }
        }
        for (f, &array) in block.adjoint_previous.iter().enumerate() {
            add_rows(block.arena.at(array, 0), &mut gradient.initial[f]);
        }
        loss
    }
}

/// Draws the variates of step t.
#[inline(always)]
fn draw(block: &mut Block, noise: Option<&FillNoise<'_>>, t: usize) {
    if let Some(fill) = noise {
        for i in 0..block.noise.len() {
            let array = block.noise[i];
            fill(t, i, block.arena.at_mut(array, t));
        }
    }
}

/// Forward only: adds the sums over trials and steps of what the readout sees, and of its products.
pub(crate) struct MomentsPass<'a> {
    pub(crate) block: &'a mut Block,
    pub(crate) weights: &'a Weights,
    pub(crate) trials: &'a BlockTrials,
    /// Trials of the block.
    pub(crate) live: usize,
    pub(crate) noise: Option<&'a FillNoise<'a>>,
    pub(crate) moments: &'a mut Moments,
}

impl WithSimd for MomentsPass<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        self.block.reset(self.weights);
        for t in 0..self.trials.n_steps {
            draw(self.block, self.noise, t);
            let n_steps = self.trials.n_steps;
            self.block
                .forward(simd, self.weights, &self.trials.inputs, n_steps, t);
            self.block.moments(simd, self.live, t, self.moments);
        }
    }
}

/// Loss of one block, dL/d(outputs) and the gradient of the readout's bias; targets and mask are read where they lie.
struct Errors<'a> {
    outputs: &'a [f32],
    bank: &'a Trials,
    picked: &'a [usize],
    loss: Loss,
    scale: f32,
    errors: &'a mut [f32],
    bias: &'a mut [f32],
}

impl WithSimd for Errors<'_> {
    type Output = f64;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> f64 {
        let n_outputs = self.bias.len();
        // Sums stay apart by position in a run of 16 x outputs values, which begins with output 0, until the end: whole
        // registers, and one order for all widths.
        let run = LANES * n_outputs.max(1);
        let (mut loss, mut bias) = (vec![0.0_f64; run], vec![0.0_f32; run]);
        let n = self.bank.n_steps * n_outputs;
        let (written, padding) = self.errors.split_at_mut(self.picked.len() * n);
        padding.fill(0.0);
        if self.loss == Loss::CrossEntropy {
            let mut error = vec![0.0; n_outputs];
            let mut sum = 0.0;
            for (slot, &trial) in self.picked.iter().enumerate() {
                for t in 0..self.bank.n_steps {
                    let (here, there) = (slot * n + t * n_outputs, trial * n + t * n_outputs);
                    sum += self.loss.step(
                        &self.outputs[here..][..n_outputs],
                        &self.bank.targets[there..][..n_outputs],
                        &self.bank.mask[there..][..n_outputs],
                        Some(&mut error),
                    );
                    for (o, e) in error.iter().enumerate() {
                        written[here + o] = (*e * f64::from(self.scale)) as f32;
                        self.bias[o] += written[here + o];
                    }
                }
            }
            return sum;
        }
        for ((&trial, y), errors) in self
            .picked
            .iter()
            .zip(self.outputs.chunks_exact(n.max(1)))
            .zip(written.chunks_exact_mut(n.max(1)))
        {
            let targets = &self.bank.targets[trial * n..][..n];
            let mask = &self.bank.mask[trial * n..][..n];
            for (((y, target), mask), errors) in y
                .chunks(run)
                .zip(targets.chunks(run))
                .zip(mask.chunks(run))
                .zip(errors.chunks_mut(run))
            {
                for ((((error, y), target), mask), (loss, bias)) in errors
                    .iter_mut()
                    .zip(y)
                    .zip(target)
                    .zip(mask)
                    .zip(loss.iter_mut().zip(bias.iter_mut()))
                {
                    let difference = y - target;
                    let weighted = mask * difference;
                    *error = 2.0 * weighted * self.scale;
                    *loss += f64::from(weighted) * f64::from(difference);
                    *bias += *error;
                }
            }
        }
        for row in bias.chunks_exact(n_outputs.max(1)) {
            self.bias.iter_mut().zip(row).for_each(|(b, e)| *b += e);
        }
        loss.iter().sum()
    }
}

/// Forward only, for trials without a backward pass; `visit` sees the block and its outputs after every step.
pub(crate) struct ForwardPass<'a> {
    pub(crate) block: &'a mut Block,
    pub(crate) weights: &'a Weights,
    pub(crate) inputs: &'a [f32],
    pub(crate) n_steps: usize,
    pub(crate) visit: &'a mut Visit<'a>,
}

impl WithSimd for ForwardPass<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self {
            block,
            weights,
            inputs,
            n_steps,
            visit,
        } = self;
        let n_outputs = block.architecture.outputs;
        let mut outputs = vec![0.0; BLOCK * n_outputs];
        block.reset(weights);
        for t in 0..n_steps {
            block.forward(simd, weights, inputs, n_steps, t);
            block.readout(simd, weights, t, &mut outputs, n_outputs);
            visit(t, block, &outputs);
        }
    }
}
