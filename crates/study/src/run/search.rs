//! The second stage of a population: its fixed points.

use super::Run;
use crate::engine_calls::{self, Search};
use crate::error::Result;
use crate::fixed_points_plan::FixedPointsPlan;
use crate::points;
use crate::study::PopulationPlan;
use chiliad_engine::files::own;
use chiliad_tasks::Trials;
use chiliad_tasks::task::TRAIN;
use std::time::Instant;

impl Run<'_> {
    /// The trials whose states seed searches and are driven on.
    pub(super) fn driving(&self, search: &FixedPointsPlan) -> Result<Trials> {
        engine_calls::driven_trials(&self.task, search, self.study.seed)
    }

    /// At most `n` trials of the task, as many as there are, under a seed of their own.
    pub(super) fn some_trials(&self, n: usize, seed: u64) -> Result<Trials> {
        let n = self.task.grid_size(TRAIN)?.map_or(n, |all| n.min(all));
        Ok(self.task.sample(TRAIN, n, self.study.seed ^ seed)?)
    }

    pub(super) fn search(&mut self, plan: &PopulationPlan, search: &FixedPointsPlan) -> Result<()> {
        let stage = format!("fixed_points/{}", plan.label);
        if self.folder.finished(&stage) {
            return Ok(());
        }
        if let Some(error) = self.out_of_time() {
            return Err(error);
        }
        let start = Instant::now();
        self.events.begin("fixed points", &plan.label);
        let weights = Self::path(plan, "weights.safetensors");
        self.folder.read(&weights)?;
        let population = own::load(&self.absolute(&weights))?;
        let indices = self.indices(plan);
        let trials = self.driving(search)?;
        let conditions = self.task.conditions();
        let what = Search {
            plan: search,
            conditions: &conditions,
            trials: Some(&trials),
            own_seeds: Vec::new(),
            seed: self.study.seed,
        };
        let (events, n) = (&mut *self.events, population.n_networks);
        let found =
            engine_calls::fixed_points(&*self.device.executor, &population, &what, &mut |done| {
                events.progress(done as f64 / n as f64, &format!("{done}/{n} networks"));
            })?;
        let census = points::census(
            &indices,
            &found,
            points::expected(&self.study.task.name, plan.outputs),
        );
        let n_state = population.architecture.cell.states.len() * population.architecture.units;
        let [table, npz, json] = ["fixed_points.parquet", "fixed_points.npz", "census.json"]
            .map(|f| Self::path(plan, f));
        self.folder
            .write(&table, &points::table(&indices, &found)?)?;
        chiliad_tasks::write_npz(self.absolute(&npz), &points::arrays(&found, n_state))?;
        self.folder.adopt(&npz)?;
        self.folder.write(&json, &census.to_json()?)?;
        self.folder.finish(
            &stage,
            vec![table, npz, json],
            start.elapsed().as_secs_f64(),
        )?;
        self.events.end();
        Ok(())
    }
}
