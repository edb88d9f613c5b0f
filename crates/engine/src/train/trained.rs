//! Training as far as it has come, and what an evaluation changes of it.

use super::{StopRule, lesson};
use crate::executor::{OptimiserState, TrainOptions};
use serde::{Deserialize, Serialize};

/// How a network's training ended. The first verdict stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// Still training.
    Running,
    /// The evaluation loss met the criterion.
    Converged,
    /// The step budget is spent.
    BudgetSpent,
    /// A loss or gradient was not finite.
    Diverged,
    /// Training was finite but the evaluation loss was not, or was above [`DIVERGED_LOSS`].
    DivergedOnEvaluation,
    /// The device returned a wrong canary word.
    FailedCanary,
}

impl Outcome {
    /// For people and tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Converged => "converged",
            Self::BudgetSpent => "budget spent",
            Self::Diverged => "diverged",
            Self::DivergedOnEvaluation => "diverged on evaluation",
            Self::FailedCanary => "failed canary",
        }
    }
}

/// Evaluation losses above this count as divergence (project default): unbounded cells can meet a criterion on one bank
/// of trials and explode on another.
pub const DIVERGED_LOSS: f32 = 1e6;

/// Weights of one network at the moment it met a named loss.
#[derive(Clone, Debug, PartialEq)]
pub struct Snapshot {
    /// Network.
    pub network: usize,
    /// The loss named in the study.
    pub at_loss: f32,
    /// Step.
    pub step: u64,
    /// Evaluation loss then.
    pub loss: f32,
    /// `[parameter]`
    pub params: Vec<f32>,
}

/// Training as far as it has come: the result once no network is running, a checkpoint before.
#[derive(Clone, Debug, PartialEq)]
pub struct Trained {
    /// Weights and moments now.
    pub optimiser: OptimiserState,
    /// `[network]`
    pub outcomes: Vec<Outcome>,
    /// Steps taken until the network ended, `[network]`.
    pub steps: Vec<u64>,
    /// Weights with the lowest evaluation loss, `[network, parameter]`.
    pub best_params: Vec<f32>,
    /// Their evaluation loss, `[network]`.
    pub best_loss: Vec<f32>,
    /// Their step, `[network]`.
    pub best_step: Vec<u64>,
    /// (step, evaluation loss) per network.
    pub curves: Vec<Vec<(u64, f32)>>,
    /// Accuracy at each evaluation of a network, in the order of its curve; empty where it decides nothing.
    pub accuracy: Vec<Vec<f32>>,
    /// In the order in which they were met.
    pub snapshots: Vec<Snapshot>,
}

impl Trained {
    /// Whether every network has ended.
    pub fn is_done(&self) -> bool {
        self.outcomes.iter().all(|o| *o != Outcome::Running)
    }

    /// Number of networks with an outcome.
    pub fn count(&self, outcome: Outcome) -> usize {
        self.outcomes.iter().filter(|o| **o == outcome).count()
    }

    /// Books the accuracy of networks that are still running.
    pub(super) fn push_accuracy(&mut self, found: &[f32]) {
        for (n, share) in found.iter().enumerate() {
            if self.outcomes[n] == Outcome::Running {
                self.accuracy[n].push(*share);
            }
        }
    }

    /// Books one evaluation: curves, best weights, snapshots, outcomes.
    pub(super) fn record(
        &mut self,
        stop: &StopRule,
        until: &[f32],
        losses: &[f32],
        options: &TrainOptions,
        n_params: usize,
    ) {
        let step = self.optimiser.step;
        for (n, &loss) in losses.iter().enumerate() {
            if self.outcomes[n] != Outcome::Running {
                continue;
            }
            let (place, began) = lesson(&self.curves[n], until);
            self.curves[n].push((step, loss));
            self.steps[n] = step;
            let last = place == until.len();
            // The first evaluation of a lesson: what was best before was best at something else.
            let anew = place > 0 && self.best_step[n] <= began;
            let raw = &self.optimiser.params[n * n_params..][..n_params];
            let effective = options.constraint.as_ref().map(|c| c.effective(n, raw));
            let params = effective.as_deref().unwrap_or(raw);
            if loss < self.best_loss[n] || anew {
                self.best_loss[n] = loss;
                self.best_step[n] = step;
                self.best_params[n * n_params..][..n_params].copy_from_slice(params);
            }
            for &at_loss in stop.snapshots.iter().filter(|s| last && loss <= **s) {
                let kept = self
                    .snapshots
                    .iter()
                    .any(|s| s.network == n && s.at_loss.to_bits() == at_loss.to_bits());
                if !kept {
                    self.snapshots.push(Snapshot {
                        network: n,
                        at_loss,
                        step,
                        loss,
                        params: params.to_vec(),
                    });
                }
            }
            let outcome = if let Some(at) = self.optimiser.diverged_at[n] {
                self.steps[n] = at;
                Outcome::Diverged
            } else if !loss.is_finite() || loss > DIVERGED_LOSS {
                Outcome::DivergedOnEvaluation
            } else if last && self.meets(stop, n, began, until.is_empty()) {
                Outcome::Converged
            } else if step >= stop.max_steps {
                Outcome::BudgetSpent
            } else {
                Outcome::Running
            };
            self.outcomes[n] = outcome;
            if outcome != Outcome::Running {
                self.optimiser.active[n] = false;
            }
        }
    }

    /// Whether a network in its last lesson, which began at a step, is done.
    fn meets(&self, stop: &StopRule, n: usize, began: u64, only: bool) -> bool {
        let curve = &self.curves[n];
        let from = curve.iter().position(|c| only || c.0 > began).unwrap_or(0);
        let accuracy = self.accuracy.get(n).map_or(&[][..], |a| &a[from..]);
        stop.is_met(&curve[from..], accuracy)
    }
}
