//! `remove-silent`: networks without the units that never speak, as published networks come.

use super::results::Results;
use super::{Which, answer, refuse};
use chiliad::engine_calls;
use chiliad::folder;
use chiliad::population_folder::WEIGHTS;
use chiliad::study::Origin;
use chiliad_engine::files::own;
use chiliad_engine::population::Population;
use chiliad_tasks::Trials;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Networks whose states are held at once.
const TOGETHER: usize = 8;

#[derive(clap::Args)]
pub(crate) struct RemoveSilentArguments {
    #[command(flatten)]
    which: Which,
    /// npz with `inputs`, `targets` and `mask` [default: the evaluation trials of the study].
    #[arg(long)]
    trials: Option<PathBuf>,
    /// Mean absolute output up to which a unit is silent.
    #[arg(long, default_value_t = 0.0)]
    threshold: f64,
    /// Folder for one population per number of units left, `units-N`, and `result.json`.
    #[arg(long)]
    out: PathBuf,
}

pub(super) fn remove_silent(a: &RemoveSilentArguments, json: bool) -> anyhow::Result<()> {
    if !(a.threshold >= 0.0 && a.threshold.is_finite()) {
        return refuse(format!("--threshold {}; allowed: 0 or above", a.threshold));
    }
    // Before any work.
    let _ = Results::to(&a.out)?;
    if std::fs::read_dir(&a.out).is_ok_and(|mut entries| entries.next().is_some()) {
        return refuse(format!(
            "--out {}: not empty; choose another folder",
            a.out.display()
        ));
    }
    let found = a.which.open()?;
    let population = &found.population;
    let trials = match (&a.trials, &found.study) {
        (Some(file), _) => Trials::load_npz(file)?,
        (None, Some(folder)) => {
            let study = folder.study()?;
            let task = study.task.load()?;
            let plan = study.populations.iter().find(|p| p.label == found.label);
            match plan.map(|p| &p.origin) {
                Some(Origin::Train(train)) => train.evaluation(&task, study.seed)?,
                _ => task.evaluation(chiliad::spec::defaults::eval_trials(), study.seed)?,
            }
        }
        (None, None) => {
            return refuse("--trials: needed, the population stands in no study".into());
        }
    };
    let device = engine_calls::open("cpu", None, 0.0)?;
    let executor = &*device.executor;
    let mut silent = Vec::new();
    let all: Vec<usize> = (0..population.n_networks).collect();
    for some in all.chunks(TOGETHER) {
        let part = population.select(some);
        let run = executor.roll_out(&part, &trials.inputs, trials.n_trials, trials.n_steps)?;
        silent.extend(part.silent_units(&run, a.threshold)?);
    }
    let before = engine_calls::losses(executor, population, &trials)?;
    let mut groups: BTreeMap<usize, Population> = BTreeMap::new();
    let mut rows: Vec<Value> = Vec::new();
    let units = population.architecture.units;
    for (n, silent) in silent.iter().enumerate() {
        let kept: Vec<usize> = (0..units).filter(|u| !silent.contains(u)).collect();
        if kept.is_empty() {
            rows.push(
                json!({"network": n, "silent": silent, "units": 0, "loss_before": before[n]}),
            );
            continue;
        }
        let one = population.with_units(n, &kept)?;
        let after = engine_calls::losses(executor, &one, &trials)?[0];
        let row = groups.get(&kept.len()).map_or(0, |g| g.n_networks);
        rows.push(json!({"network": n, "silent": silent, "units": kept.len(), "population": format!("units-{}", kept.len()), "row": row,
            "loss_before": before[n], "loss_after": after}));
        match groups.get_mut(&kept.len()) {
            None => {
                groups.insert(kept.len(), one);
            }
            Some(group) => {
                group.n_networks += 1;
                group.params.extend(one.params);
                group.constants.extend(one.constants);
                group.seeds.extend(one.seeds);
            }
        }
    }
    for (left, group) in &groups {
        let place = a.out.join(format!("units-{left}"));
        folder::make(&place)?;
        folder::write(&place.join(WEIGHTS), &own::to_bytes(group)?)?;
    }
    let value = json!({"trials": trials.n_trials, "threshold": a.threshold, "networks": rows});
    folder::make(&a.out)?;
    // Last: a folder without it is not finished.
    let text = serde_json::to_string_pretty(&value)? + "\n";
    folder::write(&a.out.join("result.json"), text.as_bytes())?;
    let sizes: Vec<String> = groups
        .iter()
        .map(|(left, g)| format!("{left} units: {}", g.n_networks))
        .collect();
    let words = format!(
        "{} of {units} units each; networks by units left: {}; in {}",
        population.n_networks,
        sizes.join(", "),
        a.out.display()
    );
    answer(json, &value, &words);
    Ok(())
}
