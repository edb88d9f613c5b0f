//! How fixed points are sought: what a study's `FixedPoints(...)` says and what `chiliad fixed-points` takes as options.

use chiliad_engine::fixed_points::Options;
use serde::{Deserialize, Serialize};

/// Lengths, numbers and tolerances of a search. The names are those of [`Options`], the defaults too.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FixedPointsPlan {
    /// Seeds of the first round, per network and condition.
    pub seeds: usize,
    /// Driven states, from which attractors are sought.
    pub driven: usize,
    /// Steps without pulses that they get.
    pub driven_steps: u64,
    /// Seeds of each later round.
    pub round_seeds: usize,
    /// Rounds after which the search ends, closed or not.
    pub rounds_max: usize,
    /// Rounds without a new point after which the set is closed.
    pub quiet_rounds: usize,
    /// Newton and Levenberg-Marquardt steps per seed.
    pub steps_max: usize,
    /// Points closer than this are one, of the state scale.
    pub tolerance: f64,
    /// Largest Newton step of a fixed point, of the state scale.
    pub fixed_step: f64,
    /// Largest speed per step of a slow point.
    pub slow_speed: f64,
}

impl Default for FixedPointsPlan {
    fn default() -> Self {
        let engine = Options::default();
        Self {
            seeds: engine.seeds,
            driven: 256,
            driven_steps: engine.settle_steps as u64,
            round_seeds: engine.round_seeds,
            rounds_max: engine.rounds_max,
            quiet_rounds: engine.quiet_rounds,
            steps_max: engine.steps_max,
            tolerance: engine.tolerance,
            fixed_step: engine.fixed_step,
            slow_speed: engine.slow_speed,
        }
    }
}

impl FixedPointsPlan {
    /// What a search may be asked for.
    ///
    /// # Errors
    ///
    /// The field that is out of range, and what is allowed.
    pub fn check(&self) -> Result<(), (&'static str, String)> {
        const SEEDS_MAX: u64 = 1 << 24;
        let numbers = [
            ("seeds", self.seeds as u64, SEEDS_MAX),
            ("driven", self.driven as u64, SEEDS_MAX),
            ("driven_steps", self.driven_steps, u64::MAX),
            ("round_seeds", self.round_seeds as u64, SEEDS_MAX),
            ("rounds_max", self.rounds_max as u64, 1000),
            ("quiet_rounds", self.quiet_rounds as u64, 1000),
            ("steps_max", self.steps_max as u64, 1_000_000),
        ];
        for (field, n, most) in numbers {
            if !(1..=most).contains(&n) {
                let allowed = match most {
                    u64::MAX => "1 or more".into(),
                    most => format!("1 to {most}"),
                };
                return Err((field, format!("{n}; allowed: {allowed}")));
            }
        }
        for (field, x) in [
            ("tolerance", self.tolerance),
            ("fixed_step", self.fixed_step),
            ("slow_speed", self.slow_speed),
        ] {
            if !(x > 0.0 && x < 1.0) {
                return Err((field, format!("{x}; allowed: above 0 and below 1")));
            }
        }
        if self.fixed_step >= self.tolerance {
            return Err((
                "fixed_step",
                format!(
                    "{}; allowed: below `tolerance`, {}",
                    self.fixed_step, self.tolerance
                ),
            ));
        }
        Ok(())
    }

    /// The engine's options.
    #[must_use]
    pub fn options(&self, trial_length: f64, seed: u64, own_seeds: Vec<Vec<f64>>) -> Options {
        Options {
            seeds: self.seeds,
            settle_steps: usize::try_from(self.driven_steps).unwrap_or(usize::MAX),
            round_seeds: self.round_seeds,
            rounds_max: self.rounds_max,
            quiet_rounds: self.quiet_rounds,
            steps_max: self.steps_max,
            tolerance: self.tolerance,
            fixed_step: self.fixed_step,
            slow_speed: self.slow_speed,
            trial_length,
            seed,
            own_seeds,
            ..Options::default()
        }
    }
}
