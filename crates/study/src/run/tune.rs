//! Step sizes chosen by pilots, before any network of the study is trained.

use super::Run;
use crate::error::{Result, StudyError};
use crate::folder;
use crate::results::{NetworkResult, Outcome, networks_table};
use crate::study::{NetworkPlan, Origin, PopulationPlan, Study, TrainPlan};
use crate::tables::Table;
use chiliad_analysis::median::Median;
use std::time::Instant;

/// Pilots are trained and judged on trials of their own: the study's seed with these bits turned.
const TRIALS: u64 = 0x0070_696c_6f74;

/// What pilots go on from, and their table.
const CHECKPOINT: &str = "tuning.npz";
const TABLE: &str = "tuning.parquet";

impl Run<'_> {
    /// The study with every step size chosen, where one is to be; `resolved.ron` then holds it.
    pub(super) fn tune(&mut self) -> Result<Option<Study>> {
        let mut tuned: Option<Study> = None;
        for (p, plan) in self.study.populations.iter().enumerate() {
            let Origin::Train(train) = &plan.origin else {
                continue;
            };
            if train.tuning.is_some() {
                let rate = self.tuned_rate(plan, train)?;
                self.events.note(&format!(
                    "{}: step size {rate}, chosen by pilots",
                    plan.label
                ));
                tuned
                    .get_or_insert_with(|| self.study.clone())
                    .choose(p, rate);
            }
        }
        if let Some(study) = &tuned {
            let text = study.to_ron()?;
            // Not written anew where it is the same: its hash is in the manifest.
            if self.folder.read("resolved.ron").ok().as_deref() != Some(text.as_bytes()) {
                self.folder.write("resolved.ron", text.as_bytes())?;
                self.folder.save()?;
            }
        }
        Ok(tuned)
    }

    /// Trains the pilots of a population unless that is done, and chooses.
    fn tuned_rate(&mut self, plan: &PopulationPlan, train: &TrainPlan) -> Result<f64> {
        let stage = format!("tune/{}", plan.label);
        let path = Self::path(plan, TABLE);
        if !self.folder.finished(&stage) {
            let start = Instant::now();
            self.events.begin("tuning", &plan.label);
            let (plan, train) = pilots(plan, train);
            folder::make(&self.absolute(&Self::path(&plan, "")))?;
            let all: Vec<usize> = (0..plan.networks.len()).collect();
            let seed = self.study.seed ^ TRIALS;
            let (_, trained) = self.train_networks(&plan, &train, &all, seed, CHECKPOINT)?;
            let table = networks_table(&plan, &all, &NetworkResult::all(&trained), &[])?;
            self.folder.write(&path, &table)?;
            self.folder
                .finish(&stage, vec![path.clone()], start.elapsed().as_secs_f64())?;
            // Of no more use; a leftover does no harm.
            let _ = std::fs::remove_file(self.absolute(&Self::path(&plan, CHECKPOINT)));
            self.events.end();
        }
        let table = Table::from_bytes(self.folder.read(&path)?, &self.folder.root.join(&path))?;
        best(&table).ok_or_else(|| StudyError::Damaged {
            file: self.folder.root.join(&path),
            message: "no pilot in it".into(),
        })
    }
}

/// A population with every step size for every setting of the networks, its networks the pilots.
fn pilots(plan: &PopulationPlan, train: &TrainPlan) -> (PopulationPlan, TrainPlan) {
    let mut train = train.clone();
    train.snapshots.clear();
    let tuning = train.tuning.take();
    let (rates, seeds) = tuning.map_or((Vec::new(), Vec::new()), |t| (t.rates, t.seeds));
    let mut settings: Vec<NetworkPlan> = Vec::new();
    for network in &plan.networks {
        let alike = |s: &NetworkPlan| {
            s.noise.to_bits() == network.noise.to_bits()
                && s.constants == network.constants
                && s.settings == network.settings
        };
        if !settings.iter().any(alike) {
            settings.push(network.clone());
        }
    }
    let mut networks = Vec::new();
    for &learning_rate in &rates {
        for setting in &settings {
            networks.extend(seeds.iter().map(|&seed| NetworkPlan {
                seeds: chiliad_engine::population::Seeds::all(seed),
                learning_rate,
                ..setting.clone()
            }));
        }
    }
    let plan = PopulationPlan {
        networks,
        origin: Origin::Train(train.clone()),
        ..plan.clone()
    };
    (plan, train)
}

/// The step size with most pilots converged, then the lowest median number of steps, then the lowest median loss, then the
/// smallest (project default).
fn best(table: &Table) -> Option<f64> {
    let results = crate::results::results_of(table);
    let mut rates: Vec<f64> = table.number("learning_rate").to_vec();
    let of = |rate: f64| {
        let chosen = table
            .number("learning_rate")
            .iter()
            .zip(&results)
            .filter(move |(r, _)| **r == rate)
            .map(|(_, r)| &r.1);
        let converged = |r: &&NetworkResult| r.outcome == Outcome::Converged;
        let steps = chosen.clone().map(|r| {
            if converged(&r) {
                r.steps as f64
            } else {
                f64::INFINITY
            }
        });
        let loss = chosen.clone().map(|r| f64::from(r.best_loss));
        (
            chosen.clone().filter(converged).count(),
            Median::of(steps).value,
            Median::of(loss).value,
        )
    };
    rates.sort_by(f64::total_cmp);
    rates.dedup();
    rates.into_iter().reduce(|best, rate| {
        let (a, b) = (of(best), of(rate));
        let order =
            b.0.cmp(&a.0)
                .then(a.1.total_cmp(&b.1))
                .then(a.2.total_cmp(&b.2));
        if order.is_gt() { rate } else { best }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(rows: &[(f64, &str, i64, f64)]) -> Table {
        Table::default()
            .integers("network", 0..rows.len() as i64)
            .numbers("learning_rate", rows.iter().map(|r| r.0))
            .text("outcome", rows.iter().map(|r| r.1))
            .integers("steps", rows.iter().map(|r| r.2))
            .numbers("final_loss", rows.iter().map(|r| r.3))
            .numbers("best_loss", rows.iter().map(|r| r.3))
            .integers("best_step", rows.iter().map(|r| r.2))
    }

    #[test]
    fn success_counts_before_speed_and_speed_before_loss() {
        let rows = [
            (0.1, "converged", 50, 0.01),
            (0.1, "diverged", 60, 9.0),
            (0.01, "converged", 300, 0.01),
            (0.01, "converged", 200, 0.01),
            (0.001, "converged", 400, 0.001),
            (0.001, "converged", 500, 0.001),
        ];
        assert_eq!(best(&table(&rows)), Some(0.01));
        let spent = [
            (0.1, "budget_spent", 100, 0.3),
            (0.01, "budget_spent", 100, 0.1),
            (0.001, "budget_spent", 100, 0.1),
        ];
        assert_eq!(best(&table(&spent)), Some(0.001));
        assert_eq!(best(&Table::default()), None);
    }
}
