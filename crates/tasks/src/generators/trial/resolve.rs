//! From a trial as written to a checked one: names looked up, lengths bounded, a first sample looked at.

use super::{During, SPECIAL, Signal, Trial, TrialSpec, Variable, Weight};
use crate::error::Result;
use crate::expression::{Bound, Expression, Names, Quantity};
use crate::generators::{Generate, Order, Place, TrialSlot};
use crate::named::Named;
use crate::random::Stream;
use crate::suggestion::suggest;
use crate::trials::ChannelNames;

/// Most steps of a trial and most components of all channels together: beyond it a number is a slip of the pen.
const MOST_STEPS: f64 = 1_048_576.0;
const MOST_CHANNELS: usize = 4096;
/// Trials that are looked at before a task is accepted, and most values in them.
const LOOKED_AT: usize = 64;
const MOST_LOOKED_AT: usize = 200_000;

/// Channel, first component, number of components.
type Channels = Vec<(String, usize, usize)>;

impl TrialSpec {
    /// Checks everything. `constants` are names with a value that the file does not write.
    pub(crate) fn resolve(&self, place: &Place<'_>, constants: &[(&str, f64)]) -> Result<Trial> {
        let dt = match self.dt {
            None => 1.0,
            Some(_) => place.between("dt", self.dt, 1e-9, 1e9)?,
        };
        let copies = match self.copies {
            None => 1,
            Some(_) => place.count("copies", self.copies)?,
        };
        let inputs = channels(
            &place.given("inputs", &self.inputs)?,
            copies,
            place,
            "inputs",
        )?;
        let outputs = channels(
            &place.given("outputs", &self.outputs)?,
            copies,
            place,
            "outputs",
        )?;
        let mut slots: Vec<(String, usize)> = Vec::new();
        for (slot, name) in SPECIAL.iter().enumerate() {
            slots.push(((*name).to_owned(), slot));
        }
        // Variables and epochs see what stands before them; the special names have no value yet where they are drawn.
        let mut visible: Vec<(String, usize)> = Vec::new();
        let mut variables: Vec<Variable> = Vec::new();
        let mut ranges = vec![(f64::NEG_INFINITY, f64::INFINITY); SPECIAL.len()];
        let mut name = |name: &str, kind: &str, visible: &mut Vec<(String, usize)>| {
            let word = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
                && !name.contains('-');
            let taken = slots.iter().any(|(known, _)| known == name)
                || ["pi", "and", "or", "not"].contains(&name);
            if !word || taken {
                let why = if taken {
                    "the name is taken"
                } else {
                    "a letter, then letters, digits and `_`"
                };
                return Err(place.refuse(kind, format!("{name:?}"), why));
            }
            let slot = slots.len();
            slots.push((name.to_owned(), slot));
            visible.push((name.to_owned(), slot));
            Ok(())
        };
        for (constant, value) in constants {
            name(constant, "variables", &mut visible)?;
            variables.push(Variable {
                name: (*constant).to_owned(),
                quantity: Quantity::Derived(Bound::Number(*value)),
                count: None,
                shared: true,
            });
            ranges.push((*value, *value));
        }
        for (written, expression) in &self.variables.0 {
            let at = format!("variables[{written:?}]");
            let quantity = quantity(expression, &visible, place, &at)?;
            name(written, "variables", &mut visible)?;
            ranges.push(quantity.range(&ranges));
            let count = match &quantity {
                Quantity::Drawn(draw, arguments) => draw.count(arguments),
                Quantity::Derived(_) => None,
            };
            variables.push(Variable {
                name: written.clone(),
                quantity,
                count,
                shared: false,
            });
        }
        if self.epochs.0.is_empty() {
            return Err(place.refuse(
                "epochs",
                "(none)",
                "at least one, `epochs: {\"name\": duration}`",
            ));
        }
        let mut epochs = Vec::new();
        let mut longest = 0.0;
        for (written, expression) in &self.epochs.0 {
            let at = format!("epochs[{written:?}]");
            let quantity = quantity(expression, &visible, place, &at)?;
            name(written, "epochs", &mut visible)?;
            let range = quantity.range(&ranges);
            if range.1 < 0.0 {
                return Err(place.refuse(&at, expression.text(), "a duration is 0 or more"));
            }
            longest += (range.1 / dt).round().max(0.0);
            ranges.push((range.0.max(0.0), range.1.max(0.0)));
            epochs.push((written.clone(), quantity));
        }
        let n_steps = match self.steps {
            Some(_) => place.count("steps", self.steps)?,
            None if !(1.0..=MOST_STEPS).contains(&longest) => {
                return Err(place.refuse(
                    "epochs",
                    format!("{longest} steps at most"),
                    &format!("1 to {MOST_STEPS}; or say `steps`, and what is longer is cut"),
                ));
            }
            None => longest as usize,
        };
        share(&mut variables, &epochs);
        let mut trial = Trial {
            dt,
            n_steps,
            copies,
            n_inputs: inputs.iter().map(|c| c.2).sum(),
            n_outputs: outputs.iter().map(|c| c.2).sum(),
            names: ChannelNames {
                inputs: names(&inputs, copies),
                outputs: names(&outputs, copies),
            },
            variables,
            epochs,
            signals: Vec::new(),
            targets: Vec::new(),
            mask: None,
            needs_totals: false,
            grid: None,
            conditions: Vec::new(),
            nearest: Vec::new(),
            evidence: None,
        };
        trial.resolve_channels(self, &inputs, &outputs, &slots, place)?;
        trial.resolve_grid(self.order, place)?;
        trial.resolve_conditions(self.conditions.as_ref(), place)?;
        trial.look(place)?;
        Ok(trial)
    }
}

impl Trial {
    fn resolve_channels(
        &mut self,
        spec: &TrialSpec,
        inputs: &Channels,
        outputs: &Channels,
        slots: &[(String, usize)],
        place: &Place<'_>,
    ) -> Result<()> {
        let blind = Names {
            slots,
            channels: &[],
        };
        let seeing = Names {
            slots,
            channels: inputs,
        };
        let bind = |expression: &Expression, names: &Names<'_>, field: &str| {
            let refuse =
                |why: String| place.refuse(field, format!("{:?}", expression.text()), &why);
            expression.bind(names).map_err(refuse)
        };
        for (k, signal) in spec.signals.iter().flatten().enumerate() {
            let at = |field: &str| format!("signals[{k}].{field}");
            let (first, size) = channel(inputs, &signal.to, place, &at("to"))?;
            let bound = |written: &Option<Expression>, field: &str| {
                written
                    .as_ref()
                    .map(|e| bind(e, &blind, &at(field)))
                    .transpose()
            };
            self.signals.push(Signal {
                first,
                size,
                during: self.epochs_named(&signal.during, place, &at("during"))?,
                value: bound(&signal.value, "value")?,
                noise: bound(&signal.noise, "noise")?,
            });
        }
        for (k, target) in place.given("targets", &spec.targets)?.iter().enumerate() {
            let at = |field: &str| format!("targets[{k}].{field}");
            let (first, size) = channel(outputs, &target.to, place, &at("to"))?;
            self.targets.push(Signal {
                first,
                size,
                during: self.epochs_named(&target.during, place, &at("during"))?,
                value: Some(bind(&target.value, &seeing, &at("value"))?),
                noise: None,
            });
        }
        if let Some(written) = &spec.mask {
            let mut mask = Vec::new();
            for (k, entry) in written.iter().enumerate() {
                let at = |field: &str| format!("mask[{k}].{field}");
                let (first, size) = match &entry.to {
                    Some(to) => channel(outputs, to, place, &at("to"))?,
                    None => (0, self.n_outputs),
                };
                let or = |written: &Option<Expression>, default, names: &Names<'_>, field: &str| {
                    match written {
                        Some(expression) => bind(expression, names, &at(field)),
                        None => Ok(Bound::Number(default)),
                    }
                };
                mask.push(Weight {
                    first,
                    size,
                    during: self.epochs_named(&entry.during, place, &at("during"))?,
                    weight: or(&entry.weight, 1.0, &seeing, "weight")?,
                    grace: or(&entry.grace, 0.0, &blind, "grace")?,
                });
            }
            self.mask = Some(mask);
        }
        if let Some(evidence) = &spec.evidence {
            self.evidence = Some(bind(evidence, &blind, "evidence")?);
        }
        let values = self.targets.iter().filter_map(|t| t.value.as_ref());
        let weights = self.mask.iter().flatten().map(|w| &w.weight);
        self.needs_totals = values.chain(weights).any(Bound::reads_totals);
        Ok(())
    }

    /// Indices of the epochs named; of all where none is.
    pub(super) fn epochs_named(
        &self,
        during: &During,
        place: &Place<'_>,
        field: &str,
    ) -> Result<Vec<usize>> {
        if during.0.is_empty() {
            return Ok((0..self.epochs.len()).collect());
        }
        let index = |name: &String| match self.epochs.iter().position(|(known, _)| known == name) {
            Some(index) => Ok(index),
            None => {
                let known: Vec<&str> = self.epochs.iter().map(|e| e.0.as_str()).collect();
                Err(place.refuse(field, format!("{name:?}"), &suggest(name, &known)))
            }
        };
        during.0.iter().map(index).collect()
    }

    fn resolve_grid(&mut self, order: Option<Order>, place: &Place<'_>) -> Result<()> {
        if order != Some(Order::Grid) {
            return Ok(());
        }
        if self.copies > 1 {
            return Err(place.refuse(
                "order",
                "Grid",
                "copies are drawn apart: only with `copies: 1`",
            ));
        }
        let axes: Vec<(usize, usize)> = (0..self.variables.len())
            .filter(|v| {
                let quantity = &self.variables[*v].quantity;
                matches!(quantity, Quantity::Drawn(draw, _) if draw.is_axis())
            })
            .filter_map(|v| Some((v, self.variables[v].count?)))
            .collect();
        let size = axes
            .iter()
            .try_fold(1_u32, |n, axis| n.checked_mul(u32::try_from(axis.1).ok()?));
        if axes.is_empty() || size.is_none() {
            let allowed = "a grid runs through the variables that `choice` or `linspace` draws: at least one, and fewer than 2^32 combinations";
            return Err(place.refuse(
                "order",
                format!("Grid of {} variables", axes.len()),
                allowed,
            ));
        }
        self.grid = Some(axes);
        Ok(())
    }

    /// Samples a few trials: values must be finite, and some error must count.
    fn look(&self, place: &Place<'_>) -> Result<()> {
        let shape = self.shape();
        let (wide_in, wide_out) = (
            shape.n_steps * shape.n_inputs,
            shape.n_steps * shape.n_outputs,
        );
        let trials = (MOST_LOOKED_AT / (wide_in + wide_out)).clamp(1, LOOKED_AT);
        let mut counts = false;
        for trial in 0..trials {
            let (mut inputs, mut targets, mut mask) =
                (vec![0.0; wide_in], vec![0.0; wide_out], vec![1.0; wide_out]);
            let slot = TrialSlot {
                inputs: &mut inputs,
                targets: &mut targets,
                mask: &mut mask,
                condition: &mut 0,
            };
            self.write(
                trial,
                Stream::new(0, crate::random::purpose::LOOK).draws(trial as u32),
                slot,
            );
            for (field, array, wide) in [
                ("signals", &inputs, shape.n_inputs),
                ("targets", &targets, shape.n_outputs),
                ("mask", &mask, shape.n_outputs),
            ] {
                if let Some(at) = array.iter().position(|x| !x.is_finite()) {
                    return Err(place.refuse(
                        field,
                        array[at],
                        &format!(
                            "every value must be finite: component {}, step {} of a trial",
                            at % wide,
                            at / wide
                        ),
                    ));
                }
            }
            counts |= mask.iter().any(|w| *w > 0.0);
        }
        if counts {
            return Ok(());
        }
        Err(place.refuse("mask", "0 everywhere", "some error must count"))
    }
}

fn quantity(
    expression: &Expression,
    visible: &[(String, usize)],
    place: &Place<'_>,
    at: &str,
) -> Result<Quantity> {
    let names = Names {
        slots: visible,
        channels: &[],
    };
    let refuse = |why: String| place.refuse(at, format!("{:?}", expression.text()), &why);
    expression.quantity(&names).map_err(refuse)
}

/// Marks the variables on which durations depend.
fn share(variables: &mut [Variable], epochs: &[(String, Quantity)]) {
    let mut read: Vec<usize> = epochs
        .iter()
        .flat_map(|(_, quantity)| reads(quantity))
        .collect();
    while let Some(slot) = read.pop() {
        if let Some(variable) = slot
            .checked_sub(SPECIAL.len())
            .and_then(|v| variables.get_mut(v))
        {
            if !std::mem::replace(&mut variable.shared, true) {
                read.extend(reads(&variable.quantity));
            }
        }
    }
}

/// The slots that a quantity reads.
fn reads(quantity: &Quantity) -> Vec<usize> {
    let slots = std::cell::RefCell::new(Vec::new());
    let note = |node: &Bound| {
        if let Bound::Slot(slot) = node {
            slots.borrow_mut().push(*slot);
        }
        false
    };
    match quantity {
        Quantity::Derived(bound) => {
            bound.any(&note);
        }
        Quantity::Drawn(_, arguments) => arguments.iter().for_each(|a| {
            a.any(&note);
        }),
    }
    slots.into_inner()
}

fn channels(
    written: &Named<u32>,
    copies: usize,
    place: &Place<'_>,
    field: &str,
) -> Result<Channels> {
    let mut first = 0;
    let mut channels = Channels::new();
    for (name, size) in &written.0 {
        let size = *size as usize;
        let total = (first + size).saturating_mul(copies);
        if size == 0 || total > MOST_CHANNELS {
            let allowed = format!("1 or more components, at most {MOST_CHANNELS} in all");
            return Err(place.refuse(&format!("{field}[{name:?}]"), size, &allowed));
        }
        channels.push((name.clone(), first, size));
        first += size;
    }
    if channels.is_empty() {
        return Err(place.refuse(field, "(none)", "at least one channel"));
    }
    Ok(channels)
}

fn channel(
    channels: &Channels,
    name: &str,
    place: &Place<'_>,
    field: &str,
) -> Result<(usize, usize)> {
    match channels.iter().find(|(known, ..)| known == name) {
        Some((_, first, size)) => Ok((*first, *size)),
        None => {
            let known: Vec<&str> = channels.iter().map(|c| c.0.as_str()).collect();
            Err(place.refuse(field, format!("{name:?}"), &suggest(name, &known)))
        }
    }
}

/// A name per component: that of the channel, with a number where it has several, and with the copy's where there are several.
fn names(channels: &Channels, copies: usize) -> Vec<String> {
    let of_copy = |copy: usize| {
        channels.iter().flat_map(move |(name, _, size)| {
            (0..*size).map(move |i| {
                let component = if *size > 1 {
                    format!(" {i}")
                } else {
                    String::new()
                };
                let which = if copies > 1 {
                    format!(", {copy}")
                } else {
                    String::new()
                };
                format!("{name}{component}{which}")
            })
        })
    };
    (0..copies).flat_map(of_copy).collect()
}
