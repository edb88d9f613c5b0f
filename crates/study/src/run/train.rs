//! The first stage of a population: trained, imported or initialised, and its tables.

use super::Run;
use crate::checkpoint;
use crate::engine_calls::{self, Training};
use crate::error::{Result, StudyError};
use crate::folder;
use crate::results::{
    NetworkResult, Outcome, SnapshotRow, curves_table, networks_table, snapshots_table,
};
use crate::study::{Origin, PopulationPlan, TrainPlan};
use chiliad_analysis::tangent_kernel::alignment;
use chiliad_engine::files::{FileLayout, own, pytorch};
use chiliad_engine::population::Population;
use chiliad_engine::train::Trained;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

/// What training of a population goes on from.
const CHECKPOINT: &str = "checkpoint.npz";

/// (step, evaluation loss) per network.
pub(super) type Curves = Vec<Vec<(u64, f32)>>;

impl Run<'_> {
    pub(super) fn train(&mut self, plan: &PopulationPlan) -> Result<()> {
        let stage = format!("train/{}", plan.label);
        if self.folder.finished(&stage) {
            return Ok(());
        }
        let start = Instant::now();
        self.events.begin("training", &plan.label);
        let indices = self.indices(plan);
        folder::make(&self.absolute(&Self::path(plan, "")))?;
        folder::clear_parts(&self.absolute(&Self::path(plan, "")));
        let mut files = Vec::new();
        let (population, results, curves) = match &plan.origin {
            Origin::Train(train) => {
                let (population, trained) =
                    self.train_networks(plan, train, &indices, self.study.seed, CHECKPOINT)?;
                files.extend(self.write_snapshots(plan, &indices, &population, &trained)?);
                (population, NetworkResult::all(&trained), trained.curves)
            }
            Origin::Import {
                file,
                sha256,
                layout,
            } => {
                let population = imported(plan, &indices, file, sha256, *layout)?;
                self.untouched(population, Outcome::Imported)?
            }
            Origin::Untrained { like } => {
                let like = self.study.populations.iter().find_map(|p| match &p.origin {
                    Origin::Train(train) if p.label == *like => Some(train),
                    _ => None,
                });
                let population = engine_calls::untrained(plan, like, &indices)?;
                self.untouched(population, Outcome::Untrained)?
            }
        };
        let mut figures = vec![(
            "recurrent_rank",
            population
                .recurrent_rank()
                .into_iter()
                .map(|r| r as f64)
                .collect(),
        )];
        let mut lessons = Vec::new();
        if let Origin::Train(train) = &plan.origin {
            lessons = train.lessons();
            if !lessons.is_empty() {
                let last =
                    |c: &Vec<(u64, f32)>| chiliad_engine::train::lesson(c, &lessons).0 as f64;
                figures.push(("lesson", curves.iter().map(last).collect()));
            }
            let before = engine_calls::untrained(plan, Some(train), &indices)?;
            figures.push(("recurrent_change", population.recurrent_change(&before)));
            if train.ntk > 0 {
                let trials = train.evaluation(&self.task, self.study.seed)?;
                let cpu = chiliad_engine::cpu::CpuExecutor::new(None)?;
                let seed = self.study.seed;
                let found = alignment(&cpu, &population, &before, &trials, train.ntk, seed)?;
                figures.push(("ntk_alignment", found));
            }
        }
        let tables = [
            ("weights.safetensors", own::to_bytes(&population)?),
            (
                "networks.parquet",
                networks_table(plan, &indices, &results, &figures)?,
            ),
            ("curves.parquet", curves_table(&indices, &curves, &lessons)?),
        ];
        for (name, bytes) in tables {
            let path = Self::path(plan, name);
            self.folder.write(&path, &bytes)?;
            files.push(path);
        }
        self.folder
            .finish(&stage, files, start.elapsed().as_secs_f64())?;
        // Of no more use; a leftover does no harm.
        let _ = std::fs::remove_file(self.absolute(&Self::path(plan, CHECKPOINT)));
        self.events.end();
        Ok(())
    }

    /// Trains some networks of a population on the trials of a seed, or goes on from `checkpoint`.
    pub(super) fn train_networks(
        &mut self,
        plan: &PopulationPlan,
        train: &TrainPlan,
        indices: &[usize],
        seed: u64,
        checkpoint: &str,
    ) -> Result<(Population, Trained)> {
        let mut population = engine_calls::initial(plan, indices)?;
        let file = self.absolute(&Self::path(plan, checkpoint));
        let mut from = None;
        if file.exists() {
            match checkpoint::load(&file, indices.len(), population.layout.n_params) {
                Ok(trained) => {
                    self.events.note(&format!(
                        "{}: going on at step {}",
                        plan.label, trained.optimiser.step
                    ));
                    from = Some(trained);
                }
                Err(error) => self.events.note(&format!(
                    "{}: beginning again, the checkpoint cannot be used: {error}",
                    plan.label
                )),
            }
        }
        let training = Training {
            plan: train,
            networks: indices.iter().map(|&n| &plan.networks[n]).collect(),
            task: Arc::clone(&self.task),
            seed,
            criterion: self.criterion(train)?,
        };
        let (mut saved, mut failed) = (Instant::now(), None);
        let limit = self.options.time_limit_secs.map(|s| (s, self.started));
        let (events, every) = (&mut *self.events, self.options.checkpoint_secs);
        let trained = engine_calls::train(
            &*self.device.executor,
            &population,
            &training,
            from,
            &mut |trained| {
                let ended =
                    trained.outcomes.len() - trained.count(chiliad_engine::train::Outcome::Running);
                let (step, n) = (trained.optimiser.step, trained.outcomes.len());
                let share = (step as f64 / train.max_steps as f64).max(ended as f64 / n as f64);
                let converged = trained.count(chiliad_engine::train::Outcome::Converged);
                events.progress(share, &format!("step {step}, converged {converged}/{n}"));
                let over =
                    limit.is_some_and(|(seconds, started)| started.elapsed().as_secs() >= seconds);
                if over || saved.elapsed().as_secs_f64() >= every {
                    failed = checkpoint::save(trained, &file).err();
                    saved = Instant::now();
                }
                failed.is_none() && !over
            },
        )?;
        if let Some(error) = failed {
            return Err(error);
        }
        if !trained.is_done() {
            return Err(self
                .out_of_time()
                .unwrap_or_else(|| StudyError::Input("training ended early".into())));
        }
        population.params.clone_from(&trained.best_params);
        Ok((population, trained))
    }

    /// Networks that are not trained here: their loss on the evaluation trials.
    pub(super) fn untouched(
        &self,
        population: Population,
        outcome: Outcome,
    ) -> Result<(Population, Vec<NetworkResult>, Curves)> {
        let trials = self
            .task
            .evaluation(crate::spec::defaults::eval_trials(), self.study.seed)?;
        let losses = engine_calls::losses(&*self.device.executor, &population, &trials)?;
        let results = losses
            .iter()
            .map(|&l| NetworkResult {
                outcome,
                steps: 0,
                final_loss: l,
                best_loss: l,
                best_step: 0,
            })
            .collect();
        let curves = losses.iter().map(|&l| vec![(0, l)]).collect();
        Ok((population, results, curves))
    }

    /// Weights at every loss named: `snapshots/<loss>.safetensors` and who is in it, `snapshots.parquet`.
    fn write_snapshots(
        &mut self,
        plan: &PopulationPlan,
        indices: &[usize],
        population: &Population,
        trained: &Trained,
    ) -> Result<Vec<String>> {
        let Origin::Train(train) = &plan.origin else {
            return Ok(Vec::new());
        };
        let mut files = Vec::new();
        let mut rows = Vec::new();
        for loss in &train.snapshots {
            let mut met: Vec<_> = trained
                .snapshots
                .iter()
                .filter(|s| s.at_loss.to_bits() == (*loss as f32).to_bits())
                .collect();
            met.sort_by_key(|s| s.network);
            if met.is_empty() {
                continue;
            }
            let mut at_loss = population.select(&met.iter().map(|s| s.network).collect::<Vec<_>>());
            at_loss.params = met.iter().flat_map(|s| &s.params).copied().collect();
            let path = Self::path(plan, &format!("snapshots/{loss}.safetensors"));
            self.folder.write(&path, &own::to_bytes(&at_loss)?)?;
            files.push(path);
            rows.extend(met.iter().enumerate().map(|(row, s)| SnapshotRow {
                network: indices[s.network] as i64,
                at_loss: *loss,
                row: row as i64,
                step: s.step as i64,
                loss: f64::from(s.loss),
            }));
        }
        if !rows.is_empty() {
            let path = Self::path(plan, "snapshots.parquet");
            self.folder.write(&path, &snapshots_table(&rows)?)?;
            files.push(path);
        }
        Ok(files)
    }
}

/// Networks of a file that must be what it was when the study was resolved.
pub(super) fn imported(
    plan: &PopulationPlan,
    indices: &[usize],
    file: &Path,
    sha256: &str,
    layout: FileLayout,
) -> Result<Population> {
    if folder::sha256(&folder::read(file)?) != sha256 {
        return Err(StudyError::Damaged {
            file: file.to_owned(),
            message: "changed since the study began; put it back, or run into another folder"
                .into(),
        });
    }
    let cell = plan.compile()?;
    let imported = match layout {
        FileLayout::Chiliad => own::import(file, &cell, &[])?,
        FileLayout::PyTorch => pytorch::import(file, &cell, &[])?,
    };
    let mut population = imported.population.select(indices);
    population.constants = indices
        .iter()
        .flat_map(|&n| plan.networks[n].constants.iter().map(|c| *c as f32))
        .collect();
    Ok(population)
}
