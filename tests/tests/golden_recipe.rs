//! Published training recipes against PyTorch in f64: Adam under Dale's law, the full objective with its penalties and given
//! noise, signs by parametrisation.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use chiliad_engine::cell::{Activation, Cell};
use chiliad_engine::cpu::CpuExecutor;
use chiliad_engine::executor::{Executor, TrainOptions};
use chiliad_engine::population::{Architecture, Population, Role};
use chiliad_engine::recipe::{Constraint, Form, Loss, Penalty, Regulariser};
use chiliad_tasks::{TaskShape, Trials};
use chiliad_tests::{json, network, numbers, trials};
use serde_json::Value;
use std::sync::Arc;

const SIGNS: [f32; 4] = [1.0, 1.0, 1.0, -1.0];

/// Largest difference, relative to the largest expected value.
fn worst(found: &[f32], expected: &[f64]) -> f64 {
    assert_eq!(found.len(), expected.len());
    let scale = expected.iter().fold(1e-12_f64, |m, v| m.max(v.abs()));
    found
        .iter()
        .zip(expected)
        .map(|(a, b)| (f64::from(*a) - b).abs() / scale)
        .fold(0.0, f64::max)
}

fn cpu() -> CpuExecutor {
    CpuExecutor::new(Some(1)).unwrap()
}

fn of<'a>(population: &Population, values: &'a [f32], name: &str) -> &'a [f32] {
    &values[population.layout.named(name).unwrap().range()]
}

/// The references count the initial state as their first time step and divide by 20 steps, the engine's readout follows the
/// update and has 19: with every mask at 19/20 the mean over all entries is theirs (their first output and target are 0).
#[test]
fn golden_adam_under_dales_law() {
    let file = json("golden_t1.json");
    let population = network("rate", "relu", &[("leak", 0.1)], &file["weights"]);
    let case = &file["after_update"];
    let mut bank = trials(&case["inputs"], &case["targets"], None);
    bank.mask.fill(0.95);
    let mut constraint = Constraint::new(&population.layout, 1);
    constraint.dale(0, &SIGNS, Form::Free).unwrap();
    constraint
        .read_out_from(0, &SIGNS.map(|s| s > 0.0))
        .unwrap();
    constraint.non_negative(0, |r| matches!(r, Role::Input(..) | Role::Readout));
    constraint.freeze(0, |r| matches!(r, Role::Bias(..) | Role::ReadoutBias));
    let options = TrainOptions {
        batch: 1,
        learning_rate: vec![0.05],
        weight_decay: vec![5e-6],
        clip_norm: f32::INFINITY,
        loss: Loss::AllMean,
        constraint: Some(Arc::new(constraint)),
        ..TrainOptions::new(1)
    };
    let executor = cpu();
    let mut training = executor.train(&population, &options, None).unwrap();
    let adam = &file["adam"];
    let expected = numbers(&adam["losses_before_step"]);
    for (step, expected) in expected.iter().enumerate() {
        let loss = f64::from(training.evaluate(&bank).unwrap()[0]);
        let error = (loss - expected).abs() / expected;
        assert!(error < 1e-5, "step {step}: {loss} against {expected}");
        training.advance(&bank, 1).unwrap();
        let weights = match step {
            0 => &adam["after_1_step"],
            19 => &adam["after_20_steps"],
            _ => continue,
        };
        let state = training.state().unwrap();
        let used = options.effective(&state.params);
        for name in ["w_rec.a", "w_in.a", "w_out"] {
            let error = worst(of(&population, &used, name), &numbers(&weights[name]));
            println!("{} steps, {name}: {error:.1e}", step + 1);
            assert!(error < 1e-5, "{} steps, {name}: {error}", step + 1);
        }
        let found: Vec<f32> = of(&population, &used, "w_rec.a").to_vec();
        // Clamped, exactly.
        assert_eq!(found[11] == 0.0, step == 19);
        assert_eq!(of(&population, &used, "w_out")[3].to_bits(), 0);
    }
}

/// Rate network with what is given from outside added after the nonlinearity, as well as inside it.
const WITH_GIVEN_NOISE: &str = "
struct State { y: f32 }
struct Input { a: f32, outside: f32 }
fn input_drive(s: State) -> f32 { return s.y; }
fn next(s: State, p: Input) -> State { return State(0.9 * s.y + 0.1 * (activation(p.a) + p.outside)); }
";

/// Inputs at every step but the last, one row of `channels` per step and trial.
fn rows(value: &Value, channels: usize) -> Vec<Vec<f32>> {
    let all = numbers(value);
    let steps = all.len() / 3 / channels;
    let kept = |i: &usize| i % steps != steps - 1;
    (0..3 * steps)
        .filter(kept)
        .map(|i| {
            let row = &all[i * channels..][..channels];
            row.iter().map(|v| *v as f32).collect()
        })
        .collect()
}

/// Masked mean, 0.3 times the orthogonality of the inputs, 0.5 times the mean square of activity: the reference takes both
/// means over 20 steps, the first of which is the initial state, 0.
#[test]
fn golden_full_objective() {
    let file = json("golden_t2.json");
    let (targets, mask) = (numbers(&file["targets"]), numbers(&file["mask"]));
    let selected: f64 = mask.iter().sum();
    // What the first step adds to the loss, whatever the weights are.
    let first: f64 = (0..3)
        .map(|k| mask[20 * k] * targets[20 * k].powi(2))
        .sum::<f64>()
        / selected;
    let later = |values: &[f64], factor: f64| -> Vec<f32> {
        let kept = values.iter().enumerate().filter(|(i, _)| i % 20 != 0);
        kept.map(|(_, v)| (v * factor) as f32).collect()
    };
    let plain = rows(&file["inputs"], 2);
    for (case, activation, slope) in [
        ("relu", "relu", None),
        ("tanh", "tanh", None),
        ("sigmoid", "sigmoid", Some(7.5)),
        ("tanh_noise", "tanh", None),
    ] {
        let constants: Vec<(&str, f64)> = [("leak", 0.1)]
            .into_iter()
            .chain(slope.map(|s| ("slope", s)))
            .collect();
        let mut population = network("rate", activation, &constants, &file["weights"]);
        let mut inputs = plain.clone();
        if case == "tanh_noise" {
            let cell = Cell::compile(
                "given",
                "given.wgsl",
                WITH_GIVEN_NOISE,
                "(lacks: { \"outside\": [Recurrent, Bias] })",
                Activation::builtin(activation).unwrap(),
            );
            let architecture = Architecture {
                cell: Arc::new(cell.unwrap()),
                units: 4,
                inputs: 6,
                outputs: 1,
            };
            let mut given = Population::zeros(architecture, 1);
            let layout = Arc::clone(&given.layout);
            let mut put = |name: &str, values: &[f32]| {
                given.params[layout.named(name).unwrap().range()].copy_from_slice(values);
            };
            let known = |name: &str| of(&population, &population.params, name).to_vec();
            put("w_rec.a", &known("w_rec.a"));
            put("w_out", &known("w_out"));
            let mut w_in = vec![0.0; 24];
            let mut outside = vec![0.0; 24];
            for unit in 0..4 {
                w_in[unit * 6..][..2].copy_from_slice(&known("w_in.a")[unit * 2..][..2]);
                outside[unit * 6 + 2 + unit] = 1.0;
            }
            put("w_in.a", &w_in);
            put("w_in.outside", &outside);
            population = given;
            let inside = rows(&file["noise"]["inside"], 2);
            let outside = rows(&file["noise"]["outside"], 4);
            for ((row, xi), added) in inputs.iter_mut().zip(inside).zip(outside) {
                row.iter_mut().zip(xi).for_each(|(u, xi)| *u += xi);
                row.extend(added);
            }
        }
        let shape = TaskShape {
            n_steps: 19,
            n_inputs: inputs[0].len(),
            n_outputs: 1,
        };
        // The mean over all 57 entries is to be the mean over those selected.
        let trials = Trials::new(
            3,
            shape,
            inputs.concat(),
            later(&targets, 1.0),
            later(&mask, 57.0 / selected),
            vec![0; 3],
        )
        .unwrap();
        let options = TrainOptions {
            loss: Loss::AllMean,
            regularisers: vec![
                Regulariser {
                    penalty: Penalty::InputOrthogonality,
                    strength: vec![0.3],
                },
                Regulariser {
                    penalty: Penalty::Rate,
                    strength: vec![0.5 * 0.95],
                },
            ],
            ..TrainOptions::new(1)
        };
        let found = cpu().objective(&population, &options, &trials).unwrap();
        let expected = &file[case];
        let (loss, known) = (
            f64::from(found.loss[0]) + first,
            expected["loss"].as_f64().unwrap(),
        );
        assert!((loss - known).abs() < 1e-6 * known, "{case}: {loss}");
        for name in ["w_rec.a", "w_in.a", "w_out"] {
            let gradient = of(&population, &found.gradient, name);
            // Of the inputs that carry noise no gradient is known.
            let gradient: Vec<f32> = if name == "w_in.a" {
                let width = gradient.len() / 4;
                gradient
                    .chunks(width)
                    .flat_map(|row| row[..2].to_vec())
                    .collect()
            } else {
                gradient.to_vec()
            };
            let error = worst(&gradient, &numbers(&expected[format!("grad.{name}")]));
            println!("{case} {name}: {error:.1e}");
            assert!(error < 1e-5, "{case} {name}: {error}");
        }
    }
}

#[test]
fn golden_signs_by_parametrisation() {
    let file = json("golden_t3.json");
    let trials = trials(&file["inputs"], &file["targets"], None);
    for (name, form) in [("abs", Form::Absolute), ("relu", Form::Rectified)] {
        let mut weights = file["weights"].clone();
        weights["w_rec.a"] = weights["raw"].clone();
        weights["h0.x"] = weights["x0"].clone();
        let population = network("rate_current", "relu", &[("leak", 0.1)], &weights);
        let mut constraint = Constraint::new(&population.layout, 1);
        constraint.dale(0, &SIGNS, form).unwrap();
        constraint.no_autapses(0);
        let options = TrainOptions {
            constraint: Some(Arc::new(constraint)),
            train_initial_state: true,
            ..TrainOptions::new(1)
        };
        let found = cpu().objective(&population, &options, &trials).unwrap();
        let case = &file[name];
        let loss = case["loss"].as_f64().unwrap();
        assert!((f64::from(found.loss[0]) - loss).abs() < 1e-6 * loss);
        for (ours, theirs) in [
            ("w_rec.a", "grad.raw"),
            ("w_in.a", "grad.w_in.a"),
            ("bias.a", "grad.bias.a"),
            ("w_out", "grad.w_out"),
            ("h0.x", "grad.x0"),
        ] {
            let error = worst(
                of(&population, &found.gradient, ours),
                &numbers(&case[theirs]),
            );
            println!("{name} {ours}: {error:.1e}");
            assert!(error < 1e-5, "{name} {ours}: {error}");
        }
    }
}
