#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use super::*;
use crate::cell::Cell;
use crate::population::Architecture;

const UNITS: usize = 6;

fn layout() -> Arc<Layout> {
    Arc::new(Layout::new(&Architecture {
        cell: Arc::new(Cell::builtin("gru", "tanh").unwrap()),
        units: UNITS,
        inputs: 2,
        outputs: 2,
    }))
}

fn weights(n: usize) -> Vec<f32> {
    (0..n)
        .map(|i| ((i * 37 % 101) as f32 - 50.5) / 25.0)
        .collect()
}

/// Some function of effective weights and its gradient.
fn objective(w: &[f32]) -> (f64, Vec<f32>) {
    let value = w
        .iter()
        .enumerate()
        .map(|(i, w)| f64::from(*w).sin() * (1.0 + 0.01 * i as f64))
        .sum();
    let slope = w
        .iter()
        .enumerate()
        .map(|(i, w)| (f64::from(*w).cos() * (1.0 + 0.01 * i as f64)) as f32)
        .collect();
    (value, slope)
}

/// The adjoint against central differences by every raw parameter that is trained.
fn check(constraint: &Constraint, raw: &[f32]) {
    let (_, mut gradient) = objective(&constraint.effective(0, raw));
    constraint.adjoint(0, raw, &mut gradient);
    for p in 0..raw.len() {
        if constraint.rules(0)[p].frozen && constraint.is_elementwise() {
            assert_eq!(gradient[p], 0.0);
            continue;
        }
        let h = 2.0_f32.powi(-7);
        let at = |s: f32| {
            let mut moved = raw.to_vec();
            moved[p] += s;
            objective(&constraint.effective(0, &moved)).0
        };
        let difference =
            (at(-2.0 * h) - 8.0 * at(-h) + 8.0 * at(h) - at(2.0 * h)) / (12.0 * f64::from(h));
        assert!(
            (difference - f64::from(gradient[p])).abs() < 2e-4,
            "{p}: {difference} {}",
            gradient[p]
        );
    }
}

#[test]
fn signs_by_reparametrisation_hold_and_have_their_adjoint() {
    let layout = layout();
    let signs = [1.0, 1.0, 1.0, 1.0, -1.0, -1.0];
    for form in [Form::Absolute, Form::Rectified] {
        let mut constraint = Constraint::new(&layout, 1);
        constraint.dale(0, &signs, form).unwrap();
        constraint
            .read_out_from(0, &signs.map(|s| s > 0.0))
            .unwrap();
        constraint.no_autapses(0);
        let raw = constraint.raw(0, &weights(layout.n_params));
        let effective = constraint.effective(0, &raw);
        for range in Constraint::recurrent(&layout) {
            for (e, w) in effective[range].iter().enumerate() {
                let (to, from) = (e / UNITS, e % UNITS);
                assert!(w * signs[from] >= 0.0);
                assert_eq!(*w == 0.0, to == from, "{to} {from}");
            }
        }
        let readout = layout.find(Role::Readout).unwrap();
        for (e, w) in effective[readout.range()].iter().enumerate() {
            assert_eq!(*w == 0.0, signs[e % UNITS] < 0.0);
        }
        check(&constraint, &raw);
    }
}

#[test]
fn projection_sets_wrong_signs_to_zero() {
    let layout = layout();
    let signs = [1.0, -1.0, 1.0, -1.0, 1.0, -1.0];
    let mut constraint = Constraint::new(&layout, 1);
    constraint.dale(0, &signs, Form::Free).unwrap();
    constraint.non_negative(0, |r| matches!(r, Role::Input(..)));
    let mut raw = weights(layout.n_params);
    constraint.project(0, &mut raw);
    for (p, (now, before)) in raw.iter().zip(weights(layout.n_params)).enumerate() {
        let rule = constraint.rules(0)[p];
        match rule.projection {
            Projection::None => assert_eq!(*now, before),
            Projection::NonNegative => assert_eq!(now.to_bits(), before.max(0.0).to_bits()),
            Projection::NonPositive => assert_eq!(*now, before.min(0.0)),
        }
    }
}

#[test]
fn masks_gains_and_frozen_parts_have_their_adjoint() {
    let layout = layout();
    let mut constraint = Constraint::new(&layout, 1);
    constraint.sparse(0, 0.5, 3).unwrap();
    constraint
        .gains(0, &[1.0, 0.5, 2.0, 0.0, 1.0, 1.0])
        .unwrap();
    constraint.freeze(0, |r| r == Role::Readout);
    let raw = constraint.raw(0, &weights(layout.n_params));
    check(&constraint, &raw);
    let effective = constraint.effective(0, &raw);
    for range in Constraint::recurrent(&layout) {
        for (e, w) in effective[range].iter().enumerate() {
            assert!(e % UNITS != 3 || *w == 0.0, "unit 3 is removed");
        }
    }
}

#[test]
fn low_rank_is_low_rank_and_has_its_adjoint() {
    let layout = layout();
    let mut constraint = Constraint::new(&layout, 1);
    constraint.low_rank(&[Some(2)]).unwrap();
    constraint.no_autapses(0);
    let raw = constraint.raw(0, &weights(layout.n_params));
    check(&constraint, &raw);
    let mut plain = Constraint::new(&layout, 1);
    plain.low_rank(&[Some(2)]).unwrap();
    let effective = plain.effective(0, &raw);
    for range in Constraint::recurrent(&layout) {
        let w = &effective[range];
        let w = faer::Mat::from_fn(UNITS, UNITS, |i, j| f64::from(w[i * UNITS + j]));
        let svd = w.svd().unwrap();
        let s = svd.S().column_vector();
        assert!(s[1] > 1e-2 && s[2] < 1e-6 * s[0], "{s:?}");
    }
}

#[test]
fn antisymmetric_weights_are_and_have_their_adjoint() {
    let layout = layout();
    let mut constraint = Constraint::new(&layout, 1);
    constraint.antisymmetric(&[true]).unwrap();
    let raw = constraint.raw(0, &weights(layout.n_params));
    check(&constraint, &raw);
    let effective = constraint.effective(0, &raw);
    for range in Constraint::recurrent(&layout) {
        let (w, drawn) = (&effective[range.clone()], &weights(layout.n_params)[range]);
        for (e, value) in w.iter().enumerate() {
            let transposed = e % UNITS * UNITS + e / UNITS;
            assert_eq!(*value, -w[transposed]);
            assert!((value - 0.5 * (drawn[e] - drawn[transposed])).abs() < 1e-6);
        }
    }
    // Weights that are antisymmetric already stay what they are.
    let again = constraint.effective(0, &constraint.raw(0, &effective));
    assert_eq!(again, effective);
    assert!(!constraint.is_elementwise());
    let message = constraint.antisymmetric(&[true; 2]).unwrap_err();
    assert!(message.to_string().contains("one entry per network"));
    let mut signs = Constraint::new(&layout, 1);
    signs.dale(0, &[1.0; 6], Form::Free).unwrap();
    let message = signs.antisymmetric(&[true]).unwrap_err();
    assert!(message.to_string().contains("both signs"));
}

#[test]
fn a_subspace_begins_at_the_initial_weights_and_has_its_adjoint() {
    let layout = layout();
    let initial = weights(layout.n_params);
    let mut constraint = Constraint::new(&layout, 1);
    constraint.subspace(&[Some(5)], &initial, &[9]).unwrap();
    let mut raw = constraint.raw(0, &initial);
    assert_eq!(constraint.effective(0, &raw), initial);
    raw[..5].copy_from_slice(&[0.3, -0.2, 0.5, 0.1, -0.4]);
    let (_, mut gradient) = objective(&constraint.effective(0, &raw));
    constraint.adjoint(0, &raw, &mut gradient);
    assert!(gradient[..5].iter().all(|g| *g != 0.0));
    assert!(gradient[5..].iter().all(|g| *g == 0.0));
    for p in 0..5 {
        let at = |s: f32| {
            let mut moved = raw.clone();
            moved[p] += s;
            objective(&constraint.effective(0, &moved)).0
        };
        let difference = (at(0.03125) - at(-0.03125)) / 0.0625;
        assert!((difference - f64::from(gradient[p])).abs() < 1e-3);
    }
}

#[test]
fn impossible_restrictions_are_refused_with_what_is_allowed() {
    let layout = layout();
    let mut constraint = Constraint::new(&layout, 1);
    let text = |e: EngineError| e.to_string();
    assert!(text(constraint.low_rank(&[Some(4)]).unwrap_err()).contains("1 to 3"));
    assert!(text(constraint.sparse(0, 1.5, 0).unwrap_err()).contains("0 to 1"));
    assert!(text(constraint.gains(0, &[1.0]).unwrap_err()).contains("6, one per unit"));
    assert!(
        text(constraint.input_mask(0, &[0.0; 12]).unwrap_err()).contains("cut not every input")
    );
    let nan = [f32::NAN; 36];
    assert!(text(constraint.recurrent_mask(0, &nan).unwrap_err()).contains("6 x 6 finite"));
    constraint.recurrent_mask(0, &[0.0; 36]).unwrap();
    constraint.dale(0, &[1.0; 6], Form::Free).unwrap();
    assert!(text(constraint.low_rank(&[Some(2)]).unwrap_err()).contains("signs"));
}
