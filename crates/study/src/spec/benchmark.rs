//! A benchmark of the trained networks, and step sizes tuned for it, as written.

use super::defaults;
use serde::{Deserialize, Serialize};

/// How well, how fast and how robustly each population learned, and at what cost.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BenchmarkSpec {
    /// Evaluation loss at which a network has succeeded; by default the one at which its training ends.
    #[serde(default)]
    pub criterion: Option<f64>,
    /// Standard deviations of noise in the states.
    #[serde(default = "defaults::state_noise")]
    pub noise: Vec<f64>,
    /// Whether they are shares of the root mean square of each state field along undisturbed trials.
    #[serde(default = "defaults::yes")]
    pub relative: bool,
    /// Shares of the units that are silenced.
    #[serde(default = "defaults::silenced")]
    pub silenced: Vec<f64>,
    /// Random choices of those units per network and share.
    #[serde(default = "defaults::draws")]
    pub draws: usize,
    /// Variant with longer trials.
    #[serde(default)]
    pub longer: Option<String>,
    /// Trials of every test.
    #[serde(default = "defaults::judged")]
    pub trials: usize,
}

/// Step sizes to choose from, for each population on its own.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TuneSpec {
    /// Step sizes that are tried.
    pub learning_rate: Vec<f64>,
    /// Networks per step size, with seeds of their own.
    #[serde(default = "defaults::pilots")]
    pub pilots: u64,
}
