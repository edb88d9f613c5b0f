//! Orthogonal matrices: random ones, and the one nearest to a matrix.

use super::DistanceError;
use super::singular::svd;
use chiliad_tasks::Stream;
use faer::{Mat, MatRef};

/// Orthogonal `[n, n]`, uniform over the group: Gram-Schmidt of Gaussian columns, each projected twice (Stewart 1980). The
/// determinant is +1 or -1; `flip` negates the first row, which turns one into the other.
pub fn random(n: usize, stream: &Stream, index: u32, flip: bool) -> Mat<f64> {
    let mut draws = stream.draws(index);
    let mut q = Mat::<f64>::zeros(n, n);
    for j in 0..n {
        loop {
            let mut column: Vec<f64> = (0..n).map(|_| f64::from(draws.normal())).collect();
            for k in (0..j).chain(0..j) {
                let along: f64 = (0..n).map(|i| column[i] * q[(i, k)]).sum();
                (0..n).for_each(|i| column[i] -= along * q[(i, k)]);
            }
            let length = column.iter().map(|x| x * x).sum::<f64>().sqrt();
            if length > 1e-6 {
                (0..n).for_each(|i| q[(i, j)] = column[i] / length);
                break;
            }
        }
    }
    if flip {
        (0..n).for_each(|j| q[(0, j)] = -q[(0, j)]);
    }
    q
}

/// The orthogonal Q that makes `<M, Q>` greatest: `U V^T` of the decomposition of M.
///
/// # Errors
///
/// [`DistanceError::Numerics`] where M has no singular values in f64.
pub fn nearest(matrix: MatRef<'_, f64>) -> Result<Mat<f64>, DistanceError> {
    let found = svd(matrix, "a cross-product")?;
    Ok(&found.u * found.v.transpose())
}
