//! `roll-out`, `gradient`, `fixed-points`: numbers of a population on plain files.

use super::results::{STATES_MAX, at_most, free};
use super::{Which, answer, refuse};
use crate::terminal::Progress;
use chiliad::manifest::StudyFolder;
use chiliad::run::Events;
use chiliad::study::FixedPointsPlan;
use chiliad::{engine_calls, folder, points, spec};
use chiliad_engine::files::tensors_to_bytes;
use chiliad_tasks::{Condition, NpzArray, Trials, read_npz, write_npz};
use serde_json::json;
use std::path::{Path, PathBuf};

#[derive(clap::Args)]
pub(crate) struct RollOutArguments {
    #[command(flatten)]
    which: Which,
    /// npz with `inputs` [trial, time, channel].
    #[arg(long)]
    inputs: PathBuf,
    /// npz: `state.<name>` [network, trial, time, unit], `outputs` [network, trial, time, channel].
    #[arg(long)]
    out: PathBuf,
    #[arg(long, default_value = "auto")]
    device: String,
}

#[derive(clap::Args)]
pub(crate) struct GradientArguments {
    #[command(flatten)]
    which: Which,
    /// npz with `inputs`, `targets` and `mask`.
    #[arg(long)]
    trials: PathBuf,
    /// safetensors: `loss` [network] and every tensor's gradient, network axis first.
    #[arg(long)]
    out: PathBuf,
    #[arg(long, default_value = "auto")]
    device: String,
}

#[derive(clap::Args)]
pub(crate) struct FixedPointsArguments {
    #[command(flatten)]
    which: Which,
    /// npz with `inputs` [condition, channel]; without it, no input.
    #[arg(long)]
    inputs: Option<PathBuf>,
    /// npz with `state` [seed, state].
    #[arg(long)]
    seeds: Option<PathBuf>,
    /// npz with trials whose states seed the search and are driven on: what is `reached` is where they end. Without it,
    /// those of the study that the population stands in; an imported population has none, and nothing is `reached`.
    #[arg(long)]
    trials: Option<PathBuf>,
    /// Search seeds per network and condition.
    #[arg(long, default_value_t = 1024)]
    n_seeds: usize,
    #[arg(long, default_value_t = 0)]
    seed: u64,
    #[arg(long)]
    out: PathBuf,
}

/// The constant inputs of a file, or no input.
pub(super) fn conditions(inputs: Option<&Path>, channels: usize) -> anyhow::Result<Vec<Condition>> {
    let Some(file) = inputs else {
        return Ok(vec![Condition {
            label: "no input".into(),
            input: vec![0.0; channels],
        }]);
    };
    let inputs = array(file, "inputs", "[condition, channel]", 2, channels)?.to_f32();
    let one = |(c, i): (usize, &[f32])| Condition {
        label: c.to_string(),
        input: i.to_vec(),
    };
    Ok(inputs.chunks(channels).enumerate().map(one).collect())
}

/// An array of an npz file with so many axes, the last of a known length; every value finite.
pub(super) fn array(
    file: &Path,
    name: &str,
    axes: &str,
    rank: usize,
    last: usize,
) -> anyhow::Result<NpzArray> {
    let mut arrays = read_npz(file)?;
    let held: Vec<String> = arrays
        .iter()
        .map(|(n, a)| format!("`{n}` {:?}", a.shape))
        .collect();
    let Some(array) = arrays.remove(name) else {
        return refuse(format!(
            "{}: no array `{name}` {axes}; the file holds {}",
            file.display(),
            held.join(", ")
        ));
    };
    if array.shape.len() != rank || array.shape.last() != Some(&last) || array.shape.contains(&0) {
        return refuse(format!(
            "{}: array `{name}` has shape {:?}, expected {axes} with {last} in the last axis and no axis empty",
            file.display(),
            array.shape
        ));
    }
    // Taken as f32: what overflows there is refused as well.
    match array.to_f32().iter().position(|x| !x.is_finite()) {
        Some(i) => refuse(format!(
            "{}: array `{name}`, element {i} in row-major order is not a finite f32; every value must be",
            file.display()
        )),
        None => Ok(array),
    }
}

pub(super) fn roll_out(a: &RollOutArguments, json: bool) -> anyhow::Result<()> {
    let population = a.which.open()?.population;
    let inputs = array(
        &a.inputs,
        "inputs",
        "[trial, time, channel]",
        3,
        population.architecture.inputs,
    )?;
    let device = engine_calls::open(&a.device, None, 0.0)?;
    let t = engine_calls::roll_out(
        &*device.executor,
        &population,
        &inputs.to_f32(),
        inputs.shape[0],
        inputs.shape[1],
    )?;
    let lead = [t.n_networks, t.n_trials, t.n_steps];
    let names: Vec<String> = population
        .architecture
        .cell
        .states
        .iter()
        .map(|s| format!("state.{s}"))
        .collect();
    let mut arrays: Vec<(&str, NpzArray)> = names
        .iter()
        .zip(t.states)
        .map(|(n, s)| {
            (
                n.as_str(),
                NpzArray::f32(&[lead[0], lead[1], lead[2], t.n_units], s),
            )
        })
        .collect();
    arrays.push((
        "outputs",
        NpzArray::f32(&[lead[0], lead[1], lead[2], t.n_outputs], t.outputs),
    ));
    write_npz(&a.out, &arrays)?;
    answer(
        json,
        &json!({"out": a.out.display().to_string(), "networks": lead[0], "trials": lead[1], "steps": lead[2]}),
        &format!(
            "{} networks on {} trials of {} steps in {}",
            lead[0],
            lead[1],
            lead[2],
            a.out.display()
        ),
    );
    Ok(())
}

pub(super) fn gradient(a: &GradientArguments, json: bool) -> anyhow::Result<()> {
    let population = a.which.open()?.population;
    let trials = Trials::load_npz(&a.trials)?;
    let architecture = &population.architecture;
    if (trials.n_inputs, trials.n_outputs) != (architecture.inputs, architecture.outputs) {
        return refuse(format!(
            "{}: trials have {} inputs and {} outputs, the networks {} and {}",
            a.trials.display(),
            trials.n_inputs,
            trials.n_outputs,
            architecture.inputs,
            architecture.outputs
        ));
    }
    let device = engine_calls::open(&a.device, None, 0.0)?;
    let g = device.executor.gradient(&population, &trials)?;
    let (n, p) = (population.n_networks, population.layout.n_params);
    let mut tensors = vec![("loss".to_owned(), vec![n], g.loss.clone())];
    for t in &population.layout.tensors {
        let shape = std::iter::once(n).chain(t.shape.iter().copied()).collect();
        tensors.push((
            t.name.clone(),
            shape,
            (0..n)
                .flat_map(|k| &g.gradient[k * p..][t.range()])
                .copied()
                .collect(),
        ));
    }
    folder::write(&a.out, &tensors_to_bytes(&tensors, None)?)?;
    answer(
        json,
        &json!({"out": a.out.display().to_string(), "loss": g.loss}),
        &format!("loss {:?}; gradients in {}", g.loss, a.out.display()),
    );
    Ok(())
}

/// Trials that drive the networks, and for how many steps: as given, else as the population's study has them.
fn driven(
    a: &FixedPointsArguments,
    study: Option<&StudyFolder>,
) -> anyhow::Result<(Option<Trials>, u64)> {
    let mut plan = FixedPointsPlan {
        seeds: a.n_seeds,
        driven: spec::defaults::driven(),
        driven_steps: spec::defaults::driven_steps(),
    };
    if let Some(file) = &a.trials {
        return Ok((Some(Trials::load_npz(file)?), plan.driven_steps));
    }
    let Some(folder) = study else {
        return Ok((None, plan.driven_steps));
    };
    let study = folder.study()?;
    plan = study.fixed_points.clone().unwrap_or(plan);
    let trials = engine_calls::driven_trials(&study.task.load()?, &plan, study.seed)?;
    Ok((Some(trials), plan.driven_steps))
}

pub(super) fn fixed_points(a: &FixedPointsArguments, json: bool) -> anyhow::Result<()> {
    let found = a.which.open()?;
    let population = &found.population;
    let architecture = &population.architecture;
    let n_state = architecture.cell.states.len() * architecture.units;
    free(&a.out)?;
    at_most("--n-seeds", a.n_seeds, STATES_MAX)?;
    if a.n_seeds == 0 {
        return refuse("--n-seeds 0; allowed: 1 or more".into());
    }
    let conditions = conditions(a.inputs.as_deref(), architecture.inputs)?;
    let own_seeds = match &a.seeds {
        Some(file) => array(file, "state", "[seed, state]", 2, n_state)?
            .to_f64()
            .chunks(n_state)
            .map(<[f64]>::to_vec)
            .collect(),
        None => Vec::new(),
    };
    let (trials, driven_steps) = driven(a, found.study.as_ref())?;
    let plan = FixedPointsPlan {
        seeds: a.n_seeds,
        driven: trials.as_ref().map_or(0, |t| t.n_trials),
        driven_steps,
    };
    let device = engine_calls::open("cpu", None, 0.0)?;
    let mut progress = Progress::new(json);
    progress.begin("fixed points", &found.label);
    let n = population.n_networks;
    let search = engine_calls::Search {
        plan: &plan,
        conditions: &conditions,
        trials: trials.as_ref(),
        own_seeds,
        seed: a.seed,
    };
    let points = engine_calls::fixed_points(&*device.executor, population, &search, &mut |done| {
        progress.progress(done as f64 / n as f64, &format!("{done}/{n}"));
    })?;
    progress.end();
    let indices: Vec<usize> = (0..n).collect();
    folder::make(&a.out)?;
    folder::write(
        &a.out.join("fixed_points.parquet"),
        &points::table(&indices, &points)?,
    )?;
    write_npz(
        a.out.join("fixed_points.npz"),
        &points::arrays(&points, n_state),
    )?;
    let census = points::census(&indices, &points, None);
    folder::write(&a.out.join("census.json"), &census.to_json()?)?;
    let total: usize = points.iter().flatten().map(|f| f.points.len()).sum();
    answer(
        json,
        &serde_json::to_value(&census)?,
        &format!(
            "{total} fixed points of {n} networks in {}; {}",
            a.out.display(),
            trials.as_ref().map_or(
                "no trials, so none is marked as reached".into(),
                |t| format!("reached: where {} driven states end", t.n_trials)
            )
        ),
    );
    Ok(())
}
