//! What this machine can do at most: fused multiply-adds on registers, on all threads.

use super::CpuExecutor;
use pulp::{Simd, WithSimd};
use rayon::prelude::*;
use std::time::Instant;

struct Burn(usize);

impl WithSimd for Burn {
    type Output = f32;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> f32 {
        // Ten independent chains hide the latency of two units of four cycles.
        let mut acc = [simd.splat_f32s(1.0); 10];
        let mut factor = simd.splat_f32s(0.999_999);
        let b = simd.splat_f32s(1e-6);
        for round in 0..self.0 {
            // Now and then the factor is hidden from the compiler, which would else solve the recurrence.
            if round % 64 == 0 {
                factor = std::hint::black_box(factor);
            }
            for x in &mut acc {
                *x = simd.mul_add_f32s(*x, factor, b);
            }
        }
        acc.iter().map(|&x| simd.reduce_sum_f32s(x)).sum()
    }
}

struct Lanes;

impl WithSimd for Lanes {
    type Output = usize;

    fn with_simd<S: Simd>(self, _: S) -> usize {
        S::F32_LANES
    }
}

/// Measured peak of f32 multiply-adds of this executor's threads, in GFLOP/s (2 operations each): the best of eight
/// rounds, about 0.1 s in all, because a shared machine can only be too slow.
pub fn peak_gflops(executor: &CpuExecutor) -> f64 {
    const STEPS: usize = 300_000;
    let threads = executor.threads();
    let lanes = executor.level.dispatch(Lanes);
    let round = || {
        let start = Instant::now();
        let burn = |_| executor.level.dispatch(Burn(STEPS));
        let sum: f32 = executor.install(|| (0..threads).into_par_iter().map(burn).sum());
        let seconds = start.elapsed().as_secs_f64();
        // The result is used, so the loop cannot be optimised away.
        let done = if sum.is_finite() {
            threads * STEPS * 10
        } else {
            0
        };
        2.0 * (done * lanes) as f64 / seconds / 1e9
    };
    (0..8).map(|_| round()).fold(0.0, f64::max)
}
