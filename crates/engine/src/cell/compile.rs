//! A cell: everything the executors need, and where its two files come from.

use super::activation::Activation;
use super::graph::{Graph, Leaf, Node, Op};
use super::programs::Programs;
use super::sidecar::CellSidecar;
use crate::error::CellError;
use std::path::Path;

/// One pre-activation `P = W drive + V x + b` of a stage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gate {
    /// Name of the struct field, and the suffix of its tensors.
    pub name: String,
    /// Has `W drive`.
    pub recurrent: bool,
    /// `W` is all ones and no parameter: the sum of the drive over all units.
    pub sum: bool,
    /// Has `V x`.
    pub input: bool,
    /// Has `b`.
    pub bias: bool,
}

/// Gates that share a drive.
#[derive(Clone, Debug)]
pub struct Stage {
    /// Name of the WGSL struct.
    pub name: String,
    /// Gates in the order of its fields.
    pub gates: Vec<Gate>,
    /// What the recurrent weights multiply.
    pub drive: Node,
}

/// A compiled cell with its activation.
#[derive(Clone, Debug)]
pub struct Cell {
    /// Name.
    pub name: String,
    /// File the cell came from.
    pub file: String,
    /// WGSL text of the cell.
    pub wgsl: String,
    /// The sidecar.
    pub sidecar: CellSidecar,
    /// The activation linked in.
    pub activation: Activation,
    /// State fields; field 0 is what the readout sees unless the cell has an `output`.
    pub states: Vec<String>,
    /// Stages in the order in which they are computed.
    pub stages: Vec<Stage>,
    /// Noise variates.
    pub noise: Vec<String>,
    /// Scalar constants with their defaults, the activation's last.
    pub constants: Vec<(String, f64)>,
    /// Trainable per-unit parameters.
    pub unit_params: Vec<String>,
    /// The expressions.
    pub graph: Graph,
    /// State after the step, per field.
    pub next: Vec<Node>,
    /// What readout and loss see, as a function of the state.
    pub output: Node,
    /// The same as a function of what entered the step that made the state.
    pub output_next: Node,
    /// `c`, where field 0 of a one-field cell is `u h + (1 - u) c`: the fixed points are those of `c - h = 0`.
    pub candidate: Option<Node>,
    /// Bytecode.
    pub programs: Programs,
}

impl Cell {
    /// A cell of the library with an activation of the library.
    pub fn builtin(name: &str, activation: &str) -> Result<Self, CellError> {
        let found = chiliad_shaders::CELLS.iter().find(|f| f.name == name);
        let fragment = found.ok_or_else(|| super::unknown("cell", name, chiliad_shaders::CELLS))?;
        Self::compile(
            fragment.name,
            fragment.path,
            fragment.wgsl,
            fragment.sidecar,
            Activation::builtin(activation)?,
        )
    }

    /// A cell from a WGSL file; its sidecar is the `.ron` file of the same stem, if there is one.
    pub fn from_file(path: &Path, activation: &str) -> Result<Self, CellError> {
        let read = |p: &Path| {
            std::fs::read_to_string(p).map_err(|source| CellError::Read {
                file: p.display().to_string(),
                source,
            })
        };
        let wgsl = read(path)?;
        let beside = path.with_extension("ron");
        let sidecar = if beside.exists() {
            read(&beside)?
        } else {
            String::new()
        };
        let name = path
            .file_stem()
            .map_or_else(|| "cell".into(), |s| s.to_string_lossy().into_owned());
        Self::compile(
            &name,
            &path.display().to_string(),
            &wgsl,
            &sidecar,
            Activation::builtin(activation)?,
        )
    }

    /// A cell by name of the library, or by path when the name ends in `.wgsl`.
    pub fn find(name_or_path: &str, activation: &str) -> Result<Self, CellError> {
        if name_or_path.ends_with(".wgsl") {
            Self::from_file(Path::new(name_or_path), activation)
        } else {
            Self::builtin(name_or_path, activation)
        }
    }

    /// All gates in the order of stages, with the stage's index.
    pub fn gates(&self) -> impl Iterator<Item = (usize, usize, &Gate)> {
        self.stages.iter().enumerate().flat_map(|(s, stage)| {
            stage
                .gates
                .iter()
                .enumerate()
                .map(move |(g, gate)| (s, g, gate))
        })
    }

    /// The state field a stage's drive simply is, if it is one.
    pub fn plain_drive(&self, stage: usize) -> Option<usize> {
        match self.graph.op(self.stages[stage].drive) {
            Op::Leaf(Leaf::State(f)) => Some(usize::from(f)),
            _ => None,
        }
    }

    /// The state field the readout simply sees, if it is one.
    pub fn plain_output(&self) -> Option<usize> {
        match self.graph.op(self.output) {
            Op::Leaf(Leaf::State(f)) => Some(usize::from(f)),
            _ => None,
        }
    }

    /// Default constants with some replaced; unknown names and values outside the sidecar's range are errors.
    pub fn constants_with(&self, given: &[(String, f64)]) -> Result<Vec<f32>, CellError> {
        let refuse = |name: &str, message: String| CellError::Constant {
            cell: self.name.clone(),
            name: name.into(),
            message,
        };
        let mut values: Vec<f32> = self.constants.iter().map(|c| c.1 as f32).collect();
        for (name, value) in given {
            let Some(i) = self.constants.iter().position(|c| c.0 == *name) else {
                let known: Vec<&str> = self.constants.iter().map(|c| c.0.as_str()).collect();
                return Err(refuse(
                    name,
                    format!("there is none of this name; known: [{}]", known.join(", ")),
                ));
            };
            let (low, high) = self
                .sidecar
                .ranges
                .get(name)
                .copied()
                .unwrap_or((f64::NEG_INFINITY, f64::INFINITY));
            if !value.is_finite() || *value < low || *value > high {
                return Err(refuse(
                    name,
                    format!("{value} is outside the allowed range {low} to {high}"),
                ));
            }
            values[i] = *value as f32;
        }
        Ok(values)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compile_every_cell_with_every_activation() {
        for cell in super::super::names() {
            for activation in super::super::activations() {
                let cell = Cell::builtin(cell, activation).unwrap();
                println!(
                    "{} {}: tapes {}, taped gates {:?}, next {} backward {}",
                    cell.name,
                    activation,
                    cell.programs.n_tapes,
                    cell.programs.taped_gates,
                    cell.programs.next.instructions.len(),
                    cell.programs.next_adjoint.instructions.len()
                );
                assert!(!cell.programs.next.is_empty());
            }
        }
    }

    #[test]
    fn compile_sees_convex_updates() {
        for (name, convex) in [
            ("vanilla", false),
            ("ugrnn", true),
            ("gru", true),
            ("gru_reset_after", true),
            ("rate", true),
            ("lstm", false),
        ] {
            assert_eq!(
                Cell::builtin(name, "tanh").unwrap().candidate.is_some(),
                convex,
                "{name}"
            );
        }
    }
}
