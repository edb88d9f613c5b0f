//! What restricts weights, and what cannot hold together.

use super::Resolver;
use crate::connections::Masks;
use crate::error::Result;
use crate::recipe::{Dale, Restriction};
use crate::spec::{DaleBy, ScalingSpec, TrainSpec};
use chiliad_engine::cell::Cell;
use chiliad_engine::population::initialise::Initial;
use chiliad_tasks::Task;

impl Resolver<'_> {
    pub(super) fn restriction(
        &self,
        spec: &TrainSpec,
        cell: &Cell,
        units: usize,
        task: (&Task, usize),
        path: &str,
    ) -> Result<Restriction> {
        let refuse = |field: &str, m: String| self.refuse(&format!("{path}.{field}"), m);
        let c = &spec.constrain;
        let of = |given: &[(&'static str, bool)]| given.iter().find(|g| g.1).map(|g| g.0);
        let by_projection = c.dale.as_ref().is_some_and(|d| d.by == DaleBy::Projection);
        if c.rank.is_some() && c.dale.is_some() {
            return Err(refuse(
                "constrain.rank",
                "together with Dale's law; allowed: one of them, L R^T has no signs".into(),
            ));
        }
        let antisymmetric = c.antisymmetric.unwrap_or(cell.sidecar.antisymmetric);
        if let (true, Some(other)) = (
            antisymmetric,
            of(&[
                ("dale", c.dale.is_some()),
                ("density", c.density.is_some()),
                ("areas", c.areas.is_some()),
                ("mask", c.mask.is_some()),
                ("rank", c.rank.is_some()),
            ]),
        ) {
            return Err(refuse(
                "constrain.antisymmetric",
                format!(
                    "together with {other}; allowed: `antisymmetric: false`, or no such restriction: w_ij = -w_ji would not hold"
                ),
            ));
        }
        if let (Some(_), Some(other)) = (
            &c.dimensions,
            of(&[
                ("dale by projection", by_projection),
                ("non_negative", !c.non_negative.is_empty()),
                ("rank", c.rank.is_some()),
            ]),
        ) {
            return Err(refuse(
                "constrain.dimensions",
                format!(
                    "together with {other}; allowed: one of them, the other would leave the subspace"
                ),
            ));
        }
        if let (Some(true), Some(other)) = (
            spec.penalise.nuclear.as_ref().map(|n| n.proximal),
            of(&[
                ("dale", c.dale.is_some()),
                ("density", c.density.is_some()),
                ("areas", c.areas.is_some()),
                ("mask", c.mask.is_some()),
                ("autapses", c.autapses == Some(false)),
                ("rank", c.rank.is_some()),
                ("antisymmetric", antisymmetric),
                ("dimensions", c.dimensions.is_some()),
                ("scaling", !matches!(spec.scaling, ScalingSpec::Standard)),
            ]),
        ) {
            return Err(refuse(
                "penalise.nuclear",
                format!(
                    "proximal together with {other}; allowed: `proximal: false`, or recurrent weights without restriction"
                ),
            ));
        }
        if let Some(areas) = &c.areas {
            areas
                .check(units)
                .map_err(|(field, m)| refuse(&format!("constrain.areas.{field}"), m))?;
            if c.density.is_some() {
                return Err(refuse(
                    "constrain.density",
                    "together with areas; allowed: one of them, areas say the shares".into(),
                ));
            }
            if matches!(spec.initial, Initial::DaleBalanced { .. }) {
                return Err(refuse(
                    "initial",
                    "DaleBalanced, whose first units are excitatory, together with areas, each of which has its own; allowed: another".into(),
                ));
            }
        }
        if let Some(unit) = c.silenced.iter().find(|u| **u >= units) {
            return Err(refuse(
                "constrain.silenced",
                format!("unit {unit}; allowed: 0 to {}", units - 1),
            ));
        }
        if c.silenced.len() >= units {
            return Err(refuse(
                "constrain.silenced",
                "every unit; allowed: all but one".into(),
            ));
        }
        Ok(Restriction {
            dale: c.dale.as_ref().map(|d| Dale {
                by: d.by,
                excitatory_readout: d.excitatory_readout,
            }),
            areas: c.areas.clone(),
            masks: self.masks(spec, units, task, path)?,
            autapses: c.autapses.unwrap_or(true),
            non_negative: c.non_negative.clone(),
            frozen: c.frozen.clone(),
            silenced: c.silenced.clone(),
            antisymmetric,
        })
    }

    /// Masks of the file named, for the networks that train on the variant.
    fn masks(
        &self,
        spec: &TrainSpec,
        units: usize,
        (task, outputs): (&Task, usize),
        path: &str,
    ) -> Result<Option<Masks>> {
        let Some(file) = &spec.constrain.mask else {
            return Ok(None);
        };
        let inputs = task.shape(&spec.variant)?.n_inputs;
        Masks::read(&self.beside(file), units, inputs, outputs)
            .map(Some)
            .map_err(|e| self.refuse(&format!("{path}.constrain.mask"), e.to_string()))
    }
}
