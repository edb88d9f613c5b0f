//! Configurations of fixed points: registered within labels, and what happens to points that have no partner.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use chiliad_analysis::distances::geometry::{
    Configuration, Labelled, Registration, RegistrationFound,
};
use chiliad_analysis::distances::{orthogonal, pair};
use chiliad_tasks::Stream;

fn found(a: &Labelled, b: &Labelled) -> RegistrationFound {
    let measure = Configuration(Registration {
        dimensions: 3,
        restarts: 40,
        seed: 0,
    });
    pair(&measure, a, b).unwrap()
}

fn labelled(points: &[Vec<f64>], labels: &[usize]) -> Labelled {
    Labelled {
        name: "points".into(),
        points: points.to_vec(),
        labels: labels.to_vec(),
    }
}

/// Eight points without symmetry, two of each label.
fn cloud() -> (Vec<Vec<f64>>, Vec<usize>) {
    let stream = Stream::new(3, 0x463);
    let point = |i: u32| (0..3).map(|j| f64::from(stream.normal_at(i, j))).collect();
    ((0..8).map(point).collect(), (0..8).map(|i| i / 2).collect())
}

fn turned(points: &[Vec<f64>], flip: bool) -> Vec<Vec<f64>> {
    let q = orthogonal::random(3, &Stream::new(4, 0x464), 0, flip);
    let row = |x: &Vec<f64>| {
        let along = |j: usize| (0..3).map(|i| x[i] * q[(i, j)]).sum::<f64>() * 2.5 + 0.7;
        (0..3).map(along).collect()
    };
    points.iter().map(row).collect()
}

#[test]
fn rotations_reflections_shifts_and_one_scale_leave_nothing() {
    let (points, labels) = cloud();
    for flip in [false, true] {
        let other = turned(&points, flip);
        let found = found(&labelled(&points, &labels), &labelled(&other, &labels));
        assert!(found.distance < 1e-6, "{found:?}");
    }
}

#[test]
fn the_order_of_points_does_not_matter_and_labels_do() {
    let (points, labels) = cloud();
    let order = [7, 2, 5, 0, 3, 6, 1, 4];
    let shuffled: Vec<Vec<f64>> = order.iter().map(|&k| points[k].clone()).collect();
    let theirs: Vec<usize> = order.iter().map(|&k| labels[k]).collect();
    let plain = labelled(&points, &labels);
    assert!(found(&plain, &labelled(&shuffled, &theirs)).distance < 1e-6);
    // The same places under other names: partners are no longer where they were.
    let renamed: Vec<usize> = labels.iter().map(|l| (l + 1) % 4).collect();
    assert!(found(&plain, &labelled(&points, &renamed)).distance > 0.1);
}

#[test]
fn a_point_whose_label_the_other_lacks_costs_its_own_length() {
    let points = [vec![1.0, 0.0, 0.0], vec![-1.0, 0.0, 0.0]];
    let found_one = found(&labelled(&points, &[0, 1]), &labelled(&points, &[0, 2]));
    assert!((found_one.forward - 1.0).abs() < 1e-9, "{found_one:?}");
    assert!((found_one.backward - 1.0).abs() < 1e-9, "{found_one:?}");
    // A network without fixed points: nothing to move one way, everything unmatched the other way.
    let none = labelled(&[], &[]);
    let found_none = found(&labelled(&points, &[0, 1]), &none);
    assert!((found_none.forward - 2.0_f64.sqrt()).abs() < 1e-9);
    assert_eq!(found_none.backward, 0.0);
    assert_eq!(found(&none, &none).distance, 0.0);
}

#[test]
fn what_is_no_configuration_is_refused_with_its_shape() {
    let points = [vec![1.0, 0.0], vec![-1.0, 0.5]];
    let refused = |bad: &Labelled, needed: &str| {
        let good = labelled(&points, &[0, 1]);
        let message = pair(&Configuration::default(), &good, bad)
            .unwrap_err()
            .to_string();
        assert!(
            message.contains("[2, 2]") && message.contains(needed),
            "{message}"
        );
    };
    refused(&labelled(&points, &[0]), "1 labels");
    refused(
        &labelled(&[vec![1.0, 0.0], vec![f64::NAN, 0.0]], &[0, 1]),
        "not finite",
    );
    refused(
        &labelled(&[vec![1.0, 0.0], vec![1.0]], &[0, 1]),
        "different lengths",
    );
    let measure = Configuration(Registration {
        dimensions: 2,
        restarts: 0,
        seed: 0,
    });
    let plain = labelled(&points, &[0, 1]);
    let message = pair(&measure, &plain, &plain).unwrap_err().to_string();
    assert!(
        message.contains("restarts") && message.contains("1 or more"),
        "{message}"
    );
}
