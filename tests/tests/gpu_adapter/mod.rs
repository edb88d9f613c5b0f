//! Ring 1: which adapter the tests of the GPU run on, and what they share.
//!
//! `CHILIAD_TEST_ADAPTER` names it (default: a software adapter, else a real one); `GPU_TESTS=required` makes a missing
//! adapter a failure, `optional` (default) prints what is skipped. Never silent.
#![allow(dead_code, reason = "each test file uses its own part")]
#![allow(clippy::print_stderr, reason = "a skipped test says so")]

use chiliad_engine::cell::Cell;
use chiliad_engine::cell::evaluate::at;
use chiliad_engine::cell::graph::Leaf;
use chiliad_engine::gpu::{Choice, Gpu, GpuExecutor, LimitsChoice};
use chiliad_engine::population::{Architecture, Population, Role, Seeds, initialise::initialise};
use chiliad_tasks::{TaskShape, Trials, random::Stream};
use std::sync::Arc;

pub(crate) fn open_with(test: &str, limits: LimitsChoice) -> Option<GpuExecutor> {
    let choices = match std::env::var("CHILIAD_TEST_ADAPTER") {
        Ok(name) => vec![Choice::Named(name)],
        Err(_) => vec![Choice::Software, Choice::Auto],
    };
    let mut message = String::new();
    for choice in choices {
        match Gpu::open(&choice, limits) {
            Ok(gpu) => {
                gpu.poison_new_buffers();
                return Some(GpuExecutor::new(gpu));
            }
            Err(e) => message = e.to_string(),
        }
    }
    assert!(
        std::env::var("GPU_TESTS").as_deref() != Ok("required"),
        "{test}: GPU_TESTS=required, but {message}"
    );
    eprintln!("SKIPPED {test}: {message}");
    None
}

pub(crate) fn open(test: &str) -> Option<GpuExecutor> {
    open_with(test, LimitsChoice::WebGpuDefault)
}

pub(crate) fn architecture(
    cell: &str,
    activation: &str,
    units: usize,
    inputs: usize,
    outputs: usize,
) -> Architecture {
    Architecture {
        cell: Arc::new(Cell::builtin(cell, activation).unwrap()),
        units,
        inputs,
        outputs,
    }
}

pub(crate) fn population(cell: &str, n_networks: usize, units: usize) -> Population {
    let seeds: Vec<Seeds> = (0..n_networks as u64).map(|n| Seeds::all(n + 1)).collect();
    initialise(&architecture(cell, "tanh", units, 2, 3), &seeds)
}

/// Random trials with a mask that has holes.
pub(crate) fn trials(n_trials: usize, n_steps: usize, n_inputs: usize, n_outputs: usize) -> Trials {
    let stream = Stream::new(7, 0x900);
    let draw = |axis: u32, n: usize| {
        (0..n)
            .map(|i| stream.normal_at(axis, i as u32))
            .collect::<Vec<f32>>()
    };
    let rows = n_trials * n_steps;
    let mask = draw(2, rows * n_outputs)
        .iter()
        .map(|x| if *x < -0.5 { 0.0 } else { x.abs() })
        .collect();
    let shape = TaskShape {
        n_steps,
        n_inputs,
        n_outputs,
    };
    Trials::new(
        n_trials,
        shape,
        draw(0, rows * n_inputs),
        draw(1, rows * n_outputs),
        mask,
        vec![0; n_trials],
    )
    .unwrap()
}

pub(crate) fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|v| v.to_bits()).collect()
}

/// One step of a network in f64, straight from the graph.
pub(crate) fn step(
    population: &Population,
    network: usize,
    state: &[Vec<f64>],
    input: &[f64],
) -> Vec<Vec<f64>> {
    let (cell, layout, units) = (
        &population.architecture.cell,
        &population.layout,
        population.architecture.units,
    );
    let params: Vec<f64> = population
        .network(network)
        .iter()
        .map(|p| f64::from(*p))
        .collect();
    let constants: Vec<f64> = population
        .network_constants(network)
        .iter()
        .map(|c| f64::from(*c))
        .collect();
    let tensor = |role: Role| layout.find(role).map_or(&[][..], |t| &params[t.range()]);
    let mut gates: Vec<Vec<Vec<f64>>> = Vec::new();
    let leaf = |gates: &[Vec<Vec<f64>>], u: usize, leaf: Leaf| match leaf {
        Leaf::State(f) => state[f as usize][u],
        Leaf::Gate(s, g) => gates[s as usize][g as usize][u],
        Leaf::Constant(i) => constants[i as usize],
        Leaf::UnitParam(i) => tensor(Role::Unit(i as usize))[u],
        Leaf::UnitIndex => u as f64,
        Leaf::UnitCount => units as f64,
        _ => 0.0,
    };
    for (s, stage) in cell.stages.iter().enumerate() {
        let drive: Vec<f64> = (0..units)
            .map(|u| at(&cell.graph, stage.drive, &|l| leaf(&gates, u, l)))
            .collect();
        let of_stage = (0..stage.gates.len()).map(|g| {
            let (w, v, b) = (
                tensor(Role::Recurrent(s, g)),
                tensor(Role::Input(s, g)),
                tensor(Role::Bias(s, g)),
            );
            (0..units)
                .map(|u| {
                    let recurrent: f64 = w
                        .chunks(units)
                        .nth(u)
                        .map_or(0.0, |row| row.iter().zip(&drive).map(|(a, b)| a * b).sum());
                    let fed: f64 = v
                        .chunks(input.len())
                        .nth(u)
                        .map_or(0.0, |row| row.iter().zip(input).map(|(a, b)| a * b).sum());
                    recurrent + fed + b.get(u).copied().unwrap_or(0.0)
                })
                .collect()
        });
        gates.push(of_stage.collect());
    }
    cell.next
        .iter()
        .map(|&next| {
            (0..units)
                .map(|u| at(&cell.graph, next, &|l| leaf(&gates, u, l)))
                .collect()
        })
        .collect()
}

/// Masked mean-squared error of one network in f64, straight from the graph.
pub(crate) fn loss(population: &Population, network: usize, trials: &Trials) -> f64 {
    let (layout, cell, units) = (
        &population.layout,
        &population.architecture.cell,
        population.architecture.units,
    );
    let params = population.network(network);
    let tensor = |role: Role| {
        params[layout.find(role).unwrap().range()]
            .iter()
            .map(|p| f64::from(*p))
            .collect::<Vec<f64>>()
    };
    let (w_out, b_out) = (tensor(Role::Readout), tensor(Role::ReadoutBias));
    let (mut sum, mut weight) = (0.0, 0.0);
    for trial in 0..trials.n_trials {
        let mut state: Vec<Vec<f64>> = (0..cell.states.len())
            .map(|f| tensor(Role::InitialState(f)))
            .collect();
        for t in 0..trials.n_steps {
            let input: Vec<f64> = (0..trials.n_inputs)
                .map(|i| f64::from(trials.input(trial, t, i)))
                .collect();
            state = step(population, network, &state, &input);
            let out: Vec<f64> = (0..units)
                .map(|u| {
                    at(&cell.graph, cell.output, &|l| {
                        if let Leaf::State(f) = l {
                            state[f as usize][u]
                        } else {
                            0.0
                        }
                    })
                })
                .collect();
            for o in 0..trials.n_outputs {
                let y = b_out[o]
                    + w_out[o * units..(o + 1) * units]
                        .iter()
                        .zip(&out)
                        .map(|(w, h)| w * h)
                        .sum::<f64>();
                let mask =
                    f64::from(trials.mask[(trial * trials.n_steps + t) * trials.n_outputs + o]);
                sum += mask * (y - f64::from(trials.target(trial, t, o))).powi(2);
                weight += mask;
            }
        }
    }
    sum / weight
}
