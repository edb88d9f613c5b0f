//! Local search over permutations: the best exchange of two units, until none helps.

use super::tabu::gain;
use faer::Mat;

/// Improves `p` in place. What an exchange changes is found in O(n).
pub(super) fn polish(a: &Mat<f64>, b: &Mat<f64>, p: &mut [usize]) {
    let n = p.len();
    // A sweep is O(n^3); each strictly lowers the distance, so this ends long before.
    for _ in 0..10 * n {
        let mut best = (-1e-12 * (1.0 + size(a) + size(b)), None);
        for r in 0..n {
            for s in r + 1..n {
                let change = exchange(a, b, p, r, s);
                if change < best.0 {
                    best = (change, Some((r, s)));
                }
            }
        }
        match best.1 {
            Some((r, s)) => p.swap(r, s),
            None => return,
        }
    }
}

/// Largest square of an entry: what changes are small against.
fn size(m: &Mat<f64>) -> f64 {
    let column = |j: usize| m.col(j).iter().map(|x| x * x).fold(0.0, f64::max);
    (0..m.ncols()).map(column).fold(0.0, f64::max)
}

/// By how much `|A - B[p, p]|^2` changes when p exchanges r and s.
fn exchange(a: &Mat<f64>, b: &Mat<f64>, p: &[usize], r: usize, s: usize) -> f64 {
    -2.0 * gain(a, b, p, r, s)
}
