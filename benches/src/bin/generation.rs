//! What making trials costs beside a training step, for every task of the library: the share that the bank of trials takes.

use chiliad_engine::cell::Cell;
use chiliad_engine::cpu::CpuExecutor;
use chiliad_engine::executor::{Executor, TrainOptions};
use chiliad_engine::population::{Architecture, Seeds, initialise::initialise};
use chiliad_tasks::{Task, TrialBank, builtin_names};
use clap::Parser;
use std::sync::Arc;
use std::time::Instant;

/// Prints, per task, the processor time of making the trials of one step and the share it is of that step.
#[derive(Parser)]
struct Arguments {
    /// Tasks; left out: all of the library.
    names: Vec<String>,
    #[arg(long, default_value = "vanilla")]
    cell: String,
    #[arg(long, default_value_t = 1024)]
    networks: usize,
    #[arg(long, default_value_t = 64)]
    units: usize,
    /// Trials of a bank.
    #[arg(long, default_value_t = 2048)]
    bank: usize,
}

#[expect(clippy::print_stdout, reason = "a benchmark prints its figures")]
fn main() -> anyhow::Result<()> {
    let a = Arguments::parse();
    let cpu = CpuExecutor::new(None)?;
    println!("{}", cpu.describe());
    println!(
        "| task | time steps | trials per step | making a trial, ms | per step, ms of one core | step of {} networks, s of all cores | share |",
        a.networks
    );
    println!("|---|---|---|---|---|---|---|");
    let all: Vec<String> = builtin_names().map(str::to_owned).collect();
    for name in if a.names.is_empty() { &all } else { &a.names } {
        let task = Arc::new(Task::find(name)?);
        let shape = task.shape("train")?;
        let batch = task.recipe.batch;
        let start = Instant::now();
        let trials = task.sample("train", a.bank, 1)?;
        let generation = start.elapsed().as_secs_f64();
        let architecture = Architecture {
            cell: Arc::new(Cell::builtin(&a.cell, "tanh")?),
            units: a.units,
            inputs: shape.n_inputs,
            outputs: shape.n_outputs,
        };
        let seeds: Vec<Seeds> = (0..a.networks as u64).map(Seeds::all).collect();
        let population = initialise(&architecture, &seeds);
        let mut options = TrainOptions::new(a.networks);
        options.batch = batch;
        let mut training = cpu.train(&population, &options, None)?;
        training.advance(&trials, 1)?;
        let start = Instant::now();
        training.advance(&trials, 1)?;
        let step = start.elapsed().as_secs_f64();
        // A generation serves so many steps, and is made on a thread of its own while they run.
        let bank = TrialBank::new(Arc::clone(&task), "train", 0, a.bank, batch)?;
        let per_step = generation / bank.refresh_interval() as f64;
        let cores = std::thread::available_parallelism()?.get() as f64;
        println!(
            "| {name} | {} | {batch} | {:.3} | {:.2} | {step:.2} | {:.2} % |",
            trials.n_steps,
            1e3 * generation / a.bank as f64,
            1e3 * per_step,
            100.0 * per_step / (step * cores),
        );
    }
    Ok(())
}
