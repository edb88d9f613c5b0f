//! Orthogonal Procrustes and the generalised shape metrics (Williams et al. 2021).

use super::Cloud;
use crate::distances::singular::{frobenius, nuclear_norm, symmetric};
use crate::distances::{DistanceError, Measure, Samples};
use faer::Mat;
use serde::Serialize;

/// Best alignment by a rotation or reflection, after a partial whitening.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    /// 1: orthogonal Procrustes; 0: whitened, invariant under any invertible linear map.
    pub alpha: f64,
    /// Whether every unit's mean is taken off first.
    pub centre: bool,
}

impl Default for Shape {
    fn default() -> Self {
        Self {
            alpha: 1.0,
            centre: true,
        }
    }
}

/// Both are metrics.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct ShapeFound {
    /// The angular one.
    pub distance: f64,
    /// `arccos(s / (|X| |Y|))`, s the sum of singular values of `X^T Y`; 0 to pi / 2.
    pub angular: f64,
    /// `sqrt(|X|^2 + |Y|^2 - 2 s)`, in state units.
    pub euclidean: f64,
}

/// Variance along a principal axis below which whitening goes no further (as netrep).
const LEAST_EIGENVALUE: f64 = 1e-7;

impl Measure for Shape {
    type Input = Samples;
    type Prepared = Cloud;
    type Found = ShapeFound;

    fn prepare(&self, samples: &Samples) -> Result<Cloud, DistanceError> {
        if !(0.0..=1.0).contains(&self.alpha) {
            return Err(DistanceError::Setting {
                option: "alpha",
                value: self.alpha.to_string(),
                allowed: "0 to 1".into(),
            });
        }
        let values = if self.centre {
            samples.centred()
        } else {
            samples.values().to_owned()
        };
        let values = if self.alpha < 1.0 {
            whitened(&values, self.alpha, &samples.name)?
        } else {
            values
        };
        let norm = frobenius(&values);
        Cloud::of(samples, values, norm)
    }

    fn compare(&self, a: &Cloud, b: &Cloud) -> Result<ShapeFound, DistanceError> {
        a.same_samples(b, "procrustes")?;
        let s = nuclear_norm((a.values.transpose() * &b.values).as_ref(), &a.name)?;
        Ok(found(a.norm, b.norm, s))
    }

    fn distance(found: &ShapeFound) -> f64 {
        found.distance
    }
}

/// From two norms and the largest inner product that an alignment reaches.
pub(super) fn found(a: f64, b: f64, inner: f64) -> ShapeFound {
    let angular = (inner / (a * b)).clamp(-1.0, 1.0).acos();
    ShapeFound {
        distance: angular,
        angular,
        euclidean: (a * a + b * b - 2.0 * inner).max(0.0).sqrt(),
    }
}

/// `X V diag(alpha + (1 - alpha) lambda^-1/2) V^T`, scaled to keep `|X|`; lambda, V of `X^T X`.
fn whitened(values: &Mat<f64>, alpha: f64, name: &str) -> Result<Mat<f64>, DistanceError> {
    let gram = values.transpose() * values;
    let (lambda, v) = symmetric(gram.as_ref(), name)?;
    let lambda: Vec<f64> = lambda.iter().map(|l| l.max(LEAST_EIGENVALUE)).collect();
    let factor: Vec<f64> = lambda
        .iter()
        .map(|l| alpha + (1.0 - alpha) / l.sqrt())
        .collect();
    let after: f64 = factor.iter().zip(&lambda).map(|(f, l)| f * f * l).sum();
    let keep = (lambda.iter().sum::<f64>() / after).sqrt();
    let scaled = Mat::from_fn(v.nrows(), v.ncols(), |i, j| v[(i, j)] * factor[j] * keep);
    Ok(values * scaled * v.transpose())
}
