//! Associative memories whose fixed points are known in closed form.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use chiliad_engine::cell::Cell;
use chiliad_engine::cycles;
use chiliad_engine::fixed_points::{Options, Verdict, Visited, find};
use chiliad_engine::map::Map;
use chiliad_engine::population::{Architecture, Population, Seeds};
use chiliad_engine::system::{HebbianMemory, ModernHopfield, System};
use std::sync::Arc;

const UNITS: usize = 8;
const GAIN: f64 = 1.5;

/// Two orthogonal patterns.
fn patterns() -> Vec<Vec<f64>> {
    let sign = |holds: bool| if holds { 1.0 } else { -1.0 };
    vec![
        (0..UNITS).map(|i| sign(i % 2 == 0)).collect(),
        (0..UNITS).map(|i| sign(i / 2 % 2 == 0)).collect(),
    ]
}

/// `m = tanh(gain (1 - 2/n) m)` with m > 0: each half of the units, those where the patterns agree and those where they differ,
/// is at m, 0 or -m on its own, so that there are nine fixed points: both patterns and their negatives, four mixtures, 0.
fn magnitude() -> f64 {
    (0..2000).fold(1.0, |m: f64, _| (GAIN * 0.75 * m).tanh())
}

#[test]
fn hebbian_memory_keeps_its_patterns() {
    let mut memory = HebbianMemory::new(&patterns(), GAIN).unwrap();
    let m = magnitude();
    for pattern in patterns() {
        for sign in [1.0, -1.0] {
            let stored: Vec<f64> = pattern.iter().map(|x| sign * m * x).collect();
            let mut next = vec![0.0; UNITS];
            memory.step(&stored, &mut next);
            assert!(stored.iter().zip(&next).all(|(a, b)| (a - b).abs() < 1e-12));
            // A state with one unit turned around comes back.
            let mut cue = stored.clone();
            cue[3] = -cue[3];
            let end = cycles::orbit(&mut memory, &cue, 2000).pop().unwrap();
            assert!(stored.iter().zip(&end).all(|(a, b)| (a - b).abs() < 1e-9));
        }
    }
    let mut jacobian = vec![0.0; UNITS * UNITS];
    memory.jacobian(&[0.0; UNITS], &mut jacobian);
    let weights: Vec<f64> = memory.weights().iter().map(|w| GAIN * w).collect();
    assert_eq!(jacobian, weights);
    assert!(HebbianMemory::new(&[], 1.0).is_none());
    assert!(HebbianMemory::new(&[vec![1.0], vec![1.0, 1.0]], 1.0).is_none());
}

/// The same memory as a network: the search finds the nine points and no other, and the certificate holds.
#[test]
fn hebbian_memory_as_a_network_has_nine_fixed_points() {
    let memory = HebbianMemory::new(&patterns(), GAIN).unwrap();
    let architecture = Architecture {
        cell: Arc::new(Cell::builtin("vanilla", "tanh").unwrap()),
        units: UNITS,
        inputs: 1,
        outputs: 1,
    };
    let mut population = Population::zeros(architecture, 1);
    population.seeds = vec![Seeds::all(1)];
    let range = population.layout.named("w_rec.a").unwrap().range();
    for (w, hebbian) in population.params[range].iter_mut().zip(memory.weights()) {
        *w = (GAIN * hebbian) as f32;
    }
    let visited = Visited::none();
    let found = find(&population, 0, &[0.0], 0, &visited, &Options::default()).unwrap();
    let m = magnitude();
    let unstable: Vec<usize> = found.points.iter().map(|p| p.spectrum.n_unstable).collect();
    assert_eq!(unstable, [0, 0, 0, 0, 1, 1, 1, 1, 2]);
    let size = |p: &[f64]| p.iter().map(|x| x * x).sum::<f64>().sqrt() / m;
    for (point, expected) in found
        .points
        .iter()
        .zip([8.0, 8.0, 8.0, 8.0, 4.0, 4.0, 4.0, 4.0, 0.0])
    {
        assert!((size(&point.state) - f64::sqrt(expected)).abs() < 1e-6);
    }
    for pattern in patterns() {
        let stored = |p: &&[f64]| {
            let overlap: f64 = p.iter().zip(&pattern).map(|(a, b)| a * b).sum();
            (overlap.abs() / UNITS as f64 - m).abs() < 1e-6
        };
        let states = found.points.iter().map(|p| &p.state[..]);
        assert_eq!(states.filter(stored).count(), 2);
    }
    assert_eq!(found.certificate.verdict, Verdict::Held);
}

/// Five patterns of three components, exact in f32.
fn stored() -> Vec<Vec<f64>> {
    let component = |i: f64, k: f64| (1.0 + 1.3 * i + 0.9 * k * k + 0.4 * i * k).cos() as f32;
    (0..5)
        .map(|i| {
            (0..3)
                .map(|k| f64::from(component(f64::from(i), f64::from(k))))
                .collect()
        })
        .collect()
}

/// A modern Hopfield network as a cell, whose softmax divides by a sum over units: its step and Jacobian are those of the
/// closed form, and the search finds the 1, 3, 4 and 4 points that attract.
#[test]
fn modern_hopfield_as_a_network_has_the_points_known() {
    let (patterns, n) = (stored(), 5);
    let architecture = Architecture {
        cell: Arc::new(Cell::builtin("modern_hopfield", "tanh").unwrap()),
        units: n,
        inputs: 1,
        outputs: 1,
    };
    for (beta, attractors) in [(0.5, 1), (4.0, 3), (16.0, 4), (64.0, 4)] {
        let mut population = Population::zeros(architecture.clone(), 1);
        let names: Vec<&str> = population.layout.tensors.iter().map(|t| &*t.name).collect();
        assert!(
            !names.contains(&"w_rec.s"),
            "the ones of a sum are no parameters"
        );
        for (name, by_pattern) in [("w_rec.k", true), ("w_rec.q", false)] {
            let range = population.layout.named(name).unwrap().range();
            for (at, w) in population.params[range].iter_mut().enumerate() {
                let (row, column) = (at / n, at % n);
                let (pattern, component) = if by_pattern {
                    (row, column)
                } else {
                    (column, row)
                };
                *w = patterns[pattern].get(component).map_or(0.0, |x| *x as f32);
            }
        }
        let constants = population.architecture.cell.constants_with(&[
            ("beta".into(), beta),
            // No overlap is above the largest squared norm, 2.38.
            ("offset".into(), 2.4),
            ("patterns".into(), 5.0),
            ("components".into(), 3.0),
        ]);
        population.constants = constants.unwrap();
        let mut system = ModernHopfield::new(patterns.clone(), beta).unwrap();
        let map = Map::new(&population, 0, &[0.0]).unwrap();
        let mut scratch = map.scratch();
        for pattern in &patterns {
            let mut state = [&pattern[..], &[0.0; 2]].concat();
            state[0] *= 0.7;
            let (mut next, mut expected) = (vec![0.0; 5], vec![0.0; 3]);
            map.step(&mut scratch, &state, &mut next);
            system.step(&state[..3], &mut expected);
            assert!(
                next.iter()
                    .zip(&expected)
                    .all(|(a, b)| (a - b).abs() < 1e-12)
            );
            let jacobian = map.jacobian(&mut scratch, &state);
            let mut expected = vec![0.0; 9];
            system.jacobian(&state[..3], &mut expected);
            for (at, e) in expected.iter().enumerate() {
                assert!((jacobian[at / 3 * 5 + at % 3] - e).abs() < 1e-11 * (1.0 + e.abs()));
            }
        }
        let found = find(
            &population,
            0,
            &[0.0],
            0,
            &Visited::none(),
            &Options::default(),
        )
        .unwrap();
        let stable = found.points.iter().filter(|p| p.is_stable()).count();
        assert_eq!(stable, attractors, "beta {beta}");
        for point in &found.points {
            let mut next = vec![0.0; 3];
            system.step(&point.state[..3], &mut next);
            let moved = next.iter().zip(&point.state).map(|(a, b)| (a - b).abs());
            assert!(moved.fold(0.0, f64::max) < 1e-10);
        }
    }
}
