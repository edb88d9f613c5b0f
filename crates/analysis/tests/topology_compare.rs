//! Comparison of graphs: classes, distances, agreement, and the automaton.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use chiliad_analysis::topology::agreement::{Pairs, agreement};
use chiliad_analysis::topology::automaton::{Run, fidelity};
use chiliad_analysis::topology::class::{Comparable, classes};
use chiliad_analysis::topology::transition::{Transitions, census_distance};
use chiliad_analysis::topology::{Graph, Landscape, Options, build, edit};
use chiliad_engine::cell::Cell;
use chiliad_engine::cpu::CpuExecutor;
use chiliad_engine::executor::{Executor, TrainOptions, Trajectories};
use chiliad_engine::fixed_points::{self, FixedPoints, Verdict, Visited, find};
use chiliad_engine::population::initialise::initialise;
use chiliad_engine::population::{Architecture, Population, Seeds};
use chiliad_engine::train::{StopRule, train};
use chiliad_tasks::{Task, TrialBank, Trials};
use std::sync::Arc;

fn flip_flop(bits: usize) -> Task {
    Task::from_ron(
        &format!(
            "(summary: \"s\", source: \"s\", generator: FlipFlop(bits: {bits}, steps: 48, pulse_probability: 0.15, force_first_pulse: true, input_noise: 0.0))"
        ),
        "flip_flop.ron",
    )
    .unwrap()
}

fn untrained(bits: usize, seeds: std::ops::Range<u64>) -> Population {
    let architecture = Architecture {
        cell: Arc::new(Cell::builtin("vanilla", "tanh").unwrap()),
        units: 16,
        inputs: bits,
        outputs: bits,
    };
    initialise(&architecture, &seeds.map(Seeds::all).collect::<Vec<_>>())
}

fn trained(bits: usize, seeds: std::ops::Range<u64>) -> Population {
    let mut population = untrained(bits, seeds);
    let cpu = CpuExecutor::new(None).unwrap();
    let task = Arc::new(flip_flop(bits));
    let evaluation = task.evaluation(128, 0).unwrap();
    let bank = TrialBank::new(Arc::clone(&task), "train", 0, 2048, 32).unwrap();
    let stop = StopRule {
        loss: Some(2e-3),
        max_steps: 1500,
        evaluate_every: 25,
        snapshots: vec![],
        ..StopRule::default()
    };
    let mut options = TrainOptions::new(population.n_networks);
    options.batch = 32;
    let done = train(
        &cpu,
        &population,
        &options,
        &stop,
        &bank,
        &evaluation,
        None,
        &mut |_| true,
    );
    population.params = done.unwrap().best_params;
    population
}

fn roll_out(population: &Population, trials: &Trials) -> Trajectories {
    let cpu = CpuExecutor::new(None).unwrap();
    cpu.roll_out(population, &trials.inputs, trials.n_trials, trials.n_steps)
        .unwrap()
}

/// States of one network at a step, one per trial.
fn states(rolled: &Trajectories, network: usize, step: usize) -> Vec<Vec<f64>> {
    (0..rolled.n_trials)
        .map(|trial| {
            let at = ((network * rolled.n_trials + trial) * rolled.n_steps + step) * rolled.n_units;
            let fields = rolled
                .states
                .iter()
                .flat_map(|s| &s[at..at + rolled.n_units]);
            fields.map(|x| f64::from(*x)).collect()
        })
        .collect()
}

fn search(population: &Population, network: usize, rolled: &Trajectories) -> FixedPoints {
    let input = vec![0.0; population.architecture.inputs];
    let visited = Visited::of(rolled, network);
    find(
        population,
        network,
        &input,
        0,
        &visited,
        &fixed_points::Options::default(),
    )
    .unwrap()
}

fn graphs(population: &Population, bits: usize) -> Vec<(Graph, Landscape)> {
    let rolled = roll_out(population, &flip_flop(bits).sample("train", 64, 7).unwrap());
    (0..population.n_networks)
        .map(|n| {
            let driven = states(&rolled, n, rolled.n_steps - 1);
            let landscape = Landscape::of(&search(population, n, &rolled), driven);
            let graph = build(
                population,
                n,
                std::slice::from_ref(&landscape),
                &Options::default(),
            );
            (graph.unwrap(), landscape)
        })
        .collect()
}

/// The same networks with their units in another order.
fn permuted(population: &Population) -> Population {
    let n = population.architecture.units;
    let order: Vec<usize> = (0..n).map(|i| (i * 5 + 3) % n).collect();
    let mut other = population.clone();
    for network in 0..population.n_networks {
        let base = network * population.layout.n_params;
        for tensor in &population.layout.tensors {
            let old = &population.network(network)[tensor.range()];
            let new = &mut other.params[base..][tensor.range()];
            let unit = |axis: usize| tensor.shape[axis] == n && tensor.name != "b_out";
            let columns = tensor.shape.get(1).copied().unwrap_or(1);
            for i in 0..tensor.shape[0] {
                for j in 0..columns {
                    let from_i = if unit(0) { order[i] } else { i };
                    let from_j = if tensor.shape.len() > 1 && unit(1) {
                        order[j]
                    } else {
                        j
                    };
                    new[i * columns + j] = old[from_i * columns + from_j];
                }
            }
        }
    }
    other
}

#[test]
fn controls_hold_and_the_automaton_explains_trained_networks() {
    let (two, three) = (trained(2, 0..4), trained(3, 0..4));
    let (of_two, of_three) = (graphs(&two, 2), graphs(&three, 3));
    // Negative control: other names of the units are no other network.
    let shuffled = graphs(&permuted(&two), 2);
    for ((a, _), (b, _)) in of_two.iter().zip(&shuffled) {
        for labels in [false, true] {
            let [a, b] = [a, b].map(|g| Comparable::new(g, labels));
            assert!(a.is_isomorphic(&b), "permuting units changed the class");
        }
        assert!(Transitions::of(a).difference(&Transitions::of(b)).points == 0);
    }
    // Positive controls.
    let all: Vec<Comparable> = of_two
        .iter()
        .chain(&of_three)
        .chain(&graphs(&untrained(3, 0..4), 3))
        .map(|(g, _)| Comparable::new(g, false))
        .collect();
    let class = classes(&all);
    let of = |range: std::ops::Range<usize>| {
        class[range]
            .iter()
            .copied()
            .collect::<std::collections::BTreeSet<_>>()
    };
    let (two_bit, three_bit, null) = (of(0..4), of(4..8), of(8..12));
    assert!(two_bit.is_disjoint(&three_bit) && three_bit.is_disjoint(&null));
    // New trials.
    let new = flip_flop(3).sample("train", 48, 991).unwrap();
    let rolled = roll_out(&three, &new);
    let mut shares = Vec::new();
    for (n, (graph, landscape)) in of_three.iter().enumerate() {
        assert_eq!(graph.scaffold().unwrap().census()[0], 8);
        let size = new.n_trials * new.n_steps * 3;
        let run = Run {
            n_trials: new.n_trials,
            n_steps: new.n_steps,
            inputs: &new.inputs,
            outputs: &rolled.outputs[n * size..(n + 1) * size],
            first: &states(&rolled, n, 0),
        };
        let landscapes = std::slice::from_ref(landscape);
        let found = fidelity(&three, n, graph, landscapes, &run, 3, &Options::default()).unwrap();
        shares.push(found.share.unwrap());
    }
    assert!(shares.iter().all(|s| *s > 0.9), "{shares:?}");
}

#[test]
fn a_search_stopped_early_is_open() {
    let population = trained(3, 0..1);
    let rolled = roll_out(&population, &flip_flop(3).sample("train", 64, 7).unwrap());
    let early = fixed_points::Options {
        seeds: 40,
        rounds_max: 1,
        ..fixed_points::Options::default()
    };
    let visited = Visited::of(&rolled, 0);
    let found = find(&population, 0, &[0.0; 3], 0, &visited, &early).unwrap();
    assert_eq!(found.certificate.verdict, Verdict::Open);
}

fn chain(kinds: &[usize]) -> Graph {
    use chiliad_analysis::topology::{Edge, EdgeKind, Node, NodeKind};
    let node = |index: usize| Node {
        condition: 0,
        kind: if index == 0 {
            NodeKind::Stable
        } else {
            NodeKind::Saddle
        },
        index,
        period: 1,
        point: None,
        label: String::new(),
        reached: None,
        share: 0.0,
        missing: None,
        readout: Vec::new(),
        rounded: Vec::new(),
    };
    let mut graph = Graph {
        nodes: kinds.iter().map(|k| node(*k)).collect(),
        ..Graph::default()
    };
    for i in 0..kinds.len() {
        for j in [i.wrapping_sub(1), i + 1] {
            if kinds[i] == 1 && j < kinds.len() {
                graph.edges.push(Edge {
                    from: i,
                    to: j,
                    kind: EdgeKind::End,
                    share: Some(0.5),
                    input: None,
                });
            }
        }
    }
    graph
}

#[test]
fn edit_distances_of_small_graphs_are_exact() {
    let (two, three) = (chain(&[0, 1, 0]), chain(&[0, 1, 0, 1, 0]));
    let at = |a: &Graph, b: &Graph| edit::distance(a, b, edit::BUDGET);
    assert_eq!(at(&two, &two), edit::Bounds { lower: 0, upper: 0 });
    // One saddle, one attractor and two edges more.
    assert_eq!(at(&two, &three), edit::Bounds { lower: 4, upper: 4 });
    assert_eq!(at(&three, &two), edit::Bounds { lower: 4, upper: 4 });
    assert_eq!(census_distance(&two, &three), 2);
    let starved = edit::distance(&two, &three, 3);
    assert!(starved.lower <= 4 && starved.upper >= 4 && starved.lower < starved.upper);
}

#[test]
fn agreement_is_the_share_of_pairs_and_leaves_self_copies_out() {
    let classes = [0, 0, 0, 1];
    let groups = [0, 0, 1, 1];
    let of = |pairs| agreement(&classes, &groups, pairs, 0).unwrap();
    assert!((of(Pairs::All).value - 0.5).abs() < 1e-12);
    assert!((of(Pairs::Within).value - 0.5).abs() < 1e-12);
    assert!((of(Pairs::Between).value - 0.5).abs() < 1e-12);
    // All different: copies of oneself would make it look alike.
    let apart = agreement(&[0, 1, 2, 3], &groups, Pairs::All, 0).unwrap();
    assert_eq!((apart.value, apart.low, apart.high), (0.0, 0.0, 0.0));
    assert!(agreement(&[0, 1], &[0, 0], Pairs::Between, 0).is_none());
}
