//! Decompositions of real matrices (faer), with a name in the error.

use super::{DistanceError, nuclear};
use faer::{Mat, MatRef, Side};

/// `U diag(s) V^T`, s falling.
pub(crate) struct Svd {
    pub(crate) u: Mat<f64>,
    pub(crate) s: Vec<f64>,
    pub(crate) v: Mat<f64>,
}

/// Thin singular value decomposition.
pub(crate) fn svd(matrix: MatRef<'_, f64>, name: &str) -> Result<Svd, DistanceError> {
    let found = matrix
        .thin_svd()
        .map_err(|_| failed("singular value decomposition", name))?;
    let s: Vec<f64> = found.S().column_vector().iter().copied().collect();
    if !s.iter().all(|x| x.is_finite()) {
        return Err(failed("singular value decomposition", name));
    }
    Ok(Svd {
        u: found.U().to_owned(),
        s,
        v: found.V().to_owned(),
    })
}

/// Singular values, falling.
pub(crate) fn singular_values(
    matrix: MatRef<'_, f64>,
    name: &str,
) -> Result<Vec<f64>, DistanceError> {
    let s = matrix
        .singular_values()
        .map_err(|_| failed("singular values", name))?;
    if s.iter().all(|x| x.is_finite()) {
        Ok(s)
    } else {
        Err(failed("singular values", name))
    }
}

/// Sum of the singular values.
pub(crate) fn nuclear_norm(matrix: MatRef<'_, f64>, name: &str) -> Result<f64, DistanceError> {
    let sum = nuclear::nuclear_norm(matrix);
    if sum.is_finite() {
        Ok(sum)
    } else {
        Err(failed("singular values", name))
    }
}

/// Eigenvalues, falling, and their eigenvectors as columns, of a symmetric matrix.
pub(crate) fn symmetric(
    matrix: MatRef<'_, f64>,
    name: &str,
) -> Result<(Vec<f64>, Mat<f64>), DistanceError> {
    let found = matrix
        .self_adjoint_eigen(Side::Lower)
        .map_err(|_| failed("eigenvalues", name))?;
    let rising: Vec<f64> = found.S().column_vector().iter().copied().collect();
    if !rising.iter().all(|x| x.is_finite()) {
        return Err(failed("eigenvalues", name));
    }
    let n = rising.len();
    let vectors = Mat::from_fn(n, n, |i, j| found.U()[(i, n - 1 - j)]);
    Ok((rising.into_iter().rev().collect(), vectors))
}

/// Eigenvalues `[real, imaginary]` of a general matrix.
pub(crate) fn eigenvalues(
    matrix: MatRef<'_, f64>,
    name: &str,
) -> Result<Vec<[f64; 2]>, DistanceError> {
    let found = matrix
        .eigenvalues()
        .map_err(|_| failed("eigenvalues", name))?;
    let values: Vec<[f64; 2]> = found.iter().map(|v| [v.re, v.im]).collect();
    if values.iter().flatten().all(|x| x.is_finite()) {
        Ok(values)
    } else {
        Err(failed("eigenvalues", name))
    }
}

/// Sum of products of entries.
pub(crate) fn dot(a: &Mat<f64>, b: &Mat<f64>) -> f64 {
    let column = |j: usize| {
        let pairs = a.col(j).iter().zip(b.col(j).iter());
        pairs.map(|(x, y)| x * y).sum::<f64>()
    };
    (0..a.ncols()).map(column).sum()
}

/// Root of the sum of squares.
pub(crate) fn frobenius(a: &Mat<f64>) -> f64 {
    dot(a, a).sqrt()
}

pub(crate) fn failed(operation: &'static str, name: &str) -> DistanceError {
    DistanceError::Numerics {
        operation,
        name: name.to_owned(),
    }
}
