//! Delay embedding: a row holds a state and those before it, newest first; rows never cross from one trial to the next.

use super::super::{DistanceError, Recording};
use faer::Mat;

/// How a state is embedded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Delays {
    /// States per row, 1 or more; 1 is the state alone.
    pub number: usize,
    /// Steps between them, 1 or more.
    pub interval: usize,
}

impl Default for Delays {
    fn default() -> Self {
        Self {
            number: 1,
            interval: 1,
        }
    }
}

impl Delays {
    /// Steps that are lost at the start of every trial.
    pub fn lost(&self) -> usize {
        self.number.saturating_sub(1).saturating_mul(self.interval)
    }

    /// `[row, delay x unit]`, and rows per trial.
    ///
    /// # Errors
    ///
    /// [`DistanceError`] for no delays, an interval of 0, or trials too short for two rows.
    pub fn embed(&self, recording: &Recording) -> Result<(Mat<f64>, usize), DistanceError> {
        for (option, value) in [("delays", self.number), ("delay-interval", self.interval)] {
            if value == 0 {
                return Err(DistanceError::Setting {
                    option,
                    value: "0".into(),
                    allowed: "1 or more".into(),
                });
            }
        }
        let rows = recording.n_steps.saturating_sub(self.lost());
        if rows < 2 {
            return Err(recording.refuse(
                format!(
                    "{} delays of {} steps leave {rows} rows per trial",
                    self.number, self.interval
                ),
                "fewer delays or longer trials: 2 rows or more",
            ));
        }
        let n = recording.n_units;
        let embedded = Mat::from_fn(recording.n_trials * rows, self.number * n, |r, c| {
            let (trial, row) = (r / rows, r % rows);
            let (delay, unit) = (c / n, c % n);
            recording.state(trial, row + self.lost() - delay * self.interval)[unit]
        });
        Ok((embedded, rows))
    }
}
