//! What a network was found to be.

use super::nullable::null_is_nan;
use serde::{Deserialize, Serialize};

/// The fixed points of one network at the study's input condition, and what driven states ended on.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Census {
    /// Points with 0, 1, 2, 3 and 4 or more unstable directions.
    pub counts: [usize; 5],
    /// What the index sum says about completeness.
    pub certificate: Certificate,
    /// Sum of sign det(I - J) over the points; `None` where it has no meaning.
    pub index_sum: Option<i64>,
    /// Search rounds run.
    pub rounds: usize,
    /// True when two rounds in a row added nothing.
    pub closed: bool,
    /// Points that a single seed found.
    pub hit_once: usize,
    /// Candidates dropped as spurious or rejected.
    pub dropped: usize,
    /// Slow points: minima of the speed that are not fixed.
    pub slow: usize,
    /// Chao estimate of the number of points, a lower bound ("at least"); `None` where it was not made.
    pub at_least: Option<f64>,
    /// What driven states ended on, a row per attractor, by falling share.
    pub attractors: Vec<Attractor>,
    /// Fixed points among those attractors.
    pub fixed_reached: usize,
    /// Whether the attractors reached are exactly the expected set; `None` where the task expects none.
    pub complete: Option<bool>,
    /// What the driven states ended on, in words ("7 fixed points, one of period 2, 3 states not settled").
    pub ended_on: String,
    /// Stable points that no driven state ended on.
    pub stable_never_reached: usize,
}

/// One attractor that driven states ended on.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Attractor {
    /// Its name, the same in every network: the readout's sign pattern ("+-+"), or its kind ("period 2").
    pub label: String,
    /// Share of the driven states that ended here, 0 to 1.
    #[serde(deserialize_with = "null_is_nan")]
    pub share: f64,
}

/// What the index sum says about a census.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Certificate {
    /// The sum is +1, as it must be for a complete census.
    Held,
    /// The sum differs: something is missing, merged or spurious.
    Open,
    /// A point has an eigenvalue too close to 1 for a sign.
    Degenerate,
    /// The cell keeps no box, so no sum is known.
    #[default]
    #[serde(rename = "not applicable")]
    NotApplicable,
}

impl Certificate {
    /// Every verdict, in the order of tables.
    pub const ALL: [Self; 4] = [
        Self::Held,
        Self::Open,
        Self::Degenerate,
        Self::NotApplicable,
    ];

    /// The verdict in words.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::Open => "open",
            Self::Degenerate => "degenerate",
            Self::NotApplicable => "not applicable",
        }
    }

    /// One character for a narrow column.
    #[must_use]
    pub fn glyph(self) -> &'static str {
        match self {
            Self::Held => "●",
            Self::Open => "○",
            Self::Degenerate => "◇",
            Self::NotApplicable => "–",
        }
    }
}
