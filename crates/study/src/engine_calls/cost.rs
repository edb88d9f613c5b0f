//! What a study costs, before it runs and while it does: operations, bytes, minutes.

use super::training::{initial, options_of};
use crate::error::Result;
use crate::spec::DriveSpec;
use crate::study::{Origin, PopulationPlan, Study, TrainPlan};
use chiliad_engine::cell::program::Code;
use chiliad_engine::cpu::CpuExecutor;
use chiliad_engine::executor::{Executor, Memory};
use chiliad_engine::population::{Architecture, Layout, Tensor};
use chiliad_tasks::Task;
use std::time::Instant;

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

/// A rough number of minutes on the CPU if every network takes all its steps: training, searches, attractors and exponents.
/// Graphs, linear systems and distances depend on what is found and are not in it.
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
        let population = initial(plan, &[])?;
        let step = 2.0 * population.layout.n_params as f64;
        let size = (population.architecture.cell.states.len() * plan.units) as f64;
        let newton = |seeds: usize| seeds as f64 * NEWTON_STEPS * size.powi(3);
        let inputs = task.conditions().len().max(1);
        let mut seek = 0.0;
        let mut follow = 0.0;
        if let Some(search) = &study.fixed_points {
            seek += inputs as f64 * newton(search.seeds);
            follow += inputs as f64 * step * search.driven as f64 * search.driven_steps as f64;
        }
        if let Some(a) = &study.dynamics.attractors {
            seek += inputs as f64 * a.max_period as f64 * newton(a.seeds);
            let states = (a.driven + a.uniform) as f64;
            follow += inputs as f64 * step * states * a.settle_steps as f64;
        }
        if let Some(l) = &study.dynamics.lyapunov {
            let orbits = match l.drive {
                DriveSpec::Constant => inputs * l.starts,
                DriveSpec::Trials(trials) => trials,
            };
            let steps = l.steps.unwrap_or(0) + l.warmup.unwrap_or(0);
            let exponents = l.exponents.unwrap_or(1) as f64;
            // Tangents go through the products of a step, and are made orthogonal.
            let each = step * exponents + 4.0 * size * exponents.powi(2);
            seek += (orbits * steps) as f64 * each;
        }
        let networks = plan.networks.len() as f64;
        seconds += networks * (seek / (SEARCH_FLOPS * threads) + follow / (TRAINING_SHARE * peak));
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
