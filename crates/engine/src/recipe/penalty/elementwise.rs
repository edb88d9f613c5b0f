//! Sums over single weights.

use super::{Matrices, Part};

/// `f(w)` gives a weight's value and derivative.
pub(super) fn add(view: &mut Matrices<'_>, on: &[Part], f: impl Fn(f64) -> (f64, f64)) -> f64 {
    add_all(view, on, |weights| {
        weights.iter().map(|w| f(f64::from(*w))).unzip()
    })
}

/// `f(weights)` gives the values and derivatives of a whole tensor.
pub(super) fn add_all(
    view: &mut Matrices<'_>,
    on: &[Part],
    f: impl Fn(&[f32]) -> (Vec<f64>, Vec<f64>),
) -> f64 {
    let mut sum = 0.0;
    for tensor in &view.layout.tensors {
        if !on.iter().any(|part| part.holds(tensor.role)) {
            continue;
        }
        let range = tensor.range();
        let (values, slopes) = f(&view.weights[range.clone()]);
        for (slope, g) in slopes.iter().zip(&mut view.gradient[range]) {
            *g += (view.strength * slope) as f32;
        }
        // One after the other over all tensors: the order of the sum.
        sum = values.iter().fold(sum, |sum, v| sum + v);
    }
    sum
}
