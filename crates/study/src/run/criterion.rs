//! The loss at which the networks of a population are done.

use super::Run;
use super::train::imported;
use crate::engine_calls;
use crate::error::Result;
use crate::manifest::StudyFolder;
use crate::results::{NetworkResult, Outcome, networks_table, results_of};
use crate::spec::Until;
use crate::study::{Origin, PopulationPlan, Study, TrainPlan};
use crate::tables::Table;
use std::time::Instant;

/// Table of a whole group where the folder holds only a part of the study.
const WHOLE: &str = "whole.parquet";

/// The criterion of a study that is not cut into parts: as named, or the median of the group named, which is trained.
///
/// # Errors
///
/// Those of reading the group's tables.
pub(crate) fn criterion(
    study: &Study,
    folder: &StudyFolder,
    train: &TrainPlan,
) -> Result<Option<f32>> {
    of_group(study, train, &mut |plan| {
        results(folder, plan, "networks.parquet")
    })
}

fn results(folder: &StudyFolder, plan: &PopulationPlan, file: &str) -> Result<Vec<NetworkResult>> {
    let path = format!("populations/{}/{file}", plan.label);
    let table = Table::from_bytes(folder.read(&path)?, &folder.root.join(&path))?;
    Ok(results_of(&table).into_iter().map(|r| r.1).collect())
}

fn of_group(
    study: &Study,
    train: &TrainPlan,
    results: &mut dyn FnMut(&PopulationPlan) -> Result<Vec<NetworkResult>>,
) -> Result<Option<f32>> {
    let name = match &train.until {
        Until::Steps => return Ok(None),
        Until::Loss(loss) => return Ok(Some(*loss as f32)),
        Until::NormalisedError(share) => {
            let evaluation = train.evaluation(&study.task.load()?, study.seed)?;
            return Ok(Some((share * evaluation.masked_variance()) as f32));
        }
        Until::LossOf(name) => Some(name.as_str()),
    };
    let mut losses = Vec::new();
    for plan in study
        .populations
        .iter()
        .filter(|p| p.group.as_deref() == name)
    {
        losses.extend(results(plan)?.iter().map(|r| r.best_loss));
    }
    losses.sort_by(f32::total_cmp);
    Ok(losses.get(losses.len() / 2).copied())
}

impl Run<'_> {
    pub(super) fn criterion(&mut self, train: &TrainPlan) -> Result<Option<f32>> {
        let study = self.study;
        if self.options.shard.is_none() {
            return criterion(study, &self.folder, train);
        }
        of_group(study, train, &mut |plan| self.whole_group(plan))
    }

    /// All networks of a population in a part of the study that has only some of them: those trained here are trained
    /// again, all of them, so that the median does not depend on how the study is cut.
    fn whole_group(&mut self, plan: &PopulationPlan) -> Result<Vec<NetworkResult>> {
        let all: Vec<usize> = (0..plan.networks.len()).collect();
        let train = match &plan.origin {
            Origin::Train(train) => train,
            Origin::Import {
                file,
                sha256,
                layout,
            } => {
                let population = imported(plan, &all, file, sha256, *layout)?;
                return Ok(self.untouched(population, Outcome::Untrained)?.1);
            }
            Origin::Untrained { .. } => {
                let population = engine_calls::initial(plan, &all)?;
                return Ok(self.untouched(population, Outcome::Untrained)?.1);
            }
        };
        let stage = format!("whole/{}", plan.label);
        if !self.folder.finished(&stage) {
            let start = Instant::now();
            let checkpoint = "whole.npz";
            self.events.note(&format!(
                "{}: trained whole, for the networks that wait for its loss",
                plan.label
            ));
            let (_, trained) = self.train_networks(plan, train, &all, checkpoint)?;
            let path = Self::path(plan, WHOLE);
            let table = networks_table(plan, &all, &NetworkResult::all(&trained), &[])?;
            self.folder.write(&path, &table)?;
            self.folder
                .finish(&stage, vec![path], start.elapsed().as_secs_f64())?;
            // Of no more use; a leftover does no harm.
            let _ = std::fs::remove_file(self.absolute(&Self::path(plan, checkpoint)));
        }
        results(&self.folder, plan, WHOLE)
    }
}
