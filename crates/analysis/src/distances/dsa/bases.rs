//! Coordinates that a matrix brings along: eigenvectors of symmetric matrices made from it, which turn when it is turned.
//!
//! If `A = Q B Q^T`, then `p(A, A^T) = Q p(B, B^T) Q^T` for every polynomial p; where p is symmetric with simple eigenvalues,
//! Q maps eigenvector to eigenvector up to a sign, and the signs follow from what is left of A and B in these coordinates.

use super::super::DistanceError;
use super::super::singular::symmetric;
use faer::Mat;

/// Weights of sym A, of (skew A)^2, and of A A^T - A^T A (project default). Each gives a start.
const POLYNOMIALS: [[f64; 3]; 4] = [
    [1.0, 0.0, 0.0],
    [0.0, 1.0, 0.0],
    [1.0, 1.0, 1.0],
    [1.0, -1.0, -1.0],
];

/// One such system of coordinates.
#[derive(Clone, Debug)]
pub(super) struct Basis {
    /// Eigenvectors as columns, eigenvalues falling.
    vectors: Mat<f64>,
    /// The matrix in these coordinates.
    seen: Mat<f64>,
}

/// All of them, and what of a matrix no rotation changes: eigenvalues of the symmetric part, and the magnitudes of those of
/// the skew part, both falling.
pub(super) struct Invariants {
    pub(super) bases: Vec<Basis>,
    pub(super) symmetric: Vec<f64>,
    pub(super) skew: Vec<f64>,
}

pub(super) fn invariants(a: &Mat<f64>, name: &str) -> Result<Invariants, DistanceError> {
    let transposed = a.transpose().to_owned();
    let half = faer::Scale(0.5);
    let even = half * (a + &transposed);
    let odd = half * (a - &transposed);
    let odd_squared = &odd * &odd;
    let commutator = a * &transposed - &transposed * a;
    let mut bases = Vec::with_capacity(POLYNOMIALS.len());
    for [s, k, c] in POLYNOMIALS {
        let polynomial =
            faer::Scale(s) * &even + faer::Scale(k) * &odd_squared + faer::Scale(c) * &commutator;
        let (_, vectors) = symmetric(polynomial.as_ref(), name)?;
        let seen = vectors.transpose() * a * &vectors;
        bases.push(Basis { vectors, seen });
    }
    let (values, _) = symmetric(even.as_ref(), name)?;
    let (squares, _) = symmetric(odd_squared.as_ref(), name)?;
    Ok(Invariants {
        bases,
        symmetric: values,
        // Eigenvalues of the square are -mu^2: turned round, mu falls.
        skew: squares.iter().rev().map(|x| (-x).max(0.0).sqrt()).collect(),
    })
}

impl Basis {
    /// The orthogonal C that maps the other's coordinates to these, k-th vector to k-th vector.
    pub(super) fn start(&self, other: &Self) -> Mat<f64> {
        let n = self.seen.nrows();
        let agreement = Mat::from_fn(n, n, |i, j| {
            self.seen[(i, j)] * other.seen[(i, j)] + self.seen[(j, i)] * other.seen[(j, i)]
        });
        let signs = signs(&agreement);
        let signed = Mat::from_fn(n, n, |i, j| self.vectors[(i, j)] * signs[j]);
        signed * other.vectors.transpose()
    }
}

/// Signs that make `s^T M s` great: along the strongest entries first (a spanning forest), then one by one.
fn signs(m: &Mat<f64>) -> Vec<f64> {
    let n = m.nrows();
    let mut signs = vec![1.0; n];
    let mut placed = vec![false; n];
    // The strongest link of every free vector to one that is placed (Prim).
    let mut link: Vec<(f64, usize)> = vec![(0.0, 0); n];
    for _ in 0..n {
        let strongest = (0..n)
            .filter(|k| !placed[*k])
            .max_by(|a, b| link[*a].0.abs().total_cmp(&link[*b].0.abs()));
        let Some(next) = strongest else { break };
        placed[next] = true;
        if link[next].0 < 0.0 {
            signs[next] = -signs[link[next].1];
        } else {
            signs[next] = signs[link[next].1];
        }
        for k in 0..n {
            if !placed[k] && m[(next, k)].abs() > link[k].0.abs() {
                link[k] = (m[(next, k)], next);
            }
        }
    }
    for _ in 0..n {
        let mut changed = false;
        for k in 0..n {
            let pull: f64 = (0..n)
                .filter(|j| *j != k)
                .map(|j| m[(k, j)] * signs[j])
                .sum();
            if pull * signs[k] < 0.0 {
                signs[k] = -signs[k];
                changed = true;
            }
        }
        if !changed {
            break;
        }
    }
    signs
}
