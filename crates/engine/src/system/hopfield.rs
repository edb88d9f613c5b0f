//! Modern Hopfield network (Ramsauer et al. 2020): `xi' = X softmax(beta X^T xi)`.

use super::System;

/// Stored patterns and an inverse temperature.
#[derive(Clone, Debug, PartialEq)]
pub struct ModernHopfield {
    /// `[pattern][component]`
    patterns: Vec<Vec<f64>>,
    beta: f64,
    dimension: usize,
}

impl ModernHopfield {
    /// Patterns of equal length, at least one of at least one component; `None` otherwise.
    pub fn new(patterns: Vec<Vec<f64>>, beta: f64) -> Option<Self> {
        let dimension = patterns.first()?.len();
        (dimension > 0 && patterns.iter().all(|p| p.len() == dimension)).then_some(Self {
            patterns,
            beta,
            dimension,
        })
    }

    fn overlaps(&self, state: &[f64]) -> Vec<f64> {
        let dot = |p: &Vec<f64>| p.iter().zip(state).map(|(a, b)| a * b).sum::<f64>();
        self.patterns.iter().map(dot).collect()
    }

    fn softmax(&self, state: &[f64]) -> Vec<f64> {
        let overlaps = self.overlaps(state);
        let largest = overlaps.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let weights: Vec<f64> = overlaps
            .iter()
            .map(|a| (self.beta * (a - largest)).exp())
            .collect();
        let total: f64 = weights.iter().sum();
        weights.into_iter().map(|w| w / total).collect()
    }

    /// `E = -lse(beta, X^T xi) + xi^T xi / 2 + log(N) / beta + M^2 / 2`, with M the largest norm of a pattern.
    pub fn energy(&self, state: &[f64]) -> f64 {
        let overlaps = self.overlaps(state);
        let largest = overlaps.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let sum: f64 = overlaps
            .iter()
            .map(|a| (self.beta * (a - largest)).exp())
            .sum();
        let square = |x: &[f64]| x.iter().map(|v| v * v).sum::<f64>();
        let norm = self.patterns.iter().map(|p| square(p)).fold(0.0, f64::max);
        -(largest + sum.ln() / self.beta)
            + 0.5 * square(state)
            + (self.patterns.len() as f64).ln() / self.beta
            + 0.5 * norm
    }
}

impl System for ModernHopfield {
    fn dimension(&self) -> usize {
        self.dimension
    }

    fn step(&mut self, state: &[f64], next: &mut [f64]) {
        next.fill(0.0);
        for (p, pattern) in self.softmax(state).into_iter().zip(&self.patterns) {
            next.iter_mut().zip(pattern).for_each(|(x, y)| *x += p * y);
        }
    }

    /// `beta X (diag p - p p^T) X^T`
    fn jacobian(&mut self, state: &[f64], jacobian: &mut [f64]) {
        let p = self.softmax(state);
        let n = self.dimension;
        let mean: Vec<f64> = (0..n)
            .map(|i| self.patterns.iter().zip(&p).map(|(x, p)| p * x[i]).sum())
            .collect();
        for i in 0..n {
            for j in 0..n {
                let second: f64 = self
                    .patterns
                    .iter()
                    .zip(&p)
                    .map(|(x, p)| p * x[i] * x[j])
                    .sum();
                jacobian[i * n + j] = self.beta * (second - mean[i] * mean[j]);
            }
        }
    }
}
