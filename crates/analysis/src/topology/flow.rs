//! Where states end when the input stays constant, in f64.

use super::Options;
use super::graph::NodeKind;
use chiliad_engine::linearise::spectrum;
use chiliad_engine::map::{Map, Scratch};
use faer::prelude::Solve;

/// Steps between two looks at whether a trajectory has arrived.
const LOOK: usize = 4;
/// Steps between two looks at whether it rests, and whether it repeats.
const REST: usize = 64;
const REPEAT: usize = 512;
/// Share of the distance to the nearest other point within which a state belongs to a stable point (project default).
const CAPTURE: f64 = 0.02;
/// Movement per step, relative to the scale, of a state that rests.
const RESTING: f64 = 1e-9;
/// Return distance of a periodic orbit, relative to the scale, and the distance within which two orbits are one.
const RETURNS: f64 = 1e-6;
const SAME_ORBIT: f64 = 1e-3;
/// States kept of what does not settle; a trajectory that comes this close to one of them, relative to the scale, is on
/// it, and two whose states come within five times that are one (project default).
const KEPT: usize = 512;
const ON_OTHER: f64 = 0.01;
/// Norm, relative to the scale, beyond which a state has diverged.
const GONE: f64 = 1e6;

/// What states end on.
#[derive(Clone, Debug)]
pub(crate) struct Attractor {
    pub(crate) kind: NodeKind,
    /// Its number in the search.
    pub(crate) point: Option<usize>,
    /// One state, the states of a period, or the last states of what does not settle.
    pub(crate) orbit: Vec<Vec<f64>>,
    radius: f64,
}

/// A network at a constant input and the attractors known so far.
pub(crate) struct Flow<'a> {
    pub(crate) map: &'a Map,
    pub(crate) scratch: Scratch,
    pub(crate) scale: f64,
    pub(crate) attractors: Vec<Attractor>,
    options: &'a Options,
    next: Vec<f64>,
    /// Steps taken so far.
    taken: usize,
}

pub(crate) fn distance(a: &[f64], b: &[f64]) -> f64 {
    a.iter()
        .zip(b)
        .map(|(x, y)| (x - y).powi(2))
        .sum::<f64>()
        .sqrt()
}

impl<'a> Flow<'a> {
    /// `points` are all fixed points known, `stable` the places of those that attract, `nearest[point]` its distance to
    /// the nearest other one.
    pub(crate) fn new(
        map: &'a Map,
        points: &[Vec<f64>],
        stable: &[usize],
        nearest: &[f64],
        scale: f64,
        options: &'a Options,
    ) -> Self {
        let attractors = stable
            .iter()
            .map(|&p| Attractor {
                kind: NodeKind::Stable,
                point: Some(p),
                orbit: vec![points[p].clone()],
                radius: CAPTURE * nearest[p],
            })
            .collect();
        Self {
            map,
            scratch: map.scratch(),
            scale,
            attractors,
            options,
            next: vec![0.0; map.n_state()],
            taken: 0,
        }
    }

    /// One step in place.
    pub(crate) fn step(&mut self, state: &mut Vec<f64>) {
        self.map.step(&mut self.scratch, state, &mut self.next);
        std::mem::swap(state, &mut self.next);
        self.taken += 1;
    }

    /// Whether the steps that this network gets are spent.
    pub(crate) fn spent(&self) -> bool {
        self.taken >= self.options.steps_total
    }

    /// The attractor on which a state ends; one that is new is added.
    pub(crate) fn end(&mut self, state: &[f64]) -> usize {
        let mut now = state.to_vec();
        let mut taken = 0;
        while taken < self.options.steps_max {
            for _ in 0..LOOK {
                self.step(&mut now);
            }
            taken += LOOK;
            let size = now.iter().map(|x| x * x).sum::<f64>();
            if size.is_nan() || size > (GONE * self.scale).powi(2) {
                return self.diverged();
            }
            if let Some(known) = self.captured(&now) {
                return known;
            }
            if taken % REST == 0 {
                if let Some(known) = self.near_other(&now, ON_OTHER) {
                    return known;
                }
                let mut then = now.clone();
                self.step(&mut then);
                if distance(&then, &now) <= RESTING * self.scale {
                    return self.rests(&now);
                }
            }
            if taken % REPEAT == 0 {
                if let Some(orbit) = self.orbit(&now) {
                    return self.cycle(orbit);
                }
            }
        }
        self.unsettled(now)
    }

    fn captured(&self, state: &[f64]) -> Option<usize> {
        let on = |a: &Attractor| {
            a.kind != NodeKind::Other && a.orbit.iter().any(|s| distance(s, state) <= a.radius)
        };
        self.attractors.iter().position(on)
    }

    /// What does not settle, if a state is within a distance of its states.
    fn near_other(&self, state: &[f64], within: f64) -> Option<usize> {
        let near = |s: &Vec<f64>| distance(s, state) <= within * self.scale;
        self.attractors
            .iter()
            .position(|a| a.kind == NodeKind::Other && a.orbit.iter().any(near))
    }

    fn unsettled(&mut self, mut now: Vec<f64>) -> usize {
        let mut orbit = Vec::with_capacity(KEPT);
        for _ in 0..KEPT {
            orbit.push(now.clone());
            self.step(&mut now);
        }
        let known = orbit
            .iter()
            .find_map(|s| self.near_other(s, 5.0 * ON_OTHER));
        known.unwrap_or_else(|| {
            self.attractors.push(Attractor {
                kind: NodeKind::Other,
                point: None,
                orbit,
                radius: 0.0,
            });
            self.attractors.len() - 1
        })
    }

    /// A stable point that the search did not list; a state that rests anywhere else has not settled.
    fn rests(&mut self, state: &[f64]) -> usize {
        let found = self
            .newton(state)
            .filter(|p| distance(p, state) <= 1e-3 * self.scale);
        let Some(point) = found.filter(|p| self.unstable(p) == Some(0)) else {
            return self.unsettled(state.to_vec());
        };
        let near = |a: &Attractor| {
            a.orbit
                .iter()
                .any(|s| distance(s, &point) <= 1e-5 * self.scale)
        };
        if let Some(known) = self.attractors.iter().position(near) {
            return known;
        }
        self.attractors.push(Attractor {
            kind: NodeKind::Stable,
            point: None,
            orbit: vec![point],
            radius: 1e-4 * self.scale,
        });
        self.attractors.len() - 1
    }

    /// Number of unstable directions at a state.
    fn unstable(&mut self, state: &[f64]) -> Option<usize> {
        let jacobian = self.map.jacobian(&mut self.scratch, state);
        Some(spectrum(&jacobian, state.len())?.n_unstable)
    }

    /// States of the periodic orbit on which a state is.
    fn orbit(&mut self, state: &[f64]) -> Option<Vec<Vec<f64>>> {
        let mut now = state.to_vec();
        let mut orbit = Vec::new();
        for _ in 0..self.options.period_max {
            orbit.push(now.clone());
            self.step(&mut now);
            if distance(&now, state) <= RETURNS * self.scale {
                return (orbit.len() > 1).then_some(orbit);
            }
        }
        None
    }

    fn cycle(&mut self, orbit: Vec<Vec<f64>>) -> usize {
        let radius = SAME_ORBIT * self.scale;
        let same = |a: &Attractor| {
            a.kind == NodeKind::Cycle && a.orbit.iter().any(|s| distance(s, &orbit[0]) <= radius)
        };
        if let Some(known) = self.attractors.iter().position(same) {
            return known;
        }
        self.attractors.push(Attractor {
            kind: NodeKind::Cycle,
            point: None,
            orbit,
            radius,
        });
        self.attractors.len() - 1
    }

    fn diverged(&mut self) -> usize {
        let gone = |a: &Attractor| a.kind == NodeKind::Diverged;
        self.attractors.iter().position(gone).unwrap_or_else(|| {
            self.attractors.push(Attractor {
                kind: NodeKind::Diverged,
                point: None,
                orbit: Vec::new(),
                radius: 0.0,
            });
            self.attractors.len() - 1
        })
    }

    /// The fixed point to which Newton's method at full length converges from a state.
    pub(crate) fn newton(&mut self, state: &[f64]) -> Option<Vec<f64>> {
        let n = state.len();
        let mut now = state.to_vec();
        for _ in 0..30 {
            let jacobian = self.map.jacobian(&mut self.scratch, &now);
            let mut residual = vec![0.0; n];
            self.map.residual(&mut self.scratch, &now, &mut residual);
            let matrix = faer::Mat::<f64>::from_fn(n, n, |i, j| {
                f64::from(u8::from(i == j)) - jacobian[i * n + j]
            });
            let rhs = faer::Mat::<f64>::from_fn(n, 1, |i, _| residual[i]);
            let step = matrix.partial_piv_lu().solve(&rhs);
            let mut length = 0.0;
            for (i, x) in now.iter_mut().enumerate() {
                *x += step[(i, 0)];
                length += step[(i, 0)].powi(2);
            }
            if length.is_nan() || length.sqrt() > self.scale {
                return None;
            }
            if length.sqrt() <= 1e-10 * self.scale {
                return Some(now);
            }
        }
        None
    }
}
