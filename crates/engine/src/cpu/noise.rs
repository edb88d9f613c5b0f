//! Noise of the native executor: one variate per (step, slot) and (time, unit, variate), the same words as in WGSL, so that no
//! draw depends on what ran before.

use super::product::LANES;
use crate::numerics::normal;
use chiliad_tasks::random::{Stream, threefry2x32_lanes};

/// Purpose word of the stream of noise variates.
const NOISE: u32 = 0x101;

/// Counter of the first input channel: the cell's variates lie below.
const INPUT_VARIATE: u32 = 0x8000_0000;

/// Noise of one batch.
pub(crate) struct BatchNoise {
    pub(crate) seed: u64,
    pub(crate) step: u64,
    /// Standard deviation of the cell's variates.
    pub(crate) sd: f32,
    /// Standard deviation of what is added to the inputs.
    pub(crate) input_sd: f32,
}

impl BatchNoise {
    /// Stream of one trial: `slot` counts within the batch.
    pub(crate) fn of_slot(&self, slot: usize) -> Stream {
        Stream::new(self.seed, NOISE).child(self.step as u32, slot as u32)
    }

    /// Adds noise to the inputs of one trial, `[time][channel + 1]`, the last channel being the bias's.
    pub(crate) fn add_to_inputs(&self, slot: usize, rows: &mut [f32], channels: usize) {
        let stream = self.of_slot(slot);
        for (t, row) in rows.chunks_exact_mut(channels + 1).enumerate() {
            for (c, x) in row[..channels].iter_mut().enumerate() {
                let variate = normal(stream.words(t as u32, INPUT_VARIATE + c as u32));
                *x = self.input_sd.mul_add(variate, *x);
            }
        }
    }
}

/// The variates of one trial and time: unit u has those at the counter `[time, u stride + first]`.
pub(crate) struct Variates<'a> {
    pub(crate) key: [u32; 2],
    pub(crate) time: u32,
    pub(crate) first: u32,
    pub(crate) stride: u32,
    pub(crate) sd: f32,
    pub(crate) to: &'a mut [f32],
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
