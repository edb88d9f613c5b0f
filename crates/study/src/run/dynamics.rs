//! Further stages of a population: what its networks end on, how fast states part, linear systems at the fixed points.

use super::Run;
use crate::dynamics::{self, CyclesPlan, Drive, FiguresFile, LyapunovPlan, Spectra};
use crate::engine_calls;
use crate::error::{Result, StudyError};
use crate::known_points::KnownPoints;
use crate::linear::{self, LinearPlan};
use crate::spec::{AttractorsSpec, DriveSpec, LineariseSpec, LyapunovSpec};
use crate::study::{DynamicsMeasure, PopulationPlan};
use crate::tables::Table;
use chiliad_engine::population::Population;
use chiliad_tasks::Trials;
use serde_json::Value;
use std::time::Instant;

/// What a measure leaves: `networks` of its file, and its tables in the order of [`DynamicsMeasure::tables`].
type Findings = (Vec<Value>, Vec<Table>);

impl Run<'_> {
    /// All measures of dynamics of a population.
    pub(super) fn dynamics(&mut self, plan: &PopulationPlan) -> Result<()> {
        let study = self.study;
        for measure in study.dynamics.measures() {
            let stage = format!("{}/{}", measure.name(), plan.label);
            if self.folder.finished(&stage) {
                continue;
            }
            if let Some(error) = self.out_of_time() {
                return Err(error);
            }
            let start = Instant::now();
            self.events.begin(measure.name(), &plan.label);
            let population = self.population(&Self::path(plan, "weights.safetensors"))?;
            let how = &study.dynamics;
            let found = match measure {
                DynamicsMeasure::Attractors => how
                    .attractors
                    .as_ref()
                    .map(|how| self.attractors(plan, &population, how)),
                DynamicsMeasure::Lyapunov => how
                    .lyapunov
                    .as_ref()
                    .map(|how| self.lyapunov(plan, &population, how)),
                DynamicsMeasure::Linearise => how
                    .linearise
                    .as_ref()
                    .map(|how| self.linearise(plan, &population, how)),
            };
            let Some((networks, tables)) = found.transpose()? else {
                continue;
            };
            let mut files = vec![Self::path(plan, &format!("{}.json", measure.name()))];
            self.folder
                .write(&files[0], &FiguresFile { networks }.to_json()?)?;
            for (name, table) in measure.tables().iter().zip(tables) {
                let path = Self::path(plan, name);
                self.folder.write(&path, &table.to_bytes()?)?;
                files.push(path);
            }
            self.folder
                .finish(&stage, files, start.elapsed().as_secs_f64())?;
            self.events.end();
        }
        Ok(())
    }

    /// Trials of the task as the searches have them, so many at most.
    fn trials(&self, n: usize) -> Result<Trials> {
        engine_calls::trials_of(&self.task, n, self.study.seed)
    }

    fn inputs(&self) -> Vec<Vec<f32>> {
        let conditions = self.task.conditions().into_iter();
        conditions.map(|c| c.input).collect()
    }

    fn attractors(
        &mut self,
        plan: &PopulationPlan,
        population: &Population,
        how: &AttractorsSpec,
    ) -> Result<Findings> {
        let (indices, trials) = (self.indices(plan), self.trials(how.trials)?);
        let (seed, inputs) = (self.study.seed, self.inputs());
        let what = CyclesPlan::of(how, inputs, Some(&trials), Vec::new(), seed);
        let (events, n) = (&mut *self.events, indices.len());
        let executor = &*self.device.executor;
        let mut rows = dynamics::cycles(executor, population, &what, &mut |done| {
            events.progress(done as f64 / n as f64, &format!("{done}/{n} networks"));
        })?;
        for (row, index) in rows.iter_mut().zip(indices) {
            row.network = index;
        }
        let networks: std::result::Result<Vec<Value>, _> =
            rows.iter().map(serde_json::to_value).collect();
        let networks = networks.map_err(|e| StudyError::Input(format!("attractors: {e}")))?;
        Ok((networks, vec![dynamics::table(&rows)]))
    }

    fn lyapunov(
        &mut self,
        plan: &PopulationPlan,
        population: &Population,
        how: &LyapunovSpec,
    ) -> Result<Findings> {
        let indices = self.indices(plan);
        let drives: Vec<Drive> = match how.drive {
            DriveSpec::Constant => {
                let starts = how.starts;
                let inputs = self.inputs().into_iter();
                inputs
                    .map(|input| Drive::Constant { input, starts })
                    .collect()
            }
            DriveSpec::Trials(n) => {
                let trials = self.trials(n)?;
                vec![Drive::Trials {
                    n_trials: trials.n_trials,
                    inputs: trials.inputs,
                }]
            }
        };
        let mut all = Spectra {
            leading: how.options().exponents,
            ..Spectra::default()
        };
        let (events, conditions) = (&mut *self.events, drives.len());
        for (c, drive) in drives.into_iter().enumerate() {
            all.inputs.push(match &drive {
                Drive::Constant { input, .. } => input.clone(),
                Drive::Trials { .. } => Vec::new(),
            });
            let what = LyapunovPlan {
                options: how.options(),
                drive,
                seed: self.study.seed,
            };
            let executor = &*self.device.executor;
            let (mut rows, _) = dynamics::lyapunov(executor, population, &what, &mut |share| {
                events.progress((c as f64 + share) / conditions as f64, "");
            })?;
            for (row, index) in rows.iter_mut().zip(&indices) {
                row.network = *index;
            }
            all.spectra.push(rows);
        }
        Ok((all.networks(), vec![all.table()]))
    }

    fn linearise(
        &mut self,
        plan: &PopulationPlan,
        population: &Population,
        how: &LineariseSpec,
    ) -> Result<Findings> {
        let (indices, trials) = (self.indices(plan), self.trials(how.trials)?);
        let known = KnownPoints::of_study(&self.folder, plan, population)?;
        // No vectors: the command writes them.
        let what = LinearPlan::of(how, trials.n_steps, 0);
        let (events, n) = (&mut *self.events, indices.len());
        let described = linear::linearise(
            &*self.device.executor,
            population,
            &indices,
            &known,
            Some(&trials),
            &what,
            &mut |done| events.progress(done as f64 / n as f64, &format!("{done}/{n} networks")),
        )?;
        let tables = vec![linear::points(&described), linear::slow_sets(&described)];
        Ok((linear::networks(&indices, &described), tables))
    }
}
