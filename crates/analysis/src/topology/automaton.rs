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

/// What the automaton makes of trials.
#[derive(Clone, Debug, PartialEq)]
pub struct Prediction {
    /// The node that it is at, `[trial][time]`; none where the graph has no edge to follow. The network's own end decides the
    /// first step.
    pub nodes: Vec<Vec<Option<usize>>>,
    /// Whether a pulse came, `[trial][time]`.
    pub pulsed: Vec<Vec<bool>>,
}

/// Feeds the trials' pulses to the graph. The automaton starts where the network's state after the first step ends; from then
/// on it sees pulses and nothing else. Pulses of one step act one after the other, by channel. In words, why there is none.
///
/// # Errors
///
/// Those of [`Map::new`].
pub fn predict(
    population: &Population,
    network: usize,
    graph: &Graph,
    landscapes: &[Landscape],
    run: &Run,
    options: &Options,
) -> Result<Result<Prediction, &'static str>, EngineError> {
    let [landscape] = landscapes else {
        return Ok(Err(
            "the task has several constant inputs: its graph has no letter for what a single step brings",
        ));
    };
    let architecture = &population.architecture;
    let Some(letters) = letters(run, &landscape.input, architecture.inputs) else {
        return Ok(Err(
            "the inputs of the trials are more than unit pulses on a constant input",
        ));
    };
    if architecture.outputs == 0 || run.n_trials == 0 || run.n_steps < 2 {
        return Ok(Err("no outputs, or no trials of two steps or more"));
    }
    let moves: HashMap<(usize, &str), usize> = graph
        .edges
        .iter()
        .filter(|e| e.kind == EdgeKind::Pulse)
        .filter_map(|e| Some(((e.from, e.input.as_deref()?), e.to)))
        .collect();
    let map = Map::new(population, network, &landscape.input)?;
    let mut flow = landscape.flow(&map, options);
    let mut found = Prediction {
        nodes: Vec::with_capacity(run.n_trials),
        pulsed: Vec::with_capacity(run.n_trials),
    };
    for (trial, end) in flow.ends(run.first).into_iter().enumerate() {
        let mut node = node_of(graph, &flow.attractors[end]);
        let (mut nodes, mut pulsed) = (vec![node], vec![false]);
        for step in 1..run.n_steps {
            let letters = &letters[trial * run.n_steps + step];
            for letter in letters {
                node = node.and_then(|n| moves.get(&(n, letter.as_str())).copied());
            }
            nodes.push(node);
            pulsed.push(!letters.is_empty());
        }
        found.nodes.push(nodes);
        found.pulsed.push(pulsed);
    }
    Ok(Ok(found))
}

/// Compares what the automaton makes of trials ([`predict`]) with what the network said.
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
    let predicted = match predict(population, network, graph, landscapes, run, options)? {
        Ok(predicted) => predicted,
        Err(why) => return Ok(Fidelity::not_applicable(why, grace)),
    };
    let n_outputs = population.architecture.outputs;
    let (mut counted, mut agreed, mut all, mut all_agreed) = (0_usize, 0_usize, 0_usize, 0_usize);
    for (trial, (nodes, pulsed)) in predicted.nodes.iter().zip(&predicted.pulsed).enumerate() {
        let mut since = 0;
        for step in 1..run.n_steps {
            since = if pulsed[step] { 0 } else { since + 1 };
            let at = trial * run.n_steps + step;
            let outputs = &run.outputs[at * n_outputs..(at + 1) * n_outputs];
            let same = nodes[step].is_some_and(|n| {
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
