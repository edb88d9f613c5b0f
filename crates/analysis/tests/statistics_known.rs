//! Statistics of distance matrices against closed forms and worked examples.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use chiliad_analysis::distances::behaviour::{loss_spread, psychometric, psychometric_difference};
use chiliad_analysis::distances::geometry::{Cka, CkaKind, Shape};
use chiliad_analysis::distances::{Measure, Pairs, Samples, all_pairs, pair};
use chiliad_analysis::statistics::{
    Correlation, DistanceMatrix, SmacofOptions, bootstrap, classical, mantel, mean_of_pairs,
    neighbours, partial_mantel, permanova, silhouette, smacof, told_right,
};
use chiliad_tasks::Stream;

/// Distances of points on a line or in a plane.
fn of_points(points: &[[f64; 2]]) -> DistanceMatrix {
    let n = points.len();
    let apart = |k: usize| {
        let (a, b) = (points[k / n], points[k % n]);
        (a[0] - b[0]).hypot(a[1] - b[1])
    };
    DistanceMatrix::new(n, (0..n * n).map(apart).collect()).unwrap()
}

fn random_points(n: usize, seed: u64) -> Vec<[f64; 2]> {
    let stream = Stream::new(seed, 0x90a);
    let at = |k: usize, c: u32| f64::from(stream.normal_at(k as u32, c));
    (0..n).map(|k| [at(k, 0), at(k, 1)]).collect()
}

#[test]
fn permanova_of_a_line_is_analysis_of_variance() {
    let m = of_points(&[1.0, 2.0, 3.0, 5.0, 6.0, 10.0].map(|x| [x, 0.0]));
    let found = permanova(&m, &[0, 0, 0, 1, 1, 1], 9999, 1).unwrap();
    // Means 2 and 7, of all 4.5: between 2 x 3 x 2.5^2 = 37.5, within 2 + 14 = 16, on 1 and 4 degrees of freedom.
    assert!((found.pseudo_f.unwrap() - 37.5 / (16.0 / 4.0)).abs() < 1e-12);
    assert!((found.r_squared.unwrap() - 37.5 / 53.5).abs() < 1e-12);
    // Of the 20 ways to choose three of six, two are as extreme: the smallest three in either group.
    assert!((found.p - 0.1).abs() < 0.01, "{}", found.p);
}

#[test]
fn silhouette_of_two_pairs_is_known() {
    let m = of_points(&[0.0, 1.0, 4.0, 6.0].map(|x| [x, 0.0]));
    // a, b: (1, 5), (1, 4), (2, 3.5), (2, 5.5)
    let known = (4.0 / 5.0 + 3.0 / 4.0 + 1.5 / 3.5 + 3.5 / 5.5) / 4.0;
    assert!((silhouette(&m, &[0, 0, 1, 1]).unwrap() - known).abs() < 1e-12);
}

#[test]
fn neighbours_tell_clusters_apart_and_guess_at_chance() {
    let mut points = random_points(20, 3);
    points.iter_mut().take(10).for_each(|p| p[0] += 20.0);
    let classes: Vec<usize> = (0..20).map(|k| usize::from(k < 10)).collect();
    let found = neighbours(&of_points(&points), &classes, 3, 199, 0).unwrap();
    assert_eq!((found.accuracy, found.chance), (1.0, 0.5));
    assert!(found.p <= 0.01 && (found.permuted - 0.5).abs() < 0.1);
    // Where all are equally far apart nobody knows more than the others' numbers: three of the other class, two of the own.
    let flat = DistanceMatrix::new(
        6,
        (0..36)
            .map(|k| f64::from(u8::from(k / 6 != k % 6)))
            .collect(),
    );
    let found = neighbours(&flat.unwrap(), &[0, 0, 0, 1, 1, 1], 2, 99, 0).unwrap();
    assert_eq!(found.accuracy, 0.0);
    assert_eq!(found.permuted, 0.0);
}

#[test]
fn as_many_neighbours_vote_as_the_smallest_class_has_others() {
    // Three, four and nine points, far from each other: with five votes, two of the three's own would meet three others.
    let sizes = [3, 4, 9];
    let classes: Vec<usize> = (0..3).flat_map(|c| vec![c; sizes[c]]).collect();
    let mut points = random_points(16, 8);
    for (point, class) in points.iter_mut().zip(&classes) {
        point[0] += 50.0 * *class as f64;
    }
    let matrix = of_points(&points);
    for (asked, used) in [(1, 1), (2, 2), (3, 2), (5, 2), (100, 2)] {
        let found = neighbours(&matrix, &classes, asked, 99, 0).unwrap();
        assert_eq!((found.k, found.accuracy), (used, 1.0), "{asked}");
        assert_eq!(told_right(&matrix, &classes, asked).unwrap(), [1.0; 16]);
    }
    // What is no cluster is not told, and the number can be anything between.
    let shuffled: Vec<usize> = (0..16).map(|k| usize::from(k % 3 == 0)).collect();
    let found = neighbours(&matrix, &shuffled, 5, 99, 0).unwrap();
    assert!(found.k == 5 && found.accuracy < 0.8, "{found:?}");
}

#[test]
fn mantel_sees_what_two_matrices_share_and_nothing_else() {
    let (one, noise) = (random_points(14, 5), random_points(14, 6));
    let near: Vec<[f64; 2]> = one
        .iter()
        .zip(&noise)
        .map(|(p, q)| [p[0] + 0.1 * q[0], p[1] + 0.1 * q[1]])
        .collect();
    let (a, b, c) = (of_points(&one), of_points(&near), of_points(&noise));
    let same = mantel(&a, &a, Correlation::Pearson, 99, 0).unwrap();
    assert!((same.r - 1.0).abs() < 1e-12 && same.p_greater <= 0.02);
    let alike = mantel(&a, &b, Correlation::Spearman, 499, 0).unwrap();
    assert!(alike.r > 0.9 && alike.p_greater < 0.01);
    let unlike = mantel(&a, &c, Correlation::Pearson, 499, 0).unwrap();
    assert!(
        unlike.r.abs() < 0.4 && unlike.p_two_sided > 0.02,
        "{unlike:?}"
    );
    // r_ab.c from the three plain correlations.
    let r = |x: &DistanceMatrix, y: &DistanceMatrix| {
        mantel(x, y, Correlation::Pearson, 0, 0).unwrap().r
    };
    let known = (r(&a, &b) - r(&a, &c) * r(&b, &c))
        / ((1.0 - r(&a, &c).powi(2)) * (1.0 - r(&b, &c).powi(2))).sqrt();
    let partial = partial_mantel(&a, &b, &c, Correlation::Pearson, 99, 0).unwrap();
    assert!((partial.r - known).abs() < 1e-12);
    assert!(partial_mantel(&a, &b, &b, Correlation::Pearson, 9, 0).is_err());
}

#[test]
fn scaling_draws_points_of_a_plane_without_stress() {
    let m = of_points(&random_points(12, 7));
    let found = smacof(
        &m,
        &SmacofOptions {
            restarts: 8,
            tolerance: 1e-12,
            ..SmacofOptions::default()
        },
    )
    .unwrap();
    assert!(found.stress_1 < 1e-6, "{}", found.stress_1);
    for i in 0..12 {
        for j in 0..i {
            let (p, q) = (&found.coordinates[i], &found.coordinates[j]);
            assert!(((p[0] - q[0]).hypot(p[1] - q[1]) - m.at(i, j)).abs() < 1e-5);
        }
    }
    assert!((classical(&m, 2).unwrap().shown - 1.0).abs() < 1e-9);
}

#[test]
fn bootstrap_leaves_out_a_network_and_its_copy() {
    // Two networks: every sample that holds both has the one distance there is.
    let m = DistanceMatrix::new(2, vec![0.0, 3.0, 3.0, 0.0]).unwrap();
    let found = bootstrap(&m, 200, 1, &mean_of_pairs).unwrap();
    assert_eq!((found.estimate, found.low, found.high), (3.0, 3.0, 3.0));
    assert!(found.samples > 60 && found.samples < 140);
}

#[test]
fn a_matrix_of_equal_networks_is_called_degenerate() {
    let mut values = vec![0.0; 64];
    values[1] = 1.0;
    values[8] = 1.0;
    let found = DistanceMatrix::new(8, values)
        .unwrap()
        .degenerate()
        .unwrap();
    assert!((found.agreement - 27.0 / 28.0).abs() < 1e-12);
    assert!(of_points(&random_points(8, 1)).degenerate().is_none());
}

#[test]
fn matrices_and_classes_that_make_no_sense_are_refused() {
    assert!(DistanceMatrix::new(2, vec![0.0, 1.0, 2.0, 0.0]).is_err());
    assert!(DistanceMatrix::new(2, vec![0.0, f64::NAN, f64::NAN, 0.0]).is_err());
    assert!(DistanceMatrix::new(1, vec![0.0]).is_err());
    let m = of_points(&random_points(4, 1));
    assert!(silhouette(&m, &[0, 0, 0, 0]).is_err());
    assert!(silhouette(&m, &[0, 1, 0]).is_err());
    assert!(permanova(&m, &[0, 1, 2, 3], 9, 0).is_err());
    assert!(neighbours(&m, &[0, 1, 0, 1], 0, 9, 0).is_err());
    assert!(neighbours(&m, &[0, 1, 0, 0], 1, 9, 0).is_err());
}

#[test]
fn all_pairs_are_those_of_single_comparisons_whatever_the_threads() {
    let clouds: Vec<Samples> = (0..20)
        .map(|k| {
            let stream = Stream::new(k, 0x90b);
            let values: Vec<f64> = (0..60).map(|i| f64::from(stream.normal_at(i, 0))).collect();
            Samples::new("cloud", 20, 3, &values).unwrap()
        })
        .collect();
    let shape = Shape::default();
    let with = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        let mut told = 0;
        let m = pool.install(|| all_pairs(&shape, &clouds, &mut |done| told = done).unwrap());
        assert_eq!(told, Pairs::of(20).pairs);
        m
    };
    let m = with(1);
    assert_eq!(m, with(3));
    let one = Shape::distance(&pair(&shape, &clouds[4], &clouds[17]).unwrap());
    assert_eq!((m.at(4, 17), m.at(17, 4)), (one, one));
    assert_eq!(Pairs::of(1000).pairs, 499_500);
}

#[test]
fn spread_of_losses_is_that_of_converged_networks() {
    let found = loss_spread(&[1.0, 3.0, 50.0], &[true, true, false]).unwrap();
    assert_eq!((found.deviation, found.mean), (Some(1.0), Some(2.0)));
    assert!((found.rate - 2.0 / 3.0).abs() < 1e-15);
    assert_eq!(
        loss_spread(&[0.2; 4], &[true; 4]).unwrap().deviation,
        Some(0.0)
    );
    assert_eq!(loss_spread(&[0.2], &[false]).unwrap().deviation, None);
    assert!(loss_spread(&[f64::NAN], &[true]).is_err());
    assert!(loss_spread(&[f64::NAN, 1.0], &[false, true]).is_ok());
    let a = psychometric(&[true, false, true, true], &[0, 0, 1, 1], 3).unwrap();
    assert_eq!(a, [Some(0.5), Some(1.0), None]);
    let b = psychometric(&[false, true], &[0, 1], 3).unwrap();
    assert!((psychometric_difference(&a, &b).unwrap() - 0.125_f64.sqrt()).abs() < 1e-15);
    assert!(psychometric(&[true], &[3], 3).is_err());
}

#[test]
fn unusable_states_are_refused_with_their_shapes() {
    let refused = |rows: usize, columns: usize, values: &[f64], word: &str| {
        let error = Samples::new("x.npy", rows, columns, values)
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("x.npy") && error.contains(&format!("[{rows}, {columns}]")),
            "{error}"
        );
        assert!(error.contains(word), "{error}");
    };
    refused(1, 2, &[1.0, 2.0], "1 samples");
    refused(2, 2, &[1.0, f64::NAN, 2.0, 3.0], "NaN");
    refused(2, 2, &[1.0, 5.0, 2.0, 5.0], "constant");
    refused(2, 0, &[], "0 values");
    let cloud = |n: usize| {
        let values: Vec<f64> = (0..2 * n).map(|k| (k as f64 * 1.3).sin()).collect();
        Samples::new("cloud", n, 2, &values).unwrap()
    };
    let linear = Cka {
        kind: CkaKind::Linear,
    };
    let error = pair(&linear, &cloud(5), &cloud(6)).unwrap_err().to_string();
    assert!(
        error.contains("[5, 2]") && error.contains("[6, 2]"),
        "{error}"
    );
}
