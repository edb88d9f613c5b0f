//! Distances between spectra: eigenvalues as points of equal mass in the complex plane, moved at least cost.

use super::super::assignment::least;
use super::super::error::described;
use super::super::singular::eigenvalues;
use super::super::{DistanceError, Measure};
use super::Operator;
use faer::Mat;
use serde::Serialize;

/// Invariant under any change of coordinates; blind to eigenvectors.
#[derive(Clone, Copy, Debug, Default)]
pub struct Spectrum;

/// Transport costs between equally many eigenvalues.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct SpectrumFound {
    /// W2.
    pub distance: f64,
    /// Least mean of |lambda - mu|: a metric.
    pub w1: f64,
    /// Root of the least mean square: a metric.
    pub w2: f64,
    /// Least mean square, what the DSA package calls its Wasserstein score. Not a metric.
    pub w2_squared: f64,
}

impl Measure for Spectrum {
    type Input = Operator;
    type Prepared = (String, Vec<[f64; 2]>);
    type Found = SpectrumFound;

    fn prepare(&self, operator: &Operator) -> Result<Self::Prepared, DistanceError> {
        let values = eigenvalues(operator.matrix.as_ref(), &operator.name)?;
        Ok((operator.name.clone(), values))
    }

    fn compare(
        &self,
        a: &Self::Prepared,
        b: &Self::Prepared,
    ) -> Result<SpectrumFound, DistanceError> {
        if a.1.len() != b.1.len() {
            return Err(DistanceError::Pair {
                operation: "wasserstein",
                first: described(&a.0, &[a.1.len()]),
                second: described(&b.0, &[b.1.len()]),
                what: "rank".into(),
                allowed: "operators of equal rank".into(),
            });
        }
        transport(&a.1, &b.1)
    }

    fn distance(found: &SpectrumFound) -> f64 {
        found.distance
    }
}

/// Between equally many points.
///
/// # Errors
///
/// [`DistanceError::Numerics`] where a distance is not finite.
pub fn transport(a: &[[f64; 2]], b: &[[f64; 2]]) -> Result<SpectrumFound, DistanceError> {
    let n = a.len();
    let mean = |cost: &dyn Fn(f64) -> f64| -> Result<f64, DistanceError> {
        let costs = Mat::from_fn(n, n, |i, j| {
            cost((a[i][0] - b[j][0]).hypot(a[i][1] - b[j][1]))
        });
        let partners = least(costs.as_ref())?;
        let moved = partners.iter().enumerate().map(|(i, j)| costs[(i, *j)]);
        Ok(moved.sum::<f64>() / n as f64)
    };
    let w1 = mean(&|d| d)?;
    let w2_squared = mean(&|d| d * d)?;
    let w2 = w2_squared.sqrt();
    Ok(SpectrumFound {
        distance: w2,
        w1,
        w2,
        w2_squared,
    })
}
