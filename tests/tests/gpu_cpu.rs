//! The two executors against each other: gradients, roll-outs, the same census from the same weights, the same outcomes.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod gpu_adapter;

use chiliad_engine::cpu::CpuExecutor;
use chiliad_engine::executor::{Executor, TrainOptions};
use chiliad_engine::fixed_points::{FixedPoints, Options, Visited, find_from, first_seeds};
use chiliad_engine::population::{Architecture, Population, Seeds, initialise::initialise};
use chiliad_engine::train::{Outcome, StopRule, Trained, train};
use chiliad_tasks::{Task, TrialBank};
use std::sync::Arc;

#[test]
fn gradient_agrees_between_executors_at_odd_sizes() {
    let Some(gpu) = gpu_adapter::open("gradient_agrees_between_executors_at_odd_sizes") else {
        return;
    };
    let cpu = CpuExecutor::new(Some(1)).unwrap();
    for (cell, n_networks, units) in [
        ("vanilla", 65, 7),
        ("gru", 3, 7),
        ("lstm", 1, 33),
        ("ugrnn", 3, 1),
    ] {
        let population = gpu_adapter::population(cell, n_networks, units);
        let trials = gpu_adapter::trials(5, 9, 2, 3);
        let (a, b) = (
            cpu.gradient(&population, &trials).unwrap(),
            gpu.gradient(&population, &trials).unwrap(),
        );
        let scale = a.gradient.iter().fold(0.0_f32, |m, g| m.max(g.abs()));
        for (x, y) in a.gradient.iter().zip(&b.gradient) {
            assert!((x - y).abs() <= 1e-5 * scale, "{cell}: {x} against {y}");
        }
        for (x, y) in a.loss.iter().zip(&b.loss) {
            assert!(
                (x - y).abs() <= 1e-5 * x.abs(),
                "{cell}: loss {x} against {y}"
            );
        }
        let (a, b) = (
            cpu.roll_out(&population, &trials.inputs, 5, 9).unwrap(),
            gpu.roll_out(&population, &trials.inputs, 5, 9).unwrap(),
        );
        for (x, y) in a.outputs.iter().zip(&b.outputs) {
            assert!((x - y).abs() <= 1e-5, "{cell}: output {x} against {y}");
        }
    }
}

/// One-bit flip-flop in few units: seconds on a software adapter.
fn small(
    executor: &dyn Executor,
    n: u64,
    units: usize,
    loss: f32,
    max_steps: u64,
) -> (Population, Trained) {
    let ron = "(summary: \"one bit\", source: \"test\", generator: FlipFlop(bits: 1, steps: 12, pulse_probability: 0.2, force_first_pulse: true, input_noise: 0.0))";
    let task = Arc::new(Task::from_ron(ron, "one_bit").unwrap());
    let architecture = Architecture {
        inputs: 1,
        outputs: 1,
        ..gpu_adapter::architecture("vanilla", "tanh", units, 1, 1)
    };
    let population = initialise(&architecture, &(0..n).map(Seeds::all).collect::<Vec<_>>());
    let bank = TrialBank::new(Arc::clone(&task), "train", 0, 256, 16).unwrap();
    let evaluation = task.evaluation(32, 0).unwrap();
    let stop = StopRule {
        loss: Some(loss),
        max_steps,
        evaluate_every: 20,
        snapshots: vec![],
    };
    let options = TrainOptions {
        batch: 16,
        ..TrainOptions::new(n as usize)
    };
    let trained = train(
        executor,
        &population,
        &options,
        &stop,
        &bank,
        &evaluation,
        None,
        &mut |_| true,
    )
    .unwrap();
    (population, trained)
}

#[test]
fn outcomes_agree_between_executors() {
    let Some(gpu) = gpu_adapter::open("outcomes_agree_between_executors") else {
        return;
    };
    let cpu = CpuExecutor::new(None).unwrap();
    let n = 32;
    // A budget that about half of the networks need: shares near 0 or 1 would agree whatever the executors do.
    let share = |executor: &dyn Executor| {
        small(executor, n, 6, 0.02, 120).1.count(Outcome::Converged) as f64 / n as f64
    };
    let (a, b) = (share(&cpu), share(&gpu));
    println!("converged within 120 steps: CPU {a:.2}, GPU {b:.2}");
    let pooled = (a + b) / 2.0;
    let half_width = 1.96 * (2.0 * pooled * (1.0 - pooled) / n as f64).sqrt();
    assert!((a - b).abs() <= half_width.max(1e-9), "{a} against {b}");
}

#[test]
fn census_agrees_between_executors() {
    let Some(gpu) = gpu_adapter::open("census_agrees_between_executors") else {
        return;
    };
    let cpu = CpuExecutor::new(None).unwrap();
    let (mut population, trained) = small(&cpu, 3, 6, 0.01, 600);
    population.params = trained.best_params;
    let trials = Task::builtin("flip_flop")
        .unwrap()
        .sample("train", 16, 0)
        .unwrap();
    let inputs: Vec<f32> = trials.inputs.iter().step_by(3).copied().collect();
    let options = Options {
        seeds: 160,
        settle_steps: 500,
        ..Options::default()
    };
    let census = |executor: &dyn Executor| -> Vec<FixedPoints> {
        let rolled = executor
            .roll_out(&population, &inputs, 16, trials.n_steps)
            .unwrap();
        let visited = |n: usize| Visited::of(&rolled, n);
        let mut seeds = Vec::new();
        let mut n_seeds = 0;
        for n in 0..3 {
            let (own, count) =
                first_seeds(&population, n, &[0.0], 0, &visited(n), &options).unwrap();
            seeds.extend(own);
            n_seeds = count;
        }
        let ends = executor
            .descend(&population, &[0.0], &seeds, n_seeds)
            .unwrap();
        let per_network = seeds.len() / 3;
        (0..3)
            .map(|n| {
                let from = ends.as_ref().map(|e| &e[n * per_network..][..per_network]);
                find_from(&population, n, &[0.0], 0, &visited(n), &options, from).unwrap()
            })
            .collect()
    };
    for (a, b) in census(&cpu).iter().zip(census(&gpu)) {
        assert_eq!(a.points.len(), b.points.len());
        assert!(
            a.points.len() >= 3,
            "a memory has two stable points and a saddle"
        );
        for p in &a.points {
            let nearest = b.points.iter().map(|q| {
                p.state
                    .iter()
                    .zip(&q.state)
                    .map(|(x, y)| (x - y).powi(2))
                    .sum::<f64>()
                    .sqrt()
            });
            assert!(nearest.fold(f64::INFINITY, f64::min) < 1e-5);
        }
        assert_eq!(a.certificate.verdict, b.certificate.verdict);
    }
}
