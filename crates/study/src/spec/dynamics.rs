//! Dynamics in `measure`: what stands in the study file, and in the resolved study with nothing left open.

use chiliad_analysis::linearised::removal::{self, Normalisation};
use chiliad_analysis::slow_set;
use chiliad_engine::{attractors, lyapunov, piecewise};
use serde::{Deserialize, Serialize};

/// States or seeds of one network at most.
const STATES_MAX: usize = 1_000_000;
/// Steps at most: a device counts them in 32 bits, warm-up included.
const STEPS_MAX: usize = 2_000_000_000;
/// Longest period sought.
const PERIOD_MAX: usize = 4096;
/// Speed per step of a slow state, as a share of the state scale (project default).
const SLOW_SPEED: f64 = 0.01;
/// Trials whose states start orbits and belong to slow sets (project default).
const TRIALS: usize = 64;
/// Seeds of Newton per period (project default).
const SEEDS: usize = 256;

/// A field that is out of range, and what is allowed there.
pub type Wrong = (&'static str, String);

fn count(field: &'static str, value: usize, least: usize, most: usize) -> Result<(), Wrong> {
    if (least..=most).contains(&value) {
        return Ok(());
    }
    let allowed = if value < least {
        format!("{least} or more")
    } else {
        format!("at most {most}")
    };
    Err((field, format!("{value}; allowed: {allowed}")))
}

fn above_zero(field: &'static str, value: f64) -> Result<(), Wrong> {
    if value > 0.0 {
        Ok(())
    } else {
        Err((field, format!("{value}; allowed: a number above 0")))
    }
}

/// Attractors and cycles, as `chiliad cycles` finds them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default, rename = "Attractors")]
pub struct AttractorsSpec {
    /// Trials of the task whose states are run on and seed the search.
    pub trials: usize,
    /// States of trials that are run on.
    pub driven: usize,
    /// Uniform states that are run on.
    pub uniform: usize,
    /// Steps for which they are, before anything is looked at.
    pub settle_steps: usize,
    /// Steps of an orbit that returns nowhere, by which it is classified.
    pub classify_steps: usize,
    /// Longest period searched for.
    pub max_period: usize,
    /// Newton seeds per period, where the cell is not piecewise linear.
    pub seeds: usize,
    /// Sequences of linear regions of one order that the exact solver goes through; above, it searches.
    pub max_sequences: usize,
}

impl Default for AttractorsSpec {
    fn default() -> Self {
        let (census, exact) = (
            attractors::Options::default(),
            piecewise::Options::default(),
        );
        Self {
            trials: TRIALS,
            driven: census.driven,
            uniform: census.uniform,
            settle_steps: census.settle_steps,
            classify_steps: census.classify_steps,
            max_period: exact.cycles.period_max,
            seeds: SEEDS,
            max_sequences: exact.sequences_max,
        }
    }
}

impl AttractorsSpec {
    /// That every value is in its range.
    ///
    /// # Errors
    ///
    /// The field, and what is allowed.
    pub fn check(&self) -> Result<(), Wrong> {
        count("trials", self.trials, 1, STATES_MAX)?;
        count("driven", self.driven, 0, STATES_MAX)?;
        count("uniform", self.uniform, 0, STATES_MAX)?;
        count("settle_steps", self.settle_steps, 1, STEPS_MAX)?;
        count("classify_steps", self.classify_steps, 1, STEPS_MAX)?;
        count("max_period", self.max_period, 1, PERIOD_MAX)?;
        count("seeds", self.seeds, 1, STATES_MAX)?;
        if self.driven == 0 && self.uniform == 0 {
            return Err((
                "driven",
                "0 and uniform 0; allowed: at least one of them above 0".into(),
            ));
        }
        Ok(())
    }

    /// The engine's options of the census.
    #[must_use]
    pub fn census(&self, seed: u64) -> attractors::Options {
        attractors::Options {
            driven: self.driven,
            uniform: self.uniform,
            settle_steps: self.settle_steps,
            classify_steps: self.classify_steps,
            seed,
            ..attractors::Options::default()
        }
    }

    /// The engine's options of the exact solver, which hold those of the search for cycles.
    #[must_use]
    pub fn exact(&self, seed: u64) -> piecewise::Options {
        let mut exact = piecewise::Options {
            sequences_max: self.max_sequences,
            seed,
            ..piecewise::Options::default()
        };
        exact.cycles.period_max = self.max_period;
        exact
    }
}

/// What drives the networks whose exponents are measured.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum DriveSpec {
    /// Each of the task's constant inputs.
    Constant,
    /// So many of the task's trials.
    Trials(usize),
}

/// Lyapunov exponents, as `chiliad lyapunov` measures them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default, rename = "Lyapunov")]
pub struct LyapunovSpec {
    /// Leading exponents [default: 8, or as many as the smallest state has].
    pub exponents: Option<usize>,
    /// Steps counted [default: 10,000; along trials what the warm-up leaves of one].
    pub steps: Option<usize>,
    /// Steps before them [default: 1,000; along trials at most a tenth of one].
    pub warmup: Option<usize>,
    /// Orbits per network and constant input, from uniform states of the box.
    pub starts: usize,
    /// What drives the networks.
    pub drive: DriveSpec,
}

impl Default for LyapunovSpec {
    fn default() -> Self {
        Self {
            exponents: None,
            steps: None,
            warmup: None,
            starts: 1,
            drive: DriveSpec::Constant,
        }
    }
}

/// Exponents that a study measures without being told (project default).
const LEADING: usize = 8;

impl LyapunovSpec {
    /// The same with nothing left open, for states of at least `n_state` numbers and trials of `n_steps` steps.
    ///
    /// # Errors
    ///
    /// The field, and what is allowed.
    pub fn resolved(&self, n_state: usize, n_steps: usize) -> Result<Self, Wrong> {
        let defaults = lyapunov::Options::default();
        let (warmup, steps) = match self.drive {
            DriveSpec::Constant => (
                self.warmup.unwrap_or(defaults.warmup),
                self.steps.unwrap_or(defaults.steps),
            ),
            DriveSpec::Trials(trials) => {
                count("drive", trials, 1, STATES_MAX)?;
                let warmup = self.warmup.unwrap_or(defaults.warmup.min(n_steps / 10));
                let rest = n_steps.checked_sub(warmup).filter(|r| *r > 0);
                let Some(steps) = self.steps.or(rest) else {
                    return Err((
                        "warmup",
                        format!(
                            "{warmup}; a trial has {n_steps} steps: give `steps`, then trials repeat"
                        ),
                    ));
                };
                (warmup, steps)
            }
        };
        count("steps", steps, 1, STEPS_MAX)?;
        count("warmup", warmup, 0, STEPS_MAX)?;
        count("starts", self.starts, 1, STATES_MAX)?;
        let exponents = self.exponents.unwrap_or(LEADING.min(n_state));
        if !(1..=n_state).contains(&exponents) {
            return Err((
                "exponents",
                format!("{exponents}; allowed: 1 to {n_state}, the length of the shortest state"),
            ));
        }
        Ok(Self {
            exponents: Some(exponents),
            steps: Some(steps),
            warmup: Some(warmup),
            ..self.clone()
        })
    }

    /// The engine's options; what is still open is the engine's default.
    #[must_use]
    pub fn options(&self) -> lyapunov::Options {
        let defaults = lyapunov::Options::default();
        lyapunov::Options {
            warmup: self.warmup.unwrap_or(defaults.warmup),
            steps: self.steps.unwrap_or(defaults.steps),
            exponents: self.exponents.unwrap_or(0),
            ..defaults
        }
    }
}

/// Linear systems, mode removal and slow sets, as `chiliad linearise` describes them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default, rename = "Linearise")]
pub struct LineariseSpec {
    /// Trials of the task whose states belong to the slow set, once they have relaxed.
    pub trials: usize,
    /// Steps of constant input in mode removal.
    pub horizon: usize,
    /// Points where a mode grows more than this within the horizon are left out of mode removal.
    pub growth_max: f64,
    /// How the curves of several points become one.
    pub normalise: Normalisation,
    /// Time constant, in steps, from which a mode counts as slow [default: a tenth of the trial length].
    pub slow: Option<f64>,
    /// Steps at the constant input before a visited state is looked at [default: two trial lengths].
    pub relax: Option<usize>,
    /// Largest speed per step of a slow state, as a share of the state scale.
    pub slow_speed: f64,
    /// Lifetime, as a share of the slow set's diameter, from which a piece or a hole counts.
    pub persistence: f64,
    /// Steps over which drift is measured [default: the task's].
    pub trial_length: Option<usize>,
}

impl Default for LineariseSpec {
    fn default() -> Self {
        let removal = removal::Options::default();
        Self {
            trials: TRIALS,
            horizon: removal.horizon,
            growth_max: removal.growth_max,
            normalise: removal.normalisation,
            slow: None,
            relax: None,
            slow_speed: SLOW_SPEED,
            persistence: slow_set::Options::default().persistence,
            trial_length: None,
        }
    }
}

impl LineariseSpec {
    /// The same with nothing left open, for trials of `n_steps` steps.
    ///
    /// # Errors
    ///
    /// The field, and what is allowed.
    pub fn resolved(&self, n_steps: usize) -> Result<Self, Wrong> {
        let trial_length = self.trial_length.unwrap_or(n_steps);
        let slow = self.slow.unwrap_or(trial_length as f64 / 10.0);
        count("trials", self.trials, 1, STATES_MAX)?;
        count("horizon", self.horizon, 1, STEPS_MAX)?;
        count("trial_length", trial_length, 1, STEPS_MAX)?;
        above_zero("growth_max", self.growth_max)?;
        above_zero("slow_speed", self.slow_speed)?;
        above_zero("persistence", self.persistence)?;
        above_zero("slow", slow)?;
        Ok(Self {
            slow: Some(slow),
            relax: Some(self.relax.unwrap_or(trial_length.saturating_mul(2))),
            trial_length: Some(trial_length),
            ..self.clone()
        })
    }
}
