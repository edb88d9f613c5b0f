//! One trial: variables drawn, epochs laid out, channels written.

use std::f64::consts::TAU;
use std::ops::Range;

use super::{SPECIAL, Signal, Span, TIMES, Trial, TrialSlot};
use crate::expression::{Bound, Quantity, Scope};
use crate::random::Draws;

/// What holds for one trial: slots of each copy, steps of each epoch, the same for all copies.
struct Drawn {
    /// `[copy][slot]`
    slots: Vec<Vec<f64>>,
    spans: Vec<Range<usize>>,
    condition: usize,
}

impl Trial {
    /// Writes trial number `trial`.
    pub(super) fn write(&self, trial: usize, mut draws: Draws, slot: TrialSlot<'_>) {
        let mut drawn = self.drawn(trial, &mut draws);
        *slot.condition = drawn.condition as i32;
        slot.mask.fill(0.0);
        let (wide_in, wide_out) = (self.copies * self.n_inputs, self.copies * self.n_outputs);
        for (copy, slots) in drawn.slots.iter_mut().enumerate() {
            let mut inputs = Columns {
                values: slot.inputs,
                wide: wide_in,
                from: copy * self.n_inputs,
            };
            for signal in &self.signals {
                self.add(signal, slots, &drawn.spans, &mut inputs, None);
                self.add_noise(signal, slots, &drawn.spans, &mut inputs, &mut draws);
            }
        }
        let totals = self
            .needs_totals
            .then(|| running_sums(slot.inputs, wide_in));
        for (copy, slots) in drawn.slots.iter_mut().enumerate() {
            let read = Read {
                inputs: slot.inputs,
                totals: totals.as_deref().unwrap_or(&[]),
                wide: wide_in,
                from: copy * self.n_inputs,
                size: self.n_inputs,
            };
            let mut outputs = Columns {
                values: slot.targets,
                wide: wide_out,
                from: copy * self.n_outputs,
            };
            for target in &self.targets {
                self.add(target, slots, &drawn.spans, &mut outputs, Some(&read));
            }
            outputs.values = slot.mask;
            self.weigh(slots, &drawn.spans, &mut outputs, &read);
        }
    }

    /// Where the epochs of trial number `trial` lie.
    pub(super) fn epochs_of(&self, trial: usize, mut draws: Draws) -> Vec<Span> {
        let spans = self.drawn(trial, &mut draws).spans;
        let named = self.epochs.iter().zip(spans);
        named
            .map(|((name, _), span)| Span {
                name: name.clone(),
                from: span.start,
                to: span.end,
            })
            .collect()
    }

    /// The evidence of trial number `trial`, of its first copy.
    pub(super) fn evidence_of(&self, trial: usize, mut draws: Draws) -> Option<f64> {
        let evidence = self.evidence.as_ref()?;
        let drawn = self.drawn(trial, &mut draws);
        Some(evaluate(evidence, &drawn.slots[0], None, 0))
    }

    fn drawn(&self, trial: usize, draws: &mut Draws) -> Drawn {
        let known = SPECIAL.len();
        let mut slots =
            vec![vec![f64::NAN; known + self.variables.len() + self.epochs.len()]; self.copies];
        for copy in 0..self.copies {
            for (v, variable) in self.variables.iter().enumerate() {
                let fixed = self.axis_value(v, trial);
                let value = value_of(
                    &variable.quantity,
                    variable.count,
                    &slots[copy],
                    fixed,
                    draws,
                );
                let first = slots[0][known + v];
                let held = variable.shared && copy > 0;
                slots[copy][known + v] = if held { first } else { value };
            }
        }
        let mut spans = Vec::with_capacity(self.epochs.len());
        let mut begin = 0_usize;
        for (e, (_, duration)) in self.epochs.iter().enumerate() {
            let count = match duration {
                Quantity::Drawn(draw, arguments) => draw.count(arguments),
                Quantity::Derived(_) => None,
            };
            let duration = value_of(duration, count, &slots[0], None, draws);
            // Not a number counts as no time at all.
            let end = begin
                .saturating_add((duration / self.dt).round().max(0.0) as usize)
                .min(self.n_steps);
            for slots in &mut slots {
                slots[known + self.variables.len() + e] = (end - begin) as f64 * self.dt;
            }
            spans.push(begin..end);
            begin = end;
        }
        let mut condition = 0;
        for (variable, values) in &self.nearest {
            let own = slots[0][known + variable];
            let distance = |k: &usize| (values[*k] - own).abs();
            let nearest = (0..values.len()).min_by(|a, b| distance(a).total_cmp(&distance(b)));
            condition = condition * values.len() + nearest.unwrap_or(0);
        }
        Drawn {
            slots,
            spans,
            condition,
        }
    }

    /// Which value of variable `v` the grid gives to this trial: the first axis changes most slowly.
    fn axis_value(&self, v: usize, trial: usize) -> Option<usize> {
        let axes = self.grid.as_ref()?;
        let place = axes.iter().position(|axis| axis.0 == v)?;
        let inner: usize = axes[place + 1..].iter().map(|axis| axis.1).product();
        Some(trial / inner % axes[place].1)
    }

    /// Adds what a signal or target says.
    fn add(
        &self,
        signal: &Signal,
        slots: &mut [f64],
        spans: &[Range<usize>],
        to: &mut Columns<'_>,
        read: Option<&Read<'_>>,
    ) {
        let Some(value) = &signal.value else { return };
        let steady = is_steady(value);
        for &epoch in &signal.during {
            for unit in 0..signal.size {
                self.stand_at(slots, unit, signal.size, 0, 0);
                let constant = steady.then(|| evaluate(value, slots, None, 0));
                for step in spans[epoch].clone() {
                    let x = constant.unwrap_or_else(|| {
                        self.stand_at(slots, unit, signal.size, step, spans[epoch].start);
                        evaluate(value, slots, read, step)
                    });
                    *to.at(step, signal.first + unit) += x as f32;
                }
            }
        }
    }

    fn add_noise(
        &self,
        signal: &Signal,
        slots: &mut [f64],
        spans: &[Range<usize>],
        to: &mut Columns<'_>,
        draws: &mut Draws,
    ) {
        let Some(noise) = &signal.noise else { return };
        for &epoch in &signal.during {
            for unit in 0..signal.size {
                self.stand_at(slots, unit, signal.size, 0, 0);
                let deviation = evaluate(noise, slots, None, 0);
                let mut spare = None;
                for step in spans[epoch].clone() {
                    let normal = spare.take().unwrap_or_else(|| {
                        let [first, second] = draws.normal_pair();
                        spare = Some(second);
                        first
                    });
                    *to.at(step, signal.first + unit) += (deviation * normal) as f32;
                }
            }
        }
    }

    fn weigh(
        &self,
        slots: &mut [f64],
        spans: &[Range<usize>],
        to: &mut Columns<'_>,
        read: &Read<'_>,
    ) {
        let Some(weights) = &self.mask else {
            for step in 0..spans.last().map_or(0, |span| span.end) {
                (0..self.n_outputs).for_each(|k| *to.at(step, k) = 1.0);
            }
            return;
        };
        for entry in weights {
            let steady = is_steady(&entry.weight);
            for &epoch in &entry.during {
                for unit in 0..entry.size {
                    self.stand_at(slots, unit, entry.size, 0, 0);
                    let grace = evaluate(&entry.grace, slots, None, 0) / self.dt;
                    let from = spans[epoch]
                        .start
                        .saturating_add(grace.round().max(0.0) as usize);
                    let constant = steady.then(|| evaluate(&entry.weight, slots, None, 0));
                    for step in from..spans[epoch].end {
                        let weight = constant.unwrap_or_else(|| {
                            self.stand_at(slots, unit, entry.size, step, spans[epoch].start);
                            evaluate(&entry.weight, slots, Some(read), step)
                        });
                        *to.at(step, entry.first + unit) = weight.max(0.0) as f32;
                    }
                }
            }
        }
    }

    /// Sets the slots of [`SPECIAL`].
    fn stand_at(&self, slots: &mut [f64], unit: usize, size: usize, step: usize, begin: usize) {
        let here = [
            (step - begin) as f64 * self.dt,
            step as f64 * self.dt,
            unit as f64,
            size as f64,
            TAU * unit as f64 / size as f64,
        ];
        slots[..here.len()].copy_from_slice(&here);
    }
}

/// Where a copy writes in an array `[time, channel]`.
struct Columns<'a> {
    values: &'a mut [f32],
    /// Channels of all copies together.
    wide: usize,
    /// The first channel of this copy.
    from: usize,
}

impl Columns<'_> {
    fn at(&mut self, step: usize, channel: usize) -> &mut f32 {
        &mut self.values[step * self.wide + self.from + channel]
    }
}

/// Inputs that targets and weights may read.
struct Read<'a> {
    inputs: &'a [f32],
    totals: &'a [f64],
    wide: usize,
    from: usize,
    size: usize,
}

fn evaluate(value: &Bound, slots: &[f64], read: Option<&Read<'_>>, step: usize) -> f64 {
    let row =
        |read: &Read<'_>| step * read.wide + read.from..step * read.wide + read.from + read.size;
    value.value(Scope {
        slots,
        inputs: read.map_or(&[], |r| &r.inputs[row(r)]),
        totals: read.map_or(&[], |r| r.totals.get(row(r)).unwrap_or(&[])),
    })
}

/// Whether an expression has the same value at every step.
fn is_steady(value: &Bound) -> bool {
    !value.any(&|node| match node {
        Bound::Slot(slot) => TIMES.contains(slot),
        Bound::Channel(..) => true,
        _ => false,
    })
}

fn value_of(
    quantity: &Quantity,
    count: Option<usize>,
    slots: &[f64],
    fixed: Option<usize>,
    draws: &mut Draws,
) -> f64 {
    let scope = Scope {
        slots,
        inputs: &[],
        totals: &[],
    };
    match quantity {
        Quantity::Derived(bound) => bound.value(scope),
        Quantity::Drawn(draw, arguments) => {
            let arguments: Vec<f64> = arguments.iter().map(|a| a.value(scope)).collect();
            let drawn = draw.draw(&arguments, count, draws);
            fixed.map_or(drawn, |k| draw.nth(k, &arguments))
        }
    }
}

/// Sums over time up to and with each step: `[time, channel]`.
fn running_sums(inputs: &[f32], wide: usize) -> Vec<f64> {
    let mut sums = vec![0.0; inputs.len()];
    for at in 0..inputs.len() {
        let before = if at >= wide { sums[at - wide] } else { 0.0 };
        sums[at] = before + f64::from(inputs[at]);
    }
    sums
}
