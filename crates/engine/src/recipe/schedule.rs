//! How a rate or a noise level changes along training.

use serde::{Deserialize, Serialize};

/// A factor per step.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub enum Schedule {
    /// 1.
    #[default]
    Constant,
    /// `factor^(step / every)`.
    Exponential {
        /// Factor after `every` steps.
        factor: f64,
        /// Steps.
        every: u64,
    },
    /// `least + (1 - least) (1 + cos(pi step / steps)) / 2`, `least` from then on.
    Cosine {
        /// Steps until the factor is `least`.
        steps: u64,
        /// Last factor.
        least: f64,
    },
    /// `factor` to the number of steps named that have passed.
    Step {
        /// Steps.
        at: Vec<u64>,
        /// Factor at each.
        factor: f64,
    },
    /// `factor` whenever the evaluation loss of a network has not fallen by the share `threshold` for more than `patience`
    /// evaluations; never below `least`. Per network.
    Plateau {
        /// Factor at each.
        factor: f64,
        /// Evaluations.
        patience: u32,
        /// Share of the best loss.
        threshold: f64,
        /// Least factor.
        least: f64,
    },
}

impl Schedule {
    /// Factor at a step that all networks share; 1 for [`Schedule::Plateau`].
    pub fn at(&self, step: u64) -> f64 {
        match self {
            Self::Constant | Self::Plateau { .. } => 1.0,
            Self::Exponential { factor, every } => {
                factor.powf(step as f64 / (*every).max(1) as f64)
            }
            Self::Cosine { steps, least } => {
                let share = (step as f64 / (*steps).max(1) as f64).min(1.0);
                least + (1.0 - least) * 0.5 * (1.0 + (std::f64::consts::PI * share).cos())
            }
            Self::Step { at, factor } => {
                factor.powi(at.iter().filter(|a| **a <= step).count() as i32)
            }
        }
    }

    /// Factor of one network after these evaluations: a function of its curve alone, so that a resumed run has the same.
    pub fn after(&self, curve: &[(u64, f32)]) -> f64 {
        let Self::Plateau {
            factor,
            patience,
            threshold,
            least,
        } = self
        else {
            return 1.0;
        };
        let (mut now, mut best, mut bad) = (1.0_f64, f64::INFINITY, 0_u32);
        for &(_, loss) in curve {
            let loss = f64::from(loss);
            if loss < best * (1.0 - threshold) || best.is_infinite() {
                best = loss;
                bad = 0;
                continue;
            }
            bad += 1;
            if bad > *patience {
                now = (now * factor).max(*least);
                bad = 0;
            }
        }
        now
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn factors_are_the_formulas() {
        let close = |a: f64, b: f64| assert!((a - b).abs() < 1e-12, "{a} {b}");
        let exponential = Schedule::Exponential {
            factor: 0.1,
            every: 100,
        };
        close(exponential.at(0), 1.0);
        close(exponential.at(50), 0.1_f64.sqrt());
        close(exponential.at(200), 0.01);
        let cosine = Schedule::Cosine {
            steps: 10,
            least: 0.2,
        };
        close(cosine.at(5), 0.6);
        close(cosine.at(10), 0.2);
        close(cosine.at(99), 0.2);
        let step = Schedule::Step {
            at: vec![3, 7],
            factor: 0.5,
        };
        close(step.at(2), 1.0);
        close(step.at(3), 0.5);
        close(step.at(7), 0.25);
    }

    #[test]
    fn plateau_counts_as_pytorch_does() {
        // ReduceLROnPlateau(factor=0.5, patience=2, threshold=0.1, threshold_mode="rel").
        let plateau = Schedule::Plateau {
            factor: 0.5,
            patience: 2,
            threshold: 0.1,
            least: 0.2,
        };
        let curve: Vec<(u64, f32)> = [1.0, 0.95, 0.94, 0.93, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5]
            .iter()
            .enumerate()
            .map(|(i, l)| (i as u64, *l))
            .collect();
        let after: Vec<f64> = (1..=curve.len())
            .map(|n| plateau.after(&curve[..n]))
            .collect();
        assert_eq!(
            after,
            [1.0, 1.0, 1.0, 0.5, 0.5, 0.5, 0.5, 0.25, 0.25, 0.25, 0.2]
        );
    }
}
