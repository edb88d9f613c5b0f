//! The training stage: stop rule, best weights, snapshots and outcomes, written once for both executors.
//!
//! Everything here happens at step-indexed points (multiples of `evaluate_every` and of the bank's refresh interval), so
//! neither the host's rhythm nor an interruption decides a result.

mod accuracy;
mod lesson;
mod stop;
mod trained;

pub use lesson::{Lesson, lesson};
pub use stop::{AccuracyRule, StopRule};
pub use trained::{DIVERGED_LOSS, Outcome, Snapshot, Trained};

use crate::error::EngineError;
use crate::executor::{Executor, TrainOptions, Training};
use crate::population::Population;
use crate::recipe::Schedule;
use accuracy::accuracy;
use chiliad_tasks::{TrialBank, Trials};

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
