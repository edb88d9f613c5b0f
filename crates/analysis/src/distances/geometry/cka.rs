//! Centred kernel alignment with linear kernels (Kornblith et al. 2019), from products of features: never sample by sample.

use super::Cloud;
use crate::distances::singular::{dot, frobenius};
use crate::distances::{DistanceError, Measure, Samples};
use faer::Mat;
use serde::{Deserialize, Serialize};

/// Which of the three.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CkaKind {
    /// 1 - CKA.
    Linear,
    /// arccos CKA: a metric.
    Angular,
    /// 1 - CKA with the unbiased estimator of HSIC (Song et al. 2012): may exceed 1.
    Debiased,
}

/// Linear centred kernel alignment: invariant under rotation, reflection, one scale and a shift.
#[derive(Clone, Copy, Debug)]
pub struct Cka {
    /// Which.
    pub kind: CkaKind,
}

/// The alignment and the distance made of it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct CkaFound {
    /// As the kind says.
    pub distance: f64,
    /// CKA, or its debiased estimate; 1 where the two are alike.
    pub similarity: f64,
    /// `arccos` of the similarity, clamped to -1 to 1.
    pub angular: f64,
}

impl Measure for Cka {
    type Input = Samples;
    type Prepared = Cloud;
    type Found = CkaFound;

    fn prepare(&self, samples: &Samples) -> Result<Cloud, DistanceError> {
        if self.kind == CkaKind::Debiased {
            let n = samples.shape()[0];
            if n < 4 {
                return Err(samples.refuse(format!("{n} samples"), "4 or more for debiased CKA"));
            }
            // The estimate is that of any shift; about the mean nothing cancels.
            let values = samples.centred();
            let own = hsic(&values, &values);
            if !(own.is_finite() && own > 0.0) {
                return Err(samples.refuse(
                    format!("the unbiased estimate of its own HSIC is {own}"),
                    "more samples, or states that differ more",
                ));
            }
            return Cloud::of(samples, values, own.sqrt());
        }
        let values = samples.centred();
        let norm = frobenius(&(values.transpose() * &values));
        Cloud::of(samples, values, norm)
    }

    fn compare(&self, a: &Cloud, b: &Cloud) -> Result<CkaFound, DistanceError> {
        a.same_samples(b, "cka")?;
        let similarity = if self.kind == CkaKind::Debiased {
            hsic(&a.values, &b.values) / (a.norm * b.norm)
        } else {
            let cross = a.values.transpose() * &b.values;
            (dot(&cross, &cross) / (a.norm * b.norm)).min(1.0)
        };
        let angular = similarity.clamp(-1.0, 1.0).acos();
        let distance = match self.kind {
            CkaKind::Angular => angular,
            CkaKind::Linear | CkaKind::Debiased => 1.0 - similarity,
        };
        Ok(CkaFound {
            distance,
            similarity,
            angular,
        })
    }

    fn distance(found: &CkaFound) -> f64 {
        found.distance
    }
}

/// HSIC_1 of `K = X X^T` and `L = Y Y^T` with empty diagonals, without forming them.
fn hsic(x: &Mat<f64>, y: &Mat<f64>) -> f64 {
    let m = x.nrows() as f64;
    let squares = |z: &Mat<f64>| -> Vec<f64> {
        let row = |i: usize| (0..z.ncols()).map(|j| z[(i, j)].powi(2)).sum();
        (0..z.nrows()).map(row).collect()
    };
    // (K 1)_i = x_i . sum_j x_j - |x_i|^2
    let sums = |z: &Mat<f64>, own: &[f64]| -> Vec<f64> {
        let total: Vec<f64> = (0..z.ncols())
            .map(|j| (0..z.nrows()).map(|i| z[(i, j)]).sum())
            .collect();
        let along = |i: usize| (0..z.ncols()).map(|j| z[(i, j)] * total[j]).sum::<f64>();
        (0..z.nrows()).map(|i| along(i) - own[i]).collect()
    };
    let inner = |a: &[f64], b: &[f64]| -> f64 { a.iter().zip(b).map(|(p, q)| p * q).sum() };
    let (own_x, own_y) = (squares(x), squares(y));
    let (sum_x, sum_y) = (sums(x, &own_x), sums(y, &own_y));
    let cross = x.transpose() * y;
    let trace = dot(&cross, &cross) - inner(&own_x, &own_y);
    let totals = sum_x.iter().sum::<f64>() * sum_y.iter().sum::<f64>();
    (trace + totals / ((m - 1.0) * (m - 2.0)) - 2.0 * inner(&sum_x, &sum_y) / (m - 2.0))
        / (m * (m - 3.0))
}
