//! What is claimed, and what decides it.

use serde::{Deserialize, Serialize};

/// A sentence and the test that decides it.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ClaimSpec {
    /// The sentence.
    pub say: String,
    /// The number it is about.
    pub test: TestSpec,
    /// What the number should be.
    pub is: IsSpec,
}

/// The number a claim is about.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub enum TestSpec {
    /// Accuracy of naming a factor from the nearest neighbours in a distance.
    KnnAccuracy {
        /// Factor.
        of: String,
        /// Distance.
        by: String,
    },
    /// Share of pairs that agree between levels of a factor.
    Agreement {
        /// Factor.
        across: String,
        /// What agrees.
        by: String,
    },
    /// Share of time steps the graph explains.
    AutomatonFidelity,
    /// Trend of a quantity along a factor.
    Trend {
        /// Factor.
        along: String,
        /// Quantity.
        of: String,
    },
    /// Share of one group outside the spread of another.
    Outliers {
        /// Group.
        of: String,
        /// Reference.
        against: String,
        /// Distance; without one, the first of `measure`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by: Option<String>,
    },
}

/// What a number should be.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub enum IsSpec {
    /// Not below.
    AtLeast(f64),
    /// Not above.
    AtMost(f64),
    /// Falls.
    Falling,
    /// Rises.
    Rising,
}
