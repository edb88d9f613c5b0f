//! From one seed to a fixed point, or to a local minimum of the residual, or to nothing.

use crate::map::{Map, Scratch};

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// Newton converged to coarse precision.
    Point,
    /// A local minimum of the residual that is not zero.
    Minimum,
    /// Neither, within the steps allowed.
    Lost,
}

/// Where a run ended.
#[derive(Clone, Debug)]
pub(crate) struct Run {
    pub(crate) end: End,
    pub(crate) state: Vec<f64>,
    pub(crate) steps: usize,
}

/// A map with the buffers and lengths of a search.
pub(crate) struct Solver<'a> {
    pub(crate) map: &'a Map,
    pub(crate) scratch: Scratch,
    scale: f64,
    steps_max: usize,
    residual: Vec<f64>,
    step: Vec<f64>,
    trial: Vec<f64>,
    trial_residual: Vec<f64>,
    /// Residual norms along a run, where somebody wants them.
    pub(crate) trace: Option<Vec<f64>>,
}

/// Newton step, relative to the scale, at which a run has found its point.
const COARSE: f64 = 1e-6;
/// Smallest share of a Newton step that is tried before Levenberg-Marquardt takes over.
const SHORTEST: f64 = 1.0 / 64.0;
/// Levenberg-Marquardt steps in a row.
const DAMPED_MAX: usize = 60;

/// Levenberg-Marquardt steps after which a residual above `HOPELESS` of the scale is given up: no slow point is there.
const PATIENCE: usize = 12;
const HOPELESS: f64 = 0.2;

pub(crate) fn norm(x: &[f64]) -> f64 {
    x.iter().map(|v| v * v).sum::<f64>().sqrt()
}

impl<'a> Solver<'a> {
    pub(crate) fn new(map: &'a Map, scale: f64, steps_max: usize) -> Self {
        let zeros = vec![0.0; map.n_state()];
        Self {
            map,
            scratch: map.scratch(),
            scale,
            steps_max,
            residual: zeros.clone(),
            step: zeros.clone(),
            trial: zeros.clone(),
            trial_residual: zeros,
            trace: None,
        }
    }

    /// `state + share * step`, kept inside the box; returns its residual norm.
    fn attempt(&mut self, state: &[f64], share: f64) -> f64 {
        for ((t, h), d) in self.trial.iter_mut().zip(state).zip(&self.step) {
            *t = share.mul_add(*d, *h);
        }
        if let Some(widths) = self.map.half_widths() {
            for (t, w) in self.trial.iter_mut().zip(widths) {
                *t = t.clamp(-w, *w);
            }
        }
        self.map.target_residual(
            &mut self.scratch,
            &self.trial,
            false,
            &mut self.trial_residual,
        );
        norm(&self.trial_residual)
    }

    /// Damped Newton from a seed; where it stalls, descent of the residual by Levenberg-Marquardt.
    pub(crate) fn run(&mut self, seed: &[f64]) -> Run {
        let mut state = seed.to_vec();
        if let Some(widths) = self.map.half_widths() {
            state
                .iter_mut()
                .zip(widths)
                .for_each(|(x, w)| *x = x.clamp(-w, *w));
        }
        // Without a box a near-singular matrix must not throw the state out of sight.
        let longest = if self.map.half_widths().is_some() {
            f64::INFINITY
        } else {
            10.0 * self.scale
        };
        let mut steps = 0;
        let mut short = 0;
        while steps < self.steps_max {
            self.map
                .target_residual(&mut self.scratch, &state, true, &mut self.residual);
            let now = norm(&self.residual);
            self.trace.iter_mut().for_each(|t| t.push(now));
            if !now.is_finite() {
                break;
            }
            if now <= 1e-14 * self.scale {
                return Run {
                    end: End::Point,
                    state,
                    steps,
                };
            }
            steps += 1;
            let mut taken = 0.0;
            if self
                .map
                .newton_step(&mut self.scratch, &self.residual, &mut self.step)
                .is_some()
            {
                let length = norm(&self.step);
                let mut share = (longest / length).min(1.0);
                while share >= SHORTEST {
                    let then = self.attempt(&state, share);
                    if then <= (1.0 - 1e-4 * share) * now
                        || (length <= COARSE * self.scale && then <= now)
                    {
                        taken = share;
                        state.copy_from_slice(&self.trial);
                        break;
                    }
                    share *= 0.5;
                }
                if length <= COARSE * self.scale {
                    return Run {
                        end: End::Point,
                        state,
                        steps,
                    };
                }
            }
            short = if taken < 0.2 { short + 1 } else { 0 };
            if taken == 0.0 || short >= 4 {
                if let Some(end) = self.descend(&mut state, &mut steps) {
                    return Run { end, state, steps };
                }
                short = 0;
            }
        }
        Run {
            end: End::Lost,
            state,
            steps,
        }
    }

    /// Levenberg-Marquardt; `None` once the residual has fallen to a tenth and Newton may go on.
    fn descend(&mut self, state: &mut [f64], steps: &mut usize) -> Option<End> {
        let mut shift = 1e-3;
        let mut entry = None;
        for damped in 0..DAMPED_MAX {
            self.map
                .target_residual(&mut self.scratch, state, true, &mut self.residual);
            let now = norm(&self.residual);
            self.trace.iter_mut().for_each(|t| t.push(now));
            if damped >= PATIENCE && now > HOPELESS * self.scale {
                return Some(End::Lost);
            }
            let first = *entry.get_or_insert(now);
            if now <= 1e-12 * self.scale {
                return Some(End::Point);
            }
            if now < 0.1 * first && shift <= 1e-4 {
                return None;
            }
            *steps += 1;
            self.map.prepare_damped(&mut self.scratch);
            let mut moved = false;
            while shift < 1e6 {
                let residual = std::mem::take(&mut self.residual);
                let slope =
                    self.map
                        .damped_step(&mut self.scratch, &residual, shift, &mut self.step);
                self.residual = residual;
                if slope.is_some_and(|s| s < 1e-9) {
                    return Some(End::Minimum);
                }
                if slope.is_some() && self.attempt(state, 1.0) < now {
                    moved = true;
                    break;
                }
                shift *= 8.0;
            }
            if !moved {
                return Some(End::Minimum);
            }
            let change = self
                .trial
                .iter()
                .zip(state.iter())
                .map(|(a, b)| (a - b).powi(2))
                .sum::<f64>()
                .sqrt();
            state.copy_from_slice(&self.trial);
            shift = (shift * 0.2).max(1e-13);
            if change < 1e-9 * self.scale {
                return Some(End::Minimum);
            }
        }
        Some(End::Lost)
    }

    /// Newton at full length until its step no longer shrinks: the best state and its step's length.
    pub(crate) fn polish(&mut self, state: &[f64]) -> (Vec<f64>, f64) {
        let mut state = state.to_vec();
        let mut best = (state.clone(), f64::INFINITY);
        for _ in 0..60 {
            let length = self.newton_length(&state);
            if length.is_finite() && length < best.1 {
                best = (state.clone(), length);
            } else if best.1 < 1e-10 * self.scale || !length.is_finite() || length > 4.0 * best.1 {
                break;
            }
            if length <= 1e-16 * self.scale {
                break;
            }
            state.iter_mut().zip(&self.step).for_each(|(x, d)| *x += d);
        }
        best
    }

    /// Length of the Newton step at a state (of least norm where `I - J` is singular); the step is left in `self.step`.
    pub(crate) fn newton_length(&mut self, state: &[f64]) -> f64 {
        self.map
            .target_residual(&mut self.scratch, state, true, &mut self.residual);
        if norm(&self.residual) == 0.0 {
            self.step.fill(0.0);
            return 0.0;
        }
        if self
            .map
            .newton_step(&mut self.scratch, &self.residual, &mut self.step)
            .is_none()
        {
            self.map.prepare_damped(&mut self.scratch);
            let residual = std::mem::take(&mut self.residual);
            let solved = self
                .map
                .damped_step(&mut self.scratch, &residual, 1e-13, &mut self.step);
            self.residual = residual;
            if solved.is_none() {
                return f64::INFINITY;
            }
        }
        norm(&self.step)
    }
}
