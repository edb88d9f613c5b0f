//! Nuclear norm of the recurrent weights: its subgradient, or shrinkage of the singular values after a step.

use super::Matrices;
use crate::population::{Layout, Role};
use faer::Mat;

/// Singular values below this share of the largest have no direction in the subgradient.
const NEGLIGIBLE: f64 = 1e-7;

pub(super) fn add(view: &mut Matrices<'_>, proximal: bool) -> f64 {
    let mut sum = 0.0;
    for (s, g) in view.recurrent_gates() {
        let Some(w) = view.get(Role::Recurrent(s, g)) else {
            continue;
        };
        let Ok(svd) = w.svd() else { continue };
        let values = svd.S().column_vector();
        sum += (0..values.nrows()).map(|k| values[k]).sum::<f64>();
        if proximal {
            continue;
        }
        let rank = (0..values.nrows())
            .take_while(|k| values[*k] > NEGLIGIBLE * values[0])
            .count();
        let (u, v) = (svd.U().subcols(0, rank), svd.V().subcols(0, rank));
        view.add(Role::Recurrent(s, g), &(u * v.transpose()));
    }
    sum
}

/// Singular values `max(0, s - threshold)`.
pub(super) fn shrink(layout: &Layout, weights: &mut [f32], threshold: f64) {
    if threshold <= 0.0 {
        return;
    }
    for tensor in &layout.tensors {
        if !matches!(tensor.role, Role::Recurrent(..)) {
            continue;
        }
        let n = tensor.shape[1];
        let values = &mut weights[tensor.range()];
        let w = Mat::from_fn(n, n, |i, j| f64::from(values[i * n + j]));
        let Ok(svd) = w.svd() else { continue };
        let s = svd.S().column_vector();
        let rank = (0..n).take_while(|k| s[*k] > threshold).count();
        let scaled = Mat::from_fn(n, rank, |i, k| svd.U()[(i, k)] * (s[k] - threshold));
        let shrunk = scaled * svd.V().subcols(0, rank).transpose();
        for (e, value) in values.iter_mut().enumerate() {
            *value = shrunk[(e / n, e % n)] as f32;
        }
    }
}
