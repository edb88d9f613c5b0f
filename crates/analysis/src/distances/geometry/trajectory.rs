//! Population trajectories, fitted to each other linearly in both directions (Tolmachev & Engel 2025).

use super::Cloud;
use super::principal::coordinates;
use crate::distances::singular::{frobenius, svd};
use crate::distances::{DistanceError, Measure, Samples};
use faer::Mat;
use serde::Serialize;

/// Residual of the least-squares linear map from one network's trajectories to the other's.
#[derive(Clone, Copy, Debug)]
pub struct TrajectoryFit {
    /// Principal components kept, where there are so many.
    pub components: usize,
}

impl Default for TrajectoryFit {
    fn default() -> Self {
        Self { components: 10 }
    }
}

/// Residuals, Frobenius norms of clouds with total variance 1.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct TrajectoryFound {
    /// Mean of both directions.
    pub distance: f64,
    /// First to second.
    pub forward: f64,
    /// Second to first.
    pub backward: f64,
}

impl Measure for TrajectoryFit {
    type Input = Samples;
    type Prepared = Cloud;
    type Found = TrajectoryFound;

    fn prepare(&self, samples: &Samples) -> Result<Cloud, DistanceError> {
        let f = coordinates(samples.values(), self.components, &samples.name)?;
        // Total standard deviation of the components kept, over n.
        let deviation = frobenius(&f) / (f.nrows() as f64).sqrt();
        let scaled = &f * faer::Scale(1.0 / deviation);
        Cloud::of(samples, scaled, deviation)
    }

    fn compare(&self, a: &Cloud, b: &Cloud) -> Result<TrajectoryFound, DistanceError> {
        a.same_samples(b, "trajectories")?;
        let (forward, backward) = (residual(a, b)?, residual(b, a)?);
        Ok(TrajectoryFound {
            distance: 0.5 * (forward + backward),
            forward,
            backward,
        })
    }

    fn distance(found: &TrajectoryFound) -> f64 {
        found.distance
    }
}

/// `min_M |F_a M - F_b|`: what of b lies outside the span of a's columns.
fn residual(from: &Cloud, to: &Cloud) -> Result<f64, DistanceError> {
    let found = svd(from.values.as_ref(), &from.name)?;
    let floor = found.s[0] * f64::EPSILON * from.values.nrows() as f64;
    let rank = found.s.iter().filter(|s| **s > floor).count();
    let q = Mat::from_fn(found.u.nrows(), rank, |i, j| found.u[(i, j)]);
    let inside = &q * (q.transpose() * &to.values);
    Ok(frobenius(&(&to.values - inside)))
}
