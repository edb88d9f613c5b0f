//! Metric multidimensional scaling by majorisation (SMACOF, de Leeuw 1977).

use super::{DistanceMatrix, classical, purpose};
use crate::distances::DistanceError;
use chiliad_tasks::Stream;
use rayon::prelude::*;
use serde::Serialize;

/// How the embedding is looked for.
#[derive(Clone, Copy, Debug)]
pub struct SmacofOptions {
    /// Of the picture.
    pub dimensions: usize,
    /// Random starts, besides the classical embedding.
    pub restarts: usize,
    /// Relative fall of the stress below which a run ends.
    pub tolerance: f64,
    /// Steps of a run at most.
    pub most_steps: usize,
    /// Of the random starts.
    pub seed: u64,
}

impl Default for SmacofOptions {
    fn default() -> Self {
        Self {
            dimensions: 2,
            restarts: 100,
            tolerance: 1e-6,
            most_steps: 1000,
            seed: 0,
        }
    }
}

/// The best of all runs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Smacof {
    /// `[network][dimension]`.
    pub coordinates: Vec<Vec<f64>>,
    /// Sum over pairs of squared differences between distance and picture.
    pub stress: f64,
    /// Kruskal's stress-1: the root of that over the sum of squared distances in the picture.
    pub stress_1: f64,
    /// Worst stress of a run minus the best.
    pub spread: f64,
}

/// From the classical embedding and from random ones.
///
/// # Errors
///
/// As [`classical`], and for distances below zero.
pub fn smacof(matrix: &DistanceMatrix, options: &SmacofOptions) -> Result<Smacof, DistanceError> {
    let n = matrix.n();
    if matrix.values().iter().any(|d| *d < 0.0) {
        return Err(DistanceError::Array {
            name: "distances".into(),
            shape: vec![n, n],
            what: "some are below zero".into(),
            allowed: "0 or more for SMACOF".into(),
        });
    }
    let first = classical(matrix, options.dimensions)?.coordinates;
    let largest = matrix.values().iter().copied().fold(0.0, f64::max);
    let stream = Stream::new(options.seed, purpose::SMACOF);
    let runs: Vec<(f64, Vec<Vec<f64>>)> = (0..=options.restarts)
        .into_par_iter()
        .map(|k| {
            let start = if k == 0 {
                first.clone()
            } else {
                let mut draws = stream.draws(k as u32);
                (0..n)
                    .map(|_| {
                        let mut one = || largest * (f64::from(draws.uniform()) - 0.5);
                        (0..options.dimensions).map(|_| one()).collect()
                    })
                    .collect()
            };
            run(matrix, start, options)
        })
        .collect();
    let worst = runs.iter().map(|r| r.0).fold(0.0, f64::max);
    let mut best = (f64::INFINITY, first);
    for r in runs {
        if r.0 < best.0 {
            best = r;
        }
    }
    let (stress, coordinates) = best;
    let shown: f64 = (0..n)
        .flat_map(|i| (0..i).map(move |j| (i, j)))
        .map(|(i, j)| distance(&coordinates[i], &coordinates[j]).powi(2))
        .sum();
    Ok(Smacof {
        coordinates,
        stress,
        stress_1: if shown > 0.0 {
            (stress / shown).sqrt()
        } else {
            0.0
        },
        spread: worst - stress,
    })
}

/// One run: Guttman transforms until the stress stops falling.
fn run(
    matrix: &DistanceMatrix,
    mut x: Vec<Vec<f64>>,
    options: &SmacofOptions,
) -> (f64, Vec<Vec<f64>>) {
    let mut stress = stress(matrix, &x);
    for _ in 0..options.most_steps {
        let next = guttman(matrix, &x);
        let after = self::stress(matrix, &next);
        let fall = stress - after;
        if fall <= 0.0 {
            break;
        }
        x = next;
        stress = after;
        if fall < options.tolerance * (stress + fall) {
            break;
        }
    }
    (stress, x)
}

fn guttman(matrix: &DistanceMatrix, x: &[Vec<f64>]) -> Vec<Vec<f64>> {
    let n = x.len();
    (0..n)
        .map(|i| {
            let mut next = vec![0.0; x[i].len()];
            for j in (0..n).filter(|j| *j != i) {
                let shown = distance(&x[i], &x[j]);
                // Two points in one place pull each other nowhere.
                let ratio = if shown > 0.0 {
                    matrix.at(i, j) / shown
                } else {
                    0.0
                };
                for (k, v) in next.iter_mut().enumerate() {
                    *v += ratio * (x[i][k] - x[j][k]);
                }
            }
            next.iter().map(|v| v / n as f64).collect()
        })
        .collect()
}

fn stress(matrix: &DistanceMatrix, x: &[Vec<f64>]) -> f64 {
    let one = |i: usize, j: usize| (matrix.at(i, j) - distance(&x[i], &x[j])).powi(2);
    (0..x.len())
        .map(|i| (0..i).map(|j| one(i, j)).sum::<f64>())
        .sum()
}

fn distance(a: &[f64], b: &[f64]) -> f64 {
    let squares: f64 = a.iter().zip(b).map(|(x, y)| (x - y).powi(2)).sum();
    squares.sqrt()
}
