//! The third stage of a population: the graphs of its fixed points, also at the weights of its snapshots.

use super::Run;
use crate::engine_calls::{self, Search};
use crate::error::Result;
use crate::fixed_points_plan::FixedPointsPlan;
use crate::study::{Origin, PopulationPlan, TopologyPlan};
use crate::tables::Table;
use crate::topology::{self, Measure};
use chiliad_analysis::topology::Landscape;
use chiliad_engine::files::own;
use chiliad_engine::population::Population;
use std::time::Instant;

/// Trials that judge the automaton are sampled with a seed of their own: no network and no search has seen them.
const JUDGED: u64 = 0x6a75_6467_6564;

impl Run<'_> {
    pub(super) fn topology(
        &mut self,
        plan: &PopulationPlan,
        search: &FixedPointsPlan,
        how: &TopologyPlan,
    ) -> Result<()> {
        let stage = format!("topology/{}", plan.label);
        if self.folder.finished(&stage) {
            return Ok(());
        }
        if let Some(error) = self.out_of_time() {
            return Err(error);
        }
        let start = Instant::now();
        self.events.begin("topology", &plan.label);
        let population = self.population(&Self::path(plan, "weights.safetensors"))?;
        let landscapes = topology::landscapes(&self.folder, plan)?;
        let path = Self::path(plan, "topology.json");
        let json = self.graphs(&population, &self.indices(plan), landscapes, search, how)?;
        self.folder.write(&path, &json)?;
        let mut files = vec![path];
        files.extend(self.at_snapshots(plan, search, how)?);
        self.folder
            .finish(&stage, files, start.elapsed().as_secs_f64())?;
        self.events.end();
        Ok(())
    }

    pub(super) fn population(&self, weights: &str) -> Result<Population> {
        self.folder.read(weights)?;
        Ok(own::load(&self.absolute(weights))?)
    }

    /// `topology.json` of some networks.
    fn graphs(
        &mut self,
        population: &Population,
        indices: &[usize],
        landscapes: Vec<Vec<Landscape>>,
        search: &FixedPointsPlan,
        how: &TopologyPlan,
    ) -> Result<Vec<u8>> {
        let (driven, judged) = (self.driving(search)?, self.some_trials(how.trials, JUDGED)?);
        let what = Measure {
            plan: how,
            driven: Some(&driven),
            judged: Some(&judged),
            seed: self.study.seed,
        };
        let (events, n) = (&mut *self.events, population.n_networks);
        topology::measure(
            &*self.device.executor,
            population,
            indices,
            landscapes,
            &what,
            &mut |done| events.progress(done as f64 / n as f64, &format!("{done}/{n} networks")),
        )?
        .to_json()
    }

    /// Points and graphs of the weights kept on the way: `snapshots/<loss>.topology.json`.
    fn at_snapshots(
        &mut self,
        plan: &PopulationPlan,
        search: &FixedPointsPlan,
        how: &TopologyPlan,
    ) -> Result<Vec<String>> {
        let Origin::Train(train) = &plan.origin else {
            return Ok(Vec::new());
        };
        let table = Self::path(plan, "snapshots.parquet");
        if !self.folder.manifest.files.contains_key(&table) {
            return Ok(Vec::new());
        }
        let rows = Table::from_bytes(self.folder.read(&table)?, &self.absolute(&table))?;
        let (trials, conditions) = (self.driving(search)?, self.task.conditions());
        let mut files = Vec::new();
        for loss in &train.snapshots {
            let of_loss = rows.integer("network").iter().zip(rows.number("at_loss"));
            let indices: Vec<usize> = of_loss
                .filter(|(_, at)| at.to_bits() == loss.to_bits())
                .map(|(n, _)| *n as usize)
                .collect();
            if indices.is_empty() {
                continue;
            }
            let weights = Self::path(plan, &format!("snapshots/{loss}.safetensors"));
            let population = self.population(&weights)?;
            let what = Search {
                plan: search,
                conditions: &conditions,
                trials: Some(&trials),
                own_seeds: Vec::new(),
                seed: self.study.seed,
            };
            let executor = &*self.device.executor;
            let found = engine_calls::fixed_points(executor, &population, &what, &mut |_| ())?;
            let landscapes = topology::of_search(&found);
            let json = self.graphs(&population, &indices, landscapes, search, how)?;
            let path = Self::path(plan, &format!("snapshots/{loss}.topology.json"));
            self.folder.write(&path, &json)?;
            files.push(path);
        }
        Ok(files)
    }
}
