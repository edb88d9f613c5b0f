//! What matrices of distances say: `distances/statistics.json`.
//!
//! [`Comparison`] is plain data; [`factors`] asks of every matrix whether a factor of the study (cell, activation, units,
//! group) tells networks apart, [`row`] puts a measure's numbers together, [`behaviour`] is the spread of losses elsewhere.

pub mod behaviour;
pub mod factors;
pub mod row;

use crate::distances::controls::{Controls, Spread};
use crate::distances::measured::Level;
use crate::distances::members::{LeftOut, Member};
use crate::spec::CompareSpec;
use behaviour::Behaviour;
use chiliad_analysis::statistics::{Degenerate, Interval, Mantel};
use factors::Effect;
use serde::{Deserialize, Serialize};

/// Everything.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// Who is compared: rows and columns of every matrix.
    pub networks: Vec<Member>,
    /// Who is not.
    pub left_out: Vec<LeftOut>,
    /// How.
    pub how: CompareSpec,
    /// One per measure.
    pub rows: Vec<Row>,
    /// Measures that could not be taken, and why.
    pub failed: Vec<(String, String)>,
    /// Losses elsewhere.
    pub behaviour: Vec<Behaviour>,
}

/// One measure.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// In files and claims.
    pub name: String,
    /// What it is about.
    pub level: Level,
    /// What it is, in words.
    pub words: String,
    /// The measure it repeats at another setting.
    pub neighbour_of: Option<String>,
    /// Networks that it cannot look at.
    pub left_out: Vec<LeftOut>,
    /// Trained and imported networks that it looks at: those that the numbers are about.
    pub n: usize,
    /// Share of pairs apart and agreement index, where fewer than 10 % of the pairs are apart: then nothing else is computed.
    pub degenerate: Option<Degenerate>,
    /// Why there are no numbers about the whole matrix, where there are none.
    pub unfit: Option<String>,
    /// Mean over pairs.
    pub mean: Option<Interval>,
    /// Distances over all pairs of these networks.
    pub spread: Option<Spread>,
    /// Controls.
    pub controls: Controls,
    /// The same networks before training.
    pub untrained: Option<Spread>,
    /// Whether a factor tells networks apart.
    pub factors: Vec<Effect>,
    /// Correlation with differences of the loss.
    pub loss: Option<Mantel>,
    /// Correlation with the measure that it is a neighbouring setting of.
    pub same_order: Option<Mantel>,
    /// A picture.
    pub picture: Option<Picture>,
    /// Share of pairs whose minimum is certain; none where nothing is searched.
    pub certified: Option<f64>,
}

/// Networks in the plane.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Picture {
    /// Rows of the matrix that are shown.
    pub members: Vec<usize>,
    /// `[shown][2]`
    pub at: Vec<[f64; 2]>,
    /// Kruskal's stress-1.
    pub stress: f64,
    /// Random starts, besides the classical embedding.
    pub restarts: usize,
}

impl Comparison {
    /// As it stands in the file.
    ///
    /// # Errors
    ///
    /// None that a comparison can cause.
    pub fn to_json(&self) -> crate::error::Result<Vec<u8>> {
        let mut text = serde_json::to_vec_pretty(self)
            .map_err(|e| crate::error::StudyError::Input(format!("statistics.json: {e}")))?;
        text.push(b'\n');
        Ok(text)
    }

    /// A measure.
    #[must_use]
    pub fn row(&self, name: &str) -> Option<&Row> {
        self.rows.iter().find(|r| r.name == name)
    }
}
