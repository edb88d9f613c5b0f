//! One network in detail: trajectories, fixed points, spectra, trials.

use super::nullable::null_is_nan;
use serde::{Deserialize, Serialize};

/// One network drawn in detail.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Look {
    /// Index in the whole study, as in [`NetworkReport`](super::NetworkReport).
    pub network: usize,
    /// Its population: index into [`ReportData::populations`](super::ReportData).
    pub population: usize,
    /// Why this network was chosen ("medoid of gru tanh 32").
    pub why: String,
    /// Principal components that exist: the smaller of 3 and the size of the state.
    pub n_components: usize,
    /// Share of the variance of the states along each component, 0 to 1, `n_components` long.
    #[serde(deserialize_with = "null_is_nan")]
    pub variance_explained: Vec<f64>,
    /// States of a few trials, `[trial][time][component]`; components that do not exist are 0.
    #[serde(deserialize_with = "null_is_nan")]
    pub trajectories: Vec<Vec<[f64; 3]>>,
    /// All fixed points of the census, in the same coordinates.
    pub points: Vec<LookPoint>,
    /// A few trials, usually three.
    pub trials: Vec<TrialTrace>,
    /// Mode removal in some networks of the population; none where no point can be used.
    #[serde(default)]
    pub removal: Option<Removal>,
}

/// How much of the linear response to a constant input the slowest modes carry.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Removal {
    /// Steps of constant input.
    pub horizon: usize,
    /// Networks asked; those without a curve have no point that can be used.
    pub asked: usize,
    /// One per network.
    pub curves: Vec<RemovalCurve>,
}

/// One network's curve, for the pair of input and output with its largest response.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct RemovalCurve {
    /// Index in the whole study.
    pub network: usize,
    /// Input channel that is on.
    pub channel: usize,
    /// Output that is read.
    pub output: usize,
    /// Points averaged.
    pub points: usize,
    /// `y_K / y_N` for K = 0 to N modes kept.
    #[serde(deserialize_with = "null_is_nan")]
    pub curve: Vec<f64>,
}

/// One fixed point.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct LookPoint {
    /// Its name: number, sign pattern, or what its unstable directions reach.
    pub label: String,
    /// Eigenvalues outside the unit circle.
    pub unstable: usize,
    /// Whether driven states ended here.
    pub reached: bool,
    /// Where it lies, in the components of the trajectories.
    #[serde(deserialize_with = "null_is_nan")]
    pub at: [f64; 3],
    /// Unstable directions: both ends of a short segment, in the same coordinates.
    #[serde(deserialize_with = "null_is_nan")]
    pub directions: Vec<[[f64; 3]; 2]>,
    /// Eigenvalues of the Jacobian of one step, `[re, im]`.
    #[serde(deserialize_with = "null_is_nan")]
    pub eigenvalues: Vec<[f64; 2]>,
}

/// Input, target and output of one trial, each `[time][channel]`, in task units.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct TrialTrace {
    /// What the network was given.
    #[serde(deserialize_with = "null_is_nan")]
    pub inputs: Vec<Vec<f64>>,
    /// What it should have said.
    #[serde(deserialize_with = "null_is_nan")]
    pub targets: Vec<Vec<f64>>,
    /// What it said.
    #[serde(deserialize_with = "null_is_nan")]
    pub outputs: Vec<Vec<f64>>,
    /// What the graph, fed the same pulses, says: rounded outputs, not a number where it says nothing; empty without a graph.
    #[serde(default, deserialize_with = "null_is_nan")]
    pub predicted: Vec<Vec<f64>>,
}
