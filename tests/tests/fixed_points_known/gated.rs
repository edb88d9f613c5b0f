//! Gated cells: golden steps and points; gates move no point.

use super::networks::{assert_held, assert_states, near, population, search};
use chiliad_engine::cell::Cell;
use chiliad_engine::fixed_points::{Options, Visited, find};
use chiliad_engine::map::Map;
use chiliad_engine::population::initialise::initialise;
use chiliad_engine::population::{Architecture, Population, Seeds};
use chiliad_tasks::random::Stream;
use std::sync::Arc;

fn golden() -> serde_json::Value {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/data/golden_one_step.json");
    serde_json::from_str(&std::fs::read_to_string(path).expect("the golden file is there"))
        .expect("it is JSON")
}

fn numbers(value: &serde_json::Value) -> Vec<f64> {
    match value {
        serde_json::Value::Array(items) => items.iter().flat_map(numbers).collect(),
        other => vec![other.as_f64().expect("a number")],
    }
}

fn from_json(
    cell: &str,
    activation: &str,
    units: usize,
    weights: &serde_json::Value,
) -> Population {
    let tensors: Vec<(String, Vec<f64>)> = weights
        .as_object()
        .expect("an object")
        .iter()
        .map(|(k, v)| (k.clone(), numbers(v)))
        .collect();
    let borrowed: Vec<(&str, &[f64])> = tensors
        .iter()
        .map(|(k, v)| (k.as_str(), v.as_slice()))
        .collect();
    population(cell, activation, units, 1, 1, &borrowed)
}

#[test]
fn one_step_jacobian_and_eigenvalues_are_golden() {
    let golden = golden();
    let cases = [
        ("vanilla_tanh", "vanilla", "tanh"),
        ("vanilla_relu", "vanilla", "relu"),
        ("ugrnn", "ugrnn", "tanh"),
        ("gru", "gru", "tanh"),
        ("gru_reset_after", "gru_reset_after", "tanh"),
        ("lstm", "lstm", "tanh"),
    ];
    for (key, cell, activation) in cases {
        let entry = &golden[key];
        let population = from_json(cell, activation, 2, &entry["weights"]);
        let map = Map::new(&population, 0, &[0.7]).expect("the map exists");
        let mut scratch = map.scratch();
        let mut state = numbers(&golden["h"]);
        if cell == "lstm" {
            state.extend(numbers(&golden["c"]));
        }
        let mut next = vec![0.0; map.n_state()];
        map.step(&mut scratch, &state, &mut next);
        let jacobian = map.jacobian(&mut scratch, &state);
        for (a, b) in next
            .iter()
            .zip(numbers(&entry["next"]))
            .chain(jacobian.iter().zip(numbers(&entry["jacobian"])))
        {
            near(*a, b, 2e-7);
        }
        let spectrum =
            chiliad_engine::linearise::spectrum(&jacobian, map.n_state()).expect("finite");
        for value in entry["eigenvalues"].as_array().expect("a list") {
            let v = numbers(value);
            assert!(
                spectrum
                    .eigenvalues
                    .iter()
                    .any(|e| (e[0] - v[0]).hypot(e[1] - v[1]) < 1e-6),
                "{key}: {v:?}"
            );
        }
    }
}

#[test]
fn one_unit_of_every_gated_cell_has_golden_points() {
    for (name, entry) in golden()["fixed_points"].as_object().expect("an object") {
        let population = from_json(
            entry["cell"].as_str().expect("a name"),
            "tanh",
            1,
            &entry["weights"],
        );
        let found = search(&population);
        let expected: Vec<Vec<f64>> = entry["points"]
            .as_array()
            .expect("a list")
            .iter()
            .map(numbers)
            .collect();
        assert_states(&found, &expected, 1e-6);
        assert_held(&found);
        for (state, values) in expected
            .iter()
            .zip(entry["eigenvalues"].as_array().expect("a list"))
        {
            let point = found
                .points
                .iter()
                .find(|p| p.state.iter().zip(state).all(|(a, b)| (a - b).abs() < 1e-6))
                .expect("found");
            for (a, b) in point
                .spectrum
                .eigenvalues
                .iter()
                .zip(numbers(values).chunks(2))
            {
                near(a[0], b[0], 1e-6);
            }
        }
        println!("{name}: {:?}", found.certificate);
    }
}

/// A network with weights N(0, gain^2 / n) and biases N(0, bias^2).
pub(crate) fn random(
    cell: &str,
    activation: &str,
    units: usize,
    gain: f32,
    bias: f32,
    seed: u64,
) -> Population {
    let cell = Arc::new(Cell::builtin(cell, activation).expect("the cell is in the library"));
    let mut population = initialise(
        &Architecture {
            cell,
            units,
            inputs: 2,
            outputs: 2,
        },
        &[Seeds::all(seed)],
    );
    let stream = Stream::new(seed, 0x900);
    for tensor in population.layout.tensors.clone() {
        for (i, p) in population.params[tensor.range()].iter_mut().enumerate() {
            if tensor.name.starts_with("w_rec") {
                *p *= gain;
            } else if tensor.name.starts_with("bias") {
                *p += bias * stream.normal_at(tensor.offset as u32, i as u32);
            }
        }
    }
    population
}

#[test]
fn jacobian_of_every_cell_matches_finite_differences() {
    for cell in chiliad_engine::cell::names() {
        for activation in ["tanh", "sigmoid", "softplus"] {
            let population = random(cell, activation, 5, 1.3, 0.3, 3);
            let map = Map::new(&population, 0, &[0.4, -0.2]).expect("the map exists");
            let mut scratch = map.scratch();
            let size = map.n_state();
            let stream = Stream::new(1, 0x901);
            let state: Vec<f64> = (0..size)
                .map(|i| 0.5 * f64::from(stream.normal_at(0, i as u32)))
                .collect();
            let jacobian = map.jacobian(&mut scratch, &state);
            let (mut up, mut down) = (vec![0.0; size], vec![0.0; size]);
            for j in 0..size {
                let step = 1e-6;
                let mut moved = state.clone();
                moved[j] += step;
                map.step(&mut scratch, &moved, &mut up);
                moved[j] -= 2.0 * step;
                map.step(&mut scratch, &moved, &mut down);
                for i in 0..size {
                    let difference = (up[i] - down[i]) / (2.0 * step);
                    assert!(
                        (jacobian[i * size + j] - difference).abs() < 1e-8,
                        "{cell} {activation} [{i}, {j}]: {} against {difference}",
                        jacobian[i * size + j]
                    );
                }
            }
        }
    }
}

#[test]
fn gates_move_no_point() {
    let plain = random("ugrnn", "tanh", 8, 1.8, 0.1, 5);
    let (mut scaled, mut permuted) = (plain.clone(), plain.clone());
    for name in ["w_rec.u", "w_in.u", "bias.u"] {
        let range = plain.layout.named(name).expect("it exists").range();
        scaled.params[range.clone()]
            .iter_mut()
            .for_each(|p| *p *= -3.0);
        // Units of the gate in another order, and the units that it listens to in yet another.
        let row = range.len() / 8;
        permuted.params[range.clone()].rotate_left(3 * row);
        permuted.params[range]
            .chunks_mut(row)
            .for_each(<[f32]>::reverse);
    }
    assert_ne!(permuted.params, plain.params);
    let input = [0.3, 0.1];
    let of = |p: &Population| {
        find(p, 0, &input, 0, &Visited::none(), &Options::default()).expect("the search runs")
    };
    let found = of(&plain);
    let states: Vec<Vec<f64>> = found.points.iter().map(|p| p.state.clone()).collect();
    assert!(!states.is_empty());
    assert_held(&found);
    for other in [of(&scaled), of(&permuted)] {
        assert_states(&other, &states, 1e-7);
        assert_held(&other);
    }
}
