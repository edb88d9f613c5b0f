//! Figures of recurrent weights that training is judged by: how far they moved, and their rank.

use super::{Population, Role};
use faer::Mat;

/// Singular values below this share of the largest count as zero: weights are f32 (project default).
const NEGLIGIBLE: f64 = 1e-6;

impl Population {
    /// `|W - W_0|_F / |W_0|_F` over all recurrent weights of every network, W_0 being those of `before`; NaN where there are
    /// none. `[network]`
    pub fn recurrent_change(&self, before: &Self) -> Vec<f64> {
        let change = |n: usize| {
            let (now, then) = (self.network(n), before.network(n));
            let (mut moved, mut size) = (0.0_f64, 0.0_f64);
            for tensor in self.layout.tensors.iter() {
                if matches!(tensor.role, Role::Recurrent(..)) {
                    for (a, b) in now[tensor.range()].iter().zip(&then[tensor.range()]) {
                        moved += (f64::from(*a) - f64::from(*b)).powi(2);
                        size += f64::from(*b).powi(2);
                    }
                }
            }
            (moved / size).sqrt()
        };
        (0..self.n_networks.min(before.n_networks))
            .map(change)
            .collect()
    }

    /// The largest rank among the recurrent matrices of every network: singular values above 1e-6 of the largest. `[network]`
    pub fn recurrent_rank(&self) -> Vec<usize> {
        let units = self.architecture.units;
        let rank = |values: &[f32]| {
            let w = Mat::from_fn(units, units, |i, j| f64::from(values[i * units + j]));
            let Ok(svd) = w.svd() else { return 0 };
            let s = svd.S().column_vector();
            (0..units)
                .filter(|k| s[*k] > NEGLIGIBLE * s[0] && s[*k] > 0.0)
                .count()
        };
        (0..self.n_networks)
            .map(|n| {
                let recurrent = self.layout.tensors.iter();
                recurrent
                    .filter(|t| matches!(t.role, Role::Recurrent(..)))
                    .map(|t| rank(&self.network(n)[t.range()]))
                    .max()
                    .unwrap_or(0)
            })
            .collect()
    }
}
