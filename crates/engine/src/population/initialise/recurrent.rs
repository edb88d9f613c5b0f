//! Recurrent matrices to begin with, `[to, from]`.

use super::{Initial, dale_signs};
use faer::Mat;

/// Fills one matrix of n units; `normal(e)` and `uniform(e)` are the variates of element e.
pub(super) fn fill(
    values: &mut [f32],
    n: usize,
    initial: &Initial,
    normal: &dyn Fn(usize) -> f64,
    uniform: &dyn Fn(usize) -> f64,
) {
    let root = (n as f64).sqrt().recip();
    let matrix: Vec<f64> = match *initial {
        Initial::VarianceScaled => (0..n * n).map(|e| normal(e) * root).collect(),
        Initial::Uniform => (0..n * n)
            .map(|e| (2.0 * uniform(e) - 1.0) * root)
            .collect(),
        Initial::Normal { gain } => (0..n * n).map(|e| normal(e) * root * gain).collect(),
        Initial::Orthogonal { gain } => orthogonal(n, gain, normal),
        Initial::SpectralRadius { radius } => {
            scaled(n, radius, (0..n * n).map(|e| normal(e) * root).collect())
        }
        Initial::Identity { scale } => (0..n * n)
            .map(|e| if e / n == e % n { scale } else { 0.0 })
            .collect(),
        Initial::Unsigned { radius } => scaled(
            n,
            radius,
            (0..n * n).map(|e| normal(e) / n as f64).collect(),
        ),
        Initial::DaleBalanced { ratio, radius } => {
            let signs = dale_signs(n, ratio);
            let entry = |e: usize| {
                let mean = if signs[e % n] > 0.0 { 1.0 } else { ratio } * root;
                f64::from(signs[e % n]) * (mean + normal(e) / n as f64).abs()
            };
            scaled(n, radius, (0..n * n).map(entry).collect())
        }
        Initial::Plrnn => (0..n * n).map(|e| 0.01 * normal(e)).collect(),
    };
    for (value, w) in values.iter_mut().zip(matrix) {
        *value = w as f32;
    }
}

/// Diagonal of `R^T R / n + I` over its largest eigenvalue.
pub(super) fn positive_diagonal(values: &mut [f32], normal: &dyn Fn(usize) -> f64) {
    let n = values.len();
    let r = Mat::from_fn(n, n, |i, j| normal(i * n + j));
    let k = r.transpose() * &r * faer::Scale(1.0 / n as f64) + Mat::<f64>::identity(n, n);
    let largest = k.svd().map_or(1.0, |svd| svd.S().column_vector()[0]);
    for (i, value) in values.iter_mut().enumerate() {
        *value = (k[(i, i)] / largest) as f32;
    }
}

/// Without diagonal, at this spectral radius.
fn scaled(n: usize, radius: f64, mut matrix: Vec<f64>) -> Vec<f64> {
    for i in 0..n {
        matrix[i * n + i] = 0.0;
    }
    let eigenvalues = Mat::from_fn(n, n, |i, j| matrix[i * n + j]).eigenvalues();
    let found = eigenvalues.map_or(0.0, |all| all.iter().fold(0.0_f64, |m, l| m.max(l.norm())));
    if found > 0.0 {
        matrix.iter_mut().for_each(|w| *w *= radius / found);
    }
    matrix
}

/// Q of a normal matrix, with the signs of R's diagonal, so that it is uniform (Mezzadri 2007).
fn orthogonal(n: usize, gain: f64, normal: &dyn Fn(usize) -> f64) -> Vec<f64> {
    let qr = Mat::from_fn(n, n, |i, j| normal(i * n + j)).qr();
    let (q, r) = (qr.compute_Q(), qr.R());
    (0..n * n)
        .map(|e| gain * q[(e / n, e % n)] * if r[(e % n, e % n)] < 0.0 { -1.0 } else { 1.0 })
        .collect()
}
