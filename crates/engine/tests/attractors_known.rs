//! Where orbits of networks end, where that is known.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use chiliad_engine::attractors::{Attractors, Kind, Options, find};
use chiliad_engine::cell::Cell;
use chiliad_engine::fixed_points::{self, Visited};
use chiliad_engine::population::{Architecture, Population};
use std::sync::Arc;

fn vanilla(activation: &str, w: &[f64], b: &[f64]) -> Population {
    let architecture = Architecture {
        cell: Arc::new(Cell::builtin("vanilla", activation).unwrap()),
        units: b.len(),
        inputs: 1,
        outputs: b.len(),
    };
    let mut population = Population::zeros(architecture, 1);
    for (name, values) in [("w_rec.a", w), ("bias.a", b)] {
        let tensor = population.layout.named(name).unwrap().clone();
        for (p, v) in population.params[tensor.range()].iter_mut().zip(values) {
            *p = *v as f32;
        }
    }
    population
}

fn census(population: &Population) -> Attractors {
    find(
        population,
        0,
        &[0.0],
        0,
        &Visited::none(),
        &Options::default(),
    )
    .unwrap()
}

#[track_caller]
fn near(a: f64, b: f64, tolerance: f64) {
    assert!((a - b).abs() <= tolerance, "{a} against {b}");
}

#[test]
fn a_period_two_network_is_not_resting() {
    let population = vanilla("tanh", &[-1.5], &[0.0]);
    let found = census(&population);
    assert_eq!((found.driven, found.uniform), (0, 512));
    let [only] = &found.attractors[..] else {
        panic!("{found:?}");
    };
    let Kind::Cycle(cycle) = &only.kind else {
        panic!("{only:?}");
    };
    assert_eq!((cycle.period, only.uniform, only.driven), (2, 512, 0));
    near(cycle.points[0][0], -0.858_559_636_640, 1e-9);
    near(cycle.multipliers[0][0], 0.155_482_762_078, 1e-9);
}

#[test]
fn a_bistable_unit_shares_its_states() {
    let population = vanilla("tanh", &[1.5], &[0.1]);
    let states: Vec<f32> = (0..40).map(|i| -1.0 + 0.05 * i as f32).collect();
    let visited = Visited {
        states: vec![&states],
        n_trials: 40,
        n_steps: 1,
    };
    let found = find(&population, 0, &[0.0], 0, &visited, &Options::default()).unwrap();
    let names: Vec<String> = found.attractors.iter().map(|a| a.kind.name()).collect();
    assert_eq!(names, ["fixed point", "fixed point"]);
    for (attractor, place) in found
        .attractors
        .iter()
        .zip([0.893_855_197_2, -0.801_080_375_6])
    {
        let Kind::Cycle(cycle) = &attractor.kind else {
            panic!("{attractor:?}");
        };
        near(cycle.points[0][0], place, 1e-6);
        assert!(cycle.stable);
    }
    // The saddle at -0.206 cuts (-1, 1): 60 % of the box and of the even grid lie above it.
    let upper = &found.attractors[0];
    near(upper.uniform as f64 / 512.0, 0.603, 0.07);
    near(upper.driven as f64 / 512.0, 0.6, 0.07);
    let driven: usize = found.attractors.iter().map(|a| a.driven).sum();
    assert_eq!((found.driven, driven), (512, 512));
}

#[test]
fn three_units_end_on_period_two_orbits_only() {
    let population = vanilla(
        "tanh",
        &[1.0, 0.0, -1.0, 0.0, -1.0, 1.0, -1.0, 1.0, 0.0],
        &[0.0; 3],
    );
    let found = census(&population);
    assert!(
        found.attractors.iter().all(|a| a.kind.name() == "period-2"),
        "{found:?}"
    );
    assert_eq!(
        found.attractors.iter().map(|a| a.uniform).sum::<usize>(),
        512
    );
}

/// `h' = tanh(rho R(theta) h)`: past rho = 1 an attracting circle.
fn rotation(rho: f64, theta: f64) -> Attractors {
    let (s, c) = theta.sin_cos();
    census(&vanilla(
        "tanh",
        &[rho * c, -rho * s, rho * s, rho * c],
        &[0.0; 2],
    ))
}

#[test]
fn invariant_circles_have_the_rotation_and_radius_known() {
    for (rho, theta, turn, mean, least, most) in [
        (1.05, 0.2, 0.19904656, 0.42786366, 0.41881399, 0.43682754),
        (1.10, 0.3, 0.29771828, 0.58025762, 0.56356678, 0.59675586),
        // Transposed weights turn the other way.
        (1.05, -0.2, -0.19904656, 0.42786366, 0.41881399, 0.43682754),
    ] {
        let found = rotation(rho, theta);
        let [only] = &found.attractors[..] else {
            panic!("{:?}", found.attractors);
        };
        assert_eq!(only.uniform, 512);
        let Kind::Circle { circle, exponents } = &only.kind else {
            panic!("{only:?}");
        };
        near(circle.rotation.unwrap(), turn, 2e-7);
        near(circle.radius_mean, mean, 1e-6);
        near(circle.radius_min, least, 1e-6);
        near(circle.radius_max, most, 1e-6);
        near(circle.plane_variance, 1.0, 1e-9);
        near(exponents.exponents[0], 0.0, 1e-4);
        assert!(exponents.exponents[1] < -0.01);
        assert!(only.centre.iter().all(|x| x.abs() < 1e-3));
    }
    let spiral = rotation(0.95, 0.2);
    assert_eq!(spiral.attractors.len(), 1);
    assert_eq!(spiral.attractors[0].kind.name(), "fixed point");
}

#[test]
fn two_uncoupled_circles_are_a_torus() {
    let mut w = [0.0; 16];
    for (block, (rho, theta)) in [(1.05, 0.2_f64), (1.10, 0.331)].into_iter().enumerate() {
        let (s, c) = theta.sin_cos();
        let at = 2 * block;
        w[at * 4 + at] = rho * c;
        w[at * 4 + at + 1] = -rho * s;
        w[(at + 1) * 4 + at] = rho * s;
        w[(at + 1) * 4 + at + 1] = rho * c;
    }
    let found = census(&vanilla("tanh", &w, &[0.0; 4]));
    let names: Vec<String> = found.attractors.iter().map(|a| a.kind.name()).collect();
    assert_eq!(names, ["quasi-periodic"]);
}

#[test]
fn chaos_is_named_in_both_censuses() {
    let (mut w, mut b) = ([0.0; 36], [0.0; 6]);
    for i in 0..6 {
        for j in 0..6 {
            let (x, y) = (i as f64, j as f64);
            w[i * 6 + j] = 2.2 * (1.0 + 1.7 * x + 0.6 * y * y + 0.9 * x * y).cos();
        }
        b[i] = 0.1 * (1.0 + i as f64).sin();
    }
    let population = vanilla("tanh", &w, &b);
    let found = census(&population);
    let chaotic: Vec<_> = found
        .attractors
        .iter()
        .filter(|a| a.kind.name() == "chaos")
        .collect();
    assert_eq!(chaotic.len(), 1, "{:?}", found.attractors);
    let Kind::Chaos { exponents } = &chaotic[0].kind else {
        panic!("chaos has exponents");
    };
    near(exponents.exponents[0], 0.159, 0.02);
    // The fixed-point search names it as well.
    let states: Vec<f32> = (0..24).map(|i| (0.37 * i as f32).sin()).collect();
    let visited = Visited {
        states: vec![&states],
        n_trials: 4,
        n_steps: 1,
    };
    let options = fixed_points::Options {
        seeds: 64,
        ..fixed_points::Options::default()
    };
    let found = fixed_points::find(&population, 0, &[0.0], 0, &visited, &options).unwrap();
    let names: Vec<&str> = found
        .reached
        .other
        .iter()
        .map(|e| e.name.as_str())
        .collect();
    assert!(names.contains(&"chaos"), "{:?}", found.reached);
    assert!(!names.contains(&"not settled"), "{:?}", found.reached);
}

#[test]
fn growth_without_bound_is_named() {
    let found = census(&vanilla("relu", &[1.5], &[0.1]));
    let names: Vec<String> = found.attractors.iter().map(|a| a.kind.name()).collect();
    assert_eq!(names, ["diverged"]);
    assert_eq!(found.attractors[0].uniform, 512);
}

#[test]
fn results_do_not_depend_on_what_else_is_asked() {
    let population = vanilla("tanh", &[1.5], &[0.1]);
    let once = census(&population);
    assert_eq!(once, census(&population));
}
