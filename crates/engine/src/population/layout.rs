//! Where each tensor lies in a network's flat parameter vector.

use super::Architecture;

/// What a tensor is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// `[to, from]` of gate (stage, gate)
    Recurrent(usize, usize),
    /// `[to, input]` of gate (stage, gate)
    Input(usize, usize),
    /// `[to]` of gate (stage, gate)
    Bias(usize, usize),
    /// `[unit]`, per-unit parameter i
    Unit(usize),
    /// `[output, unit]`
    Readout,
    /// `[output]`
    ReadoutBias,
    /// `[unit]`, initial value of state field i
    InitialState(usize),
}

/// One tensor of a network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tensor {
    /// Name in files: `w_rec.<gate>`, `w_in.<gate>`, `bias.<gate>`, `unit.<name>`, `w_out`, `b_out`, `h0.<state>`.
    pub name: String,
    /// Shape without the network axis, row-major.
    pub shape: Vec<usize>,
    /// First element inside the network's parameters.
    pub offset: usize,
    /// What it is.
    pub role: Role,
}

impl Tensor {
    /// Number of elements.
    pub fn len(&self) -> usize {
        self.shape.iter().product()
    }

    /// Whether it has no elements.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Its elements in the flat parameters of one network.
    pub fn range(&self) -> std::ops::Range<usize> {
        self.offset..self.offset + self.len()
    }
}

/// All tensors of an architecture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    /// In the order of their offsets.
    pub tensors: Vec<Tensor>,
    /// Parameters per network.
    pub n_params: usize,
}

impl Layout {
    /// Gates in stage order (`w_rec`, `w_in`, `bias` each), unit parameters, readout, initial state.
    pub fn new(architecture: &Architecture) -> Self {
        let Architecture {
            cell,
            units,
            inputs,
            outputs,
        } = architecture;
        let mut layout = Self {
            tensors: Vec::new(),
            n_params: 0,
        };
        for (s, g, gate) in cell.gates() {
            if gate.recurrent && !gate.sum {
                layout.push(
                    format!("w_rec.{}", gate.name),
                    vec![*units, *units],
                    Role::Recurrent(s, g),
                );
            }
            if gate.input {
                layout.push(
                    format!("w_in.{}", gate.name),
                    vec![*units, *inputs],
                    Role::Input(s, g),
                );
            }
            if gate.bias {
                layout.push(
                    format!("bias.{}", gate.name),
                    vec![*units],
                    Role::Bias(s, g),
                );
            }
        }
        for (i, name) in cell.unit_params.iter().enumerate() {
            layout.push(format!("unit.{name}"), vec![*units], Role::Unit(i));
        }
        layout.push("w_out".into(), vec![*outputs, *units], Role::Readout);
        layout.push("b_out".into(), vec![*outputs], Role::ReadoutBias);
        for (i, name) in cell.states.iter().enumerate() {
            layout.push(format!("h0.{name}"), vec![*units], Role::InitialState(i));
        }
        layout
    }

    fn push(&mut self, name: String, shape: Vec<usize>, role: Role) {
        let tensor = Tensor {
            name,
            shape,
            offset: self.n_params,
            role,
        };
        self.n_params += tensor.len();
        self.tensors.push(tensor);
    }

    /// A tensor by what it is, if the cell has it.
    pub fn find(&self, role: Role) -> Option<&Tensor> {
        self.tensors.iter().find(|t| t.role == role)
    }

    /// A tensor by name.
    pub fn named(&self, name: &str) -> Option<&Tensor> {
        self.tensors.iter().find(|t| t.name == name)
    }
}
