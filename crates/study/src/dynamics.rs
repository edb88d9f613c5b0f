//! Cycles, attractors and Lyapunov exponents of a population, and their files: `result.json` and an npz each.

mod cycles;
mod lyapunov;
mod rhythm;
mod spectra;

pub use cycles::{
    AttractorRow, Condition, CycleRow, CyclesPlan, NetworkCycles, OrbitCount, arrays, cycles, table,
};
pub use lyapunov::{Drive, LyapunovPlan, NetworkExponents, lyapunov, rates};
pub use rhythm::{Line, Rhythm};
pub use spectra::Spectra;

use crate::error::{Result, StudyError};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// `result.json` of a command: the figures as they are computed.
#[derive(Clone, Debug, Serialize)]
pub struct ResultFile<T> {
    /// A row per network.
    pub networks: Vec<T>,
}

/// The file of a measure in a study: the same figures, read back from whatever wrote them.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct FiguresFile {
    /// A row per network, which it names.
    pub networks: Vec<Value>,
}

impl<T: Serialize> ResultFile<T> {
    /// As it stands in the file; what is not finite is `null`.
    ///
    /// # Errors
    ///
    /// None that these results can cause.
    pub fn to_json(&self) -> Result<Vec<u8>> {
        text(self)
    }
}

impl FiguresFile {
    /// As it stands in the file.
    ///
    /// # Errors
    ///
    /// None that figures can cause.
    pub fn to_json(&self) -> Result<Vec<u8>> {
        text(self)
    }
}

fn text<T: Serialize>(file: &T) -> Result<Vec<u8>> {
    let mut text = serde_json::to_vec_pretty(file)
        .map_err(|e| StudyError::Input(format!("result.json: {e}")))?;
    text.push(b'\n');
    Ok(text)
}
