//! Where states end when the input stays constant.
//!
//! Many states run together until each is near a known attractor, which nearly all are soon; what is not goes on alone and is
//! told apart. All in f64: next to a boundary the seventh digit decides on which side a state leaves.

use super::Options;
use super::graph::NodeKind;
use chiliad_engine::linearise::spectrum;
use chiliad_engine::map::{Block, Map, Scratch};
use faer::prelude::Solve;

/// Steps between two looks at whether a trajectory has arrived.
const LOOK: usize = 8;
/// States that run together before those left go on alone: an attractor that these find is known to the next.
const TOGETHER: usize = 64;
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
    /// Within which of its states another one is on it; of what does not settle, how far its states are from the first.
    radius: f64,
}

/// A network at a constant input and the attractors known so far.
pub(crate) struct Flow<'a> {
    pub(crate) map: &'a Map,
    pub(crate) scratch: Scratch,
    pub(crate) scale: f64,
    pub(crate) attractors: Vec<Attractor>,
    options: &'a Options,
    block: Block<'a, f64>,
    next: Vec<f64>,
    /// Steps taken so far.
    taken: usize,
    /// What did not settle and was put to the last of what does not, because there are too many to tell apart.
    pub(crate) joined: usize,
}

/// What a state has come to among others.
enum Run {
    /// An attractor.
    Ended(usize),
    /// None yet: the state, and the steps it took.
    Open(Vec<f64>, usize),
}

pub(crate) fn distance(a: &[f64], b: &[f64]) -> f64 {
    a.iter()
        .zip(b)
        .map(|(x, y)| (x - y).powi(2))
        .sum::<f64>()
        .sqrt()
}

/// Whether two states are within a distance; most pairs are told apart by their first units.
fn within(a: &[f64], b: &[f64], radius: f64) -> bool {
    const LANES: usize = 8;
    let most = radius * radius;
    let mut sum = 0.0;
    for (a, b) in a.chunks(LANES).zip(b.chunks(LANES)) {
        sum += a.iter().zip(b).map(|(x, y)| (x - y).powi(2)).sum::<f64>();
        if sum > most {
            return false;
        }
    }
    sum <= most
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
            block: Block::new(map),
            next: vec![0.0; map.n_state()],
            taken: 0,
            joined: 0,
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
        self.ends(&[state.to_vec()])[0]
    }

    /// The attractors on which states end.
    pub(crate) fn ends(&mut self, states: &[Vec<f64>]) -> Vec<usize> {
        let mut ends = Vec::with_capacity(states.len());
        for together in states.chunks(TOGETHER) {
            for run in self.run(together) {
                ends.push(match run {
                    Run::Ended(known) => known,
                    Run::Open(state, taken) => self.settle(state, taken),
                });
            }
        }
        ends
    }

    /// Runs states on until they are near a known attractor, or have taken all steps but those in which it is found out what
    /// they do.
    fn run(&mut self, states: &[Vec<f64>]) -> Vec<Run> {
        let steps = self.options.steps_max.saturating_sub(REPEAT) / REPEAT * REPEAT;
        let mut runs: Vec<Run> = states.iter().map(|s| Run::Open(s.clone(), 0)).collect();
        // Which state is in each row; a row that is done takes in the next.
        let (mut rows, mut next): (Vec<usize>, usize) = (Vec::new(), 0);
        let mut now = vec![0.0; self.map.n_state()];
        if steps == 0 {
            return runs;
        }
        loop {
            while rows.len() < Block::<f64>::ROWS && next < states.len() {
                self.block.put(rows.len(), &states[next]);
                rows.push(next);
                next += 1;
            }
            if rows.is_empty() {
                break;
            }
            self.block.advance(rows.len(), LOOK);
            self.taken += LOOK * rows.len();
            for row in (0..rows.len()).rev() {
                let Run::Open(state, taken) = &mut runs[rows[row]] else {
                    continue;
                };
                *taken += LOOK;
                let taken = *taken;
                self.block.take(row, &mut now);
                if taken >= steps {
                    state.copy_from_slice(&now);
                } else if let Some(end) = self.arrived(&now, taken) {
                    runs[rows[row]] = Run::Ended(end);
                } else {
                    continue;
                }
                let last = rows.len() - 1;
                self.block.copy(last, row);
                rows.swap_remove(row);
            }
        }
        runs
    }

    /// The known attractor at which a state is after so many steps.
    fn arrived(&mut self, now: &[f64], taken: usize) -> Option<usize> {
        let size = now.iter().map(|x| x * x).sum::<f64>();
        if size.is_nan() || size > (GONE * self.scale).powi(2) {
            return Some(self.diverged());
        }
        self.captured(now).or_else(|| {
            taken
                .is_multiple_of(REST)
                .then(|| self.near_other(now, ON_OTHER))
                .flatten()
        })
    }

    /// The attractor on which a state ends that has taken some steps; one that is new is added.
    fn settle(&mut self, mut now: Vec<f64>, mut taken: usize) -> usize {
        while taken < self.options.steps_max {
            for _ in 0..LOOK {
                self.step(&mut now);
            }
            taken += LOOK;
            if let Some(known) = self.arrived(&now, taken) {
                return known;
            }
            if taken.is_multiple_of(REST) {
                let mut then = now.clone();
                self.step(&mut then);
                if distance(&then, &now) <= RESTING * self.scale {
                    return self.rests(&now);
                }
            }
            if taken.is_multiple_of(REPEAT) {
                if let Some(orbit) = self.orbit(&now) {
                    return self.cycle(orbit);
                }
            }
        }
        self.unsettled(now)
    }

    fn captured(&self, state: &[f64]) -> Option<usize> {
        let on = |a: &Attractor| {
            a.kind != NodeKind::Other && a.orbit.iter().any(|s| within(s, state, a.radius))
        };
        self.attractors.iter().position(on)
    }

    /// What does not settle, if a state is within a distance of its states.
    fn near_other(&self, state: &[f64], radius: f64) -> Option<usize> {
        self.same_other(std::slice::from_ref(&state), 0.0, radius)
    }

    /// What does not settle, if one of some states, all within `reach` of the first, is within a distance of its states.
    fn same_other<S: AsRef<[f64]>>(&self, states: &[S], reach: f64, radius: f64) -> Option<usize> {
        let radius = radius * self.scale;
        let first = states.first()?.as_ref();
        // Most are told apart by where they lie: both have hundreds of states.
        let about = |a: &Attractor, state: &[f64], reach: f64| {
            a.orbit
                .first()
                .is_some_and(|s| within(s, state, radius + a.radius + reach))
        };
        let meets = |a: &Attractor| {
            about(a, first, reach)
                && states.iter().map(AsRef::as_ref).any(|state| {
                    about(a, state, 0.0) && a.orbit.iter().any(|s| within(s, state, radius))
                })
        };
        self.attractors
            .iter()
            .position(|a| a.kind == NodeKind::Other && meets(a))
    }

    fn unsettled(&mut self, mut now: Vec<f64>) -> usize {
        let mut orbit = Vec::with_capacity(KEPT);
        for _ in 0..KEPT {
            orbit.push(now.clone());
            self.step(&mut now);
        }
        let reach = orbit
            .iter()
            .map(|s| distance(s, &orbit[0]))
            .fold(0.0, f64::max)
            // Rounding in the distances must not hide a state.
            * (1.0 + 1e-12);
        let known = self.same_other(&orbit, reach, 5.0 * ON_OTHER);
        let others: Vec<usize> = (0..self.attractors.len())
            .filter(|a| self.attractors[*a].kind == NodeKind::Other)
            .collect();
        let full = others.len() >= self.options.others_max;
        if let (None, true, Some(&last)) = (known, full, others.last()) {
            self.joined += 1;
            return last;
        }
        known.unwrap_or_else(|| {
            self.attractors.push(Attractor {
                kind: NodeKind::Other,
                point: None,
                radius: reach,
                orbit,
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
