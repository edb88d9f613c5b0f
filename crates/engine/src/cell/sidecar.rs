//! What WGSL cannot say about a cell or an activation: the RON file of the same stem.

use crate::error::CellError;
use chiliad_tasks::nesting::{MOST, too_deep};
use chiliad_tasks::suggestion::expected;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Sidecar of a cell.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct CellSidecar {
    /// One sentence with the equation.
    pub summary: String,
    /// Where the equations come from.
    pub source: String,
    /// Default value of every scalar constant.
    pub constants: BTreeMap<String, f64>,
    /// Allowed closed range of a constant.
    pub ranges: BTreeMap<String, (f64, f64)>,
    /// Terms a gate does without: the product is skipped, not multiplied by zero.
    pub lacks: BTreeMap<String, Vec<Term>>,
    /// Gates whose recurrent weights are all 1: sums of the drive over all units, the one reduction a cell has. They are no
    /// parameters, and have neither input nor bias.
    pub sums: Vec<String>,
    /// Initial bias of a gate (default 0).
    pub initial_bias: BTreeMap<String, f64>,
    /// Initial value of a unit parameter (default 1).
    pub initial_unit: BTreeMap<String, f64>,
    /// Interval that the map sends into itself, per state field; absent when there is none.
    #[serde(rename = "box")]
    pub bounds: BTreeMap<String, Bound>,
    /// Gates that carry content rather than open or close: their weights are the network's pathways. Needed only where
    /// there are several gates; of several named, the first that has a term supplies it.
    pub content: Vec<String>,
    /// Whether the recurrent weights are meant to be `W = A - A^T`: studies train them so unless they say otherwise.
    pub antisymmetric: bool,
    /// PyTorch module with the same equations.
    pub pytorch: Option<Pytorch>,
}

/// A term of a gate's pre-activation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub enum Term {
    /// `W drive`
    Recurrent,
    /// `V x`
    Input,
    /// `b`
    Bias,
}

/// Half-width of a state field's invariant interval at a constant input.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub enum Bound {
    /// The bound of the activation.
    Activation,
    /// Activation bound / (1 - largest value of sigmoid(gate)): a leaky memory of bounded input.
    Retained {
        /// The gate that retains.
        gate: String,
    },
    /// The largest |pre-activation| of a gate inside the box.
    PreActivation {
        /// The gate.
        gate: String,
    },
}

/// How PyTorch stacks the gates of a module.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Pytorch {
    /// Module name.
    pub module: String,
    /// Gates in the row order of `weight_ih_l0` and `bias_ih_l0`.
    pub input: Vec<String>,
    /// Gates in the row order of `weight_hh_l0` and `bias_hh_l0`.
    pub recurrent: Vec<String>,
}

/// Sidecar of an activation.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct ActivationSidecar {
    /// One line with the formula.
    pub summary: String,
    /// sup |f|, if finite.
    pub bound: Option<f64>,
    /// Default value of every constant.
    pub constants: BTreeMap<String, f64>,
    /// PyTorch module with the same formula at the default constants, where there is one.
    pub pytorch: Option<String>,
}

/// Parses a sidecar; an error names file, line and the fields that exist.
pub(crate) fn parse<T: for<'de> Deserialize<'de> + Default>(
    file: &str,
    text: &str,
) -> Result<T, CellError> {
    if text.trim().is_empty() {
        return Ok(T::default());
    }
    let options =
        ron::Options::default().with_default_extension(ron::extensions::Extensions::IMPLICIT_SOME);
    if let Some((line, _)) = too_deep(text) {
        return Err(CellError::Contract {
            file: file.into(),
            line: line as u32,
            message: format!("brackets within brackets; at most {MOST}"),
        });
    }
    options.from_str(text).map_err(|e| CellError::Contract {
        file: file.into(),
        line: e.span.start.line as u32,
        message: expected(&e.code.to_string()),
    })
}
