//! `topology`: graphs of a population on plain files.

use super::fixed_points::{SearchArguments, conditions};
use super::results::{STATES_MAX, at_most, free};
use super::{Which, answer, refuse};
use crate::terminal::Progress;
use chiliad::fixed_points_plan::FixedPointsPlan;
use chiliad::run::Events;
use chiliad::study::TopologyPlan;
use chiliad::topology::{Measure, TopologyFile, measure, of_search};
use chiliad::{engine_calls, folder, points};
use chiliad_analysis::topology::agreement::{Pairs, agreement};
use chiliad_analysis::topology::transition::{Transitions, census_distance};
use chiliad_analysis::topology::{Graph, edit};
use chiliad_tasks::{NpzArray, Trials, write_npz};
use serde_json::json;
use std::path::PathBuf;

#[derive(clap::Args)]
pub(crate) struct TopologyArguments {
    #[command(flatten)]
    which: Which,
    /// npz with `inputs` [condition, channel]; without it, no input.
    #[arg(long)]
    inputs: Option<PathBuf>,
    /// npz with trials: the first half seeds the search and is driven on, the second half judges the automaton.
    #[arg(long)]
    trials: Option<PathBuf>,
    #[command(flatten)]
    search: SearchArguments,
    /// Directions on an unstable circle (project default).
    #[arg(long, default_value_t = 64)]
    directions: usize,
    /// Distance from a point at which its unstable manifold is entered, of the state scale (project default).
    #[arg(long, default_value_t = 1e-3)]
    amplitude: f64,
    /// Steps without a pulse before a step counts for the automaton (project default).
    #[arg(long, default_value_t = 3)]
    grace: usize,
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Folder: result.json, distances.npz, and the fixed points as `fixed-points` writes them.
    #[arg(long)]
    out: PathBuf,
}

/// Classes between which edit distances are computed (project default).
const CLASSES: usize = 24;

pub(super) fn topology(a: &TopologyArguments, json: bool) -> anyhow::Result<()> {
    let found = a.which.open()?;
    let population = &found.population;
    let architecture = &population.architecture;
    free(&a.out)?;
    let plan = a.search.plan()?;
    at_most("--directions", a.directions, STATES_MAX)?;
    if a.directions == 0 {
        return refuse("--directions 0; allowed: 1 or more".into());
    }
    if !(a.amplitude > 0.0 && a.amplitude <= 0.1) {
        return refuse(format!(
            "--amplitude {}; allowed: above 0 and at most 0.1",
            a.amplitude
        ));
    }
    let conditions = conditions(a.inputs.as_deref(), architecture.inputs)?;
    let trials = a.trials.as_ref().map(Trials::load_npz).transpose()?;
    if let (Some(t), Some(file)) = (&trials, &a.trials) {
        if (t.n_inputs, t.n_outputs) != (architecture.inputs, architecture.outputs) {
            return refuse(format!(
                "{}: trials have {} inputs and {} outputs, the networks {} and {}",
                file.display(),
                t.n_inputs,
                t.n_outputs,
                architecture.inputs,
                architecture.outputs
            ));
        }
    }
    let half = |first: bool| -> anyhow::Result<Option<Trials>> {
        let Some(t) = &trials else { return Ok(None) };
        let middle = t.n_trials.div_ceil(2);
        let chosen: Vec<usize> = if first {
            (0..middle).collect()
        } else {
            (middle..t.n_trials).collect()
        };
        Ok((!chosen.is_empty())
            .then(|| t.select(&chosen))
            .transpose()?)
    };
    let (driven, judged) = (half(true)?, half(false)?);
    let device = engine_calls::open("cpu", None, 0.0)?;
    let mut progress = Progress::new(json);
    let n = population.n_networks;
    progress.begin("fixed points", &found.label);
    let search = engine_calls::Search {
        plan: &FixedPointsPlan {
            driven: driven.as_ref().map_or(0, |t| t.n_trials),
            ..plan
        },
        conditions: &conditions,
        trials: driven.as_ref(),
        own_seeds: Vec::new(),
        seed: a.seed,
    };
    let searched =
        engine_calls::fixed_points(&*device.executor, population, &search, &mut |done| {
            progress.progress(done as f64 / n as f64, &format!("{done}/{n}"));
        })?;
    progress.end();
    progress.begin("topology", &found.label);
    let plan = TopologyPlan {
        directions: a.directions,
        amplitude: a.amplitude,
        trials: judged.as_ref().map_or(0, |t| t.n_trials),
        grace: a.grace,
    };
    let what = Measure {
        plan: &plan,
        driven: driven.as_ref(),
        judged: judged.as_ref(),
        seed: a.seed,
    };
    let indices: Vec<usize> = (0..n).collect();
    let landscapes = of_search(&searched);
    let executor = &*device.executor;
    let file = measure(
        executor,
        population,
        &indices,
        landscapes,
        &what,
        &mut |done| {
            progress.progress(done as f64 / n as f64, &format!("{done}/{n}"));
        },
    )?;
    progress.end();
    let result = result(&file, a.seed)?;
    folder::make(&a.out)?;
    let n_state = architecture.cell.states.len() * architecture.units;
    let census = points::census(&indices, &searched, None);
    folder::write(
        &a.out.join("fixed_points.parquet"),
        &points::table(&indices, &searched)?,
    )?;
    write_npz(
        a.out.join("fixed_points.npz"),
        &points::arrays(&searched, n_state),
    )?;
    folder::write(&a.out.join("census.json"), &census.to_json()?)?;
    write_npz(a.out.join("distances.npz"), &distances(&file))?;
    let mut text = serde_json::to_vec(&result)?;
    text.push(b'\n');
    folder::write(&a.out.join("result.json"), &text)?;
    let classes = file
        .networks
        .iter()
        .map(|n| n.class)
        .max()
        .map_or(0, |m| m + 1);
    let words = format!(
        "{n} networks in {classes} classes{}; graphs in {}",
        fidelity_words(&file),
        a.out.display()
    );
    answer(json, &result, &words);
    Ok(())
}

/// The mean share that the automaton explains, where it can be said.
fn fidelity_words(file: &TopologyFile) -> String {
    let shares: Vec<f64> = file
        .networks
        .iter()
        .filter_map(|n| n.automaton_fidelity)
        .collect();
    if shares.is_empty() {
        return String::new();
    }
    let mean = shares.iter().sum::<f64>() / shares.len() as f64;
    format!(", automaton fidelity {mean:.3} on average")
}

/// `result.json`: the networks, the classes, and how universal they are.
fn result(file: &TopologyFile, seed: u64) -> anyhow::Result<serde_json::Value> {
    let n_classes = file
        .networks
        .iter()
        .map(|n| n.class)
        .max()
        .map_or(0, |m| m + 1);
    let members = |class: usize| file.networks.iter().filter(move |n| n.class == class);
    let representatives: Vec<&Graph> = (0..n_classes)
        .filter_map(|c| members(c).next())
        .map(|n| &n.graph)
        .collect();
    let classes: Vec<serde_json::Value> = (0..n_classes)
        .map(|c| {
            json!({
                "class": c,
                "networks": members(c).map(|n| n.network).collect::<Vec<_>>(),
                "share": members(c).count() as f64 / file.networks.len().max(1) as f64,
                "points_by_unstable": representatives[c].census(),
            })
        })
        .collect();
    let mut edits = Vec::new();
    for (i, a) in representatives.iter().take(CLASSES).enumerate() {
        for (j, b) in representatives.iter().enumerate().take(i) {
            let d = edit::distance(a, b, edit::BUDGET);
            edits.push(json!({"a": j, "b": i, "at_least": d.lower, "at_most": d.upper}));
        }
    }
    let one_group = vec![0; file.networks.len()];
    let index = |class: Vec<usize>| agreement(&class, &one_group, Pairs::All, seed);
    let reached: Option<Vec<usize>> = file.networks.iter().map(|n| n.class_reached).collect();
    Ok(json!({
        "networks": serde_json::to_value(&file.networks)?,
        "classes": classes,
        "edit_distances": edits,
        "universality": {
            "all_points": index(file.networks.iter().map(|n| n.class).collect()),
            "reached": reached.and_then(index),
        },
    }))
}

/// Distances of all pairs, `[network, network]`.
fn distances(file: &TopologyFile) -> Vec<(&'static str, NpzArray)> {
    let n = file.networks.len();
    let all: Vec<Transitions> = file
        .networks
        .iter()
        .map(|n| Transitions::of(&n.graph))
        .collect();
    let (mut transitions, mut points, mut census) = (vec![], vec![], vec![]);
    for i in 0..n {
        for j in 0..n {
            let d = all[i].difference(&all[j]);
            transitions.push(d.transitions);
            points.push(d.points as f64);
            let (a, b) = (&file.networks[i].graph, &file.networks[j].graph);
            census.push(census_distance(a, b) as f64);
        }
    }
    vec![
        ("transitions", NpzArray::f64(&[n, n], transitions)),
        ("points", NpzArray::f64(&[n, n], points)),
        ("census", NpzArray::f64(&[n, n], census)),
    ]
}
