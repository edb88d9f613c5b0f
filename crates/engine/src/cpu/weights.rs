//! One network's parameters as the products want them, and its gradient on the way back.

use super::lines::Lines;
use super::product::padded;
use crate::population::{Architecture, Layout, Role};

/// Padded copies of one network's weights. Rows are padded to whole registers with zeros, so padded units never act.
#[derive(Clone, Debug, Default)]
pub(crate) struct Weights {
    /// Per stage and gate.
    pub(crate) gates: Vec<Vec<GateWeights>>,
    /// `[output][unit]`
    pub(crate) readout: Lines,
    /// `[output]`
    pub(crate) readout_bias: Vec<f32>,
    /// Per unit parameter, `[unit]`.
    pub(crate) unit: Vec<Lines>,
    /// Per state field, `[unit]`.
    pub(crate) initial: Vec<Lines>,
}

/// Weights (or their gradient) of one gate.
#[derive(Clone, Debug, Default)]
pub(crate) struct GateWeights {
    /// `[from][to]`: what the forward product reads. Empty in a gradient.
    pub(crate) forward: Lines,
    /// `[to][from]`: what the backward product reads, and the gradient.
    pub(crate) recurrent: Lines,
    /// `[input + 1][to]`: the last row is the bias, whose input is always 1.
    pub(crate) input: Lines,
}

impl Weights {
    /// Room for a gradient: all zero.
    pub(crate) fn gradient(architecture: &Architecture) -> Self {
        let mut zero = Self::zeros(architecture);
        let described = architecture.cell.gates().map(|(.., gate)| gate);
        for (gate, described) in zero.gates.iter_mut().flatten().zip(described) {
            gate.forward = Lines::default();
            if described.sum {
                gate.recurrent = Lines::default();
            }
        }
        zero
    }

    /// All zero, but for the ones of sums.
    pub(crate) fn zeros(architecture: &Architecture) -> Self {
        let (n, width) = (architecture.units, padded(architecture.units));
        let matrix = |g: &crate::cell::Gate| {
            let mut all = Lines::zeros(if g.recurrent { n * width } else { 0 });
            // Ones and no parameters: nothing else is ever written here.
            let rows = all.chunks_exact_mut(width).filter(|_| g.sum);
            rows.for_each(|row| row[..n].fill(1.0));
            all
        };
        let gates = architecture.cell.stages.iter().map(|stage| {
            let gate = |g: &crate::cell::Gate| GateWeights {
                forward: matrix(g),
                recurrent: matrix(g),
                input: Lines::zeros((architecture.inputs + 1) * width),
            };
            stage.gates.iter().map(gate).collect()
        });
        Self {
            gates: gates.collect(),
            readout: Lines::zeros(architecture.outputs * width),
            readout_bias: vec![0.0; architecture.outputs],
            unit: vec![Lines::zeros(width); architecture.cell.unit_params.len()],
            initial: vec![Lines::zeros(width); architecture.cell.states.len()],
        }
    }

    /// Number of values.
    pub(crate) fn len(&self) -> usize {
        let gate = |g: &GateWeights| g.forward.len() + g.recurrent.len() + g.input.len();
        let per_unit = self.unit.iter().chain(&self.initial);
        self.gates.iter().flatten().map(gate).sum::<usize>()
            + self.readout.len()
            + self.readout_bias.len()
            + per_unit.map(|lines| lines.len()).sum::<usize>()
    }

    /// Sets a gradient to zero.
    pub(crate) fn clear(&mut self) {
        for gate in self.gates.iter_mut().flatten() {
            gate.recurrent.fill(0.0);
            gate.input.fill(0.0);
        }
        self.readout.fill(0.0);
        self.readout_bias.fill(0.0);
        self.unit
            .iter_mut()
            .chain(&mut self.initial)
            .for_each(|v| v.fill(0.0));
    }

    /// Reads a network's flat parameters.
    pub(crate) fn pack(&mut self, layout: &Layout, params: &[f32], width: usize) {
        for tensor in &layout.tensors {
            let values = &params[tensor.range()];
            match tensor.role {
                Role::Recurrent(s, g) => {
                    let n = tensor.shape[1];
                    let gate = &mut self.gates[s][g];
                    for (to, row) in values.chunks_exact(n).enumerate() {
                        gate.recurrent[to * width..][..n].copy_from_slice(row);
                    }
                    for from in 0..n {
                        for (to, value) in gate.forward[from * width..][..n].iter_mut().enumerate()
                        {
                            *value = values[to * n + from];
                        }
                    }
                }
                Role::Input(s, g) => {
                    let inputs = tensor.shape[1];
                    for (at, value) in values.iter().enumerate() {
                        self.gates[s][g].input[at % inputs * width + at / inputs] = *value;
                    }
                }
                Role::Bias(s, g) => bias_row(&mut self.gates[s][g].input, width)[..values.len()]
                    .copy_from_slice(values),
                Role::Unit(i) => self.unit[i][..values.len()].copy_from_slice(values),
                Role::Readout => {
                    for (o, row) in values.chunks_exact(tensor.shape[1]).enumerate() {
                        self.readout[o * width..][..row.len()].copy_from_slice(row);
                    }
                }
                Role::ReadoutBias => {
                    self.readout_bias[..values.len()].copy_from_slice(values);
                }
                Role::InitialState(f) => self.initial[f][..values.len()].copy_from_slice(values),
            }
        }
    }

    /// Writes a gradient to the flat layout; `forward` is not read.
    pub(crate) fn unpack(&self, layout: &Layout, params: &mut [f32], width: usize) {
        for tensor in &layout.tensors {
            let values = &mut params[tensor.range()];
            match tensor.role {
                Role::Recurrent(s, g) => {
                    let n = tensor.shape[1];
                    for (to, row) in values.chunks_exact_mut(n).enumerate() {
                        row.copy_from_slice(&self.gates[s][g].recurrent[to * width..][..n]);
                    }
                }
                Role::Input(s, g) => {
                    let inputs = tensor.shape[1];
                    for (at, value) in values.iter_mut().enumerate() {
                        *value = self.gates[s][g].input[at % inputs * width + at / inputs];
                    }
                }
                Role::Bias(s, g) => {
                    let rows = &self.gates[s][g].input;
                    values.copy_from_slice(&rows[rows.len() - width..][..values.len()]);
                }
                Role::Unit(i) => values.copy_from_slice(&self.unit[i][..values.len()]),
                Role::Readout => {
                    let n = tensor.shape[1];
                    for (o, row) in values.chunks_exact_mut(n).enumerate() {
                        row.copy_from_slice(&self.readout[o * width..][..n]);
                    }
                }
                Role::ReadoutBias => values.copy_from_slice(&self.readout_bias[..values.len()]),
                Role::InitialState(f) => values.copy_from_slice(&self.initial[f][..values.len()]),
            }
        }
    }

    /// Adds another gradient, element by element.
    pub(crate) fn add(&mut self, other: &Self) {
        let add = |a: &mut [f32], b: &[f32]| a.iter_mut().zip(b).for_each(|(x, y)| *x += y);
        for (a, b) in self
            .gates
            .iter_mut()
            .flatten()
            .zip(other.gates.iter().flatten())
        {
            add(&mut a.recurrent, &b.recurrent);
            add(&mut a.input, &b.input);
        }
        add(&mut self.readout, &other.readout);
        add(&mut self.readout_bias, &other.readout_bias);
        for (a, b) in self
            .unit
            .iter_mut()
            .chain(&mut self.initial)
            .zip(other.unit.iter().chain(&other.initial))
        {
            add(a, b);
        }
    }
}

fn bias_row(rows: &mut [f32], width: usize) -> &mut [f32] {
    let at = rows.len() - width;
    &mut rows[at..]
}
