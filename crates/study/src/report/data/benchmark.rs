//! How well, how fast and how robustly each population learned, and at what cost.

use super::Interval;
use super::nullable::null_is_nan;
use serde::{Deserialize, Serialize};

/// A row per population that was trained.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Benchmark {
    /// In the order of the study.
    pub rows: Vec<Benchmarked>,
    /// Trials of every test.
    pub trials: usize,
    /// Whether the deviations of the noise are shares of the states' root mean square.
    pub relative: bool,
    /// Random choices of silenced units per network and share.
    pub draws: usize,
    /// Variant with longer trials, and how many times as long they are.
    pub longer: Option<(String, f64)>,
}

/// One population.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Benchmarked {
    /// Index of the population in the report.
    pub population: usize,
    /// Name of the population.
    pub label: String,
    /// Hidden units.
    pub units: usize,
    /// Parameters of one network.
    pub n_parameters: usize,
    /// Step sizes, lowest and highest.
    pub learning_rate: [f64; 2],
    /// Step sizes it was chosen from by pilots; empty where it was given.
    pub tuned_from: Vec<f64>,
    /// Loss at which a network has succeeded.
    #[serde(deserialize_with = "null_is_nan")]
    pub criterion: f64,
    /// Networks that have, of how many.
    pub succeeded: [usize; 2],
    /// Their share, with Wilson's interval.
    pub share: Interval,
    /// Median number of steps to the criterion over all networks, those that never met it counted as infinite.
    pub steps: Interval,
    /// Median loss of those that succeeded, undisturbed.
    pub loss: Interval,
    /// The same with noise in the states: (standard deviation, loss).
    pub noise: Vec<(f64, Interval)>,
    /// The same with silenced units: (share, mean loss over the draws).
    pub silenced: Vec<(f64, Interval)>,
    /// The same on longer trials.
    pub longer: Option<Interval>,
    /// Arithmetic operations of a training step of one network.
    #[serde(deserialize_with = "null_is_nan")]
    pub operations: f64,
    /// Seconds of a training step of one network.
    #[serde(deserialize_with = "null_is_nan")]
    pub seconds: f64,
    /// Where the seconds were measured.
    pub device: String,
}
