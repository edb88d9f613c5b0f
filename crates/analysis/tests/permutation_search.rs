//! The search over permutations against all permutations, and on networks that differ by a relabelling.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use chiliad_analysis::distances::dsa::Operator;
use chiliad_analysis::distances::weights::{Weights, matched_by_activity, relabelled};
use chiliad_analysis::distances::{Samples, pair};
use chiliad_tasks::Stream;
use faer::Mat;

fn operator(seed: u64, n: usize) -> Operator {
    let stream = Stream::new(seed, 0x907);
    let values: Vec<f64> = (0..n * n)
        .map(|k| f64::from(stream.normal_at(k as u32, 0)))
        .collect();
    Operator::new("weights", &[n, n], &values).unwrap()
}

fn order(seed: u64, n: usize) -> Vec<usize> {
    let stream = Stream::new(seed, 0x908);
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by_key(|k| stream.words(*k as u32, 0));
    order
}

fn of_all(a: &Operator, b: &Operator, p: &mut [usize], from: usize, least: &mut f64) {
    if from == p.len() {
        *least = least.min(relabelled(&a.matrix, &b.matrix, p));
        return;
    }
    for k in from..p.len() {
        p.swap(from, k);
        of_all(a, b, p, from + 1, least);
        p.swap(from, k);
    }
}

#[test]
fn the_search_finds_what_all_permutations_find() {
    let mut missed = Vec::new();
    for seed in 0..100 {
        let n = 4 + seed as usize % 4;
        let (a, b) = (operator(seed, n), operator(seed + 500, n));
        let mut least = f64::INFINITY;
        of_all(&a, &b, &mut order(0, n), 0, &mut least);
        let found = pair(&Weights::default(), &a, &b).unwrap();
        assert!(found.distance >= least - 1e-9);
        if found.distance > least + 1e-9 {
            missed.push((seed, n, found.distance, least));
        }
    }
    assert!(missed.is_empty(), "{missed:?}");
}

#[test]
fn a_relabelled_network_is_the_same() {
    for (seed, n) in [(0, 16), (1, 32), (2, 64)] {
        let a = operator(seed, n);
        let p = order(seed, n);
        let b = Operator {
            matrix: Mat::from_fn(n, n, |i, j| a.matrix[(p[i], p[j])]),
            ..a.clone()
        };
        let measure = Weights { starts: 4, seed: 0 };
        let found = pair(&measure, &a, &b).unwrap();
        assert!(
            found.distance < 1e-9 && found.identity > 1.0,
            "{n}: {found:?}"
        );
        let state = |units: &dyn Fn(usize) -> usize| {
            let stream = Stream::new(7, 0x909);
            let values: Vec<f64> = (0..40 * n)
                .map(|k| f64::from(stream.normal_at((k / n) as u32, units(k % n) as u32)))
                .collect();
            Samples::new("states", 40, n, &values).unwrap()
        };
        let states = [state(&|k| k), state(&|k| p[k])];
        let matched = matched_by_activity([&a, &b], states.each_ref()).unwrap();
        assert!(matched < 1e-9);
    }
}

/// The figure does not depend on which of two networks comes first, nor does the relabelling but for being turned round; and
/// more starts find next to nothing better.
#[test]
fn the_search_is_the_same_in_either_order() {
    for (seed, n) in [(1, 8), (2, 10), (3, 10), (4, 12), (5, 16), (6, 16), (7, 16)] {
        let (a, b) = (operator(seed, n), operator(seed + 700, n));
        let there = pair(&Weights::default(), &a, &b).unwrap();
        let back = pair(&Weights::default(), &b, &a).unwrap();
        assert_eq!(there.distance.to_bits(), back.distance.to_bits());
        for (unit, &of) in there.permutation.iter().enumerate() {
            assert_eq!(back.permutation[of], unit);
        }
        let relabelled = relabelled(&a.matrix, &b.matrix, &there.permutation);
        assert!((relabelled - there.distance).abs() < 1e-12 * relabelled);
        let many = Weights {
            starts: 500,
            seed: 9,
        };
        let more = pair(&many, &a, &b).unwrap().distance;
        assert!(
            there.distance <= 1.005 * more,
            "{n} units: {} {more}",
            there.distance
        );
    }
}
