//! Hops, resolvents and graph measures where the answer is known.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use chiliad_analysis::pathways::{
    Weights, communicability, correlation, driven, energy, entries, modularity, small_world,
    strongest,
};
use chiliad_engine::cell::Cell;
use chiliad_engine::map::Map;
use chiliad_engine::population::{Architecture, Population, Seeds, initialise::initialise};
use faer::Mat;
use std::sync::Arc;

#[track_caller]
fn near(a: f64, b: f64, tolerance: f64) {
    assert!((a - b).abs() <= tolerance, "{a} against {b}");
}

/// To a relative precision of 1e-9, that of the printed values (ten digits).
#[track_caller]
fn same(matrix: &Mat<f64>, expected: [f64; 4]) {
    for (a, b) in entries(matrix).zip(expected) {
        near(a, b, 1e-9 * b.abs().max(0.1));
    }
}

const ALPHA: f64 = 0.8;
const LENGTH: usize = 6;

/// The system whose hops are published to ten digits.
fn reference() -> Weights {
    Weights {
        recurrent_gate: "a".into(),
        input_gate: "a".into(),
        recurrent: Mat::from_fn(4, 4, |a, b| {
            let (a, b) = (a as f64, b as f64);
            0.45 * (1.0 + 1.7 * a + 0.6 * b * b + 0.9 * a * b).cos()
        }),
        input: Mat::from_fn(4, 2, |a, p| {
            0.8 * (0.9 + 1.1 * p as f64 + 0.5 * a as f64).sin()
        }),
        readout: Mat::from_fn(2, 4, |q, a| {
            0.7 * (0.4 + 0.8 * a as f64 + 1.5 * q as f64).cos()
        }),
    }
}

#[test]
fn hops_and_their_energy() {
    let w = reference();
    for (b, expected) in [0.2431360376, -0.0131397850, -0.4350591867, 0.4469332134]
        .into_iter()
        .enumerate()
    {
        near(w.recurrent[(0, b)], expected, 5e-11);
    }
    near(w.spectral_radius().unwrap(), 0.974_353_502_014, 1e-12);
    let known = [
        (
            [0.02707091878, 0.7426543953, -1.288589789, -0.462889007],
            2.52120410994,
        ),
        (
            [-0.08146246807, -0.1539639034, 0.1817329187, 0.09547906762],
            0.512638357828,
        ),
        (
            [
                0.02870527355,
                -0.06560305238,
                0.02793447662,
                -0.001363918036,
            ],
            0.123606720589,
        ),
        (
            [0.003325686972, 0.08992623007, 0.04703138264, 0.0124723843],
            0.152755683984,
        ),
        (
            [-0.006590445991, -0.05360916593, 0.0426863761, 0.01727236066],
            0.120158348678,
        ),
        (
            [0.007453952606, 0.02129137058, 0.04150690468, 0.01016176677],
            0.0804139946319,
        ),
    ];
    let hops = w.hops(LENGTH);
    assert_eq!(hops.len(), known.len());
    for (hop, (expected, sum)) in hops.iter().zip(known) {
        same(hop, expected);
        near(energy(hop), sum, 1e-11);
    }
    let per_hop: f64 = hops
        .iter()
        .enumerate()
        .map(|(m, h)| ALPHA.powi(m as i32 + 2) * energy(h))
        .sum();
    near(per_hop, 2.02508859197302, 1e-13);
}

#[test]
fn resolvents() {
    let w = reference();
    let squares = |m: &Mat<f64>| entries(m).map(|x| x * x).sum::<f64>();
    let truncated = w.truncated(ALPHA, LENGTH);
    same(
        &truncated,
        [
            -0.0117003931964,
            0.389477114093,
            -0.684902399199,
            -0.237176469153,
        ],
    );
    near(energy(&truncated), 1.32325637564162, 1e-13);
    near(squares(&truncated), 0.677173295552065, 1e-13);
    let infinite = w.infinite(ALPHA).unwrap();
    same(
        &infinite,
        [
            -0.0109521666813,
            0.389131553531,
            -0.653859527000,
            -0.227417615714,
        ],
    );
    near(energy(&infinite), 1.28136086292684, 1e-13);
    near(squares(&infinite), 0.630794368894772, 1e-13);
    let a = ALPHA / w.spectral_radius().unwrap();
    same(
        &w.truncated(a, LENGTH),
        [
            -0.0126981177976,
            0.408102345224,
            -0.714331059681,
            -0.247319839214,
        ],
    );
    same(
        &w.infinite(a).unwrap(),
        [
            -0.0116340389741,
            0.407719928455,
            -0.672200784786,
            -0.234095960054,
        ],
    );
    // Many hops are all hops; a diverging sum is refused.
    let many = w.truncated(ALPHA, 400);
    for (x, y) in entries(&many).zip(entries(&infinite)) {
        near(x, y, 1e-12);
    }
    assert!(w.infinite(1.03).is_none() && w.infinite(1.02).is_some());
}

#[test]
fn communicability_is_the_one_of_the_penalty() {
    let w = reference().recurrent;
    let c = communicability(&w);
    let term = |i: usize, j: usize| {
        w[(i, j)].abs() * i.abs_diff(j) as f64 * f64::from(u8::from(i != j)) * c[(i, j)]
    };
    let sum: f64 = (0..4)
        .flat_map(|i| (0..4).map(move |j| (i, j)))
        .map(|(i, j)| term(i, j))
        .sum();
    near(sum, 3.4167783251922, 1e-12);
    for (row, expected) in [
        (0, [0.0, 0.1983439597, 0.5269254838, 0.5592734561]),
        (3, [0.5756684059, 0.5301057768, 0.2913568435, 0.0]),
    ] {
        for (j, e) in expected.into_iter().enumerate().filter(|(j, _)| *j != row) {
            near(c[(row, j)], e, 5e-11);
        }
    }
    // A unit without connections reaches itself alone.
    let mut lonely = w.clone();
    for j in 0..4 {
        lonely[(2, j)] = 0.0;
        lonely[(j, 2)] = 0.0;
    }
    let c = communicability(&lonely);
    assert_eq!((c[(2, 2)], c[(2, 0)], c[(1, 2)]), (1.0, 0.0, 0.0));
    assert!(entries(&c).all(f64::is_finite));
    // exp of a scalar, |w| / sqrt(s s) = 1: the squarings double the rounding of the series.
    near(
        communicability(&Mat::from_fn(1, 1, |_, _| -7.0))[(0, 0)],
        1.0_f64.exp(),
        1e-14,
    );
}

#[test]
fn driven_pathways_of_a_linear_network_are_its_hops() {
    // A relu network that is never below 0 is linear; a vanilla tanh network at h = 0, b = 0 has the hops of its weights.
    for (activation, scale) in [("relu", 1.0), ("tanh", 0.0)] {
        let architecture = Architecture {
            cell: Arc::new(Cell::builtin("vanilla", activation).unwrap()),
            units: 4,
            inputs: 2,
            outputs: 2,
        };
        let mut population = initialise(&architecture, &[Seeds::all(1)]);
        population
            .params
            .iter_mut()
            .for_each(|p| *p = p.abs() * 0.5);
        let bias = population.layout.named("bias.a").unwrap().range();
        population.params[bias].fill(if activation == "relu" { 0.1 } else { 0.0 });
        let weights = Weights::of(&population, 0, None).unwrap();
        let inputs: Vec<f32> = (0..2 * 7 * 2).map(|k| scale * (1.0 + k as f32)).collect();
        let mut map = Map::new(&population, 0, &[0.0, 0.0]).unwrap();
        let found = driven(&mut map, &[0.0; 4], &inputs, 7, 5).unwrap();
        assert_eq!(found.hops.len(), 5);
        for ((hop, e), expected) in found.hops.iter().zip(&found.energy).zip(weights.hops(5)) {
            near(*e, energy(&expected), 1e-12);
            for (x, y) in entries(hop).zip(entries(&expected)) {
                near(x, y, 1e-12);
            }
        }
        assert!(driven(&mut map, &[0.0; 3], &inputs, 7, 5).is_err());
        assert!(driven(&mut map, &[0.0; 4], &inputs[1..], 7, 5).is_err());
    }
}

#[test]
fn driven_pathways_of_gated_cells_match_finite_differences() {
    for name in ["gru", "lstm", "rate_current"] {
        let architecture = Architecture {
            cell: Arc::new(Cell::builtin(name, "tanh").unwrap()),
            units: 5,
            inputs: 2,
            outputs: 2,
        };
        let population = initialise(&architecture, &[Seeds::all(4)]);
        let mut map = Map::new(&population, 0, &[0.0, 0.0]).unwrap();
        let steps = 6;
        let inputs: Vec<f32> = (0..steps * 2).map(|k| (k as f32 * 0.9).sin()).collect();
        let start = vec![0.1; map.n_state()];
        let found = driven(&mut map, &start, &inputs, steps, steps).unwrap();
        let mut output = |inputs: &[f32]| {
            let mut scratch = map.scratch();
            let (mut h, mut next) = (start.clone(), start.clone());
            for input in inputs.chunks(2) {
                map.change_input(input).unwrap();
                map.step(&mut scratch, &h, &mut next);
                std::mem::swap(&mut h, &mut next);
            }
            map.readout(&mut scratch, &h)
        };
        for (m, hop) in found.hops.iter().enumerate() {
            for k in 0..2 {
                let at = (steps - 1 - m) * 2 + k;
                let moved = |by: f32| {
                    let mut all = inputs.clone();
                    all[at] += by;
                    (f64::from(all[at]), all)
                };
                let ((x1, up), (x0, down)) = (moved(2e-3), moved(-2e-3));
                for (o, (a, b)) in output(&up).into_iter().zip(output(&down)).enumerate() {
                    near(hop[(o, k)], (a - b) / (x1 - x0), 1e-5);
                }
            }
        }
    }
}

#[test]
fn gates_of_every_cell() {
    for (name, recurrent, input) in [
        ("vanilla", "a", "a"),
        ("ugrnn", "c", "c"),
        ("gru", "c", "c"),
        ("lstm", "g", "g"),
        ("gru_reset_after", "hn", "xn"),
        ("rate", "a", "a"),
    ] {
        let cell = Arc::new(Cell::builtin(name, "tanh").unwrap());
        let population = Population::zeros(
            Architecture {
                cell,
                units: 3,
                inputs: 2,
                outputs: 1,
            },
            1,
        );
        let w = Weights::of(&population, 0, None).unwrap();
        assert_eq!(
            (w.recurrent_gate.as_str(), w.input_gate.as_str()),
            (recurrent, input),
            "{name}"
        );
        assert!(Weights::of(&population, 1, None).is_err());
        let message = Weights::of(&population, 0, Some("nope"))
            .unwrap_err()
            .to_string();
        assert!(
            message.contains("nope") && message.contains(recurrent),
            "{message}"
        );
    }
    let cell = Arc::new(Cell::builtin("gru_reset_after", "tanh").unwrap());
    let population = Population::zeros(
        Architecture {
            cell,
            units: 3,
            inputs: 2,
            outputs: 1,
        },
        1,
    );
    assert_eq!(
        Weights::of(&population, 0, Some("z")).unwrap().input_gate,
        "z"
    );
    assert_eq!(
        Weights::of(&population, 0, Some("hn")).unwrap().input_gate,
        "xn"
    );
}

#[test]
fn correlation_with_a_map() {
    let a = Mat::from_fn(2, 3, |i, j| (3 * i + j) as f64);
    let b = Mat::from_fn(2, 3, |i, j| 5.0 - 2.0 * (3 * i + j) as f64);
    near(correlation(&a, &a).unwrap(), 1.0, 1e-15);
    near(correlation(&a, &b).unwrap(), -1.0, 1e-15);
    assert!(
        correlation(&a, &Mat::zeros(2, 3)).is_none()
            && correlation(&a, &Mat::zeros(3, 2)).is_none()
    );
}

/// Two rings of five, joined by nothing or by one connection.
fn two_cliques(bridge: f64) -> Mat<f64> {
    let mut w = Mat::from_fn(10, 10, |i, j| f64::from(u8::from(i / 5 == j / 5 && i != j)));
    w[(0, 5)] = bridge;
    w[(5, 0)] = -bridge;
    w
}

#[test]
fn modularity_of_cliques() {
    // k equal components without links between them: Q = 1 - 1/k.
    let found = modularity(&two_cliques(0.0));
    near(found.q, 0.5, 1e-14);
    assert_eq!(found.communities, [0, 0, 0, 0, 0, 1, 1, 1, 1, 1]);
    // One link of 21 between them: both halves have (40/42 - 2 (21/42)^2).
    let joined = modularity(&two_cliques(1.0));
    near(joined.q, 40.0 / 42.0 - 0.5, 1e-14);
    assert_eq!(joined.n_communities(), 2);
    // All alike: one community, Q = 0; no connections at all: the same.
    let all = modularity(&Mat::from_fn(6, 6, |_, _| 1.0));
    near(all.q, 0.0, 1e-14);
    assert_eq!(modularity(&Mat::zeros(3, 3)).n_communities(), 1);
    // Self-connections do not count; directed cycles of three: 1 - 1/3 for three of them.
    let cycles = Mat::from_fn(9, 9, |i, j| {
        if i == j {
            4.0
        } else {
            f64::from(u8::from(i / 3 == j / 3 && (i + 1) % 3 == j % 3))
        }
    });
    near(modularity(&cycles).q, 2.0 / 3.0, 1e-14);
}

#[test]
fn small_world_of_a_ring_lattice() {
    // Each of 60 units with its 4 nearest: clustering 3 (k - 2) / (4 (k - 1)) = 1/2, distances ceil(d / 2).
    let n = 60_usize;
    let ring = Mat::from_fn(n, n, |i, j| {
        let d = i.abs_diff(j).min(n - i.abs_diff(j));
        f64::from(u8::from(d == 1 || d == 2))
    });
    let graph = strongest(&ring, 4.0 / 59.0);
    assert!(graph.iter().all(|of| of.len() == 4));
    let found = small_world(&graph, 20, 1);
    near(found.clustering, 0.5, 1e-14);
    let inverse: f64 = (1..n)
        .map(|d| d.min(n - d))
        .map(|d| 1.0 / d.div_ceil(2) as f64)
        .sum();
    near(found.path_length, 59.0 / inverse, 1e-12);
    // Random graphs of degree 4: clustering about 4/60; the lattice is far more clustered and somewhat longer.
    assert!(
        found.clustering_null < 0.12 && found.path_length_null < found.path_length,
        "{found:?}"
    );
    assert!(found.sigma.unwrap() > 2.0);
    assert_eq!(found, small_world(&graph, 20, 1));
    assert_ne!(
        found.clustering_null,
        small_world(&graph, 20, 2).clustering_null
    );
    let empty = small_world(&strongest(&Mat::zeros(4, 4), 0.5), 3, 0);
    assert_eq!((empty.sigma, empty.clustering), (None, 0.0));
    assert!(empty.path_length.is_infinite());
}
