//! `task learn`: does a task train under the recipe of its own file?

use chiliad::error::StudyError;
use chiliad_engine::cell::Cell;
use chiliad_engine::cpu::CpuExecutor;
use chiliad_engine::executor::TrainOptions;
use chiliad_engine::population::{Architecture, Population, Seeds, initialise::initialise};
use chiliad_engine::train::{Outcome, StopRule, Trained, train};
use chiliad_tasks::{Task, TrialBank};
use serde_json::json;
use std::sync::Arc;

use crate::commands::refuse;
use crate::terminal::say;

/// Trials of the bank, and of the evaluation.
const BANK: usize = 2048;
const EVALUATION: usize = 512;
/// Steps between evaluations.
const EVERY: u64 = 50;

/// Trains some networks on tasks, each by the recipe of its file, on the CPU, and says how far they came.
#[derive(clap::Args)]
pub(crate) struct LearnArguments {
    /// Tasks of the library, or paths of task files.
    #[arg(required = true)]
    names: Vec<String>,
    #[arg(long, default_value = "train")]
    variant: String,
    /// Cells, separated by commas.
    #[arg(long, value_delimiter = ',', default_values_t = ["gru".to_owned(), "vanilla".to_owned()])]
    cells: Vec<String>,
    #[arg(long, default_value = "tanh")]
    activation: String,
    #[arg(long, default_value_t = 64)]
    units: usize,
    /// Networks per task and cell, with the seeds 0, 1, ...
    #[arg(long, default_value_t = 8)]
    seeds: u64,
    /// Steps, in place of the recipe's.
    #[arg(long)]
    max_steps: Option<u64>,
    /// Step size, in place of the recipe's.
    #[arg(long)]
    learning_rate: Option<f64>,
    /// Threads; left out: one per core.
    #[arg(long)]
    threads: Option<usize>,
}

pub(super) fn learn(arguments: &LearnArguments, json: bool) -> anyhow::Result<()> {
    if arguments.units == 0
        || arguments.units > 4096
        || arguments.seeds == 0
        || arguments.seeds > 100_000
    {
        return refuse("task learn: 1 to 4096 units and 1 to 100000 seeds".to_owned());
    }
    if arguments
        .learning_rate
        .is_some_and(|x| !(x > 0.0 && x.is_finite()))
    {
        return refuse("task learn: a learning rate is above 0".to_owned());
    }
    // Everything that can be wrong with the request is found before hours are spent.
    let tasks = arguments
        .names
        .iter()
        .map(|name| Ok(Arc::new(Task::find(name)?)));
    let tasks = tasks.collect::<anyhow::Result<Vec<_>>>()?;
    for task in &tasks {
        task.shape(&arguments.variant)?;
    }
    let cells = arguments
        .cells
        .iter()
        .map(|cell| Cell::builtin(cell, &arguments.activation));
    let cells = cells
        .collect::<Result<Vec<_>, _>>()
        .map_err(StudyError::from)?;
    let executor = CpuExecutor::new(arguments.threads).map_err(StudyError::from)?;
    if !json {
        say(
            "| task | cell | normalised error: median (worst) | criterion (MSE) | converged | within 3 criteria | steps: median |",
        );
        say("|---|---|---|---|---|---|---|");
    }
    let mut rows = Vec::new();
    for task in &tasks {
        for cell in &cells {
            let row = one(arguments, task, cell, &executor)?;
            if !json {
                say(&row.line());
            }
            rows.push(row.value());
        }
    }
    if json {
        say(&json!(rows).to_string());
    }
    Ok(())
}

/// What came out for a task and a cell.
struct Row {
    task: String,
    cell: String,
    criterion: f64,
    variance: f64,
    /// Best normalised error, sorted. `[network]`
    errors: Vec<f64>,
    converged: usize,
    /// Steps until each network ended, sorted. `[network]`
    steps: Vec<u64>,
}

fn one(
    arguments: &LearnArguments,
    task: &Arc<Task>,
    cell: &Cell,
    executor: &CpuExecutor,
) -> anyhow::Result<Row> {
    let shape = task.shape(&arguments.variant)?;
    let architecture = Architecture {
        cell: Arc::new(cell.clone()),
        units: arguments.units,
        inputs: shape.n_inputs,
        outputs: shape.n_outputs,
    };
    let seeds: Vec<Seeds> = (0..arguments.seeds).map(Seeds::all).collect();
    let mut population = initialise(&architecture, &seeds);
    let mut before = vec![0; seeds.len()];
    for lesson in &task.recipe.curriculum {
        let (learnt, _) = stage(
            arguments,
            task,
            &lesson.variant,
            lesson.until,
            &population,
            executor,
        )?;
        population.params.clone_from(&learnt.best_params);
        before
            .iter_mut()
            .zip(&learnt.steps)
            .for_each(|(b, s)| *b += s);
    }
    let criterion = task.recipe.criterion;
    let (trained, variance) = stage(
        arguments,
        task,
        &arguments.variant,
        criterion,
        &population,
        executor,
    )?;
    let mut errors: Vec<f64> = trained
        .best_loss
        .iter()
        .map(|loss| f64::from(*loss) / variance)
        .collect();
    errors.sort_by(f64::total_cmp);
    let mut steps: Vec<u64> = trained
        .steps
        .iter()
        .zip(&before)
        .map(|(s, b)| s + b)
        .collect();
    steps.sort_unstable();
    Ok(Row {
        task: task.name.clone(),
        cell: cell.name.clone(),
        criterion,
        variance,
        errors,
        converged: trained.count(Outcome::Converged),
        steps,
    })
}

/// Trains a population on a variant until a normalised error; with the variance of that variant's targets.
fn stage(
    arguments: &LearnArguments,
    task: &Arc<Task>,
    variant: &str,
    until: f64,
    population: &Population,
    executor: &CpuExecutor,
) -> anyhow::Result<(Trained, f64)> {
    // Of the user's own trials, those there are; of any other, trials that the bank does not hold.
    let evaluation = match task.grid_size(variant)? {
        Some(all) => task.sample(variant, all.min(EVALUATION), 1)?,
        None => task.sample(variant, EVALUATION, u64::MAX)?,
    };
    let variance = evaluation.masked_variance();
    let recipe = &task.recipe;
    let mut options = TrainOptions::new(population.n_networks);
    options.batch = recipe.batch;
    let learning_rate = arguments.learning_rate.unwrap_or(recipe.learning_rate);
    options.learning_rate = vec![learning_rate as f32; population.n_networks];
    let stop = StopRule {
        loss: Some((until * variance) as f32),
        max_steps: arguments.max_steps.unwrap_or(recipe.max_steps),
        evaluate_every: EVERY,
        snapshots: Vec::new(),
    };
    let bank = TrialBank::new(Arc::clone(task), variant, 0, BANK, recipe.batch)?;
    let trained = train(
        executor,
        population,
        &options,
        &stop,
        &bank,
        &evaluation,
        None,
        &mut |_| true,
    )
    .map_err(StudyError::from)?;
    Ok((trained, variance))
}

impl Row {
    fn within(&self, criteria: f64) -> usize {
        self.errors
            .iter()
            .filter(|e| **e <= criteria * self.criterion)
            .count()
    }

    fn line(&self) -> String {
        let n = self.errors.len();
        format!(
            "| {} | {} | {:.3} ({:.3}) | {} ({:.2e}) | {} of {n} | {} of {n} | {} |",
            self.task,
            self.cell,
            self.errors[n / 2],
            self.errors[n - 1],
            self.criterion,
            self.criterion * self.variance,
            self.converged,
            self.within(3.0),
            self.steps[n / 2],
        )
    }

    fn value(&self) -> serde_json::Value {
        json!({
            "task": self.task, "cell": self.cell, "criterion": self.criterion, "criterion_mse": self.criterion * self.variance,
            "normalised_errors": self.errors, "converged": self.converged, "within_3_criteria": self.within(3.0), "steps": self.steps,
        })
    }
}
