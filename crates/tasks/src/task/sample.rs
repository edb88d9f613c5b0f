//! Sampling: which trials, from which stream.

use super::{TRAIN, Task};
use crate::error::{Result, TaskError};
use crate::generators::{Generator, Span};
use crate::random::{Stream, purpose};
use crate::trials::{ChannelNames, Trials};

/// Values in one array of a set of trials, at most: 16 GiB of float32.
const MOST_VALUES: u128 = 1 << 32;

impl Task {
    /// Trials 0 .. `n_trials` of `variant` under `seed`.
    ///
    /// A grid of conditions begins again after its last one. The user's own trials do not.
    ///
    /// # Errors
    ///
    /// [`TaskError::UnknownVariant`]; [`TaskError::TooManyTrials`] beyond the user's last trial; [`TaskError::Request`]
    /// for no trials at all, or more than memory is to be asked for.
    pub fn sample(&self, variant: &str, n_trials: usize, seed: u64) -> Result<Trials> {
        self.sample_range(variant, 0, n_trials, seed)
    }

    /// Trials `first` .. `first + n_trials` of `variant` under `seed`: trial i is the same whatever the range it is
    /// asked for in, so that ranges may be sampled apart, on any thread, and joined.
    ///
    /// # Errors
    ///
    /// Those of [`Task::sample`].
    pub fn sample_range(
        &self,
        variant: &str,
        first: usize,
        n_trials: usize,
        seed: u64,
    ) -> Result<Trials> {
        self.sample_from(variant, first, n_trials, Stream::new(seed, purpose::TRIALS))
    }

    /// Every trial of a variant that has a last one ([`Task::grid_size`]), in order.
    ///
    /// # Errors
    ///
    /// [`TaskError::CountNeeded`] where it has none, and those of [`Task::sample`].
    pub fn sample_all(&self, variant: &str, seed: u64) -> Result<Trials> {
        let n_trials = self
            .grid_size(variant)?
            .ok_or_else(|| TaskError::CountNeeded {
                task: self.name.clone(),
                variant: variant.to_owned(),
            })?;
        self.sample(variant, n_trials, seed)
    }

    /// The fixed trials on which stopping, best weights and snapshots are decided: `n_trials` of [`TRAIN`], from a stream
    /// that no training trial comes from. Of the user's own trials, the first `n_trials` or as many as there are.
    ///
    /// # Errors
    ///
    /// Those of [`Task::sample`].
    pub fn evaluation(&self, n_trials: usize, seed: u64) -> Result<Trials> {
        let n_trials = if self.is_external() {
            self.grid_size(TRAIN)?
                .map_or(n_trials, |available| available.min(n_trials))
        } else {
            n_trials
        };
        self.sample_from(TRAIN, 0, n_trials, Stream::new(seed, purpose::EVALUATION))
    }

    /// The epochs of trial `trial` of `variant` under `seed`, in the order of time; none where the task has no epochs.
    ///
    /// # Errors
    ///
    /// Those of [`Task::sample_range`].
    pub fn spans(&self, variant: &str, trial: usize, seed: u64) -> Result<Vec<Span>> {
        let generator = self.checked(variant, trial, 1)?.as_generate();
        let draws = Stream::new(seed, purpose::TRIALS).draws(trial as u32);
        Ok(generator.spans(trial, draws))
    }

    /// What the channels of `variant` are called.
    ///
    /// # Errors
    ///
    /// [`TaskError::UnknownVariant`].
    pub fn channel_names(&self, variant: &str) -> Result<ChannelNames> {
        Ok(self.generator(variant)?.as_generate().channel_names())
    }

    /// What the decision of trial `trial` of `variant` under `seed` is about: above 0 where the first output is right. `None`
    /// where the task names no evidence.
    ///
    /// # Errors
    ///
    /// Those of [`Task::sample_range`].
    pub fn evidence(&self, variant: &str, trial: usize, seed: u64) -> Result<Option<f64>> {
        let generator = self.checked(variant, trial, 1)?.as_generate();
        let draws = Stream::new(seed, purpose::TRIALS).draws(trial as u32);
        Ok(generator.evidence(trial, draws))
    }

    fn sample_from(
        &self,
        variant: &str,
        first: usize,
        n_trials: usize,
        stream: Stream,
    ) -> Result<Trials> {
        Ok(self
            .checked(variant, first, n_trials)?
            .generate(first, n_trials, stream))
    }

    /// The generator of `variant`, once it is known that those trials can be had.
    pub(crate) fn checked(
        &self,
        variant: &str,
        first: usize,
        n_trials: usize,
    ) -> Result<&Generator> {
        let generator = self.generator(variant)?;
        let refuse = |message: String| TaskError::Request {
            task: self.name.clone(),
            message,
        };
        if n_trials == 0 {
            return Err(refuse("no trials were asked for; at least one".to_owned()));
        }
        let last = first.saturating_add(n_trials - 1);
        if let Generator::External(external) = generator {
            let available = external.trials().n_trials;
            if last >= available {
                return Err(TaskError::TooManyTrials {
                    task: self.name.clone(),
                    first,
                    last,
                    available,
                });
            }
        }
        if u32::try_from(last).is_err() {
            return Err(refuse(format!(
                "trial {last} was asked for; they are numbered up to {}",
                u32::MAX
            )));
        }
        let shape = generator.as_generate().shape();
        let values =
            n_trials as u128 * shape.n_steps as u128 * shape.n_inputs.max(shape.n_outputs) as u128;
        if values > MOST_VALUES {
            return Err(refuse(format!(
                "{n_trials} trials are {values} values; at most {MOST_VALUES}: ask for ranges"
            )));
        }
        Ok(generator)
    }
}
