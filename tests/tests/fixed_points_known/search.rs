//! The search itself: what must not matter, what must be said, what is refused.

use super::gated::random;
use super::networks::{assert_held, assert_states, vanilla};
use chiliad_analysis::census::{Census, Summary};
use chiliad_engine::fixed_points::{Options, Verdict, Visited, find};
use chiliad_engine::population::Population;
use chiliad_tasks::random::Stream;

#[test]
fn permuted_units_give_the_permuted_set() {
    let plain = random("gru", "tanh", 7, 2.5, 0.2, 11);
    let order = [3, 0, 6, 2, 5, 1, 4];
    let mut permuted = plain.clone();
    for tensor in &plain.layout.tensors {
        let (from, to) = (
            plain.params[tensor.range()].to_vec(),
            &mut permuted.params[tensor.range()],
        );
        for i in 0..7 {
            match tensor.name.split('.').next() {
                Some("w_rec") => (0..7).for_each(|j| to[i * 7 + j] = from[order[i] * 7 + order[j]]),
                Some("w_in") => (0..2).for_each(|j| to[i * 2 + j] = from[order[i] * 2 + j]),
                Some("w_out") => (0..2).for_each(|o| to[o * 7 + i] = from[o * 7 + order[i]]),
                Some("bias") => to[i] = from[order[i]],
                _ => {}
            }
        }
    }
    let of = |p: &Population| {
        find(p, 0, &[0.0, 0.0], 0, &Visited::none(), &Options::default()).expect("the search runs")
    };
    let (a, b) = (of(&plain), of(&permuted));
    assert_held(&a);
    let states: Vec<Vec<f64>> = a
        .points
        .iter()
        .map(|p| order.iter().map(|&i| p.state[i]).collect())
        .collect();
    assert_states(&b, &states, 1e-7);
}

#[test]
fn order_of_seeds_does_not_matter() {
    let network = random("vanilla", "tanh", 6, 2.0, 0.1, 2);
    let stream = Stream::new(4, 0x902);
    let mut seeds: Vec<Vec<f64>> = (0..200)
        .map(|s| (0..6).map(|i| f64::from(stream.normal_at(s, i))).collect())
        .collect();
    let of = |own_seeds: Vec<Vec<f64>>| {
        let options = Options {
            own_seeds,
            seeds: 0,
            ..Options::default()
        };
        find(&network, 0, &[0.0, 0.0], 0, &Visited::none(), &options).expect("the search runs")
    };
    let forward = of(seeds.clone());
    seeds.reverse();
    seeds.swap(3, 90);
    let mut backward = of(seeds);
    backward.seconds = forward.seconds;
    assert_eq!(forward, backward);
}

#[test]
fn a_search_stopped_early_is_open() {
    let network = vanilla(
        "tanh",
        3,
        &[1.5, 0.0, 0.0, 0.0, 1.5, 0.0, 0.0, 0.0, 1.5],
        &[0.0; 3],
    );
    let options = Options {
        seeds: 20,
        rounds_max: 1,
        ..Options::default()
    };
    let found = find(&network, 0, &[0.0], 0, &Visited::none(), &options).expect("the search runs");
    assert_eq!(found.certificate.verdict, Verdict::Open);
    assert!(found.certificate.at_least_within >= found.points.len() as f64);
}

#[test]
fn driven_states_reach_the_eight_corners() {
    let network = {
        let mut n = vanilla(
            "tanh",
            3,
            &[1.5, 0.0, 0.0, 0.0, 1.5, 0.0, 0.0, 0.0, 1.5],
            &[0.0; 3],
        );
        let range = n.layout.named("w_out").expect("it exists").range();
        for (i, p) in n.params[range].iter_mut().enumerate() {
            *p = if i % 4 == 0 { 1.1 } else { 0.0 };
        }
        n
    };
    let states: Vec<f32> = (0..64)
        .flat_map(|t| [0, 1, 2].map(|bit| if t >> bit & 1 == 0 { -0.3 } else { 0.4 }))
        .collect();
    let visited = Visited {
        states: vec![&states],
        n_trials: 64,
        n_steps: 1,
    };
    let found =
        find(&network, 0, &[0.0], 0, &visited, &Options::default()).expect("the search runs");
    assert_held(&found);
    assert_eq!(found.reached.attractors.len(), 8);
    assert!(
        found
            .reached
            .attractors
            .iter()
            .all(|a| a.states == 8 && a.share == 0.125)
    );
    let mut patterns: Vec<Vec<i8>> = found
        .reached
        .attractors
        .iter()
        .filter_map(|a| a.pattern.clone())
        .collect();
    patterns.sort();
    patterns.dedup();
    assert_eq!(patterns.len(), 8);
    assert!(found.reached.other.is_empty() && found.reached.never.is_empty());
    let census = Census::of(&found);
    assert_eq!(
        (
            census.by_unstable.as_slice(),
            census.reached,
            census.patterns.len()
        ),
        ([8, 12, 6, 1].as_slice(), 8, 8)
    );
    assert!(census.reached_is_the_cube);
    let summary = Summary::of([&census, &census]);
    assert_eq!(
        (summary.kinds, summary.cubes, summary.verdicts.held),
        (vec![(vec![8, 12, 6, 1], 2)], 2, 2)
    );
}

#[test]
fn bad_weights_are_an_error() {
    let mut network = vanilla("tanh", 2, &[1.0, 0.0, 0.0, 1.0], &[0.0; 2]);
    network.params[1] = f32::NAN;
    assert!(
        find(
            &network,
            0,
            &[0.0],
            0,
            &Visited::none(),
            &Options::default()
        )
        .is_err()
    );
    let network = vanilla("tanh", 2, &[1.0, 0.0, 0.0, 1.0], &[0.0; 2]);
    assert!(
        find(
            &network,
            0,
            &[0.0, 0.0],
            0,
            &Visited::none(),
            &Options::default()
        )
        .is_err()
    );
}
