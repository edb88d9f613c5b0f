//! Loss and gradient of every cell on the device against PyTorch in float64, and at odd sizes.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod gpu_adapter;

use chiliad_engine::cell::{Activation, Cell};
use chiliad_engine::executor::Executor as _;
use chiliad_engine::population::{Architecture, Population, Seeds, initialise::initialise};
use chiliad_tasks::{TaskShape, Trials, read_npz};
use chiliad_tests::reference::Reference;
use std::path::Path;
use std::sync::Arc;

#[test]
fn train_step_gradient_matches_autograd() {
    let Some(executor) = gpu_adapter::open("train_step_gradient_matches_autograd") else {
        return;
    };
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("data");
    let cases = [
        ("vanilla", "tanh", "vanilla_tanh"),
        ("vanilla", "relu", "vanilla_relu"),
        ("vanilla", "sigmoid", "vanilla_sigmoid_slope"),
        ("vanilla", "softplus", "vanilla_softplus"),
        ("rate", "tanh", "rate_tanh"),
        ("ugrnn", "tanh", "ugrnn_tanh"),
        ("gru", "tanh", "gru_tanh"),
        ("gru_reset_after", "tanh", "gru_reset_after_tanh"),
        ("lstm", "tanh", "lstm_tanh"),
    ];
    for (cell, activation, file) in cases {
        let golden = read_npz(folder.join(format!("gradient_{file}.npz"))).unwrap();
        let f32s = |name: &str| golden[name].to_f32();
        let [k, t, i] = golden["inputs"].shape[..] else {
            panic!("inputs")
        };
        let o = golden["targets"].shape[2];
        let units = golden["w_out"].shape[1];
        let mut population =
            Population::zeros(gpu_adapter::architecture(cell, activation, units, i, o), 1);
        let layout = population.layout.clone();
        // The files call every first state field `h`.
        let name_in_file = |name: &str| {
            if golden.contains_key(name) {
                name.to_string()
            } else {
                "h0.h".into()
            }
        };
        for tensor in &layout.tensors {
            population.params[tensor.range()].copy_from_slice(&f32s(&name_in_file(&tensor.name)));
        }
        for (at, (name, _)) in population.architecture.cell.constants.iter().enumerate() {
            if let Some(value) = golden.get(&format!("constant.{name}")) {
                population.constants[at] = value.to_f32()[0];
            }
        }
        let trials = Trials::new(
            k,
            TaskShape {
                n_steps: t,
                n_inputs: i,
                n_outputs: o,
            },
            f32s("inputs"),
            f32s("targets"),
            f32s("mask"),
            vec![0; k],
        )
        .unwrap();
        let found = executor.gradient(&population, &trials).unwrap();
        let loss = golden["loss"].to_f64()[0];
        assert!(
            (f64::from(found.loss[0]) - loss).abs() < 1e-6 * loss,
            "{file}: loss {} against {loss}",
            found.loss[0]
        );
        let expected: Vec<(String, Vec<f64>)> = layout
            .tensors
            .iter()
            .map(|x| {
                (
                    x.name.clone(),
                    golden[&format!("grad.{}", name_in_file(&x.name))].to_f64(),
                )
            })
            .collect();
        let largest = expected
            .iter()
            .flat_map(|e| &e.1)
            .fold(0.0_f64, |m, g| m.max(g.abs()));
        for (tensor, (name, expected)) in layout.tensors.iter().zip(&expected) {
            for (e, (found, expected)) in found.gradient[tensor.range()]
                .iter()
                .zip(expected)
                .enumerate()
            {
                let error = (f64::from(*found) - expected).abs() / largest;
                assert!(
                    error < 1e-5,
                    "{file}: {name}[{e}] = {found}, expected {expected}, error {error:.1e} of the largest"
                );
            }
        }
    }
}

/// Every network of a population of odd size has the bits it has alone, and its gradient is that of the sum of its trials.
#[test]
fn train_step_gradient_at_odd_sizes() {
    let Some(executor) = gpu_adapter::open("train_step_gradient_at_odd_sizes") else {
        return;
    };
    let trials = gpu_adapter::trials(5, 6, 2, 3);
    for n_networks in [1, 3, 65] {
        let population = gpu_adapter::population("gru", n_networks, 7);
        let all = executor.gradient(&population, &trials).unwrap();
        assert!(all.gradient.iter().chain(&all.loss).all(|g| g.is_finite()));
        let last = n_networks - 1;
        let alone = executor
            .gradient(&population.select(&[last]), &trials)
            .unwrap();
        let n = population.layout.n_params;
        assert_eq!(
            gpu_adapter::bits(&alone.gradient),
            gpu_adapter::bits(&all.gradient[last * n..])
        );
        assert_eq!(alone.loss[0].to_bits(), all.loss[last].to_bits());
    }
}

/// More trials than one tile holds: the mean over trials, weighted by their masks.
#[test]
fn train_step_tiles_add_up() {
    let Some(executor) = gpu_adapter::open("train_step_tiles_add_up") else {
        return;
    };
    let population = gpu_adapter::population("lstm", 2, 5);
    let trials = gpu_adapter::trials(71, 4, 2, 3);
    let whole = executor.gradient(&population, &trials).unwrap();
    let n = population.layout.n_params;
    let (mut sum, mut weight) = (vec![0.0_f64; 2 * n], 0.0_f64);
    for trial in 0..71 {
        let one = trials.select(&[trial]).unwrap();
        let mask: f64 = one.mask.iter().map(|m| f64::from(*m)).sum();
        let gradient = executor.gradient(&population, &one).unwrap().gradient;
        sum.iter_mut()
            .zip(&gradient)
            .for_each(|(s, g)| *s += mask * f64::from(*g));
        weight += mask;
    }
    let largest = whole.gradient.iter().fold(0.0_f32, |m, g| m.max(g.abs()));
    for (found, sum) in whole.gradient.iter().zip(&sum) {
        assert!((f64::from(*found) - sum / weight).abs() < 2e-6 * f64::from(largest));
    }
}

/// A cell with everything a cell may have: two states, two stages, drives that are no state, an output, unit parameters.
const EVERYTHING: &str = "
struct State { a: f32, m: f32 }
struct Input { p: f32, q: f32 }
struct Second { z: f32 }
struct Constants { k: f32 }
struct UnitParams { gain: f32, tau: f32 }
struct Unit { index: f32, count: f32 }
fn input_drive(s: State, w: UnitParams) -> f32 { return tanh(w.gain * s.a); }
fn second_drive(s: State, g: Input) -> f32 { return sigmoid(g.p) * s.m; }
fn next(s: State, g: Input, z: Second, k: Constants, w: UnitParams, u: Unit) -> State {
    let m = s.m + k.k * (tanh(z.z) - w.tau * s.m);
    return State(sigmoid(g.q) * m + 0.1 * s.a * u.index / u.count, m);
}
fn output(s: State) -> f32 { return s.a * s.a + s.m; }
";

#[test]
fn train_step_gradient_of_a_user_cell_matches_finite_differences() {
    let Some(executor) =
        gpu_adapter::open("train_step_gradient_of_a_user_cell_matches_finite_differences")
    else {
        return;
    };
    let sidecar = "(constants: {\"k\": 0.2}, initial_unit: {\"tau\": 0.5})";
    let cell = Cell::compile(
        "everything",
        "everything.wgsl",
        EVERYTHING,
        sidecar,
        Activation::builtin("tanh").unwrap(),
    )
    .unwrap();
    let architecture = Architecture {
        cell: Arc::new(cell),
        units: 5,
        inputs: 2,
        outputs: 3,
    };
    let mut population = initialise(&architecture, &[Seeds::all(1), Seeds::all(2)]);
    let n = population.layout.n_params;
    population
        .params
        .iter_mut()
        .enumerate()
        .for_each(|(i, p)| *p += 0.3 * (i as f32 * 0.71).sin());
    let trials = gpu_adapter::trials(6, 5, 2, 3);
    let found = executor.gradient(&population, &trials).unwrap();
    let truth = Reference::new(&population, 1).loss(&trials);
    assert!((f64::from(found.loss[1]) - truth).abs() < 1e-6 * truth);
    let found = &found.gradient[n..];
    let largest = f64::from(found.iter().fold(0.0_f32, |m, g| m.max(g.abs())));
    let tensors = population.layout.clone();
    for tensor in &tensors.tensors {
        for p in tensor.range() {
            let kept = population.params[n + p];
            let [up, down] = [kept + 1e-3, kept - 1e-3].map(|value| {
                population.params[n + p] = value;
                (
                    f64::from(value),
                    Reference::new(&population, 1).loss(&trials),
                )
            });
            population.params[n + p] = kept;
            let expected = (up.1 - down.1) / (up.0 - down.0);
            let error = (f64::from(found[p]) - expected).abs() / largest;
            // The difference quotient itself is good to about 1e-5 here.
            assert!(
                error < 5e-5,
                "{} element {}: {} against {expected}",
                tensor.name,
                p - tensor.offset,
                found[p]
            );
        }
    }
}

/// From one unit to the largest size, where a tile fills the 16 KiB of workgroup memory to the byte.
#[test]
fn train_step_gradient_at_every_size() {
    let Some(executor) = gpu_adapter::open("train_step_gradient_at_every_size") else {
        return;
    };
    let trials = gpu_adapter::trials(9, 3, 2, 3);
    for units in [1, 33, 64, 256] {
        let mut population = gpu_adapter::population("vanilla", 2, units);
        let n = population.layout.n_params;
        let found = executor.gradient(&population, &trials).unwrap();
        let truth = Reference::new(&population, 1).loss(&trials);
        assert!(
            (f64::from(found.loss[1]) - truth).abs() < 1e-6 * truth,
            "{units} units"
        );
        let largest = f64::from(
            found.gradient[n..]
                .iter()
                .fold(0.0_f32, |m, g| m.max(g.abs())),
        );
        for p in (0..n).step_by(n / 23 + 1) {
            let kept = population.params[n + p];
            let [up, down] = [kept + 1e-3, kept - 1e-3].map(|value| {
                population.params[n + p] = value;
                (
                    f64::from(value),
                    Reference::new(&population, 1).loss(&trials),
                )
            });
            population.params[n + p] = kept;
            let error = (f64::from(found.gradient[n + p]) - (up.1 - down.1) / (up.0 - down.0))
                .abs()
                / largest;
            assert!(
                error < 2e-5,
                "{units} units, parameter {p}: error {error:.1e} of the largest"
            );
        }
    }
}
