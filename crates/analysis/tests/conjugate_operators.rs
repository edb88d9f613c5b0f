//! Operators that are the same up to a rotation or reflection: their distance is zero, and has to be found.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use chiliad_analysis::distances::dsa::{Conjugation, Operator};
use chiliad_analysis::distances::{orthogonal, pair};
use chiliad_tasks::Stream;
use faer::Mat;

#[derive(Clone, Copy, Debug)]
enum Kind {
    /// Independent normal entries.
    Generic,
    /// Rotations in planes and a tenth of noise.
    NearNormal,
    /// Three eigenvalues shared by all directions, and a strictly upper triangle.
    Repeated,
    /// Half of the directions are never used.
    LowRank,
}

fn operator(kind: Kind, n: usize, seed: u64) -> Mat<f64> {
    let stream = Stream::new(seed, 0x901);
    let normal = |i: usize, j: usize| f64::from(stream.normal_at(i as u32, j as u32));
    let root = (n as f64).sqrt();
    match kind {
        Kind::Generic => Mat::from_fn(n, n, |i, j| normal(i, j) / root),
        Kind::NearNormal => Mat::from_fn(n, n, |i, j| {
            let angle = 3.0 * f64::from(stream.uniform_at(1 << 20, (i / 2) as u32));
            let rotation = match (i / 2 == j / 2, i.cmp(&j)) {
                (true, std::cmp::Ordering::Equal) => angle.cos(),
                (true, std::cmp::Ordering::Less) => -angle.sin(),
                (true, std::cmp::Ordering::Greater) => angle.sin(),
                (false, _) => 0.0,
            };
            rotation + 0.1 * normal(i, j) / root
        }),
        Kind::Repeated => Mat::from_fn(n, n, |i, j| match i.cmp(&j) {
            std::cmp::Ordering::Equal => [0.9, 0.5, -0.3][i % 3],
            std::cmp::Ordering::Less => normal(i, j) / root,
            std::cmp::Ordering::Greater => 0.0,
        }),
        Kind::LowRank => Mat::from_fn(n, n, |i, j| {
            if i < n / 2 && j < n / 2 {
                normal(i, j) / root
            } else {
                0.0
            }
        }),
    }
}

/// Distances of `n_pairs` pairs, `runs` seeds each.
fn distances(kind: Kind, n: usize, n_pairs: u64, runs: u64) -> Vec<f64> {
    let mut found = Vec::new();
    for p in 0..n_pairs {
        let a = operator(kind, n, 1000 * n as u64 + p);
        let turn = orthogonal::random(n, &Stream::new(p, 0x902), n as u32, p % 2 == 0);
        let b = &turn * &a * turn.transpose();
        let named = |m: &Mat<f64>| {
            let values: Vec<f64> = (0..n * n).map(|k| m[(k / n, k % n)]).collect();
            Operator::new("operator", &[n, n], &values).unwrap()
        };
        for seed in 0..runs {
            let measure = Conjugation {
                seed,
                ..Conjugation::default()
            };
            found.push(pair(&measure, &named(&a), &named(&b)).unwrap().distance);
        }
    }
    found
}

fn share(found: &[f64]) -> f64 {
    found.iter().filter(|d| **d < 1e-4).count() as f64 / found.len() as f64
}

/// Of each kind: 20 pairs of three runs at n = 4, 8, 10, 20, and two pairs of one run at n = 100. 100 pairs of 20 runs, with the
/// DSA package beside: `benches/peers/run-dsa`.
#[test]
fn conjugate_operators_are_found_to_be_the_same() {
    let kinds = [
        Kind::Generic,
        Kind::NearNormal,
        Kind::Repeated,
        Kind::LowRank,
    ];
    for n in [4, 8, 10, 20, 100] {
        let (pairs, runs) = if n == 100 { (2, 1) } else { (20, 3) };
        for kind in kinds {
            let found = distances(kind, n, pairs, runs);
            assert_eq!(found.len() as u64, pairs * runs);
            // Promised for the first two; the others have done as well so far.
            assert!(share(&found) >= 0.99, "{kind:?} {n}: {found:?}");
        }
    }
}

/// The pairs on which the DSA package, with one start, ends at 0.0001 to 0.37.
#[test]
fn the_pairs_on_which_one_start_fails_are_certified() {
    for n in [2, 4, 8, 10, 20, 40] {
        let root = (n as f64).sqrt();
        let a = Mat::from_fn(n, n, |i, j| {
            let (x, y) = (i as f64, j as f64);
            let diagonal = if i == j { 0.5 } else { 0.0 };
            diagonal + (1.7 * x * y + 0.3 * x * x + 0.9 * y + 0.2).sin() / root
        });
        let waves = Mat::from_fn(n, n, |i, j| {
            let (x, y) = (i as f64, j as f64);
            (0.9 * x * y + 0.4 * x + 0.1 * y + 0.05 * y * y).cos()
        });
        let turn = orthogonal::nearest(waves.as_ref()).unwrap();
        let b = &turn * &a * turn.transpose();
        let named = |m: &Mat<f64>| {
            let values: Vec<f64> = (0..n * n).map(|k| m[(k / n, k % n)]).collect();
            Operator::new("operator", &[n, n], &values).unwrap()
        };
        let found = pair(&Conjugation::default(), &named(&a), &named(&b)).unwrap();
        assert!(found.certified && found.distance < 1e-6, "{n}: {found:?}");
    }
}
