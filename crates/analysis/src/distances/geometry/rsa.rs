//! Representational similarity analysis (Kriegeskorte et al. 2008): how alike two matrices of dissimilarities are.

mod compare;

use crate::distances::error::described;
use crate::distances::{DistanceError, Measure, Samples};
use faer::Mat;
use serde::{Deserialize, Serialize};

/// How two samples of one network differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Dissimilarity {
    /// Squared Euclidean, over the number of units (as rsatoolbox).
    SquaredEuclidean,
    /// Euclidean, over the root of the number of units.
    Euclidean,
    /// 1 - Pearson correlation over units.
    Correlation,
}

/// How two matrices of dissimilarities are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Comparison {
    /// Cosine of the angle between the two lists.
    Cosine,
    /// Pearson's correlation.
    Pearson,
    /// Spearman's, with mean ranks.
    Spearman,
    /// Spearman's, expected under random breaking of ties (Schütt et al. 2023).
    RhoA,
    /// Kendall's tau-b.
    TauB,
    /// Kendall's tau-a.
    TauA,
    /// Cosine after whitening by the covariance of the estimates; on squared Euclidean, linear CKA.
    WhitenedCosine,
    /// The same for lists with their means taken off.
    WhitenedPearson,
    /// Fidelity of the two matrices of inner products, over the root of their traces: the cosine of the Procrustes angle.
    Bures,
}

/// Representational similarity.
#[derive(Clone, Copy, Debug)]
pub struct Rsa {
    /// Of two samples.
    pub dissimilarity: Dissimilarity,
    /// Of two networks.
    pub comparison: Comparison,
}

impl Default for Rsa {
    fn default() -> Self {
        Self {
            dissimilarity: Dissimilarity::SquaredEuclidean,
            comparison: Comparison::Cosine,
        }
    }
}

/// The similarity and the distance made of it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct RsaFound {
    /// 1 - similarity.
    pub distance: f64,
    /// As the comparison says; 1 where the two are alike.
    pub similarity: f64,
    /// For Bures alone: `tr K + tr L - 2 fidelity`, the squared Procrustes distance over the number of units.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bures_squared: Option<f64>,
}

/// A network's dissimilarities, as its comparison wants them.
#[derive(Clone, Debug)]
pub struct Rdm {
    name: String,
    shape: Vec<usize>,
    /// A list, ready for a dot product or for Kendall's.
    list: Vec<f64>,
    /// For Bures: F with `F F^T` the centred inner products, and their trace.
    factor: Option<(Mat<f64>, f64)>,
}

impl Measure for Rsa {
    type Input = Samples;
    type Prepared = Rdm;
    type Found = RsaFound;

    fn prepare(&self, samples: &Samples) -> Result<Rdm, DistanceError> {
        let n = samples.shape()[0];
        if n < 3 {
            return Err(samples.refuse(format!("{n} samples"), "3 or more for RSA"));
        }
        let pairs = self.dissimilarity.pairs(samples)?;
        compare::prepare(self.comparison, pairs, samples)
    }

    fn compare(&self, a: &Rdm, b: &Rdm) -> Result<RsaFound, DistanceError> {
        if a.shape[0] != b.shape[0] {
            return Err(DistanceError::Pair {
                operation: "rsa",
                first: described(&a.name, &a.shape),
                second: described(&b.name, &b.shape),
                what: "the number of samples".into(),
                allowed: "equal numbers of samples".into(),
            });
        }
        compare::compare(self.comparison, a, b)
    }

    fn distance(found: &RsaFound) -> f64 {
        found.distance
    }
}

impl Dissimilarity {
    /// Upper triangle, row by row.
    fn pairs(self, samples: &Samples) -> Result<Vec<f64>, DistanceError> {
        let values = samples.values();
        let (n, units) = (values.nrows(), values.ncols());
        let mut rows: Vec<Vec<f64>> = (0..n)
            .map(|i| (0..units).map(|j| values[(i, j)]).collect())
            .collect();
        if self == Self::Correlation {
            for (i, row) in rows.iter_mut().enumerate() {
                let mean = row.iter().sum::<f64>() / units as f64;
                row.iter_mut().for_each(|x| *x -= mean);
                let length = row.iter().map(|x| x * x).sum::<f64>().sqrt();
                if length <= f64::EPSILON * mean.abs() {
                    return Err(samples.refuse(
                        format!("all units are equal at sample {i}, so that nothing correlates"),
                        "units that differ at every sample",
                    ));
                }
                row.iter_mut().for_each(|x| *x /= length);
            }
        }
        let mut pairs = Vec::with_capacity(n * (n - 1) / 2);
        for i in 0..n {
            for j in i + 1..n {
                let both = rows[i].iter().zip(&rows[j]);
                pairs.push(match self {
                    Self::Correlation => 1.0 - both.map(|(x, y)| x * y).sum::<f64>(),
                    Self::SquaredEuclidean | Self::Euclidean => {
                        let squared =
                            both.map(|(x, y)| (x - y) * (x - y)).sum::<f64>() / units as f64;
                        if self == Self::Euclidean {
                            squared.sqrt()
                        } else {
                            squared
                        }
                    }
                });
            }
        }
        Ok(pairs)
    }
}
