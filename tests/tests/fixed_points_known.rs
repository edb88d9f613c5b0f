//! Fixed points whose place, kind and number are known.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use chiliad_analysis::census::{Census, Summary};
use chiliad_engine::cell::{Activation, Cell};
use chiliad_engine::fixed_points::{FixedPoints, Options, Verdict, Visited, find};
use chiliad_engine::map::{BoxKept, Map, keeps_box};
use chiliad_engine::population::initialise::initialise;
use chiliad_engine::population::{Architecture, Population, Seeds};
use chiliad_tasks::random::Stream;
use std::sync::Arc;

/// a with tanh(1.5 a) = a.
const A: f64 = 0.858_559_636_640;

fn population(
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

fn vanilla(activation: &str, units: usize, w: &[f64], b: &[f64]) -> Population {
    population(
        "vanilla",
        activation,
        units,
        1,
        units,
        &[("w_rec.a", w), ("bias.a", b)],
    )
}

fn search(population: &Population) -> FixedPoints {
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

fn one(w: f64, b: f64) -> FixedPoints {
    search(&vanilla("tanh", 1, &[w], &[b]))
}

#[track_caller]
fn near(a: f64, b: f64, tolerance: f64) {
    assert!((a - b).abs() <= tolerance, "{a} against {b}");
}

/// Points as (first coordinate, first eigenvalue), ascending.
fn scalars(found: &FixedPoints) -> Vec<(f64, f64)> {
    let mut all: Vec<(f64, f64)> = found
        .points
        .iter()
        .map(|p| (p.state[0], p.spectrum.eigenvalues[0][0]))
        .collect();
    all.sort_by(|a, b| a.0.total_cmp(&b.0));
    all
}

#[track_caller]
fn assert_scalars(found: &FixedPoints, expected: &[(f64, f64)]) {
    let all = scalars(found);
    assert_eq!(all.len(), expected.len(), "{all:?}");
    for (a, e) in all.iter().zip(expected) {
        near(a.0, e.0, 1e-6);
        near(a.1, e.1, 1e-6);
    }
}

#[track_caller]
fn assert_held(found: &FixedPoints) {
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
fn assert_states(found: &FixedPoints, expected: &[Vec<f64>], tolerance: f64) {
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

fn by_unstable(found: &FixedPoints) -> Vec<usize> {
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

#[test]
fn one_tanh_unit_has_the_points_known() {
    let found = one(1.5, 0.0);
    assert_scalars(
        &found,
        &[(-A, 0.394_313_025_499), (0.0, 1.5), (A, 0.394_313_025_499)],
    );
    assert_held(&found);
    assert_scalars(
        &one(2.0, 0.0),
        &[
            (-0.957_504_024_077, 0.166_372_087_752),
            (0.0, 2.0),
            (0.957_504_024_077, 0.166_372_087_752),
        ],
    );
    assert_scalars(&one(0.9, 0.0), &[(0.0, 0.9)]);
    assert_scalars(
        &one(1.5, 0.1),
        &[
            (-0.801_080_375_6, 0.537_405_347_8),
            (-0.205_979_060_3, 1.436_358_940_1),
            (0.893_855_197_2, 0.301_534_329_6),
        ],
    );
    assert_scalars(
        &one(1.5, 0.2),
        &[
            (-0.648_695_986_9, 0.868_790_274_8),
            (-0.495_924_876_5, 1.131_087_775_3),
            (0.918_172_775_5, 0.235_438_131_5),
        ],
    );
}

#[test]
fn one_tanh_unit_at_gain_one_is_degenerate() {
    let found = one(1.0, 0.0);
    assert_eq!(found.points.len(), 1);
    near(found.points[0].state[0], 0.0, 1e-6);
    assert_eq!(found.certificate.verdict, Verdict::Degenerate);
}

#[test]
fn period_two_is_no_fixed_point() {
    let population = vanilla("tanh", 1, &[-1.5], &[0.0]);
    let found = search(&population);
    assert_scalars(&found, &[(0.0, -1.5)]);
    assert_held(&found);
    // Driven states end on the orbit, and it is named.
    let states: Vec<f32> = (0..40).map(|i| -0.9 + 0.045 * i as f32 + 0.01).collect();
    let visited = Visited {
        states: vec![&states],
        n_trials: 40,
        n_steps: 1,
    };
    let found =
        find(&population, 0, &[0.0], 0, &visited, &Options::default()).expect("the search runs");
    assert!(found.reached.attractors.is_empty());
    assert_eq!(found.reached.other.len(), 1, "{:?}", found.reached);
    assert_eq!(
        (
            found.reached.other[0].name.as_str(),
            found.reached.other[0].states
        ),
        ("period-2", 40)
    );
}

#[test]
fn a_ghost_is_slow_and_not_fixed() {
    let found = one(1.5, 0.21);
    assert_scalars(&found, &[(0.920_193_919_2, 0.229_864_726_6)]);
    assert_eq!(found.slow.len(), 1);
    let ghost = &found.slow[0];
    near(ghost.state[0], -0.578_985_966, 1e-5);
    near(ghost.q, 1.337_751e-6, 1e-10);
    near(ghost.speed, 1.635_696e-3, 1e-7);
    near(ghost.spectrum.eigenvalues[0][0], 1.0, 1e-4);
    assert!(!ghost.lasting);
    // Further from the fold the local minimum is too fast to be called slow, and it is no fixed point either.
    let found = one(1.5, 0.25);
    assert_eq!(found.points.len(), 1);
    assert!(found.rejected > 0);
    let all = find(
        &vanilla("tanh", 1, &[1.5], &[0.25]),
        0,
        &[0.0],
        0,
        &Visited::none(),
        &Options {
            slow_speed: 0.05,
            ..Options::default()
        },
    )
    .expect("the search runs");
    near(all.slow[0].state[0], -0.605_652_641, 1e-5);
    near(all.slow[0].q, 4.005_119e-4, 1e-8);
}

#[test]
fn two_and_three_coupled_units_have_the_points_known() {
    let found = search(&vanilla("tanh", 2, &[1.0, -1.0, -1.0, 1.0], &[0.0; 2]));
    assert_states(
        &found,
        &[
            vec![0.0; 2],
            vec![0.957_504_024, -0.957_504_024],
            vec![-0.957_504_024, 0.957_504_024],
        ],
        1e-6,
    );
    assert_eq!(by_unstable(&found), [2, 1]);
    // Three units: no stable point at all.
    let found = search(&vanilla(
        "tanh",
        3,
        &[1.0, 0.0, -1.0, 0.0, -1.0, 1.0, -1.0, 1.0, 0.0],
        &[0.0; 3],
    ));
    let (a, b, c) = (0.949_795_711, -0.425_502_295, -0.879_894_003);
    assert_states(
        &found,
        &[vec![0.0; 3], vec![a, b, c], vec![-a, -b, -c]],
        1e-6,
    );
    assert_eq!(by_unstable(&found), [0, 2, 1]);
    near(
        found.points[0].spectrum.eigenvalues[0][0],
        -1.006_406_171,
        1e-6,
    );
    assert_held(&found);
    // Four units, W row i = -roll(linspace(-1, 1, 4), -i): nine points.
    let line = [1.0, 1.0 / 3.0, -1.0 / 3.0, -1.0];
    let w: Vec<f64> = (0..16).map(|k| line[(k % 4 + k / 4) % 4]).collect();
    let found = search(&vanilla("tanh", 4, &w, &[0.0; 4]));
    assert_eq!(
        found.points.len(),
        9,
        "{:?}",
        found.points.iter().map(|p| &p.state).collect::<Vec<_>>()
    );
    assert_held(&found);
}

#[test]
fn three_bits_in_three_units_are_27_points() {
    let found = search(&vanilla(
        "tanh",
        3,
        &[1.5, 0.0, 0.0, 0.0, 1.5, 0.0, 0.0, 0.0, 1.5],
        &[0.0; 3],
    ));
    assert_eq!(by_unstable(&found), [8, 12, 6, 1]);
    assert_held(&found);
    for point in &found.points {
        let mut expected: Vec<f64> = point
            .state
            .iter()
            .map(|x| {
                if x.abs() > 0.1 {
                    0.394_313_025_499
                } else {
                    1.5
                }
            })
            .collect();
        expected.sort_by(|a, b| b.total_cmp(a));
        for ((value, e), x) in point
            .spectrum
            .eigenvalues
            .iter()
            .zip(&expected)
            .zip(&point.state)
        {
            near(value[0], *e, 1e-6);
            assert!(x.abs() < 1e-9 || (x.abs() - A).abs() < 1e-7);
        }
    }
}

#[test]
fn three_bits_in_six_units_are_27_points() {
    let mut w = vec![0.0; 36];
    for bit in 0..3 {
        for i in 0..2 {
            for j in 0..2 {
                w[(2 * bit + i) * 6 + 2 * bit + j] = 0.75;
            }
        }
    }
    let found = search(&vanilla("tanh", 6, &w, &[0.0; 6]));
    assert_eq!(by_unstable(&found), [8, 12, 6, 1]);
    assert_held(&found);
    assert!(found.census.iter().all(|c| c.1 == 27), "{:?}", found.census);
    assert!(found.points.iter().all(|p| {
        p.spectrum.eigenvalues[3..]
            .iter()
            .all(|v| v[0].abs() < 1e-9)
    }));
}

#[test]
fn a_rotation_has_only_the_origin() {
    for (rho, theta) in [(1.05_f64, 0.2_f64), (1.1, 0.3), (0.95, 0.2)] {
        let (s, c) = theta.sin_cos();
        let found = search(&vanilla(
            "tanh",
            2,
            &[rho * c, -rho * s, rho * s, rho * c],
            &[0.0; 2],
        ));
        assert_states(&found, &[vec![0.0; 2]], 1e-7);
        let value = found.points[0].spectrum.eigenvalues[0];
        near(value[0], rho * c, 1e-6);
        near(value[1].abs(), rho * s, 1e-6);
        assert_held(&found);
    }
}

#[test]
fn a_line_attractor_is_many_points() {
    let found = search(&vanilla("relu", 2, &[0.5; 4], &[0.0; 2]));
    assert!(found.points.len() > 200, "{}", found.points.len());
    assert!(
        found
            .points
            .iter()
            .all(|p| (p.state[0] - p.state[1]).abs() < 1e-9 && p.state[0] >= -1e-12)
    );
    // Everything off the kink at 0 has the eigenvalue 1.
    assert!(
        found
            .points
            .iter()
            .filter(|p| p.state[0] > 1e-6)
            .all(|p| p.degenerate)
    );
    assert_eq!(found.certificate.verdict, Verdict::NotApplicable);
    assert!(!found.certificate.closed);
}

#[test]
fn an_approximate_line_attractor_has_its_few_points() {
    let found = search(&vanilla("tanh", 2, &[0.5; 4], &[0.0; 2]));
    assert_states(&found, &[vec![0.0; 2]], 1e-6);
    assert_eq!(found.certificate.verdict, Verdict::Degenerate);
    let found = search(&vanilla("tanh", 2, &[0.51; 4], &[0.0; 2]));
    let a = 0.240_626_961_597;
    assert_states(&found, &[vec![0.0; 2], vec![a; 2], vec![-a; 2]], 2e-6);
    near(found.points[0].spectrum.radius, 0.960_940_638_659, 1e-6);
    near(
        chiliad_engine::linearise::time_constant(found.points[0].spectrum.eigenvalues[0]),
        25.098_737,
        1e-3,
    );
    near(found.points[2].spectrum.radius, 1.02, 1e-6);
}

#[test]
fn a_rate_network_has_the_eigenvalues_of_its_flow() {
    let w = [
        0.0,
        0.108215145067,
        0.431397319744,
        -0.764847394097,
        0.148639500938,
        0.0,
        0.497871649325,
        -0.382391555644,
        0.108215145067,
        0.431397319744,
        0.0,
        -0.200003917380,
        0.244116900360,
        0.497871649325,
        0.191195777822,
        0.0,
    ];
    let w_in = [
        0.716120922347,
        0.333541265381,
        0.333541265381,
        0.238542551655,
        0.104003001360,
        0.884068114660,
        0.238542551655,
        0.441799986477,
    ];
    let b = [
        0.084147098481,
        0.090929742683,
        0.014112000806,
        -0.075680249531,
    ];
    type Known = (&'static str, [f64; 4], Vec<[f64; 2]>, f64);
    let known: [Known; 2] = [
        (
            "relu",
            [0.351047414, 0.370971005, 0.385524285, 0.498144191],
            vec![
                [-0.762765172, 0.533407510],
                [-0.762765172, -0.533407510],
                [-1.052361592, 0.0],
                [-1.422108064, 0.0],
            ],
            0.925262292,
        ),
        (
            "tanh",
            [0.359079771, 0.363833520, 0.372612378, 0.457450861],
            vec![
                [-0.794151960, 0.433465213],
                [-0.794151960, -0.433465213],
                [-1.046040245, 0.0],
                [-1.365655834, 0.0],
            ],
            0.921604743,
        ),
    ];
    for (activation, state, eigenvalues, radius) in known {
        let rate = population(
            "rate",
            activation,
            4,
            2,
            1,
            &[("w_rec.a", &w), ("w_in.a", &w_in), ("bias.a", &b)],
        );
        let found = find(
            &rate,
            0,
            &[0.5, 0.25],
            0,
            &Visited::none(),
            &Options::default(),
        )
        .expect("the search runs");
        assert_states(&found, &[state.to_vec()], 1e-6);
        near(found.points[0].spectrum.radius, radius, 1e-6);
        for value in eigenvalues {
            let of_map = [1.0 + 0.1 * value[0], 0.1 * value[1]];
            assert!(
                found.points[0]
                    .spectrum
                    .eigenvalues
                    .iter()
                    .any(|v| (v[0] - of_map[0]).hypot(v[1] - of_map[1]) < 1e-6),
                "{of_map:?}"
            );
        }
        assert_eq!(
            found.certificate.verdict,
            if activation == "relu" {
                Verdict::NotApplicable
            } else {
                Verdict::Held
            }
        );
    }
}

#[test]
fn a_steep_sigmoid_rate_network_has_the_eigenvalues_of_its_flow() {
    let w = [
        0.0,
        0.108215145067,
        0.431397319744,
        -0.764847394097,
        0.148639500938,
        0.0,
        0.497871649325,
        -0.382391555644,
        0.108215145067,
        0.431397319744,
        0.0,
        -0.200003917380,
        0.244116900360,
        0.497871649325,
        0.191195777822,
        0.0,
    ];
    let w_in = [
        0.716120922347,
        0.333541265381,
        0.333541265381,
        0.238542551655,
        0.104003001360,
        0.884068114660,
        0.238542551655,
        0.441799986477,
    ];
    let b = [
        0.084147098481,
        0.090929742683,
        0.014112000806,
        -0.075680249531,
    ];
    let mut rate = population(
        "rate",
        "sigmoid",
        4,
        2,
        1,
        &[("w_rec.a", &w), ("w_in.a", &w_in), ("bias.a", &b)],
    );
    rate.constants = rate
        .architecture
        .cell
        .constants_with(&[("slope".into(), 7.5)])
        .expect("the constant exists");
    let found = find(
        &rate,
        0,
        &[0.5, 0.25],
        0,
        &Visited::none(),
        &Options::default(),
    )
    .expect("the search runs");
    assert_states(
        &found,
        &[vec![0.901137028, 0.985422952, 0.989785646, 0.999630912]],
        1e-6,
    );
    near(found.points[0].spectrum.radius, 0.908257725, 1e-6);
    for value in [
        [-0.917422754, 0.0],
        [-0.999314057, 0.0],
        [-1.041631594, 0.016593060],
    ] {
        assert!(
            found.points[0]
                .spectrum
                .eigenvalues
                .iter()
                .any(|v| (v[0] - 1.0 - 0.1 * value[0]).hypot(v[1] - 0.1 * value[1]) < 1e-6)
        );
    }
    assert_held(&found);
}

#[test]
fn multistable_rate_networks_have_nine_points() {
    let square = |w: &[f64]| search(&population("rate", "tanh", 2, 1, 1, &[("w_rec.a", w)]));
    let found = square(&[2.0, 0.0, 0.0, 2.0]);
    assert_eq!(by_unstable(&found), [4, 4, 1]);
    assert!(
        found
            .points
            .iter()
            .flat_map(|p| &p.state)
            .all(|x| x.abs() < 1e-9 || (x.abs() - 0.957_504_024_077_269).abs() < 1e-7)
    );
    near(
        found.points[0].spectrum.radius,
        1.0 - 0.083_362_791_224_8,
        1e-6,
    );
    assert_held(&found);
    let found = square(&[1.8, 0.4, 0.4, 1.8]);
    let (a, b, c, d) = (0.972_688_031, 0.814_528_531, 0.882_351_805, 0.504_860_047);
    let expected = [
        [a, a],
        [-a, -a],
        [b, -b],
        [-b, b],
        [c, -d],
        [-c, d],
        [d, -c],
        [-d, c],
        [0.0, 0.0],
    ]
    .map(|p| p.to_vec());
    assert_states(&found, &expected, 1e-6);
    assert_held(&found);
}

fn golden() -> serde_json::Value {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/data/golden_one_step.json");
    serde_json::from_str(&std::fs::read_to_string(path).expect("the golden file is there"))
        .expect("it is JSON")
}

fn numbers(value: &serde_json::Value) -> Vec<f64> {
    match value {
        serde_json::Value::Array(items) => items.iter().flat_map(numbers).collect(),
        other => vec![other.as_f64().expect("a number")],
    }
}

fn from_json(
    cell: &str,
    activation: &str,
    units: usize,
    weights: &serde_json::Value,
) -> Population {
    let tensors: Vec<(String, Vec<f64>)> = weights
        .as_object()
        .expect("an object")
        .iter()
        .map(|(k, v)| (k.clone(), numbers(v)))
        .collect();
    let borrowed: Vec<(&str, &[f64])> = tensors
        .iter()
        .map(|(k, v)| (k.as_str(), v.as_slice()))
        .collect();
    population(cell, activation, units, 1, 1, &borrowed)
}

#[test]
fn one_step_jacobian_and_eigenvalues_are_golden() {
    let golden = golden();
    let cases = [
        ("vanilla_tanh", "vanilla", "tanh"),
        ("vanilla_relu", "vanilla", "relu"),
        ("ugrnn", "ugrnn", "tanh"),
        ("gru", "gru", "tanh"),
        ("gru_reset_after", "gru_reset_after", "tanh"),
        ("lstm", "lstm", "tanh"),
    ];
    for (key, cell, activation) in cases {
        let entry = &golden[key];
        let population = from_json(cell, activation, 2, &entry["weights"]);
        let map = Map::new(&population, 0, &[0.7]).expect("the map exists");
        let mut scratch = map.scratch();
        let mut state = numbers(&golden["h"]);
        if cell == "lstm" {
            state.extend(numbers(&golden["c"]));
        }
        let mut next = vec![0.0; map.n_state()];
        map.step(&mut scratch, &state, &mut next);
        let jacobian = map.jacobian(&mut scratch, &state);
        for (a, b) in next
            .iter()
            .zip(numbers(&entry["next"]))
            .chain(jacobian.iter().zip(numbers(&entry["jacobian"])))
        {
            near(*a, b, 2e-7);
        }
        let spectrum =
            chiliad_engine::linearise::spectrum(&jacobian, map.n_state()).expect("finite");
        for value in entry["eigenvalues"].as_array().expect("a list") {
            let v = numbers(value);
            assert!(
                spectrum
                    .eigenvalues
                    .iter()
                    .any(|e| (e[0] - v[0]).hypot(e[1] - v[1]) < 1e-6),
                "{key}: {v:?}"
            );
        }
    }
}

#[test]
fn one_unit_of_every_gated_cell_has_golden_points() {
    for (name, entry) in golden()["fixed_points"].as_object().expect("an object") {
        let population = from_json(
            entry["cell"].as_str().expect("a name"),
            "tanh",
            1,
            &entry["weights"],
        );
        let found = search(&population);
        let expected: Vec<Vec<f64>> = entry["points"]
            .as_array()
            .expect("a list")
            .iter()
            .map(numbers)
            .collect();
        assert_states(&found, &expected, 1e-6);
        assert_held(&found);
        for (state, values) in expected
            .iter()
            .zip(entry["eigenvalues"].as_array().expect("a list"))
        {
            let point = found
                .points
                .iter()
                .find(|p| p.state.iter().zip(state).all(|(a, b)| (a - b).abs() < 1e-6))
                .expect("found");
            for (a, b) in point
                .spectrum
                .eigenvalues
                .iter()
                .zip(numbers(values).chunks(2))
            {
                near(a[0], b[0], 1e-6);
            }
        }
        println!("{name}: {:?}", found.certificate);
    }
}

/// A network with weights N(0, gain^2 / n) and biases N(0, bias^2).
fn random(
    cell: &str,
    activation: &str,
    units: usize,
    gain: f32,
    bias: f32,
    seed: u64,
) -> Population {
    let cell = Arc::new(Cell::builtin(cell, activation).expect("the cell is in the library"));
    let mut population = initialise(
        &Architecture {
            cell,
            units,
            inputs: 2,
            outputs: 2,
        },
        &[Seeds::all(seed)],
    );
    let stream = Stream::new(seed, 0x900);
    for tensor in population.layout.tensors.clone() {
        for (i, p) in population.params[tensor.range()].iter_mut().enumerate() {
            if tensor.name.starts_with("w_rec") {
                *p *= gain;
            } else if tensor.name.starts_with("bias") {
                *p += bias * stream.normal_at(tensor.offset as u32, i as u32);
            }
        }
    }
    population
}

#[test]
fn jacobian_of_every_cell_matches_finite_differences() {
    for cell in chiliad_engine::cell::names() {
        for activation in ["tanh", "sigmoid", "softplus"] {
            let population = random(cell, activation, 5, 1.3, 0.3, 3);
            let map = Map::new(&population, 0, &[0.4, -0.2]).expect("the map exists");
            let mut scratch = map.scratch();
            let size = map.n_state();
            let stream = Stream::new(1, 0x901);
            let state: Vec<f64> = (0..size)
                .map(|i| 0.5 * f64::from(stream.normal_at(0, i as u32)))
                .collect();
            let jacobian = map.jacobian(&mut scratch, &state);
            let (mut up, mut down) = (vec![0.0; size], vec![0.0; size]);
            for j in 0..size {
                let step = 1e-6;
                let mut moved = state.clone();
                moved[j] += step;
                map.step(&mut scratch, &moved, &mut up);
                moved[j] -= 2.0 * step;
                map.step(&mut scratch, &moved, &mut down);
                for i in 0..size {
                    let difference = (up[i] - down[i]) / (2.0 * step);
                    assert!(
                        (jacobian[i * size + j] - difference).abs() < 1e-8,
                        "{cell} {activation} [{i}, {j}]: {} against {difference}",
                        jacobian[i * size + j]
                    );
                }
            }
        }
    }
}

#[test]
fn gates_move_no_point() {
    let plain = random("ugrnn", "tanh", 8, 1.8, 0.1, 5);
    let mut scaled = plain.clone();
    for name in ["w_rec.u", "w_in.u", "bias.u"] {
        let range = plain.layout.named(name).expect("it exists").range();
        scaled.params[range].iter_mut().for_each(|p| *p *= -3.0);
    }
    let input = [0.3, 0.1];
    let of = |p: &Population| {
        find(p, 0, &input, 0, &Visited::none(), &Options::default()).expect("the search runs")
    };
    let (a, b) = (of(&plain), of(&scaled));
    let states: Vec<Vec<f64>> = a.points.iter().map(|p| p.state.clone()).collect();
    assert!(!states.is_empty());
    assert_states(&b, &states, 1e-7);
    assert_held(&a);
    assert_held(&b);
}

#[test]
fn permuted_units_give_the_permuted_set() {
    let plain = random("gru", "tanh", 7, 2.5, 0.2, 11);
    let order = [3, 0, 6, 2, 5, 1, 4];
    let mut permuted = plain.clone();
    for tensor in &plain.layout.tensors {
        let (from, to) = (
            plain.params[tensor.range()].to_vec(),
            &mut permuted.params[tensor.range()],
        );
        for i in 0..7 {
            match tensor.name.split('.').next() {
                Some("w_rec") => (0..7).for_each(|j| to[i * 7 + j] = from[order[i] * 7 + order[j]]),
                Some("w_in") => (0..2).for_each(|j| to[i * 2 + j] = from[order[i] * 2 + j]),
                Some("w_out") => (0..2).for_each(|o| to[o * 7 + i] = from[o * 7 + order[i]]),
                Some("bias") => to[i] = from[order[i]],
                _ => {}
            }
        }
    }
    let of = |p: &Population| {
        find(p, 0, &[0.0, 0.0], 0, &Visited::none(), &Options::default()).expect("the search runs")
    };
    let (a, b) = (of(&plain), of(&permuted));
    assert_held(&a);
    let states: Vec<Vec<f64>> = a
        .points
        .iter()
        .map(|p| order.iter().map(|&i| p.state[i]).collect())
        .collect();
    assert_states(&b, &states, 1e-7);
}

#[test]
fn order_of_seeds_does_not_matter() {
    let network = random("vanilla", "tanh", 6, 2.0, 0.1, 2);
    let stream = Stream::new(4, 0x902);
    let mut seeds: Vec<Vec<f64>> = (0..200)
        .map(|s| (0..6).map(|i| f64::from(stream.normal_at(s, i))).collect())
        .collect();
    let of = |own_seeds: Vec<Vec<f64>>| {
        let options = Options {
            own_seeds,
            seeds: 0,
            ..Options::default()
        };
        find(&network, 0, &[0.0, 0.0], 0, &Visited::none(), &options).expect("the search runs")
    };
    let forward = of(seeds.clone());
    seeds.reverse();
    seeds.swap(3, 90);
    let mut backward = of(seeds);
    backward.seconds = forward.seconds;
    assert_eq!(forward, backward);
}

#[test]
fn a_search_stopped_early_is_open() {
    let network = vanilla(
        "tanh",
        3,
        &[1.5, 0.0, 0.0, 0.0, 1.5, 0.0, 0.0, 0.0, 1.5],
        &[0.0; 3],
    );
    let options = Options {
        seeds: 20,
        rounds_max: 1,
        ..Options::default()
    };
    let found = find(&network, 0, &[0.0], 0, &Visited::none(), &options).expect("the search runs");
    assert_eq!(found.certificate.verdict, Verdict::Open);
    assert!(found.certificate.at_least_within >= found.points.len() as f64);
}

#[test]
fn driven_states_reach_the_eight_corners() {
    let network = {
        let mut n = vanilla(
            "tanh",
            3,
            &[1.5, 0.0, 0.0, 0.0, 1.5, 0.0, 0.0, 0.0, 1.5],
            &[0.0; 3],
        );
        let range = n.layout.named("w_out").expect("it exists").range();
        for (i, p) in n.params[range].iter_mut().enumerate() {
            *p = if i % 4 == 0 { 1.1 } else { 0.0 };
        }
        n
    };
    let states: Vec<f32> = (0..64)
        .flat_map(|t| [0, 1, 2].map(|bit| if t >> bit & 1 == 0 { -0.3 } else { 0.4 }))
        .collect();
    let visited = Visited {
        states: vec![&states],
        n_trials: 64,
        n_steps: 1,
    };
    let found =
        find(&network, 0, &[0.0], 0, &visited, &Options::default()).expect("the search runs");
    assert_held(&found);
    assert_eq!(found.reached.attractors.len(), 8);
    assert!(
        found
            .reached
            .attractors
            .iter()
            .all(|a| a.states == 8 && a.share == 0.125)
    );
    let mut patterns: Vec<Vec<i8>> = found
        .reached
        .attractors
        .iter()
        .filter_map(|a| a.pattern.clone())
        .collect();
    patterns.sort();
    patterns.dedup();
    assert_eq!(patterns.len(), 8);
    assert!(found.reached.other.is_empty() && found.reached.never.is_empty());
    let census = Census::of(&found);
    assert_eq!(
        (
            census.by_unstable.as_slice(),
            census.reached,
            census.patterns.len()
        ),
        ([8, 12, 6, 1].as_slice(), 8, 8)
    );
    assert!(census.reached_is_the_cube);
    let summary = Summary::of([&census, &census]);
    assert_eq!(
        (summary.kinds, summary.cubes, summary.verdicts.held),
        (vec![(vec![8, 12, 6, 1], 2)], 2, 2)
    );
}

#[test]
fn bad_weights_are_an_error() {
    let mut network = vanilla("tanh", 2, &[1.0, 0.0, 0.0, 1.0], &[0.0; 2]);
    network.params[1] = f32::NAN;
    assert!(
        find(
            &network,
            0,
            &[0.0],
            0,
            &Visited::none(),
            &Options::default()
        )
        .is_err()
    );
    let network = vanilla("tanh", 2, &[1.0, 0.0, 0.0, 1.0], &[0.0; 2]);
    assert!(
        find(
            &network,
            0,
            &[0.0, 0.0],
            0,
            &Visited::none(),
            &Options::default()
        )
        .is_err()
    );
}

#[test]
fn the_box_is_kept_by_every_cell_that_declares_one() {
    // a z + W f(z) + b is bounded by nothing that is known of a and W; a rotated or summed state by no interval per field.
    let without = [
        "antisymmetric",
        "plrnn",
        "al_rnn",
        "shplrnn",
        "shplrnn_clipped",
        "state_space_complex",
        "linear_attention",
    ];
    for cell in chiliad_engine::cell::names() {
        for activation in ["tanh", "sigmoid", "erf", "saturating_linear"] {
            let kept = keeps_box(&Arc::new(Cell::builtin(cell, activation).unwrap())).unwrap();
            if without.contains(&cell) {
                assert_eq!(kept, BoxKept::Undeclared);
                continue;
            }
            assert!(
                matches!(kept, BoxKept::Stepped { steps: 1000, .. }) && kept.passed(),
                "{cell} {activation}: {kept:?}"
            );
        }
        let unbounded = keeps_box(&Arc::new(Cell::builtin(cell, "relu").unwrap())).unwrap();
        let expected = if without.contains(&cell) {
            BoxKept::Undeclared
        } else {
            BoxKept::Unbounded
        };
        assert_eq!(unbounded, expected, "{cell}");
    }
}

#[test]
fn a_box_that_the_map_leaves_is_found_out() {
    // At the border, 0.9 + 0.4 of the activation's bound.
    let wgsl = "struct State { h: f32 }\nstruct Input { a: f32 }\nfn input_drive(s: State) -> f32 { return s.h; }\nfn next(s: State, p: Input) -> State { return State(0.9 * s.h + 0.4 * activation(p.a)); }\n";
    let compile = |sidecar: &str| {
        let tanh = Activation::builtin("tanh").unwrap();
        Arc::new(Cell::compile("mine", "mine.wgsl", wgsl, sidecar, tanh).unwrap())
    };
    let wrong = keeps_box(&compile("(box: { \"h\": Activation })")).unwrap();
    assert!(
        matches!(wrong, BoxKept::Stepped { farthest, .. } if farthest > 1.2 && farthest <= 1.3),
        "{wrong:?}"
    );
    assert!(!wrong.passed());
    let missing = keeps_box(&compile("(box: { \"h\": Retained(gate: \"f\") })")).unwrap();
    assert_eq!(missing, BoxKept::Incomputable);
    assert_eq!(keeps_box(&compile("")).unwrap(), BoxKept::Undeclared);
}
