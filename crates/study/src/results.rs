//! What a population's training left: one record per network and its learning curve, as tables.

use crate::error::Result;
use crate::study::{NetworkPlan, PopulationPlan};
use crate::tables::Table;
use chiliad_engine::train;
use serde::{Deserialize, Serialize};

/// How training ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The stop rule was met.
    Converged,
    /// The step budget was used up.
    BudgetSpent,
    /// A loss or gradient in training was not finite.
    Diverged,
    /// The evaluation loss was not finite.
    DivergedOnEvaluation,
    /// A known answer came out wrong.
    FailedCanary,
    /// Trained elsewhere.
    Imported,
    /// Not trained.
    Untrained,
}

impl Outcome {
    /// All, in the order of their codes.
    pub const ALL: [Self; 7] = [
        Self::Converged,
        Self::BudgetSpent,
        Self::Diverged,
        Self::DivergedOnEvaluation,
        Self::FailedCanary,
        Self::Imported,
        Self::Untrained,
    ];

    /// As in tables.
    #[must_use]
    pub fn name(self) -> &'static str {
        [
            "converged",
            "budget_spent",
            "diverged",
            "diverged_on_evaluation",
            "failed_canary",
            "imported",
            "untrained",
        ][self.code()]
    }

    fn code(self) -> usize {
        Self::ALL.iter().position(|o| *o == self).unwrap_or(0)
    }
}

impl From<train::Outcome> for Outcome {
    fn from(outcome: train::Outcome) -> Self {
        match outcome {
            train::Outcome::Converged => Self::Converged,
            // A network still running when training was ended has spent what it was given.
            train::Outcome::BudgetSpent | train::Outcome::Running => Self::BudgetSpent,
            train::Outcome::Diverged => Self::Diverged,
            train::Outcome::DivergedOnEvaluation => Self::DivergedOnEvaluation,
            train::Outcome::FailedCanary => Self::FailedCanary,
        }
    }
}

/// One network's training.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct NetworkResult {
    /// How it ended.
    pub outcome: Outcome,
    /// Steps taken.
    pub steps: u64,
    /// Evaluation loss at the end.
    pub final_loss: f32,
    /// Evaluation loss of the weights kept.
    pub best_loss: f32,
    /// Their step.
    pub best_step: u64,
}

impl NetworkResult {
    /// The records of a training.
    #[must_use]
    pub fn all(trained: &train::Trained) -> Vec<Self> {
        let one = |n: usize| Self {
            outcome: trained.outcomes[n].into(),
            steps: trained.steps[n],
            final_loss: trained.curves[n].last().map_or(f32::NAN, |c| c.1),
            best_loss: trained.best_loss[n],
            best_step: trained.best_step[n],
        };
        (0..trained.outcomes.len()).map(one).collect()
    }
}

/// `networks.parquet`: a row per network; `indices` are their places in the population.
///
/// # Errors
///
/// Those of [`Table::to_bytes`].
pub fn networks_table(
    plan: &PopulationPlan,
    indices: &[usize],
    results: &[NetworkResult],
    figures: &[(&str, Vec<f64>)],
) -> Result<Vec<u8>> {
    let plans: Vec<&NetworkPlan> = indices.iter().map(|&n| &plan.networks[n]).collect();
    let mut table = Table::default()
        .integers("network", indices.iter().map(|n| *n as i64))
        .integers("init_seed", plans.iter().map(|p| p.seeds.init as i64))
        .integers("data_seed", plans.iter().map(|p| p.seeds.data as i64))
        .integers("noise_seed", plans.iter().map(|p| p.seeds.noise as i64))
        .numbers("learning_rate", plans.iter().map(|p| p.learning_rate))
        .numbers("noise", plans.iter().map(|p| p.noise));
    for (i, name) in plan.constants.iter().enumerate() {
        table = table.numbers(
            &format!("constant_{name}"),
            plans.iter().map(|p| p.constants[i]),
        );
    }
    let names: std::collections::BTreeSet<&String> = plan
        .networks
        .iter()
        .flat_map(|n| n.settings.keys())
        .collect();
    for name in names {
        let value = |p: &&NetworkPlan| p.settings.get(name).copied().unwrap_or(f64::NAN);
        table = table.numbers(name, plans.iter().map(value));
    }
    for (name, values) in figures {
        table = table.numbers(name, values.iter().copied());
    }
    table
        .text("outcome", results.iter().map(|r| r.outcome.name()))
        .integers("steps", results.iter().map(|r| r.steps as i64))
        .numbers(
            "final_loss",
            results.iter().map(|r| f64::from(r.final_loss)),
        )
        .numbers("best_loss", results.iter().map(|r| f64::from(r.best_loss)))
        .integers("best_step", results.iter().map(|r| r.best_step as i64))
        .to_bytes()
}

/// `curves.parquet`: network, step, loss, and the lesson where there is a curriculum, whose losses are `until`; sorted by network,
/// then step.
///
/// # Errors
///
/// Those of [`Table::to_bytes`].
pub fn curves_table(
    indices: &[usize],
    curves: &[Vec<(u64, f32)>],
    until: &[f32],
) -> Result<Vec<u8>> {
    let rows: Vec<(usize, u64, f32)> = indices
        .iter()
        .zip(curves)
        .flat_map(|(n, curve)| curve.iter().map(|c| (*n, c.0, c.1)))
        .collect();
    let table = Table::default()
        .integers("network", rows.iter().map(|r| r.0 as i64))
        .integers("step", rows.iter().map(|r| r.1 as i64))
        .numbers("loss", rows.iter().map(|r| f64::from(r.2)));
    if until.is_empty() {
        return table.to_bytes();
    }
    // The lesson that a point was made in: that after the points before it.
    let lessons = curves
        .iter()
        .flat_map(|c| (0..c.len()).map(|k| train::lesson(&c[..k], until).0 as i64));
    table.integers("lesson", lessons).to_bytes()
}

/// A row of `snapshots.parquet`: the weights of a network when its loss first was at most one named.
#[derive(Clone, Copy, Debug)]
pub struct SnapshotRow {
    /// Its place in the population.
    pub network: i64,
    /// The loss named.
    pub at_loss: f64,
    /// Its row in `snapshots/<loss>.safetensors`.
    pub row: i64,
    /// Step.
    pub step: i64,
    /// Evaluation loss at that step.
    pub loss: f64,
}

/// `snapshots.parquet`.
///
/// # Errors
///
/// Those of [`Table::to_bytes`].
pub fn snapshots_table(rows: &[SnapshotRow]) -> Result<Vec<u8>> {
    Table::default()
        .integers("network", rows.iter().map(|r| r.network))
        .numbers("at_loss", rows.iter().map(|r| r.at_loss))
        .integers("row", rows.iter().map(|r| r.row))
        .integers("step", rows.iter().map(|r| r.step))
        .numbers("loss", rows.iter().map(|r| r.loss))
        .to_bytes()
}

/// Records back from `networks.parquet`, with the places of the networks.
#[must_use]
pub fn results_of(table: &Table) -> Vec<(usize, NetworkResult)> {
    let outcome = |name: &str| {
        Outcome::ALL
            .into_iter()
            .find(|o| o.name() == name)
            .unwrap_or(Outcome::FailedCanary)
    };
    let (steps, best_step) = (table.integer("steps"), table.integer("best_step"));
    let (last, best, words) = (
        table.number("final_loss"),
        table.number("best_loss"),
        table.words("outcome"),
    );
    let row = |i: usize| NetworkResult {
        outcome: outcome(&words[i]),
        steps: steps[i] as u64,
        final_loss: last[i] as f32,
        best_loss: best[i] as f32,
        best_step: best_step[i] as u64,
    };
    table
        .integer("network")
        .iter()
        .enumerate()
        .map(|(i, n)| (*n as usize, row(i)))
        .collect()
}
