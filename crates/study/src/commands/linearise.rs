//! `linearise`: the linear system at every fixed and slow point, mode removal, and the slow set they form.

use super::fixed_points::conditions;
use super::results::Results;
use super::{Which, refuse};
use crate::terminal::Progress;
use chiliad::engine_calls;
use chiliad::fixed_points_plan::FixedPointsPlan;
use chiliad::known_points::KnownPoints;
use chiliad::linear::{self, LinearPlan};
use chiliad::population_folder::Found;
use chiliad::run::Events;
use chiliad::spec::LineariseSpec;
use chiliad_analysis::linearised::removal::Normalisation;
use chiliad_tasks::Trials;
use serde_json::json;
use std::path::PathBuf;

#[derive(Clone, Copy, clap::ValueEnum)]
enum Normalise {
    RatioOfMeans,
    MeanOfRatios,
    None,
}

#[derive(clap::Args)]
pub(crate) struct LineariseArguments {
    #[command(flatten)]
    which: Which,
    /// Folder of `fixed-points`, or a population's in a study [default: the population's own, else a search].
    #[arg(long, conflicts_with = "inputs")]
    points: Option<PathBuf>,
    /// npz with `inputs` [condition, channel] to search at; without points and inputs, no input.
    #[arg(long)]
    inputs: Option<PathBuf>,
    /// npz with trials: their states seed the search and belong to the slow set.
    #[arg(long)]
    trials: Option<PathBuf>,
    /// Steps of constant input in mode removal (project default).
    #[arg(long, default_value_t = 64)]
    horizon: usize,
    /// How the curves of several points become one (project default).
    #[arg(long, value_enum, default_value = "ratio-of-means")]
    normalise: Normalise,
    /// Points where a mode grows more than this within the horizon are left out of mode removal (project default).
    #[arg(long, default_value_t = 10.0)]
    growth_max: f64,
    /// Modes whose vectors are written, slowest first (project default).
    #[arg(long, default_value_t = 8)]
    modes: usize,
    /// Time constant, in steps, from which a mode counts as slow (project default: a tenth of the trial length).
    #[arg(long)]
    slow: Option<f64>,
    /// Steps at the constant input before a visited state is looked at (project default: two trial lengths).
    #[arg(long)]
    relax: Option<usize>,
    /// Largest speed per step of a slow state, as a share of the state scale (project default).
    #[arg(long, default_value_t = 0.01)]
    slow_speed: f64,
    /// Lifetime, as a share of the slow set's diameter, from which a piece or a hole counts (project default).
    #[arg(long, default_value_t = 0.2)]
    persistence: f64,
    /// Steps over which drift is measured [default: the trials' length, else 64].
    #[arg(long)]
    trial_length: Option<usize>,
    #[arg(long)]
    out: PathBuf,
}

pub(super) fn linearise(a: &LineariseArguments, json: bool) -> anyhow::Result<()> {
    let found = a.which.open()?;
    let population = &found.population;
    let architecture = &population.architecture;
    let results = Results::to(&a.out)?;
    let trials = a.trials.as_ref().map(Trials::load_npz).transpose()?;
    if let Some(t) = &trials {
        if t.n_inputs != architecture.inputs {
            return refuse(format!(
                "--trials: {} input channels, the networks have {}",
                t.n_inputs, architecture.inputs
            ));
        }
    }
    let spec = LineariseSpec {
        trials: trials.as_ref().map_or(1, |t| t.n_trials),
        horizon: a.horizon,
        growth_max: a.growth_max,
        normalise: match a.normalise {
            Normalise::RatioOfMeans => Normalisation::RatioOfMeans,
            Normalise::MeanOfRatios => Normalisation::MeanOfRatios,
            Normalise::None => Normalisation::None,
        },
        slow: a.slow,
        relax: a.relax,
        slow_speed: a.slow_speed,
        persistence: a.persistence,
        trial_length: a.trial_length,
    };
    let n_steps = trials.as_ref().map_or(64, |t| t.n_steps);
    let spec = spec
        .resolved(n_steps)
        .or_else(|(field, message)| refuse(format!("--{} {message}", field.replace('_', "-"))))?;
    let plan = LinearPlan::of(&spec, n_steps, a.modes);
    let known = points(a, &found, trials.as_ref(), json)?;
    let mut progress = Progress::new(json);
    progress.begin("linearise", &found.label);
    let device = engine_calls::open("cpu", None, 0.0)?;
    let n = population.n_networks;
    let indices: Vec<usize> = (0..n).collect();
    let described = linear::linearise(
        &*device.executor,
        population,
        &indices,
        &known,
        trials.as_ref(),
        &plan,
        &mut |done| progress.progress(done as f64 / n as f64, &format!("{done}/{n}")),
    )?;
    progress.end();
    let rows: Vec<&linear::Row> = described.iter().flatten().flat_map(|d| &d.rows).collect();
    results.write(
        json,
        json!({"options": plan.options(), "networks": linear::networks(&indices, &described)}),
        "linearised.npz",
        &linear::arrays(architecture, a.modes, &rows),
        &format!(
            "{} points of {n} networks linearised in {}",
            rows.len(),
            a.out.display()
        ),
    )
}

/// The points to look at: given, the population's own, or searched for.
fn points(
    a: &LineariseArguments,
    found: &Found,
    trials: Option<&Trials>,
    json: bool,
) -> anyhow::Result<Vec<KnownPoints>> {
    let population = &found.population;
    if let Some(folder) = &a.points {
        return Ok(KnownPoints::load(folder, population)?);
    }
    if a.inputs.is_none() && found.folder.join("fixed_points.npz").exists() {
        return Ok(KnownPoints::load(&found.folder, population)?);
    }
    let conditions = conditions(a.inputs.as_deref(), population.architecture.inputs)?;
    let device = engine_calls::open("cpu", None, 0.0)?;
    let plan = FixedPointsPlan {
        driven: trials.map_or(0, |t| t.n_trials),
        ..FixedPointsPlan::default()
    };
    let search = engine_calls::Search {
        plan: &plan,
        conditions: &conditions,
        trials,
        own_seeds: Vec::new(),
        seed: 0,
    };
    let mut progress = Progress::new(json);
    progress.begin("fixed points", &found.label);
    let n = population.n_networks;
    let points = engine_calls::fixed_points(&*device.executor, population, &search, &mut |done| {
        progress.progress(done as f64 / n as f64, &format!("{done}/{n}"));
    })?;
    progress.end();
    Ok(KnownPoints::of(&points))
}
