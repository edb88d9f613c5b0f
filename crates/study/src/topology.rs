//! Topology graphs of a population: made from its fixed points, kept as `topology.json`, read back.

use crate::error::{Result, StudyError};
use crate::manifest::StudyFolder;
use crate::points::CensusFile;
use crate::study::{PopulationPlan, TopologyPlan};
use crate::tables::Table;
use chiliad_analysis::topology::automaton::{Fidelity, Run, fidelity, predict};
use chiliad_analysis::topology::class::{Comparable, classes};
use chiliad_analysis::topology::{Graph, Landscape, Options, build};
use chiliad_engine::executor::{Executor, Trajectories};
use chiliad_engine::fixed_points::FixedPoints;
use chiliad_engine::population::Population;
use chiliad_tasks::{NpzArray, Trials};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// `topology.json`, and `result.json` of the command.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct TopologyFile {
    /// One per network.
    pub networks: Vec<NetworkTopology>,
}

/// One network's graph and how well it explains the network.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct NetworkTopology {
    /// Its place in the population.
    pub network: usize,
    /// Isomorphism class among the networks of this file, 0 the largest.
    pub class: usize,
    /// The same where nodes must also have the same label.
    pub class_labelled: usize,
    /// The same for the part that driven states show.
    pub class_reached: Option<usize>,
    /// The same for that part with labels.
    pub class_reached_labelled: Option<usize>,
    /// Share of the time steps that the automaton explains.
    pub automaton_fidelity: Option<f64>,
    /// How that was counted, or why it was not.
    pub automaton: Fidelity,
    /// The graph.
    #[serde(flatten)]
    pub graph: Graph,
}

/// What graphs are made from.
pub struct Measure<'a> {
    /// How.
    pub plan: &'a TopologyPlan,
    /// Trials that drive the networks, as the search's.
    pub driven: Option<&'a Trials>,
    /// Trials on which the automaton is judged.
    pub judged: Option<&'a Trials>,
    /// Seed of the study.
    pub seed: u64,
}

/// Graphs of all networks; `landscapes[network][condition]` without driven states, `indices` the networks' places.
///
/// # Errors
///
/// Those of roll-out and of the graphs.
pub fn measure(
    executor: &dyn Executor,
    population: &Population,
    indices: &[usize],
    mut landscapes: Vec<Vec<Landscape>>,
    what: &Measure<'_>,
    done: &mut dyn FnMut(usize),
) -> Result<TopologyFile> {
    let options = Options {
        directions: what.plan.directions,
        amplitude: what.plan.amplitude,
        seed: what.seed,
        ..Options::default()
    };
    let mut found: Vec<(Graph, Fidelity)> = Vec::with_capacity(indices.len());
    // Many more than threads, since one network may take a hundred times as long as the next; their trajectories are held
    // meanwhile.
    let together = 8 * rayon::current_num_threads();
    for first in (0..population.n_networks).step_by(together) {
        let chosen: Vec<usize> = (first..population.n_networks.min(first + together)).collect();
        let part = population.select(&chosen);
        let roll = |trials: Option<&Trials>| {
            trials
                .map(|t| executor.roll_out(&part, &t.inputs, t.n_trials, t.n_steps))
                .transpose()
        };
        let (driven, judged) = (roll(what.driven)?, roll(what.judged)?);
        let mut here: Vec<Vec<Landscape>> = landscapes.drain(..chosen.len()).collect();
        if let (Some(rolled), Some(trials)) = (&driven, what.driven) {
            for (n, conditions) in here.iter_mut().enumerate() {
                drive(conditions, rolled, n, trials);
            }
        }
        let one = |n: usize| -> Result<(Graph, Fidelity)> {
            let graph = build(&part, n, &here[n], &options)?;
            let fidelity = match (&judged, what.judged) {
                (Some(rolled), Some(trials)) => {
                    let size = rolled.n_trials * rolled.n_steps * rolled.n_outputs;
                    let run = Run {
                        n_trials: trials.n_trials,
                        n_steps: trials.n_steps,
                        inputs: &trials.inputs,
                        outputs: &rolled.outputs[n * size..(n + 1) * size],
                        first: &states(rolled, n, 0),
                    };
                    fidelity(&part, n, &graph, &here[n], &run, what.plan.grace, &options)?
                }
                _ => Fidelity::not_applicable("no trials were given", what.plan.grace),
            };
            Ok((graph, fidelity))
        };
        let graphs: Result<Vec<_>> = (0..part.n_networks).into_par_iter().map(one).collect();
        found.extend(graphs?);
        done(found.len());
    }
    let mut file = TopologyFile {
        networks: indices
            .iter()
            .zip(found)
            .map(|(&network, (graph, automaton))| NetworkTopology {
                network,
                class: 0,
                class_labelled: 0,
                class_reached: None,
                class_reached_labelled: None,
                automaton_fidelity: automaton.share,
                automaton,
                graph,
            })
            .collect(),
    };
    file.classify();
    Ok(file)
}

/// Rounded outputs that the graph of the only network of `population` predicts of the trials' pulses, `[trial][time][output]`; not
/// a number where it says nothing. None where the automaton does not apply.
///
/// # Errors
///
/// Those of the roll-out's cell.
pub fn predicted(
    population: &Population,
    graph: &Graph,
    landscapes: &[Landscape],
    trials: &Trials,
    rolled: &Trajectories,
    plan: &TopologyPlan,
) -> Result<Option<Vec<Vec<Vec<f64>>>>> {
    let run = Run {
        n_trials: trials.n_trials,
        n_steps: trials.n_steps,
        inputs: &trials.inputs,
        outputs: &rolled.outputs,
        first: &states(rolled, 0, 0),
    };
    let options = Options {
        directions: plan.directions,
        amplitude: plan.amplitude,
        ..Options::default()
    };
    let Ok(found) = predict(population, 0, graph, landscapes, &run, &options)? else {
        return Ok(None);
    };
    let said = |node: &Option<usize>| match node.map(|n| &graph.nodes[n].rounded) {
        Some(rounded) if rounded.len() == rolled.n_outputs => {
            rounded.iter().map(|r| f64::from(*r)).collect()
        }
        _ => vec![f64::NAN; rolled.n_outputs],
    };
    let trial = |nodes: &Vec<Option<usize>>| nodes.iter().map(said).collect();
    Ok(Some(found.nodes.iter().map(trial).collect()))
}

/// States of one network at a step, `[field, unit]`, one per trial.
fn states(rolled: &Trajectories, network: usize, step: usize) -> Vec<Vec<f64>> {
    let (n, t) = (rolled.n_units, rolled.n_steps);
    (0..rolled.n_trials)
        .map(|trial| {
            let at = ((network * rolled.n_trials + trial) * t + step) * n;
            let fields = rolled.states.iter().flat_map(|s| &s[at..at + n]);
            fields.map(|x| f64::from(*x)).collect()
        })
        .collect()
}

/// Last states of the trials; under several constant inputs those of its own trials, where the trials say so.
fn drive(conditions: &mut [Landscape], rolled: &Trajectories, network: usize, trials: &Trials) {
    let ends = states(rolled, network, rolled.n_steps.saturating_sub(1));
    let told = conditions.len() > 1
        && trials
            .condition
            .iter()
            .all(|c| usize::try_from(*c).is_ok_and(|c| c < conditions.len()));
    for (c, landscape) in conditions.iter_mut().enumerate() {
        landscape.driven = ends
            .iter()
            .zip(&trials.condition)
            .filter(|(s, of)| (!told || **of as usize == c) && s.iter().all(|x| x.is_finite()))
            .map(|(s, _)| s.clone())
            .collect();
    }
}

impl TopologyFile {
    /// Sorts all networks into classes.
    pub fn classify(&mut self) {
        for labels in [false, true] {
            let all: Vec<Comparable> = self
                .networks
                .iter()
                .map(|n| Comparable::new(&n.graph, labels))
                .collect();
            let class = classes(&all);
            let shown: Vec<usize> = (0..self.networks.len())
                .filter(|&n| self.networks[n].graph.scaffold().is_some())
                .collect();
            let scaffolds: Vec<Comparable> = shown
                .iter()
                .filter_map(|&n| self.networks[n].graph.scaffold())
                .map(|g| Comparable::new(&g, labels))
                .collect();
            let reached: BTreeMap<usize, usize> =
                shown.into_iter().zip(classes(&scaffolds)).collect();
            for (n, network) in self.networks.iter_mut().enumerate() {
                let scaffold = reached.get(&n).copied();
                if labels {
                    network.class_labelled = class[n];
                    network.class_reached_labelled = scaffold;
                } else {
                    network.class = class[n];
                    network.class_reached = scaffold;
                }
            }
        }
    }

    /// As it stands in the file.
    ///
    /// # Errors
    ///
    /// None that a graph can cause.
    pub fn to_json(&self) -> Result<Vec<u8>> {
        let mut text = serde_json::to_vec(self)
            .map_err(|e| StudyError::Input(format!("topology.json: {e}")))?;
        text.push(b'\n');
        Ok(text)
    }
}

/// Landscapes of a search, network by network.
#[must_use]
pub fn of_search(found: &[Vec<FixedPoints>]) -> Vec<Vec<Landscape>> {
    let one = |f: &FixedPoints| Landscape::of(f, Vec::new());
    found.iter().map(|n| n.iter().map(one).collect()).collect()
}

/// Landscapes of a population of a study, network by network.
///
/// # Errors
///
/// [`StudyError::Damaged`] where a file has changed, and those of [`of_files`].
pub fn landscapes(folder: &StudyFolder, plan: &PopulationPlan) -> Result<Vec<Vec<Landscape>>> {
    let [table, npz] = ["fixed_points.parquet", "fixed_points.npz"]
        .map(|f| format!("populations/{}/{f}", plan.label));
    let rows = Table::from_bytes(folder.read(&table)?, &folder.root.join(&table))?;
    folder.read(&npz)?;
    let arrays = chiliad_tasks::read_npz(folder.root.join(&npz))?;
    of_files(&rows, &arrays, &crate::gather::read_census(folder, plan)?)
}

/// Landscapes from `fixed_points.parquet`, `fixed_points.npz` and `census.json`, network by network as in the census.
///
/// # Errors
///
/// [`StudyError::Input`] where the three do not belong together.
pub fn of_files(
    table: &Table,
    arrays: &BTreeMap<String, NpzArray>,
    census: &CensusFile,
) -> Result<Vec<Vec<Landscape>>> {
    let refuse = || {
        StudyError::Input(
            "fixed_points.parquet, fixed_points.npz and census.json do not belong together; search again".into(),
        )
    };
    let state = arrays.get("state").ok_or_else(refuse)?;
    let width = state.shape.get(1).copied().unwrap_or(0).max(1);
    let states = state.to_f64();
    if states.len() != table.n_rows() * width {
        return Err(refuse());
    }
    let mut rows: BTreeMap<(i64, i64), Vec<usize>> = BTreeMap::new();
    let keys = table
        .integer("network")
        .iter()
        .zip(table.integer("condition"));
    for (row, (network, condition)) in keys.enumerate() {
        if table.words("kind").get(row).is_some_and(|k| k == "fixed") {
            rows.entry((*network, *condition)).or_default().push(row);
        }
    }
    let landscape = |network: usize, c: &crate::points::ConditionCensus| -> Result<Landscape> {
        if c.state_scale <= 0.0 {
            return Err(refuse());
        }
        let key = (network as i64, c.condition as i64);
        let rows = rows.get(&key).map_or(&[][..], Vec::as_slice);
        let unstable = rows
            .iter()
            .map(|&r| usize::try_from(*table.integer("unstable").get(r)?).ok())
            .collect::<Option<Vec<usize>>>();
        Ok(Landscape {
            input: c.input.clone(),
            points: rows
                .iter()
                .map(|&r| states[r * width..(r + 1) * width].to_vec())
                .collect(),
            unstable: unstable.ok_or_else(refuse)?,
            state_scale: c.state_scale,
            driven: Vec::new(),
        })
    };
    census
        .networks
        .iter()
        .map(|n| {
            n.conditions
                .iter()
                .map(|c| landscape(n.network, c))
                .collect()
        })
        .collect()
}
