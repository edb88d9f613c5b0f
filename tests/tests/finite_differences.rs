//! Gradients through time against central differences in f64: every cell, every activation, every parameter.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod gpu_adapter;

use chiliad_engine::cell::{Cell, activations, names};
use chiliad_engine::cpu::CpuExecutor;
use chiliad_engine::executor::Executor;
use chiliad_engine::population::{Architecture, Population, Seeds, initialise::initialise};
use chiliad_tasks::random::Stream;
use chiliad_tests::reference::Reference;

/// Purpose word of what is added to the initial weights, so that no tensor is zero.
const OFFSETS: u32 = 0xa00;
/// Step of the differences. Their own error is about the square of it, and 1e-16 / step for rounding.
const STEP: f64 = 1e-5;
/// Largest error allowed, relative to the largest entry of the tensor: the executors work in f32, whose rounding (6e-8)
/// adds up over five steps of products with terms of both signs.
const ALLOWED: f64 = 2e-5;

/// A network in general position, `salt` deciding which.
fn network(architecture: &Architecture, salt: u32) -> Population {
    let mut population = initialise(architecture, &[Seeds::all(u64::from(salt))]);
    let stream = Stream::new(u64::from(salt), OFFSETS);
    for (i, p) in population.params.iter_mut().enumerate() {
        *p += 0.3 * stream.normal_at(0, i as u32);
    }
    population
}

/// Holds an executor against differences: worst error of a tensor, relative to its largest entry, and its name.
fn compare(executor: &dyn Executor, cell: &str, activation: &str) -> (f64, String) {
    let architecture = gpu_adapter::architecture(cell, activation, 5, 2, 3);
    let trials = gpu_adapter::trials(3, 5, 2, 3);
    // The first network that keeps ten step sizes from every kink.
    let (population, expected) = (1..200)
        .find_map(|salt| {
            let population = network(&architecture, salt);
            Reference::new(&population, 0)
                .differences(&trials, STEP)
                .map(|d| (population, d))
        })
        .unwrap_or_else(|| panic!("{cell} {activation}: every network lies near a kink"));
    let found = executor.gradient(&population, &trials).unwrap();
    let loss = Reference::new(&population, 0).loss(&trials);
    assert!(
        (f64::from(found.loss[0]) - loss).abs() < 1e-6 * loss,
        "{cell} {activation}: loss {} against {loss}",
        found.loss[0]
    );
    let mut worst = (0.0_f64, String::new());
    for tensor in &population.layout.tensors {
        let expected = &expected[tensor.range()];
        let largest = expected.iter().fold(0.0_f64, |m, g| m.max(g.abs()));
        // What linear attention reads out is made anew at every step.
        let unread = cell == "linear_attention" && tensor.name == "h0.h";
        assert!(
            (largest > 1e-9) != unread,
            "{cell} {activation}: {} has no gradient, so nothing would be compared",
            tensor.name
        );
        if unread {
            assert!(found.gradient[tensor.range()].iter().all(|g| *g == 0.0));
            continue;
        }
        for (ours, exact) in found.gradient[tensor.range()].iter().zip(expected) {
            let error = (f64::from(*ours) - exact).abs() / largest;
            assert!(
                error < ALLOWED,
                "{cell} {activation} {}: {ours} against {exact}",
                tensor.name
            );
            if error > worst.0 {
                worst = (error, tensor.name.clone());
            }
        }
    }
    worst
}

#[test]
fn gradient_of_every_parameter_matches_finite_differences() {
    let cpu = CpuExecutor::new(Some(1)).unwrap();
    for cell in names() {
        // A cell that calls no activation is the same with each of them.
        let calls = Cell::builtin(cell, "tanh")
            .unwrap()
            .wgsl
            .contains("activation(");
        for activation in activations().take(if calls { usize::MAX } else { 1 }) {
            let (error, tensor) = compare(&cpu, cell, activation);
            println!(
                "{cell:16} {activation:9} worst {error:.1e} of the tensor's largest ({tensor})"
            );
        }
    }
}

#[test]
fn train_step_gradient_of_every_parameter_matches_finite_differences() {
    let test = "train_step_gradient_of_every_parameter_matches_finite_differences";
    let Some(gpu) = gpu_adapter::open(test) else {
        return;
    };
    // Every cell and every activation once: each combination takes seconds to compile on a software adapter.
    for (cell, activation) in [
        ("vanilla", "tanh"),
        ("rate", "relu"),
        ("rate_current", "relu"),
        ("ugrnn", "tanh"),
        ("gru", "softplus"),
        ("gru_reset_after", "sigmoid"),
        ("lstm", "relu"),
        ("mgu", "gelu"),
        ("antisymmetric", "erf"),
        ("al_rnn", "identity"),
        ("shplrnn", "identity"),
        ("shplrnn_clipped", "identity"),
        ("state_space", "saturating_linear"),
        ("state_space_complex", "leaky_relu"),
        ("linear_attention", "identity"),
    ] {
        let (error, tensor) = compare(&gpu, cell, activation);
        println!("{cell:16} {activation:9} worst {error:.1e} of the tensor's largest ({tensor})");
    }
}
