//! Networks made by hand, searched, and what is asserted of what is found.

use chiliad_engine::cell::Cell;
use chiliad_engine::fixed_points::{FixedPoints, Options, Verdict, Visited, find};
use chiliad_engine::population::{Architecture, Population};
use std::sync::Arc;

/// a with tanh(1.5 a) = a.
pub(crate) const A: f64 = 0.858_559_636_640;

pub(crate) fn population(
    cell: &str,
    activation: &str,
    units: usize,
    inputs: usize,
    outputs: usize,
    tensors: &[(&str, &[f64])],
) -> Population {
    let cell = Arc::new(Cell::builtin(cell, activation).expect("the cell is in the library"));
    let mut population = Population::zeros(
        Architecture {
            cell,
            units,
            inputs,
            outputs,
        },
        1,
    );
    for (name, values) in tensors {
        let tensor = population
            .layout
            .named(name)
            .expect("the tensor exists")
            .clone();
        assert_eq!(tensor.len(), values.len(), "{name}");
        population.params[tensor.range()]
            .iter_mut()
            .zip(*values)
            .for_each(|(p, v)| *p = *v as f32);
    }
    population
}

pub(crate) fn vanilla(activation: &str, units: usize, w: &[f64], b: &[f64]) -> Population {
    population(
        "vanilla",
        activation,
        units,
        1,
        units,
        &[("w_rec.a", w), ("bias.a", b)],
    )
}

pub(crate) fn search(population: &Population) -> FixedPoints {
    find(
        population,
        0,
        &vec![0.0; population.architecture.inputs],
        0,
        &Visited::none(),
        &Options::default(),
    )
    .expect("the search runs")
}

pub(crate) fn one(w: f64, b: f64) -> FixedPoints {
    search(&vanilla("tanh", 1, &[w], &[b]))
}

#[track_caller]
pub(crate) fn near(a: f64, b: f64, tolerance: f64) {
    assert!((a - b).abs() <= tolerance, "{a} against {b}");
}

/// Points as (first coordinate, first eigenvalue), ascending.
pub(crate) fn scalars(found: &FixedPoints) -> Vec<(f64, f64)> {
    let mut all: Vec<(f64, f64)> = found
        .points
        .iter()
        .map(|p| (p.state[0], p.spectrum.eigenvalues[0][0]))
        .collect();
    all.sort_by(|a, b| a.0.total_cmp(&b.0));
    all
}

#[track_caller]
pub(crate) fn assert_scalars(found: &FixedPoints, expected: &[(f64, f64)]) {
    let all = scalars(found);
    assert_eq!(all.len(), expected.len(), "{all:?}");
    for (a, e) in all.iter().zip(expected) {
        near(a.0, e.0, 1e-6);
        near(a.1, e.1, 1e-6);
    }
}

#[track_caller]
pub(crate) fn assert_held(found: &FixedPoints) {
    assert_eq!(
        found.certificate.verdict,
        Verdict::Held,
        "{:?}",
        found.certificate
    );
    assert_eq!(found.certificate.index_sum, 1);
}

/// Every expected state is found, and nothing else.
#[track_caller]
pub(crate) fn assert_states(found: &FixedPoints, expected: &[Vec<f64>], tolerance: f64) {
    assert_eq!(
        found.points.len(),
        expected.len(),
        "{:?}",
        found.points.iter().map(|p| &p.state).collect::<Vec<_>>()
    );
    for state in expected {
        assert!(
            found.points.iter().any(|p| p
                .state
                .iter()
                .zip(state)
                .all(|(a, b)| (a - b).abs() <= tolerance)),
            "{state:?} is missing"
        );
    }
}

pub(crate) fn by_unstable(found: &FixedPoints) -> Vec<usize> {
    let most = found
        .points
        .iter()
        .map(|p| p.spectrum.n_unstable)
        .max()
        .unwrap_or(0);
    (0..=most)
        .map(|k| {
            found
                .points
                .iter()
                .filter(|p| p.spectrum.n_unstable == k)
                .count()
        })
        .collect()
}
