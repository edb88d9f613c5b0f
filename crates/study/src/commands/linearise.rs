//! `linearise`: the linear system at every fixed and slow point, mode removal, and the slow set they form.

mod describe;

use super::numbers::array;
use super::results::Results;
use super::{Which, refuse};
use crate::terminal::Progress;
use chiliad::engine_calls;
use chiliad::known_points::KnownPoints;
use chiliad::population_folder::Found;
use chiliad::run::Events;
use chiliad::study::FixedPointsPlan;
use chiliad_analysis::linearised::removal::{self, Normalisation};
use chiliad_analysis::slow_set;
use chiliad_engine::error::EngineError;
use chiliad_engine::executor::Trajectories;
use chiliad_tasks::{Condition, NpzArray, Trials};
use describe::{Asked, Description};
use rayon::prelude::*;
use serde_json::{Value, json};
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
    for (name, value) in [
        ("--growth-max", a.growth_max),
        ("--slow-speed", a.slow_speed),
        ("--persistence", a.persistence),
        ("--slow", a.slow.unwrap_or(1.0)),
    ] {
        if value.is_nan() || value <= 0.0 {
            return refuse(format!("{name} {value}; allowed: a number above 0"));
        }
    }
    if a.horizon == 0 {
        return refuse("--horizon 0; allowed: 1 or more".into());
    }
    let trials = a.trials.as_ref().map(Trials::load_npz).transpose()?;
    if let Some(t) = &trials {
        if t.n_inputs != architecture.inputs {
            return refuse(format!(
                "--trials: {} input channels, the networks have {}",
                t.n_inputs, architecture.inputs
            ));
        }
    }
    let known = points(a, &found, trials.as_ref(), json)?;
    let trial_length = a
        .trial_length
        .unwrap_or_else(|| trials.as_ref().map_or(64, |t| t.n_steps));
    let asked = Asked {
        population,
        removal: removal::Options {
            horizon: a.horizon,
            growth_max: a.growth_max,
            normalisation: match a.normalise {
                Normalise::RatioOfMeans => Normalisation::RatioOfMeans,
                Normalise::MeanOfRatios => Normalisation::MeanOfRatios,
                Normalise::None => Normalisation::None,
            },
        },
        slow_set: slow_set::Options {
            persistence: a.persistence,
            trial_length,
            ..slow_set::Options::default()
        },
        slow: a.slow.unwrap_or(trial_length as f64 / 10.0),
        slow_speed: a.slow_speed,
        relax: a.relax.unwrap_or(2 * trial_length),
        modes: a.modes,
    };
    let mut progress = Progress::new(json);
    progress.begin("linearise", &found.label);
    let device = engine_calls::open("cpu", None, 0.0)?;
    let n = population.n_networks;
    let mut described: Vec<Vec<Description>> = Vec::with_capacity(n);
    let all: Vec<usize> = (0..n).collect();
    // Few networks at a time: their trajectories are held while they are described.
    for part in all.chunks(2 * rayon::current_num_threads()) {
        let rolled: Option<Trajectories> = trials
            .as_ref()
            .map(|t| {
                let some = population.select(part);
                engine_calls::roll_out(&*device.executor, &some, &t.inputs, t.n_trials, t.n_steps)
            })
            .transpose()?;
        let one = |(place, network): (usize, &usize)| {
            known
                .iter()
                .filter(|k| k.network == *network)
                .map(|k| asked.describe(k, rolled.as_ref().map(|t| (t, place))))
                .collect()
        };
        let some: Result<Vec<Vec<Description>>, EngineError> =
            part.par_iter().enumerate().map(one).collect();
        described.extend(some?);
        progress.progress(
            described.len() as f64 / n as f64,
            &format!("{}/{n}", described.len()),
        );
    }
    progress.end();
    let networks: Vec<Value> = described
        .iter()
        .enumerate()
        .map(|(network, conditions)| {
            let values: Vec<&Value> = conditions.iter().map(|d| &d.value).collect();
            json!({"network": network, "conditions": values})
        })
        .collect();
    let options = json!({
        "horizon": a.horizon, "growth_max": a.growth_max, "normalisation": asked.removal.normalisation,
        "slow": asked.slow, "relax": asked.relax, "slow_speed": a.slow_speed, "trial_length": trial_length,
        "landmarks": asked.slow_set.landmarks, "neighbours": asked.slow_set.neighbours,
        "variance": asked.slow_set.variance, "persistence": a.persistence,
        "persistence_ratio": asked.slow_set.persistence_ratio,
    });
    let rows: Vec<&describe::Row> = described.iter().flatten().flat_map(|d| &d.rows).collect();
    results.write(
        json,
        json!({"options": options, "networks": networks}),
        "linearised.npz",
        &arrays(&asked, &rows),
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
    let channels = population.architecture.inputs;
    let conditions: Vec<Condition> = match &a.inputs {
        Some(file) => array(file, "inputs", "[condition, channel]", 2, channels)?
            .to_f32()
            .chunks(channels)
            .enumerate()
            .map(|(c, input)| Condition {
                label: c.to_string(),
                input: input.to_vec(),
            })
            .collect(),
        None => vec![Condition {
            label: "no input".into(),
            input: vec![0.0; channels],
        }],
    };
    let device = engine_calls::open("cpu", None, 0.0)?;
    let plan = FixedPointsPlan {
        seeds: 1024,
        driven: trials.map_or(0, |t| t.n_trials),
        driven_steps: 4000,
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

/// A row per point: which it is, all eigenvalues, the vectors of the slowest modes, dF/du and dy/dh.
fn arrays(asked: &Asked<'_>, rows: &[&describe::Row]) -> Vec<(&'static str, NpzArray)> {
    let architecture = &asked.population.architecture;
    let (n, channels, outputs) = (asked.n_state(), architecture.inputs, architecture.outputs);
    let (p, modes) = (rows.len(), asked.modes.min(n));
    let index = |f: fn(&describe::Row) -> usize| {
        NpzArray::i64(&[p], rows.iter().map(|r| f(r) as i64).collect())
    };
    let numbers = |shape: &[usize], f: fn(&describe::Row) -> &Vec<f64>| {
        NpzArray::f64(shape, rows.iter().flat_map(|r| f(r)).copied().collect())
    };
    vec![
        ("network", index(|r| r.network)),
        ("condition", index(|r| r.condition)),
        ("point", index(|r| r.point)),
        ("eigenvalues", numbers(&[p, n, 2], |r| &r.eigenvalues)),
        ("right", numbers(&[p, modes, n, 2], |r| &r.right)),
        ("left", numbers(&[p, modes, n, 2], |r| &r.left)),
        (
            "participation",
            numbers(&[p, modes, n], |r| &r.participation),
        ),
        ("input_jacobian", numbers(&[p, n, channels], |r| &r.input)),
        (
            "readout_jacobian",
            numbers(&[p, outputs, n], |r| &r.readout),
        ),
    ]
}
