//! Associative memory with fixed Hebbian weights (Hopfield 1984): `x' = tanh(gain W x)`, `W = X X^T / n` without its diagonal.

use super::System;

/// Weights made of stored patterns, and the gain of the units.
#[derive(Clone, Debug, PartialEq)]
pub struct HebbianMemory {
    /// `[to, from]`
    weights: Vec<f64>,
    gain: f64,
    bounds: Vec<f64>,
}

impl HebbianMemory {
    /// Patterns of equal length, at least one of at least one component; `None` otherwise. Components are +1 or -1 where the
    /// rule's theory holds; any number is taken.
    pub fn new(patterns: &[Vec<f64>], gain: f64) -> Option<Self> {
        let n = patterns.first()?.len();
        if n == 0 || patterns.iter().any(|p| p.len() != n) {
            return None;
        }
        let weight = |to: usize, from: usize| {
            if to == from {
                0.0
            } else {
                patterns.iter().map(|p| p[to] * p[from]).sum::<f64>() / n as f64
            }
        };
        Some(Self {
            weights: (0..n * n).map(|e| weight(e / n, e % n)).collect(),
            gain,
            bounds: vec![1.0; n],
        })
    }

    /// `[to, from]`: the recurrent weights of a `vanilla` network that is this memory at gain 1.
    pub fn weights(&self) -> &[f64] {
        &self.weights
    }

    fn pre_activation(&self, unit: usize, state: &[f64]) -> f64 {
        let row = &self.weights[unit * state.len()..][..state.len()];
        self.gain * row.iter().zip(state).map(|(w, x)| w * x).sum::<f64>()
    }
}

impl System for HebbianMemory {
    fn dimension(&self) -> usize {
        self.bounds.len()
    }

    fn step(&mut self, state: &[f64], next: &mut [f64]) {
        for (i, x) in next.iter_mut().enumerate() {
            *x = self.pre_activation(i, state).tanh();
        }
    }

    fn jacobian(&mut self, state: &[f64], jacobian: &mut [f64]) {
        let n = state.len();
        for i in 0..n {
            let slope = self.gain * (1.0 - self.pre_activation(i, state).tanh().powi(2));
            for j in 0..n {
                jacobian[i * n + j] = slope * self.weights[i * n + j];
            }
        }
    }

    fn half_widths(&self) -> Option<&[f64]> {
        Some(&self.bounds)
    }
}
