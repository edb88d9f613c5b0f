//! `fixed-points`, and what other commands take of it: how the search goes, and under which inputs.

use super::numbers::array;
use super::results::{STATES_MAX, at_most, free};
use super::{Which, answer, refuse};
use crate::terminal::Progress;
use chiliad::fixed_points_plan::FixedPointsPlan;
use chiliad::manifest::StudyFolder;
use chiliad::run::Events;
use chiliad::{engine_calls, folder, points};
use chiliad_tasks::{Condition, Trials, write_npz};
use std::path::{Path, PathBuf};

/// How the search goes; the names are those of a study's `FixedPoints(...)`.
#[derive(clap::Args)]
pub(super) struct SearchArguments {
    /// Seeds of the first round, per network and condition.
    #[arg(long, default_value_t = FixedPointsPlan::default().seeds)]
    n_seeds: usize,
    /// Seeds of each later round.
    #[arg(long, default_value_t = FixedPointsPlan::default().round_seeds)]
    round_seeds: usize,
    /// Rounds after which the search ends, closed or not; 1 is the first round alone.
    #[arg(long, default_value_t = FixedPointsPlan::default().rounds_max)]
    rounds_max: usize,
    /// Rounds without a new point after which the set is closed.
    #[arg(long, default_value_t = FixedPointsPlan::default().quiet_rounds)]
    quiet_rounds: usize,
    /// Newton and Levenberg-Marquardt steps per seed.
    #[arg(long, default_value_t = FixedPointsPlan::default().steps_max)]
    steps_max: usize,
    /// Points closer than this are one, of the state scale.
    #[arg(long, default_value_t = FixedPointsPlan::default().tolerance)]
    tolerance: f64,
    /// Largest Newton step of a fixed point, of the state scale.
    #[arg(long, default_value_t = FixedPointsPlan::default().fixed_step)]
    fixed_step: f64,
    /// Largest speed per step of a slow point.
    #[arg(long, default_value_t = FixedPointsPlan::default().slow_speed)]
    slow_speed: f64,
}

impl SearchArguments {
    /// The plan, with the driving of a study that says nothing about it.
    pub(super) fn plan(&self) -> anyhow::Result<FixedPointsPlan> {
        at_most("--n-seeds", self.n_seeds, STATES_MAX)?;
        let plan = FixedPointsPlan {
            seeds: self.n_seeds,
            round_seeds: self.round_seeds,
            rounds_max: self.rounds_max,
            quiet_rounds: self.quiet_rounds,
            steps_max: self.steps_max,
            tolerance: self.tolerance,
            fixed_step: self.fixed_step,
            slow_speed: self.slow_speed,
            ..FixedPointsPlan::default()
        };
        plan.check().or_else(|(field, message)| {
            let option = match field {
                "seeds" => "n-seeds".into(),
                field => field.replace('_', "-"),
            };
            refuse(format!("--{option} {message}"))
        })?;
        Ok(plan)
    }
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
    #[command(flatten)]
    search: SearchArguments,
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

/// Trials that drive the networks, and for how many steps: as given, else as the population's study has them.
fn driven(
    a: &FixedPointsArguments,
    mut plan: FixedPointsPlan,
    study: Option<&StudyFolder>,
) -> anyhow::Result<(Option<Trials>, u64)> {
    if let Some(file) = &a.trials {
        return Ok((Some(Trials::load_npz(file)?), plan.driven_steps));
    }
    let Some(folder) = study else {
        return Ok((None, plan.driven_steps));
    };
    let study = folder.study()?;
    if let Some(searched) = &study.fixed_points {
        (plan.driven, plan.driven_steps) = (searched.driven, searched.driven_steps);
    }
    let trials = engine_calls::driven_trials(&study.task.load()?, &plan, study.seed)?;
    Ok((Some(trials), plan.driven_steps))
}

pub(super) fn fixed_points(a: &FixedPointsArguments, json: bool) -> anyhow::Result<()> {
    let found = a.which.open()?;
    let population = &found.population;
    let architecture = &population.architecture;
    let n_state = architecture.cell.states.len() * architecture.units;
    free(&a.out)?;
    let options = a.search.plan()?;
    let conditions = conditions(a.inputs.as_deref(), architecture.inputs)?;
    let own_seeds = match &a.seeds {
        Some(file) => array(file, "state", "[seed, state]", 2, n_state)?
            .to_f64()
            .chunks(n_state)
            .map(<[f64]>::to_vec)
            .collect(),
        None => Vec::new(),
    };
    let (trials, driven_steps) = driven(a, options.clone(), found.study.as_ref())?;
    let plan = FixedPointsPlan {
        driven: trials.as_ref().map_or(0, |t| t.n_trials),
        driven_steps,
        ..options
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
