//! Canonical correlations, of all directions (CCA) or of the largest principal ones (SVCCA, Raghu et al. 2017).

use super::Cloud;
use super::principal::kept;
use crate::distances::singular::{nuclear_norm, singular_values, svd};
use crate::distances::{DistanceError, Measure, Samples};
use faer::Mat;
use serde::Serialize;

/// Directions that are kept of a network's states.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Components {
    /// All that carry variance: CCA.
    All,
    /// The fewest that carry this share of the variance, above 0 and at most 1.
    Variance(f64),
    /// So many.
    Number(usize),
}

/// Mean canonical correlation: invariant under any invertible affine map of the directions kept.
#[derive(Clone, Copy, Debug)]
pub struct Canonical {
    /// What is kept.
    pub components: Components,
    /// Whether each correlation is given beside their mean, which takes several times as long.
    pub correlations: bool,
}

/// Correlations and the distance made of them.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CanonicalFound {
    /// 1 - mean.
    pub distance: f64,
    /// Mean over the smaller number of directions kept.
    pub mean: f64,
    /// Canonical correlations, falling; none where only their mean was wanted.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub correlations: Vec<f64>,
    /// Directions kept of each.
    pub components: [usize; 2],
}

impl Measure for Canonical {
    type Input = Samples;
    /// `values`: orthonormal columns, one per direction.
    type Prepared = Cloud;
    type Found = CanonicalFound;

    fn prepare(&self, samples: &Samples) -> Result<Cloud, DistanceError> {
        let found = svd(samples.centred().as_ref(), &samples.name)?;
        let k = kept(&found.s, self.components, samples)?;
        let q = Mat::from_fn(found.u.nrows(), k, |i, j| found.u[(i, j)]);
        Cloud::of(samples, q, 1.0)
    }

    fn compare(&self, a: &Cloud, b: &Cloud) -> Result<CanonicalFound, DistanceError> {
        a.same_samples(b, "cca")?;
        let components = [a.values.ncols(), b.values.ncols()];
        if components[0] + components[1] >= a.shape[0] {
            return Err(a.differs(
                b,
                "cca",
                &format!(
                    "the directions kept, {components:?}, which fill the space of the samples"
                ),
                "more samples than the directions of both together, or fewer directions",
            ));
        }
        let cross = a.values.transpose() * &b.values;
        let correlations: Vec<f64> = if self.correlations {
            singular_values(cross.as_ref(), &a.name)?
                .into_iter()
                .map(|r| r.min(1.0))
                .collect()
        } else {
            Vec::new()
        };
        let least = components[0].min(components[1]) as f64;
        let mean = (nuclear_norm(cross.as_ref(), &a.name)? / least).min(1.0);
        Ok(CanonicalFound {
            distance: 1.0 - mean,
            mean,
            correlations,
            components,
        })
    }

    fn distance(found: &CanonicalFound) -> f64 {
        found.distance
    }
}
