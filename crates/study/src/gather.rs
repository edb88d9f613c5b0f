//! A study folder read back, as the report wants it.

mod alike;
mod claims;
mod dynamics;
mod look;
mod methods;
mod modes;
mod psychometric;
mod topology;

pub use claims::decidable;
pub(crate) use claims::{ELSEWHERE, GRAPHS};
pub(crate) use topology::read as read_topology;

use crate::error::{Result, StudyError};
use crate::manifest::StudyFolder;
use crate::points::CensusFile;
use crate::report::ReportData;
use crate::report::data::{
    Census, CurvePoint, Header, NetworkReport, Outcome as Words, PopulationReport,
};
use crate::results::{Outcome, results_of};
use crate::spec::Until;
use crate::study::{Origin, PopulationPlan, Study};
use crate::tables::Table;
use chiliad_engine::executor::Executor;
use std::collections::BTreeMap;

/// Everything the report shows, from the files alone; a few networks are rolled out again to be drawn.
///
/// # Errors
///
/// [`StudyError::Damaged`] where a file has changed, and those of the executor.
pub fn report_data(folder: &StudyFolder, executor: &dyn Executor) -> Result<ReportData> {
    let study = folder.study()?;
    let task = study.task.load()?;
    let evaluation = task.evaluation(crate::spec::defaults::eval_trials(), study.seed)?;
    let variance = variance(&evaluation);
    let decisions = psychometric::decisions(&task, study.seed)?;
    let (mut populations, mut looks, mut first) = (Vec::new(), Vec::new(), 0);
    for (p, plan) in study.populations.iter().enumerate() {
        let mut population = population_report(folder, &study, plan, first, variance)?;
        if let Some(decisions) = &decisions {
            population.psychometric =
                psychometric::of_population(folder, executor, plan, decisions)?;
        }
        if let Some(look) = look::medoid(folder, executor, &study, &population, p, &evaluation)? {
            looks.push(look);
        }
        first += plan.networks.len();
        populations.push(population);
    }
    let members = topology::members(folder, &study, &populations)?;
    let topology = topology::topology(&study, &populations, &members);
    let robustness = topology::robustness(folder, &study, &populations, &members)?;
    let evidence = claims::Evidence::read(folder)?;
    let alike = evidence.as_ref().map(|e| alike::alike(&study, e));
    let shape = task.shape(chiliad_tasks::task::TRAIN)?;
    let header = Header {
        title: study.title.clone(),
        subtitle: format!(
            "Task {}: {} steps, {} inputs, {} outputs; {} networks in {} populations",
            task.name,
            shape.n_steps,
            shape.n_inputs,
            shape.n_outputs,
            study.n_networks(),
            study.populations.len()
        ),
        claims: study
            .claims
            .iter()
            .map(|c| claims::decide(&study, &members, evidence.as_ref(), c))
            .collect(),
        topology_classes: topology.as_ref().map(|t| t.classes.len()),
        device: folder.manifest.device.clone(),
        minutes: folder.seconds() / 60.0,
        notes: Vec::new(),
    };
    let methods = methods::methods(folder, &study, &task);
    Ok(ReportData {
        header,
        populations,
        looks,
        topology,
        dynamics: dynamics::dynamics(folder, &study)?,
        alike,
        benchmark: crate::run::benchmark::read(folder)?,
        robustness,
        methods,
    })
}

/// Variance of the targets where they count, over all outputs.
fn variance(trials: &chiliad_tasks::Trials) -> f64 {
    let weighted = |f: &dyn Fn(f64) -> f64| -> f64 {
        trials
            .targets
            .iter()
            .zip(&trials.mask)
            .map(|(t, m)| f64::from(*m) * f(f64::from(*t)))
            .sum()
    };
    let total = weighted(&|_| 1.0).max(f64::MIN_POSITIVE);
    let mean = weighted(&|t| t) / total;
    weighted(&|t| (t - mean).powi(2)) / total
}

pub(crate) fn read_table(folder: &StudyFolder, plan: &PopulationPlan, file: &str) -> Result<Table> {
    let path = format!("populations/{}/{file}", plan.label);
    Table::from_bytes(folder.read(&path)?, &folder.root.join(&path))
}

/// `census.json` of a population, if the study has one.
///
/// # Errors
///
/// [`StudyError::Damaged`].
pub fn read_census(folder: &StudyFolder, plan: &PopulationPlan) -> Result<CensusFile> {
    let path = format!("populations/{}/census.json", plan.label);
    if !folder.manifest.files.contains_key(&path) {
        return Ok(CensusFile::default());
    }
    serde_json::from_slice(&folder.read(&path)?).map_err(|e| StudyError::Damaged {
        file: folder.root.join(&path),
        message: e.to_string(),
    })
}

fn population_report(
    folder: &StudyFolder,
    study: &Study,
    plan: &PopulationPlan,
    first: usize,
    variance: f64,
) -> Result<PopulationReport> {
    let results = results_of(&read_table(folder, plan, "networks.parquet")?);
    let curves = read_table(folder, plan, "curves.parquet")?;
    let mut curve: BTreeMap<i64, Vec<CurvePoint>> = BTreeMap::new();
    for ((network, step), loss) in curves
        .integer("network")
        .iter()
        .zip(curves.integer("step"))
        .zip(curves.number("loss"))
    {
        curve.entry(*network).or_default().push(CurvePoint {
            step: *step as u64,
            loss: *loss,
        });
    }
    let census = read_census(folder, plan)?;
    let census: BTreeMap<usize, Census> = census
        .networks
        .into_iter()
        .filter_map(|n| Some((n.network, n.conditions.into_iter().next()?.census)))
        .collect();
    let network = |(n, r): &(usize, crate::results::NetworkResult)| NetworkReport {
        index: first + n,
        init_seed: plan.networks[*n].seeds.init,
        data_seed: plan.networks[*n].seeds.data,
        noise_seed: plan.networks[*n].seeds.noise,
        outcome: words(r.outcome),
        steps: r.steps,
        best_step: r.best_step,
        loss: f64::from(r.best_loss),
        normalised_error: f64::from(r.best_loss) / variance,
        curve: curve.get(&(*n as i64)).cloned().unwrap_or_default(),
        census: census.get(n).cloned(),
    };
    let expected = crate::points::expected(&study.task.name, plan.outputs);
    Ok(PopulationReport {
        label: plan.label.replace('-', " "),
        cell: plan.cell_name().to_owned(),
        activation: plan.activation.clone(),
        units: plan.units,
        n_parameters: crate::engine_calls::initial(plan, &[])?.layout.n_params,
        criterion: match &plan.origin {
            Origin::Train(t) => match t.until {
                Until::Loss(loss) | Until::Held { loss, .. } => Some(loss),
                _ => crate::run::criterion::criterion(study, folder, t)?.map(f64::from),
            },
            _ => None,
        },
        expected_attractors: expected.map(|n| format!("{n} fixed points, one per sign pattern")),
        networks: results.iter().map(network).collect(),
        psychometric: Vec::new(),
    })
}

fn words(outcome: Outcome) -> Words {
    match outcome {
        Outcome::Converged => Words::Converged,
        Outcome::BudgetSpent => Words::BudgetSpent,
        Outcome::Diverged => Words::Diverged,
        Outcome::DivergedOnEvaluation => Words::DivergedOnEvaluation,
        Outcome::FailedCanary => Words::FailedCanary,
        Outcome::Imported => Words::Imported,
        Outcome::Untrained => Words::Untrained,
    }
}
