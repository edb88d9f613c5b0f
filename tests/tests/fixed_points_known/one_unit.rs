//! One unit: points, folds and ghosts of `tanh(w h + b)`.

use super::networks::{A, assert_held, assert_scalars, near, one, search, vanilla};
use chiliad_engine::fixed_points::{Options, Verdict, Visited, find};

#[test]
fn one_tanh_unit_has_the_points_known() {
    let found = one(1.5, 0.0);
    assert_scalars(
        &found,
        &[(-A, 0.394_313_025_499), (0.0, 1.5), (A, 0.394_313_025_499)],
    );
    assert_held(&found);
    assert_scalars(
        &one(2.0, 0.0),
        &[
            (-0.957_504_024_077, 0.166_372_087_752),
            (0.0, 2.0),
            (0.957_504_024_077, 0.166_372_087_752),
        ],
    );
    assert_scalars(&one(0.9, 0.0), &[(0.0, 0.9)]);
    assert_scalars(
        &one(1.5, 0.1),
        &[
            (-0.801_080_375_6, 0.537_405_347_8),
            (-0.205_979_060_3, 1.436_358_940_1),
            (0.893_855_197_2, 0.301_534_329_6),
        ],
    );
    assert_scalars(
        &one(1.5, 0.2),
        &[
            (-0.648_695_986_9, 0.868_790_274_8),
            (-0.495_924_876_5, 1.131_087_775_3),
            (0.918_172_775_5, 0.235_438_131_5),
        ],
    );
}

#[test]
fn one_tanh_unit_at_gain_one_is_degenerate() {
    let found = one(1.0, 0.0);
    assert_eq!(found.points.len(), 1);
    near(found.points[0].state[0], 0.0, 1e-6);
    assert_eq!(found.certificate.verdict, Verdict::Degenerate);
}

#[test]
fn period_two_is_no_fixed_point() {
    let population = vanilla("tanh", 1, &[-1.5], &[0.0]);
    let found = search(&population);
    assert_scalars(&found, &[(0.0, -1.5)]);
    assert_held(&found);
    // Driven states end on the orbit, and it is named.
    let states: Vec<f32> = (0..40).map(|i| -0.9 + 0.045 * i as f32 + 0.01).collect();
    let visited = Visited {
        states: vec![&states],
        n_trials: 40,
        n_steps: 1,
    };
    let found =
        find(&population, 0, &[0.0], 0, &visited, &Options::default()).expect("the search runs");
    assert!(found.reached.attractors.is_empty());
    assert_eq!(found.reached.other.len(), 1, "{:?}", found.reached);
    assert_eq!(
        (
            found.reached.other[0].name.as_str(),
            found.reached.other[0].states
        ),
        ("period-2", 40)
    );
}

#[test]
fn a_ghost_is_slow_and_not_fixed() {
    let found = one(1.5, 0.21);
    assert_scalars(&found, &[(0.920_193_919_2, 0.229_864_726_6)]);
    assert_eq!(found.slow.len(), 1);
    let ghost = &found.slow[0];
    near(ghost.state[0], -0.578_985_966, 1e-5);
    near(ghost.q, 1.337_751e-6, 1e-10);
    near(ghost.speed, 1.635_696e-3, 1e-7);
    near(ghost.spectrum.eigenvalues[0][0], 1.0, 1e-4);
    assert!(!ghost.lasting);
    // Further from the fold the local minimum is too fast to be called slow, and it is no fixed point either.
    let found = one(1.5, 0.25);
    assert_eq!(found.points.len(), 1);
    assert!(found.rejected > 0);
    let all = find(
        &vanilla("tanh", 1, &[1.5], &[0.25]),
        0,
        &[0.0],
        0,
        &Visited::none(),
        &Options {
            slow_speed: 0.05,
            ..Options::default()
        },
    )
    .expect("the search runs");
    near(all.slow[0].state[0], -0.605_652_641, 1e-5);
    near(all.slow[0].q, 4.005_119e-4, 1e-8);
}
