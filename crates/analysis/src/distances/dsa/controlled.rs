//! InputDSA: networks under a known input, `x' = A x + B u`, compared by what the input can reach (the DSA
//! package's DMD with control).

use super::super::error::described;
use super::super::singular::{frobenius, nuclear_norm};
use super::super::{DistanceError, Measure, Recording};
use super::Fit;
use super::operator::{Coordinates, ridge};
use faer::Mat;
use serde::Serialize;

/// States and the inputs that drove them, of the same trials.
#[derive(Clone, Debug)]
pub struct Driven {
    /// States.
    pub states: Recording,
    /// Inputs: as many trials and steps.
    pub inputs: Recording,
}

/// Orthogonal Procrustes between `[B, A B, A^T B, A^2 B, ...]` of two networks: closed form, no search.
#[derive(Clone, Copy, Debug)]
pub struct Controlled {
    /// How A and B are fitted.
    pub fit: Fit,
    /// Whether the state of step t already holds the input of step t, as this project's roll-outs do; otherwise the state of
    /// step t + 1 is the first that does.
    pub input_seen: bool,
}

impl Default for Controlled {
    fn default() -> Self {
        Self {
            fit: Fit::default(),
            input_seen: true,
        }
    }
}

/// Both are zero for networks that differ by a rotation or reflection of the state.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct ControlledFound {
    /// The Euclidean one.
    pub distance: f64,
    /// `min over O(r) of |K1 - C K2|`.
    pub euclidean: f64,
    /// Angle between K1 and C K2, 0 to pi / 2.
    pub angular: f64,
}

/// What the input reaches in each number of steps.
pub struct Reach {
    name: String,
    /// `[r, (2 r - 1) channels]`.
    matrix: Mat<f64>,
    norm: f64,
}

impl Measure for Controlled {
    type Input = Driven;
    type Prepared = Reach;
    type Found = ControlledFound;

    fn prepare(&self, driven: &Driven) -> Result<Reach, DistanceError> {
        let (states, inputs) = (&driven.states, &driven.inputs);
        if (states.n_trials, states.n_steps) != (inputs.n_trials, inputs.n_steps) {
            return Err(DistanceError::Pair {
                operation: "dsa-input",
                first: described(&states.name, &states.shape()),
                second: described(&inputs.name, &inputs.shape()),
                what: "trials or steps".into(),
                allowed: "states and inputs of the same trials".into(),
            });
        }
        let coordinates = Coordinates::of(states, &self.fit)?;
        let (before, after) = coordinates.steps(self.fit.steps_ahead);
        let (r, channels) = (before.ncols(), inputs.n_units);
        let pairs = coordinates.rows_per_trial - self.fit.steps_ahead;
        let first = self.fit.delays.lost() + usize::from(self.input_seen);
        let both = Mat::from_fn(before.nrows(), r + channels, |row, column| {
            if column < r {
                before[(row, column)]
            } else {
                inputs.state(row / pairs, row % pairs + first)[column - r]
            }
        });
        let found = ridge(&both, &after, self.fit.ridge, &states.name)?;
        let a = Mat::from_fn(r, r, |i, j| found[(j, i)]);
        let b = Mat::from_fn(r, channels, |i, j| found[(r + j, i)]);
        Reach::new(&states.name, &a, &b)
    }

    fn compare(&self, a: &Reach, b: &Reach) -> Result<ControlledFound, DistanceError> {
        if (a.matrix.nrows(), a.matrix.ncols()) != (b.matrix.nrows(), b.matrix.ncols()) {
            let shape = |r: &Reach| vec![r.matrix.nrows(), r.matrix.ncols()];
            return Err(DistanceError::Pair {
                operation: "dsa-input",
                first: described(&a.name, &shape(a)),
                second: described(&b.name, &shape(b)),
                what: "rank or input channels".into(),
                allowed: "equal ranks, and the same inputs".into(),
            });
        }
        let s = nuclear_norm((&a.matrix * b.matrix.transpose()).as_ref(), &a.name)?;
        let euclidean = (a.norm * a.norm + b.norm * b.norm - 2.0 * s)
            .max(0.0)
            .sqrt();
        Ok(ControlledFound {
            distance: euclidean,
            euclidean,
            angular: (s / (a.norm * b.norm)).clamp(-1.0, 1.0).acos(),
        })
    }

    fn distance(found: &ControlledFound) -> f64 {
        found.distance
    }
}

impl Reach {
    /// Of `A [r, r]` and `B [r, channel]`, powers up to r - 1 of both A and its transpose.
    ///
    /// # Errors
    ///
    /// [`DistanceError::Array`] where the input reaches nothing, or the powers overflow.
    pub fn new(name: &str, a: &Mat<f64>, b: &Mat<f64>) -> Result<Self, DistanceError> {
        let (r, channels) = (b.nrows(), b.ncols());
        let mut blocks = vec![b.clone()];
        let (mut forward, mut backward) = (b.clone(), b.clone());
        for _ in 1..r {
            forward = a * &forward;
            backward = a.transpose() * &backward;
            blocks.extend([forward.clone(), backward.clone()]);
        }
        let matrix = Mat::from_fn(r, blocks.len() * channels, |i, j| {
            blocks[j / channels][(i, j % channels)]
        });
        let norm = frobenius(&matrix);
        if norm.is_finite() && norm > 0.0 {
            return Ok(Self {
                name: name.to_owned(),
                matrix,
                norm,
            });
        }
        Err(DistanceError::Array {
            name: name.to_owned(),
            shape: vec![r, channels],
            what: format!("what the input reaches has norm {norm}"),
            allowed: "an input that acts on the states, and powers that do not overflow".into(),
        })
    }
}
