//! Networks of a study that were trained once more from the same initial weights, in another order of trials.

use super::members::members;
use super::pilots::alone;
use super::seen::Networks;
use crate::error::Result;
use crate::manifest::StudyFolder;
use crate::spec::DistanceSpec;
use crate::study::{ComparePlan, Study};
use chiliad_engine::executor::Executor;
use chiliad_tasks::Task;

/// Twins that converged, and whose they are.
pub struct Twins<'a> {
    /// The twins, ready to be run.
    pub networks: Networks<'a>,
    /// Population and place in it of the network that each is the twin of.
    pub of: Vec<(usize, usize)>,
}

impl<'a> Twins<'a> {
    /// Of a study whose companions are trained.
    ///
    /// # Errors
    ///
    /// As [`Networks::open`].
    pub fn open(
        folder: &StudyFolder,
        study: &Study,
        task: &Task,
        plan: &ComparePlan,
        executor: &'a dyn Executor,
    ) -> Result<Self> {
        let twins = alone(study, &plan.twins);
        let (who, _) = members(folder, &twins)?;
        let of = who.iter().map(|m| {
            let companions = &plan.twins[m.population];
            (companions.of, companions.networks[m.network])
        });
        let of = of.collect();
        // Fixed points are not sought beside.
        let mut run_only = plan.clone();
        run_only
            .distances
            .retain(|d| !matches!(d, DistanceSpec::Configuration(_)));
        let networks = Networks::open(folder, &twins, task, &run_only, executor, who)?;
        Ok(Self { networks, of })
    }
}
