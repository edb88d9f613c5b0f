//! `task psychometric`: how often networks decide for the first alternative, by the evidence for it.

use chiliad::error::StudyError;
use chiliad::psychometric::Decisions;
use chiliad_engine::cpu::CpuExecutor;
use chiliad_tasks::Task;
use serde_json::json;

use crate::commands::{Which, refuse};
use crate::terminal::say;

/// Curves of every network of a population on new trials of a decision task.
#[derive(clap::Args)]
pub(crate) struct PsychometricArguments {
    /// A task whose file names `evidence`.
    name: String,
    #[command(flatten)]
    which: Which,
    #[arg(long, default_value = "train")]
    variant: String,
    /// Trials; left out: the whole grid of a variant that has one, else 1000.
    #[arg(long)]
    trials: Option<usize>,
    #[arg(long, default_value_t = 0)]
    seed: u64,
}

pub(super) fn psychometric(arguments: &PsychometricArguments, json: bool) -> anyhow::Result<()> {
    let task = Task::find(&arguments.name)?;
    let variant = &arguments.variant;
    let n = arguments
        .trials
        .or(task.grid_size(variant)?)
        .unwrap_or(1000);
    let Some(decisions) = Decisions::sample(&task, variant, n, arguments.seed)? else {
        return refuse(format!(
            "task `{}` names no `evidence`: it has no psychometric curve",
            task.name
        ));
    };
    let found = arguments.which.open()?;
    let (own, asked) = (&found.population.architecture, decisions.trials.shape());
    if (own.inputs, own.outputs) != (asked.n_inputs, asked.n_outputs) {
        return refuse(format!(
            "{} has {} inputs and {} outputs, task `{}` has {} and {}",
            found.label, own.inputs, own.outputs, task.name, asked.n_inputs, asked.n_outputs
        ));
    }
    let executor = CpuExecutor::new(None).map_err(StudyError::from)?;
    let curves = decisions.curves(&executor, &found.population)?;
    if json {
        say(
            &json!({"task": task.name, "variant": variant, "trials": n, "networks": curves})
                .to_string(),
        );
        return Ok(());
    }
    for (network, points) in curves.iter().enumerate() {
        say(&format!("network {network}"));
        for point in points {
            let share = point.first.count as f64 / point.first.n.max(1) as f64;
            let bar = "#".repeat((40.0 * share).round() as usize);
            say(&format!(
                "{:>9.4}  {share:.2} [{:.2}, {:.2}]  {bar}",
                point.evidence, point.first.low, point.first.high
            ));
        }
    }
    Ok(())
}
