//! Measures of dynamics, held against task and populations.

use super::Resolver;
use crate::error::Result;
use crate::spec::{MeasureSpec, StudySpec};
use crate::study::{DynamicsPlan, PopulationPlan};
use chiliad_tasks::{Task, task::TRAIN};

impl Resolver<'_> {
    /// Attractors, exponents and linear systems with their defaults explicit.
    pub(super) fn dynamics(
        &self,
        spec: &StudySpec,
        task: &Task,
        populations: &[PopulationPlan],
    ) -> Result<DynamicsPlan> {
        let mut plan = DynamicsPlan::default();
        let n_steps = task.shape(TRAIN)?.n_steps;
        for (i, measure) in spec.measure.iter().enumerate() {
            let path = format!("measure[{i}]");
            let wrong = |(field, message)| self.refuse(&format!("{path}.{field}"), message);
            let twice = match measure {
                MeasureSpec::Attractors(s) => {
                    s.check().map_err(wrong)?;
                    plan.attractors.replace(s.clone()).map(|_| "Attractors")
                }
                MeasureSpec::Lyapunov(s) => {
                    let mut least = usize::MAX;
                    for p in populations {
                        least = least.min(p.compile()?.states.len() * p.units);
                    }
                    let s = s.resolved(least, n_steps).map_err(wrong)?;
                    plan.lyapunov.replace(s).map(|_| "Lyapunov")
                }
                MeasureSpec::Linearise(s) => {
                    let searched = |m: &MeasureSpec| matches!(m, MeasureSpec::FixedPoints(_));
                    if !spec.measure.iter().any(searched) {
                        return Err(self.refuse(
                            &path,
                            "Linearise() describes the network at its fixed points; add FixedPoints()",
                        ));
                    }
                    let s = s.resolved(n_steps).map_err(wrong)?;
                    plan.linearise.replace(s).map(|_| "Linearise")
                }
                _ => None,
            };
            if let Some(name) = twice {
                return Err(self.refuse(&path, format!("{name} is there already; once is enough")));
            }
        }
        Ok(plan)
    }
}
