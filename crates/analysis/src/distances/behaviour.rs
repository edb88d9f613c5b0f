//! How differently networks behave: the spread of their loss where they were not trained, and of what they answer.

use super::error::described;
use super::samples::check;
use super::{DistanceError, Measure, Samples};
use serde::{Deserialize, Serialize};

/// Spread of the out-of-distribution loss of one condition.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct LossSpread {
    /// Population standard deviation (over n, not n - 1) of the networks that converged; none where none did.
    pub deviation: Option<f64>,
    /// Their mean loss.
    pub mean: Option<f64>,
    /// How many converged.
    pub converged: usize,
    /// Of how many.
    pub networks: usize,
    /// Share that converged.
    pub rate: f64,
}

/// Losses of one condition, and which networks converged; the others are counted, not averaged.
///
/// # Errors
///
/// [`DistanceError::Array`] for no network, lists of different lengths, or a converged network without a finite loss.
pub fn loss_spread(losses: &[f64], converged: &[bool]) -> Result<LossSpread, DistanceError> {
    let refuse = |what: String, allowed: &str| DistanceError::Array {
        name: "out-of-distribution losses".into(),
        shape: vec![losses.len(), converged.len()],
        what,
        allowed: allowed.into(),
    };
    if losses.is_empty() || losses.len() != converged.len() {
        return Err(refuse(
            "a list for each of the two".into(),
            "one loss and one outcome per network, 1 network or more",
        ));
    }
    let kept: Vec<f64> = losses
        .iter()
        .zip(converged)
        .filter_map(|(l, c)| c.then_some(*l))
        .collect();
    if !kept.iter().all(|l| l.is_finite()) {
        return Err(refuse(
            "a converged network has a loss that is not finite".into(),
            "finite losses",
        ));
    }
    let n = kept.len() as f64;
    let mean = (!kept.is_empty()).then(|| kept.iter().sum::<f64>() / n);
    let deviation = mean.map(|m| (kept.iter().map(|l| (l - m).powi(2)).sum::<f64>() / n).sqrt());
    Ok(LossSpread {
        deviation,
        mean,
        converged: kept.len(),
        networks: losses.len(),
        rate: n / losses.len() as f64,
    })
}

/// Root mean square difference of the outputs on the same trials, `[sample, output]`, in output units. A metric.
#[derive(Clone, Copy, Debug, Default)]
pub struct Outputs;

/// The distance, and beside it the largest difference.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct OutputsFound {
    /// Root mean square.
    pub distance: f64,
    /// Largest absolute difference.
    pub largest: f64,
}

impl Measure for Outputs {
    type Input = Samples;
    type Prepared = Samples;
    type Found = OutputsFound;

    fn prepare(&self, samples: &Samples) -> Result<Samples, DistanceError> {
        Ok(samples.clone())
    }

    fn compare(&self, a: &Samples, b: &Samples) -> Result<OutputsFound, DistanceError> {
        if a.shape() != b.shape() {
            return Err(DistanceError::Pair {
                operation: "outputs",
                first: described(&a.name, &a.shape()),
                second: described(&b.name, &b.shape()),
                what: "shape".into(),
                allowed: "outputs of the same trials".into(),
            });
        }
        let (x, y) = (a.values(), b.values());
        let (mut squares, mut largest) = (0.0, 0.0_f64);
        for i in 0..x.nrows() {
            for j in 0..x.ncols() {
                let d = (x[(i, j)] - y[(i, j)]).abs();
                squares += d * d;
                largest = largest.max(d);
            }
        }
        let distance = (squares / (x.nrows() * x.ncols()) as f64).sqrt();
        if distance.is_finite() {
            return Ok(OutputsFound { distance, largest });
        }
        Err(super::singular::failed(
            "difference of the outputs",
            &a.name,
        ))
    }

    fn distance(found: &OutputsFound) -> f64 {
        found.distance
    }
}

/// Share of trials answered with choice 1 at every stimulus condition; none where a condition has no trial.
///
/// # Errors
///
/// [`DistanceError::Array`] unless there are as many choices as conditions, all of them below `n_conditions`.
pub fn psychometric(
    choices: &[bool],
    conditions: &[usize],
    n_conditions: usize,
) -> Result<Vec<Option<f64>>, DistanceError> {
    if choices.len() != conditions.len() || conditions.iter().any(|c| *c >= n_conditions) {
        return Err(DistanceError::Array {
            name: "choices and conditions".into(),
            shape: vec![choices.len(), conditions.len()],
            what: "they do not belong together".into(),
            allowed: format!("a choice per trial, and conditions below {n_conditions}"),
        });
    }
    let mut counts = vec![[0_usize; 2]; n_conditions];
    for (choice, condition) in choices.iter().zip(conditions) {
        counts[*condition][0] += usize::from(*choice);
        counts[*condition][1] += 1;
    }
    let share = |[ones, all]: &[usize; 2]| (*all > 0).then(|| *ones as f64 / *all as f64);
    Ok(counts.iter().map(share).collect())
}

/// Root mean square difference of two psychometric functions over the conditions that both have.
///
/// # Errors
///
/// [`DistanceError::Array`] where they have no condition in common or different numbers of them.
pub fn psychometric_difference(a: &[Option<f64>], b: &[Option<f64>]) -> Result<f64, DistanceError> {
    let both: Vec<f64> = a
        .iter()
        .zip(b)
        .filter_map(|(x, y)| x.zip(*y))
        .flat_map(|(x, y)| [x, y])
        .collect();
    if a.len() != b.len() {
        return Err(DistanceError::Array {
            name: "psychometric functions".into(),
            shape: vec![a.len(), b.len()],
            what: "different numbers of conditions".into(),
            allowed: "functions of the same conditions".into(),
        });
    }
    check("conditions that both have", &[both.len() / 2, 2], &both)?;
    let squares: f64 = both.chunks(2).map(|p| (p[0] - p[1]).powi(2)).sum();
    Ok((squares / (both.len() / 2) as f64).sqrt())
}
