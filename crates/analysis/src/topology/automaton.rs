//! Whether the graph explains the network: the attractors as states of an automaton, moved by the pulses alone.

use super::build::round;
use super::flow::Attractor;
use super::graph::{EdgeKind, Graph, NodeKind};
use super::inputs::pulse_name;
use super::{Landscape, Options};
use chiliad_engine::error::EngineError;
use chiliad_engine::map::Map;
use chiliad_engine::population::Population;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// Trials of one network, as it ran them.
#[derive(Clone, Copy, Debug)]
pub struct Run<'a> {
    /// Trials.
    pub n_trials: usize,
    /// Steps of each.
    pub n_steps: usize,
    /// `[trial, time, channel]`
    pub inputs: &'a [f32],
    /// The network's outputs, `[trial, time, output]`.
    pub outputs: &'a [f32],
    /// States after the first step, `[field, unit]`, one per trial.
    pub first: &'a [Vec<f64>],
}

/// How well the automaton does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fidelity {
    /// Share of the time steps at which every rounded output of automaton and network is the same; none where it cannot be
    /// said. Only steps at least `grace` after the last pulse count, and not the first step of a trial.
    pub share: Option<f64>,
    /// The same over all steps but the first.
    pub share_without_grace: Option<f64>,
    /// Steps that counted.
    pub steps: usize,
    /// Steps without a pulse that the network is given to settle.
    pub grace: usize,
    /// Why it cannot be said.
    pub not_applicable: Option<String>,
}

impl Fidelity {
    /// Not a number, but why.
    #[must_use]
    pub fn not_applicable(why: impl Into<String>, grace: usize) -> Self {
        Self {
            share: None,
            share_without_grace: None,
            steps: 0,
            grace,
            not_applicable: Some(why.into()),
        }
    }
}

/// Feeds the trials' pulses to the graph and compares. The automaton starts where the network's state after the first
/// step ends; from then on it sees pulses and nothing else. Pulses of one step act one after the other, by channel.
///
/// # Errors
///
/// Those of [`Map::new`].
pub fn fidelity(
    population: &Population,
    network: usize,
    graph: &Graph,
    landscapes: &[Landscape],
    run: &Run,
    grace: usize,
    options: &Options,
) -> Result<Fidelity, EngineError> {
    let [landscape] = landscapes else {
        return Ok(Fidelity::not_applicable(
            "the task has several constant inputs: its graph has no letter for what a single step brings",
            grace,
        ));
    };
    let (n_inputs, n_outputs) = (
        population.architecture.inputs,
        population.architecture.outputs,
    );
    let Some(letters) = letters(run, &landscape.input, n_inputs) else {
        return Ok(Fidelity::not_applicable(
            "the inputs of the trials are more than unit pulses on a constant input",
            grace,
        ));
    };
    if n_outputs == 0 || run.n_trials == 0 || run.n_steps < 2 {
        return Ok(Fidelity::not_applicable(
            "no outputs, or no trials of two steps or more",
            grace,
        ));
    }
    let moves: HashMap<(usize, &str), usize> = graph
        .edges
        .iter()
        .filter(|e| e.kind == EdgeKind::Pulse)
        .filter_map(|e| Some(((e.from, e.input.as_deref()?), e.to)))
        .collect();
    let map = Map::new(population, network, &landscape.input)?;
    let mut flow = landscape.flow(&map, options);
    let starts: Vec<Option<usize>> = flow
        .ends(run.first)
        .into_iter()
        .map(|end| node_of(graph, &flow.attractors[end]))
        .collect();
    let (mut counted, mut agreed, mut all, mut all_agreed) = (0_usize, 0_usize, 0_usize, 0_usize);
    for (trial, start) in starts.iter().enumerate() {
        let mut node = *start;
        let mut since = 0;
        for step in 1..run.n_steps {
            let at = trial * run.n_steps + step;
            since += 1;
            for letter in &letters[at] {
                since = 0;
                node = node.and_then(|n| moves.get(&(n, letter.as_str())).copied());
            }
            let outputs = &run.outputs[at * n_outputs..(at + 1) * n_outputs];
            let same = node.is_some_and(|n| {
                let rounded = &graph.nodes[n].rounded;
                rounded.len() == n_outputs
                    && rounded
                        .iter()
                        .zip(outputs)
                        .all(|(r, y)| *r == round(f64::from(*y)))
            });
            all += 1;
            all_agreed += usize::from(same);
            if since >= grace {
                counted += 1;
                agreed += usize::from(same);
            }
        }
    }
    let share = |part: usize, of: usize| (of > 0).then(|| part as f64 / of as f64);
    Ok(Fidelity {
        share: share(agreed, counted),
        share_without_grace: share(all_agreed, all),
        steps: counted,
        grace,
        not_applicable: (counted == 0)
            .then(|| format!("no step comes {grace} steps after a pulse")),
    })
}

/// The node of an attractor: by its number in the search, else the first of its kind and period.
fn node_of(graph: &Graph, attractor: &Attractor) -> Option<usize> {
    graph.nodes.iter().position(|n| {
        n.kind == attractor.kind
            && n.point == attractor.point
            && (n.kind != NodeKind::Cycle || n.period == attractor.orbit.len())
    })
}

/// Names of the pulses of every step; none where an input is anything else.
fn letters(run: &Run, base: &[f32], n_inputs: usize) -> Option<Vec<Vec<String>>> {
    run.inputs
        .chunks(n_inputs.max(1))
        .map(|step| {
            let mut names = Vec::new();
            for (channel, (x, b)) in step.iter().zip(base).enumerate() {
                let pulse = x - b;
                if (pulse.abs() - 1.0).abs() < 1e-6 {
                    names.push(pulse_name(channel, pulse > 0.0));
                } else if pulse.abs() > 1e-6 {
                    return None;
                }
            }
            Some(names)
        })
        .collect()
}
