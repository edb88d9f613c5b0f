#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use super::*;
use crate::cell::Cell;
use faer::Mat;
use std::sync::Arc;

const UNITS: usize = 20;

fn recurrent(initial: Initial) -> Mat<f64> {
    let architecture = Architecture {
        cell: Arc::new(Cell::builtin("vanilla", "tanh").unwrap()),
        units: UNITS,
        inputs: 2,
        outputs: 2,
    };
    let population = initialise_as(&architecture, &[Seeds::all(4)], &initial);
    let at = population
        .layout
        .find(Role::Recurrent(0, 0))
        .unwrap()
        .offset;
    Mat::from_fn(UNITS, UNITS, |i, j| {
        f64::from(population.params[at + i * UNITS + j])
    })
}

fn radius(w: &Mat<f64>) -> f64 {
    let all = w.eigenvalues().unwrap();
    all.iter().fold(0.0, |m, l| m.max(l.norm()))
}

#[test]
fn orthogonal_is_orthogonal() {
    let w = recurrent(Initial::Orthogonal { gain: 0.5 });
    let product = w.transpose() * &w;
    for i in 0..UNITS {
        for j in 0..UNITS {
            let expected = if i == j { 0.25 } else { 0.0 };
            assert!((product[(i, j)] - expected).abs() < 1e-6);
        }
    }
}

#[test]
fn plrnn_draws_the_diagonal_of_every_cell_that_has_one() {
    for cell in ["plrnn", "al_rnn", "shplrnn"] {
        let architecture = Architecture {
            cell: Arc::new(Cell::builtin(cell, "tanh").unwrap()),
            units: UNITS,
            inputs: 2,
            outputs: 2,
        };
        let population = initialise_as(&architecture, &[Seeds::all(4)], &Initial::Plrnn);
        let a = &population.params[population.layout.named("unit.a").unwrap().range()];
        // Diagonal entries over the largest eigenvalue: positive, below 1, not all the same.
        assert!(a.iter().all(|a| *a > 0.0 && *a < 1.0), "{cell}: {a:?}");
        assert!(a.iter().any(|x| *x != a[0]), "{cell}: {a:?}");
    }
}

#[test]
fn radii_are_as_asked() {
    for initial in [
        Initial::SpectralRadius { radius: 1.2 },
        Initial::Unsigned { radius: 1.2 },
        Initial::DaleBalanced {
            ratio: 4.0,
            radius: 1.2,
        },
    ] {
        let w = recurrent(initial);
        assert!((radius(&w) - 1.2).abs() < 1e-5, "{initial:?}");
        assert!((0..UNITS).all(|i| w[(i, i)] == 0.0));
    }
}

#[test]
fn balanced_weights_have_their_signs() {
    let w = recurrent(Initial::DaleBalanced {
        ratio: 4.0,
        radius: 1.2,
    });
    for from in 0..UNITS {
        for to in (0..UNITS).filter(|to| *to != from) {
            assert_eq!(w[(to, from)] > 0.0, from < 16, "{to} {from}");
        }
    }
    assert_eq!(
        dale_signs(100, 4.0).iter().filter(|s| **s > 0.0).count(),
        80
    );
    assert_eq!(
        dale_signs(100, 1.0).iter().filter(|s| **s > 0.0).count(),
        50
    );
}

#[test]
fn spread_is_as_asked() {
    let spread = |w: &Mat<f64>| (w.norm_l2().powi(2) / (UNITS * UNITS) as f64).sqrt();
    let root = (UNITS as f64).sqrt().recip();
    let normal = spread(&recurrent(Initial::Normal { gain: 1.5 }));
    // 400 variates: the root of the mean square has a relative standard error of 0.035.
    assert!((normal / (1.5 * root) - 1.0).abs() < 0.15, "{normal}");
    let uniform = recurrent(Initial::Uniform);
    assert!((spread(&uniform) / (root / 3.0_f64.sqrt()) - 1.0).abs() < 0.15);
    assert!((0..UNITS).all(|i| (0..UNITS).all(|j| uniform[(i, j)].abs() <= root)));
}
