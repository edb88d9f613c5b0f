//! Flows as maps over one time step of the classical Runge-Kutta method.

use super::System;

/// A vector field `dx/dt = f(x)` and its derivative.
pub trait Flow {
    /// Length of a state.
    fn dimension(&self) -> usize;

    /// `f(x)`
    fn rate(&self, state: &[f64], rate: &mut [f64]);

    /// The derivative of `f`, row-major `[to, from]`.
    fn rate_jacobian(&self, state: &[f64], jacobian: &mut [f64]);
}

/// Lorenz (1963): `x' = sigma (y - x)`, `y' = x (rho - z) - y`, `z' = x y - beta z`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Lorenz63 {
    /// Prandtl number.
    pub sigma: f64,
    /// Rayleigh number over its critical value.
    pub rho: f64,
    /// Aspect of the cells.
    pub beta: f64,
}

impl Default for Lorenz63 {
    fn default() -> Self {
        Self {
            sigma: 10.0,
            rho: 28.0,
            beta: 8.0 / 3.0,
        }
    }
}

impl Flow for Lorenz63 {
    fn dimension(&self) -> usize {
        3
    }

    fn rate(&self, s: &[f64], rate: &mut [f64]) {
        rate[0] = self.sigma * (s[1] - s[0]);
        rate[1] = s[0] * (self.rho - s[2]) - s[1];
        rate[2] = s[0] * s[1] - self.beta * s[2];
    }

    fn rate_jacobian(&self, s: &[f64], jacobian: &mut [f64]) {
        jacobian.copy_from_slice(&[
            -self.sigma,
            self.sigma,
            0.0,
            self.rho - s[2],
            -1.0,
            -s[0],
            s[1],
            s[0],
            -self.beta,
        ]);
    }
}

/// A flow over one time step. Its Jacobian is that of the step itself, so that state and tangents see the same scheme.
#[derive(Clone, Debug)]
pub struct RungeKutta4<F> {
    flow: F,
    dt: f64,
    /// Stage slopes `k1 .. k4`.
    slopes: [Vec<f64>; 4],
    stage: Vec<f64>,
}

/// Where each stage stands on the slope before it, in time steps, and its weight in the sum, in sixths.
const STAGES: [(f64, f64); 4] = [(0.0, 1.0), (0.5, 2.0), (0.5, 2.0), (1.0, 1.0)];

impl<F: Flow> RungeKutta4<F> {
    /// A flow with time steps of `dt`.
    pub fn new(flow: F, dt: f64) -> Self {
        let zeros = vec![0.0; flow.dimension()];
        Self {
            slopes: std::array::from_fn(|_| zeros.clone()),
            stage: zeros,
            flow,
            dt,
        }
    }

    /// Puts the state of stage `i` into `self.stage`.
    fn stand(&mut self, state: &[f64], i: usize) {
        self.stage.copy_from_slice(state);
        if i > 0 {
            for (x, k) in self.stage.iter_mut().zip(&self.slopes[i - 1]) {
                *x += STAGES[i].0 * self.dt * k;
            }
        }
    }
}

impl<F: Flow> System for RungeKutta4<F> {
    fn dimension(&self) -> usize {
        self.flow.dimension()
    }

    fn step(&mut self, state: &[f64], next: &mut [f64]) {
        next.copy_from_slice(state);
        for (i, (_, weight)) in STAGES.into_iter().enumerate() {
            self.stand(state, i);
            self.flow.rate(&self.stage, &mut self.slopes[i]);
            for (x, k) in next.iter_mut().zip(&self.slopes[i]) {
                *x += weight * self.dt / 6.0 * k;
            }
        }
    }

    fn jacobian(&mut self, state: &[f64], jacobian: &mut [f64]) {
        let n = self.flow.dimension();
        let mut local = vec![0.0; n * n];
        // Derivative of the slope before, then of this one: K_i = Df(stage_i) (I + c_i dt K_{i-1}).
        let mut before = vec![0.0; n * n];
        let mut inner = vec![0.0; n * n];
        jacobian.fill(0.0);
        (0..n).for_each(|i| jacobian[i * n + i] = 1.0);
        for (i, (at, weight)) in STAGES.into_iter().enumerate() {
            self.stand(state, i);
            self.flow.rate(&self.stage, &mut self.slopes[i]);
            self.flow.rate_jacobian(&self.stage, &mut local);
            for (r, row) in inner.chunks_mut(n).enumerate() {
                for (c, x) in row.iter_mut().enumerate() {
                    *x = f64::from(u8::from(r == c)) + at * self.dt * before[r * n + c];
                }
            }
            for r in 0..n {
                for c in 0..n {
                    before[r * n + c] = (0..n).map(|j| local[r * n + j] * inner[j * n + c]).sum();
                }
            }
            for (x, k) in jacobian.iter_mut().zip(&before) {
                *x += weight * self.dt / 6.0 * k;
            }
        }
    }
}
