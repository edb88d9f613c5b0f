//! Trials: what networks are trained on, tested on and driven with.

mod file;

use crate::error::{Result, TaskError};

/// The extents that every trial of a task variant shares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TaskShape {
    /// Time steps.
    pub n_steps: usize,
    /// Input channels.
    pub n_inputs: usize,
    /// Output channels.
    pub n_outputs: usize,
}

/// What the channels of a task are called, one name per component.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChannelNames {
    /// `[input]`
    pub inputs: Vec<String>,
    /// `[output]`
    pub outputs: Vec<String>,
}

impl ChannelNames {
    /// `input 0`, `input 1`, ..., `target 0`, ...
    #[must_use]
    pub fn numbered(shape: TaskShape) -> Self {
        let names = |what: &str, n: usize| (0..n).map(|i| format!("{what} {i}")).collect();
        Self {
            inputs: names("input", shape.n_inputs),
            outputs: names("target", shape.n_outputs),
        }
    }
}

/// A set of trials of equal shape; every array is in C order, last axis fastest.
#[derive(Clone, Debug, PartialEq)]
pub struct Trials {
    /// Trials.
    pub n_trials: usize,
    /// Time steps of each trial.
    pub n_steps: usize,
    /// Input channels.
    pub n_inputs: usize,
    /// Output channels.
    pub n_outputs: usize,
    /// What drives the network: `[trial, time, input]`.
    pub inputs: Vec<f32>,
    /// What its outputs should be: `[trial, time, output]`.
    pub targets: Vec<f32>,
    /// Weight of each squared error in the loss, 0 where it does not count: `[trial, time, output]`.
    pub mask: Vec<f32>,
    /// Which of the task's conditions the trial belongs to: `[trial]`.
    pub condition: Vec<i32>,
}

impl Trials {
    /// Trials from arrays in memory.
    ///
    /// # Errors
    ///
    /// [`TaskError::Shape`] where a length or an extent is wrong, [`TaskError::NonFinite`] where an element is not
    /// finite, [`TaskError::Array`] where the mask is negative somewhere or zero everywhere.
    pub fn new(
        n_trials: usize,
        shape: TaskShape,
        inputs: Vec<f32>,
        targets: Vec<f32>,
        mask: Vec<f32>,
        condition: Vec<i32>,
    ) -> Result<Self> {
        let TaskShape {
            n_steps,
            n_inputs,
            n_outputs,
        } = shape;
        let trials = Self {
            n_trials,
            n_steps,
            n_inputs,
            n_outputs,
            inputs,
            targets,
            mask,
            condition,
        };
        trials.check("trials in memory")?;
        Ok(trials)
    }

    /// The extents of one trial.
    #[must_use]
    pub fn shape(&self) -> TaskShape {
        TaskShape {
            n_steps: self.n_steps,
            n_inputs: self.n_inputs,
            n_outputs: self.n_outputs,
        }
    }

    /// Copies the trials at `indices`, in that order, repeats allowed.
    ///
    /// # Errors
    ///
    /// [`TaskError::Array`] where an index is not that of a trial.
    pub fn select(&self, indices: &[usize]) -> Result<Self> {
        if let Some(index) = indices.iter().find(|index| **index >= self.n_trials) {
            return Err(TaskError::Array {
                file: "trials in memory".to_owned(),
                array: "condition".to_owned(),
                message: format!("no trial {index}, there are {}", self.n_trials),
            });
        }
        let pick = |array: &[f32], width: usize| -> Vec<f32> {
            indices
                .iter()
                .flat_map(|i| &array[i * width..(i + 1) * width])
                .copied()
                .collect()
        };
        Ok(Self {
            n_trials: indices.len(),
            inputs: pick(&self.inputs, self.n_steps * self.n_inputs),
            targets: pick(&self.targets, self.n_steps * self.n_outputs),
            mask: pick(&self.mask, self.n_steps * self.n_outputs),
            condition: indices.iter().map(|i| self.condition[*i]).collect(),
            ..*self
        })
    }

    /// Adds trials of the same shape behind these.
    pub(crate) fn append(&mut self, mut other: Self) {
        self.n_trials += other.n_trials;
        self.inputs.append(&mut other.inputs);
        self.targets.append(&mut other.targets);
        self.mask.append(&mut other.mask);
        self.condition.append(&mut other.condition);
    }

    /// Input `channel` of `trial` at `step`.
    #[must_use]
    pub fn input(&self, trial: usize, step: usize, channel: usize) -> f32 {
        self.inputs[(trial * self.n_steps + step) * self.n_inputs + channel]
    }

    /// Target `channel` of `trial` at `step`.
    #[must_use]
    pub fn target(&self, trial: usize, step: usize, channel: usize) -> f32 {
        self.targets[(trial * self.n_steps + step) * self.n_outputs + channel]
    }

    /// Variance of the targets where they count, each by its weight, over all outputs together: what a masked mean-squared
    /// error is divided by to give a normalised error. 1 where the targets do not vary, so that the error stays what it is.
    #[must_use]
    pub fn masked_variance(&self) -> f64 {
        let (mut weight, mut sum, mut squares) = (0.0, 0.0, 0.0);
        for (x, w) in self.targets.iter().zip(&self.mask) {
            let (x, w) = (f64::from(*x), f64::from(*w));
            weight += w;
            sum += w * x;
            squares += w * x * x;
        }
        let mean = sum / weight;
        let variance = squares / weight - mean * mean;
        if variance > 1e-12 { variance } else { 1.0 }
    }

    fn check(&self, file: &str) -> Result<()> {
        let (k, t) = (self.n_trials, self.n_steps);
        let arrays = [
            ("inputs", &self.inputs, [k, t, self.n_inputs]),
            ("targets", &self.targets, [k, t, self.n_outputs]),
            ("mask", &self.mask, [k, t, self.n_outputs]),
        ];
        for (name, array, shape) in arrays {
            if shape.contains(&0) {
                return Err(wrong_shape(
                    file,
                    name,
                    shape.to_vec(),
                    "no empty axis [trial, time, channel]",
                ));
            }
            if shape.iter().try_fold(1_usize, |n, m| n.checked_mul(*m)) != Some(array.len()) {
                return Err(wrong_shape(
                    file,
                    name,
                    vec![array.len()],
                    &format!("the elements of {shape:?}"),
                ));
            }
            if let Some(flat) = array.iter().position(|x| !x.is_finite()) {
                let index = vec![
                    flat / (shape[1] * shape[2]),
                    flat / shape[2] % shape[1],
                    flat % shape[2],
                ];
                let (file, array, value) =
                    (file.to_owned(), name.to_owned(), f64::from(array[flat]));
                return Err(TaskError::NonFinite {
                    file,
                    array,
                    index,
                    value,
                });
            }
        }
        if self.condition.len() != k {
            return Err(wrong_shape(
                file,
                "condition",
                vec![self.condition.len()],
                &format!("[{k}] (trial)"),
            ));
        }
        let message = if self.mask.iter().any(|w| *w < 0.0) {
            "a weight is negative; weights are 0 or more"
        } else if self.mask.iter().all(|w| *w == 0.0) {
            "every weight is 0, so that nothing would be learned; at least one must be above 0"
        } else {
            return Ok(());
        };
        Err(TaskError::Array {
            file: file.to_owned(),
            array: "mask".to_owned(),
            message: message.to_owned(),
        })
    }
}

fn wrong_shape(file: &str, array: &str, found: Vec<usize>, expected: &str) -> TaskError {
    TaskError::Shape {
        file: file.to_owned(),
        array: array.to_owned(),
        found,
        expected: expected.to_owned(),
    }
}
