//! dF/du and the readout's derivative against central differences, for every cell of the library.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use chiliad_engine::cell::{self, Cell};
use chiliad_engine::map::Map;
use chiliad_engine::population::{Architecture, Population, Seeds, initialise::initialise};
use chiliad_tasks::random::Stream;
use std::sync::Arc;

const UNITS: usize = 5;
const INPUTS: usize = 2;
const OUTPUTS: usize = 3;

fn network(cell: &str) -> Population {
    let cell = Arc::new(Cell::builtin(cell, "tanh").unwrap());
    initialise(
        &Architecture {
            cell,
            units: UNITS,
            inputs: INPUTS,
            outputs: OUTPUTS,
        },
        &[Seeds::all(3)],
    )
}

/// Uniform in [-1, 1).
fn random(n: usize) -> Vec<f64> {
    let mut draws = Stream::new(1, 0x910).draws(0);
    (0..n)
        .map(|_| f64::from(draws.uniform()) * 2.0 - 1.0)
        .collect()
}

#[test]
fn map_derivatives_match_central_differences() {
    for name in cell::names() {
        let population = network(name);
        let input = [0.25_f32, -0.5];
        let mut map = Map::new(&population, 0, &input).unwrap();
        let mut scratch = map.scratch();
        let (n, state) = (map.n_state(), random(map.n_state()));
        let b = map.input_jacobian(&mut scratch, &state);
        let c = map.readout_jacobian(&mut scratch, &state);
        // Exact in f32, and small enough that the cubic term is below the tolerance.
        let step = 2.0_f32.powi(-9);
        for k in 0..INPUTS {
            let mut ends = [vec![0.0; n], vec![0.0; n]];
            for (end, sign) in ends.iter_mut().zip([1.0, -1.0]) {
                let mut moved = input;
                moved[k] += sign * step;
                map.change_input(&moved).unwrap();
                map.step(&mut scratch, &state, end);
            }
            for i in 0..n {
                let slope = (ends[0][i] - ends[1][i]) / (2.0 * f64::from(step));
                let error = (slope - b[i * INPUTS + k]).abs();
                assert!(error < 1e-5, "{name}: dF_{i}/du_{k} is off by {error}");
            }
        }
        for i in 0..n {
            let at = |d: f64| {
                let mut moved = state.clone();
                moved[i] += d;
                map.readout(&mut map.scratch(), &moved)
            };
            for (o, (up, down)) in at(1e-5).into_iter().zip(at(-1e-5)).enumerate() {
                let error = ((up - down) / 2e-5 - c[o * n + i]).abs();
                assert!(error < 1e-8, "{name}: dy_{o}/dh_{i} is off by {error}");
            }
        }
    }
}

#[test]
fn map_changed_input_is_a_new_map() {
    for name in cell::names() {
        let population = network(name);
        let mut moved = Map::new(&population, 0, &[0.0; INPUTS]).unwrap();
        moved.change_input(&[0.3, -0.7]).unwrap();
        let fresh = Map::new(&population, 0, &[0.3, -0.7]).unwrap();
        let state = random(fresh.n_state());
        let [mut a, mut b] = [vec![0.0; state.len()], vec![0.0; state.len()]];
        moved.step(&mut moved.scratch(), &state, &mut a);
        fresh.step(&mut fresh.scratch(), &state, &mut b);
        assert_eq!(a, b, "{name}");
        assert_eq!(moved.half_widths(), fresh.half_widths(), "{name}");
        assert!(
            moved.change_input(&[0.0]).is_err() && moved.change_input(&[f32::NAN, 0.0]).is_err()
        );
    }
}
