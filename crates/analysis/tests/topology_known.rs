//! Graphs whose nodes and edges are known.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use chiliad_analysis::topology::class::{Comparable, classes};
use chiliad_analysis::topology::{EdgeKind, Graph, Landscape, NodeKind, Options, build};
use chiliad_engine::cell::Cell;
use chiliad_engine::fixed_points::{self, Visited, find};
use chiliad_engine::population::{Architecture, Population};
use chiliad_tasks::random::Stream;
use std::sync::Arc;

/// One vanilla tanh network; the readout is the identity on `outputs` groups of units.
fn vanilla(w: &[f64], bits: usize, pulse: f64) -> Population {
    with_activation("tanh", w, bits, pulse)
}

fn with_activation(activation: &str, w: &[f64], bits: usize, pulse: f64) -> Population {
    let n = (w.len() as f64).sqrt() as usize;
    let per_bit = n / bits;
    let mut population = Population::zeros(
        Architecture {
            cell: Arc::new(Cell::builtin("vanilla", activation).unwrap()),
            units: n,
            inputs: bits,
            outputs: bits,
        },
        1,
    );
    let mut set = |name: &str, value: &dyn Fn(usize, usize) -> f64| {
        let tensor = population.layout.named(name).unwrap().clone();
        let columns = tensor.shape[1];
        for (at, p) in population.params[tensor.range()].iter_mut().enumerate() {
            *p = value(at / columns, at % columns) as f32;
        }
    };
    set("w_rec.a", &|i, j| w[i * n + j]);
    set("w_in.a", &|i, j| if i / per_bit == j { pulse } else { 0.0 });
    let share = 1.0 / per_bit as f64;
    set("w_out", &|i, j| if j / per_bit == i { share } else { 0.0 });
    population
}

fn graph(population: &Population) -> Graph {
    let inputs = vec![0.0; population.architecture.inputs];
    let found = find(
        population,
        0,
        &inputs,
        0,
        &Visited::none(),
        &fixed_points::Options::default(),
    )
    .unwrap();
    build(
        population,
        0,
        &[Landscape::of(&found, Vec::new())],
        &Options::default(),
    )
    .unwrap()
}

/// Three units with w = 1.5, coupled at random.
fn cube(coupling: f64, seed: u64) -> Vec<f64> {
    let stream = Stream::new(seed, 0x900);
    (0..9)
        .map(|i| {
            let own = if i % 4 == 0 { 1.5 } else { 0.0 };
            own + coupling * f64::from(stream.normal_at(i, 0))
        })
        .collect()
}

#[track_caller]
fn assert_cube(graph: &Graph) {
    assert_eq!(graph.census(), [8, 12, 6, 1]);
    assert_eq!(graph.count(EdgeKind::End, 1, 0), 24);
    assert_eq!(graph.count(EdgeKind::Link, 2, 1), 24);
    assert_eq!(graph.count(EdgeKind::Link, 3, 2), 6);
    let links = |e: &&chiliad_analysis::topology::Edge| e.kind == EdgeKind::Link;
    assert_eq!(graph.edges.iter().filter(links).count(), 30);
    assert_eq!((graph.unresolved, graph.missed_by_search), (0, 0));
    let alternating: i64 = graph
        .census()
        .iter()
        .zip([1, -1, 1, -1])
        .map(|(n, s)| *n as i64 * s)
        .sum();
    assert_eq!(alternating, 1);
}

#[test]
fn three_uncoupled_units_make_a_cube() {
    assert_cube(&graph(&vanilla(&cube(0.0, 0), 3, 2.0)));
}

#[test]
fn a_weak_random_coupling_keeps_the_cube() {
    for seed in 0..8 {
        assert_cube(&graph(&vanilla(&cube(0.03, seed), 3, 2.0)));
    }
}

#[test]
fn two_units_per_bit_make_the_same_cube() {
    let n = 6;
    let w: Vec<f64> = (0..n * n)
        .map(|i| if i / n / 2 == i % n / 2 { 0.75 } else { 0.0 })
        .collect();
    assert_cube(&graph(&vanilla(&w, 3, 2.0)));
}

#[test]
fn unequal_rates_keep_the_cube() {
    let mut w = vec![0.0; 9];
    (w[0], w[4], w[8]) = (1.15, 1.5, 2.5);
    assert_cube(&graph(&vanilla(&w, 3, 3.0)));
}

/// Where one direction grows much faster than another, what the slow one reaches is left to thin wedges.
#[test]
fn unequal_rates_and_a_random_coupling_keep_the_cube() {
    for (rates, coupling) in [
        ([1.4, 1.4, 1.9], 0.02),
        ([1.3, 1.6, 2.2], 0.02),
        ([1.2, 1.8, 2.8], 0.01),
    ] {
        for seed in 0..6 {
            let w = cube(coupling, 40 + seed);
            let w: Vec<f64> = (0..9)
                .map(|i| w[i] + if i % 4 == 0 { rates[i / 3] - 1.5 } else { 0.0 })
                .collect();
            assert_cube(&graph(&vanilla(&w, 3, 1.0)));
        }
    }
}

/// The graph is the network's, not that of an order of its units.
#[test]
fn units_in_another_order_have_the_same_graph() {
    let n = 4;
    let stream = Stream::new(11, 0x902);
    for (rates, coupling, census) in [
        ([1.4, 1.7, 2.1, 2.6], 0.02, [16, 32, 24, 8, 1]),
        ([1.2, 1.5, 1.9, 2.6], 0.04, [12, 22, 14, 4, 1]),
    ] {
        let w: Vec<f64> = (0..n * n)
            .map(|i| {
                let own = if i % (n + 1) == 0 { rates[i / n] } else { 0.0 };
                own + coupling * f64::from(stream.normal_at(i as u32, 0))
            })
            .collect();
        let orders = [[0, 1, 2, 3], [3, 1, 0, 2], [2, 3, 1, 0], [1, 0, 3, 2]];
        let graphs = orders.map(|order| {
            let at = |i: usize| order[i / n] * n + order[i % n];
            let permuted: Vec<f64> = (0..n * n).map(|i| w[at(i)]).collect();
            let graph = graph(&vanilla(&permuted, n, 1.0));
            assert_eq!(graph.census(), census);
            let missing = graph.nodes.iter().filter_map(|n| n.missing).max();
            assert_eq!((graph.unresolved, missing), (0, Some(0)));
            if census[0] == 16 {
                // A cube of four dimensions: 16 corners, 32 edges, 24 faces, 8 cells.
                let links = [(1, 0), (2, 1), (3, 2), (4, 3)].map(|(from, to)| {
                    let kind = if to == 0 {
                        EdgeKind::End
                    } else {
                        EdgeKind::Link
                    };
                    graph.count(kind, from, to)
                });
                assert_eq!(links, [64, 96, 48, 8]);
            }
            Comparable::new(&graph, false)
        });
        assert_eq!(classes(&graphs), [0; 4]);
    }
}

#[test]
fn pulses_flip_their_bit_from_the_known_size_on() {
    // A one-step pulse flips a bit from 1.5 a = 1.2878 on.
    for (size, flips) in [(1.3, true), (1.2, false)] {
        let graph = graph(&vanilla(&cube(0.0, 0), 3, size));
        let pulses = graph.edges.iter().filter(|e| e.kind == EdgeKind::Pulse);
        let mut n = 0;
        for e in pulses {
            n += 1;
            let name = e.input.as_deref().unwrap();
            let channel: usize = name[1..].parse().unwrap();
            let mut expected = graph.nodes[e.from].rounded.clone();
            if flips {
                expected[channel] = if name.starts_with('+') { 1 } else { -1 };
            }
            assert_eq!(graph.nodes[e.to].rounded, expected, "{name}");
        }
        assert_eq!(n, 8 * 6);
    }
}

#[test]
fn a_period_two_orbit_is_a_node_of_its_own() {
    let graph = graph(&vanilla(&[-1.5], 1, 1.0));
    let cycle = graph
        .nodes
        .iter()
        .find(|n| n.kind == NodeKind::Cycle)
        .unwrap();
    assert_eq!(cycle.period, 2);
    assert!(graph.nodes.iter().all(|n| n.kind != NodeKind::Stable));
    assert_eq!(graph.count(EdgeKind::LeadsToCycle, 1, 0), 1);
}

#[test]
fn an_invariant_circle_does_not_settle_and_is_one_node() {
    let (rho, theta) = (1.05_f64, 0.2_f64);
    let (c, s) = (rho * theta.cos(), rho * theta.sin());
    let graph = graph(&vanilla(&[c, -s, s, c], 1, 1.0));
    let other: Vec<_> = graph
        .nodes
        .iter()
        .filter(|n| n.kind == NodeKind::Other)
        .collect();
    assert_eq!((other.len(), graph.census()), (1, vec![0, 0, 1]));
    assert_eq!(graph.edges[0].kind, EdgeKind::LeadsToCycle);
    assert_eq!(graph.edges[0].share, Some(1.0));
}

#[test]
fn restless_ends_beyond_the_bound_are_one_node() {
    // A rotation of the plane: every radius is a circle of its own.
    let (s, c) = 1.0_f64.sin_cos();
    let population = with_activation("identity", &[c, -s, s, c], 1, 0.0);
    let landscape = Landscape {
        input: vec![0.0],
        points: vec![vec![0.0; 2]],
        unstable: vec![0],
        state_scale: 1.0,
        driven: (1..=10).map(|r| vec![f64::from(r), 0.0]).collect(),
    };
    let landscape = std::slice::from_ref(&landscape);
    for (others_max, nodes, joined) in [(64, 10, 0), (3, 3, 7)] {
        let options = Options {
            others_max,
            steps_max: 1024,
            ..Options::default()
        };
        let graph = build(&population, 0, landscape, &options).unwrap();
        let others = || graph.nodes.iter().filter(|n| n.kind == NodeKind::Other);
        assert_eq!((others().count(), graph.joined), (nodes, joined));
        // Nobody is lost: the last node has the rest.
        let last = others().next_back().map(|n| n.share);
        assert_eq!(last, Some(if joined == 0 { 0.1 } else { 0.8 }));
    }
}
