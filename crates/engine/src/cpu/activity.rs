//! Penalties of activity inside the backward pass: what they add to the adjoint of what the readout sees, and their value.

use super::lines::Lines;
use super::product::padded;
use crate::recipe::{Penalty, Regulariser};
use faer::Mat;

/// Penalties of activity of one network on one batch.
#[derive(Debug, Default)]
pub(crate) struct Activity {
    /// Strength over the number of values, per `y^2`.
    rate: f64,
    /// (cap, strength over the number of values).
    caps: Vec<(f32, f64)>,
    /// Strength of the effective dimension.
    dimension: f64,
    /// `dP/dy = (y - mean) G`: G `[unit][padded unit]` and `mean G`.
    pub(super) slope: Option<(Lines, Vec<f32>)>,
    /// Sum of all penalties so far.
    pub(crate) value: f64,
}

/// Sums over trials and steps.
#[derive(Debug)]
pub(crate) struct Moments {
    /// Of the values, `[padded unit]`.
    pub(super) first: Lines,
    /// Of their products, `[unit][padded unit]`.
    pub(super) second: Lines,
    pub(super) count: usize,
}

impl Moments {
    pub(crate) fn zeros(units: usize) -> Self {
        Self {
            first: Lines::zeros(padded(units)),
            second: Lines::zeros(units * padded(units)),
            count: 0,
        }
    }
}

impl Activity {
    /// Of one network, for batches with this many values (trials x steps x units); `None` where nothing is penalised.
    pub(crate) fn of(regularisers: &[Regulariser], network: usize, values: usize) -> Option<Self> {
        let mut activity = Self::default();
        let mut any = false;
        for r in regularisers {
            let strength = f64::from(r.strength[network]);
            if strength == 0.0 {
                continue;
            }
            any |= r.penalty.is_of_activity();
            match r.penalty {
                Penalty::Rate => activity.rate += strength / values as f64,
                Penalty::RateCap { cap } => activity.caps.push((cap, strength / values as f64)),
                Penalty::EffectiveDimension => activity.dimension += strength,
                _ => {}
            }
        }
        any.then_some(activity)
    }

    /// Whether the moments of the whole batch are wanted before any block goes backward.
    pub(crate) fn wants_moments(&self) -> bool {
        self.dimension != 0.0
    }

    /// Value and slope of the effective dimension `(tr C)^2 / tr C^2`.
    pub(crate) fn set_moments(&mut self, moments: &Moments, units: usize) {
        let width = padded(units);
        let count = moments.count.max(1) as f64;
        let mean: Vec<f64> = (0..units)
            .map(|i| f64::from(moments.first[i]) / count)
            .collect();
        let c = Mat::from_fn(units, units, |i, j| {
            f64::from(moments.second[i * width + j]) / count - mean[i] * mean[j]
        });
        let trace: f64 = (0..units).map(|i| c[(i, i)]).sum();
        let squares = c.norm_l2().powi(2);
        // No activity, no dimension.
        if squares <= 0.0 || !squares.is_finite() {
            self.slope = None;
            return;
        }
        self.value += self.dimension * trace * trace / squares;
        // dP/dC = 2 tr C / tr C^2 I - 2 (tr C)^2 / (tr C^2)^2 C, and dC = 2 (y - mean) dy / count.
        let (one, two) = (
            2.0 * trace / squares,
            2.0 * trace * trace / (squares * squares),
        );
        let mut g = Lines::zeros(units * width);
        let mut offset = vec![0.0; width];
        for i in 0..units {
            for j in 0..units {
                let by = f64::from(u8::from(i == j)) * one - two * c[(i, j)];
                let by = self.dimension * 2.0 / count * by;
                g[i * width + j] = by as f32;
                offset[j] += (mean[i] * by) as f32;
            }
        }
        self.slope = Some((g, offset));
    }

    /// Adds the slopes of the pointwise penalties at `seen` to `adjoint`, both `[trial][padded unit]`, and their value.
    #[inline(always)]
    pub(super) fn add(&mut self, seen: &[f32], adjoint: &mut [f32], units: usize, width: usize) {
        for (y, by) in seen
            .chunks_exact(width)
            .zip(adjoint.chunks_exact_mut(width))
        {
            let (y, by) = (&y[..units], &mut by[..units]);
            if self.rate != 0.0 {
                let slope = (2.0 * self.rate) as f32;
                let mut sum = 0.0;
                for (y, by) in y.iter().zip(by.iter_mut()) {
                    *by += slope * y;
                    sum += y * y;
                }
                self.value += self.rate * f64::from(sum);
            }
            for &(cap, strength) in &self.caps {
                for (y, by) in y.iter().zip(by.iter_mut()) {
                    let excess = y.abs() - cap;
                    if excess > 0.0 {
                        *by += (2.0 * strength) as f32 * excess * y.signum();
                        self.value += strength * f64::from(excess).powi(2);
                    }
                }
            }
        }
        if let Some((_, offset)) = &self.slope {
            for by in adjoint.chunks_exact_mut(width) {
                by.iter_mut().zip(offset).for_each(|(b, o)| *b -= o);
            }
        }
    }
}
