//! Silhouette (Rousseeuw 1987): how much nearer a network is to its own class than to the next.

use super::{DistanceMatrix, classes};
use crate::distances::DistanceError;

/// Mean of `(b - a) / max(a, b)` over networks, -1 to 1: a the mean distance to the others of its class, b the least mean
/// distance to another class. A network alone in its class counts as 0.
///
/// # Errors
///
/// [`DistanceError`] for classes that do not fit, or fewer than two of them.
pub fn silhouette(matrix: &DistanceMatrix, classes: &[usize]) -> Result<f64, DistanceError> {
    let sizes = classes::sizes(matrix, classes)?;
    let n = matrix.n();
    let mut total = 0.0;
    for i in 0..n {
        let mut sums = vec![0.0; sizes.len()];
        (0..n).for_each(|j| sums[classes[j]] += matrix.at(i, j));
        let own = classes[i];
        if sizes[own] < 2 {
            continue;
        }
        let a = sums[own] / (sizes[own] - 1) as f64;
        let b = (0..sizes.len())
            .filter(|c| *c != own && sizes[*c] > 0)
            .map(|c| sums[c] / sizes[c] as f64)
            .fold(f64::INFINITY, f64::min);
        let scale = a.max(b);
        if scale > 0.0 {
            total += (b - a) / scale;
        }
    }
    Ok(total / n as f64)
}
