//! Permutational analysis of variance (Anderson 2001): do classes differ, judged from distances alone?

use super::{DistanceMatrix, classes, purpose, shuffle};
use crate::distances::DistanceError;
use chiliad_tasks::Stream;
use serde::{Deserialize, Serialize};

/// Pseudo-F and its permutation p.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Permanova {
    /// Between over within; none where nothing varies within classes.
    pub pseudo_f: Option<f64>,
    /// Share of the squared distances that the classes account for; none where all distances are zero.
    pub r_squared: Option<f64>,
    /// Share of permutations, the observed one counted, with a pseudo-F at least as large.
    pub p: f64,
    /// Permutations.
    pub permutations: usize,
}

/// One factor, classes of any sizes.
///
/// # Errors
///
/// [`DistanceError`] for classes that do not fit, fewer than two of them, or as many as networks.
pub fn permanova(
    matrix: &DistanceMatrix,
    classes: &[usize],
    permutations: usize,
    seed: u64,
) -> Result<Permanova, DistanceError> {
    let sizes = classes::sizes(matrix, classes)?;
    let n = matrix.n();
    let groups = sizes.iter().filter(|s| **s > 0).count();
    if groups == n {
        return Err(DistanceError::Array {
            name: "classes".into(),
            shape: vec![n],
            what: "every network is a class of its own".into(),
            allowed: "a class with two networks or more".into(),
        });
    }
    let total: f64 = matrix.pairs().iter().map(|d| d * d).sum::<f64>() / n as f64;
    let within = within(matrix, classes, &sizes);
    let mut labels = classes.to_vec();
    let mut draws = Stream::new(seed, purpose::PERMANOVA).draws(0);
    // The total is the same for all, so a larger F is a smaller sum within.
    let tie = 1e-12 * total;
    let mut reached = 1;
    for _ in 0..permutations {
        shuffle(&mut labels, &mut draws);
        reached += usize::from(self::within(matrix, &labels, &sizes) <= within + tie);
    }
    let freedom = (n - groups) as f64 / (groups - 1) as f64;
    Ok(Permanova {
        pseudo_f: (within > tie).then(|| (total - within) / within * freedom),
        r_squared: (total > 0.0).then(|| (total - within) / total),
        p: reached as f64 / (permutations + 1) as f64,
        permutations,
    })
}

/// Sum over classes of squared distances within, each over the size of its class.
fn within(matrix: &DistanceMatrix, classes: &[usize], sizes: &[usize]) -> f64 {
    let mut sums = vec![0.0; sizes.len()];
    for i in 0..classes.len() {
        for j in 0..i {
            if classes[i] == classes[j] {
                sums[classes[i]] += matrix.at(i, j).powi(2);
            }
        }
    }
    let each = sums.iter().zip(sizes).filter(|(_, n)| **n > 0);
    each.map(|(s, n)| s / *n as f64).sum()
}
