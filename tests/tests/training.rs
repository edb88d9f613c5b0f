//! The training stage: outcomes, isolation of networks, resumption, independence of threads and company.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use chiliad_engine::cell::Cell;
use chiliad_engine::cpu::CpuExecutor;
use chiliad_engine::executor::TrainOptions;
use chiliad_engine::population::{Architecture, Population, Seeds, initialise::initialise};
use chiliad_engine::train::{Outcome, StopRule, Trained, train};
use chiliad_tasks::{Task, TrialBank};
use std::sync::Arc;

fn population(cell: &str, seeds: std::ops::Range<u64>) -> Population {
    let architecture = Architecture {
        cell: Arc::new(Cell::builtin(cell, "tanh").unwrap()),
        units: 16,
        inputs: 3,
        outputs: 3,
    };
    initialise(&architecture, &seeds.map(Seeds::all).collect::<Vec<_>>())
}

fn stop(max_steps: u64) -> StopRule {
    StopRule {
        loss: Some(0.05),
        max_steps,
        evaluate_every: 10,
        snapshots: vec![0.5, 0.1],
        ..StopRule::default()
    }
}

fn run(
    threads: usize,
    population: &Population,
    options: &TrainOptions,
    stop: &StopRule,
    from: Option<Trained>,
    until: u64,
) -> Trained {
    let cpu = CpuExecutor::new(Some(threads)).unwrap();
    let task = Arc::new(Task::builtin("flip_flop").unwrap());
    // A small bank, so that the run crosses several generations.
    let bank = TrialBank::new(Arc::clone(&task), "train", 3, 256, 16).unwrap();
    let evaluation = task.evaluation(40, 3).unwrap();
    train(
        &cpu,
        population,
        options,
        stop,
        &bank,
        &evaluation,
        from,
        &mut |t| t.optimiser.step < until,
    )
    .unwrap()
}

fn options(n: usize) -> TrainOptions {
    TrainOptions {
        batch: 16,
        ..TrainOptions::new(n)
    }
}

#[test]
fn training_converges_and_freezes() {
    let networks = population("vanilla", 0..3);
    let trained = run(2, &networks, &options(3), &stop(400), None, u64::MAX);
    assert_eq!(trained.outcomes, [Outcome::Converged; 3]);
    for n in 0..3 {
        let last = trained.curves[n].last().unwrap();
        assert!(last.1 <= 0.05 && last.0 == trained.steps[n] && trained.best_loss[n] <= 0.05);
        let p = networks.layout.n_params;
        assert_eq!(
            trained.best_params[n * p..][..p],
            trained.optimiser.params[n * p..][..p],
            "a converged network took another step"
        );
        let kept: Vec<f32> = trained
            .snapshots
            .iter()
            .filter(|s| s.network == n)
            .map(|s| s.at_loss)
            .collect();
        assert_eq!(kept, [0.5, 0.1]);
    }
}

#[test]
fn training_does_not_depend_on_threads_or_company() {
    let networks = population("gru", 0..3);
    let together = run(1, &networks, &options(3), &stop(30), None, u64::MAX);
    assert_eq!(
        together,
        run(2, &networks, &options(3), &stop(30), None, u64::MAX)
    );
    let alone = run(
        2,
        &networks.select(&[1]),
        &options(1),
        &stop(30),
        None,
        u64::MAX,
    );
    let p = networks.layout.n_params;
    assert_eq!(
        together.optimiser.params[p..2 * p],
        alone.optimiser.params[..]
    );
    assert_eq!(together.curves[1], alone.curves[0]);
}

#[test]
fn training_resumed_is_identical() {
    let networks = population("lstm", 0..2);
    let whole = run(2, &networks, &options(2), &stop(60), None, u64::MAX);
    let half = run(1, &networks, &options(2), &stop(60), None, 30);
    assert_eq!(half.optimiser.step, 30);
    assert_eq!(
        whole,
        run(2, &networks, &options(2), &stop(60), Some(half), u64::MAX)
    );
}

#[test]
fn training_diverged_network_touches_no_neighbour() {
    let networks = population("ugrnn", 0..3);
    let healthy = run(2, &networks, &options(3), &stop(40), None, u64::MAX);
    let mut sick = options(3);
    sick.learning_rate[1] = 1e6;
    let trained = run(2, &networks, &sick, &stop(40), None, u64::MAX);
    assert!(
        matches!(
            trained.outcomes[1],
            Outcome::Diverged | Outcome::DivergedOnEvaluation
        ),
        "{:?}",
        trained.outcomes
    );
    let p = networks.layout.n_params;
    for n in [0, 2] {
        assert_eq!(
            trained.optimiser.params[n * p..][..p],
            healthy.optimiser.params[n * p..][..p]
        );
        assert_eq!(trained.curves[n], healthy.curves[n]);
    }
}

#[test]
fn training_non_finite_loss_is_an_outcome() {
    let mut networks = population("vanilla", 0..2);
    networks.params[0] = f32::NAN;
    let trained = run(1, &networks, &options(2), &stop(10), None, u64::MAX);
    assert!(matches!(
        trained.outcomes[0],
        Outcome::Diverged | Outcome::DivergedOnEvaluation
    ));
    assert!(matches!(
        trained.outcomes[1],
        Outcome::BudgetSpent | Outcome::Converged
    ));
}

#[test]
fn training_noise_is_reproducible_and_matters() {
    let architecture = Architecture {
        cell: Arc::new(Cell::builtin("rate", "tanh").unwrap()),
        units: 16,
        inputs: 3,
        outputs: 3,
    };
    let networks = initialise(
        &architecture,
        &[
            Seeds::all(0),
            Seeds {
                noise: 9,
                ..Seeds::all(0)
            },
        ],
    );
    let noisy = TrainOptions {
        noise: vec![0.1, 0.1],
        ..options(2)
    };
    let trained = run(1, &networks, &noisy, &stop(20), None, u64::MAX);
    assert_eq!(
        trained,
        run(2, &networks, &noisy, &stop(20), None, u64::MAX)
    );
    let p = networks.layout.n_params;
    assert_ne!(
        trained.optimiser.params[..p],
        trained.optimiser.params[p..],
        "the noise seed changes nothing"
    );
}
