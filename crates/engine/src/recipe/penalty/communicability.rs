//! Wiring cost weighted by communicability (Achterberg et al. 2023): `sum |W| D C`.

use super::exponential::exponential;
use super::{Matrices, sign};
use crate::population::Role;
use faer::Mat;

/// Added to the strength of a unit: a unit without a connection would divide by 0 (project default).
const EPSILON: f64 = 1e-12;

pub(super) fn add(view: &mut Matrices<'_>, positions: &[[f64; 3]]) -> f64 {
    let mut sum = 0.0;
    for (s, g) in view.recurrent_gates() {
        let Some(w) = view.get(Role::Recurrent(s, g)) else {
            continue;
        };
        if positions.len() != w.nrows() {
            continue;
        }
        let (value, gradient) = of(&w, &distances(positions));
        sum += value;
        view.add(Role::Recurrent(s, g), &gradient);
    }
    sum
}

fn distances(positions: &[[f64; 3]]) -> Mat<f64> {
    Mat::from_fn(positions.len(), positions.len(), |i, j| {
        (0..3)
            .map(|k| (positions[i][k] - positions[j][k]).powi(2))
            .sum::<f64>()
            .sqrt()
    })
}

/// With A = |W|^T (row = source), s its row sums, B = s_i^-1/2 A s_j^-1/2, C = exp(B) without diagonal: value sum A D C.
fn of(w: &Mat<f64>, distances: &Mat<f64>) -> (f64, Mat<f64>) {
    let n = w.nrows();
    let a = Mat::from_fn(n, n, |from, to| w[(to, from)].abs());
    let strength: Vec<f64> = (0..n)
        .map(|i| EPSILON + (0..n).map(|j| a[(i, j)]).sum::<f64>())
        .collect();
    let root: Vec<f64> = strength.iter().map(|s| s.sqrt().recip()).collect();
    let b = Mat::from_fn(n, n, |i, j| root[i] * a[(i, j)] * root[j]);
    // By C: A D off the diagonal. The derivative of exp has the transposed direction as its adjoint.
    let by_c = Mat::from_fn(n, n, |i, j| {
        if i == j {
            0.0
        } else {
            a[(i, j)] * distances[(i, j)]
        }
    });
    let (c, by_b_transposed) = exponential(&b.transpose().to_owned(), &by_c);
    let (c, by_b) = (c.transpose().to_owned(), by_b_transposed);
    let mut value = 0.0;
    for j in 0..n {
        for i in (0..n).filter(|i| *i != j) {
            value += a[(i, j)] * distances[(i, j)] * c[(i, j)];
        }
    }
    // By s_i, through row i and column i of B.
    let by_s: Vec<f64> = (0..n)
        .map(|i| {
            let through: f64 = (0..n)
                .map(|j| by_b[(i, j)] * b[(i, j)] + by_b[(j, i)] * b[(j, i)])
                .sum();
            -0.5 * through / strength[i]
        })
        .collect();
    let gradient = Mat::from_fn(n, n, |to, from| {
        let (i, j) = (from, to);
        let direct = if i == j {
            0.0
        } else {
            distances[(i, j)] * c[(i, j)]
        };
        sign(w[(to, from)]) * (direct + by_b[(i, j)] * root[i] * root[j] + by_s[i])
    });
    (value, gradient)
}
