//! `task list`, `show`, `sample`, `plot`.

use super::answer;
use crate::terminal::say;
use chiliad_tasks::Task;
use serde_json::json;
use std::path::PathBuf;

#[derive(clap::Subcommand)]
pub(crate) enum TaskCommand {
    /// Names of the library.
    List,
    /// One task: shape, variants, source.
    Show { name: String },
    /// Trials as npz: inputs, targets, mask, condition.
    Sample {
        name: String,
        #[arg(long, default_value = "train")]
        variant: String,
        #[arg(long)]
        trials: usize,
        #[arg(long, default_value_t = 0)]
        seed: u64,
        #[arg(long)]
        out: PathBuf,
    },
    /// One trial as SVG.
    Plot {
        name: String,
        #[arg(long, default_value = "train")]
        variant: String,
        #[arg(long, default_value_t = 0)]
        seed: u64,
        #[arg(long)]
        out: PathBuf,
    },
}

pub(super) fn task(command: &TaskCommand, json: bool) -> anyhow::Result<()> {
    match command {
        TaskCommand::List => {
            let names: Vec<&str> = chiliad_tasks::builtin_names().collect();
            answer(json, &json!(names), &names.join("\n"));
        }
        TaskCommand::Show { name } => {
            let task = Task::find(name)?;
            let mut variants = serde_json::Map::new();
            for v in task.variants() {
                let s = task.shape(v)?;
                variants.insert(
                    v.to_owned(),
                    json!({"steps": s.n_steps, "inputs": s.n_inputs, "outputs": s.n_outputs}),
                );
            }
            let value = json!({"name": task.name, "summary": task.summary, "source": task.source, "variants": variants, "conditions": task.conditions().iter().map(|c| json!({"label": c.label, "input": c.input})).collect::<Vec<_>>()});
            say(&if json {
                value.to_string()
            } else {
                format!(
                    "{}\n{}",
                    task.ron.trim_end(),
                    serde_json::to_string_pretty(&value["variants"])?
                )
            });
        }
        TaskCommand::Sample {
            name,
            variant,
            trials,
            seed,
            out,
        } => {
            let sampled = Task::find(name)?.sample(variant, *trials, *seed)?;
            sampled.save_npz(out)?;
            answer(
                json,
                &json!({"out": out, "trials": sampled.n_trials, "steps": sampled.n_steps}),
                &format!(
                    "{} trials of {} steps in {}",
                    sampled.n_trials,
                    sampled.n_steps,
                    out.display()
                ),
            );
        }
        TaskCommand::Plot {
            name,
            variant,
            seed,
            out,
        } => {
            let task = Task::find(name)?;
            let sampled = task.sample(variant, 1, *seed)?;
            chiliad::folder::write(
                out,
                chiliad_tasks::plot::trial_svg(&sampled, 0, &format!("{} ({variant})", task.name))
                    .as_bytes(),
            )?;
            answer(json, &json!({"out": out}), &out.display().to_string());
        }
    }
    Ok(())
}
