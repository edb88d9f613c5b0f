//! The map of one network at one constant input, in f64: `state -> F(state)`, its Jacobian, its Newton steps.
//!
//! A state is its fields one after the other, `[field, unit]`. The pointwise parts (and their partial derivatives) are
//! programs derived from the cell's expressions; the Jacobian is those partials assembled with the weight matrices.
//! Where `next` has the form `u h + (1 - u) c`, the residual that is solved is `c(h) - h`: the same zeros, far better
//! conditioned when the gate u is near 1.

mod block;
pub(crate) mod bounds;
pub(crate) mod dense;
mod eliminate;
pub(crate) mod form;
mod input;
mod jacobian;
mod keeps_box;
mod newton;

pub use block::Block;
pub use keeps_box::{BoxKept, keeps_box};

use crate::cell::Cell;
use crate::cell::evaluate::Workspace;
use crate::cell::graph::{Leaf, Op};
use crate::cell::program::Array;
use crate::error::EngineError;
use crate::population::{Architecture, Layout, Population, Role};
use form::{Form, Section};
use std::sync::Arc;

/// Weights of one gate with the input folded in.
#[derive(Clone, Debug)]
pub(crate) struct GateWeights {
    /// Stage whose drive they multiply.
    pub(crate) stage: usize,
    /// `[to, from]`, rows padded; empty where the gate has no recurrent term.
    pub(crate) rows: Vec<f64>,
    /// `[from, to]`, rows padded.
    pub(crate) columns: Vec<f64>,
    /// `V`, `[to, channel]`; empty where the gate has no input term.
    inputs: Vec<f64>,
    /// `b`, `[to]`; empty where the gate has no bias.
    bias: Vec<f64>,
    /// `V x + b`, `[to]`, padded.
    pub(crate) constant: Vec<f64>,
}

impl GateWeights {
    /// Folds a constant input in.
    fn fold(&mut self, input: &[f64]) {
        self.constant.fill(0.0);
        self.constant[..self.bias.len()].copy_from_slice(&self.bias);
        if !self.inputs.is_empty() {
            for (c, row) in self
                .constant
                .iter_mut()
                .zip(self.inputs.chunks(input.len().max(1)))
            {
                *c += row.iter().zip(input).map(|(w, x)| w * x).sum::<f64>();
            }
        }
    }
}

/// One network at one constant input.
#[derive(Clone, Debug)]
pub struct Map {
    cell: Arc<Cell>,
    arch: pulp::Arch,
    n_units: usize,
    n_inputs: usize,
    stride: usize,
    gates: Vec<GateWeights>,
    step: Form,
    /// What Newton solves: the candidate where there is one, else the step.
    target: Form,
    readout: Section,
    readout_at: usize,
    w_out: Vec<f64>,
    b_out: Vec<f64>,
    template: Workspace<f64>,
    half_widths: Option<Vec<f64>>,
}

/// Buffers of one thread for one [`Map`]; nothing is allocated while a search runs.
#[derive(Clone, Debug)]
pub struct Scratch {
    workspace: Workspace<f64>,
    drive: Vec<f64>,
    product: Vec<f64>,
    newton: newton::Buffers,
}

impl Map {
    /// The map of network `network` at the constant input `input` (`[channel]`).
    pub fn new(
        population: &Population,
        network: usize,
        input: &[f32],
    ) -> Result<Self, EngineError> {
        if network >= population.n_networks {
            return Err(EngineError::Shape {
                operation: "fixed points",
                what: "the network index".into(),
                found: network.to_string(),
                expected: format!("less than {}", population.n_networks),
            });
        }
        let wide = |values: &[f32]| values.iter().map(|&x| f64::from(x)).collect::<Vec<f64>>();
        let parameters = wide(population.network(network));
        let constants = wide(population.network_constants(network));
        Self::from_parameters(
            &population.architecture,
            &parameters,
            &constants,
            &wide(input),
        )
        .map_err(|e| match e {
            EngineError::Unsupported {
                executor,
                what,
                allowed,
            } => EngineError::Unsupported {
                executor,
                what: format!("network {network} {what}"),
                allowed,
            },
            other => other,
        })
    }

    /// The same from parameters in f64, in the order of [`Layout`], the cell's constants, and an input, `[channel]`.
    pub fn from_parameters(
        architecture: &Architecture,
        parameters: &[f64],
        constants: &[f64],
        input: &[f64],
    ) -> Result<Self, EngineError> {
        let cell = Arc::clone(&architecture.cell);
        let n = architecture.units;
        let layout = Layout::new(architecture);
        for (what, unit, found, expected) in [
            ("the input", "channels", input.len(), architecture.inputs),
            (
                "the vector of parameters",
                "values",
                parameters.len(),
                layout.n_params,
            ),
            (
                "the list of constants",
                "values",
                constants.len(),
                cell.constants.len(),
            ),
        ] {
            if found != expected {
                return Err(EngineError::Shape {
                    operation: "fixed points",
                    what: what.into(),
                    found: format!("{found} {unit}"),
                    expected: format!("{expected} {unit}"),
                });
            }
        }
        if parameters
            .iter()
            .chain(input)
            .chain(constants)
            .any(|x| !x.is_finite())
        {
            return Err(EngineError::Unsupported {
                executor: "fixed points",
                what: "has weights, constants or an input that are not finite".into(),
                allowed: "every number must be finite".into(),
            });
        }
        let tensor = |role: Role| layout.find(role).map(|t| parameters[t.range()].to_vec());
        let stride = dense::stride(n);
        let gates = cell
            .gates()
            .map(|(s, g, gate)| {
                let (mut rows, mut columns) = (Vec::new(), Vec::new());
                let ones = gate.sum.then(|| vec![1.0; n * n]);
                if let Some(w) = ones.or_else(|| tensor(Role::Recurrent(s, g))) {
                    rows.resize(n * stride, 0.0);
                    columns.resize(n * stride, 0.0);
                    for i in 0..n {
                        for j in 0..n {
                            rows[i * stride + j] = w[i * n + j];
                            columns[j * stride + i] = w[i * n + j];
                        }
                    }
                }
                let mut gate = GateWeights {
                    stage: s,
                    rows,
                    columns,
                    inputs: tensor(Role::Input(s, g)).unwrap_or_default(),
                    bias: tensor(Role::Bias(s, g)).unwrap_or_default(),
                    constant: vec![0.0; stride],
                };
                gate.fold(input);
                gate
            })
            .collect();
        let mut template = Workspace::new(stride);
        template.set_constants(&cell, constants, n.max(1));
        for i in 0..cell.unit_params.len() {
            let at = template.array(Array::Leaf(Leaf::UnitParam(i as u8)));
            if let Some(values) = tensor(Role::Unit(i)) {
                template.storage[at][..n].copy_from_slice(&values);
            }
        }
        let next: Vec<_> = cell
            .next
            .iter()
            .enumerate()
            .map(|(f, &node)| (Array::StateNext(f as u8), node))
            .collect();
        let step = Form::new(&cell, &next, &mut template);
        let target = match cell.candidate {
            Some(candidate) => Form::new(&cell, &[(Array::Output, candidate)], &mut template),
            None => step.clone(),
        };
        let readout_at = match cell.graph.op(cell.output) {
            Op::Leaf(Leaf::State(f)) => step.states[usize::from(f)],
            _ => template.array(Array::Output),
        };
        let outputs = if cell.plain_output().is_some() {
            vec![]
        } else {
            vec![(Array::Output, cell.output)]
        };
        let readout = Section::new(&cell.graph, &outputs, &mut template);
        let mut map = Self {
            arch: pulp::Arch::new(),
            n_units: n,
            n_inputs: input.len(),
            stride,
            gates,
            step,
            target,
            readout,
            readout_at,
            w_out: tensor(Role::Readout).unwrap_or_default(),
            b_out: tensor(Role::ReadoutBias).unwrap_or_default(),
            template,
            half_widths: None,
            cell,
        };
        map.half_widths = bounds::half_widths(&map);
        Ok(map)
    }

    /// Changes the input, `[channel]`. The box belonged to the former input: without a constant input there is none.
    pub(crate) fn set_input(&mut self, input: &[f64]) {
        for gate in &mut self.gates {
            gate.fold(input);
        }
        self.half_widths = None;
    }

    /// Units.
    pub fn n_units(&self) -> usize {
        self.n_units
    }

    /// Length of a state: fields times units.
    pub fn n_state(&self) -> usize {
        self.cell.states.len() * self.n_units
    }

    /// The cell.
    pub fn cell(&self) -> &Cell {
        &self.cell
    }

    /// Half-widths of the box that the map sends into itself, `[field, unit]`; none where the cell has no such box.
    pub fn half_widths(&self) -> Option<&[f64]> {
        self.half_widths.as_deref()
    }

    /// Whether `c(h) - h` is solved in place of `F(h) - h`.
    pub fn solves_candidate(&self) -> bool {
        self.cell.candidate.is_some()
    }

    /// A workspace with every leaf but states and gates filled in.
    pub(crate) fn template(&self) -> Workspace<f64> {
        self.template.clone()
    }

    pub(crate) fn weights(&self) -> &[GateWeights] {
        &self.gates
    }

    /// Buffers for this map.
    pub fn scratch(&self) -> Scratch {
        Scratch {
            workspace: self.template.clone(),
            drive: vec![0.0; self.stride],
            product: vec![0.0; self.stride],
            newton: newton::Buffers::new(self),
        }
    }

    /// `F(state)`, `[field, unit]`.
    pub fn step(&self, scratch: &mut Scratch, state: &[f64], out: &mut [f64]) {
        self.evaluate(&self.step, false, scratch, state);
        for (to, &at) in out.chunks_mut(self.n_units.max(1)).zip(&self.step.results) {
            to.copy_from_slice(&scratch.workspace.storage[at][..self.n_units]);
        }
    }

    /// `F(state) - state`, `[field, unit]`.
    pub fn residual(&self, scratch: &mut Scratch, state: &[f64], out: &mut [f64]) {
        self.step(scratch, state, out);
        for (x, h) in out.iter_mut().zip(state) {
            *x -= h;
        }
    }

    /// What Newton drives to zero: `c(state) - state` where the cell has a candidate, else `F(state) - state`.
    pub(crate) fn target_residual(
        &self,
        scratch: &mut Scratch,
        state: &[f64],
        linear: bool,
        out: &mut [f64],
    ) {
        self.evaluate(&self.target, linear, scratch, state);
        let n = self.n_units.max(1);
        for ((to, h), &at) in out
            .chunks_mut(n)
            .zip(state.chunks(n))
            .zip(&self.target.results)
        {
            for ((x, h), y) in to.iter_mut().zip(h).zip(&scratch.workspace.storage[at]) {
                *x = y - h;
            }
        }
    }

    /// What the readout makes of a state, `[output]`.
    pub fn readout(&self, scratch: &mut Scratch, state: &[f64]) -> Vec<f64> {
        self.load(&self.step, scratch, state);
        self.readout
            .run(&mut scratch.workspace.storage, self.n_units);
        let seen = &scratch.workspace.storage[self.readout_at][..self.n_units];
        self.b_out
            .iter()
            .zip(self.w_out.chunks(self.n_units.max(1)))
            .map(|(b, row)| b + row.iter().zip(seen).map(|(w, x)| w * x).sum::<f64>())
            .collect()
    }

    fn load(&self, form: &Form, scratch: &mut Scratch, state: &[f64]) {
        for (field, &at) in state.chunks(self.n_units.max(1)).zip(&form.states) {
            scratch.workspace.storage[at][..self.n_units].copy_from_slice(field);
        }
    }

    /// Runs a form's programs at a state; values (and partial derivatives, if `linear`) are then in the workspace.
    fn evaluate(&self, form: &Form, linear: bool, scratch: &mut Scratch, state: &[f64]) {
        self.load(form, scratch, state);
        self.arch.dispatch(Evaluate {
            map: self,
            form,
            linear,
            scratch,
        });
    }
}

// A closure would not do: its call is a function of its own, without the instructions that were detected.
struct Evaluate<'a> {
    map: &'a Map,
    form: &'a Form,
    linear: bool,
    scratch: &'a mut Scratch,
}

impl pulp::WithSimd for Evaluate<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: pulp::Simd>(self, simd: S) {
        evaluate(simd, self.map, self.form, self.linear, self.scratch);
    }
}

#[inline(always)]
fn evaluate<S: pulp::Simd>(simd: S, map: &Map, form: &Form, linear: bool, scratch: &mut Scratch) {
    let Scratch {
        workspace,
        drive,
        product,
        ..
    } = scratch;
    let storage = &mut workspace.storage;
    let sections = if linear { &form.linear } else { &form.values };
    for (s, section) in sections.iter().enumerate() {
        section.run(storage, map.stride);
        let Some(&at) = form.drives.get(s) else {
            continue;
        };
        drive.copy_from_slice(&storage[at]);
        for ((gate, &to), &used) in map.gates.iter().zip(&form.gates).zip(&form.used) {
            if gate.stage == s && used {
                product.copy_from_slice(&gate.constant);
                dense::add_columns(simd, product, drive, &gate.columns);
                storage[to].copy_from_slice(product);
            }
        }
    }
}
