//! The constant inputs under which fixed points are sought: an epoch's inputs at listed values of variables.

use super::{ConditionsSpec, SPECIAL, Trial};
use crate::error::Result;
use crate::expression::{Quantity, Scope};
use crate::generators::Place;
use crate::suggestion::suggest;
use crate::task::Condition;

/// Most conditions: each is searched in every network.
const MOST: usize = 4096;

impl Trial {
    /// Fills `conditions` and `nearest`; everything else must be there.
    pub(super) fn resolve_conditions(
        &mut self,
        spec: Option<&ConditionsSpec>,
        place: &Place<'_>,
    ) -> Result<()> {
        let Some(spec) = spec else {
            self.conditions = vec![Condition {
                label: "zero input".to_owned(),
                input: vec![0.0; self.copies * self.n_inputs],
            }];
            return Ok(());
        };
        let during = self.epochs_named(&spec.during, place, "conditions.during")?;
        let mut combinations = 1_usize;
        for (name, values) in &spec.at.0 {
            let field = format!("conditions.at[{name:?}]");
            let Some(variable) = self.variables.iter().position(|v| v.name == *name) else {
                let known: Vec<&str> = self.variables.iter().map(|v| v.name.as_str()).collect();
                return Err(place.refuse(&field, "no such variable", &suggest(name, &known)));
            };
            combinations = combinations.saturating_mul(values.len());
            if values.is_empty() || combinations.saturating_mul(during.len()) > MOST {
                let allowed = format!("1 to {MOST} combinations in all");
                return Err(place.refuse(&field, format!("{} values", values.len()), &allowed));
            }
            if let Some(x) = values.iter().find(|x| !x.is_finite()) {
                return Err(place.refuse(&field, x, "must be finite"));
            }
            self.nearest.push((variable, values.clone()));
        }
        for &epoch in &during {
            for combination in 0..combinations {
                self.conditions.push(self.condition(
                    epoch,
                    during.len() > 1,
                    combination,
                    place,
                )?);
            }
        }
        Ok(())
    }

    fn condition(
        &self,
        epoch: usize,
        several: bool,
        combination: usize,
        place: &Place<'_>,
    ) -> Result<Condition> {
        let mut given = vec![None; self.variables.len()];
        let (mut rest, mut words) = (combination, Vec::new());
        for (variable, values) in self.nearest.iter().rev() {
            let value = values[rest % values.len()];
            rest /= values.len();
            given[*variable] = Some(value);
            if values.len() > 1 {
                words.insert(0, format!("{} {value}", self.variables[*variable].name));
            }
        }
        let epoch_name = &self.epochs[epoch].0;
        if several || words.is_empty() {
            words.insert(0, epoch_name.clone());
        }
        // What is not given and not derived from what is given is not known: NaN, which goes through to the input.
        let mut slots = vec![f64::NAN; SPECIAL.len() + self.variables.len() + self.epochs.len()];
        for (v, variable) in self.variables.iter().enumerate() {
            slots[SPECIAL.len() + v] = match (given[v], &variable.quantity) {
                (Some(value), _) => value,
                (None, Quantity::Derived(bound)) => bound.value(Scope {
                    slots: &slots,
                    inputs: &[],
                    totals: &[],
                }),
                (None, Quantity::Drawn(..)) => f64::NAN,
            };
        }
        let mut input = vec![0.0_f32; self.n_inputs];
        for signal in self.signals.iter().filter(|s| s.during.contains(&epoch)) {
            let Some(value) = &signal.value else { continue };
            for unit in 0..signal.size {
                let angle = std::f64::consts::TAU * unit as f64 / signal.size as f64;
                let here = [0.0, f64::NAN, unit as f64, signal.size as f64, angle];
                slots[..here.len()].copy_from_slice(&here);
                let x = value.value(Scope {
                    slots: &slots,
                    inputs: &[],
                    totals: &[],
                });
                input[signal.first + unit] += x as f32;
            }
        }
        if input.iter().any(|x| !x.is_finite()) {
            return Err(place.refuse(
                "conditions.at",
                format!("{:?}", words.join(", ")),
                &format!("the inputs during `{epoch_name}` depend on variables whose values are not given here"),
            ));
        }
        Ok(Condition {
            label: words.join(", "),
            input: input.repeat(self.copies),
        })
    }
}
