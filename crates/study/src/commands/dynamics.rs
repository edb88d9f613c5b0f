//! `cycles` and `lyapunov`: what orbits do that do not come to rest.

use super::numbers::array;
use super::results::free;
use super::{Which, answer, refuse};
use crate::terminal::Progress;
use chiliad::dynamics::{self, CyclesPlan, Drive, LyapunovPlan, ResultFile};
use chiliad::population_folder::Found;
use chiliad::run::Events;
use chiliad::spec::{AttractorsSpec, DriveSpec, LyapunovSpec, Wrong};
use chiliad::{engine_calls, folder};
use chiliad_tasks::{NpzArray, Task, Trials, write_npz};
use serde::Serialize;
use serde_json::json;
use std::path::{Path, PathBuf};

#[derive(clap::Args)]
pub(crate) struct CyclesArguments {
    #[command(flatten)]
    which: Which,
    /// Longest period searched for.
    #[arg(long, default_value_t = 4)]
    max_period: usize,
    /// npz with `inputs` [condition, channel]; without it, the constant inputs of the study's task, or no input.
    #[arg(long)]
    inputs: Option<PathBuf>,
    /// npz with `state` [seed, state]: seeds of your own for Newton.
    #[arg(long)]
    seeds: Option<PathBuf>,
    /// npz with trials whose states are run on and seed the search; without it, trials of the study's task, if there is one.
    #[arg(long)]
    trials: Option<PathBuf>,
    /// Newton seeds per period, where the cell is not piecewise linear.
    #[arg(long, default_value_t = 256)]
    n_seeds: usize,
    /// Sequences of linear regions of one order that the exact solver goes through; above, it searches.
    #[arg(long, default_value_t = 200_000)]
    max_sequences: usize,
    /// States of trials that are run on.
    #[arg(long, default_value_t = 512)]
    driven: usize,
    /// Uniform states that are run on.
    #[arg(long, default_value_t = 512)]
    uniform: usize,
    /// Steps for which they are, before anything is looked at.
    #[arg(long, default_value_t = 4000)]
    settle_steps: usize,
    /// Steps of an orbit that returns nowhere, by which it is classified.
    #[arg(long, default_value_t = 20_000)]
    classify_steps: usize,
    #[arg(long, default_value_t = 0)]
    seed: u64,
    #[arg(long)]
    out: PathBuf,
}

#[derive(clap::Args)]
pub(crate) struct LyapunovArguments {
    #[command(flatten)]
    which: Which,
    /// Steps counted; default 10,000, or what is left of a trial after the warm-up.
    #[arg(long)]
    steps: Option<usize>,
    /// Steps before them; default 1,000, of a trial at most a tenth.
    #[arg(long)]
    warmup: Option<usize>,
    /// Leading exponents; all of them without it.
    #[arg(long)]
    exponents: Option<usize>,
    /// npz with `inputs` [trial, time, channel]; without it, no input.
    #[arg(long)]
    inputs: Option<PathBuf>,
    /// Orbits per network from random states, where nothing drives it.
    #[arg(long, default_value_t = 1)]
    starts: usize,
    #[arg(long, default_value = "auto")]
    device: String,
    #[arg(long, default_value_t = 0)]
    seed: u64,
    #[arg(long)]
    out: PathBuf,
}

/// Trials taken from the study's task where none are given (project default).
const DRIVEN_TRIALS: usize = 64;

/// A field of a study file as an option.
fn wrong<T>((field, message): Wrong) -> anyhow::Result<T> {
    let option = match field {
        "seeds" => "n-seeds".to_owned(),
        other => other.replace('_', "-"),
    };
    refuse(format!("--{option} {message}"))
}

/// The task of the study that a population stands in, if its inputs are the networks'.
fn task(found: &Found) -> anyhow::Result<Option<Task>> {
    let Some(folder) = &found.study else {
        return Ok(None);
    };
    let task = folder.study()?.task.load()?;
    let shape = task.shape(chiliad_tasks::task::TRAIN)?;
    let fits = shape.n_inputs == found.population.architecture.inputs;
    Ok(fits.then_some(task))
}

/// `result.json` and an npz beside it.
fn write<T: Serialize>(
    out: &Path,
    result: &ResultFile<T>,
    npz: &str,
    arrays: &[(&str, NpzArray)],
) -> anyhow::Result<()> {
    folder::make(out)?;
    write_npz(out.join(npz), arrays)?;
    folder::write(&out.join("result.json"), &result.to_json()?)?;
    Ok(())
}

pub(super) fn cycles(a: &CyclesArguments, json: bool) -> anyhow::Result<()> {
    let found = a.which.open()?;
    let population = &found.population;
    let architecture = &population.architecture;
    let n_state = architecture.cell.states.len() * architecture.units;
    free(&a.out)?;
    let spec = AttractorsSpec {
        trials: DRIVEN_TRIALS,
        driven: a.driven,
        uniform: a.uniform,
        settle_steps: a.settle_steps,
        classify_steps: a.classify_steps,
        max_period: a.max_period,
        seeds: a.n_seeds,
        max_sequences: a.max_sequences,
    };
    spec.check().or_else(wrong)?;
    let task = task(&found)?;
    let inputs = match &a.inputs {
        Some(file) => array(
            file,
            "inputs",
            "[condition, channel]",
            2,
            architecture.inputs,
        )?
        .to_f32()
        .chunks(architecture.inputs)
        .map(<[f32]>::to_vec)
        .collect(),
        None => match &task {
            Some(task) => task.conditions().into_iter().map(|c| c.input).collect(),
            None => vec![vec![0.0; architecture.inputs]],
        },
    };
    let own_seeds = match &a.seeds {
        Some(file) => array(file, "state", "[seed, state]", 2, n_state)?
            .to_f64()
            .chunks(n_state)
            .map(<[f64]>::to_vec)
            .collect(),
        None => Vec::new(),
    };
    let trials = match (&a.trials, &task) {
        (Some(file), _) => Some(Trials::load_npz(file)?),
        (None, Some(task)) if a.driven > 0 => {
            Some(engine_calls::trials_of(task, spec.trials, a.seed)?)
        }
        _ => None,
    };
    if let (Some(t), Some(file)) = (&trials, &a.trials) {
        if t.n_inputs != architecture.inputs {
            return refuse(format!(
                "{}: trials have {} inputs, the networks {}",
                file.display(),
                t.n_inputs,
                architecture.inputs
            ));
        }
    }
    let plan = CyclesPlan::of(&spec, inputs, trials.as_ref(), own_seeds, a.seed);
    let device = engine_calls::open("cpu", None, 0.0)?;
    let mut progress = Progress::new(json);
    progress.begin("cycles", &found.label);
    let n = population.n_networks;
    let networks = dynamics::cycles(&*device.executor, population, &plan, &mut |done| {
        progress.progress(done as f64 / n as f64, &format!("{done}/{n}"));
    })?;
    progress.end();
    let arrays = dynamics::arrays(&networks, n_state);
    let result = ResultFile { networks };
    write(&a.out, &result, "cycles.npz", &arrays)?;
    let cycles: usize = result.networks.iter().map(|r| r.cycles.len()).sum();
    let attractors: usize = result.networks.iter().map(|r| r.attractors.len()).sum();
    answer(
        json,
        &serde_json::to_value(&result)?,
        &format!(
            "{cycles} fixed points and cycles, {attractors} attractors of {n} networks in {}",
            a.out.display()
        ),
    );
    Ok(())
}

pub(super) fn lyapunov(a: &LyapunovArguments, json: bool) -> anyhow::Result<()> {
    let found = a.which.open()?;
    let population = &found.population;
    let architecture = &population.architecture;
    let n_state = architecture.cell.states.len() * architecture.units;
    free(&a.out)?;
    let inputs = match &a.inputs {
        Some(file) => {
            let axes = "[trial, time, channel]";
            Some(array(file, "inputs", axes, 3, architecture.inputs)?)
        }
        None => None,
    };
    let n_steps = inputs.as_ref().map_or(0, |i| i.shape[1]);
    let spec = LyapunovSpec {
        exponents: Some(a.exponents.unwrap_or(n_state)),
        steps: a.steps,
        warmup: a.warmup,
        starts: a.starts,
        drive: inputs
            .as_ref()
            .map_or(DriveSpec::Constant, |i| DriveSpec::Trials(i.shape[0])),
    };
    let spec = spec.resolved(n_state, n_steps).or_else(wrong)?;
    let plan = LyapunovPlan {
        options: spec.options(),
        drive: match inputs {
            Some(inputs) => Drive::Trials {
                inputs: inputs.to_f32(),
                n_trials: inputs.shape[0],
            },
            None => Drive::Constant {
                input: vec![0.0; architecture.inputs],
                starts: a.starts,
            },
        },
        seed: a.seed,
    };
    let steps = plan.options.steps;
    let device = engine_calls::open(&a.device, None, 0.0)?;
    let mut progress = Progress::new(json);
    progress.begin("lyapunov", &found.label);
    let (networks, orbits) =
        dynamics::lyapunov(&*device.executor, population, &plan, &mut |share| {
            progress.progress(share, "");
        })?;
    progress.end();
    let n = networks.len();
    let arrays = dynamics::rates(&orbits, n);
    let result = ResultFile { networks };
    write(&a.out, &result, "lyapunov.npz", &arrays)?;
    let leading = |r: &dynamics::NetworkExponents| r.spectrum.exponents.first().copied();
    let positive = result
        .networks
        .iter()
        .filter(|r| leading(r).is_some_and(|l| l > 3.0 * r.spectrum.standard_error[0]))
        .count();
    let mut value = serde_json::to_value(&result)?;
    value["device"] = json!(device.kind);
    answer(
        json,
        &value,
        &format!(
            "{positive} of {n} networks have a leading exponent more than 3 standard errors above 0; {steps} steps, on the {}, in {}",
            device.kind,
            a.out.display()
        ),
    );
    Ok(())
}
