//! Every fixed point of one network under one constant input, and how complete the answer is.
//!
//! Seeds of five kinds, damped Newton from each, coarse clusters, a full-precision polish of one representative per
//! cluster, classes; then rounds of new seeds between the points found until two rounds add nothing. The certificate
//! weighs the set found against the fixed-point index of the map's box.

mod certificate;
mod classify;
mod cluster;
mod finish;
mod gather;
mod minima;
mod path;
mod reached;
mod search;
mod seeds;
mod settle;
mod solve;

pub(crate) use cluster::{canonical, distance};
pub(crate) use seeds::Source;
pub(crate) use settle::settle;
pub(crate) use solve::norm;

pub use certificate::{Certificate, Verdict};
pub use path::{Path, path};
pub use reached::{Attractor, Ending, Reached};
pub use search::{find, find_from, seeds as first_seeds};
pub use seeds::{SeedKind, Visited};

use crate::linearise::Spectrum;
use serde::{Deserialize, Serialize};

/// How a search is made. Lengths are relative to the state scale: the root mean square norm of the visited states.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Options {
    /// Seeds of the first round, split evenly over the five kinds (default 1,024; 768 are complete in 98 % of trained
    /// flip-flop networks).
    pub seeds: usize,
    /// Seeds of each later round (project default 320).
    pub round_seeds: usize,
    /// Rounds after which the search ends whether or not it is closed, the first included (project default 10).
    pub rounds_max: usize,
    /// Rounds without a new point after which the set is closed (default 2).
    pub quiet_rounds: usize,
    /// Points closer than this are one (project default 1e-5).
    pub tolerance: f64,
    /// Largest Newton step of a fixed point (default 1e-8).
    pub fixed_step: f64,
    /// `|1 - lambda|` below which a point is degenerate (default 1e-6).
    pub degenerate: f64,
    /// Largest speed per step of a slow point (project default 0.01).
    pub slow_speed: f64,
    /// Largest drift in ten trial lengths of a slow point that counts as lasting (default 0.01).
    pub lasting_drift: f64,
    /// Trial length in steps (project default 64).
    pub trial_length: f64,
    /// Newton and Levenberg-Marquardt steps per seed (project default 100).
    pub steps_max: usize,
    /// Steps for which the end states of the visited trials go on at the constant input (default 4,000).
    pub settle_steps: usize,
    /// Longest period that is looked for among states that do not come to rest (project default 64).
    pub period_max: usize,
    /// Distance of every output from +-1 within which a resting state has a sign pattern (default 0.25).
    pub pattern_within: f64,
    /// Points above which no further round is made: a continuum has no end (project default 1,024).
    pub points_max: usize,
    /// Seed of all random draws.
    pub seed: u64,
    /// Seeds of one's own, `[field, unit]` each.
    pub own_seeds: Vec<Vec<f64>>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            seeds: 1024,
            round_seeds: 320,
            rounds_max: 10,
            quiet_rounds: 2,
            tolerance: 1e-5,
            fixed_step: 1e-8,
            degenerate: 1e-6,
            slow_speed: 0.01,
            lasting_drift: 0.01,
            trial_length: 64.0,
            steps_max: 100,
            settle_steps: 4000,
            period_max: 64,
            pattern_within: 0.25,
            points_max: 1024,
            seed: 0,
            own_seeds: Vec::new(),
        }
    }
}

/// How a point was found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Provenance {
    /// Kind of the seed that found it first; within a round the kind listed first.
    pub kind: SeedKind,
    /// Round that found it, 0-based.
    pub round: usize,
    /// Seeds that ended here, per kind that had any.
    pub hits: Vec<(SeedKind, usize)>,
    /// The seed whose end was polished, `[field, unit]`; after the descent where the executor makes one.
    pub seed: Vec<f64>,
    /// Its steps.
    pub steps: usize,
    /// `|F(h) - h|` before the polish.
    pub residual_before: f64,
    /// `|F(h) - h|` after it.
    pub residual_after: f64,
}

impl Provenance {
    /// Seeds that ended here.
    pub fn n_hits(&self) -> usize {
        self.hits.iter().map(|h| h.1).sum()
    }
}

/// A fixed point; every number belongs to exactly this state.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// `[field, unit]`
    pub state: Vec<f64>,
    /// What the readout makes of it, `[output]`.
    pub readout: Vec<f64>,
    /// `1/2 |F(h) - h|^2`; not comparable between cells.
    pub q: f64,
    /// `|(I - J)^-1 (F(h) - h)|`, the distance to the exact point as Newton sees it, in state units.
    pub newton_step: f64,
    /// Spectrum of the Jacobian of `F`.
    pub spectrum: Spectrum,
    /// Sign of det(I - J): (-1) to the number of real eigenvalues above 1; 0 where it cannot be told from zero.
    pub index_sign: i32,
    /// Some `|1 - lambda|` is below the option `degenerate`, of the candidate's Jacobian where the cell has one: a closed
    /// gate alone makes no point degenerate.
    pub degenerate: bool,
    /// How it was found.
    pub provenance: Provenance,
}

impl Point {
    /// Whether no eigenvalue is outside the unit circle.
    pub fn is_stable(&self) -> bool {
        self.spectrum.n_unstable == 0
    }
}

/// A local minimum of q where Newton leaves: no fixed point, but the state lingers there.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SlowPoint {
    /// `[field, unit]`
    pub state: Vec<f64>,
    /// `1/2 |F(h) - h|^2`
    pub q: f64,
    /// `|F(h) - h|`, state units per step.
    pub speed: f64,
    /// Share of the state scale that this speed covers in ten trial lengths.
    pub drift: f64,
    /// Whether the drift is at most the option `lasting_drift`.
    pub lasting: bool,
    /// What the readout makes of it, `[output]`.
    pub readout: Vec<f64>,
    /// Spectrum of the Jacobian of `F`.
    pub spectrum: Spectrum,
    /// Seeds that ended here.
    pub hits: usize,
}

/// What a search found for one network at one constant input.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FixedPoints {
    /// Index of the network in its population.
    pub network: usize,
    /// The constant input, `[channel]`.
    pub input: Vec<f32>,
    /// By number of unstable directions, then by state.
    pub points: Vec<Point>,
    /// Slow points, slowest first.
    pub slow: Vec<SlowPoint>,
    /// Seeds that ended on neither.
    pub rejected: usize,
    /// Seeds in all rounds.
    pub seeds: usize,
    /// Root mean square norm of the visited states.
    pub state_scale: f64,
    /// Number of points when those closer than each tolerance are one: (relative tolerance, number).
    pub census: Vec<(f64, usize)>,
    /// How complete the set is.
    pub certificate: Certificate,
    /// Where driven states end.
    pub reached: Reached,
    /// Seconds of the search, and of the states' settling. Not part of the result: they differ from run to run.
    #[serde(skip)]
    pub seconds: (f64, f64),
}
