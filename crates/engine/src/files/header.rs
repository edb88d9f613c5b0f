//! What a weight file of ours says about itself.

use crate::cell::{Activation, Cell};
use crate::error::{CellError, EngineError};
use crate::population::{Architecture, Population, Seeds};
use serde::{Deserialize, Serialize};

/// Kept as JSON under `chiliad` in the file's header.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Header {
    /// Version of this record.
    pub format: u32,
    /// Cell.
    pub cell: CellText,
    /// Activation of the library.
    pub activation: String,
    /// Units per network.
    pub units: usize,
    /// Input channels.
    pub inputs: usize,
    /// Output channels.
    pub outputs: usize,
    /// `[network]`
    pub seeds: Vec<Seeds>,
}

/// A cell of the library by name, any other with its text: the file opens without the user's own files.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum CellText {
    /// By name.
    Library(String),
    /// With its text.
    Own {
        /// Name.
        name: String,
        /// The WGSL file.
        wgsl: String,
        /// The sidecar.
        sidecar: String,
    },
}

impl CellText {
    /// How a cell is to be written down.
    #[must_use]
    pub fn of(cell: &Cell) -> Self {
        let library = chiliad_shaders::CELLS
            .iter()
            .any(|f| f.name == cell.name && f.wgsl == cell.wgsl);
        if library {
            Self::Library(cell.name.clone())
        } else {
            Self::Own {
                name: cell.name.clone(),
                wgsl: cell.wgsl.clone(),
                sidecar: ron::to_string(&cell.sidecar).unwrap_or_default(),
            }
        }
    }

    /// The cell, with an activation of the library.
    ///
    /// # Errors
    ///
    /// Those of [`Cell::compile`].
    pub fn compile(&self, activation: &str) -> Result<Cell, CellError> {
        match self {
            Self::Library(name) => Cell::builtin(name, activation),
            Self::Own {
                name,
                wgsl,
                sidecar,
            } => Cell::compile(
                name,
                &format!("{name}.wgsl"),
                wgsl,
                sidecar,
                Activation::builtin(activation)?,
            ),
        }
    }
}

impl Header {
    /// The header of a population.
    #[must_use]
    pub fn of(population: &Population) -> Self {
        let Architecture {
            cell,
            units,
            inputs,
            outputs,
        } = &population.architecture;
        Self {
            format: 1,
            cell: CellText::of(cell),
            activation: cell.activation.name.clone(),
            units: *units,
            inputs: *inputs,
            outputs: *outputs,
            seeds: population.seeds.clone(),
        }
    }

    /// As it stands in the file.
    #[must_use]
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// From what stands in `file`.
    ///
    /// # Errors
    ///
    /// [`EngineError::File`] where it is not such a header.
    pub fn from_json(text: &str, file: &str) -> Result<Self, EngineError> {
        serde_json::from_str(text).map_err(|e| EngineError::File {
            file: file.into(),
            message: format!("header `chiliad`: {e}"),
        })
    }
}
