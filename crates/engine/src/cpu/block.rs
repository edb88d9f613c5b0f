//! One network on one block of 16 trials, step by step: forward, and backward with all weight gradients.
//!
//! Order of summation (canonical: every tile shape and SIMD width keeps it): within a product over units in order;
//! weight gradients over time descending, within a step over trials ascending; over blocks by a binary tree.

use super::activity::{Activity, Moments};
use super::arena::{Arena, BLOCK, CHUNK, Placed, Timed};
use super::forcing::Unforced;
use super::product::{Along, Product, Readout, Start, Term, padded};
use super::weights::Weights;
use crate::cell::graph::Leaf;
use crate::cell::program::Array;
use crate::population::Architecture;
use pulp::Simd;

/// Inputs of one block's trials: what the passes read beside the bank.
#[derive(Clone, Debug, Default)]
pub(crate) struct BlockTrials {
    /// `[trial][time][input + 1]`, the last channel 1: the input of the bias.
    pub(crate) inputs: Vec<f32>,
    pub(crate) n_steps: usize,
}

/// Storage and programs for the blocks of one architecture.
#[derive(Debug)]
pub(crate) struct Block {
    pub(crate) architecture: Architecture,
    pub(crate) width: usize,
    pub(crate) arena: Arena,
    drives: Vec<Placed>,
    next: Placed,
    next_adjoint: Placed,
    drive_adjoints: Vec<Placed>,
    pub(crate) states: Vec<Timed>,
    gates: Vec<Vec<Timed>>,
    drive: Vec<Timed>,
    pub(super) output: Timed,
    adjoint_gates: Vec<Vec<Timed>>,
    adjoint_drive: Vec<Timed>,
    adjoint_output: Timed,
    pub(super) adjoint_previous: Vec<Timed>,
    pub(super) adjoint_states: Vec<Timed>,
    adjoint_unit: Vec<Timed>,
    pub(crate) noise: Vec<Timed>,
    /// `[trial][time][output]` of the last forward pass.
    pub(crate) outputs: Vec<f32>,
    /// dL/d(outputs)
    pub(super) errors: Vec<f32>,
    /// Of the pass in progress, where it is forced.
    pub(super) unforced: Option<Unforced>,
}

impl Block {
    /// Storage for passes over `history` steps backward, or forward only when 0.
    pub(crate) fn new(architecture: &Architecture, history: usize) -> Self {
        let cell = architecture.cell.clone();
        let mut arena = Arena::new(architecture, history);
        let mut scratch = Vec::new();
        let programs = &cell.programs;
        let leaf = |arena: &mut Arena, l| arena.array(&cell, Array::Leaf(l));
        let states = (0..cell.states.len())
            .map(|f| leaf(&mut arena, Leaf::State(f as u8)))
            .collect();
        let per_gate = |arena: &mut Arena, make: fn(u8, u8) -> Leaf| {
            cell.stages
                .iter()
                .enumerate()
                .map(|(s, stage)| {
                    (0..stage.gates.len())
                        .map(|g| arena.array(&cell, Array::Leaf(make(s as u8, g as u8))))
                        .collect()
                })
                .collect()
        };
        let gates = per_gate(&mut arena, Leaf::Gate);
        let adjoint_gates = per_gate(&mut arena, Leaf::AdjointGate);
        let drive = (0..cell.stages.len())
            .map(|s| arena.array(&cell, Array::Drive(s as u8)))
            .collect();
        let adjoint_drive = (0..cell.stages.len())
            .map(|s| arena.array(&cell, Array::Leaf(Leaf::AdjointDrive(s as u8))))
            .collect();
        let output = arena.array(&cell, Array::Output);
        let adjoint_output = arena.array(&cell, Array::Leaf(Leaf::AdjointOutput));
        let adjoint_states = (0..cell.states.len())
            .map(|f| leaf(&mut arena, Leaf::AdjointState(f as u8)))
            .collect();
        let adjoint_previous = (0..cell.states.len())
            .map(|f| arena.array(&cell, Array::AdjointPrevious(f as u8)))
            .collect();
        let adjoint_unit = (0..cell.unit_params.len())
            .map(|i| arena.array(&cell, Array::AdjointUnitParam(i as u8)))
            .collect();
        let noise = (0..cell.noise.len())
            .map(|i| arena.array(&cell, Array::Leaf(Leaf::Noise(i as u8))))
            .collect();
        let mut place = |arena: &mut Arena, p| Placed::new(arena, &cell, p, &mut scratch);
        let drives = programs
            .drive
            .iter()
            .map(|p| place(&mut arena, p))
            .collect();
        let next = place(&mut arena, &programs.next);
        let next_adjoint = place(&mut arena, &programs.next_adjoint);
        let drive_adjoints = programs
            .drive_adjoint
            .iter()
            .map(|p| place(&mut arena, p))
            .collect();
        Self {
            architecture: architecture.clone(),
            width: padded(architecture.units),
            arena,
            drives,
            next,
            next_adjoint,
            drive_adjoints,
            states,
            gates,
            drive,
            output,
            adjoint_gates,
            adjoint_drive,
            adjoint_output,
            adjoint_previous,
            adjoint_states,
            adjoint_unit,
            noise,
            outputs: Vec::new(),
            errors: Vec::new(),
            unforced: None,
        }
    }

    /// Loads what stays the same for all blocks of one network: constants and unit parameters.
    pub(crate) fn set_network(&mut self, weights: &Weights, constants: &[f32]) {
        let cell = self.architecture.cell.clone();
        for (i, &value) in constants.iter().enumerate() {
            let at = self
                .arena
                .array(&cell, Array::Leaf(Leaf::Constant(i as u8)));
            self.arena.at_mut(at, 0).fill(value);
        }
        for array in &self.noise {
            self.arena.storage[array.storage].fill(0.0);
        }
        let (units, width) = (self.architecture.units, self.width);
        let count = self.arena.array(&cell, Array::Leaf(Leaf::UnitCount));
        self.arena.at_mut(count, 0).fill(units as f32);
        let index = self.arena.array(&cell, Array::Leaf(Leaf::UnitIndex));
        for row in self.arena.at_mut(index, 0).chunks_exact_mut(width) {
            row.iter_mut().enumerate().for_each(|(i, v)| *v = i as f32);
        }
        for (i, values) in weights.unit.iter().enumerate() {
            let at = self
                .arena
                .array(&cell, Array::Leaf(Leaf::UnitParam(i as u8)));
            self.arena
                .at_mut(at, 0)
                .chunks_exact_mut(width)
                .for_each(|row| row.copy_from_slice(values));
        }
    }

    /// Sets every trial's state at time 0 to the network's initial state.
    pub(crate) fn reset(&mut self, weights: &Weights) {
        for (f, initial) in weights.initial.iter().enumerate() {
            let (state, width) = (self.states[f], self.width);
            self.arena
                .at_mut(state, 0)
                .chunks_exact_mut(width)
                .for_each(|row| row.copy_from_slice(initial));
        }
    }

    /// One step at time t; outputs are written when `outputs` has room for them.
    #[inline(always)]
    pub(crate) fn forward<S: Simd>(
        &mut self,
        simd: S,
        weights: &Weights,
        inputs: &[f32],
        n_steps: usize,
        t: usize,
    ) {
        let (units, width) = (self.architecture.units, self.width);
        let channels = self.architecture.inputs + 1;
        for s in 0..self.drive.len() {
            if !self.drives[s].is_empty() {
                self.drives[s].run(simd, &mut self.arena, t);
            }
            for (g, gate) in weights.gates[s].iter().enumerate() {
                let to = self.gates[s][g];
                let offset = self.arena.offset(to, t);
                let mut storage = std::mem::take(&mut self.arena.storage[to.storage]);
                let drive = self.arena.at(self.drive[s], t);
                let has_input = self.architecture.cell.stages[s].gates[g].input;
                let terms = [
                    Term {
                        x: &inputs[t * channels..],
                        stride: n_steps * channels,
                        along: Along::Depth,
                        w: &gate.input,
                        depth: if has_input { channels - 1 } else { 0 },
                    },
                    Term {
                        x: drive,
                        stride: width,
                        along: Along::Depth,
                        w: &gate.forward,
                        depth: if gate.forward.is_empty() { 0 } else { units },
                    },
                ];
                let bias = &gate.input[(channels - 1) * width..];
                simd.vectorize(Product {
                    out: &mut storage[offset..][..BLOCK * width],
                    rows: BLOCK,
                    width,
                    start: Start::Row(bias),
                    terms: &terms,
                });
                self.arena.storage[to.storage] = storage;
            }
        }
        self.next.run(simd, &mut self.arena, t);
    }

    /// Outputs of the state after step t: those of trial i at `outputs[i * stride..]`.
    pub(crate) fn readout<S: Simd>(
        &self,
        simd: S,
        weights: &Weights,
        t: usize,
        outputs: &mut [f32],
        stride: usize,
    ) {
        if self.architecture.outputs == 0 {
            return;
        }
        let seen = self.arena.at(self.output, t);
        simd.vectorize(Readout {
            seen,
            w: &weights.readout,
            bias: &weights.readout_bias,
            width: self.width,
            y: outputs,
            stride,
        });
    }

    /// Adds the sums over trials of what the readout sees after step t, and of its products.
    #[inline(always)]
    pub(super) fn moments<S: Simd>(&self, simd: S, live: usize, t: usize, moments: &mut Moments) {
        let (units, width) = (self.architecture.units, self.width);
        let seen = &self.arena.at(self.output, t)[..live * width];
        add_rows(seen, &mut moments.first);
        let term = Term {
            x: seen,
            stride: width,
            along: Along::Rows,
            w: seen,
            depth: live,
        };
        simd.vectorize(Product {
            out: &mut moments.second,
            rows: units,
            width,
            start: Start::Out,
            terms: &[term],
        });
        moments.count += live;
    }

    /// Adjoint of the step at time t.
    #[inline(always)]
    pub(super) fn backward<S: Simd>(
        &mut self,
        simd: S,
        weights: &Weights,
        gradient: &mut Weights,
        trials: &BlockTrials,
        activity: Option<&mut Activity>,
        live: usize,
        t: usize,
    ) {
        let (units, width, n_outputs) = (
            self.architecture.units,
            self.width,
            self.architecture.outputs,
        );
        // Where the readout sees a state field, its adjoint is added to that field's at once.
        let (to, start) = match self.architecture.cell.plain_output() {
            Some(f) => (self.adjoint_states[f], Start::Out),
            None => (self.adjoint_output, Start::Zero),
        };
        let offset = self.arena.offset(to, t);
        let mut storage = std::mem::take(&mut self.arena.storage[to.storage]);
        let n_steps = trials.n_steps;
        let errors = &self.errors[t * n_outputs..];
        let term = Term {
            x: errors,
            stride: n_steps * n_outputs,
            along: Along::Depth,
            w: &weights.readout,
            depth: n_outputs,
        };
        simd.vectorize(Product {
            out: &mut storage[offset..][..BLOCK * width],
            rows: BLOCK,
            width,
            start,
            terms: &[term],
        });
        if let Some(activity) = activity {
            let seen = &self.arena.at(self.output, t)[..live * width];
            let adjoint = &mut storage[offset..][..live * width];
            if let Some((slope, _)) = &activity.slope {
                let term = Term {
                    x: seen,
                    stride: width,
                    along: Along::Depth,
                    w: slope,
                    depth: units,
                };
                simd.vectorize(Product {
                    out: &mut *adjoint,
                    rows: live,
                    width,
                    start: Start::Out,
                    terms: &[term],
                });
            }
            activity.add(seen, adjoint, units, width);
        }
        self.arena.storage[to.storage] = storage;
        self.next_adjoint.run(simd, &mut self.arena, t);
        // States that `next` does not read directly: what is added first is what there is.
        let mut untouched = self.architecture.cell.programs.untouched_states;
        for s in (0..self.drive.len()).rev() {
            let plain = self.architecture.cell.plain_drive(s);
            let (to, start) = match plain {
                Some(f) if untouched & 1 << f != 0 => {
                    let any = weights.gates[s].iter().any(|g| !g.recurrent.is_empty());
                    untouched &= !(u32::from(any) << f);
                    (self.adjoint_previous[f], Start::Zero)
                }
                Some(f) => (self.adjoint_previous[f], Start::Out),
                None => {
                    self.zero(untouched, t);
                    untouched = 0;
                    (self.adjoint_drive[s], Start::Zero)
                }
            };
            let offset = self.arena.offset(to, t);
            let mut storage = std::mem::take(&mut self.arena.storage[to.storage]);
            let mut start = start;
            let out = &mut storage[offset..][..BLOCK * width];
            for (g, gate) in weights.gates[s]
                .iter()
                .enumerate()
                .filter(|(_, gate)| !gate.recurrent.is_empty())
            {
                let delta = self.arena.at(self.adjoint_gates[s][g], t);
                let term = Term {
                    x: delta,
                    stride: width,
                    along: Along::Depth,
                    w: &gate.recurrent,
                    depth: units,
                };
                simd.vectorize(Product {
                    out: &mut *out,
                    rows: BLOCK,
                    width,
                    start,
                    terms: &[term],
                });
                start = Start::Out;
            }
            self.arena.storage[to.storage] = storage;
            if plain.is_none() {
                self.drive_adjoints[s].run(simd, &mut self.arena, t);
            }
        }
        self.zero(untouched, t);
        for (i, &array) in self.adjoint_unit.iter().enumerate() {
            add_rows(self.arena.at(array, t), &mut gradient.unit[i]);
        }
    }

    /// Sets the adjoints of some states (bits) to zero.
    fn zero(&mut self, states: u32, t: usize) {
        for f in (0..self.adjoint_previous.len()).filter(|f| states & 1 << f != 0) {
            let array = self.adjoint_previous[f];
            self.arena.at_mut(array, t).fill(0.0);
        }
    }

    /// Weight gradients of the steps from `first` to the end of its chunk, latest first.
    #[inline(always)]
    pub(super) fn weight_gradients<S: Simd>(
        &self,
        simd: S,
        gradient: &mut Weights,
        trials: &BlockTrials,
        first: usize,
    ) {
        let (units, width, n_outputs) = (
            self.architecture.units,
            self.width,
            self.architecture.outputs,
        );
        let channels = self.architecture.inputs + 1;
        let last = (first + CHUNK).min(trials.n_steps);
        let empty = Term {
            x: &[],
            stride: 0,
            along: Along::Rows,
            w: &[],
            depth: 0,
        };
        for s in 0..self.drive.len() {
            for (g, gate) in gradient.gates[s].iter_mut().enumerate() {
                let mut terms = [empty; CHUNK];
                if !gate.recurrent.is_empty() {
                    for (term, t) in terms.iter_mut().zip((first..last).rev()) {
                        *term = Term {
                            x: self.arena.at(self.adjoint_gates[s][g], t),
                            stride: width,
                            along: Along::Rows,
                            w: self.arena.at(self.drive[s], t),
                            depth: BLOCK,
                        };
                    }
                    simd.vectorize(Product {
                        out: &mut gate.recurrent,
                        rows: units,
                        width,
                        start: Start::Out,
                        terms: &terms[..last - first],
                    });
                }
                let has_input = self.architecture.cell.stages[s].gates[g].input;
                let skip = if has_input { 0 } else { channels - 1 };
                for (term, t) in terms.iter_mut().zip((first..last).rev()) {
                    let x = &trials.inputs[t * channels + skip..];
                    *term = Term {
                        x,
                        stride: trials.n_steps * channels,
                        along: Along::Rows,
                        w: self.arena.at(self.adjoint_gates[s][g], t),
                        depth: BLOCK,
                    };
                }
                simd.vectorize(Product {
                    out: &mut gate.input[skip * width..],
                    rows: channels - skip,
                    width,
                    start: Start::Out,
                    terms: &terms[..last - first],
                });
            }
        }
        let mut terms = [empty; CHUNK];
        for (term, t) in terms.iter_mut().zip((first..last).rev()) {
            let x = &self.errors[t * n_outputs..];
            *term = Term {
                x,
                stride: trials.n_steps * n_outputs,
                along: Along::Rows,
                w: self.seen(t),
                depth: BLOCK,
            };
        }
        simd.vectorize(Product {
            out: &mut gradient.readout,
            rows: n_outputs,
            width,
            start: Start::Out,
            terms: &terms[..last - first],
        });
    }
}

/// Adds all rows (one per trial) to one.
#[inline(always)]
pub(super) fn add_rows(rows: &[f32], sum: &mut [f32]) {
    for row in rows.chunks_exact(sum.len()) {
        sum.iter_mut().zip(row).for_each(|(s, v)| *s += v);
    }
}
