//! Dimension, holes and drift of sets whose shape is known.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use chiliad_analysis::linearised::Linearised;
use chiliad_analysis::slow_set::persistence::{Bar, rips};
use chiliad_analysis::slow_set::{
    Options, SlowSet, describe, farthest_points, linear, slow_states,
};
use chiliad_engine::cell::Cell;
use chiliad_engine::linearise::time_constant;
use chiliad_engine::map::Map;
use chiliad_engine::population::{Architecture, Population};
use chiliad_tasks::random::Stream;
use std::f64::consts::TAU;
use std::sync::Arc;

#[track_caller]
fn near(a: f64, b: f64, tolerance: f64) {
    assert!((a - b).abs() <= tolerance, "{a} against {b}");
}

/// `h' = f(W h)` without input.
fn map(activation: &str, w: &[f64]) -> Map {
    let units = (w.len() as f64).sqrt() as usize;
    let mut population = Population::zeros(
        Architecture {
            cell: Arc::new(Cell::builtin("vanilla", activation).unwrap()),
            units,
            inputs: 1,
            outputs: 1,
        },
        1,
    );
    let range = population.layout.named("w_rec.a").unwrap().range();
    population.params[range]
        .iter_mut()
        .zip(w)
        .for_each(|(p, x)| *p = *x as f32);
    Map::new(&population, 0, &[0.0]).unwrap()
}

/// The shape alone, of points in the plane: the map is of no matter.
fn shape(points: &[Vec<f64>]) -> SlowSet {
    let options = Options {
        trial_length: 0,
        ..Options::default()
    };
    describe(&map("relu", &[0.0; 4]), points, &options).unwrap()
}

fn uniform(n: usize, seed: u64) -> Vec<Vec<f64>> {
    let mut draws = Stream::new(seed, 0x912).draws(0);
    (0..n)
        .map(|_| vec![f64::from(draws.uniform()), f64::from(draws.uniform())])
        .collect()
}

fn circle(n: usize, x: f64) -> Vec<Vec<f64>> {
    (0..n)
        .map(|k| TAU * k as f64 / n as f64)
        .map(|a| vec![x + a.cos(), a.sin()])
        .collect()
}

fn holes(bars: &[Bar]) -> Vec<Bar> {
    bars.iter().copied().filter(|b| b.dimension == 1).collect()
}

#[test]
fn persistence_of_a_regular_polygon() {
    // The hole of a regular n-gon (n divisible by 3) on the unit circle is born with its side, 2 sin(pi/n), and ends when
    // three points span it, sqrt 3 (Adamaszek & Adams 2017).
    let n = 60;
    let bars = rips(&circle(n, 0.0));
    let one = holes(&bars);
    assert_eq!(one.len(), 1, "{one:?}");
    near(one[0].birth, 2.0 * (TAU / 2.0 / n as f64).sin(), 1e-12);
    near(one[0].death, 3.0_f64.sqrt(), 1e-12);
    let pieces: Vec<&Bar> = bars.iter().filter(|b| b.dimension == 0).collect();
    assert_eq!(pieces.len(), n);
    assert_eq!(pieces.iter().filter(|b| b.death.is_infinite()).count(), 1);
}

#[test]
fn persistence_of_the_corners_of_a_cube() {
    // Graph of edges: 12 - 8 + 1 = 5 holes from scale 1 until face diagonals fill them at sqrt 2.
    let corners: Vec<Vec<f64>> = (0..8)
        .map(|c| (0..3).map(|b| f64::from(c >> b & 1)).collect())
        .collect();
    let bars = holes(&rips(&corners));
    assert_eq!(bars.len(), 5);
    for bar in bars {
        near(bar.birth, 1.0, 1e-15);
        near(bar.death, 2.0_f64.sqrt(), 1e-15);
    }
    // A square has one; its diagonal fills it.
    let square = [[0.0, 0.0], [0.0, 2.0], [3.0, 0.0], [3.0, 2.0]].map(|p| p.to_vec());
    assert_eq!(
        holes(&rips(&square)),
        [Bar {
            dimension: 1,
            birth: 3.0,
            death: 13.0_f64.sqrt()
        }]
    );
    assert!(rips(&[]).is_empty());
    assert_eq!(rips(&[vec![1.0], vec![1.0]]).len(), 1);
}

/// Holes of a random cloud by the textbook: the boundary matrix of all edges and triangles, columns in the order of the
/// filtration, reduced from the left.
#[test]
fn persistence_agrees_with_plain_matrix_reduction() {
    let points = uniform(40, 3);
    let d = |i: usize, j: usize| {
        ((points[i][0] - points[j][0]).powi(2) + (points[i][1] - points[j][1]).powi(2)).sqrt()
    };
    let n = points.len();
    let mut edges: Vec<(f64, usize, usize)> = (0..n)
        .flat_map(|i| (0..i).map(move |j| (j, i)))
        .map(|(j, i)| (d(i, j), j, i))
        .collect();
    edges.sort_by(|a, b| a.0.total_cmp(&b.0));
    let place = |a: usize, b: usize| {
        edges
            .iter()
            .position(|e| (e.1, e.2) == (a.min(b), a.max(b)))
            .unwrap()
    };
    let mut triangles: Vec<Vec<usize>> = Vec::new();
    for i in 0..n {
        for j in 0..i {
            for k in 0..j {
                let mut sides = vec![place(i, j), place(i, k), place(j, k)];
                sides.sort_unstable();
                triangles.push(sides);
            }
        }
    }
    triangles.sort_by_key(|t| t[2]);
    let mut reduced: Vec<Vec<usize>> = Vec::new();
    let mut expected = Vec::new();
    for triangle in triangles {
        let (birth_of, mut column) = (triangle[2], triangle);
        while let Some(low) = column.last().copied() {
            let Some(other) = reduced.iter().find(|c| c.last() == Some(&low)) else {
                break;
            };
            let sum: Vec<usize> = column
                .iter()
                .filter(|x| !other.contains(x))
                .chain(other.iter().filter(|x| !column.contains(x)))
                .copied()
                .collect();
            column = sum;
            column.sort_unstable();
        }
        if let Some(low) = column.last() {
            if *low != birth_of {
                expected.push((edges[*low].0, edges[birth_of].0));
            }
            reduced.push(column);
        }
    }
    let mut found: Vec<(f64, f64)> = holes(&rips(&points))
        .iter()
        .map(|b| (b.birth, b.death))
        .collect();
    expected.sort_by(|a, b| a.0.total_cmp(&b.0));
    found.sort_by(|a, b| a.0.total_cmp(&b.0));
    assert!(expected.len() >= 3, "{expected:?}");
    assert_eq!(found.len(), expected.len());
    for (a, b) in found.iter().zip(&expected) {
        near(a.0, b.0, 1e-14);
        near(a.1, b.1, 1e-14);
    }
}

#[test]
fn shapes_in_the_plane() {
    let ring = shape(&circle(500, 0.0));
    assert_eq!(
        (ring.betti_0, ring.betti_1, ring.shape.as_str()),
        (1, 1, "ring")
    );
    near(ring.dimension_linear, 2.0, 0.01);
    near(ring.dimension_local.unwrap(), 1.0, 0.01);
    let segment: Vec<Vec<f64>> = uniform(500, 1)
        .into_iter()
        .map(|p| vec![p[0], 0.3 * p[0]])
        .collect();
    let line = shape(&segment);
    assert_eq!(
        (line.betti_0, line.betti_1, line.shape.as_str()),
        (1, 0, "line")
    );
    near(line.dimension_linear, 1.0, 1e-9);
    near(line.dimension_local.unwrap(), 1.0, 1e-9);
    let two: Vec<Vec<f64>> = uniform(400, 2)
        .into_iter()
        .enumerate()
        .map(|(k, p)| vec![0.1 * p[0] + (k % 2) as f64, 0.1 * p[1]])
        .collect();
    let two = shape(&two);
    assert_eq!(
        (two.betti_0, two.betti_1, two.shape.as_str()),
        (2, 0, "pieces")
    );
    let eight = shape(&[circle(400, -1.0), circle(400, 1.0)].concat());
    assert_eq!(
        (eight.betti_0, eight.betti_1, eight.shape.as_str()),
        (1, 2, "other")
    );
    let disc: Vec<Vec<f64>> = uniform(3000, 4)
        .into_iter()
        .map(|p| vec![2.0 * p[0] - 1.0, 2.0 * p[1] - 1.0])
        .filter(|p| p[0].hypot(p[1]) <= 1.0)
        .collect();
    let disc = shape(&disc);
    assert_eq!(
        (disc.betti_0, disc.betti_1, disc.shape.as_str()),
        (1, 0, "plane")
    );
    assert!(
        (1.7..2.0 + 1e-9).contains(&disc.dimension_local.unwrap()),
        "{disc:?}"
    );
    let corners: Vec<Vec<f64>> = [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]
        .map(|p| p.to_vec())
        .into();
    assert_eq!(shape(&corners).betti_0, 4);
    assert_eq!(shape(&corners).betti_1, 0);
    assert_eq!(shape(&vec![vec![0.3, 0.4]; 5]).shape, "point");
    assert!(describe(&map("relu", &[0.0; 4]), &[], &Options::default()).is_none());
}

#[test]
fn farthest_points_are_spread_and_pass_over_what_is_not_finite() {
    let mut line: Vec<Vec<f64>> = (0..101).map(|k| vec![f64::from(k) / 100.0]).collect();
    line.push(vec![f64::NAN]);
    let chosen = farthest_points(&line, 5);
    let mut places: Vec<f64> = chosen.iter().map(|i| line[*i][0]).collect();
    places.sort_by(f64::total_cmp);
    assert_eq!(places, [0.0, 0.25, 0.5, 0.75, 1.0]);
    assert_eq!(farthest_points(&vec![vec![2.0]; 9], 5).len(), 1);
    near(linear(&[vec![0.0, 0.0], vec![1.0, 0.0]]), 1.0, 1e-15);
}

/// `h' = relu([[1/2, 1/2], [1/2, 1/2]] h)`: every (a, a) with a >= 0 is fixed.
#[test]
fn exact_line_attractor_is_a_line_without_drift() {
    let m = map("relu", &[0.5; 4]);
    let starts: Vec<Vec<f64>> = uniform(300, 5);
    let slow = slow_states(&m, &starts, 5, 1e-12);
    assert_eq!(slow.len(), 300);
    let set = describe(&m, &slow, &Options::default()).unwrap();
    assert_eq!(
        (set.betti_0, set.betti_1, set.shape.as_str()),
        (1, 0, "line")
    );
    near(set.drift.unwrap().max, 0.0, 1e-12);
    near(set.dimension_linear, 1.0, 1e-9);
    // Off the line, before it has relaxed, nothing is slow but what is already there.
    assert!(slow_states(&m, &starts, 0, 1e-3).len() < 10);
}

/// The same weights under tanh: only 0 is fixed, and a = 1/2 decays as published.
#[test]
fn approximate_line_attractor_drifts_as_known() {
    let m = map("tanh", &[0.5; 4]);
    let mut scratch = m.scratch();
    let mut state = vec![0.5, 0.5];
    let mut next = state.clone();
    let known = [
        (10, 0.304_758_380),
        (100, 0.118_714_959),
        (1000, 0.038_599_372),
        (10_000, 0.012_243_094),
    ];
    let mut done = 0;
    for (steps, a) in known {
        for _ in done..steps {
            m.step(&mut scratch, &state, &mut next);
            std::mem::swap(&mut state, &mut next);
        }
        done = steps;
        near(state[0], a, 1e-9);
    }
    for (a, q, lambda) in [
        (0.05, 1.732_644_131e-9, None),
        (0.1, 1.102_275_691e-7, Some(0.990_066_291)),
        (0.2, 6.888_943_922e-6, Some(0.961_042_983)),
        (0.5, 1.435_109_774e-3, Some(0.786_447_733)),
    ] {
        m.residual(&mut scratch, &[a, a], &mut next);
        near(0.5 * next.iter().map(|x| x * x).sum::<f64>(), q, q * 1e-8);
        let s = Linearised::at(&m, &mut scratch, &[a, a]).unwrap();
        if let Some(lambda) = lambda {
            near(s.modes.modes[0].eigenvalue[0], lambda, 1e-8);
        }
    }
    // A slow line from -0.15 to 0.15: it is one, and the drift of its ends in ten steps is that of the map.
    let line: Vec<Vec<f64>> = (0..61)
        .map(|k| vec![f64::from(k - 30) / 200.0; 2])
        .collect();
    let options = Options {
        trial_length: 10,
        ..Options::default()
    };
    let set = describe(&m, &line, &options).unwrap();
    assert_eq!(set.shape, "line");
    let mut end = vec![0.15; 2];
    for _ in 0..10 {
        m.step(&mut scratch, &end.clone(), &mut end);
    }
    let moved = (0.15 - end[0]) * 2.0_f64.sqrt();
    near(set.drift.unwrap().max, moved / set.extent, 1e-12);
    near(set.drift_along.unwrap().max, set.drift.unwrap().max, 1e-12);
    near(set.drift_across.unwrap().max, 0.0, 1e-9);
}

/// Gain 1.02: fixed points at +-0.240626961597 on the diagonal.
#[test]
fn approximate_line_attractor_with_gain() {
    // 0.51 is not an f32: the known answer is for 1.02 / 2, so the tolerance is that of the weight.
    let m = map("tanh", &[0.51; 4]);
    let mut scratch = m.scratch();
    let mut state = vec![0.24; 2];
    for _ in 0..3000 {
        m.step(&mut scratch, &state.clone(), &mut state);
    }
    near(state[0], 0.240_626_961_597, 1e-6);
    let s = Linearised::at(&m, &mut scratch, &state).unwrap();
    near(s.modes.modes[0].eigenvalue[0], 0.960_940_638_659, 1e-6);
    near(time_constant(s.modes.modes[0].eigenvalue), 25.098_737, 1e-3);
    let zero = Linearised::at(&m, &mut scratch, &[0.0, 0.0]).unwrap();
    near(zero.modes.modes[0].eigenvalue[0], 1.02, 1e-6);
}
