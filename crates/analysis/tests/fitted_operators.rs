//! Operators fitted to states: ridge, ways to choose the rank, and networks under a known input, against closed forms.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use chiliad_analysis::distances::dsa::{Controlled, Driven, Fit, Operator, Rank, Reach};
use chiliad_analysis::distances::{Measure, Recording, orthogonal, pair};
use chiliad_tasks::Stream;
use faer::Mat;

fn near(found: f64, known: f64) {
    assert!((found - known).abs() < 1e-9, "{found} instead of {known}");
}

/// One unit that decays by `rate` a step.
fn decay(rate: f64) -> Recording {
    let values = (0..30).map(|t| rate.powi(t)).collect();
    Recording::new("decay", [1, 30, 1], values).unwrap()
}

#[test]
fn a_ridge_shrinks_the_operator_as_the_formula_says() {
    let rate: f64 = 0.9;
    let squares: Vec<f64> = (0..30).map(|t| rate.powi(2 * t)).collect();
    // Share of the squares in all rows but the last: what lambda stands beside.
    let share = squares[..29].iter().sum::<f64>() / squares.iter().sum::<f64>();
    for ridge in [0.0, 1e-8, 0.1, 1.0, 100.0] {
        let fit = Fit {
            ridge,
            ..Fit::default()
        };
        let found = Operator::fit(&decay(rate), &fit).unwrap().matrix[(0, 0)];
        near(found, rate * share / (share + ridge));
    }
    for ridge in [-1e-8, f64::NAN, f64::INFINITY] {
        let fit = Fit {
            ridge,
            ..Fit::default()
        };
        let message = Operator::fit(&decay(rate), &fit).unwrap_err().to_string();
        assert!(message.contains("ridge") && message.contains("0 or more"));
    }
}

/// Two damped rotations; singular values 2.927628 and 2.637667.
fn rotation() -> Recording {
    let values = (0..=40).flat_map(|t| {
        let (s, c) = (0.3 * f64::from(t)).sin_cos();
        [0.97_f64.powi(t) * c, 0.97_f64.powi(t) * s]
    });
    Recording::new("rotation", [1, 41, 2], values.collect()).unwrap()
}

#[test]
fn the_rank_is_that_of_threshold_or_share() {
    let rank = |rank| {
        let fit = Fit {
            rank,
            ..Fit::default()
        };
        Operator::fit(&rotation(), &fit).map(|o| o.matrix.nrows())
    };
    assert_eq!(rank(Rank::Full).unwrap(), 2);
    assert_eq!(rank(Rank::Threshold(2.6)).unwrap(), 2);
    assert_eq!(rank(Rank::Threshold(2.7)).unwrap(), 1);
    let message = rank(Rank::Threshold(3.0)).unwrap_err().to_string();
    assert!(
        message.contains("[1, 41, 2]") && message.contains("2.92762"),
        "{message}"
    );
    // The first holds 0.551948 of the sum of squares.
    assert_eq!(rank(Rank::Variance(0.55)).unwrap(), 1);
    assert_eq!(rank(Rank::Variance(0.56)).unwrap(), 2);
    for share in [0.0, 1.01, f64::NAN] {
        assert!(rank(Rank::Variance(share)).is_err(), "{share}");
    }
    for number in [0, 3] {
        let message = rank(Rank::Number(number)).unwrap_err().to_string();
        assert!(
            message.contains("1 to 2") && message.contains("[1, 41, 2]"),
            "{message}"
        );
    }
}

#[test]
fn reduced_rank_regression_has_the_rank_asked_for() {
    let fit = |reduced_rank, number| {
        let fit = Fit {
            rank: Rank::Number(number),
            reduced_rank,
            ..Fit::default()
        };
        Operator::fit(&rotation(), &fit).unwrap().matrix
    };
    // At full rank it is the plain regression.
    let (plain, reduced) = (fit(false, 2), fit(true, 2));
    (0..4).for_each(|k| near(reduced[(k / 2, k % 2)], plain[(k / 2, k % 2)]));
    let one = fit(true, 1);
    assert_eq!((one.nrows(), one.ncols()), (2, 2));
    near(one[(0, 0)] * one[(1, 1)] - one[(0, 1)] * one[(1, 0)], 0.0);
    assert!(one.norm_l2() > 0.1);
}

/// `x' = A x + B u` from zero, four trials of 25 steps; the state of a step holds its own input where `seen` says so.
fn under_input(a: &Mat<f64>, b: &Mat<f64>, seen: bool) -> Driven {
    let (n, channels) = (b.nrows(), b.ncols());
    let (trials, steps) = (4, 25);
    let stream = Stream::new(5, 0x460);
    let input = |trial: usize, t: usize, c: usize| {
        f64::from(stream.normal_at((trial * steps + t) as u32, c as u32))
    };
    let (mut states, mut inputs) = (Vec::new(), Vec::new());
    for trial in 0..trials {
        let mut x = Mat::<f64>::from_fn(n, 1, |i, _| 0.1 * (i as f64 + 1.0));
        for t in 0..steps {
            let u = Mat::from_fn(channels, 1, |c, _| input(trial, t, c));
            if seen {
                x = a * &x + b * &u;
            }
            states.extend((0..n).map(|i| x[(i, 0)]));
            inputs.extend((0..channels).map(|c| u[(c, 0)]));
            if !seen {
                x = a * &x + b * &u;
            }
        }
    }
    Driven {
        states: Recording::new("states", [trials, steps, n], states).unwrap(),
        inputs: Recording::new("inputs", [trials, steps, channels], inputs).unwrap(),
    }
}

fn drawn(rows: usize, columns: usize, seed: u64, scale: f64) -> Mat<f64> {
    let stream = Stream::new(seed, 0x461);
    Mat::from_fn(rows, columns, |i, j| {
        scale * f64::from(stream.normal_at(i as u32, j as u32))
    })
}

fn controlled(input_seen: bool) -> Controlled {
    let fit = Fit {
        ridge: 0.0,
        ..Fit::default()
    };
    Controlled { fit, input_seen }
}

#[test]
fn what_an_input_reaches_is_found_in_the_coordinates_of_the_states() {
    let (a, b) = (drawn(3, 3, 1, 0.4), drawn(3, 2, 2, 1.0));
    for seen in [true, false] {
        let driven = under_input(&a, &b, seen);
        let rows = driven.states.values().len() / 3;
        let x = Mat::from_fn(rows, 3, |i, j| driven.states.values()[3 * i + j]);
        // Coordinates z = S^-1 V^T x of the decomposition U S V^T of all states.
        let svd = x.thin_svd().unwrap();
        let s = svd.S().column_vector();
        let to = Mat::from_fn(3, 3, |i, j| svd.V()[(j, i)] / s[i]);
        let back = Mat::from_fn(3, 3, |i, j| svd.V()[(i, j)] * s[j]);
        let known = Reach::new("known", &(&to * &a * &back), &(&to * &b)).unwrap();
        let found = controlled(seen).prepare(&driven).unwrap();
        let apart = controlled(seen).compare(&found, &known).unwrap();
        assert!(apart.euclidean < 1e-6 && apart.angular < 1e-6, "{apart:?}");
        // The other convention fits another operator.
        let other = controlled(!seen).prepare(&driven).unwrap();
        let apart = controlled(seen).compare(&other, &known).unwrap();
        assert!(apart.angular > 1e-2, "{apart:?}");
    }
}

#[test]
fn networks_that_differ_by_a_rotation_are_the_same_under_input() {
    let (a, b) = (drawn(4, 4, 3, 0.4), drawn(4, 1, 4, 1.0));
    let plain = under_input(&a, &b, true);
    for flip in [false, true] {
        let q = orthogonal::random(4, &Stream::new(9, 0x462), 0, flip);
        let turned = Driven {
            states: {
                let rows = plain.states.values().chunks(4);
                let row = |x: &[f64]| -> Vec<f64> {
                    let along = |i: usize| x.iter().enumerate().map(|(j, v)| q[(i, j)] * v).sum();
                    (0..4).map(along).collect()
                };
                let values = rows.flat_map(row).collect();
                Recording::new("turned", [4, 25, 4], values).unwrap()
            },
            inputs: plain.inputs.clone(),
        };
        let found = pair(&controlled(true), &plain, &turned).unwrap();
        assert!(found.euclidean < 1e-6, "{found:?}");
    }
    let stronger = under_input(&a, &(faer::Scale(2.0) * &b), true);
    let found = pair(&controlled(true), &plain, &stronger).unwrap();
    assert!(found.euclidean > 1e-3, "{found:?}");
}

#[test]
fn distances_between_what_inputs_reach_have_closed_forms() {
    let b = Mat::from_fn(2, 1, |i, _| i as f64);
    let shift = Mat::from_fn(2, 2, |i, j| f64::from(u8::from(i == 0 && j == 1)));
    // [B, A B, A^T B] is [[0, 1, 0], [1, 0, 0]] for the shift and [[0, 0, 0], [1, 0, 0]] without one.
    let one = Reach::new("shift", &shift, &b).unwrap();
    let other = Reach::new("none", &Mat::zeros(2, 2), &b).unwrap();
    let found = controlled(true).compare(&one, &other).unwrap();
    near(found.distance, 1.0);
    near(found.angular, std::f64::consts::FRAC_PI_4);
    // The root of a difference: rounding of 1e-16 is 1e-8 there.
    let same = controlled(true).compare(&one, &one).unwrap();
    assert!(same.euclidean < 1e-7, "{same:?}");
    let wide = Reach::new("wide", &shift, &Mat::identity(2, 2)).unwrap();
    let message = controlled(true)
        .compare(&one, &wide)
        .err()
        .unwrap()
        .to_string();
    assert!(
        message.contains("[2, 3]") && message.contains("[2, 6]"),
        "{message}"
    );
    assert!(Reach::new("none", &shift, &Mat::zeros(2, 1)).is_err());
}

#[test]
fn inputs_of_other_trials_are_refused() {
    let (a, b) = (drawn(2, 2, 6, 0.4), drawn(2, 1, 7, 1.0));
    let mut driven = under_input(&a, &b, true);
    driven.inputs = Recording::new("inputs", [5, 20, 1], driven.inputs.values().to_vec()).unwrap();
    let message = controlled(true).prepare(&driven).err().unwrap().to_string();
    assert!(
        message.contains("[4, 25, 2]") && message.contains("[5, 20, 1]"),
        "{message}"
    );
}
