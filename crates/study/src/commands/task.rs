//! `task list`, `show`, `sample`, `plot`, `learn`, `psychometric`.

mod learn;
mod psychometric;

use super::answer;
use crate::terminal::say;
use chiliad_tasks::plot::trial_svg;
use chiliad_tasks::{Span, Task};
use serde_json::json;
use std::path::PathBuf;

/// Trials from which the statistics of lengths are taken.
const MEASURED: usize = 1000;

#[derive(clap::Subcommand)]
pub(crate) enum TaskCommand {
    /// Names of the library.
    List,
    /// One task: shape, variants, lengths of trials, recipe, source.
    Show { name: String },
    /// Trials as npz: inputs, targets, mask, condition.
    Sample {
        name: String,
        #[arg(long, default_value = "train")]
        variant: String,
        /// Left out: the whole grid of a variant that has one, or all of the user's own.
        #[arg(long)]
        trials: Option<usize>,
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
        /// Which trial.
        #[arg(long, default_value_t = 0)]
        trial: usize,
        #[arg(long)]
        out: PathBuf,
    },
    /// Train on tasks by the recipes of their files, and print how far networks came.
    Learn(learn::LearnArguments),
    /// How often networks decide for the first alternative, by the evidence for it.
    Psychometric(psychometric::PsychometricArguments),
}

pub(super) fn task(command: &TaskCommand, json: bool) -> anyhow::Result<()> {
    match command {
        TaskCommand::List => {
            let names: Vec<&str> = chiliad_tasks::builtin_names().collect();
            answer(json, &json!(names), &names.join("\n"));
        }
        TaskCommand::Show { name } => show(name, json)?,
        TaskCommand::Sample {
            name,
            variant,
            trials,
            seed,
            out,
        } => {
            let task = Task::find(name)?;
            let sampled = match trials {
                Some(trials) => task.sample(variant, *trials, *seed)?,
                None => task.sample_all(variant, *seed)?,
            };
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
            trial,
            out,
        } => {
            let task = Task::find(name)?;
            let sampled = task.sample_range(variant, *trial, 1, *seed)?;
            let spans = task.spans(variant, *trial, *seed)?;
            let condition = usize::try_from(sampled.condition[0]).ok();
            let condition = condition.and_then(|c| task.conditions().into_iter().nth(c));
            let label = condition.map_or_else(
                || format!("condition {}", sampled.condition[0]),
                |condition| condition.label,
            );
            let names = task.channel_names(variant)?;
            let title = format!("{} ({variant}), trial {trial}: {label}", task.name);
            chiliad::folder::write(
                out,
                trial_svg(&sampled, 0, &title, &names, &spans).as_bytes(),
            )?;
            answer(json, &json!({"out": out}), &out.display().to_string());
        }
        TaskCommand::Learn(arguments) => learn::learn(arguments, json)?,
        TaskCommand::Psychometric(arguments) => psychometric::psychometric(arguments, json)?,
    }
    Ok(())
}

fn show(name: &str, json: bool) -> anyhow::Result<()> {
    let task = Task::find(name)?;
    let mut variants = serde_json::Map::new();
    for v in task.variants() {
        let s = task.shape(v)?;
        variants.insert(
            v.to_owned(),
            json!({
                "steps": s.n_steps, "inputs": s.n_inputs, "outputs": s.n_outputs, "grid": task.grid_size(v)?,
                "length": lengths(&task, v)?, "input_names": task.channel_names(v)?.inputs, "output_names": task.channel_names(v)?.outputs,
            }),
        );
    }
    let conditions: Vec<_> = task
        .conditions()
        .iter()
        .map(|c| json!({"label": c.label, "input": c.input}))
        .collect();
    let evaluation = task.evaluation(512, 0)?;
    let recipe = &task.recipe;
    let lesson = |l: &chiliad_tasks::Lesson| json!({"variant": l.variant, "until": l.until});
    let recipe = json!({
        "criterion": recipe.criterion, "criterion_mse": recipe.criterion * evaluation.masked_variance(),
        "learning_rate": recipe.learning_rate, "max_steps": recipe.max_steps, "batch": recipe.batch,
        "curriculum": recipe.curriculum.iter().map(lesson).collect::<Vec<_>>(),
    });
    let value = json!({
        "name": task.name, "summary": task.summary, "source": task.source, "census": task.census, "recipe": recipe,
        "variants": variants, "conditions": conditions,
    });
    say(&if json {
        value.to_string()
    } else {
        let figures = json!({"recipe": value["recipe"], "variants": value["variants"]});
        format!(
            "{}\n{}",
            task.ron.trim_end(),
            serde_json::to_string_pretty(&figures)?
        )
    });
    Ok(())
}

/// Lengths of the first trials in steps, up to the end of the last epoch.
fn lengths(task: &Task, variant: &str) -> anyhow::Result<serde_json::Value> {
    let all = task.shape(variant)?.n_steps;
    let available = if task.is_external() { 1 } else { MEASURED };
    let mut lengths = (0..available)
        .map(|trial| {
            let spans: Vec<Span> = task.spans(variant, trial, 0)?;
            Ok(spans.last().map_or(all, |span| span.to))
        })
        .collect::<anyhow::Result<Vec<_>>>()?;
    lengths.sort_unstable();
    let n = lengths.len() as f64;
    let mean = lengths.iter().sum::<usize>() as f64 / n;
    let variance = lengths
        .iter()
        .map(|x| (*x as f64 - mean).powi(2))
        .sum::<f64>()
        / n;
    Ok(json!({
        "mean": mean, "sd": variance.sqrt(), "min": lengths[0], "median": lengths[lengths.len() / 2],
        "p95": lengths[lengths.len() * 95 / 100], "max": lengths[lengths.len() - 1],
    }))
}
