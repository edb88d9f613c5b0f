//! Lyapunov exponents on the device against the f64 run of the CPU.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod gpu_adapter;

use chiliad_engine::cell::Cell;
use chiliad_engine::lyapunov::{Batch, Exponents, Options, batches, exponents};
use chiliad_engine::map::Map;
use chiliad_engine::population::{Architecture, Population, Seeds, initialise::initialise};
use chiliad_engine::system::{Driven, Undriven};
use gpu_adapter::open;
use std::sync::Arc;

fn starts(population: &Population) -> Vec<f32> {
    let n = population.architecture.cell.states.len() * population.architecture.units;
    (0..population.n_networks * n)
        .map(|i| 0.1 * ((i % n) as f32 + 1.0) * if i % 3 == 0 { -1.0 } else { 1.0 } / n as f32)
        .collect()
}

fn on_cpu(population: &Population, inputs: &[f32], options: &Options) -> Vec<Exponents> {
    let n_state = population.architecture.cell.states.len() * population.architecture.units;
    let channels = population.architecture.inputs;
    let states = starts(population);
    (0..population.n_networks)
        .map(|n| {
            let mut state: Vec<f64> = states[n * n_state..][..n_state]
                .iter()
                .map(|&x| f64::from(x))
                .collect();
            let map = Map::new(population, n, &inputs[..channels]).unwrap();
            if inputs.len() == channels {
                exponents(&mut Undriven::new(&map), &mut state, options).unwrap()
            } else {
                let mut driven = Driven::new(&map, inputs, channels).unwrap();
                exponents(&mut driven, &mut state, options).unwrap()
            }
        })
        .collect()
}

#[track_caller]
fn near(found: &[f64], known: &[f64], tolerance: f64, what: &str) {
    assert_eq!(found.len(), known.len(), "{what}");
    for (a, b) in found.iter().zip(known) {
        let same = a == b || (a - b).abs() <= tolerance * (1.0 + b.abs());
        assert!(same, "{what}: {found:?} against {known:?}");
    }
}

fn population(cell: &str, activation: &str, networks: u64, units: usize) -> Population {
    let architecture = Architecture {
        cell: Arc::new(Cell::builtin(cell, activation).unwrap()),
        units,
        inputs: 2,
        outputs: 3,
    };
    let seeds: Vec<Seeds> = (1..=networks).map(Seeds::all).collect();
    initialise(&architecture, &seeds)
}

#[test]
fn lyapunov_matches_the_cpu_for_every_cell() {
    let Some(gpu) = open("lyapunov_matches_the_cpu_for_every_cell") else {
        return;
    };
    for (cell, activation, units) in [
        ("vanilla", "tanh", 7),
        ("rate", "sigmoid", 5),
        ("rate_current", "softplus", 6),
        ("ugrnn", "tanh", 7),
        ("gru", "tanh", 7),
        ("gru_reset_after", "tanh", 5),
        ("lstm", "tanh", 5),
        ("plrnn", "relu", 6),
    ] {
        let mut networks = population(cell, activation, 3, units);
        // Unit parameters and biases that are not all alike.
        for (i, p) in networks.params.iter_mut().enumerate() {
            *p += 0.05 * (1.7 * i as f32).sin();
        }
        if cell == "plrnn" {
            networks.params.iter_mut().for_each(|p| *p *= 0.5);
        }
        let options = Options {
            warmup: 7,
            steps: 90,
            exponents: 3,
            batches: 3,
        };
        let driven: Vec<f32> = (0..22).map(|i| (0.9 * i as f32).sin()).collect();
        for inputs in [&[0.3, -0.2][..], &driven] {
            let known = on_cpu(&networks, inputs, &options);
            let found = gpu
                .lyapunov(&networks, inputs, &starts(&networks), &options)
                .unwrap();
            for (found, known) in found.into_iter().zip(known) {
                let n_state = networks.architecture.cell.states.len() * units;
                let found = Exponents::of(&found.unwrap(), n_state);
                near(&found.exponents, &known.exponents, 2e-4, cell);
                near(&found.standard_error, &known.standard_error, 2e-3, cell);
            }
        }
    }
}

fn six_units(g: f32) -> Population {
    let architecture = Architecture {
        cell: Arc::new(Cell::builtin("vanilla", "tanh").unwrap()),
        units: 6,
        inputs: 1,
        outputs: 1,
    };
    let mut population = Population::zeros(architecture, 1);
    let w = population.layout.named("w_rec.a").unwrap().clone();
    let b = population.layout.named("bias.a").unwrap().clone();
    for i in 0..6 {
        for j in 0..6 {
            let (x, y) = (i as f32, j as f32);
            population.params[w.offset + i * 6 + j] =
                g * (1.0 + 1.7 * x + 0.6 * y * y + 0.9 * x * y).cos();
        }
        population.params[b.offset + i] = 0.1 * (1.0 + i as f32).sin();
    }
    population
}

#[test]
fn contraction_by_e_to_the_ten_a_step_survives_f32() {
    let Some(gpu) = open("contraction_by_e_to_the_ten_a_step_survives_f32") else {
        return;
    };
    let start: Vec<f32> = (0..6).map(|i| 0.1 * (i as f32 + 1.0)).collect();
    let spectrum = |warmup: usize, steps: usize| {
        let options = Options {
            warmup,
            steps,
            ..Options::default()
        };
        let batches = gpu
            .lyapunov(&six_units(2.2), &[0.0], &start, &options)
            .unwrap()
            .remove(0)
            .unwrap();
        Exponents::of(&batches, 6)
    };
    // The finite-time values known from 50 digits: the orbit is still the same in f32 after 20 steps. The budget comes from
    // the f64 run: an error E of the Jacobian changes what is left of a direction that shrinks to R by E / R; E is some
    // ulps, and |W| = 9.3 times the error of the slopes 1 - y^2, twice the stated 4e-7 of tanh.
    let every_step = Options {
        warmup: 0,
        steps: 20,
        batches: 20,
        ..Options::default()
    };
    let map = Map::new(&six_units(2.2), 0, &[0.0]).unwrap();
    let mut state: Vec<f64> = start.iter().map(|&x| f64::from(x)).collect();
    let steps = batches(&mut Undriven::new(&map), &mut state, &every_step).unwrap();
    let known: [f64; 6] = [
        -0.027330220996,
        -0.92657082438,
        -2.2373317048,
        -3.5476984869,
        -6.9487626632,
        -10.311013301,
    ];
    for (j, (found, known)) in spectrum(0, 20).exponents.iter().zip(known).enumerate() {
        let error = 16.0 * f64::from(f32::EPSILON) + 9.3 * 8e-7;
        let lost = |b: &Batch| (error / b.log_growth[j].exp()).min(1.0);
        let budget = 1e-4 + steps.iter().map(lost).sum::<f64>() / 20.0;
        assert!(
            budget < 0.1 * (1.0 + known.abs()),
            "nothing is known of exponent {j}: {budget}"
        );
        assert!(
            (found - known).abs() <= budget,
            "{found} against {known}, budget {budget}"
        );
    }
    // Long averages are those of the attractor.
    near(
        &spectrum(500, 20_000).exponents,
        &[0.159, -0.944, -2.742, -4.199, -8.778, -10.504],
        0.01,
        "20,000 steps",
    );
}

#[test]
fn lyapunov_handles_annihilation_escape_and_bad_shapes() {
    let Some(gpu) = open("lyapunov_handles_annihilation_escape_and_bad_shapes") else {
        return;
    };
    let mut networks = population("vanilla", "relu", 2, 5);
    let n_params = networks.layout.n_params;
    let w = networks.layout.named("w_rec.a").unwrap().clone();
    let b = networks.layout.named("bias.a").unwrap().clone();
    // Network 0 is silent, network 1 explodes.
    networks.params[b.range()].fill(-20.0);
    networks.params[n_params..][w.range()].fill(9.0);
    networks.params[n_params..][b.range()].fill(1.0);
    let options = Options {
        warmup: 5,
        steps: 200,
        exponents: 2,
        batches: 2,
    };
    let found = gpu
        .lyapunov(&networks, &[0.0, 0.0], &starts(&networks), &options)
        .unwrap();
    let silent = Exponents::of(found[0].as_ref().unwrap(), 5);
    assert_eq!(silent.exponents, [f64::NEG_INFINITY; 2]);
    assert!(found[1].is_none());
    let message = gpu
        .lyapunov(&networks, &[0.0; 3], &starts(&networks), &options)
        .unwrap_err()
        .to_string();
    assert!(message.contains("inputs"), "{message}");
    let wide = population("vanilla", "tanh", 1, 200);
    let all = Options::default();
    let message = gpu
        .lyapunov(&wide, &[0.0, 0.0], &starts(&wide), &all)
        .unwrap_err()
        .to_string();
    assert!(message.contains("on the CPU"), "{message}");
}

#[test]
fn lyapunov_of_a_network_does_not_depend_on_its_neighbours() {
    let Some(gpu) = open("lyapunov_of_a_network_does_not_depend_on_its_neighbours") else {
        return;
    };
    let networks = population("gru", "tanh", 5, 6);
    let states = starts(&networks);
    let options = Options {
        warmup: 3,
        steps: 40,
        exponents: 5,
        batches: 2,
    };
    let all = gpu
        .lyapunov(&networks, &[0.1, 0.2], &states, &options)
        .unwrap();
    let one = gpu
        .lyapunov(
            &networks.select(&[3]),
            &[0.1, 0.2],
            &states[18..24],
            &options,
        )
        .unwrap();
    assert_eq!(all[3], one[0]);
}
