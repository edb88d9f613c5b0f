//! Networks whose only nonlinearity is a kink: every fixed point and cycle by linear algebra, no descent.
//!
//! `z' = M z + m + B (p o (C z + d))` with the pattern `p = [C z + d > 0]`. Relu networks, leaky or not, and all piecewise
//! linear recurrent networks with one hidden layer have this form; [`PiecewiseLinear::of`] finds it in a cell's
//! expressions. In the region of one pattern the map is affine, so a cycle that visits given regions in given order
//! solves one linear system; it is real if its points lie in those regions (Eisenmann et al. 2023, SCYFI).

mod derive;
mod exact;
mod regions;
mod sequence;

pub use exact::{Found, Method, Options, Order, find};

use crate::error::EngineError;
use crate::system::System;
use faer::Mat;

/// Which kinks are passed, one flag per row of `C`.
pub type Pattern = Vec<bool>;

/// A continuous piecewise linear map with one layer of kinks.
#[derive(Clone, Debug)]
pub struct PiecewiseLinear {
    /// `M`, `[to, from]`
    linear: Mat<f64>,
    /// `m`
    constant: Vec<f64>,
    /// `B`, `[to, kink]`
    spread: Mat<f64>,
    /// `C`, `[kink, from]`
    normals: Mat<f64>,
    /// `d`
    offsets: Vec<f64>,
}

/// Row-major values as a matrix.
fn matrix(values: &[f64], rows: usize, columns: usize) -> Mat<f64> {
    Mat::from_fn(rows, columns, |i, j| values[i * columns + j])
}

impl PiecewiseLinear {
    /// From `M` `[n, n]`, `m` `[n]`, `B` `[n, s]`, `C` `[s, n]`, `d` `[s]`, row-major.
    pub fn new(
        linear: &[f64],
        constant: &[f64],
        spread: &[f64],
        normals: &[f64],
        offsets: &[f64],
    ) -> Result<Self, EngineError> {
        let (n, s) = (constant.len(), offsets.len());
        for (what, found, expected) in [
            ("M", linear.len(), n * n),
            ("B", spread.len(), n * s),
            ("C", normals.len(), s * n),
        ] {
            if found != expected {
                return Err(EngineError::Shape {
                    operation: "a piecewise linear map",
                    what: what.into(),
                    found: format!("{found} values"),
                    expected: format!("{expected} values, with {n} coordinates and {s} kinks"),
                });
            }
        }
        let all = [linear, constant, spread, normals, offsets];
        if all.into_iter().flatten().any(|x| !x.is_finite()) {
            return Err(EngineError::Unsupported {
                executor: "a piecewise linear map",
                what: "a coefficient is not finite".into(),
                allowed: "every number must be finite".into(),
            });
        }
        Ok(Self {
            linear: matrix(linear, n, n),
            constant: constant.to_vec(),
            spread: matrix(spread, n, s),
            normals: matrix(normals, s, n),
            offsets: offsets.to_vec(),
        })
    }

    /// Coordinates.
    pub fn n_state(&self) -> usize {
        self.constant.len()
    }

    /// Kinks.
    pub fn n_kinks(&self) -> usize {
        self.offsets.len()
    }

    /// `C z + d`
    pub fn arguments(&self, state: &[f64]) -> Vec<f64> {
        (0..self.n_kinks())
            .map(|k| {
                self.offsets[k]
                    + state
                        .iter()
                        .enumerate()
                        .map(|(j, z)| self.normals[(k, j)] * z)
                        .sum::<f64>()
            })
            .collect()
    }

    /// The region of a state; on a kink the side that is not passed.
    pub fn pattern(&self, state: &[f64]) -> Pattern {
        self.arguments(state).into_iter().map(|a| a > 0.0).collect()
    }

    /// The affine map of a region, `z' = A z + a`.
    pub fn branch(&self, pattern: &[bool]) -> (Mat<f64>, Vec<f64>) {
        let passed = |k: usize| f64::from(u8::from(pattern[k]));
        let gated = Mat::from_fn(self.n_state(), self.n_kinks(), |i, k| {
            passed(k) * self.spread[(i, k)]
        });
        let mut constant = self.constant.clone();
        for (i, c) in constant.iter_mut().enumerate() {
            let ramps = self
                .offsets
                .iter()
                .enumerate()
                .map(|(k, d)| gated[(i, k)] * d);
            *c += ramps.sum::<f64>();
        }
        (&self.linear + gated * &self.normals, constant)
    }

    /// The next state.
    pub fn next(&self, state: &[f64]) -> Vec<f64> {
        let arguments = self.arguments(state);
        (0..self.n_state())
            .map(|i| {
                let linear = state
                    .iter()
                    .enumerate()
                    .map(|(j, z)| self.linear[(i, j)] * z);
                let passed = arguments.iter().enumerate().filter(|(_, a)| **a > 0.0);
                let ramps = passed.map(|(k, a)| self.spread[(i, k)] * a);
                self.constant[i] + linear.sum::<f64>() + ramps.sum::<f64>()
            })
            .collect()
    }

    /// How far rounding may leave an argument from 0, per kink, for states of this size.
    fn slack(&self, state: &[f64]) -> Vec<f64> {
        (0..self.n_kinks())
            .map(|k| {
                let size: f64 = state
                    .iter()
                    .enumerate()
                    .map(|(j, z)| (self.normals[(k, j)] * z).abs())
                    .sum();
                1e-9 * (size + self.offsets[k].abs())
            })
            .collect()
    }
}

impl System for PiecewiseLinear {
    fn dimension(&self) -> usize {
        self.n_state()
    }

    fn step(&mut self, state: &[f64], next: &mut [f64]) {
        next.copy_from_slice(&self.next(state));
    }

    fn jacobian(&mut self, state: &[f64], jacobian: &mut [f64]) {
        let n = self.n_state();
        let (matrix, _) = self.branch(&self.pattern(state));
        for (i, to) in jacobian.iter_mut().enumerate() {
            *to = matrix[(i / n, i % n)];
        }
    }
}
