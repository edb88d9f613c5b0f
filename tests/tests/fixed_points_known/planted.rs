//! Planted traps: what a search must not take for a point.

use super::networks::{A, assert_held, assert_states, population, vanilla};
use chiliad_engine::fixed_points::{FixedPoints, Options, Visited, find};
use chiliad_engine::population::Population;

fn with_seeds(population: &Population, own_seeds: Vec<Vec<f64>>) -> FixedPoints {
    let options = Options {
        own_seeds,
        ..Options::default()
    };
    find(population, 0, &[0.0], 0, &Visited::none(), &options).expect("the search runs")
}

/// Where the gate is nearly closed every state moves little: 6e-6 of the way in a step.
#[test]
fn a_closed_gate_makes_no_slow_points() {
    for (bias, expected) in [
        (0.0, vec![vec![-A], vec![0.0], vec![A]]),
        (
            0.1,
            vec![
                vec![-0.801_080_375_6],
                vec![-0.205_979_060_3],
                vec![0.893_855_197_2],
            ],
        ),
    ] {
        let closed = population(
            "ugrnn",
            "tanh",
            1,
            1,
            1,
            &[
                ("w_rec.c", &[1.5]),
                ("bias.c", &[bias]),
                ("bias.u", &[12.0]),
            ],
        );
        let found = with_seeds(&closed, Vec::new());
        assert_states(&found, &expected, 1e-6);
        assert!(found.slow.is_empty(), "{:?}", found.slow);
        assert_held(&found);
    }
}

/// Seeds outside the box that the map keeps lead to no point outside it, and to none that is not there.
#[test]
fn seeds_outside_the_box_bring_no_spurious_points() {
    let far: Vec<Vec<f64>> = (0..64).map(|i| vec![(f64::from(i) - 31.5) * 3.0]).collect();
    let gated = population(
        "gru",
        "tanh",
        1,
        1,
        1,
        &[
            ("w_rec.u", &[0.7]),
            ("bias.u", &[1.0]),
            ("w_rec.r", &[1.2]),
            ("bias.r", &[0.3]),
            ("w_rec.c", &[2.0]),
        ],
    );
    let plain = vanilla("tanh", 1, &[1.5], &[0.0]);
    let three = vec![vec![-A], vec![0.0], vec![A]];
    let of_gru = vec![vec![-0.221_824_112_269], vec![0.0], vec![0.888_888_773_457]];
    for (population, expected) in [(plain, three), (gated, of_gru)] {
        let found = with_seeds(&population, far.clone());
        assert_states(&found, &expected, 1e-6);
        let inside = |p: &[f64]| p.iter().all(|x| x.abs() <= 1.0);
        assert!(found.points.iter().all(|p| inside(&p.state)));
        assert!(found.slow.is_empty());
        assert_held(&found);
    }
}
