//! Teacher forcing on every executor: what it asks of networks, what forces one (`teacher`), and the norms of Jacobians that an
//! annealed share follows (`norm`).

mod norm;
mod teacher;

pub(crate) use teacher::Teacher;

use super::TrainOptions;
use crate::error::EngineError;
use crate::population::Population;
use crate::recipe::{Forcing, JacobianNorm, Penalty};

/// Refuses forcing that these networks cannot have.
pub(crate) fn check(
    executor: &'static str,
    population: &Population,
    options: &TrainOptions,
) -> Result<(), EngineError> {
    let Some(forcing) = &options.forcing else {
        return Ok(());
    };
    let architecture = &population.architecture;
    let refuse = |what: String, allowed: &str| {
        Err(EngineError::Unsupported {
            executor,
            what: format!("{} {what}", forcing.name()),
            allowed: allowed.into(),
        })
    };
    if architecture.cell.plain_output().is_none() {
        return refuse(
            format!("of cell `{}`", architecture.cell.name),
            "cells whose readout sees a state field",
        );
    }
    if architecture.outputs == 0 || options.observed.len() > architecture.outputs {
        return refuse(
            format!(
                "with {} outputs and {} observed units",
                architecture.outputs,
                options.observed.len()
            ),
            "at least one output, and as many as observed units",
        );
    }
    if let Some(unit) = options.observed.iter().find(|u| **u >= architecture.units) {
        return refuse(
            format!("of unit {unit}"),
            "units that are there, counted from 0",
        );
    }
    if options
        .regularisers
        .iter()
        .any(|r| r.penalty == Penalty::EffectiveDimension)
    {
        return refuse(
            "together with the penalty `effective_dimension`".into(),
            "one of them: the dimension is that of free activity",
        );
    }
    let n = population.n_networks;
    let each = match forcing {
        Forcing::Sparse { every } => every.len() == n && every.iter().all(|e| *e > 0),
        Forcing::Generalised { alpha } => {
            alpha.len() == n && alpha.iter().all(|a| (0.0..=1.0).contains(a))
        }
        Forcing::Annealed { norm, every, keep } => {
            if *norm == JacobianNorm::ParameterBound
                && !architecture.cell.unit_params.iter().any(|p| p == "a")
            {
                return refuse(
                    format!(
                        "by the parameter bound of cell `{}`",
                        architecture.cell.name
                    ),
                    "cells with the unit parameter `a`, or another norm",
                );
            }
            *every > 0 && (0.0..=1.0).contains(keep)
        }
    };
    if each {
        return Ok(());
    }
    refuse(
        "with these numbers".into(),
        "one per network: every at least 1; alpha and keep from 0 to 1",
    )
}
