//! Test support shared by the files under `tests/`: committed reference data, and a plain implementation in f64.

pub mod reference;

use chiliad_engine::cell::Cell;
use chiliad_engine::population::{Architecture, Population};
use chiliad_tasks::{TaskShape, Trials};
use serde_json::Value;
use std::path::PathBuf;
use std::sync::Arc;

/// A file of `tests/data`.
pub fn data(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("data")
        .join(name)
}

/// A JSON file of `tests/data`.
pub fn json(name: &str) -> Value {
    let path = data(name);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// All numbers of a nested JSON array, in order.
pub fn numbers(value: &Value) -> Vec<f64> {
    match value {
        Value::Array(items) => items.iter().flat_map(numbers).collect(),
        other => vec![other.as_f64().unwrap_or(f64::NAN)],
    }
}

/// Length of the last axis of a nested JSON array.
pub fn last_axis(value: &Value) -> usize {
    match &value[0] {
        Value::Array(_) => last_axis(&value[0]),
        _ => value.as_array().map_or(0, Vec::len),
    }
}

/// One network whose tensors are given by name; what is missing stays zero.
pub fn network(
    cell: &str,
    activation: &str,
    constants: &[(&str, f64)],
    weights: &Value,
) -> Population {
    let cell = Arc::new(Cell::builtin(cell, activation).unwrap_or_else(|e| panic!("{e}")));
    let constants: Vec<(String, f64)> = constants
        .iter()
        .map(|(n, v)| ((*n).to_string(), *v))
        .collect();
    let values = cell
        .constants_with(&constants)
        .unwrap_or_else(|e| panic!("{e}"));
    let gate = &cell.stages[0].gates[0].name;
    let units = numbers(&weights[format!("bias.{gate}")]).len();
    let inputs = last_axis(&weights[format!("w_in.{gate}")]);
    let outputs = weights["w_out"].as_array().map_or(1, Vec::len);
    let mut population = Population::zeros(
        Architecture {
            cell,
            units,
            inputs,
            outputs,
        },
        1,
    );
    population.constants = values;
    for tensor in population.layout.clone().tensors.iter() {
        if let Some(value) = weights.get(&tensor.name) {
            let found: Vec<f32> = numbers(value).into_iter().map(|v| v as f32).collect();
            population.params[tensor.range()].copy_from_slice(&found);
        }
    }
    population
}

/// Trials from nested JSON arrays `[trial][time][channel]` (or `[time][channel]`).
pub fn trials(inputs: &Value, targets: &Value, mask: Option<&Value>) -> Trials {
    let n_trials = if inputs[0][0].is_array() {
        inputs.as_array().map_or(0, Vec::len)
    } else {
        1
    };
    let (n_inputs, n_outputs) = (last_axis(inputs), last_axis(targets));
    let single = |v: &Value| numbers(v).into_iter().map(|x| x as f32).collect::<Vec<_>>();
    let (x, y) = (single(inputs), single(targets));
    let mask = mask.map_or_else(|| vec![1.0; y.len()], single);
    let shape = TaskShape {
        n_steps: x.len() / n_trials / n_inputs,
        n_inputs,
        n_outputs,
    };
    Trials::new(n_trials, shape, x, y, mask, vec![0; n_trials]).unwrap_or_else(|e| panic!("{e}"))
}
