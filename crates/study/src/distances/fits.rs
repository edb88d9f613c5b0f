//! Which operators can be fitted to the networks of a study, and which settings stand beside one.

use crate::study::PopulationPlan;

/// What delays and rank have room in: the embedded states of the smallest networks on the probe trials.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    /// Units of the smallest networks.
    pub units: usize,
    /// Trials.
    pub trials: usize,
    /// Steps of each.
    pub steps: usize,
}

/// Delays and ranks that are tried where they are to be chosen (project default).
pub const DELAYS: [usize; 7] = [1, 2, 3, 5, 10, 15, 20];
/// See [`DELAYS`].
pub const RANKS: [usize; 8] = [2, 3, 5, 8, 10, 15, 20, 30];

impl Room {
    /// Of populations and probe trials.
    #[must_use]
    pub fn of(populations: &[PopulationPlan], trials: usize, steps: usize) -> Self {
        Self {
            units: populations.iter().map(|p| p.units).min().unwrap_or(0),
            trials,
            steps,
        }
    }

    /// The largest rank at so many delays, or why there are no such delays.
    ///
    /// # Errors
    ///
    /// In words, what is allowed.
    pub fn most(&self, delays: usize, interval: usize) -> Result<usize, String> {
        let lost = delays.saturating_sub(1).saturating_mul(interval);
        if lost.saturating_add(2) > self.steps {
            return Err(format!(
                "{delays} delays of {interval} steps leave less than 2 rows of a trial of {} steps; allowed: fewer, or `compare: (variant: ...)` with longer trials",
                self.steps
            ));
        }
        Ok(delays
            .saturating_mul(self.units)
            .min(self.trials * (self.steps - lost)))
    }

    /// Whether there is such an operator.
    #[must_use]
    pub fn holds(&self, (delays, rank): (usize, usize), interval: usize) -> bool {
        self.most(delays, interval)
            .is_ok_and(|most| (1..=most).contains(&rank))
    }

    /// 20 % below and above both, where there are such operators.
    #[must_use]
    pub fn beside(&self, at: (usize, usize), interval: usize) -> Vec<(usize, usize)> {
        let scaled = |n: usize, share: f64| ((n as f64 * share).round() as usize).max(1);
        let mut both: Vec<(usize, usize)> = [0.8, 1.2]
            .iter()
            .map(|s| (scaled(at.0, *s), scaled(at.1, *s)))
            .filter(|other| *other != at && self.holds(*other, interval))
            .collect();
        both.dedup();
        both
    }
}
