#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use super::*;
use crate::cell::Cell;
use crate::population::Architecture;
use std::sync::Arc;

/// Vanilla networks of n units with the matrices of a function of (row, column).
fn network(
    n: usize,
    inputs: usize,
    outputs: usize,
    w: impl Fn(usize, usize) -> f64,
    u: impl Fn(usize, usize) -> f64,
    v: impl Fn(usize, usize) -> f64,
) -> (Layout, Vec<f32>) {
    let cell = Arc::new(Cell::builtin("vanilla", "tanh").unwrap());
    let layout = Layout::new(&Architecture {
        cell,
        units: n,
        inputs,
        outputs,
    });
    let mut params = vec![0.0; layout.n_params];
    for tensor in &layout.tensors {
        let columns = tensor.shape.last().copied().unwrap();
        for (e, p) in params[tensor.range()].iter_mut().enumerate() {
            let (i, j) = (e / columns, e % columns);
            *p = match tensor.role {
                Role::Recurrent(..) => w(i, j) as f32,
                Role::Input(..) => u(i, j) as f32,
                Role::Readout => v(i, j) as f32,
                _ => 0.0,
            };
        }
    }
    (layout, params)
}

/// The system of the published check: n = 4, two inputs, two outputs.
fn published() -> (Layout, Vec<f32>) {
    network(
        4,
        2,
        2,
        |a, b| {
            let (a, b) = (a as f64, b as f64);
            0.45 * (1.0 + 1.7 * a + 0.6 * b * b + 0.9 * a * b).cos()
        },
        |a, p| 0.8 * (0.9 + 1.1 * p as f64 + 0.5 * a as f64).sin(),
        |q, a| 0.7 * (0.4 + 0.8 * a as f64 + 1.5 * q as f64).cos(),
    )
}

fn value(penalty: &Penalty, layout: &Layout, params: &[f32]) -> f64 {
    penalty.of_weights(layout, params, 0.0, &mut vec![0.0; params.len()])
}

/// Largest difference of a gradient from central differences, against the largest entry.
fn worst(penalty: &Penalty, layout: &Layout, params: &[f32]) -> f64 {
    let mut gradient = vec![0.0; params.len()];
    penalty.of_weights(layout, params, 1.0, &mut gradient);
    let largest = gradient
        .iter()
        .fold(0.0_f64, |m, g| m.max(f64::from(g.abs())));
    assert!(largest > 0.0, "{} has no gradient", penalty.name());
    let mut worst = 0.0_f64;
    for p in 0..params.len() {
        // Steps that f32 holds exactly.
        let h = 2.0_f32.powi(-9);
        let mut moved = params.to_vec();
        let at = |shift: f32, moved: &mut [f32]| {
            moved[p] = params[p] + shift;
            (value(penalty, layout, moved), f64::from(moved[p]))
        };
        // Fourth order: the step may be large enough that rounding of the weights to f32 does not matter.
        let [(a, _), (b, _), (c, _), (d, _)] =
            [-2.0 * h, -h, h, 2.0 * h].map(|s| at(s, &mut moved));
        let difference = (a - 8.0 * b + 8.0 * c - d) / (12.0 * f64::from(h));
        worst = worst.max((difference - f64::from(gradient[p])).abs() / largest);
    }
    worst
}

#[test]
fn resolvent_penalty_is_the_published_one() {
    let (layout, params) = published();
    let penalty = |per_hop| Penalty::Resolvent {
        alpha: 0.8,
        length: 6,
        per_hop,
    };
    let close = |found: f64, known: f64| {
        assert!(
            (found - known).abs() < 1e-6 * known.abs().max(0.1),
            "{found} {known}"
        );
    };
    close(
        value(&penalty(false), &layout, &params),
        1.323_256_375_641_62,
    );
    close(
        value(&penalty(true), &layout, &params),
        2.025_088_591_972_98,
    );
    let mut gradient = vec![0.0; params.len()];
    penalty(false).of_weights(&layout, &params, 1.0, &mut gradient);
    let known = [
        (
            "w_rec",
            vec![
                -0.071_906_102_751_0,
                -0.109_165_537_907,
                -0.117_824_384_698,
                -0.264_799_995_016,
                0.579_872_283_165,
                0.240_789_234_117,
                0.182_453_485_928,
                0.119_901_124_082,
                0.641_141_646_762,
                0.335_890_275_185,
                0.280_723_374_506,
                0.478_762_101_596,
                0.088_381_286_299_1,
                0.054_299_303_683_9,
                0.069_037_577_129_2,
                0.324_454_399_438,
            ],
        ),
        (
            "w_in",
            vec![
                -0.382_910_924_862,
                0.266_935_807_753,
                0.289_728_592_757,
                0.643_177_996_768,
                0.702_083_030_546,
                0.244_933_571_932,
                0.326_892_318_360,
                -0.345_238_266_739,
            ],
        ),
        (
            "w_out",
            vec![
                -0.123_060_685_583,
                -0.149_376_213_836,
                -0.197_185_470_703,
                -0.698_907_904_466,
                -1.119_684_999_96,
                -0.452_555_724_463,
                -0.351_907_029_980,
                -0.540_381_188_183,
            ],
        ),
    ];
    for (name, values) in known {
        let tensor = layout
            .tensors
            .iter()
            .find(|t| t.name.starts_with(name))
            .unwrap();
        for (found, known) in gradient[tensor.range()].iter().zip(values) {
            assert!(
                (f64::from(*found) - known).abs() < 1e-6,
                "{name}: {found} {known}"
            );
        }
    }
}

#[test]
fn communicability_penalty_is_the_published_one() {
    // The published matrix has its rows as sources: ours is its transpose.
    let (layout, params) = network(
        4,
        1,
        1,
        |to, from| {
            let (a, b) = (from as f64, to as f64);
            0.45 * (1.0 + 1.7 * a + 0.6 * b * b + 0.9 * a * b).cos()
        },
        |_, _| 1.0,
        |_, _| 1.0,
    );
    let penalty = Penalty::Communicability {
        positions: (0..4).map(|i| [f64::from(i), 0.0, 0.0]).collect(),
    };
    let found = value(&penalty, &layout, &params);
    assert!((found - 3.416_778_325_192_2).abs() < 1e-6, "{found}");
}

#[test]
fn every_gradient_of_weights_is_the_difference_quotient() {
    // Ten steps of the difference away from every kink of |w|.
    let away = |x: f64| x + 0.05 * x.signum();
    let system = network(
        5,
        3,
        2,
        |i, j| {
            let spread = 0.5 * (1.3 + 2.1 * i as f64 + 0.7 * (j * j) as f64).sin();
            away(spread + if i == j { 0.4 } else { 0.0 })
        },
        |i, j| away(0.6 * (0.3 + 1.9 * i as f64 - 0.8 * j as f64).cos()),
        |i, j| away(0.5 * (0.9 - 0.6 * i as f64 + 1.7 * j as f64).sin()),
    );
    let on = Part::WEIGHTS.to_vec();
    for penalty in [
        Penalty::L1 { on: on.clone() },
        Penalty::L2 { on },
        Penalty::InputOrthogonality,
        Penalty::Nuclear { proximal: false },
        Penalty::Resolvent {
            alpha: 0.8,
            length: 4,
            per_hop: false,
        },
        Penalty::Resolvent {
            alpha: 0.7,
            // The next hop has an entry near 0, a kink of the sum of absolute values.
            length: 2,
            per_hop: true,
        },
        Penalty::Communicability {
            positions: (0..5)
                .map(|i| [f64::from(i), f64::from(i * i) * 0.3, 1.0])
                .collect(),
        },
        Penalty::SpectralRadius { bound: 0.2 },
    ] {
        let worst = worst(&penalty, &system.0, &system.1);
        println!("{}: {worst:.1e}", penalty.name());
        assert!(worst < 1e-5, "{}: {worst}", penalty.name());
    }
}

#[test]
fn a_complex_leading_pair_has_a_gradient_too() {
    let (layout, params) = network(
        3,
        1,
        1,
        |i, j| [[0.2, -0.9, 0.1], [1.1, 0.1, 0.0], [0.05, 0.2, 0.3]][i][j],
        |_, _| 0.0,
        |_, _| 0.0,
    );
    assert!(worst(&Penalty::SpectralRadius { bound: 0.5 }, &layout, &params) < 1e-5);
}

#[test]
fn shrinking_makes_singular_values_exactly_zero() {
    let (layout, mut params) = published();
    let penalty = Penalty::Nuclear { proximal: true };
    let singular = |params: &[f32]| -> Vec<f64> {
        let tensor = layout.find(Role::Recurrent(0, 0)).unwrap();
        let w = faer::Mat::from_fn(4, 4, |i, j| f64::from(params[tensor.offset + i * 4 + j]));
        let svd = w.svd().unwrap();
        (0..4).map(|k| svd.S().column_vector()[k]).collect()
    };
    let before = singular(&params);
    let threshold = 0.5 * (before[1] + before[2]);
    penalty.proximal(&layout, &mut params, threshold);
    for (k, after) in singular(&params).iter().enumerate() {
        let expected = (before[k] - threshold).max(0.0);
        assert!((after - expected).abs() < 1e-7, "{k}: {after} {expected}");
    }
}
