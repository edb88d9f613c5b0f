//! A soft bound on the spectral radius of the recurrent weights, through the leading left and right vectors.

use super::Matrices;
use crate::population::Role;
use faer::{Mat, c64};

pub(super) fn add(view: &mut Matrices<'_>, bound: f64) -> f64 {
    let mut sum = 0.0;
    for (s, g) in view.recurrent_gates() {
        let Some(w) = view.get(Role::Recurrent(s, g)) else {
            continue;
        };
        let Some((radius, slope)) = radius(&w) else {
            continue;
        };
        let excess = (radius - bound).max(0.0);
        sum += excess * excess;
        if excess > 0.0 {
            view.add(Role::Recurrent(s, g), &(slope * faer::Scale(2.0 * excess)));
        }
    }
    sum
}

/// |lambda_1| and its gradient, `Re(conj(lambda) / |lambda| y_i x_j / y^T x)` with right and left vectors x and y; `None` where
/// the radius is 0 or lambda_1 has no eigenvectors to go by.
fn radius(w: &Mat<f64>) -> Option<(f64, Mat<f64>)> {
    let n = w.nrows();
    let right = w.eigen().ok()?;
    let left = w.transpose().to_owned().eigen().ok()?;
    let values = |e: &faer::linalg::solvers::Eigen<f64>| -> Vec<c64> {
        (0..n).map(|k| e.S().column_vector()[k]).collect()
    };
    let (of_right, of_left) = (values(&right), values(&left));
    let first = (0..n).max_by(|a, b| of_right[*a].norm().total_cmp(&of_right[*b].norm()))?;
    let lambda = of_right[first];
    let distance = |k: usize| (of_left[k] - lambda).norm();
    let same = (0..n).min_by(|a, b| distance(*a).total_cmp(&distance(*b)))?;
    let product: c64 = (0..n)
        .map(|i| left.U()[(i, same)] * right.U()[(i, first)])
        .sum();
    if lambda.norm() == 0.0 || product.norm() < 1e-12 {
        return None;
    }
    let phase = lambda.conj() / lambda.norm() / product;
    let slope = Mat::from_fn(n, n, |i, j| {
        (phase * left.U()[(i, same)] * right.U()[(j, first)]).re
    });
    Some((lambda.norm(), slope))
}
