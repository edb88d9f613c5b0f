//! Observed units and teacher forcing: what cannot be is refused.

use super::Resolver;
use super::check::positive;
use crate::error::Result;
use crate::recipe::ForcingPlan;
use crate::spec::{ForcingSpec, TrainSpec};
use chiliad_engine::cell::Cell;
use chiliad_engine::recipe::JacobianNorm;

impl Resolver<'_> {
    /// `observe`: units that are there, each once, no more than the task has outputs.
    pub(super) fn observed(
        &self,
        spec: &TrainSpec,
        units: usize,
        outputs: usize,
        path: &str,
    ) -> Result<()> {
        let refuse = |field: &str, m: String| Err(self.refuse(&format!("{path}.{field}"), m));
        if spec.observe.len() > outputs {
            return refuse(
                "observe",
                format!(
                    "{} units; allowed: at most as many as the task has outputs, {outputs}",
                    spec.observe.len()
                ),
            );
        }
        for (i, unit) in spec.observe.iter().enumerate() {
            let field = format!("observe[{i}]");
            if *unit >= units {
                return refuse(&field, format!("unit {unit}; allowed: 0 to {}", units - 1));
            }
            if spec.observe[..i].contains(unit) {
                return refuse(&field, format!("unit {unit} is there already"));
            }
        }
        Ok(())
    }

    /// `forcing`, its numbers left to the axes.
    pub(super) fn forcing(
        &self,
        spec: &TrainSpec,
        cell: &Cell,
        path: &str,
    ) -> Result<Option<ForcingPlan>> {
        let Some(forcing) = &spec.forcing else {
            return Ok(None);
        };
        let refuse = |field: &str, m: String| Err(self.refuse(&format!("{path}.{field}"), m));
        if cell.plain_output().is_none() {
            return refuse(
                "forcing",
                format!(
                    "the readout of cell `{}` sees no state; allowed: cells whose readout does",
                    cell.name
                ),
            );
        }
        if spec.penalise.effective_dimension.is_some() {
            return refuse(
                "forcing",
                "together with penalise.effective_dimension; allowed: one of them".into(),
            );
        }
        Ok(Some(match forcing {
            ForcingSpec::Sparse { .. } => ForcingPlan::Sparse,
            ForcingSpec::Generalised { .. } => ForcingPlan::Generalised,
            ForcingSpec::Annealed { norm, every, keep } => {
                positive(*every).map_err(|m| self.refuse(&format!("{path}.forcing.every"), m))?;
                if !(0.0..=1.0).contains(keep) {
                    return refuse("forcing.keep", format!("{keep}; allowed: 0 to 1"));
                }
                let has_a = cell.unit_params.iter().any(|p| p == "a");
                if *norm == JacobianNorm::ParameterBound && !has_a {
                    return refuse(
                        "forcing.norm",
                        format!(
                            "ParameterBound of cell `{}`, which has no unit parameter `a`; allowed: BatchMax, GeometricMean, MeanJacobian",
                            cell.name
                        ),
                    );
                }
                ForcingPlan::Annealed {
                    norm: *norm,
                    every: *every,
                    keep: *keep,
                }
            }
        }))
    }
}
