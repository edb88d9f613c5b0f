//! Trains the quickstart's populations and prints how long it took: the first figure to look at after a change.

use chiliad_engine::cell::Cell;
use chiliad_engine::cpu::CpuExecutor;
use chiliad_engine::executor::{Executor, TrainOptions};
use chiliad_engine::population::{Architecture, Seeds, initialise::initialise};
use chiliad_engine::train::{Outcome, StopRule, train};
use chiliad_tasks::{Task, TrialBank};
use std::sync::Arc;

#[expect(clippy::print_stdout, reason = "a benchmark prints its figures")]
fn main() -> anyhow::Result<()> {
    let cpu = CpuExecutor::new(None)?;
    println!("{}", cpu.describe());
    let task = Arc::new(Task::builtin("flip_flop")?);
    let shape = task.shape("train")?;
    let evaluation = task.evaluation(512, 0)?;
    let whole = std::time::Instant::now();
    for cell in ["vanilla", "ugrnn", "gru", "lstm"] {
        let architecture = Architecture {
            cell: Arc::new(Cell::builtin(cell, "tanh")?),
            units: 32,
            inputs: shape.n_inputs,
            outputs: shape.n_outputs,
        };
        let seeds: Vec<Seeds> = (0..16).map(Seeds::all).collect();
        let population = initialise(&architecture, &seeds);
        let bank = TrialBank::new(Arc::clone(&task), "train", 0, 4096, 64)?;
        let stop = StopRule {
            loss: Some(1e-3),
            max_steps: 2000,
            evaluate_every: 25,
            snapshots: vec![],
            ..StopRule::default()
        };
        let start = std::time::Instant::now();
        let trained = train(
            &cpu,
            &population,
            &TrainOptions::new(16),
            &stop,
            &bank,
            &evaluation,
            None,
            &mut |_| true,
        )?;
        let mut steps = trained.steps.clone();
        steps.sort_unstable();
        println!(
            "{cell}: {} of 16 converged, steps median {} worst {}, {:.2} s",
            trained.count(Outcome::Converged),
            steps[8],
            steps[15],
            start.elapsed().as_secs_f64()
        );
    }
    println!("all: {:.2} s", whole.elapsed().as_secs_f64());
    Ok(())
}
