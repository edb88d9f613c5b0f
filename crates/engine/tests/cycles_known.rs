//! Periodic orbits of smooth networks whose place and multipliers are known.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use chiliad_engine::cell::Cell;
use chiliad_engine::cycles::{Options, find};
use chiliad_engine::map::Map;
use chiliad_engine::population::{Architecture, Layout};
use chiliad_engine::system::{System, Undriven};
use chiliad_tasks::random::Stream;
use std::sync::Arc;

fn vanilla(w: &[f64], b: &[f64]) -> Map {
    let architecture = Architecture {
        cell: Arc::new(Cell::builtin("vanilla", "tanh").unwrap()),
        units: b.len(),
        inputs: 0,
        outputs: 0,
    };
    let layout = Layout::new(&architecture);
    let mut parameters = vec![0.0; layout.n_params];
    parameters[layout.named("w_rec.a").unwrap().range()].copy_from_slice(w);
    parameters[layout.named("bias.a").unwrap().range()].copy_from_slice(b);
    Map::from_parameters(&architecture, &parameters, &[], &[]).unwrap()
}

fn seeds(n: usize, dimension: usize) -> Vec<Vec<f64>> {
    let stream = Stream::new(5, 0x930);
    (0..n)
        .map(|i| {
            let mut draws = stream.draws(i as u32);
            (0..dimension)
                .map(|_| 2.0 * f64::from(draws.uniform()) - 1.0)
                .collect()
        })
        .collect()
}

#[track_caller]
fn near(a: f64, b: f64, tolerance: f64) {
    assert!((a - b).abs() <= tolerance, "{a} against {b}");
}

#[test]
fn one_unit_of_weight_minus_one_and_a_half_has_period_two() {
    let map = vanilla(&[-1.5], &[0.0]);
    let found = find(
        &mut Undriven::new(&map),
        &seeds(40, 1),
        1.0,
        &Options::default(),
    );
    let periods: Vec<usize> = found.iter().map(|c| c.period).collect();
    assert_eq!(periods, [1, 2], "{found:?}");
    near(found[0].points[0][0], 0.0, 1e-12);
    near(found[0].multipliers[0][0], -1.5, 1e-12);
    assert!(!found[0].stable);
    // Canonical phase: the smaller point first.
    near(found[1].points[0][0], -0.858559636640, 1e-11);
    near(found[1].points[1][0], 0.858559636640, 1e-11);
    near(found[1].multipliers[0][0], 0.155482762078, 1e-11);
    assert!(found[1].stable);
}

#[test]
fn three_units_without_a_stable_point_end_on_a_period_two_orbit() {
    // Ground truth of FixedPointFinder, n = 3: its only attractors have period 2.
    let map = vanilla(&[1.0, 0.0, -1.0, 0.0, -1.0, 1.0, -1.0, 1.0, 0.0], &[0.0; 3]);
    let mut system = Undriven::new(&map);
    let options = Options {
        period_max: 2,
        ..Options::default()
    };
    let found = find(&mut system, &seeds(302, 3), 1.0, &options);
    let fixed: Vec<_> = found.iter().filter(|c| c.period == 1).collect();
    assert_eq!(fixed.len(), 3, "{found:?}");
    assert!(fixed.iter().all(|c| !c.stable));
    near(fixed[0].points[0][0], -0.949795711, 1e-8);
    near(fixed[0].points[0][1], 0.425502295, 1e-8);
    near(fixed[0].points[0][2], 0.879894003, 1e-8);
    near(fixed[0].multipliers[0][0], -1.006406171, 1e-8);
    near(fixed[0].multipliers[1][0], 0.285346480, 1e-8);
    near(fixed[1].multipliers[0][0].abs(), 1.732050808, 1e-8);
    for start in seeds(302, 3) {
        let (mut state, mut next) = (start, vec![0.0; 3]);
        for _ in 0..20_000 {
            system.step(&state, &mut next);
            std::mem::swap(&mut state, &mut next);
        }
        let distance = found
            .iter()
            .filter(|c| c.period == 2 && c.stable)
            .map(|c| c.distance(&state))
            .fold(f64::INFINITY, f64::min);
        assert!(distance < 1e-6, "{state:?} is on no period-2 orbit");
    }
}
