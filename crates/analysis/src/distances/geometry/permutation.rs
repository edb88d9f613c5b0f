//! The best matching of single units (Williams et al. 2021): invariant under a relabelling of units, and nothing else.

use super::shape;
use super::{Cloud, ShapeFound};
use crate::distances::assignment::greatest;
use crate::distances::singular::frobenius;
use crate::distances::{DistanceError, Measure, Samples};
use faer::Mat;
use serde::Serialize;

/// Units matched one to one by their centred activity; the smaller network is filled up with silent ones.
#[derive(Clone, Copy, Debug, Default)]
pub struct Permutation;

/// As [`ShapeFound`], with the matching.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PermutationFound {
    /// Angular and Euclidean.
    #[serde(flatten)]
    pub shape: ShapeFound,
    /// Unit of the second network for every unit of the first; one past its last is a silent unit.
    pub matching: Vec<usize>,
}

impl Measure for Permutation {
    type Input = Samples;
    type Prepared = Cloud;
    type Found = PermutationFound;

    fn prepare(&self, samples: &Samples) -> Result<Cloud, DistanceError> {
        let values = samples.centred();
        let norm = frobenius(&values);
        Cloud::of(samples, values, norm)
    }

    fn compare(&self, a: &Cloud, b: &Cloud) -> Result<PermutationFound, DistanceError> {
        a.same_samples(b, "permutation")?;
        let gain = a.values.transpose() * &b.values;
        let n = gain.nrows().max(gain.ncols());
        let square = Mat::from_fn(n, n, |i, j| {
            if i < gain.nrows() && j < gain.ncols() {
                gain[(i, j)]
            } else {
                0.0
            }
        });
        let mut matching = greatest(square.as_ref())?;
        // Summed in an order that does not depend on which network comes first.
        let mut terms: Vec<f64> = matching
            .iter()
            .enumerate()
            .map(|(i, j)| square[(i, *j)])
            .collect();
        terms.sort_by(f64::total_cmp);
        matching.truncate(gain.nrows());
        Ok(PermutationFound {
            shape: shape::found(a.norm, b.norm, terms.iter().sum()),
            matching,
        })
    }

    fn distance(found: &PermutationFound) -> f64 {
        found.shape.distance
    }
}
