//! Lyapunov exponents: the leading k of a system, from tangents that are re-orthogonalised every step.
//!
//! `J Q = Q' R` with a positive diagonal of R, by modified Gram-Schmidt done twice; an exponent is the mean of `log R_ii`
//! per step. Spacing the factorisations out would save nothing (it costs no more than `J Q`) and would lose strongly
//! contracting directions.

use crate::system::System;
use serde::{Deserialize, Serialize};

/// Lengths of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Options {
    /// Steps before anything is counted: the state reaches its attractor, the tangents their directions (project default
    /// 1,000).
    pub warmup: usize,
    /// Steps that are counted (project default 10,000).
    pub steps: usize,
    /// Leading exponents; 0 for all of them.
    pub exponents: usize,
    /// Batches for the standard error (project default 20).
    pub batches: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            warmup: 1000,
            steps: 10_000,
            exponents: 0,
            batches: 20,
        }
    }
}

impl Options {
    /// Exponents of a system with this many dimensions.
    pub fn leading(&self, dimension: usize) -> usize {
        match self.exponents {
            0 => dimension,
            k => k.min(dimension),
        }
    }

    /// First counted step after batch `batch`: batches differ in length by at most one step.
    pub(crate) fn batch_end(&self, batch: usize) -> usize {
        let batches = self.batches.clamp(1, self.steps.max(1));
        self.steps * (batch + 1) / batches
    }

    pub(crate) fn n_batches(&self) -> usize {
        self.batches.clamp(1, self.steps.max(1))
    }
}

/// Growth of every tangent over some steps.
#[derive(Clone, Debug, PartialEq)]
pub struct Batch {
    /// Steps.
    pub steps: usize,
    /// Sum of `log R_ii`, per tangent; minus infinity where a direction was annihilated.
    pub log_growth: Vec<f64>,
}

/// Batches of one orbit per network; `None` where an orbit does not stay finite.
pub type Orbits = Vec<Option<Vec<Batch>>>;

/// A Lyapunov spectrum, per step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Exponents {
    /// Largest first; minus infinity for a direction that the map annihilates.
    pub exponents: Vec<f64>,
    /// Standard error of each, from batches; NaN with fewer than two.
    pub standard_error: Vec<f64>,
    /// Kaplan-Yorke dimension; `None` where the leading exponents are too few to tell.
    pub kaplan_yorke: Option<f64>,
    /// Sum of the positive exponents: an upper bound of the entropy rate (Ruelle), nats per step.
    pub entropy: f64,
    /// Steps counted.
    pub steps: usize,
}

impl Exponents {
    /// The spectrum of a system with `dimension` dimensions from its batches, of one orbit or of several.
    pub fn of(batches: &[Batch], dimension: usize) -> Self {
        let k = batches.first().map_or(0, |b| b.log_growth.len());
        let steps: usize = batches.iter().map(|b| b.steps).sum();
        let n = batches.len() as f64;
        let mut pairs: Vec<(f64, f64)> = (0..k)
            .map(|i| {
                let total: f64 = batches.iter().map(|b| b.log_growth[i]).sum();
                let mean = total / steps.max(1) as f64;
                let spread: f64 = batches
                    .iter()
                    .map(|b| (b.log_growth[i] / b.steps.max(1) as f64 - mean).powi(2))
                    .sum();
                let error = if n < 2.0 {
                    f64::NAN
                } else {
                    (spread / (n - 1.0) / n).sqrt()
                };
                (mean, error)
            })
            .collect();
        pairs.sort_by(|a, b| b.0.total_cmp(&a.0));
        let exponents: Vec<f64> = pairs.iter().map(|p| p.0).collect();
        Self {
            kaplan_yorke: kaplan_yorke(&exponents, dimension),
            // Not sum(): of none it is -0.
            entropy: exponents
                .iter()
                .filter(|l| **l > 0.0)
                .fold(0.0, |sum, l| sum + l),
            standard_error: pairs.into_iter().map(|p| p.1).collect(),
            exponents,
            steps,
        }
    }

    /// The same per unit of time, for a flow with steps of `dt`.
    pub fn per_time(mut self, dt: f64) -> Self {
        for x in self.exponents.iter_mut().chain(&mut self.standard_error) {
            *x /= dt;
        }
        self.entropy /= dt;
        self
    }
}

/// `k + (sum of the first k) / |exponent k+1|` for the largest k whose sum is not negative (Kaplan & Yorke 1979).
pub fn kaplan_yorke(exponents: &[f64], dimension: usize) -> Option<f64> {
    let mut sum = 0.0;
    for (k, &exponent) in exponents.iter().enumerate() {
        if sum + exponent < 0.0 {
            return Some(k as f64 + sum / exponent.abs());
        }
        sum += exponent;
    }
    (exponents.len() == dimension).then_some(dimension as f64)
}

/// Orthonormal tangents along an orbit.
#[derive(Clone, Debug)]
pub struct Tangents {
    dimension: usize,
    /// `[tangent][coordinate]`
    columns: Vec<Vec<f64>>,
    images: Vec<Vec<f64>>,
    log_growth: Vec<f64>,
}

impl Tangents {
    /// The first `k` coordinate directions.
    pub fn new(dimension: usize, k: usize) -> Self {
        let columns: Vec<Vec<f64>> = (0..k)
            .map(|i| {
                (0..dimension)
                    .map(|j| f64::from(u8::from(i == j)))
                    .collect()
            })
            .collect();
        Self {
            dimension,
            images: columns.clone(),
            columns,
            log_growth: vec![0.0; k],
        }
    }

    /// Carries the tangents along one step with this Jacobian, `[to, from]`, and makes them orthonormal again.
    pub fn push(&mut self, jacobian: &[f64]) {
        let n = self.dimension;
        for (image, column) in self.images.iter_mut().zip(&self.columns) {
            for (x, row) in image.iter_mut().zip(jacobian.chunks(n.max(1))) {
                *x = dot(row, column);
            }
        }
        std::mem::swap(&mut self.images, &mut self.columns);
        for i in 0..self.columns.len() {
            let (before, rest) = self.columns.split_at_mut(i);
            let Some(column) = rest.first_mut() else {
                continue;
            };
            let length = orthogonalise(column, before);
            self.log_growth[i] += length.ln();
            if length > 0.0 {
                continue;
            }
            // Annihilated: any direction orthogonal to the others serves, the exponent is minus infinity already.
            for axis in 0..n {
                column.fill(0.0);
                column[axis] = 1.0;
                if orthogonalise(column, before) > 0.5 / (n as f64).sqrt() {
                    break;
                }
            }
        }
    }

    /// Growth since the last call.
    pub fn take(&mut self, steps: usize) -> Batch {
        let zeros = vec![0.0; self.log_growth.len()];
        Batch {
            steps,
            log_growth: std::mem::replace(&mut self.log_growth, zeros),
        }
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

/// Length below which what is left of a column is rounding and not a direction.
const NOTHING: f64 = 1e-290;

/// Makes a column orthogonal to the others and of length 1; the length of its orthogonal part, 0 where there is none.
fn orthogonalise(column: &mut [f64], others: &[Vec<f64>]) -> f64 {
    let mut length = 1.0;
    for _ in 0..2 {
        for other in others {
            let along = dot(column, other);
            column
                .iter_mut()
                .zip(other)
                .for_each(|(x, y)| *x -= along * y);
        }
        let now = dot(column, column).sqrt();
        if now.is_nan() {
            return f64::NAN;
        }
        if now < NOTHING {
            return 0.0;
        }
        column.iter_mut().for_each(|x| *x /= now);
        length *= now;
    }
    length
}

/// The batches of one orbit from `state`, which is left at its end; `None` where the orbit does not stay finite.
pub fn batches(
    system: &mut dyn System,
    state: &mut [f64],
    options: &Options,
) -> Option<Vec<Batch>> {
    let n = system.dimension();
    let mut tangents = Tangents::new(n, options.leading(n));
    let mut jacobian = vec![0.0; n * n];
    let mut next = vec![0.0; n];
    let mut time = 0;
    let mut run = |tangents: &mut Tangents, steps: usize| {
        for _ in 0..steps {
            system.drive(time);
            time += 1;
            system.jacobian(state, &mut jacobian);
            tangents.push(&jacobian);
            system.step(state, &mut next);
            state.copy_from_slice(&next);
        }
        state.iter().all(|x| x.is_finite()).then_some(())
    };
    run(&mut tangents, options.warmup)?;
    tangents.take(options.warmup);
    let mut done = 0;
    let mut batches = Vec::with_capacity(options.n_batches());
    for batch in 0..options.n_batches() {
        let end = options.batch_end(batch);
        run(&mut tangents, end - done)?;
        batches.push(tangents.take(end - done));
        done = end;
    }
    let numbers = batches
        .iter()
        .flat_map(|b| &b.log_growth)
        .all(|x| !x.is_nan());
    numbers.then_some(batches)
}

/// The spectrum along one orbit from `state`, which is left at its end; `None` where the orbit does not stay finite.
pub fn exponents(
    system: &mut dyn System,
    state: &mut [f64],
    options: &Options,
) -> Option<Exponents> {
    let dimension = system.dimension();
    batches(system, state, options).map(|b| Exponents::of(&b, dimension))
}
