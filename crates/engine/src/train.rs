//! The training stage: stop rule, best weights, snapshots and outcomes, written once for both executors.
//!
//! Everything here happens at step-indexed points (multiples of `evaluate_every` and of the bank's refresh interval), so
//! neither the host's rhythm nor an interruption decides a result.

use crate::error::EngineError;
use crate::executor::{Executor, OptimiserState, TrainOptions, Training};
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
#[derive(Clone, Debug, Default)]
pub struct StopRule {
    /// A network ends when its evaluation loss is at most this.
    pub loss: Option<f32>,
    /// That many evaluations in a row, where it is more than 1.
    pub held: usize,
    /// A network ends when it decides well enough.
    pub accuracy: Option<AccuracyRule>,
    /// All networks end after this many steps.
    pub max_steps: u64,
    /// Steps between evaluations.
    pub evaluate_every: u64,
    /// Weights are kept the first time the evaluation loss is at most each of these.
    pub snapshots: Vec<f32>,
}

/// A network ends when its accuracy has a mean of at least this over the last evaluations.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AccuracyRule {
    /// Share of the evaluation trials.
    pub at_least: f32,
    /// Evaluations.
    pub mean_of: usize,
}

/// A part of a curriculum: what a network is trained and judged on until its evaluation loss is at most `until`.
pub struct Lesson<'a> {
    /// Trials.
    pub bank: &'a TrialBank,
    /// The fixed trials that decide when the next lesson begins.
    pub evaluation: &'a Trials,
    /// Evaluation loss at which the next one begins.
    pub until: f32,
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
    /// Accuracy at each evaluation of a network, in the order of its curve; empty where it decides nothing.
    pub accuracy: Vec<Vec<f32>>,
    /// In the order in which they were met.
    pub snapshots: Vec<Snapshot>,
}

/// Lesson that a network is in after these evaluations, and the step at which it began: a function of its curve alone, so that a
/// resumed run has the same.
#[must_use]
pub fn lesson(curve: &[(u64, f32)], until: &[f32]) -> (usize, u64) {
    let (mut lesson, mut began) = (0, 0);
    for &(step, loss) in curve {
        if until.get(lesson).is_some_and(|until| loss <= *until) {
            (lesson, began) = (lesson + 1, step);
        }
    }
    (lesson, began)
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
    let last = (bank, evaluation);
    teach(
        executor,
        population,
        options,
        stop,
        &[],
        last,
        from,
        after_evaluation,
    )
}

/// The same after some lessons, which each network goes through at its own speed. Best weights, snapshots and the stop rule are
/// those of the last trials, `bank` and `evaluation`; before, the best weights are those of the lesson a network is in.
pub fn teach(
    executor: &dyn Executor,
    population: &Population,
    options: &TrainOptions,
    stop: &StopRule,
    lessons: &[Lesson<'_>],
    (bank, evaluation): (&TrialBank, &Trials),
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
    let until: Vec<f32> = lessons.iter().map(|l| l.until).collect();
    let banks: Vec<&TrialBank> = lessons.iter().map(|l| l.bank).chain([bank]).collect();
    let judged: Vec<&Trials> = lessons
        .iter()
        .map(|l| l.evaluation)
        .chain([evaluation])
        .collect();
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
                accuracy: vec![Vec::new(); if stop.accuracy.is_some() { n } else { 0 }],
                snapshots: Vec::new(),
            };
            let places = vec![0; n];
            let losses = evaluate(&mut *training, &judged, &places)?;
            if stop.accuracy.is_some() {
                let found = accuracy(executor, population, &fresh, options, evaluation)?;
                fresh.push_accuracy(&found);
            }
            fresh.record(stop, &until, &losses, options, population.layout.n_params);
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
        let places: Vec<usize> = trained.curves.iter().map(|c| lesson(c, &until).0).collect();
        // Lessons that some network is in.
        let mut present: Vec<usize> = places.clone();
        present.sort_unstable();
        present.dedup();
        let place = |lesson: &usize| present.iter().position(|p| p == lesson).unwrap_or(0);
        let of: Vec<usize> = places.iter().map(place).collect();
        while step < target {
            let mut end = target;
            let mut trials = Vec::new();
            for &p in &present {
                let generation = banks[p].generation_of(step);
                let last = generation
                    .saturating_add(1)
                    .saturating_mul(banks[p].refresh_interval());
                end = end.min(last);
                trials.push(banks[p].generation(generation));
            }
            let trials: Vec<&Trials> = trials.iter().map(|t| &**t).collect();
            training.advance_each(&trials, &of, end - step)?;
            step = end;
        }
        let losses = evaluate(&mut *training, &judged, &places)?;
        trained.optimiser = training.state()?;
        if stop.accuracy.is_some() {
            let found = accuracy(executor, population, &trained, options, evaluation)?;
            trained.push_accuracy(&found);
        }
        trained.record(stop, &until, &losses, options, population.layout.n_params);
        training.freeze(&trained.optimiser.active)?;
    }
    Ok(trained)
}

/// Loss of every network on the trials of its lesson.
fn evaluate(
    training: &mut dyn Training,
    judged: &[&Trials],
    places: &[usize],
) -> Result<Vec<f32>, EngineError> {
    let mut losses = vec![f32::NAN; places.len()];
    for (lesson, trials) in judged.iter().enumerate() {
        if places.contains(&lesson) {
            let found = training.evaluate(trials)?;
            for (n, loss) in found.into_iter().enumerate() {
                if places[n] == lesson {
                    losses[n] = loss;
                }
            }
        }
    }
    Ok(losses)
}

/// Networks whose states are held at once.
const TOGETHER: usize = 8;

/// Share of trials in which the largest output at the last step that counts is the one that should be largest. `[network]`
fn accuracy(
    executor: &dyn Executor,
    population: &Population,
    trained: &Trained,
    options: &TrainOptions,
    trials: &Trials,
) -> Result<Vec<f32>, EngineError> {
    let mut now = population.clone();
    let effective = options.effective(&trained.optimiser.params);
    now.params.copy_from_slice(&effective);
    let all: Vec<usize> = (0..now.n_networks).collect();
    let mut found = Vec::with_capacity(all.len());
    for some in all.chunks(TOGETHER) {
        let part = now.select(some);
        let run = executor.roll_out(&part, &trials.inputs, trials.n_trials, trials.n_steps)?;
        let size = trials.n_trials * trials.n_steps * trials.n_outputs;
        found.extend(
            run.outputs
                .chunks_exact(size.max(1))
                .map(|y| decided(y, trials)),
        );
    }
    Ok(found)
}

/// The same of one network's outputs, `[trial, time, output]`.
fn decided(outputs: &[f32], trials: &Trials) -> f32 {
    let (steps, n) = (trials.n_steps, trials.n_outputs);
    let largest = |row: &[f32]| {
        let order = |a: &(usize, &f32), b: &(usize, &f32)| a.1.total_cmp(b.1);
        row.iter().enumerate().max_by(order).map(|m| m.0)
    };
    let right = |trial: &usize| {
        let at = |t: usize| (trial * steps + t) * n;
        let counts = |t: &usize| trials.mask[at(*t)..][..n].iter().any(|m| *m > 0.0);
        (0..steps).rev().find(counts).is_some_and(|t| {
            largest(&outputs[at(t)..][..n]) == largest(&trials.targets[at(t)..][..n])
        })
    };
    let count = (0..trials.n_trials).filter(right).count();
    count as f32 / trials.n_trials.max(1) as f32
}

impl StopRule {
    /// Whether a network is done, from its evaluations in the last lesson.
    fn is_met(&self, losses: &[(u64, f32)], accuracy: &[f32]) -> bool {
        let last = |n: usize| {
            losses
                .len()
                .checked_sub(n.max(1))
                .map(|from| &losses[from..])
        };
        let by_loss = self.loss.is_some_and(|criterion| {
            last(self.held).is_some_and(|l| l.iter().all(|l| l.1 <= criterion))
        });
        let by_accuracy = self.accuracy.is_some_and(|rule| {
            let n = rule.mean_of.max(1);
            accuracy.len().checked_sub(n).is_some_and(|from| {
                accuracy[from..].iter().sum::<f32>() / n as f32 >= rule.at_least
            })
        });
        by_loss || by_accuracy
    }
}

impl Trained {
    /// Books the accuracy of networks that are still running.
    fn push_accuracy(&mut self, found: &[f32]) {
        for (n, share) in found.iter().enumerate() {
            if self.outcomes[n] == Outcome::Running {
                self.accuracy[n].push(*share);
            }
        }
    }

    /// Books one evaluation: curves, best weights, snapshots, outcomes.
    fn record(
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lessons_follow_from_the_curve() {
        let until = [0.5, 0.3];
        let curve = [(0, 1.0), (25, 0.5), (50, 0.9), (75, 0.2), (100, 0.1)];
        let at = |n: usize| lesson(&curve[..n], &until);
        assert_eq!(
            [at(1), at(2), at(3), at(4), at(5)],
            [(0, 0), (1, 25), (1, 25), (2, 75), (2, 75)]
        );
        assert_eq!(lesson(&curve, &[]), (0, 0));
    }

    #[test]
    fn stop_rules_hold_and_average() {
        let curve = |losses: &[f32]| {
            let points = losses.iter().enumerate();
            points.map(|(k, l)| (k as u64, *l)).collect::<Vec<_>>()
        };
        let held = StopRule {
            loss: Some(0.1),
            held: 3,
            ..StopRule::default()
        };
        assert!(!held.is_met(&curve(&[0.1, 0.1]), &[]));
        assert!(!held.is_met(&curve(&[0.1, 0.2, 0.1, 0.1]), &[]));
        assert!(held.is_met(&curve(&[0.2, 0.1, 0.05, 0.1]), &[]));
        let decides = StopRule {
            accuracy: Some(AccuracyRule {
                at_least: 0.85,
                mean_of: 2,
            }),
            ..StopRule::default()
        };
        assert!(!decides.is_met(&curve(&[1.0]), &[1.0]));
        assert!(!decides.is_met(&curve(&[1.0, 1.0]), &[0.75, 0.9]));
        assert!(decides.is_met(&curve(&[1.0, 1.0, 1.0]), &[0.0, 0.8, 0.95]));
    }

    #[test]
    fn accuracy_is_of_the_last_step_that_counts() {
        let trials = Trials {
            n_trials: 2,
            n_steps: 2,
            n_inputs: 0,
            n_outputs: 2,
            inputs: Vec::new(),
            targets: vec![1.0, 0.0, 0.0, 1.0, 0.0, 1.0, 1.0, 0.0],
            mask: vec![1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 0.0, 0.0],
            condition: vec![0, 0],
        };
        // Right at the end of the first; the last step of the second does not count, and the one before is wrong.
        assert_eq!(
            decided(&[0.0, 1.0, 0.2, 0.7, 0.9, 0.1, 0.9, 0.1], &trials),
            0.5
        );
    }
}
