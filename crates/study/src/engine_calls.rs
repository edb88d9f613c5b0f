//! Every call into the engine that a study makes, in one place.

use crate::error::{Result, StudyError};
use crate::fixed_points_plan::FixedPointsPlan;
use crate::recipe::{read_observed, scale_drawn};
use crate::spec::{Data, Until};
use crate::study::{NetworkPlan, Origin, PopulationPlan, Study, TrainPlan};
use chiliad_engine::cell::program::Code;
use chiliad_engine::cpu::CpuExecutor;
use chiliad_engine::executor::{Executor, Memory, TrainOptions, Trajectories};
use chiliad_engine::fixed_points::{self, FixedPoints, Visited};
use chiliad_engine::gpu::{Choice, GpuExecutor, LimitsChoice, list, may_have_real_gpu};
use chiliad_engine::population::{
    Architecture, Layout, Population, Tensor,
    initialise::{Initial, initialise, initialise_as},
};
use chiliad_engine::recipe::Loss;
use chiliad_engine::train::{AccuracyRule, Lesson, StopRule, Trained};
use chiliad_tasks::{Condition, Task, TrialBank, Trials};
use rayon::prelude::*;
use std::sync::Arc;
use std::time::Instant;

/// A device that was chosen, and why.
pub struct Device {
    /// `cpu` or `gpu`.
    pub kind: &'static str,
    /// The device in words.
    pub words: String,
    /// Why it was taken.
    pub reason: String,
    /// What runs on it.
    pub executor: Box<dyn Executor>,
}

/// Opens `auto`, `cpu`, `gpu` or an adapter by name. `recorded` is what an earlier part of the run took; `work` is the
/// size of a training step in floating-point operations, for the rule of `auto`: a real GPU where there is one and the
/// work is at least [`GPU_WORK`], else the CPU. A software adapter is taken only when named.
///
/// # Errors
///
/// [`StudyError::Input`] where there is no such device.
pub fn open(choice: &str, recorded: Option<&str>, work: f64) -> Result<Device> {
    let other = |r: &&str| choice != "auto" && (*r == "cpu") != (choice == "cpu");
    if let Some(recorded) = recorded.filter(other) {
        return Err(StudyError::Input(format!(
            "--device {choice}: this folder was begun on `{recorded}`, and results differ in the last bits between devices; go on with --device {recorded}, or choose another folder"
        )));
    }
    let cpu = |reason: String| -> Result<Device> {
        let executor = CpuExecutor::new(None)?;
        Ok(Device {
            kind: "cpu",
            words: executor.describe(),
            reason,
            executor: Box::new(executor),
        })
    };
    let gpu = |choice: &Choice, reason: String| -> Result<Device> {
        let executor = GpuExecutor::open(choice, LimitsChoice::Adapter)?;
        Ok(Device {
            kind: "gpu",
            words: executor.describe(),
            reason,
            executor: Box::new(executor),
        })
    };
    let begun = "the run was begun on it".to_owned();
    match (recorded, choice) {
        (Some("gpu"), "auto") => gpu(&Choice::Auto, begun),
        (Some(_), "auto") => cpu(begun),
        // Small work does not wait for the drivers.
        (_, "auto") if work < GPU_WORK => cpu(format!(
            "the work is small: {:.1} GFLOP a step; a GPU is looked for from {:.0} on",
            work / 1e9,
            GPU_WORK / 1e9
        )),
        (_, "auto") if !may_have_real_gpu() || list().iter().all(|a| a.software) => {
            cpu("no real GPU found; a software adapter is taken only when named".into())
        }
        (_, "auto") => gpu(
            &Choice::Auto,
            format!(
                "a real GPU, and the work is large enough: {:.1} GFLOP a step",
                work / 1e9
            ),
        ),
        (_, "cpu") => cpu("asked for".into()),
        (_, "gpu") => gpu(&Choice::Auto, "asked for".into()),
        (_, name) => {
            let known: Vec<String> = list()
                .into_iter()
                .map(|a| format!("\"{}\"", a.name))
                .collect();
            if !known
                .iter()
                .any(|k| k.to_lowercase().contains(&name.to_lowercase()))
            {
                return Err(StudyError::Input(format!(
                    "--device {name}: no such device; allowed here: auto, cpu, gpu, or part of an adapter's name: [{}]",
                    known.join(", ")
                )));
            }
            gpu(&Choice::Named(name.into()), format!("named `{name}`"))
        }
    }
}

/// A GPU for checks: a real one, else a software adapter; none where there is no adapter at all.
///
/// # Errors
///
/// Those of opening the adapter.
pub fn any_gpu() -> Result<Option<GpuExecutor>> {
    let Some(best) = list().into_iter().next() else {
        return Ok(None);
    };
    let choice = Choice::Named(best.name);
    Ok(Some(GpuExecutor::open(&choice, LimitsChoice::Adapter)?))
}

/// Work of one training step, in floating-point operations, from which on a real GPU is taken (project default: not
/// yet measured on one).
pub const GPU_WORK: f64 = 1e9;

/// Floating-point operations of one training step of all networks: products, forward and twice as much backward.
///
/// # Errors
///
/// Those of cells and task.
pub fn work(study: &Study, task: &Task) -> Result<f64> {
    let mut work = 0.0;
    for plan in study.all_plans() {
        if let Origin::Train(train) = &plan.origin {
            let architecture = Architecture {
                cell: plan.compile()?,
                units: plan.units,
                inputs: plan.inputs,
                outputs: plan.outputs,
            };
            let layout = Layout::new(&architecture);
            let weights = products(&layout);
            let steps = task.shape(&train.variant)?.n_steps;
            work += 6.0 * (plan.networks.len() * train.batch * steps * weights) as f64;
        }
    }
    Ok(work)
}

/// What a population takes on a device while it is trained; without training, its weights.
///
/// # Errors
///
/// Those of cell, task and device.
pub fn memory(executor: &dyn Executor, plan: &PopulationPlan, task: &Task) -> Result<Memory> {
    let architecture = initial(plan, &[])?.architecture;
    let n = plan.networks.len();
    match &plan.origin {
        Origin::Train(train) => {
            let n_steps = task.shape(&train.variant)?.n_steps;
            Ok(executor.memory(&architecture, n, train.batch, n_steps)?)
        }
        _ => {
            let per_network = Layout::new(&architecture).n_params * size_of::<f32>();
            Ok(Memory {
                per_network,
                history: 0,
                total: n * per_network,
                words: "not trained".into(),
            })
        }
    }
}

/// Share of the FMA peak that training is taken to reach, for [`minutes`].
const TRAINING_SHARE: f64 = 0.3;
/// Floating-point operations per second and thread that the search is taken to reach, for [`minutes`]: small
/// factorisations and eigenvalues in f64.
const SEARCH_FLOPS: f64 = 1e9;
/// Newton steps per seed, all rounds and the polish taken together, for [`minutes`].
const NEWTON_STEPS: f64 = 5.0;

/// A rough number of minutes on the CPU if every network takes all its steps.
///
/// # Errors
///
/// Those of cells, task and executor.
pub fn minutes(study: &Study, task: &Task) -> Result<f64> {
    let executor = CpuExecutor::new(None)?;
    let peak = chiliad_engine::cpu::peak_gflops(&executor) * 1e9;
    let threads = rayon::current_num_threads() as f64;
    let mut seconds = 0.0;
    for plan in study.companions().map(|c| &c.plan) {
        if let Origin::Train(train) = &plan.origin {
            seconds +=
                work(&alone(study, plan), task)? * train.max_steps as f64 / (TRAINING_SHARE * peak);
        }
    }
    for plan in &study.populations {
        let one = alone(study, plan);
        if let Origin::Train(train) = &plan.origin {
            seconds += work(&one, task)? * train.max_steps as f64 / (TRAINING_SHARE * peak);
        }
        if let Some(search) = &study.fixed_points {
            let population = initial(plan, &[])?;
            let size = (population.architecture.cell.states.len() * plan.units) as f64;
            let searches = (plan.networks.len() * task.conditions().len().max(1)) as f64;
            let newton = search.seeds as f64 * NEWTON_STEPS * size.powi(3);
            let driven = (search.driven as u64 * search.driven_steps) as f64
                * 2.0
                * population.layout.n_params as f64;
            seconds +=
                searches * (newton / (SEARCH_FLOPS * threads) + driven / (TRAINING_SHARE * peak));
        }
    }
    Ok(seconds / 60.0)
}

/// A study of one population and nothing beside.
fn alone(study: &Study, plan: &PopulationPlan) -> Study {
    Study {
        populations: vec![plan.clone()],
        comparison: None,
        ..study.clone()
    }
}

/// Networks of a plan with the weights that training begins from, before any restriction.
///
/// # Errors
///
/// Those of the cell.
pub fn initial(plan: &PopulationPlan, networks: &[usize]) -> Result<Population> {
    let chosen: Vec<&NetworkPlan> = networks.iter().map(|&n| &plan.networks[n]).collect();
    let architecture = Architecture {
        cell: plan.compile()?,
        units: plan.units,
        inputs: plan.inputs,
        outputs: plan.outputs,
    };
    let how = match &plan.origin {
        Origin::Train(train) => train.recipe.initial,
        _ => Initial::default(),
    };
    let seeds: Vec<_> = chosen.iter().map(|n| n.seeds).collect();
    let mut population = initialise_as(&architecture, &seeds, &how);
    scale_drawn(&mut population, &chosen);
    if let Origin::Train(train) = &plan.origin {
        read_observed(&mut population, &train.recipe.observe);
    }
    population.constants = chosen
        .iter()
        .flat_map(|n| n.constants.iter().map(|c| *c as f32))
        .collect();
    Ok(population)
}

/// Networks of a plan as they are before any training, restrictions in force: `like` is the plan of networks trained from
/// the same weights, if there are any.
///
/// # Errors
///
/// Those of the cell and of the restrictions.
pub fn untrained(
    plan: &PopulationPlan,
    like: Option<&TrainPlan>,
    networks: &[usize],
) -> Result<Population> {
    let Some(like) = like else {
        return initial(plan, networks);
    };
    let as_trained = PopulationPlan {
        origin: Origin::Train(like.clone()),
        ..plan.clone()
    };
    let mut population = initial(&as_trained, networks)?;
    let chosen: Vec<&NetworkPlan> = networks.iter().map(|&n| &plan.networks[n]).collect();
    let options = options_of(&population, like, &chosen)?;
    population.params = options
        .effective(&options.raw(&population.params))
        .into_owned();
    Ok(population)
}

/// The engine's options of some networks.
fn options_of(
    population: &Population,
    plan: &TrainPlan,
    networks: &[&NetworkPlan],
) -> Result<TrainOptions> {
    let mut options = TrainOptions {
        batch: plan.batch,
        learning_rate: networks.iter().map(|n| n.learning_rate as f32).collect(),
        clip_norm: plan.clip_norm as f32,
        noise: networks.iter().map(|n| n.noise as f32).collect(),
        train_initial_state: plan.train_initial_state,
        ..TrainOptions::new(networks.len())
    };
    plan.recipe.fill(&mut options, population, networks)?;
    Ok(options)
}

/// What [`train`] trains on and towards.
pub struct Training<'a> {
    /// How.
    pub plan: &'a TrainPlan,
    /// The networks' own settings.
    pub networks: Vec<&'a NetworkPlan>,
    /// The task.
    pub task: Arc<Task>,
    /// Seed of the study.
    pub seed: u64,
    /// Evaluation loss at which a network is done.
    pub criterion: Option<f32>,
}

/// Trains; `after_evaluation` sees every state and says whether to go on.
///
/// # Errors
///
/// Those of the executor and of the task.
pub fn train(
    executor: &dyn Executor,
    population: &Population,
    training: &Training<'_>,
    from: Option<Trained>,
    after_evaluation: &mut dyn FnMut(&Trained) -> bool,
) -> Result<Trained> {
    let plan = training.plan;
    let options = options_of(population, plan, &training.networks)?;
    let stop = StopRule {
        loss: training.criterion,
        held: match plan.until {
            Until::Held { evaluations, .. } => evaluations,
            _ => 1,
        },
        accuracy: match plan.until {
            Until::Accuracy { at_least, mean_of } => Some(AccuracyRule {
                at_least: at_least as f32,
                mean_of,
            }),
            _ => None,
        },
        max_steps: plan.max_steps,
        evaluate_every: plan.eval_every,
        snapshots: plan.snapshots.iter().map(|l| *l as f32).collect(),
    };
    let trials = |variant: &str| -> Result<(TrialBank, Trials)> {
        let task = Arc::clone(&training.task);
        let bank = match plan.recipe.data {
            Data::Bank => {
                TrialBank::new(task, variant, training.seed, plan.bank_trials, plan.batch)?
            }
            Data::Fresh => {
                let seeds: Vec<u64> = training.networks.iter().map(|n| n.seeds.data).collect();
                TrialBank::fresh(task, variant, &seeds, plan.batch)?
            }
        };
        let evaluation = plan.evaluation_of(variant, &training.task, training.seed)?;
        Ok((bank, evaluation))
    };
    let before = plan
        .curriculum
        .iter()
        .map(|l| trials(&l.variant))
        .collect::<Result<Vec<_>>>()?;
    let lessons: Vec<Lesson<'_>> = before
        .iter()
        .zip(plan.lessons())
        .map(|((bank, evaluation), until)| Lesson {
            bank,
            evaluation,
            until,
        })
        .collect();
    let (bank, evaluation) = trials(&plan.variant)?;
    Ok(chiliad_engine::train::teach(
        executor,
        population,
        &options,
        &stop,
        &lessons,
        (&bank, &evaluation),
        from,
        after_evaluation,
    )?)
}

/// Masked mean-squared error of every network. `[network]`
///
/// # Errors
///
/// Those of the executor.
pub fn losses(
    executor: &dyn Executor,
    population: &Population,
    trials: &Trials,
) -> Result<Vec<f32>> {
    losses_as(executor, population, Loss::MaskedMean, trials)
}

/// Loss of a kind of every network. `[network]`
///
/// # Errors
///
/// Those of the executor.
pub fn losses_as(
    executor: &dyn Executor,
    population: &Population,
    loss: Loss,
    trials: &Trials,
) -> Result<Vec<f32>> {
    let options = TrainOptions {
        loss,
        ..TrainOptions::new(population.n_networks)
    };
    Ok(executor
        .train(population, &options, None)?
        .evaluate(trials)?)
}

/// Arithmetic operations of a training step of one network of a population: products forward and twice as many backward, and the
/// cell's instructions for every unit, a fused multiply-add counted as two and a transcendental function as one. Penalties and
/// the optimiser's step are not counted.
///
/// # Errors
///
/// Those of cell and task.
pub fn operations(plan: &PopulationPlan, train: &TrainPlan, task: &Task) -> Result<f64> {
    let architecture = initial(plan, &[])?.architecture;
    let programs = &architecture.cell.programs;
    let pointwise = programs
        .drive
        .iter()
        .chain(&programs.drive_adjoint)
        .chain([&programs.next, &programs.next_adjoint])
        .flat_map(|p| &p.instructions)
        .map(|i| match i.code {
            Code::Copy => 0,
            Code::MulAdd | Code::NegMulAdd | Code::MulSub => 2,
            _ => 1,
        })
        .sum::<usize>();
    let layout = Layout::new(&architecture);
    let per_step = 6 * products(&layout) + plan.units * pointwise;
    Ok((train.batch * task.shape(&train.variant)?.n_steps * per_step) as f64)
}

/// Entries of all matrices of a network.
fn products(layout: &Layout) -> usize {
    layout
        .tensors
        .iter()
        .filter(|t| t.shape.len() == 2)
        .map(Tensor::len)
        .sum()
}

/// Least wall-clock that [`seconds_per_step`] times, and how often it does.
const TIMED_SECONDS: f64 = 0.1;
const TIMED_TIMES: usize = 3;
/// Most steps in one of them.
const MOST_TIMED: u64 = 1 << 20;

/// Seconds of a training step of one network of a population, all networks of it being trained together on this device: the
/// best of three measurements, evaluations left out.
///
/// # Errors
///
/// Those of the executor and of the task.
pub fn seconds_per_step(
    executor: &dyn Executor,
    plan: &PopulationPlan,
    train: &TrainPlan,
    task: &Task,
    seed: u64,
) -> Result<f64> {
    let all: Vec<usize> = (0..plan.networks.len()).collect();
    let population = initial(plan, &all)?;
    let options = options_of(
        &population,
        train,
        &plan.networks.iter().collect::<Vec<_>>(),
    )?;
    let grid = task.grid_size(&train.variant)?.unwrap_or(usize::MAX);
    let bank = task.sample(&train.variant, train.bank_trials.min(grid), seed)?;
    let mut training = executor.train(&population, &options, None)?;
    training.advance(&bank, 1)?;
    let (mut steps, mut best) = (1, f64::INFINITY);
    for _ in 0..TIMED_TIMES {
        loop {
            let start = Instant::now();
            training.advance(&bank, steps)?;
            let seconds = start.elapsed().as_secs_f64();
            // Networks that have all diverged take no time.
            if seconds >= TIMED_SECONDS || steps >= MOST_TIMED {
                best = best.min(seconds / steps as f64);
                break;
            }
            steps *= 2;
        }
    }
    Ok(best / plan.networks.len().max(1) as f64)
}

/// States and outputs on trials.
///
/// # Errors
///
/// Those of the executor.
pub fn roll_out(
    executor: &dyn Executor,
    population: &Population,
    inputs: &[f32],
    n_trials: usize,
    n_steps: usize,
) -> Result<Trajectories> {
    Ok(executor.roll_out(population, inputs, n_trials, n_steps)?)
}

/// Trials that drive the networks are sampled with a seed of their own.
const DRIVEN: u64 = 0x6472_6976_656e;

/// Trials whose states seed a study's searches and are driven on.
///
/// # Errors
///
/// Those of the task.
pub fn driven_trials(task: &Task, plan: &FixedPointsPlan, seed: u64) -> Result<Trials> {
    trials_of(task, plan.driven, seed)
}

/// Such trials, at most `n` of them.
///
/// # Errors
///
/// Those of the task.
pub fn trials_of(task: &Task, n: usize, seed: u64) -> Result<Trials> {
    let variant = chiliad_tasks::task::TRAIN;
    let all = task.grid_size(variant)?.unwrap_or(usize::MAX);
    Ok(task.sample(variant, n.min(all), seed ^ DRIVEN)?)
}

/// What a search needs beyond the population.
pub struct Search<'a> {
    /// Lengths and numbers.
    pub plan: &'a FixedPointsPlan,
    /// Constant inputs.
    pub conditions: &'a [Condition],
    /// Trials whose states seed the search and are driven on; none for a search without them.
    pub trials: Option<&'a Trials>,
    /// Seeds of the user's own, `[field, unit]` each.
    pub own_seeds: Vec<Vec<f64>>,
    /// Seed of the study.
    pub seed: u64,
}

/// First-round seeds of every network after the executor's descent; none where it leaves them to Newton.
fn descend<'a>(
    executor: &dyn Executor,
    population: &Population,
    input: &[f32],
    condition: u32,
    visited: &dyn Fn(usize) -> Visited<'a>,
    options: &fixed_points::Options,
) -> Result<Option<Vec<Vec<f32>>>> {
    let (mut seeds, mut n_seeds) = (Vec::new(), 0);
    for n in 0..population.n_networks {
        let (own, count) =
            fixed_points::first_seeds(population, n, input, condition, &visited(n), options)?;
        (n_seeds, seeds) = (count, [seeds, own].concat());
    }
    let per_network = seeds.len() / population.n_networks.max(1);
    let ends = executor.descend(population, input, &seeds, n_seeds)?;
    Ok(ends.map(|e| {
        e.chunks_exact(per_network.max(1))
            .map(<[f32]>::to_vec)
            .collect()
    }))
}

/// Every network's fixed points under every condition, network by network; `done` is told how many networks are finished.
///
/// # Errors
///
/// Those of roll-out and search.
pub fn fixed_points(
    executor: &dyn Executor,
    population: &Population,
    search: &Search<'_>,
    done: &mut dyn FnMut(usize),
) -> Result<Vec<Vec<FixedPoints>>> {
    let options = search.plan.options(
        search.trials.map_or(64.0, |t| t.n_steps as f64),
        search.seed,
        search.own_seeds.clone(),
    );
    let mut all = Vec::with_capacity(population.n_networks);
    // Few networks at a time: their trajectories are held while they are searched.
    let together = 2 * rayon::current_num_threads();
    for first in (0..population.n_networks).step_by(together) {
        let chosen: Vec<usize> = (first..population.n_networks.min(first + together)).collect();
        let part = population.select(&chosen);
        let trajectories = search
            .trials
            .map(|t| executor.roll_out(&part, &t.inputs, t.n_trials, t.n_steps))
            .transpose()?;
        let visited = |n: usize| {
            let all = trajectories.as_ref();
            all.map_or_else(Visited::none, |t| Visited::of(t, n))
        };
        let mut found: Vec<Vec<FixedPoints>> = vec![Vec::new(); part.n_networks];
        for (c, condition) in search.conditions.iter().enumerate() {
            let (input, c) = (&condition.input, c as u32);
            let descended = descend(executor, &part, input, c, &visited, &options)?;
            let one = |n: usize| {
                let from = descended.as_ref().map(|d| d[n].as_slice());
                fixed_points::find_from(&part, n, input, c, &visited(n), &options, from)
            };
            let points: std::result::Result<Vec<FixedPoints>, _> =
                (0..part.n_networks).into_par_iter().map(one).collect();
            for (all, one) in found.iter_mut().zip(points?) {
                all.push(one);
            }
        }
        all.extend(found);
        done(all.len());
    }
    Ok(all)
}

/// Peak and training speed of the CPU in GFLOP/s: vanilla, 256 networks of 64 units, 64 trials of 100 steps, a training
/// step counted as 3 forward passes of the products.
///
/// # Errors
///
/// Those of the executor.
pub fn measure() -> Result<(f64, f64)> {
    let executor = CpuExecutor::new(None)?;
    let peak = chiliad_engine::cpu::peak_gflops(&executor);
    let (networks, units, trials, steps, channels) = (256, 64, 64, 100, 3);
    let cell = Arc::new(chiliad_engine::cell::Cell::builtin("vanilla", "tanh")?);
    let seeds: Vec<_> = (0..networks as u64)
        .map(chiliad_engine::population::Seeds::all)
        .collect();
    let population = initialise(
        &Architecture {
            cell,
            units,
            inputs: channels,
            outputs: channels,
        },
        &seeds,
    );
    let sampled = Task::builtin("flip_flop")?.sample("ood-double_length", trials, 0)?;
    let cut = |data: &[f32]| {
        data.chunks(sampled.n_steps * channels)
            .flat_map(|t| t[..steps * channels].to_vec())
            .collect::<Vec<f32>>()
    };
    let bank = Trials {
        n_steps: steps,
        inputs: cut(&sampled.inputs),
        targets: cut(&sampled.targets),
        mask: cut(&sampled.mask),
        ..sampled.clone()
    };
    let mut training = executor.train(&population, &TrainOptions::new(networks), None)?;
    training.advance(&bank, 1)?;
    let start = Instant::now();
    let n = 5;
    training.advance(&bank, n)?;
    let products = (units * units + 2 * units * channels) as f64;
    let flops = 2.0 * 3.0 * products * (networks * trials * steps) as f64 * n as f64;
    Ok((peak, flops / start.elapsed().as_secs_f64() / 1e9))
}
