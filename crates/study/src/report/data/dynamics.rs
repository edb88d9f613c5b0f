//! Beyond fixed points: what states end on, how fast they part, and how slowly they drift.

use super::nullable::null_is_nan;
use serde::{Deserialize, Serialize};

/// Measures of dynamics; a list is empty where its measure was not asked for.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Dynamics {
    /// One per population.
    pub attractors: Vec<AttractorKinds>,
    /// One per population.
    pub exponents: Vec<SpectraOf>,
    /// One per population.
    pub linear: Vec<LinearOf>,
}

/// What the states of a population end on, over all its networks and constant inputs.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct AttractorKinds {
    /// Index into [`ReportData::populations`](super::ReportData).
    pub population: usize,
    /// Networks.
    pub networks: usize,
    /// Constant inputs.
    pub conditions: usize,
    /// States run on, of trials and uniform.
    pub states: [usize; 2],
    /// By falling share.
    pub kinds: Vec<AttractorKind>,
    /// Constant inputs, over all networks, under which a circle goes round one unstable point, and all of them, where the
    /// inputs are a command: they differ in one channel.
    pub circles: Option<[usize; 2]>,
    /// Slope of the circle's rotation and of the point's leading angle against the command, by network that has both.
    #[serde(deserialize_with = "null_is_nan")]
    pub slopes: Vec<[f64; 2]>,
}

/// One kind of attractor.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct AttractorKind {
    /// `fixed point`, `period-k`, `invariant circle`, ...
    pub kind: String,
    /// Such attractors in all.
    pub attractors: usize,
    /// Networks with one.
    pub networks: usize,
    /// States that end on one, of trials and uniform.
    pub states: [usize; 2],
}

/// Lyapunov spectra of a population.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct SpectraOf {
    /// Index into [`ReportData::populations`](super::ReportData).
    pub population: usize,
    /// What drove the networks, in words.
    pub drive: String,
    /// One per network and constant input.
    pub spectra: Vec<Spectrum>,
}

/// One Lyapunov spectrum.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Spectrum {
    /// Index of the network in the whole study.
    pub network: usize,
    /// Leading exponents per step, largest first; NaN where no orbit stayed finite.
    #[serde(deserialize_with = "null_is_nan")]
    pub exponents: Vec<f64>,
    /// Standard error of the first.
    #[serde(deserialize_with = "null_is_nan")]
    pub standard_error: f64,
    /// NaN where the exponents are too few to tell.
    #[serde(deserialize_with = "null_is_nan")]
    pub kaplan_yorke: f64,
}

/// Linear systems of a population.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct LinearOf {
    /// Index into [`ReportData::populations`](super::ReportData).
    pub population: usize,
    /// One per fixed and slow point.
    pub points: Vec<LinearPoint>,
    /// One per network and constant input.
    pub sets: Vec<SlowSetOf>,
}

/// The linear system at one point.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct LinearPoint {
    /// Unstable directions.
    pub unstable: usize,
    /// Longest time constant of a mode, in steps.
    #[serde(deserialize_with = "null_is_nan")]
    pub slowest: f64,
    /// Henrici's departure from normality, as a share of the norm.
    #[serde(deserialize_with = "null_is_nan")]
    pub henrici: f64,
    /// Largest growth of a deviation in one step.
    #[serde(deserialize_with = "null_is_nan")]
    pub gain: f64,
}

/// One slow set.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct SlowSetOf {
    /// Index of the network in the whole study.
    pub network: usize,
    /// Index of the constant input.
    pub condition: usize,
    /// `point`, `pieces`, `line`, `ring`, `plane` or `other`.
    pub shape: String,
    /// Intrinsic dimension; NaN with few states.
    #[serde(deserialize_with = "null_is_nan")]
    pub dimension: f64,
    /// Dimensions of the flat space it fills.
    #[serde(deserialize_with = "null_is_nan")]
    pub dimension_linear: f64,
    /// Median drift in a trial, relative to the extent; NaN for a point.
    #[serde(deserialize_with = "null_is_nan")]
    pub drift: f64,
}
