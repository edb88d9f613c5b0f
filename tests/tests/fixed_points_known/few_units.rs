//! A few coupled units: points, bits, rotations, lines.

use super::networks::{A, assert_held, assert_states, by_unstable, near, search, vanilla};
use chiliad_engine::fixed_points::Verdict;

#[test]
fn two_and_three_coupled_units_have_the_points_known() {
    let found = search(&vanilla("tanh", 2, &[1.0, -1.0, -1.0, 1.0], &[0.0; 2]));
    assert_states(
        &found,
        &[
            vec![0.0; 2],
            vec![0.957_504_024, -0.957_504_024],
            vec![-0.957_504_024, 0.957_504_024],
        ],
        1e-6,
    );
    assert_eq!(by_unstable(&found), [2, 1]);
    // Three units: no stable point at all.
    let found = search(&vanilla(
        "tanh",
        3,
        &[1.0, 0.0, -1.0, 0.0, -1.0, 1.0, -1.0, 1.0, 0.0],
        &[0.0; 3],
    ));
    let (a, b, c) = (0.949_795_711, -0.425_502_295, -0.879_894_003);
    assert_states(
        &found,
        &[vec![0.0; 3], vec![a, b, c], vec![-a, -b, -c]],
        1e-6,
    );
    assert_eq!(by_unstable(&found), [0, 2, 1]);
    near(
        found.points[0].spectrum.eigenvalues[0][0],
        -1.006_406_171,
        1e-6,
    );
    assert_held(&found);
    // Four units, W row i = -roll(linspace(-1, 1, 4), -i): nine points.
    let line = [1.0, 1.0 / 3.0, -1.0 / 3.0, -1.0];
    let w: Vec<f64> = (0..16).map(|k| line[(k % 4 + k / 4) % 4]).collect();
    let found = search(&vanilla("tanh", 4, &w, &[0.0; 4]));
    assert_eq!(
        found.points.len(),
        9,
        "{:?}",
        found.points.iter().map(|p| &p.state).collect::<Vec<_>>()
    );
    assert_held(&found);
}

#[test]
fn three_bits_in_three_units_are_27_points() {
    let found = search(&vanilla(
        "tanh",
        3,
        &[1.5, 0.0, 0.0, 0.0, 1.5, 0.0, 0.0, 0.0, 1.5],
        &[0.0; 3],
    ));
    assert_eq!(by_unstable(&found), [8, 12, 6, 1]);
    assert_held(&found);
    for point in &found.points {
        let mut expected: Vec<f64> = point
            .state
            .iter()
            .map(|x| {
                if x.abs() > 0.1 {
                    0.394_313_025_499
                } else {
                    1.5
                }
            })
            .collect();
        expected.sort_by(|a, b| b.total_cmp(a));
        for ((value, e), x) in point
            .spectrum
            .eigenvalues
            .iter()
            .zip(&expected)
            .zip(&point.state)
        {
            near(value[0], *e, 1e-6);
            assert!(x.abs() < 1e-9 || (x.abs() - A).abs() < 1e-7);
        }
    }
}

#[test]
fn three_bits_in_six_units_are_27_points() {
    let mut w = vec![0.0; 36];
    for bit in 0..3 {
        for i in 0..2 {
            for j in 0..2 {
                w[(2 * bit + i) * 6 + 2 * bit + j] = 0.75;
            }
        }
    }
    let found = search(&vanilla("tanh", 6, &w, &[0.0; 6]));
    assert_eq!(by_unstable(&found), [8, 12, 6, 1]);
    assert_held(&found);
    assert!(found.census.iter().all(|c| c.1 == 27), "{:?}", found.census);
    assert!(found.points.iter().all(|p| {
        p.spectrum.eigenvalues[3..]
            .iter()
            .all(|v| v[0].abs() < 1e-9)
    }));
}

#[test]
fn a_rotation_has_only_the_origin() {
    for (rho, theta) in [(1.05_f64, 0.2_f64), (1.1, 0.3), (0.95, 0.2)] {
        let (s, c) = theta.sin_cos();
        let found = search(&vanilla(
            "tanh",
            2,
            &[rho * c, -rho * s, rho * s, rho * c],
            &[0.0; 2],
        ));
        assert_states(&found, &[vec![0.0; 2]], 1e-7);
        let value = found.points[0].spectrum.eigenvalues[0];
        near(value[0], rho * c, 1e-6);
        near(value[1].abs(), rho * s, 1e-6);
        assert_held(&found);
    }
}

#[test]
fn a_line_attractor_is_many_points() {
    let found = search(&vanilla("relu", 2, &[0.5; 4], &[0.0; 2]));
    assert!(found.points.len() > 200, "{}", found.points.len());
    assert!(
        found
            .points
            .iter()
            .all(|p| (p.state[0] - p.state[1]).abs() < 1e-9 && p.state[0] >= -1e-12)
    );
    // Everything off the kink at 0 has the eigenvalue 1.
    assert!(
        found
            .points
            .iter()
            .filter(|p| p.state[0] > 1e-6)
            .all(|p| p.degenerate)
    );
    assert_eq!(found.certificate.verdict, Verdict::NotApplicable);
    assert!(!found.certificate.closed);
}

#[test]
fn an_approximate_line_attractor_has_its_few_points() {
    let found = search(&vanilla("tanh", 2, &[0.5; 4], &[0.0; 2]));
    assert_states(&found, &[vec![0.0; 2]], 1e-6);
    assert_eq!(found.certificate.verdict, Verdict::Degenerate);
    let found = search(&vanilla("tanh", 2, &[0.51; 4], &[0.0; 2]));
    let a = 0.240_626_961_597;
    assert_states(&found, &[vec![0.0; 2], vec![a; 2], vec![-a; 2]], 2e-6);
    near(found.points[0].spectrum.radius, 0.960_940_638_659, 1e-6);
    near(
        chiliad_engine::linearise::time_constant(found.points[0].spectrum.eigenvalues[0]),
        25.098_737,
        1e-3,
    );
    near(found.points[2].spectrum.radius, 1.02, 1e-6);
}
