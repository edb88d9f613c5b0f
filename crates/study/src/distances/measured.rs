//! A distance of the study as figures of all pairs, with what they are to be held against.

use super::controls::Controls;
use super::members::LeftOut;
use serde::{Deserialize, Serialize};

/// What a distance is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// What networks answer.
    Behaviour,
    /// How their states move.
    Dynamics,
    /// What their dynamics join.
    Topology,
    /// Where their states lie.
    Geometry,
    /// How they are wired.
    Weights,
}

/// All pairs of one measure.
#[derive(Clone, Debug)]
pub struct Measured {
    /// In files and claims.
    pub name: String,
    /// What it is about.
    pub level: Level,
    /// What it is and with which options, in words.
    pub words: String,
    /// The measure it repeats at another setting.
    pub neighbour_of: Option<String>,
    /// Names of the columns of the table of pairs.
    pub columns: Vec<String>,
    /// The column that goes into the matrix.
    pub figure: usize,
    /// Members.
    pub n: usize,
    /// Of pairs (i, j), i < j, in order, `[pair][column]`; NaN where a pair is not compared.
    pub figures: Vec<f64>,
    /// Members that the measure cannot look at.
    pub left_out: Vec<LeftOut>,
    /// Controls.
    pub controls: Controls,
    /// The matrix of the same networks before training, NaN where there is none.
    pub untrained: Option<Vec<f64>>,
}

impl Measured {
    /// The symmetric matrix of a column, `[member][member]`.
    #[must_use]
    pub fn matrix(&self) -> Vec<f64> {
        let column = |figures: &[f64]| -> Vec<f64> {
            figures
                .chunks(self.columns.len().max(1))
                .map(|row| row[self.figure])
                .collect()
        };
        symmetric(self.n, &column(&self.figures))
    }
}
/// The whole matrix of the pairs above its diagonal.
pub(super) fn symmetric(n: usize, pairs: &[f64]) -> Vec<f64> {
    let mut matrix = vec![0.0; n * n];
    let places = (0..n).flat_map(|i| (i + 1..n).map(move |j| (i, j)));
    for ((i, j), d) in places.zip(pairs) {
        matrix[i * n + j] = *d;
        matrix[j * n + i] = *d;
    }
    matrix
}
