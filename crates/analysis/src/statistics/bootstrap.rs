//! How much a figure of a matrix depends on which networks happened to be trained: networks are drawn again, not pairs.

use super::{DistanceMatrix, purpose};
use crate::distances::DistanceError;
use chiliad_tasks::Stream;
use serde::{Deserialize, Serialize};

/// An estimate with its percentile interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// Of the networks themselves.
    pub estimate: f64,
    /// 2.5 %.
    pub low: f64,
    /// 97.5 %.
    pub high: f64,
    /// Samples in which the figure exists; it does not where they hold one network only.
    pub samples: usize,
}

/// The figure of so many samples of networks, drawn with replacement. `figure` gets the networks drawn, some more than once;
/// pairs of a network with its own copy are no pairs, and it leaves them out.
///
/// # Errors
///
/// [`DistanceError::Setting`] where the figure exists for no sample, or not for the networks themselves.
pub fn bootstrap(
    matrix: &DistanceMatrix,
    samples: usize,
    seed: u64,
    figure: &dyn Fn(&DistanceMatrix, &[usize]) -> Option<f64>,
) -> Result<Interval, DistanceError> {
    let n = matrix.n();
    let stream = Stream::new(seed, purpose::BOOTSTRAP);
    let mut drawn: Vec<f64> = (0..samples)
        .filter_map(|s| {
            let mut draws = stream.draws(s as u32);
            let networks: Vec<usize> = (0..n).map(|_| draws.below(n as u32) as usize).collect();
            figure(matrix, &networks)
        })
        .collect();
    drawn.sort_by(f64::total_cmp);
    let all: Vec<usize> = (0..n).collect();
    let estimate = figure(matrix, &all);
    match (estimate, drawn.len()) {
        (Some(estimate), 1..) => Ok(Interval {
            estimate,
            low: quantile(&drawn, 0.025),
            high: quantile(&drawn, 0.975),
            samples: drawn.len(),
        }),
        _ => Err(DistanceError::Setting {
            option: "samples",
            value: samples.to_string(),
            allowed: "enough that the figure exists, for the networks themselves too".into(),
        }),
    }
}

/// Mean distance over pairs of different networks.
pub fn mean_of_pairs(matrix: &DistanceMatrix, networks: &[usize]) -> Option<f64> {
    let (mut sum, mut pairs) = (0.0, 0_usize);
    for (k, i) in networks.iter().enumerate() {
        for j in &networks[..k] {
            if i != j {
                sum += matrix.at(*i, *j);
                pairs += 1;
            }
        }
    }
    (pairs > 0).then(|| sum / pairs as f64)
}

/// Between neighbouring order statistics, linearly.
pub(super) fn quantile(sorted: &[f64], share: f64) -> f64 {
    let place = share * (sorted.len() - 1) as f64;
    let (below, part) = (place.floor() as usize, place.fract());
    let above = (below + 1).min(sorted.len() - 1);
    sorted[below] + part * (sorted[above] - sorted[below])
}
