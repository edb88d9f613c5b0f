//! Ring 1: which adapter the tests of the GPU run on, and what they share.
//!
//! `CHILIAD_TEST_ADAPTER` names it (default: a software adapter, else a real one); `GPU_TESTS=required` makes a missing
//! adapter a failure, `optional` (default) prints what is skipped. Never silent.
#![allow(dead_code, reason = "each test file uses its own part")]
#![allow(clippy::print_stderr, reason = "a skipped test says so")]

use chiliad_engine::cell::Cell;
use chiliad_engine::gpu::{Choice, Gpu, GpuExecutor, LimitsChoice};
use chiliad_engine::population::{Architecture, Population, Seeds, initialise::initialise};
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
