//! Where trials end, aligned by a rotation (Tolmachev & Engel 2025).

use super::Cloud;
use super::principal::coordinates;
use crate::distances::singular::{frobenius, nuclear_norm};
use crate::distances::{DistanceError, Measure, Recording, Samples};
use faer::Mat;
use serde::Serialize;

/// Orthogonal Procrustes between the last states of the same trials, scaled to a mean squared norm of 1.
#[derive(Clone, Copy, Debug)]
pub struct Endpoints {
    /// Principal components kept, where there are so many.
    pub components: usize,
}

impl Default for Endpoints {
    fn default() -> Self {
        Self { components: 10 }
    }
}

/// The residual.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct EndpointsFound {
    /// Frobenius norm of what is left.
    pub distance: f64,
}

impl Measure for Endpoints {
    type Input = Recording;
    type Prepared = Cloud;
    type Found = EndpointsFound;

    fn prepare(&self, recording: &Recording) -> Result<Cloud, DistanceError> {
        let (k, n) = (recording.n_trials, recording.n_units);
        let last: Vec<f64> = (0..k)
            .flat_map(|t| recording.state(t, recording.n_steps - 1))
            .copied()
            .collect();
        let ends =
            Samples::with_silent_units(&format!("last states of {}", recording.name), k, n, &last)?;
        let f = coordinates(ends.values(), self.components, &ends.name)?;
        let scale = frobenius(&f) / (k as f64).sqrt();
        let scaled: Mat<f64> = &f * faer::Scale(1.0 / scale);
        Cloud::of(&ends, scaled, scale)
    }

    fn compare(&self, a: &Cloud, b: &Cloud) -> Result<EndpointsFound, DistanceError> {
        a.same_samples(b, "endpoints")?;
        let s = nuclear_norm((a.values.transpose() * &b.values).as_ref(), &a.name)?;
        // Both have squared norm k by their scaling.
        let k = a.shape[0] as f64;
        Ok(EndpointsFound {
            distance: (2.0 * (k - s)).max(0.0).sqrt(),
        })
    }

    fn distance(found: &EndpointsFound) -> f64 {
        found.distance
    }
}
