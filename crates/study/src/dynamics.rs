//! Cycles, attractors and Lyapunov exponents of a population, and their files: `result.json` and an npz each.

mod cycles;
mod lyapunov;
mod rhythm;

pub use cycles::{
    AttractorRow, Condition, CycleRow, CyclesPlan, NetworkCycles, OrbitCount, arrays, cycles,
};
pub use lyapunov::{Drive, LyapunovPlan, NetworkExponents, lyapunov, rates};
pub use rhythm::{Line, Rhythm};

use crate::error::{Result, StudyError};
use serde::Serialize;

/// `result.json`.
#[derive(Clone, Debug, Serialize)]
pub struct ResultFile<T> {
    /// A row per network.
    pub networks: Vec<T>,
}

impl<T: Serialize> ResultFile<T> {
    /// As it stands in the file; what is not finite is `null`.
    ///
    /// # Errors
    ///
    /// None that these results can cause.
    pub fn to_json(&self) -> Result<Vec<u8>> {
        let mut text = serde_json::to_vec_pretty(self)
            .map_err(|e| StudyError::Input(format!("result.json: {e}")))?;
        text.push(b'\n');
        Ok(text)
    }
}
