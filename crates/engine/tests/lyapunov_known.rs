//! Lyapunov spectra whose values are known (certified with 50 digits, or as finite-time values of fixed runs).
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use chiliad_engine::cell::Cell;
use chiliad_engine::cycles;
use chiliad_engine::lyapunov::{Options, exponents, kaplan_yorke};
use chiliad_engine::map::Map;
use chiliad_engine::population::{Architecture, Layout};
use chiliad_engine::system::{Driven, Lorenz63, ModernHopfield, RungeKutta4, System, Undriven};
use std::sync::Arc;

#[track_caller]
fn near(found: &[f64], known: &[f64], tolerance: f64) {
    assert_eq!(found.len(), known.len());
    for (a, b) in found.iter().zip(known) {
        assert!((a - b).abs() <= tolerance, "{found:?} against {known:?}");
    }
}

fn run(steps: usize) -> Options {
    Options {
        warmup: 0,
        steps,
        ..Options::default()
    }
}

#[test]
fn lorenz_finite_time_exponents() {
    let known = [
        (
            100,
            [-9.3786158072, -8.3570599553, 29.3624037501],
            [0.10978144672, -3.74149285365, -10.0347914159],
        ),
        (
            500,
            [-6.5120111041, -6.9738297149, 23.9241808539],
            [0.0438773209, -0.627969812712, -13.0825033899],
        ),
        (
            1000,
            [-4.9028194837, -3.7434076753, 24.6918859880],
            [0.056401088185, -0.211931244347, -13.5110746027],
        ),
        (
            2000,
            [13.4729057434, 12.6914750561, 34.3921473193],
            [0.348689493416, 0.0231331667806, -14.0384102791],
        ),
    ];
    let mut flow = RungeKutta4::new(Lorenz63::default(), 0.01);
    for (steps, end, spectrum) in known {
        let mut state = [1.0; 3];
        let found = exponents(&mut flow, &mut state, &run(steps))
            .unwrap()
            .per_time(0.01);
        near(&state, &end, 1e-8);
        near(&found.exponents, &spectrum, 1e-9);
    }
}

#[test]
fn lorenz_long_average() {
    let dt = 0.005;
    let mut flow = RungeKutta4::new(Lorenz63::default(), dt);
    let options = Options {
        warmup: 20_000,
        ..run((1e5 / dt) as usize)
    };
    let found = exponents(&mut flow, &mut [1.0; 3], &options)
        .unwrap()
        .per_time(dt);
    assert!((found.exponents[0] - 0.905).abs() < 0.003, "{found:?}");
    assert!(found.exponents[1].abs() < 1e-3, "{found:?}");
    // The divergence is constant: -(sigma + 1 + beta), with the bias of the scheme at this step.
    let sum: f64 = found.exponents.iter().sum();
    assert!((sum + 13.66666).abs() < 1e-4, "{sum}");
    assert!(
        (found.kaplan_yorke.unwrap() - 2.0621).abs() < 5e-4,
        "{found:?}"
    );
    assert!(
        found.standard_error[0] > 1e-5 && found.standard_error[0] < 3e-3,
        "{found:?}"
    );
}

/// The six-unit network `h' = tanh(W h + b)` of gain g, its weights in f64.
fn six_units(g: f64) -> Map {
    let architecture = Architecture {
        cell: Arc::new(Cell::builtin("vanilla", "tanh").unwrap()),
        units: 6,
        inputs: 1,
        outputs: 1,
    };
    let layout = Layout::new(&architecture);
    let mut parameters = vec![0.0; layout.n_params];
    let w = layout.named("w_rec.a").unwrap().offset;
    let b = layout.named("bias.a").unwrap().offset;
    for i in 0..6 {
        for j in 0..6 {
            let (x, y) = (i as f64, j as f64);
            parameters[w + i * 6 + j] = g * (1.0 + 1.7 * x + 0.6 * y * y + 0.9 * x * y).cos();
        }
        parameters[b + i] = 0.1 * (1.0 + i as f64).sin();
    }
    Map::from_parameters(&architecture, &parameters, &[], &[0.0]).unwrap()
}

fn start() -> Vec<f64> {
    (0..6).map(|i| 0.1 * f64::from(i + 1)).collect()
}

const REST: [f64; 6] = [
    -0.995648701732,
    0.959305201675,
    0.945620502305,
    -0.998411797415,
    -0.507341551562,
    0.362617368096,
];

#[test]
fn a_resting_network_has_the_logarithms_of_its_multipliers() {
    let map = six_units(1.2);
    let mut system = Undriven::new(&map);
    let options = Options {
        warmup: 2000,
        ..run(20_000)
    };
    let mut state = start();
    let found = exponents(&mut system, &mut state, &options).unwrap();
    near(&state, &REST, 1e-11);
    let known = [
        -0.181328516484,
        -0.452137129556,
        -0.452137129556,
        -1.92124686461,
        -3.65428766429,
        -5.14207852018,
    ];
    // The pair rotates, so that its two directions share the mean only in the long run.
    near(&found.exponents, &known, 1e-4);
    near(&[found.exponents[0]], &known[..1], 1e-9);
    near(&found.exponents[3..], &known[3..], 1e-9);
    near(
        &[found.exponents[1] + found.exponents[2]],
        &[2.0 * known[1]],
        1e-9,
    );
    assert_eq!(found.kaplan_yorke, Some(0.0));
    assert_eq!(found.entropy, 0.0);
    assert!(found.entropy.is_sign_positive());

    let cycle = cycles::newton(&mut system, &state, 1, 1.0, &cycles::Options::default()).unwrap();
    near(&cycle.points[0], &REST, 1e-11);
    let moduli: Vec<f64> = cycle.multipliers.iter().map(|m| m[0]).collect();
    near(
        &moduli,
        &[
            -0.834161277948,
            0.321407960589,
            0.321407960589,
            -0.146424277013,
            0.0258799261142,
            -0.00584552703164,
        ],
        1e-10,
    );
    near(&[cycle.multipliers[1][1]], &[0.549119756631], 1e-10);
}

#[test]
fn a_chaotic_network_has_the_finite_time_exponents_known() {
    let map = six_units(2.2);
    let mut system = Undriven::new(&map);
    let mut spectrum = |steps| {
        exponents(&mut system, &mut start(), &run(steps))
            .unwrap()
            .exponents
    };
    let at_20 = spectrum(20);
    near(
        &at_20,
        &[
            -0.027330220996,
            -0.92657082438,
            -2.2373317048,
            -3.5476984869,
            -6.9487626632,
            -10.311013301,
        ],
        1e-9,
    );
    near(&[at_20.iter().sum()], &[-23.9987072014], 1e-9);
    near(
        &spectrum(60),
        &[
            0.170436861,
            -1.0847582415,
            -2.5780685988,
            -3.3833222784,
            -8.0517875154,
            -10.806368042,
        ],
        1e-8,
    );
}

#[test]
fn a_chaotic_network_has_the_long_averages_known() {
    let map = six_units(2.2);
    let options = Options {
        warmup: 1000,
        ..run(200_000)
    };
    let found = exponents(&mut Undriven::new(&map), &mut start(), &options).unwrap();
    assert!((found.exponents[0] - 0.1590).abs() < 0.004, "{found:?}");
    near(
        &found.exponents[1..],
        &[-0.944, -2.742, -4.199, -8.778, -10.504],
        0.02,
    );
    assert!(
        (found.kaplan_yorke.unwrap() - 1.168).abs() < 0.01,
        "{found:?}"
    );
    assert!(
        found.standard_error[0] < 0.004 && found.standard_error[0] > 1e-5,
        "{found:?}"
    );
    assert_eq!(found.entropy, found.exponents[0]);
}

#[test]
fn a_constant_drive_is_the_constant_input() {
    let architecture = Architecture {
        cell: Arc::new(Cell::builtin("gru", "tanh").unwrap()),
        units: 3,
        inputs: 2,
        outputs: 1,
    };
    let n = Layout::new(&architecture).n_params;
    let parameters: Vec<f64> = (0..n).map(|i| (1.3 * i as f64).sin()).collect();
    let input = [0.25_f32, -0.5];
    let map = Map::from_parameters(&architecture, &parameters, &[], &[0.25, -0.5]).unwrap();
    let zero = Map::from_parameters(&architecture, &parameters, &[], &[0.0, 0.0]).unwrap();
    let mut driven = Driven::new(&zero, &[input, input, input].concat(), 2).unwrap();
    let options = Options {
        warmup: 10,
        steps: 50,
        ..Options::default()
    };
    let a = exponents(&mut Undriven::new(&map), &mut [0.1; 3], &options).unwrap();
    let b = exponents(&mut driven, &mut [0.1; 3], &options).unwrap();
    assert_eq!(a, b);
    assert!(Driven::new(&zero, &[0.0; 3], 2).is_err());
}

#[test]
fn annihilated_directions_are_minus_infinity() {
    // h' = relu(-1): everything is annihilated at once.
    let architecture = Architecture {
        cell: Arc::new(Cell::builtin("vanilla", "relu").unwrap()),
        units: 2,
        inputs: 0,
        outputs: 1,
    };
    let layout = Layout::new(&architecture);
    let mut parameters = vec![0.5; layout.n_params];
    parameters[layout.named("bias.a").unwrap().range()].fill(-2.0);
    let map = Map::from_parameters(&architecture, &parameters, &[], &[]).unwrap();
    let found = exponents(&mut Undriven::new(&map), &mut [0.1, 0.2], &run(100)).unwrap();
    assert_eq!(found.exponents, [f64::NEG_INFINITY; 2]);
    assert_eq!(found.kaplan_yorke, Some(0.0));
}

#[test]
fn kaplan_yorke_of_known_spectra() {
    assert_eq!(kaplan_yorke(&[0.9, 0.0, -14.0], 3), Some(2.0 + 0.9 / 14.0));
    assert_eq!(kaplan_yorke(&[-0.1, -0.2], 2), Some(0.0));
    assert_eq!(kaplan_yorke(&[0.3, 0.1], 5), None);
    assert_eq!(kaplan_yorke(&[0.3, -0.1], 2), Some(2.0));
}

/// Fixed points that iterations from all patterns, their mean and all means of two end on.
fn hopfield(beta: f64) -> (ModernHopfield, Vec<cycles::Cycle>) {
    let patterns: Vec<Vec<f64>> = (0..5)
        .map(|i| {
            let i = f64::from(i);
            (0..3)
                .map(|k| {
                    let k = f64::from(k);
                    (1.0 + 1.3 * i + 0.9 * k * k + 0.4 * i * k).cos()
                })
                .collect()
        })
        .collect();
    let mean = |of: &[&Vec<f64>]| -> Vec<f64> {
        (0..3)
            .map(|k| of.iter().map(|p| p[k]).sum::<f64>() / of.len() as f64)
            .collect()
    };
    let mut starts = patterns.clone();
    starts.push(mean(&patterns.iter().collect::<Vec<_>>()));
    for i in 0..5 {
        for j in 0..i {
            starts.push(mean(&[&patterns[i], &patterns[j]]));
        }
    }
    let mut system = ModernHopfield::new(patterns, beta).unwrap();
    let ends: Vec<Vec<f64>> = starts
        .iter()
        .map(|s| cycles::orbit(&mut system, s, 20_000).pop().unwrap())
        .collect();
    let options = cycles::Options {
        period_max: 1,
        ..cycles::Options::default()
    };
    let found = cycles::find(&mut system, &ends, 1.0, &options);
    (system, found)
}

#[test]
fn modern_hopfield_has_the_points_known() {
    let (system, found) = hopfield(0.5);
    assert_eq!(found.len(), 1);
    near(
        &found[0].points[0],
        &[0.093811341, -0.242019503, 0.272828845],
        1e-8,
    );
    let eigenvalues: Vec<f64> = found[0].multipliers.iter().map(|m| m[0]).collect();
    near(&eigenvalues, &[0.44274949, 0.21666345, 0.03076028], 1e-8);
    near(&[system.energy(&found[0].points[0])], &[1.148837983], 1e-8);

    let (system, found) = hopfield(4.0);
    let known = [
        ([-0.893153842, 0.554839794, -0.808629838], 0.705354643),
        ([-0.653894833, -0.895558273, 0.914163080], 0.546969380),
        ([0.992417145, -0.748468241, 0.906296225], 0.401540338),
    ];
    assert_eq!(found.len(), 3);
    for (cycle, (point, energy)) in found.iter().zip(known) {
        near(&cycle.points[0], &point, 1e-8);
        near(&[system.energy(&point)], &[energy], 1e-8);
        assert!(cycle.stable);
    }
    assert_eq!(hopfield(16.0).1.len(), 4);
    assert_eq!(hopfield(64.0).1.len(), 4);
}

#[test]
fn runge_kutta_jacobian_matches_finite_differences() {
    let mut flow = RungeKutta4::new(Lorenz63::default(), 0.01);
    let state = [1.5, -2.0, 20.0];
    let mut jacobian = [0.0; 9];
    flow.jacobian(&state, &mut jacobian);
    for c in 0..3 {
        let at = |sign: f64| {
            let (mut moved, mut next) = (state, [0.0; 3]);
            moved[c] += sign * 1e-5;
            RungeKutta4::new(Lorenz63::default(), 0.01).step(&moved, &mut next);
            next
        };
        let (up, down) = (at(1.0), at(-1.0));
        for r in 0..3 {
            assert!((jacobian[r * 3 + c] - (up[r] - down[r]) / 2e-5).abs() < 1e-8);
        }
    }
}
