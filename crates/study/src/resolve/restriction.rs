//! What restricts weights, and what cannot hold together.

use super::Resolver;
use crate::connections::{Areas, Masks};
use crate::error::Result;
use crate::recipe::{Dale, Restriction};
use crate::spec::{ConstrainSpec, DaleBy, ScalingSpec, TrainSpec};
use chiliad_engine::cell::Cell;
use chiliad_engine::population::initialise::Initial;
use chiliad_engine::recipe::Part;
use chiliad_tasks::Task;

/// What cannot hold together: a field, what else is not allowed then, and what is.
const APART: [(&str, &[&str], &str); 5] = [
    (
        "constrain.rank",
        &[
            "constrain.dale",
            "constrain.non_negative: [Recurrent]",
            "constrain.density",
            "constrain.areas",
            "constrain.mask",
            "constrain.autapses",
        ],
        "one of them: L R^T has no signs, and without some of its entries another rank",
    ),
    (
        "constrain.antisymmetric",
        &[
            "constrain.dale",
            "constrain.non_negative: [Recurrent]",
            "constrain.density",
            "constrain.areas",
            "constrain.mask",
            "constrain.silenced",
            "constrain.rank",
        ],
        "`antisymmetric: false`, or no such restriction: w_ij = -w_ji would not hold",
    ),
    (
        "constrain.dimensions",
        &[
            "constrain.dale by projection",
            "constrain.non_negative",
            "constrain.rank",
        ],
        "one of them: the other would leave the subspace",
    ),
    (
        "constrain.dale",
        &["constrain.non_negative: [Recurrent]"],
        "one of them: what leaves inhibitory units is negative",
    ),
    (
        "penalise.nuclear",
        &[
            "constrain.dale",
            "constrain.non_negative: [Recurrent]",
            "constrain.density",
            "constrain.areas",
            "constrain.mask",
            "constrain.autapses",
            "constrain.frozen: [Recurrent]",
            "constrain.silenced",
            "constrain.rank",
            "constrain.antisymmetric",
            "constrain.dimensions",
            "scaling",
        ],
        "`proximal: false`, or recurrent weights without restriction",
    ),
];

impl Resolver<'_> {
    pub(super) fn restriction(
        &self,
        spec: &TrainSpec,
        cell: &Cell,
        units: usize,
        task: (&Task, usize),
        path: &str,
    ) -> Result<Restriction> {
        let c = &spec.constrain;
        let antisymmetric = c.antisymmetric.unwrap_or(cell.sidecar.antisymmetric);
        if let Some(areas) = &c.areas {
            self.areas(spec, areas, units, path)?;
        }
        let masks = self.masks(spec, units, task, path)?;
        self.together(spec, antisymmetric, masks.as_ref(), path)?;
        if let Some(masks) = &masks {
            self.mask_keeps_signs(c, masks, path)?;
        }
        self.silenced(spec, units, path)?;
        Ok(Restriction {
            dale: c.dale.as_ref().map(|d| Dale {
                by: d.by,
                excitatory_readout: d.excitatory_readout,
            }),
            areas: c.areas.clone(),
            masks,
            autapses: c.autapses.unwrap_or(true),
            non_negative: c.non_negative.clone(),
            frozen: c.frozen.clone(),
            silenced: c.silenced.clone(),
            antisymmetric,
        })
    }

    /// Refuses what stands in [`APART`].
    fn together(
        &self,
        spec: &TrainSpec,
        antisymmetric: bool,
        masks: Option<&Masks>,
        path: &str,
    ) -> Result<()> {
        let c = &spec.constrain;
        let by_projection = c.dale.as_ref().is_some_and(|d| d.by == DaleBy::Projection);
        let proximal = spec.penalise.nuclear.as_ref().is_some_and(|n| n.proximal);
        let given = [
            ("constrain.dale", c.dale.is_some()),
            ("constrain.dale by projection", by_projection),
            ("constrain.density", c.density.is_some()),
            (
                "constrain.areas",
                c.areas.as_ref().is_some_and(Areas::cut_recurrent),
            ),
            (
                "constrain.mask",
                masks.is_some_and(|m| m.recurrent.is_some()),
            ),
            ("constrain.autapses", c.autapses == Some(false)),
            ("constrain.non_negative", !c.non_negative.is_empty()),
            (
                "constrain.non_negative: [Recurrent]",
                c.non_negative.contains(&Part::Recurrent),
            ),
            (
                "constrain.frozen: [Recurrent]",
                c.frozen.contains(&Part::Recurrent),
            ),
            ("constrain.silenced", !c.silenced.is_empty()),
            ("constrain.rank", c.rank.is_some()),
            ("constrain.antisymmetric", antisymmetric),
            ("constrain.dimensions", c.dimensions.is_some()),
            ("penalise.nuclear", proximal),
            ("scaling", !matches!(spec.scaling, ScalingSpec::Standard)),
        ];
        let is_given = |name: &&str| given.iter().any(|g| g.0 == *name && g.1);
        for (field, others, allowed) in APART.iter().filter(|row| is_given(&row.0)) {
            if let Some(other) = others.iter().copied().find(|o| is_given(o)) {
                return Err(self.refuse(
                    &format!("{path}.{field}"),
                    format!("together with `{other}`; allowed: {allowed}"),
                ));
            }
        }
        Ok(())
    }

    fn areas(&self, spec: &TrainSpec, areas: &Areas, units: usize, path: &str) -> Result<()> {
        areas
            .check(units)
            .map_err(|(field, m)| self.refuse(&format!("{path}.constrain.areas.{field}"), m))?;
        if spec.constrain.density.is_some() {
            return Err(self.refuse(
                &format!("{path}.constrain.density"),
                "together with areas; allowed: one of them, areas say the shares",
            ));
        }
        if matches!(spec.initial, Initial::DaleBalanced { .. }) {
            return Err(self.refuse(
                &format!("{path}.initial"),
                "DaleBalanced, whose first units are excitatory, together with areas, each of which has its own; allowed: another",
            ));
        }
        Ok(())
    }

    /// A negative factor makes a weight of one sign one of the other.
    fn mask_keeps_signs(&self, c: &ConstrainSpec, masks: &Masks, path: &str) -> Result<()> {
        let signed = |part: Part| c.non_negative.contains(&part).then_some("non_negative");
        let dale = c.dale.as_ref().map(|_| "dale");
        for (name, mask, by) in [
            (
                "recurrent",
                &masks.recurrent,
                dale.or(signed(Part::Recurrent)),
            ),
            ("input", &masks.input, signed(Part::Input)),
            ("readout", &masks.readout, signed(Part::Readout)),
        ] {
            let lowest = mask.iter().flatten().flatten().copied().reduce(f32::min);
            if let (Some(by), Some(x)) = (by, lowest.filter(|x| *x < 0.0)) {
                return Err(self.refuse(
                    &format!("{path}.constrain.mask"),
                    format!("`{name}` holds {x} together with `constrain.{by}`; allowed: 0 or above, for signs to stay"),
                ));
            }
        }
        Ok(())
    }

    fn silenced(&self, spec: &TrainSpec, units: usize, path: &str) -> Result<()> {
        let silenced = &spec.constrain.silenced;
        let refuse = |m: String| Err(self.refuse(&format!("{path}.constrain.silenced"), m));
        if let Some(unit) = silenced.iter().find(|u| **u >= units) {
            return refuse(format!("unit {unit}; allowed: 0 to {}", units - 1));
        }
        if (0..units).all(|unit| silenced.contains(&unit)) {
            return refuse("every unit; allowed: all but one".into());
        }
        if let Some(unit) = silenced.iter().find(|u| spec.observe.contains(u)) {
            return refuse(format!(
                "unit {unit}, which `observe` reads; allowed: units that it does not"
            ));
        }
        Ok(())
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
