//! Rotation number and radius of an invariant circle.

use faer::{Mat, Side};
use serde::{Deserialize, Serialize};
use std::f64::consts::{PI, TAU};

/// An invariant circle, seen in the plane of its two leading principal components.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Circle {
    /// Mean angle per step about the centre, rad, in (-pi, pi]. Positive turns from the first coordinate towards the second
    /// in a plane whose largest 2 x 2 minor of (component, coordinate), coordinates ascending, is positive; in two
    /// dimensions that is counter-clockwise. `None` where the projection comes too near the centre to wind about it.
    pub rotation: Option<f64>,
    /// Mean over time of the distance from the centre, in that plane.
    pub radius_mean: f64,
    /// Smallest distance.
    pub radius_min: f64,
    /// Largest distance.
    pub radius_max: f64,
    /// Share of the variance in that plane.
    pub plane_variance: f64,
}

/// Smallest distance from the centre, relative to the mean, at which angles mean something.
const WINDS: f64 = 0.02;

impl Circle {
    /// From an orbit that is already on it, `[time][coordinate]`; `None` with fewer than two coordinates.
    pub(crate) fn of(orbit: &[Vec<f64>]) -> Option<Self> {
        let n = orbit.first().map_or(0, Vec::len);
        if n < 2 || orbit.len() < 3 {
            return None;
        }
        // A smooth window makes time averages along a quasi-periodic orbit converge faster than any power of its length
        // (Das et al. 2017); the plain average would be wrong by 1 / length.
        let window = |t: usize, length: usize| {
            let s = (t + 1) as f64 / (length + 1) as f64;
            (-1.0 / (s * (1.0 - s))).exp()
        };
        let length = orbit.len();
        let total: f64 = (0..length).map(|t| window(t, length)).sum();
        let mut centre = vec![0.0; n];
        for (t, state) in orbit.iter().enumerate() {
            let share = window(t, length) / total;
            centre
                .iter_mut()
                .zip(state)
                .for_each(|(c, x)| *c += share * x);
        }
        let mut covariance = Mat::<f64>::zeros(n, n);
        for (t, state) in orbit.iter().enumerate() {
            let share = window(t, length) / total;
            for i in 0..n {
                let d = share * (state[i] - centre[i]);
                for j in 0..=i {
                    covariance[(i, j)] += d * (state[j] - centre[j]);
                }
            }
        }
        let eigen = covariance.self_adjoint_eigen(Side::Lower).ok()?;
        // Ascending.
        let values: Vec<f64> = (0..n)
            .map(|i| eigen.S().column_vector()[i].max(0.0))
            .collect();
        let first: Vec<f64> = (0..n).map(|i| eigen.U()[(i, n - 1)]).collect();
        let mut second: Vec<f64> = (0..n).map(|i| eigen.U()[(i, n - 2)]).collect();
        let mut largest = 0.0_f64;
        for i in 0..n {
            for j in i + 1..n {
                let minor = first[i] * second[j] - first[j] * second[i];
                // A margin, so that rounding does not choose among equal minors.
                if minor.abs() > largest.abs() * (1.0 + 1e-9) {
                    largest = minor;
                }
            }
        }
        if largest < 0.0 {
            second.iter_mut().for_each(|x| *x = -*x);
        }
        let project = |state: &[f64], axis: &[f64]| -> f64 {
            let along = state.iter().zip(&centre).zip(axis);
            along.map(|((x, c), a)| (x - c) * a).sum()
        };
        let plane: Vec<(f64, f64)> = orbit
            .iter()
            .map(|s| (project(s, &first), project(s, &second)))
            .collect();
        let radii: Vec<f64> = plane.iter().map(|(x, y)| x.hypot(*y)).collect();
        let radius_mean = radii
            .iter()
            .enumerate()
            .map(|(t, r)| window(t, length) / total * r)
            .sum();
        let radius_min = radii.iter().copied().fold(f64::INFINITY, f64::min);
        let steps = length - 1;
        let total: f64 = (0..steps).map(|t| window(t, steps)).sum();
        let rotation: f64 = plane
            .windows(2)
            .enumerate()
            .map(|(t, pair)| {
                let turn = pair[1].1.atan2(pair[1].0) - pair[0].1.atan2(pair[0].0);
                let turn = turn - TAU * ((turn - PI) / TAU).ceil();
                window(t, steps) / total * turn
            })
            .sum();
        Some(Self {
            rotation: (radius_min > WINDS * radius_mean).then_some(rotation),
            radius_mean,
            radius_min,
            radius_max: radii.iter().copied().fold(0.0, f64::max),
            plane_variance: (values[n - 1] + values[n - 2])
                / values.iter().sum::<f64>().max(f64::MIN_POSITIVE),
        })
    }
}
