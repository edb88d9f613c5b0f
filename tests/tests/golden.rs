//! Losses, gradients and trajectories computed elsewhere (PyTorch and JAX in f64), to 1e-5 relative.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use chiliad_engine::cpu::CpuExecutor;
use chiliad_engine::executor::Executor;
use chiliad_tests::{json, network, numbers, trials};

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

#[test]
fn golden_dale_relu_loss_and_gradients() {
    let file = json("golden_t1.json");
    let cpu = CpuExecutor::new(Some(1)).unwrap();
    for case in [&file, &file["masked"], &file["without_bias"]] {
        let mut weights = file["weights"].clone();
        if std::ptr::eq(case, &file["without_bias"]) {
            weights["bias.a"] = serde_json::json!([0.0, 0.0, 0.0, 0.0]);
        }
        let population = network("rate", "relu", &[("leak", 0.1)], &weights);
        let case = &case["after_update"];
        let trials = trials(&case["inputs"], &case["targets"], Some(&case["mask"]));
        let result = cpu.gradient(&population, &trials).unwrap();
        let loss = case["loss"].as_f64().unwrap();
        assert!((f64::from(result.loss[0]) - loss).abs() < 1e-6 * loss);
        for name in ["w_rec.a", "w_in.a", "bias.a", "w_out"] {
            let tensor = population.layout.named(name).unwrap();
            let error = worst(
                &result.gradient[tensor.range()],
                &numbers(&case[format!("grad.{name}")]),
            );
            assert!(error < 1e-5, "{name}: {error}");
        }
    }
}

#[test]
fn golden_dale_relu_trajectory() {
    let file = json("golden_t1.json");
    let population = network("rate", "relu", &[("leak", 0.1)], &file["weights"]);
    let inputs: Vec<f32> = numbers(&file["after_update"]["inputs"])
        .into_iter()
        .map(|v| v as f32)
        .collect();
    let rolled = CpuExecutor::new(Some(1))
        .unwrap()
        .roll_out(&population, &inputs, 1, 19)
        .unwrap();
    // The file's arrays hold the initial state as their first entry; ours start after the first update.
    assert!(worst(&rolled.states[0], &numbers(&file["states"])[4..]) < 1e-5);
    assert!(worst(&rolled.outputs, &numbers(&file["outputs"])[1..]) < 1e-5);
}

#[test]
fn golden_activations_and_slope() {
    let file = json("golden_t2.json");
    let inputs = file["inputs"].as_array().unwrap();
    // Input at the last step is never used by the reference, whose first output precedes the first update.
    let fed: Vec<f32> = inputs
        .iter()
        .flat_map(|t| numbers(t)[..38].to_vec())
        .map(|v| v as f32)
        .collect();
    for (name, slope) in [("relu", None), ("tanh", None), ("sigmoid", Some(7.5))] {
        let constants: Vec<(&str, f64)> = [("leak", 0.1)]
            .into_iter()
            .chain(slope.map(|s| ("slope", s)))
            .collect();
        let population = network("rate", name, &constants, &file["weights"]);
        let rolled = CpuExecutor::new(Some(1))
            .unwrap()
            .roll_out(&population, &fed, 3, 19)
            .unwrap();
        let expected: Vec<f64> = file[name]["outputs"]
            .as_array()
            .unwrap()
            .iter()
            .flat_map(|t| numbers(t)[1..].to_vec())
            .collect();
        let error = worst(&rolled.outputs, &expected);
        assert!(error < 1e-5, "{name}: {error}");
    }
}

#[test]
fn golden_current_form_with_signs() {
    let file = json("golden_t3.json");
    let (raw, signs) = (
        numbers(&file["weights"]["raw"]),
        numbers(&file["column_signs"]),
    );
    for (form, effective, slope) in [
        (
            "abs",
            (|r: f64| r.abs()) as fn(f64) -> f64,
            (|r: f64| if r == 0.0 { 0.0 } else { r.signum() }) as fn(f64) -> f64,
        ),
        (
            "relu",
            |r: f64| r.max(0.0),
            |r: f64| f64::from(u8::from(r > 0.0)),
        ),
    ] {
        let mut weights = file["weights"].clone();
        weights["w_rec.a"] = (0..16).map(|i| effective(raw[i]) * signs[i % 4]).collect();
        weights["h0.x"] = file["weights"]["x0"].clone();
        let population = network("rate_current", "relu", &[("leak", 0.1)], &weights);
        let trials = trials(&file["inputs"], &file["targets"], None);
        let cpu = CpuExecutor::new(Some(1)).unwrap();
        let result = cpu.gradient(&population, &trials).unwrap();
        let case = &file[form];
        let loss = case["loss"].as_f64().unwrap();
        assert!(
            (f64::from(result.loss[0]) - loss).abs() < 1e-6 * loss,
            "{form}: {} against {loss}",
            result.loss[0]
        );
        for (name, key) in [
            ("w_in.a", "grad.w_in.a"),
            ("bias.a", "grad.bias.a"),
            ("w_out", "grad.w_out"),
            ("h0.x", "grad.x0"),
        ] {
            let tensor = population.layout.named(name).unwrap();
            let error = worst(&result.gradient[tensor.range()], &numbers(&case[key]));
            assert!(error < 1e-5, "{form} {name}: {error}");
        }
        // The chain through the sign parametrisation, no autapses.
        let tensor = population.layout.named("w_rec.a").unwrap();
        let chained: Vec<f32> = result.gradient[tensor.range()]
            .iter()
            .enumerate()
            .map(|(i, g)| {
                if i % 5 == 0 {
                    0.0
                } else {
                    (f64::from(*g) * signs[i % 4] * slope(raw[i])) as f32
                }
            })
            .collect();
        assert!(
            worst(&chained, &numbers(&case["grad.raw"])) < 1e-5,
            "{form} raw"
        );
        let rolled = cpu.roll_out(&population, &trials.inputs, 1, 20).unwrap();
        assert!(worst(&rolled.states[0], &numbers(&case["states"])) < 1e-5);
        assert!(worst(&rolled.outputs, &numbers(&case["outputs"])) < 1e-5);
    }
}

#[test]
fn golden_one_step_of_every_cell() {
    let file = json("golden_one_step.json");
    for (key, cell, activation) in [
        ("vanilla_tanh", "vanilla", "tanh"),
        ("vanilla_relu", "vanilla", "relu"),
        ("ugrnn", "ugrnn", "tanh"),
        ("gru", "gru", "tanh"),
        ("gru_reset_after", "gru_reset_after", "tanh"),
        ("lstm", "lstm", "tanh"),
    ] {
        let mut weights = file[key]["weights"].clone();
        weights["h0.h"] = file["h"].clone();
        weights["h0.c"] = file["c"].clone();
        let population = network(cell, activation, &[], &weights);
        let rolled = CpuExecutor::new(Some(1))
            .unwrap()
            .roll_out(&population, &[0.7], 1, 1)
            .unwrap();
        let error = worst(&rolled.states.concat(), &numbers(&file[key]["next"]));
        assert!(error < 1e-6, "{key}: {error}");
    }
}
