//! The training stage: stop rule, best weights, snapshots and outcomes, written once for both executors.
//!
//! Everything here happens at step-indexed points (multiples of `evaluate_every` and of the bank's refresh interval), so
//! neither the host's rhythm nor an interruption decides a result.

use crate::error::EngineError;
use crate::executor::{Executor, OptimiserState, TrainOptions};
use crate::population::Population;
use crate::recipe::Schedule;
use chiliad_tasks::{TrialBank, Trials};
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

/// When training ends and what is kept on the way.
#[derive(Clone, Debug)]
pub struct StopRule {
    /// A network ends when its evaluation loss is at most this.
    pub loss: Option<f32>,
    /// All networks end after this many steps.
    pub max_steps: u64,
    /// Steps between evaluations.
    pub evaluate_every: u64,
    /// Weights are kept the first time the evaluation loss is at most each of these.
    pub snapshots: Vec<f32>,
}

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
}

/// Trains until every network has ended, or until `after_evaluation` (called with each new state) says to stop.
pub fn train(
    executor: &dyn Executor,
    population: &Population,
    options: &TrainOptions,
    stop: &StopRule,
    bank: &TrialBank,
    evaluation: &Trials,
    from: Option<Trained>,
    after_evaluation: &mut dyn FnMut(&Trained) -> bool,
) -> Result<Trained, EngineError> {
    if stop.evaluate_every == 0 {
        return Err(EngineError::Shape {
            operation: "train",
            what: "steps between evaluations".into(),
            found: "0".into(),
            expected: "at least 1".into(),
        });
    }
    let mut training = executor.train(
        population,
        options,
        from.as_ref().map(|f| f.optimiser.clone()),
    )?;
    let mut trained = match from {
        Some(trained) => trained,
        None => {
            let n = population.n_networks;
            let mut fresh = Trained {
                optimiser: training.state()?,
                outcomes: vec![Outcome::Running; n],
                steps: vec![0; n],
                best_params: options
                    .effective(&options.raw(&population.params))
                    .into_owned(),
                best_loss: vec![f32::INFINITY; n],
                best_step: vec![0; n],
                curves: vec![Vec::new(); n],
                snapshots: Vec::new(),
            };
            let losses = training.evaluate(evaluation)?;
            fresh.record(stop, &losses, options, population.layout.n_params);
            training.freeze(&fresh.optimiser.active)?;
            fresh
        }
    };
    let adapts = matches!(options.schedule, Schedule::Plateau { .. });
    while !trained.is_done() && after_evaluation(&trained) {
        let target = (trained.optimiser.step / stop.evaluate_every + 1)
            .saturating_mul(stop.evaluate_every)
            .min(stop.max_steps);
        let mut step = trained.optimiser.step;
        if adapts {
            let factor = |curve: &Vec<(u64, f32)>| options.schedule.after(curve) as f32;
            let factors: Vec<f32> = trained.curves.iter().map(factor).collect();
            training.set_rate_factors(&factors)?;
        }
        while step < target {
            let generation = bank.generation_of(step);
            let until = generation
                .saturating_add(1)
                .saturating_mul(bank.refresh_interval())
                .min(target);
            training.advance(&bank.generation(generation), until - step)?;
            step = until;
        }
        let losses = training.evaluate(evaluation)?;
        trained.optimiser = training.state()?;
        trained.record(stop, &losses, options, population.layout.n_params);
        training.freeze(&trained.optimiser.active)?;
    }
    Ok(trained)
}

impl Trained {
    /// Books one evaluation: curves, best weights, snapshots, outcomes.
    fn record(&mut self, stop: &StopRule, losses: &[f32], options: &TrainOptions, n_params: usize) {
        let step = self.optimiser.step;
        for (n, &loss) in losses.iter().enumerate() {
            if self.outcomes[n] != Outcome::Running {
                continue;
            }
            self.curves[n].push((step, loss));
            self.steps[n] = step;
            let raw = &self.optimiser.params[n * n_params..][..n_params];
            let effective = options.constraint.as_ref().map(|c| c.effective(n, raw));
            let params = effective.as_deref().unwrap_or(raw);
            if loss < self.best_loss[n] {
                self.best_loss[n] = loss;
                self.best_step[n] = step;
                self.best_params[n * n_params..][..n_params].copy_from_slice(params);
            }
            for &at_loss in stop.snapshots.iter().filter(|s| loss <= **s) {
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
            } else if stop.loss.is_some_and(|criterion| loss <= criterion) {
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
}
