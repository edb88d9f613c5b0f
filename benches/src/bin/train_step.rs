//! Times training steps of one shape, against the floor of the machine: the engine's side of `benches/peers`.

use anyhow::Context as _;
use chiliad_engine::cell::Cell;
use chiliad_engine::cpu::CpuExecutor;
use chiliad_engine::executor::{Executor, TrainOptions};
use chiliad_engine::population::{Architecture, Population, Seeds, initialise::initialise};
use chiliad_tasks::{Task, Trials};
use clap::Parser;
use std::io::BufRead as _;
use std::sync::Arc;
use std::time::Instant;

/// Times training steps of one shape.
#[derive(Parser)]
struct Arguments {
    /// Cell.
    #[arg(long, default_value = "vanilla")]
    cell: String,
    /// Networks.
    #[arg(long, default_value_t = 256)]
    networks: usize,
    /// Units.
    #[arg(long, default_value_t = 64)]
    units: usize,
    /// Trials per step.
    #[arg(long, default_value_t = 64)]
    trials: usize,
    /// Time steps per trial.
    #[arg(long, default_value_t = 100)]
    steps: usize,
    /// Input channels: those of flip-flop with that many bits.
    #[arg(long, default_value_t = 3)]
    inputs: usize,
    /// Output channels, as many as inputs.
    #[arg(long, default_value_t = 3)]
    outputs: usize,
    /// Read `step K` lines and answer each with one JSON line.
    #[arg(long)]
    serve: bool,
    /// Weights (own layout) for `--loss-only`.
    #[arg(long)]
    weights: Option<std::path::PathBuf>,
    /// Trials for `--loss-only`.
    #[arg(long)]
    trials_file: Option<std::path::PathBuf>,
    /// Print the loss of every network and stop.
    #[arg(long)]
    loss_only: bool,
}

#[expect(clippy::print_stdout, reason = "a benchmark prints its figures")]
fn main() -> anyhow::Result<()> {
    let a = Arguments::parse();
    let cpu = CpuExecutor::new(None)?;
    let cell = Arc::new(Cell::builtin(&a.cell, "tanh")?);
    let architecture = Architecture {
        cell,
        units: a.units,
        inputs: a.inputs,
        outputs: a.outputs,
    };
    if a.loss_only {
        let trials = Trials::load_npz(
            a.trials_file
                .as_ref()
                .context("--loss-only needs --trials-file")?,
        )?;
        let file = a.weights.as_ref().context("--loss-only needs --weights")?;
        let imported = chiliad_engine::files::own::import(file, &architecture.cell, &[])?;
        let loss = cpu.gradient(&imported.population, &trials)?.loss;
        println!("{}", serde_json::json!({ "loss": loss }));
        return Ok(());
    }
    let seeds: Vec<Seeds> = (0..a.networks as u64).map(Seeds::all).collect();
    let population = initialise(&architecture, &seeds);
    let ron = format!(
        "(summary: \"bench\", source: \"-\", generator: FlipFlop(bits: {}, steps: {}, pulse_probability: 0.1, force_first_pulse: true, input_noise: 0.0))",
        a.inputs, a.steps
    );
    anyhow::ensure!(
        a.inputs == a.outputs,
        "flip-flop has as many outputs as inputs"
    );
    let bank = Task::from_ron(&ron, "bench")?.sample("train", 4096, 0)?;
    let options = TrainOptions {
        batch: a.trials,
        ..TrainOptions::new(a.networks)
    };
    let mut training = cpu.train(&population, &options, None)?;
    training.advance(&bank, 1)?;
    let flops = flops_per_step(&population, a.trials, a.steps);
    let mut measure = |k: u64| -> anyhow::Result<()> {
        let start = Instant::now();
        training.advance(&bank, k)?;
        let seconds = start.elapsed().as_secs_f64() / k as f64;
        let peak = chiliad_engine::cpu::peak_gflops(&cpu);
        println!(
            "{}",
            serde_json::json!({ "seconds_per_step": seconds, "gflops": flops / seconds / 1e9, "peak_gflops": peak, "share_of_peak": flops / seconds / 1e9 / peak })
        );
        Ok(())
    };
    if !a.serve {
        return measure(5);
    }
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        let steps = line
            .strip_prefix("step ")
            .and_then(|k| k.trim().parse().ok())
            .with_context(|| format!("expected `step K`, got `{line}`"))?;
        measure(steps)?;
    }
    Ok(())
}

/// Floating-point operations of the products: forward, and twice as many backward.
fn flops_per_step(population: &Population, trials: usize, steps: usize) -> f64 {
    let weights: usize = population
        .layout
        .tensors
        .iter()
        .filter(|t| t.shape.len() == 2)
        .map(chiliad_engine::population::Tensor::len)
        .sum();
    3.0 * 2.0 * (population.n_networks * trials * steps * weights) as f64
}
