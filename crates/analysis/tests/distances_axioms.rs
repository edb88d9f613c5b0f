//! Every distance: symmetric, zero on itself, invariant under what it claims, a metric where it claims to be one.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use chiliad_analysis::distances::behaviour::Outputs;
use chiliad_analysis::distances::dsa::{Conjugation, Operator, Spectrum};
use chiliad_analysis::distances::geometry::{
    Canonical, Cka, CkaKind, Comparison, Components, Dissimilarity, Permutation, Registration, Rsa,
    Selectivity, Shape, TrajectoryFit,
};
use chiliad_analysis::distances::weights::Weights;
use chiliad_analysis::distances::{Measure, Samples, orthogonal, pair};
use chiliad_tasks::Stream;
use faer::Mat;
use proptest::prelude::*;

const SAMPLES: usize = 14;

fn cloud(seed: u64, units: usize) -> Mat<f64> {
    let stream = Stream::new(seed, 0x903);
    Mat::from_fn(SAMPLES, units, |i, j| {
        f64::from(stream.normal_at(i as u32, j as u32)) + if j == 0 { 1.5 } else { 0.0 }
    })
}

fn samples(m: &Mat<f64>) -> Samples {
    let (rows, columns) = (m.nrows(), m.ncols());
    let values: Vec<f64> = (0..rows * columns)
        .map(|k| m[(k / columns, k % columns)])
        .collect();
    Samples::new("cloud", rows, columns, &values).unwrap()
}

fn operator(seed: u64, n: usize) -> Operator {
    let stream = Stream::new(seed, 0x904);
    let values: Vec<f64> = (0..n * n)
        .map(|k| f64::from(stream.normal_at(k as u32, 0)))
        .collect();
    Operator::new("operator", &[n, n], &values).unwrap()
}

fn turned(o: &Operator, q: &Mat<f64>) -> Operator {
    Operator {
        matrix: q * &o.matrix * q.transpose(),
        ..o.clone()
    }
}

fn rotation(seed: u64, n: usize) -> Mat<f64> {
    orthogonal::random(n, &Stream::new(seed, 0x905), 0, seed % 2 == 1)
}

fn relabelling(seed: u64, n: usize) -> Mat<f64> {
    let stream = Stream::new(seed, 0x906);
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by_key(|k| stream.words(*k as u32, 0));
    Mat::from_fn(n, n, |i, j| f64::from(u8::from(order[i] == j)))
}

/// The distance, and that it is the same both ways.
fn apart<M: Measure>(m: &M, a: &M::Input, b: &M::Input) -> f64 {
    let one = M::distance(&pair(m, a, b).unwrap());
    let other = M::distance(&pair(m, b, a).unwrap());
    assert!((one - other).abs() < 1e-7, "{one} there, {other} back");
    one
}

fn distance_of<M: Measure<Input = Samples>>(m: &M, a: &Mat<f64>, b: &Mat<f64>) -> f64 {
    apart(m, &samples(a), &samples(b))
}

/// Zero on itself, and unchanged where one side is mapped by each of `maps`.
fn holds<M: Measure<Input = Samples>>(m: &M, seed: u64, maps: &[Map]) {
    let (a, b) = (cloud(seed, 4), cloud(seed + 1, 4));
    assert!(distance_of(m, &a, &a).abs() < 1e-6);
    let known = distance_of(m, &a, &b);
    for map in maps {
        let after = map.of(&b, seed);
        let found = distance_of(m, &a, &after);
        assert!(
            (found - known).abs() < 1e-6,
            "{map:?}: {known} before, {found} after"
        );
        assert!(distance_of(m, &b, &after).abs() < 1e-6, "{map:?} of itself");
    }
}

#[derive(Debug)]
enum Map {
    Rotate,
    Relabel,
    Shift,
    Scale,
    Linear,
}

impl Map {
    fn of(&self, m: &Mat<f64>, seed: u64) -> Mat<f64> {
        let n = m.ncols();
        match self {
            Self::Rotate => m * rotation(seed, n),
            Self::Relabel => m * relabelling(seed, n),
            Self::Shift => Mat::from_fn(m.nrows(), n, |i, j| m[(i, j)] + 0.7 * (j as f64 + 1.0)),
            Self::Scale => faer::Scale(2.5) * m,
            Self::Linear => m * (rotation(seed, n) + Mat::<f64>::identity(n, n) * faer::Scale(1.7)),
        }
    }
}

fn triangle<M: Measure<Input = Samples>>(m: &M, seed: u64) {
    let [a, b, c] = [0, 1, 2].map(|k| cloud(seed + k, 3));
    let direct = distance_of(m, &a, &c);
    assert!(direct <= distance_of(m, &a, &b) + distance_of(m, &b, &c) + 1e-9);
}

proptest! {
    #![proptest_config(ProptestConfig { rng_seed: proptest::test_runner::RngSeed::Fixed(4), cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn geometry_holds_its_claims(seed in 0_u64..100_000) {
        use Map::{Linear, Relabel, Rotate, Scale, Shift};
        let procrustes = Shape::default();
        holds(&procrustes, seed, &[Rotate, Relabel, Shift, Scale]);
        triangle(&procrustes, seed);
        holds(&Shape { alpha: 0.0, centre: true }, seed, &[Rotate, Relabel, Shift, Scale]);
        triangle(&Shape { alpha: 0.5, centre: true }, seed);
        for kind in [CkaKind::Linear, CkaKind::Angular] {
            holds(&Cka { kind }, seed, &[Rotate, Relabel, Shift, Scale]);
        }
        holds(&Cka { kind: CkaKind::Debiased }, seed, &[Rotate, Relabel, Shift, Scale]);
        triangle(&Cka { kind: CkaKind::Angular }, seed);
        holds(&Canonical { components: Components::All, correlations: false }, seed, &[Rotate, Shift, Scale, Linear]);
        holds(&Canonical { components: Components::Number(2), correlations: true }, seed, &[Rotate, Relabel, Shift, Scale]);
        holds(&Permutation, seed, &[Relabel, Shift, Scale]);
        triangle(&Permutation, seed);
        holds(&TrajectoryFit::default(), seed, &[Rotate, Relabel, Shift, Scale]);
    }

    #[test]
    fn representational_similarity_holds_its_claims(seed in 0_u64..100_000) {
        use Comparison::{Bures, Cosine, Pearson, RhoA, Spearman, TauA, TauB, WhitenedCosine, WhitenedPearson};
        use Map::{Relabel, Rotate, Scale, Shift};
        for comparison in [Cosine, Pearson, Spearman, TauB, TauA, RhoA, WhitenedCosine, WhitenedPearson, Bures] {
            for dissimilarity in [Dissimilarity::SquaredEuclidean, Dissimilarity::Euclidean] {
                holds(&Rsa { dissimilarity, comparison }, seed, &[Rotate, Relabel, Shift, Scale]);
            }
            holds(&Rsa { dissimilarity: Dissimilarity::Correlation, comparison }, seed, &[Relabel, Scale]);
        }
    }

    #[test]
    fn operators_hold_their_claims(seed in 0_u64..100_000, n in 2_usize..7) {
        let (a, b, c) = (operator(seed, n), operator(seed + 1, n), operator(seed + 2, n));
        let q = rotation(seed, n);
        let conjugation = Conjugation::default();
        prop_assert!(apart(&conjugation, &a, &turned(&a, &q)) < 1e-6);
        let [found, after] = [&b, &turned(&b, &q)].map(|b| pair(&conjugation, &a, b).unwrap());
        prop_assert!(found.lower_bound <= found.euclidean + 1e-12);
        prop_assert!((found.lower_bound - after.lower_bound).abs() < 1e-7);
        prop_assert!((found.euclidean - 2.0 * (0.5 * found.angular).sin()).abs() < 1e-12);
        prop_assert_eq!(&found, &pair(&conjugation, &b, &a).unwrap());
        let (x, y, z) = (apart(&Spectrum, &a, &b), apart(&Spectrum, &b, &c), apart(&Spectrum, &a, &c));
        prop_assert!(z <= x + y + 1e-9);
        prop_assert!(apart(&Spectrum, &a, &turned(&a, &q)) < 1e-6);
        let p = relabelling(seed, n);
        prop_assert!(apart(&Weights::default(), &a, &turned(&a, &p)) < 1e-6);
        // What is invariant is the minimum, so there are starts enough to find it.
        let thorough = Weights { starts: 400, seed: 0 };
        let found = pair(&thorough, &a, &b).unwrap();
        prop_assert!(found.lower_bound <= found.distance && found.distance <= found.identity + 1e-12);
        let relabelled = pair(&thorough, &a, &turned(&b, &p)).unwrap();
        prop_assert!((found.distance - relabelled.distance).abs() < 1e-6);
    }

    #[test]
    fn registration_and_outputs_hold_their_claims(seed in 0_u64..100_000) {
        let (a, b) = (cloud(seed, 5), cloud(seed + 1, 5));
        let selectivity = Selectivity(Registration { dimensions: 3, restarts: 40, seed: 0 });
        let known = distance_of(&selectivity, &a, &b);
        let relabelled = &a * relabelling(seed, 5);
        let found = distance_of(&selectivity, &relabelled, &b);
        prop_assert!((found - known).abs() < 1e-6, "{} before, {} after", known, found);
        prop_assert!(distance_of(&selectivity, &a, &relabelled) < 1e-6);
        prop_assert!(distance_of(&Outputs, &a, &a) == 0.0);
        triangle(&Outputs, seed);
    }
}

/// Where both clouds lie does not matter, far from the origin neither.
#[test]
fn debiased_alignment_does_not_see_a_shift() {
    let (a, b) = (cloud(1, 4), cloud(2, 4));
    let measure = Cka {
        kind: CkaKind::Debiased,
    };
    let here = distance_of(&measure, &a, &b);
    for shift in [1e3, 1e6] {
        let far = |m: &Mat<f64>| Mat::from_fn(m.nrows(), m.ncols(), |i, j| m[(i, j)] + shift);
        let there = distance_of(&measure, &far(&a), &far(&b));
        assert!((here - there).abs() < 1e-8, "{shift}: {here} {there}");
    }
}
