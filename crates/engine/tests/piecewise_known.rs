//! Fixed points and cycles of piecewise linear maps that are known exactly.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(clippy::excessive_precision, reason = "parameters as published")]

use chiliad_engine::cell::{Activation, Cell};
use chiliad_engine::cycles::{self, Cycle};
use chiliad_engine::map::Map;
use chiliad_engine::piecewise::{Found, Method, Options, PiecewiseLinear, find};
use chiliad_engine::population::{Architecture, Layout};
use chiliad_tasks::random::Stream;
use std::sync::Arc;

#[track_caller]
fn near(found: &[f64], known: &[f64], tolerance: f64) {
    assert_eq!(found.len(), known.len());
    for (a, b) in found.iter().zip(known) {
        assert!((a - b).abs() <= tolerance, "{found:?} against {known:?}");
    }
}

fn of_period(found: &Found, k: usize) -> Vec<&Cycle> {
    found.cycles.iter().filter(|c| c.period == k).collect()
}

fn up_to(period_max: usize) -> Options {
    Options {
        cycles: cycles::Options {
            period_max,
            ..cycles::Options::default()
        },
        ..Options::default()
    }
}

/// `z' = a z + W relu(z) + h` with two units: all fixed points and cycles are known as fractions.
fn two_units() -> PiecewiseLinear {
    PiecewiseLinear::new(
        &[-0.8, 0.0, 0.0, -0.2],
        &[-0.7, 0.3],
        &[1.8, 0.7, 0.9, -0.7],
        &[1.0, 0.0, 0.0, 1.0],
        &[0.0, 0.0],
    )
    .unwrap()
}

/// Points, multipliers, stability.
type Known<'a> = (&'a [[f64; 2]], [f64; 2], bool);

fn assert_two_units(found: &Found, tolerance: f64) {
    let periods: Vec<usize> = found.cycles.iter().map(|c| c.period).collect();
    assert_eq!(periods, [1, 1, 2, 2, 2]);
    let real = |c: &Cycle| c.multipliers.iter().map(|m| m[0]).collect::<Vec<_>>();
    let known: [Known<'_>; 5] = [
        (&[[-56.0 / 171.0, 3.0 / 19.0]], [-0.9, -0.8], true),
        (&[[16.0 / 9.0, 1.0]], [1.28794184031, -1.18794184031], false),
        (
            &[
                [-539.0 / 846.0, 17.0 / 47.0],
                [133.0 / 2115.0, -6.0 / 235.0],
            ],
            [0.384506258183, -0.374506258183],
            true,
        ),
        (
            &[[-602.0 / 927.0, 31.0 / 103.0], [28.0 / 927.0, 3.0 / 103.0]],
            [1.41726933795, -0.777269337948],
            false,
        ),
        (
            &[[77.0 / 72.0, 2.0], [637.0 / 360.0, -43.0 / 80.0]],
            [1.62125763521, 0.188742364788],
            false,
        ),
    ];
    for (points, multipliers, stable) in known {
        let cycle = found
            .cycles
            .iter()
            .find(|c| c.period == points.len() && c.distance(&points[0]) < 1e-3)
            .unwrap();
        for (a, b) in cycle.points.iter().zip(points) {
            near(a, b, tolerance);
        }
        near(&real(cycle), &multipliers, tolerance);
        assert_eq!(cycle.stable, stable);
        assert!(!cycle.degenerate && !cycle.on_kink);
    }
}

#[test]
fn two_units_have_the_cycles_known() {
    let found = find(&two_units(), &up_to(4));
    assert_two_units(&found, 1e-11);
    assert!(found.is_complete());
    assert_eq!(
        found.orders[3].method,
        Method::Exhaustive {
            regions: 4,
            sequences: 70
        }
    );
}

#[test]
fn the_search_finds_what_the_enumeration_does() {
    let options = Options {
        sequences_max: 0,
        ..up_to(4)
    };
    let found = find(&two_units(), &options);
    assert_two_units(&found, 1e-11);
    assert!(!found.is_complete());
    assert_eq!(found, find(&two_units(), &options));
}

fn network(cell: Cell, units: usize, tensors: &[(&str, &[f64])]) -> Map {
    let constants: Vec<f64> = cell.constants.iter().map(|c| c.1).collect();
    let architecture = Architecture {
        cell: Arc::new(cell),
        units,
        inputs: 0,
        outputs: 0,
    };
    let layout = Layout::new(&architecture);
    let mut parameters = vec![0.0; layout.n_params];
    for (name, values) in tensors {
        parameters[layout.named(name).unwrap().range()].copy_from_slice(values);
    }
    Map::from_parameters(&architecture, &parameters, &constants, &[]).unwrap()
}

#[test]
fn the_cell_is_the_same_map() {
    let map = network(
        Cell::builtin("plrnn", "tanh").unwrap(),
        2,
        &[
            ("w_rec.p", &[1.8, 0.7, 0.9, -0.7]),
            ("bias.p", &[-0.7, 0.3]),
            ("unit.a", &[-0.8, -0.2]),
        ],
    );
    let found = find(&PiecewiseLinear::of(&map).unwrap(), &up_to(4));
    assert_two_units(&found, 1e-11);
    assert!(found.is_complete());
}

#[test]
fn the_almost_linear_cell_with_all_units_rectified_is_the_same_map() {
    let map = network(
        Cell::builtin("al_rnn", "tanh").unwrap(),
        2,
        &[
            ("w_rec.p", &[1.8, 0.7, 0.9, -0.7]),
            ("bias.p", &[-0.7, 0.3]),
            ("unit.a", &[-0.8, -0.2]),
        ],
    );
    let found = find(&PiecewiseLinear::of(&map).unwrap(), &up_to(4));
    assert_two_units(&found, 1e-11);
    assert!(found.is_complete());
}

/// The form takes the same step and has the same derivative as the network it was read off.
#[test]
fn derived_forms_take_the_same_step() {
    let leaky = "struct State { h: f32 }\nstruct Input { a: f32 }\n\
        fn input_drive(s: State) -> f32 { return s.h; }\n\
        fn next(s: State, p: Input) -> State {\n\
            return State(select(0.1 * p.a, p.a, p.a > 0.0) + 0.25 * min(p.a, 1.0) - abs(s.h));\n}";
    let leaky = Cell::compile(
        "leaky",
        "leaky.wgsl",
        leaky,
        "",
        Activation::builtin("relu").unwrap(),
    );
    let cells = [
        (Cell::builtin("vanilla", "relu").unwrap(), 5),
        (Cell::builtin("rate", "relu").unwrap(), 5),
        (Cell::builtin("rate_current", "relu").unwrap(), 5),
        (Cell::builtin("plrnn", "relu").unwrap(), 5),
        (Cell::builtin("al_rnn", "relu").unwrap(), 2),
        (Cell::builtin("vanilla", "leaky_relu").unwrap(), 5),
        (Cell::builtin("antisymmetric", "relu").unwrap(), 5),
        (leaky.unwrap(), 15),
    ];
    for (cell, kinks) in cells {
        let gate = cell.stages[0].gates[0].name.clone();
        let name = cell.name.clone();
        let stream = Stream::new(3, 0x931);
        let w: Vec<f64> = (0..25)
            .map(|i| f64::from(stream.normal_at(0, i)) * 0.6)
            .collect();
        let b: Vec<f64> = (0..5).map(|i| f64::from(stream.normal_at(1, i))).collect();
        let (w_name, b_name) = (format!("w_rec.{gate}"), format!("bias.{gate}"));
        let mut tensors: Vec<(&str, &[f64])> = vec![(&w_name, &w), (&b_name, &b)];
        if ["plrnn", "al_rnn"].contains(&name.as_str()) {
            tensors.push(("unit.a", &b));
        }
        let map = network(cell, 5, &tensors);
        let form = PiecewiseLinear::of(&map).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!(form.n_kinks(), kinks, "{name}");
        let mut scratch = map.scratch();
        for trial in 0..50 {
            let state: Vec<f64> = (0..5)
                .map(|i| 2.0 * f64::from(stream.normal_at(2 + trial, i)))
                .collect();
            let mut next = vec![0.0; 5];
            map.step(&mut scratch, &state, &mut next);
            near(&form.next(&state), &next, 1e-12);
            let (branch, _) = form.branch(&form.pattern(&state));
            let branch: Vec<f64> = (0..25).map(|i| branch[(i / 5, i % 5)]).collect();
            near(&branch, &map.jacobian(&mut scratch, &state), 1e-12);
        }
    }
}

#[test]
fn what_is_not_piecewise_linear_is_refused_with_the_reason() {
    for (cell, activation, reason) in [
        ("vanilla", "tanh", "Tanh"),
        ("vanilla", "softplus", "Softplus"),
        ("gru", "relu", "Sigmoid"),
        ("lstm", "relu", "Sigmoid"),
        ("vanilla", "saturating_linear", "depends on another kink"),
    ] {
        let map = network(Cell::builtin(cell, activation).unwrap(), 2, &[]);
        // All weights zero: the sigmoid of a constant is a constant, so only weights make it a nonlinearity.
        let gate = map.cell().stages[0].gates[0].name.clone();
        let w = [0.3, -0.2, 0.1, 0.4];
        let mut tensors: Vec<(String, &[f64])> = Vec::new();
        for (_, _, g) in map.cell().gates().filter(|g| g.2.recurrent) {
            tensors.push((format!("w_rec.{}", g.name), &w));
        }
        let tensors: Vec<(&str, &[f64])> = tensors.iter().map(|(n, w)| (n.as_str(), *w)).collect();
        let map = network(Cell::builtin(cell, activation).unwrap(), 2, &tensors);
        let message = PiecewiseLinear::of(&map).unwrap_err().to_string();
        assert!(
            message.contains(reason) && message.contains(cell),
            "{gate}: {message}"
        );
    }
    let nested = "struct State { h: f32 }\nstruct Input { a: f32 }\n\
        fn input_drive(s: State) -> f32 { return max(s.h, 0.0); }\n\
        fn next(s: State, p: Input) -> State { return State(max(p.a, 0.0)); }";
    let cell = Cell::compile(
        "nested",
        "nested.wgsl",
        nested,
        "",
        Activation::builtin("relu").unwrap(),
    );
    let map = network(cell.unwrap(), 1, &[("w_rec.a", &[0.5]), ("bias.a", &[0.1])]);
    let message = PiecewiseLinear::of(&map).unwrap_err().to_string();
    assert!(message.contains("depends on another kink"), "{message}");
    let jump = "struct State { h: f32 }\nstruct Input { a: f32 }\n\
        fn input_drive(s: State) -> f32 { return s.h; }\n\
        fn next(s: State, p: Input) -> State { return State(select(0.0, 1.0, p.a > 0.0)); }";
    let cell = Cell::compile(
        "jump",
        "jump.wgsl",
        jump,
        "",
        Activation::builtin("relu").unwrap(),
    );
    let map = network(cell.unwrap(), 1, &[("w_rec.a", &[0.5])]);
    let message = PiecewiseLinear::of(&map).unwrap_err().to_string();
    assert!(message.contains("jumps"), "{message}");
}

#[test]
fn a_line_of_fixed_points_is_degenerate() {
    // h' = relu([[.5, .5], [.5, .5]] h): every (a, a) with a >= 0.
    let map = network(
        Cell::builtin("vanilla", "relu").unwrap(),
        2,
        &[("w_rec.a", &[0.5; 4])],
    );
    let found = find(&PiecewiseLinear::of(&map).unwrap(), &up_to(1));
    let line = found.cycles.iter().find(|c| c.degenerate).unwrap();
    assert!((line.points[0][0] - line.points[0][1]).abs() < 1e-12 && line.points[0][0] > 0.1);
    near(
        &[line.multipliers[0][0], line.multipliers[1][0]],
        &[1.0, 0.0],
        1e-12,
    );
    // Its end is a point by itself, on both kinks.
    let origin = found.cycles.iter().find(|c| !c.degenerate).unwrap();
    assert!(origin.on_kink && origin.points[0].iter().all(|x| x.abs() < 1e-12));
    assert_eq!(found.cycles.len(), 2);
    // z' = -z: every state is on a 2-cycle, and 0 is fixed.
    let mirror = PiecewiseLinear::new(&[-1.0], &[0.0], &[], &[], &[]).unwrap();
    let found = find(&mirror, &up_to(2));
    assert_eq!(of_period(&found, 1).len(), 1);
    assert!(!of_period(&found, 1)[0].degenerate);
}

/// Shallow network `z' = a z + W1 relu(W2 z + h2) + h1`, two coordinates, ten kinks.
struct Shallow {
    a: &'static [f64],
    w1: &'static [f64],
    w2: &'static [f64],
    h1: &'static [f64],
    h2: &'static [f64],
}

impl Shallow {
    fn map(&self) -> PiecewiseLinear {
        let a = [self.a[0], 0.0, 0.0, self.a[1]];
        PiecewiseLinear::new(&a, self.h1, self.w1, self.w2, self.h2).unwrap()
    }
}

// The two systems of SCYFI's test suite (DurstewitzLab/SCYFI, test/shPLRNN_tests.jl).
const FIRST: Shallow = Shallow {
    a: &[1.4799836250879086, -1.6945099980546405],
    w1: &[
        0.8900829721936014,
        0.24766868576521212,
        0.2554263710950393,
        -0.5771080679179108,
        -2.129379740761085,
        0.031728042646673976,
        -0.7740703525170001,
        0.04768259094291391,
        0.6792959504153095,
        -1.7781119769858111,
        0.6297279024943379,
        0.5586975133684497,
        -0.18842627535543358,
        0.7152028558426154,
        2.238266026927219,
        1.0163441695005024,
        0.6115773461504028,
        1.8513040760318145,
        0.5127750227966122,
        -2.337416929726536,
    ],
    w2: &[
        -0.7543485848832211,
        0.857424094861255,
        -0.12981333832339487,
        0.9290731862819631,
        0.06164740828503748,
        -1.6206522735934827,
        0.1856635717214527,
        0.23370129970278428,
        1.4788242336217083,
        -1.4604870389877311,
        -0.04197765409809221,
        0.364736070574788,
        0.04390077093273831,
        -0.6840588607748522,
        0.34236696876785494,
        -0.6110477480680268,
        0.11164936136447304,
        0.2509392315579666,
        0.9314203111545968,
        0.18253806886914628,
    ],
    h1: &[0.18005923664630755, 0.42057092737475477],
    h2: &[
        -0.017897789466083707,
        1.014731429962641,
        -0.3431368102401408,
        -2.3065949842414866,
        -0.7738820872835147,
        0.009176181040445722,
        0.6395596355828497,
        -0.3762485593614053,
        -0.12524612444111408,
        0.25769322230050085,
    ],
};

const SECOND: Shallow = Shallow {
    a: &[0.6172450705591427, 0.5261273846061184],
    w1: &[
        -1.022331291385995,
        -0.6068651009735164,
        0.005478115970447768,
        -0.6765758765817282,
        0.17667276783032312,
        -0.37241595029711383,
        -0.2799681077442852,
        1.6336122869854053,
        0.7388068389577566,
        0.43655916960874785,
        -0.23031703096807454,
        -0.155167269588236,
        1.1743020054655264,
        1.4693401983283279,
        -1.141192841208352,
        0.11938698490497139,
        0.6192500266755361,
        0.03950302999313116,
        -0.9179498107708933,
        -0.1216362805456489,
    ],
    w2: &[
        1.753949852408234,
        -0.692574927107241,
        -0.45303568496148183,
        -0.5365936668032565,
        0.07984706960954363,
        -0.48651643130319855,
        -1.0455124065967838,
        -0.22986736948781128,
        0.048362883726876985,
        0.8959123953895494,
        -1.0545422354241465,
        0.5685368747406444,
        -0.43826625604171476,
        -2.1955495493951815,
        -0.8981129185384389,
        -0.6454540072455006,
        0.6162103523913983,
        -0.8644618121879155,
        -1.2236281701654421,
        -2.059927291272103,
    ],
    h1: &[-0.5480895548836227, -0.2922735885352696],
    h2: &[
        0.5352937111114038,
        -1.110030373073419,
        -1.3146036515301616,
        0.2748467715335772,
        -1.4155203620983157,
        0.7891282169615852,
        -0.13084812694281087,
        -0.40652418385647066,
        -0.9383323642698853,
        -0.9983356016811977,
    ],
};

#[test]
fn the_first_shallow_system_has_one_fixed_point() {
    let map = FIRST.map();
    // Ten lines in general position cut the plane into 56 regions.
    assert_eq!(map.patterns(1000).unwrap().len(), 56);
    let found = find(&map, &up_to(2));
    assert!(found.is_complete());
    assert_eq!(found.cycles.len(), 1);
    near(
        &found.cycles[0].points[0],
        &[-0.026820746, 0.401863619],
        1e-9,
    );
    for (m, sign) in found.cycles[0].multipliers.iter().zip([1.0, -1.0]) {
        near(m, &[-1.012452, sign * 1.81822453], 1e-6);
    }
}

#[test]
fn the_second_shallow_system_has_two_2_cycles_and_one_4_cycle() {
    let options = Options {
        sequences_max: 3_000_000,
        ..up_to(4)
    };
    let found = find(&SECOND.map(), &options);
    assert!(found.is_complete());
    let periods: Vec<usize> = found.cycles.iter().map(|c| c.period).collect();
    assert_eq!(periods, [2, 2, 4]);
    let [first, second, four] = [0, 1, 2].map(|i| &found.cycles[i]);
    // Canonical phase: the smaller point first.
    near(&first.points[0], &[-8.765882057, -24.078090478], 1e-8);
    near(&first.points[1], &[30.848270438, 33.001034274], 1e-8);
    near(
        &[first.multipliers[0][0], first.multipliers[1][0]],
        &[1.10528389, -0.858601982],
        1e-8,
    );
    near(&second.points[0], &[-2.898324454, -0.433742969], 1e-8);
    near(&second.points[1], &[-1.282972148, 5.818843352], 1e-8);
    near(&second.multipliers[0], &[1.23169824, 0.856328479], 1e-8);
    assert!(
        four.distance(&[-10.952320583, -26.173558876]) < 1e-7,
        "{four:?}"
    );
    near(
        &[four.multipliers[0][0], four.multipliers[1][0]],
        &[2.0641946, 1.18362365],
        1e-7,
    );
    // SCYFI's search, deterministic, finds the same.
    let search = find(
        &SECOND.map(),
        &Options {
            sequences_max: 0,
            ..up_to(4)
        },
    );
    let periods: Vec<usize> = search.cycles.iter().map(|c| c.period).collect();
    assert_eq!(periods, [2, 2, 4]);
}
