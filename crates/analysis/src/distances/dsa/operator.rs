//! The linear operator that takes an embedded state one step on (Hankel dynamic mode decomposition).

use super::super::samples::check;
use super::super::singular::{Svd, failed, svd, symmetric};
use super::super::{DistanceError, Recording};
use super::Delays;
use faer::linalg::solvers::Solve;
use faer::{Mat, Side};

/// How many dimensions an operator has.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Rank {
    /// All whose singular values are above rounding.
    Full,
    /// So many.
    Number(usize),
    /// As many as singular values are above this.
    Threshold(f64),
    /// The fewest whose squared singular values make up this share, above 0 and at most 1.
    Variance(f64),
}

/// How an operator is fitted. States are neither centred nor scaled.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fit {
    /// Embedding.
    pub delays: Delays,
    /// Rank.
    pub rank: Rank,
    /// Ridge lambda, 0 or more, on coordinates that are orthonormal over all rows.
    pub ridge: f64,
    /// Steps ahead that the operator predicts, 1 or more.
    pub steps_ahead: usize,
    /// Reduced-rank regression (Izenman 1975) on all coordinates instead of regression on the first ones: the operator is
    /// as wide as the data's rank, and its own rank is that asked for.
    pub reduced_rank: bool,
}

impl Default for Fit {
    fn default() -> Self {
        Self {
            delays: Delays::default(),
            rank: Rank::Full,
            ridge: 1e-8,
            steps_ahead: 1,
            reduced_rank: false,
        }
    }
}

/// A linear operator, `[r, r]`.
#[derive(Clone, Debug)]
pub struct Operator {
    /// For messages.
    pub name: String,
    /// Takes the coordinates of one row to those of the next.
    pub matrix: Mat<f64>,
    /// Singular values of the embedded states, falling; empty for an operator that was given.
    pub singular_values: Vec<f64>,
}

impl Operator {
    /// One that is known, row-major.
    ///
    /// # Errors
    ///
    /// [`DistanceError::Array`] unless it is square, not empty, and finite.
    pub fn new(name: &str, shape: &[usize], values: &[f64]) -> Result<Self, DistanceError> {
        check(name, shape, values)?;
        match *shape {
            [n, m] if n == m => Ok(Self {
                name: name.to_owned(),
                matrix: Mat::from_fn(n, n, |i, j| values[i * n + j]),
                singular_values: Vec::new(),
            }),
            _ => Err(DistanceError::Array {
                name: name.to_owned(),
                shape: shape.to_vec(),
                what: "not a square matrix".into(),
                allowed: "[to, from] of equal lengths".into(),
            }),
        }
    }

    /// Fitted to what a network did.
    ///
    /// # Errors
    ///
    /// [`DistanceError`] for settings out of range or a rank that the data do not have.
    pub fn fit(recording: &Recording, fit: &Fit) -> Result<Self, DistanceError> {
        let coordinates = Coordinates::of(recording, fit)?;
        let (before, after) = coordinates.steps(fit.steps_ahead);
        let mut transposed = ridge(&before, &after, fit.ridge, &recording.name)?;
        if fit.reduced_rank {
            let predicted = &before * &transposed;
            let gram = predicted.transpose() * &after;
            let even = Mat::from_fn(gram.nrows(), gram.ncols(), |i, j| {
                0.5 * (gram[(i, j)] + gram[(j, i)])
            });
            let (_, vectors) = symmetric(even.as_ref(), &recording.name)?;
            let first = vectors.subcols(0, coordinates.rank);
            transposed = &transposed * first * first.transpose();
        }
        Ok(Self {
            name: recording.name.clone(),
            matrix: transposed.transpose().to_owned(),
            singular_values: coordinates.singular_values,
        })
    }
}

/// Embedded states in orthonormal coordinates.
pub(super) struct Coordinates {
    /// `[row, coordinate]`.
    pub(super) values: Mat<f64>,
    /// Directions of the embedding, `[delay x unit, coordinate]`: a row is `values S axes^T`.
    pub(super) axes: Mat<f64>,
    pub(super) rows_per_trial: usize,
    pub(super) rank: usize,
    pub(super) singular_values: Vec<f64>,
}

impl Coordinates {
    pub(super) fn of(recording: &Recording, fit: &Fit) -> Result<Self, DistanceError> {
        if !(fit.ridge.is_finite() && fit.ridge >= 0.0) {
            return Err(DistanceError::Setting {
                option: "ridge",
                value: fit.ridge.to_string(),
                allowed: "0 or more".into(),
            });
        }
        let (embedded, rows_per_trial) = fit.delays.embed(recording)?;
        if fit.steps_ahead == 0 || fit.steps_ahead >= rows_per_trial {
            return Err(DistanceError::Setting {
                option: "steps-ahead",
                value: fit.steps_ahead.to_string(),
                allowed: format!("1 to {}", rows_per_trial - 1),
            });
        }
        let Svd { u, s, v } = svd(embedded.as_ref(), &recording.name)?;
        let floor = s[0] * f64::EPSILON * embedded.nrows().max(embedded.ncols()) as f64;
        let full = s.iter().filter(|x| **x > floor).count();
        let rank = fit.rank.of(&s, full, recording)?;
        let kept = if fit.reduced_rank { full } else { rank };
        Ok(Self {
            values: u.subcols(0, kept).to_owned(),
            axes: v.subcols(0, kept).to_owned(),
            rows_per_trial,
            rank,
            singular_values: s,
        })
    }

    /// Rows that have a successor, and the successors, trial by trial.
    pub(super) fn steps(&self, ahead: usize) -> (Mat<f64>, Mat<f64>) {
        let pairs = self.rows_per_trial - ahead;
        let trials = self.values.nrows() / self.rows_per_trial;
        let rows = |shift: usize| {
            Mat::from_fn(trials * pairs, self.values.ncols(), |r, c| {
                self.values[(r / pairs * self.rows_per_trial + r % pairs + shift, c)]
            })
        };
        (rows(0), rows(ahead))
    }
}

impl Rank {
    fn of(self, s: &[f64], full: usize, recording: &Recording) -> Result<usize, DistanceError> {
        let setting = |value: String, allowed: String| DistanceError::Setting {
            option: "rank",
            value: format!("{value} for {} {:?}", recording.name, recording.shape()),
            allowed,
        };
        match self {
            Self::Full => Ok(full),
            Self::Number(r) if (1..=full).contains(&r) => Ok(r),
            Self::Number(r) => Err(setting(
                r.to_string(),
                format!("1 to {full}, the rank of the embedded states"),
            )),
            Self::Threshold(least) => match s[..full].iter().filter(|x| **x > least).count() {
                0 => Err(setting(
                    format!("0 (no singular value above {least})"),
                    format!("a threshold below {}", s[0]),
                )),
                r => Ok(r),
            },
            Self::Variance(share) if share > 0.0 && share <= 1.0 => {
                let total: f64 = s.iter().map(|x| x * x).sum();
                let mut sum = 0.0;
                let enough = s.iter().position(|x| {
                    sum += x * x;
                    sum >= share * total
                });
                Ok(enough.map_or(full, |k| (k + 1).min(full)))
            }
            Self::Variance(share) => Err(setting(
                format!("by a share of {share}"),
                "a share above 0 and at most 1".into(),
            )),
        }
    }
}

/// `(X^T X + lambda I)^-1 X^T Y`.
pub(super) fn ridge(
    x: &Mat<f64>,
    y: &Mat<f64>,
    lambda: f64,
    name: &str,
) -> Result<Mat<f64>, DistanceError> {
    let n = x.ncols();
    let gram = x.transpose() * x + faer::Scale(lambda) * Mat::<f64>::identity(n, n);
    let factor = gram.llt(Side::Lower).map_err(|_| {
        failed(
            "regression (too few steps for the rank; a ridge would help)",
            name,
        )
    })?;
    let found = factor.solve(x.transpose() * y);
    let finite = (0..n).all(|i| (0..found.ncols()).all(|j| found[(i, j)].is_finite()));
    if finite {
        Ok(found)
    } else {
        Err(failed("regression", name))
    }
}
