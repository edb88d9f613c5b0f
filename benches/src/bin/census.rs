//! Seconds until the fixed points of a trained population are closed, with what was found: speed is never bought by
//! missing points.

use chiliad_analysis::census::{Census, Summary};
use chiliad_engine::cell::Cell;
use chiliad_engine::cpu::CpuExecutor;
use chiliad_engine::executor::{Executor, TrainOptions};
use chiliad_engine::fixed_points::{Options, Visited, find};
use chiliad_engine::population::{Architecture, Seeds, initialise::initialise};
use chiliad_engine::train::{Outcome, StopRule, train};
use chiliad_tasks::{Task, TrialBank};
use clap::Parser;
use std::sync::Arc;
use std::time::Instant;

/// Trains a population on the 3-bit flip-flop to 1e-3 and searches its fixed points.
#[derive(Parser)]
struct Arguments {
    /// Cell.
    #[arg(long, default_value = "vanilla")]
    cell: String,
    /// Networks.
    #[arg(long, default_value_t = 100)]
    networks: usize,
    /// Units.
    #[arg(long, default_value_t = 64)]
    units: usize,
    /// Seeds of the search.
    #[arg(long, default_value_t = 1024)]
    seeds: usize,
}

#[expect(clippy::print_stdout, reason = "a benchmark prints its figures")]
fn main() -> anyhow::Result<()> {
    let a = Arguments::parse();
    let cpu = CpuExecutor::new(None)?;
    let task = Arc::new(Task::builtin("flip_flop")?);
    let shape = task.shape("train")?;
    let cell = Arc::new(Cell::builtin(&a.cell, "tanh")?);
    let architecture = Architecture {
        cell,
        units: a.units,
        inputs: shape.n_inputs,
        outputs: shape.n_outputs,
    };
    let seeds: Vec<Seeds> = (0..a.networks as u64).map(Seeds::all).collect();
    let mut population = initialise(&architecture, &seeds);
    let bank = TrialBank::new(Arc::clone(&task), "train", 0, 4096, 64)?;
    let stop = StopRule {
        loss: Some(1e-3),
        max_steps: 2000,
        evaluate_every: 25,
        snapshots: vec![],
        ..StopRule::default()
    };
    let evaluation = task.evaluation(512, 0)?;
    let start = Instant::now();
    let options = TrainOptions::new(a.networks);
    let trained = train(
        &cpu,
        &population,
        &options,
        &stop,
        &bank,
        &evaluation,
        None,
        &mut |_| true,
    )?;
    let training = start.elapsed().as_secs_f64();
    println!(
        "{} {} units: {} of {} networks trained to 1e-3 in {training:.1} s",
        a.cell,
        a.units,
        trained.count(Outcome::Converged),
        a.networks
    );
    population.params = trained.best_params;

    let start = Instant::now();
    let driven = task.evaluation(256, 1)?;
    let options = Options {
        seeds: a.seeds,
        ..Options::default()
    };
    let mut found = Vec::new();
    // Few networks at a time, as a study does: their trajectories are held while they are searched.
    for first in (0..a.networks).step_by(8) {
        let some: Vec<usize> = (first..a.networks.min(first + 8)).collect();
        let part = population.select(&some);
        let rolled = cpu.roll_out(&part, &driven.inputs, driven.n_trials, driven.n_steps)?;
        let searched: Vec<_> = cpu.install(|| {
            use rayon::prelude::*;
            let one = |n: usize| {
                find(
                    &part,
                    n,
                    &vec![0.0; shape.n_inputs],
                    0,
                    &Visited::of(&rolled, n),
                    &options,
                )
            };
            (0..part.n_networks)
                .into_par_iter()
                .map(one)
                .collect::<Result<Vec<_>, _>>()
        })?;
        found.extend(searched);
    }
    let seconds = start.elapsed().as_secs_f64();
    let points: usize = found.iter().map(|f| f.points.len()).sum();
    let censuses: Vec<Census> = found.iter().map(Census::of).collect();
    println!(
        "census of {} networks, {} seeds each: {seconds:.1} s, {points} points",
        a.networks, a.seeds
    );
    println!("{}", serde_json::to_string_pretty(&Summary::of(&censuses))?);
    Ok(())
}
