//! Populations made, trained, and run on trials.

use crate::error::Result;
use crate::recipe::{read_observed, scale_drawn};
use crate::spec::{Data, Until};
use crate::study::{NetworkPlan, Origin, PopulationPlan, TrainPlan};
use chiliad_engine::executor::{Executor, TrainOptions, Trajectories};
use chiliad_engine::population::{
    Architecture, Population,
    initialise::{Initial, initialise_as},
};
use chiliad_engine::recipe::Loss;
use chiliad_engine::train::{AccuracyRule, Lesson, StopRule, Trained};
use chiliad_tasks::{Task, TrialBank, Trials};
use std::sync::Arc;

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
pub(super) fn options_of(
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
