//! What is minimised on the trials.

use chiliad_tasks::Trials;
use serde::{Deserialize, Serialize};

/// Loss on trials, before any penalty.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Loss {
    /// `sum mask (y - target)^2 / sum mask`: the mean over selected entries.
    #[default]
    MaskedMean,
    /// `sum mask (y - target)^2 / (trials steps outputs)`: the mean over all entries, selected or not.
    AllMean,
    /// `-sum mask_0 sum_o target_o log softmax(y)_o / sum mask_0`, with the mask of output 0 as weight of a time step.
    CrossEntropy,
}

impl Loss {
    /// Weight of each trial in the divisor of a batch's loss, `[trial]`.
    pub fn weights(self, trials: &Trials) -> Vec<f64> {
        let outputs = trials.n_outputs;
        let n = trials.n_steps * outputs;
        (0..trials.n_trials)
            .map(|trial| {
                let mask = trials.mask[trial * n..][..n].iter().map(|m| f64::from(*m));
                match self {
                    Self::MaskedMean => mask.sum(),
                    Self::AllMean => n as f64,
                    Self::CrossEntropy => mask.step_by(outputs.max(1)).sum(),
                }
            })
            .collect()
    }

    /// Loss of one time step before the division, in f64, and dL/dy written to `error`.
    pub fn step(self, y: &[f32], target: &[f32], mask: &[f32], error: Option<&mut [f64]>) -> f64 {
        match self {
            Self::MaskedMean | Self::AllMean => {
                let differences = y.iter().zip(target).zip(mask);
                let weighted =
                    differences.map(|((y, t), m)| (f64::from(*m), f64::from(*y) - f64::from(*t)));
                if let Some(error) = error {
                    for (e, (m, d)) in error.iter_mut().zip(weighted.clone()) {
                        *e = 2.0 * m * d;
                    }
                }
                weighted.map(|(m, d)| m * d * d).sum()
            }
            Self::CrossEntropy => {
                let Some(&weight) = mask.first() else {
                    return 0.0;
                };
                let weight = f64::from(weight);
                let largest = y
                    .iter()
                    .fold(f64::NEG_INFINITY, |m, v| m.max(f64::from(*v)));
                let sum: f64 = y.iter().map(|v| (f64::from(*v) - largest).exp()).sum();
                let total: f64 = target.iter().map(|t| f64::from(*t)).sum();
                if let Some(error) = error {
                    for ((e, v), t) in error.iter_mut().zip(y).zip(target) {
                        let p = (f64::from(*v) - largest).exp() / sum;
                        *e = weight * (total * p - f64::from(*t));
                    }
                }
                let log = |v: f32| f64::from(v) - largest - sum.ln();
                -weight
                    * y.iter()
                        .zip(target)
                        .map(|(v, t)| f64::from(*t) * log(*v))
                        .sum::<f64>()
            }
        }
    }
}
