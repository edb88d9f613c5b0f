//! The two executors against each other: gradients, roll-outs, the same census from the same weights, the same outcomes.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod gpu_adapter;

use chiliad::engine_calls::{Search, driven_trials, fixed_points};
use chiliad::fixed_points_plan::FixedPointsPlan;
use chiliad_analysis::matching::matching;
use chiliad_engine::cpu::CpuExecutor;
use chiliad_engine::executor::{Executor, TrainOptions};
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
        ..StopRule::default()
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

/// Quickstart's networks, two of each cell: 32 units on the 3-bit flip-flop, trained on the CPU, searched on both.
#[test]
fn census_of_quickstart_networks_agrees_between_executors() {
    let test = "census_of_quickstart_networks_agrees_between_executors";
    let Some(gpu) = gpu_adapter::open(test) else {
        return;
    };
    let cpu = CpuExecutor::new(None).unwrap();
    let task = Arc::new(Task::builtin("flip_flop").unwrap());
    let plan = FixedPointsPlan {
        seeds: 1024,
        driven: 256,
        driven_steps: 4000,
        ..FixedPointsPlan::default()
    };
    let trials = driven_trials(&task, &plan, 0).unwrap();
    for (cell, n) in ["vanilla", "ugrnn", "gru", "lstm"].map(|c| (c, 2)) {
        let architecture = gpu_adapter::architecture(cell, "tanh", 32, 3, 3);
        let seeds: Vec<Seeds> = (0..n as u64).map(Seeds::all).collect();
        let mut population = initialise(&architecture, &seeds);
        let stop = StopRule {
            loss: Some(1e-3),
            max_steps: 2000,
            evaluate_every: 25,
            snapshots: vec![],
            ..StopRule::default()
        };
        let trained = train(
            &cpu,
            &population,
            &TrainOptions::new(n),
            &stop,
            &TrialBank::new(Arc::clone(&task), "train", 0, 1024, 64).unwrap(),
            &task.evaluation(512, 0).unwrap(),
            None,
            &mut |_| true,
        )
        .unwrap();
        assert_eq!(trained.count(Outcome::Converged), n, "{cell}");
        population.params = trained.best_params;
        let search = Search {
            plan: &plan,
            conditions: &task.conditions(),
            trials: Some(&trials),
            own_seeds: Vec::new(),
            seed: 0,
        };
        let start = std::time::Instant::now();
        let census =
            |executor: &dyn Executor| fixed_points(executor, &population, &search, &mut |_| {});
        let (a, b) = (census(&cpu).unwrap(), census(&gpu).unwrap());
        for (a, b) in a.iter().flatten().zip(b.iter().flatten()) {
            let matched = matching(a, b, 1e-5);
            println!(
                "{cell} network {}: {matched:?}, {:?} and {:?}, {:.1} s",
                a.network,
                a.certificate.verdict,
                b.certificate.verdict,
                start.elapsed().as_secs_f64()
            );
            assert!(
                matched.pairs >= 8 + 7,
                "{cell}: a memory of three bits has 8 stable points and saddles between them"
            );
            assert!(matched.is_complete(), "{cell}: {matched:?}");
            assert_eq!(a.certificate.verdict, b.certificate.verdict, "{cell}");
        }
    }
}

/// Mesa's software adapter ends loops after 65,535 turns without a word: up to there its numbers are the CPU's, beyond the call is
/// refused. A real GPU takes both.
#[test]
fn trials_too_long_for_a_software_adapter_are_refused() {
    let Some(gpu) = gpu_adapter::open("trials_too_long_for_a_software_adapter_are_refused") else {
        return;
    };
    let software = gpu.gpu().unwrap().is_software();
    let cpu = CpuExecutor::new(Some(1)).unwrap();
    let population = gpu_adapter::population("vanilla", 1, 256);
    for (n_steps, short) in [(100, true), (240, true), (300, false)] {
        let trials = gpu_adapter::trials(2, n_steps, 2, 3);
        let there = gpu.roll_out(&population, &trials.inputs, 2, n_steps);
        if software && !short {
            let why = there.unwrap_err().to_string();
            assert!(
                why.contains("300 time steps of 256 units") && why.contains("65535"),
                "{why}"
            );
            continue;
        }
        let here = cpu
            .roll_out(&population, &trials.inputs, 2, n_steps)
            .unwrap();
        for (x, y) in here.outputs.iter().zip(&there.unwrap().outputs) {
            assert!((x - y).abs() <= 2e-4, "{n_steps} steps: {x} against {y}");
        }
    }
    // A gradient turns its loops more than twice as often.
    let gradient = |n_steps| gpu.gradient(&population, &gpu_adapter::trials(2, n_steps, 2, 3));
    let here = cpu
        .gradient(&population, &gpu_adapter::trials(2, 80, 2, 3))
        .unwrap();
    let there = gradient(80).unwrap();
    assert!((here.loss[0] - there.loss[0]).abs() <= 1e-5 * here.loss[0]);
    assert_eq!(gradient(130).is_err(), software);
}
