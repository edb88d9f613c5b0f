//! Sums over single weights.

use super::{Matrices, Part};

/// `f(w)` gives a weight's value and derivative.
pub(super) fn add(view: &mut Matrices<'_>, on: &[Part], f: impl Fn(f64) -> (f64, f64)) -> f64 {
    let mut sum = 0.0;
    for tensor in &view.layout.tensors {
        if !on.iter().any(|part| part.holds(tensor.role)) {
            continue;
        }
        let range = tensor.range();
        for (w, g) in view.weights[range.clone()]
            .iter()
            .zip(&mut view.gradient[range])
        {
            let (value, slope) = f(f64::from(*w));
            sum += value;
            *g += (view.strength * slope) as f32;
        }
    }
    sum
}
