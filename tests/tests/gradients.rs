//! Gradients of every cell: against PyTorch's autograd (committed data) and against finite differences of the f64 graph.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use chiliad_engine::cell::Cell;
use chiliad_engine::cpu::{CpuExecutor, Level};
use chiliad_engine::executor::Executor;
use chiliad_engine::population::{Architecture, Population};
use chiliad_tasks::{NpzArray, TaskShape, Trials, read_npz};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Population and trials of one `tests/data/gradient_*.npz`.
fn golden(
    cell: &str,
    activation: &str,
    file: &str,
) -> (Population, Trials, BTreeMap<String, NpzArray>) {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("data")
        .join(format!("gradient_{file}.npz"));
    let arrays = read_npz(&path).unwrap();
    let cell = Arc::new(Cell::builtin(cell, activation).unwrap());
    let shape = |name: &str| arrays[name].shape.clone();
    let (inputs, targets) = (shape("inputs"), shape("targets"));
    let units = shape("b_out")[0].max(shape("w_out")[1]);
    let architecture = Architecture {
        cell: Arc::clone(&cell),
        units,
        inputs: inputs[2],
        outputs: targets[2],
    };
    let mut population = Population::zeros(architecture, 1);
    for tensor in population.layout.clone().tensors.iter() {
        let key = tensor.name.replace("h0.y", "h0.h").replace("h0.x", "h0.h");
        population.params[tensor.range()].copy_from_slice(&arrays[&key].to_f32());
    }
    for (i, (name, _)) in cell.constants.iter().enumerate() {
        if let Some(value) = arrays.get(&format!("constant.{name}")) {
            population.constants[i] = value.to_f32()[0];
        }
    }
    let data = |name: &str| arrays[name].to_f32();
    let task = TaskShape {
        n_steps: inputs[1],
        n_inputs: inputs[2],
        n_outputs: targets[2],
    };
    let trials = Trials::new(
        inputs[0],
        task,
        data("inputs"),
        data("targets"),
        data("mask"),
        vec![0; inputs[0]],
    )
    .unwrap();
    (population, trials, arrays)
}

const GOLDENS: [(&str, &str, &str); 10] = [
    ("vanilla", "tanh", "vanilla_tanh"),
    ("vanilla", "relu", "vanilla_relu"),
    ("vanilla", "softplus", "vanilla_softplus"),
    ("vanilla", "sigmoid", "vanilla_sigmoid"),
    ("vanilla", "sigmoid", "vanilla_sigmoid_slope"),
    ("rate", "tanh", "rate_tanh"),
    ("ugrnn", "tanh", "ugrnn_tanh"),
    ("gru", "tanh", "gru_tanh"),
    ("gru_reset_after", "tanh", "gru_reset_after_tanh"),
    ("lstm", "tanh", "lstm_tanh"),
];

#[test]
fn gradient_matches_autograd() {
    let cpu = CpuExecutor::new(Some(1)).unwrap();
    for (cell, activation, file) in GOLDENS {
        let (population, trials, arrays) = golden(cell, activation, file);
        let result = cpu.gradient(&population, &trials).unwrap();
        let loss = arrays["loss"].to_f64()[0];
        assert!(
            (f64::from(result.loss[0]) - loss).abs() < 1e-6 * loss,
            "{file}: loss {} against {loss}",
            result.loss[0]
        );
        let mut worst = 0.0_f64;
        for tensor in &population.layout.tensors {
            let key = tensor.name.replace("h0.y", "h0.h");
            let exact = arrays[&format!("grad.{key}")].to_f64();
            let scale = exact.iter().fold(0.0_f64, |m, v| m.max(v.abs()));
            for (ours, theirs) in result.gradient[tensor.range()].iter().zip(&exact) {
                let error = (f64::from(*ours) - theirs).abs() / scale.max(1e-12);
                worst = worst.max(error);
                assert!(
                    error < 1e-5,
                    "{file} {}: {ours} against {theirs}",
                    tensor.name
                );
            }
        }
        println!("{file}: worst error {worst:.1e} of the tensor's largest entry");
    }
}

#[test]
fn gradient_is_the_same_at_every_simd_level_and_thread_count() {
    for (cell, activation, file) in GOLDENS {
        let (population, trials, _) = golden(cell, activation, file);
        let wide = CpuExecutor::new(Some(1))
            .unwrap()
            .gradient(&population, &trials)
            .unwrap();
        for (level, threads) in [(Level::Narrow, 1), (Level::Scalar, 1), (Level::Detected, 2)] {
            assert_eq!(
                wide,
                CpuExecutor::with_level(Some(threads), level)
                    .unwrap()
                    .gradient(&population, &trials)
                    .unwrap(),
                "{file} {level:?}"
            );
        }
    }
}
