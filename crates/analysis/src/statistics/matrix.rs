//! A symmetric matrix of distances, checked.

use crate::distances::DistanceError;
use serde::{Deserialize, Serialize};

/// Distances of n networks: symmetric, zero on the diagonal, finite. Negative entries occur where an estimate of a distance
/// is unbiased (debiased CKA).
#[derive(Clone, Debug, PartialEq)]
pub struct DistanceMatrix {
    n: usize,
    values: Vec<f64>,
}

/// A matrix in which nearly all pairs are equal: an embedding or a test of it would be about nothing.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Degenerate {
    /// Share of pairs at a distance above zero.
    pub apart: f64,
    /// Share of pairs at distance zero: where zero means the same class, the agreement index
    /// `sum n_k (n_k - 1) / (n (n - 1))`.
    pub agreement: f64,
}

/// A matrix with a smaller share of non-zero pairs is degenerate.
const LEAST_APART: f64 = 0.1;

impl DistanceMatrix {
    /// From row-major values.
    ///
    /// # Errors
    ///
    /// [`DistanceError::Array`] for fewer than 2 networks, or where it is not symmetric, has a diagonal that is not zero, or a
    /// number that is not finite.
    pub fn new(n: usize, values: Vec<f64>) -> Result<Self, DistanceError> {
        let refuse = |what: String, allowed: &str| DistanceError::Array {
            name: "distances".into(),
            shape: vec![n, n],
            what,
            allowed: allowed.into(),
        };
        if n < 2 || n.checked_mul(n) != Some(values.len()) {
            return Err(refuse(
                format!("{} values", values.len()),
                "n x n, n 2 or more",
            ));
        }
        for i in 0..n {
            for j in 0..=i {
                let (x, y) = (values[i * n + j], values[j * n + i]);
                let wrong = if !(x.is_finite() && y.is_finite()) {
                    "is not finite"
                } else if x != y {
                    "differs from its mirror image"
                } else if i == j && x != 0.0 {
                    "is on the diagonal and not zero"
                } else {
                    continue;
                };
                return Err(refuse(
                    format!("entry [{i}, {j}] {wrong}"),
                    "finite distances, the same in both directions, zero to itself",
                ));
            }
        }
        Ok(Self { n, values })
    }

    /// Networks.
    pub fn n(&self) -> usize {
        self.n
    }

    /// Between two networks.
    pub fn at(&self, i: usize, j: usize) -> f64 {
        self.values[i * self.n + j]
    }

    /// Row-major.
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// Upper triangle, row by row.
    pub fn pairs(&self) -> Vec<f64> {
        let row = |i: usize| (i + 1..self.n).map(move |j| self.at(i, j));
        (0..self.n).flat_map(row).collect()
    }

    /// Whether fewer than 10 % of the pairs are apart.
    pub fn degenerate(&self) -> Option<Degenerate> {
        let pairs = self.pairs();
        let apart = pairs.iter().filter(|d| **d != 0.0).count() as f64 / pairs.len() as f64;
        (apart < LEAST_APART).then_some(Degenerate {
            apart,
            agreement: 1.0 - apart,
        })
    }
}
