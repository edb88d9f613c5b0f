//! What networks did: states at the same samples, or along trials.

use super::DistanceError;
use faer::{Mat, MatRef};

/// One network's states, `[sample, unit]`. Sample s of two networks is the same moment of the same trial.
#[derive(Clone, Debug)]
pub struct Samples {
    /// For messages.
    pub name: String,
    values: Mat<f64>,
}

impl Samples {
    /// From row-major values.
    ///
    /// # Errors
    ///
    /// [`DistanceError::Array`] for fewer than 2 samples, no unit, a number that is not finite, or a unit that never
    /// changes.
    pub fn new(
        name: &str,
        n_samples: usize,
        n_units: usize,
        values: &[f64],
    ) -> Result<Self, DistanceError> {
        let samples = Self::with_silent_units(name, n_samples, n_units, values)?;
        match samples.silent_units().first() {
            None => Ok(samples),
            Some(unit) => Err(samples.refuse(
                format!("unit {unit} is constant"),
                "units that vary over the samples",
            )),
        }
    }

    /// The same, for networks some of whose units are silent, as rectified ones often are. At least one must vary.
    ///
    /// # Errors
    ///
    /// As [`Samples::new`], but for constant units.
    pub fn with_silent_units(
        name: &str,
        n_samples: usize,
        n_units: usize,
        values: &[f64],
    ) -> Result<Self, DistanceError> {
        check(name, &[n_samples, n_units], values)?;
        let samples = Self {
            name: name.to_owned(),
            values: Mat::from_fn(n_samples, n_units, |i, j| values[i * n_units + j]),
        };
        if n_samples < 2 {
            return Err(samples.refuse(format!("{n_samples} samples"), "2 or more"));
        }
        if samples.silent_units().len() == n_units {
            return Err(samples.refuse("every unit is constant".into(), "units that vary"));
        }
        Ok(samples)
    }

    /// `[sample, unit]`.
    pub fn values(&self) -> MatRef<'_, f64> {
        self.values.as_ref()
    }

    /// Samples and units.
    pub fn shape(&self) -> Vec<usize> {
        vec![self.values.nrows(), self.values.ncols()]
    }

    /// Units that never change.
    pub fn silent_units(&self) -> Vec<usize> {
        let first = |j| self.values[(0, j)];
        (0..self.values.ncols())
            .filter(|&j| (1..self.values.nrows()).all(|i| self.values[(i, j)] == first(j)))
            .collect()
    }

    /// With every unit's mean taken off.
    pub fn centred(&self) -> Mat<f64> {
        centred(self.values.as_ref())
    }

    pub(crate) fn refuse(&self, what: String, allowed: &str) -> DistanceError {
        DistanceError::Array {
            name: self.name.clone(),
            shape: self.shape(),
            what,
            allowed: allowed.into(),
        }
    }
}

/// One network along trials of equal length, `[trial, time, unit]`.
#[derive(Clone, Debug)]
pub struct Recording {
    /// For messages.
    pub name: String,
    /// Trials.
    pub n_trials: usize,
    /// Steps of each.
    pub n_steps: usize,
    /// Units.
    pub n_units: usize,
    values: Vec<f64>,
}

impl Recording {
    /// From values in C order.
    ///
    /// # Errors
    ///
    /// [`DistanceError::Array`] for an empty axis, a number that is not finite, or a unit that never changes.
    pub fn new(name: &str, shape: [usize; 3], values: Vec<f64>) -> Result<Self, DistanceError> {
        let recording = Self::with_silent_units(name, shape, values)?;
        let constant = |unit: &usize| {
            let mut along = recording.values.iter().skip(*unit).step_by(shape[2]);
            let first = along.next();
            along.all(|x| Some(x) == first)
        };
        match (0..shape[2]).find(constant) {
            None => Ok(recording),
            Some(unit) => Err(recording.refuse(
                format!("unit {unit} is constant"),
                "units that vary over trials and steps",
            )),
        }
    }

    /// The same, for networks some of whose units are silent, and for inputs. At least one must vary.
    ///
    /// # Errors
    ///
    /// As [`Recording::new`], but for constant units.
    pub fn with_silent_units(
        name: &str,
        shape: [usize; 3],
        values: Vec<f64>,
    ) -> Result<Self, DistanceError> {
        check(name, &shape, &values)?;
        let recording = Self {
            name: name.to_owned(),
            n_trials: shape[0],
            n_steps: shape[1],
            n_units: shape[2],
            values,
        };
        let first = &recording.values[..shape[2]];
        if recording.values.chunks(shape[2]).all(|row| row == first) {
            return Err(recording.refuse("every unit is constant".into(), "units that vary"));
        }
        Ok(recording)
    }

    /// Unit by unit at one moment.
    pub fn state(&self, trial: usize, step: usize) -> &[f64] {
        &self.values[(trial * self.n_steps + step) * self.n_units..][..self.n_units]
    }

    /// Every value in C order.
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// Trials, steps, units.
    pub fn shape(&self) -> Vec<usize> {
        vec![self.n_trials, self.n_steps, self.n_units]
    }

    pub(crate) fn refuse(&self, what: String, allowed: &str) -> DistanceError {
        DistanceError::Array {
            name: self.name.clone(),
            shape: self.shape(),
            what,
            allowed: allowed.into(),
        }
    }
}

/// With every column's mean taken off.
pub(crate) fn centred(values: MatRef<'_, f64>) -> Mat<f64> {
    let n = values.nrows() as f64;
    let means: Vec<f64> = (0..values.ncols())
        .map(|j| (0..values.nrows()).map(|i| values[(i, j)]).sum::<f64>() / n)
        .collect();
    Mat::from_fn(values.nrows(), values.ncols(), |i, j| {
        values[(i, j)] - means[j]
    })
}

/// As many finite values as the shape says, and no axis empty.
pub(crate) fn check(name: &str, shape: &[usize], values: &[f64]) -> Result<(), DistanceError> {
    let refuse = |what: String, allowed: &str| DistanceError::Array {
        name: name.to_owned(),
        shape: shape.to_vec(),
        what,
        allowed: allowed.into(),
    };
    let expected = shape.iter().try_fold(1_usize, |p, n| p.checked_mul(*n));
    if expected != Some(values.len()) || values.is_empty() {
        return Err(refuse(
            format!("{} values", values.len()),
            "as many as the shape says, and no axis empty",
        ));
    }
    match values.iter().position(|x| !x.is_finite()) {
        Some(i) => Err(refuse(
            format!("element {i} in row-major order is {}", values[i]),
            "finite numbers",
        )),
        None => Ok(()),
    }
}
