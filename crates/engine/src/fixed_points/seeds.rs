//! Where searches start: every seed is a pure function of (options.seed, network seed, condition, kind, round, index).

use super::solve::norm;
use crate::executor::Trajectories;
use crate::map::{Map, Scratch};
use chiliad_tasks::random::{Draws, Stream};
use serde::{Deserialize, Serialize};

/// Purpose words of the streams of this module.
const NETWORK: u32 = 0x200;
const KIND: u32 = 0x210;
const INDEX: u32 = 0x230;
const STARTS: u32 = 0x240;

/// Kinds of seeds, in the order in which a point's finder is named.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum SeedKind {
    /// Given by the user.
    Own,
    /// A visited state.
    Visited,
    /// A visited state and normal noise of 0.5 of the field's rms per coordinate.
    VisitedNear,
    /// The same with 1.5 rms.
    VisitedFar,
    /// Convex combination of two to four end states of visited trials.
    Between,
    /// Uniform in the cell's box, or in twice the visited range where it has none.
    Box,
    /// Convex combination of two to four points found, half of them with 0.1 rms noise.
    Found,
    /// Where a driven state settled.
    Settled,
}

impl SeedKind {
    /// As in tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Own => "own",
            Self::Visited => "visited",
            Self::VisitedNear => "visited_near",
            Self::VisitedFar => "visited_far",
            Self::Between => "between",
            Self::Box => "box",
            Self::Found => "found",
            Self::Settled => "settled",
        }
    }
}

/// The five kinds of the first round.
pub(crate) const FIRST: [SeedKind; 5] = [
    SeedKind::Visited,
    SeedKind::VisitedNear,
    SeedKind::VisitedFar,
    SeedKind::Between,
    SeedKind::Box,
];

/// States that trials visited in one network.
#[derive(Clone, Debug, Default)]
pub struct Visited<'a> {
    /// Per state field: `[trial, time, unit]`.
    pub states: Vec<&'a [f32]>,
    /// Trials.
    pub n_trials: usize,
    /// Steps.
    pub n_steps: usize,
}

impl<'a> Visited<'a> {
    /// No states: the search makes its own by running the network from uniform states.
    pub fn none() -> Self {
        Self::default()
    }

    /// The states of one network of a roll-out.
    pub fn of(trajectories: &'a Trajectories, network: usize) -> Self {
        let Trajectories {
            n_trials,
            n_steps,
            n_units,
            ..
        } = *trajectories;
        let size = n_trials * n_steps * n_units;
        Self {
            states: trajectories
                .states
                .iter()
                .map(|s| &s[network * size..][..size])
                .collect(),
            n_trials,
            n_steps,
        }
    }

    /// One state, `[field, unit]`.
    fn state(&self, trial: usize, time: usize, n_units: usize) -> Vec<f64> {
        let at = (trial * self.n_steps + time) * n_units;
        self.states
            .iter()
            .flat_map(|s| &s[at..at + n_units])
            .map(|&x| f64::from(x))
            .collect()
    }
}

/// What seeds are drawn from.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    /// Visited states, `[field, unit]` each.
    visited: Vec<Vec<f64>>,
    /// Last states of the trials.
    pub(crate) ends: Vec<Vec<f64>>,
    /// Root mean square per coordinate, `[field, unit]` (equal within a field).
    rms: Vec<f64>,
    /// Half-widths of the range of uniform seeds, `[field, unit]`.
    range: Vec<f64>,
    /// Root mean square norm of a state.
    pub(crate) scale: f64,
    /// Whether the ends come from trials and not from the search itself.
    pub(crate) driven: bool,
    base: u64,
    condition: u32,
}

fn join(words: [u32; 2]) -> u64 {
    u64::from(words[0]) | u64::from(words[1]) << 32
}

/// Coordinate beyond which a state that the search drives itself is no longer followed.
const RUNS_OFF: f64 = 30.0;

/// Largest speed per step and coordinate, relative to a typical coordinate, of a state that rests in f32.
const RESTING: f64 = 5e-7;

/// Visited states kept at most: seeds draw from an even subset.
const KEPT: usize = 4096;

impl Source {
    pub(crate) fn new(
        map: &Map,
        scratch: &mut Scratch,
        visited: &Visited,
        seed: u64,
        network_seed: u64,
        condition: u32,
    ) -> Self {
        let n = map.n_units();
        let base = join(
            Stream::new(seed, NETWORK).words(network_seed as u32, (network_seed >> 32) as u32),
        );
        let size = map.n_state();
        let driven = visited.n_trials > 0
            && visited.n_steps > 0
            && visited.states.len() * n == size
            && n > 0;
        let (mut states, mut ends) = (Vec::new(), Vec::new());
        if driven {
            let total = visited.n_trials * visited.n_steps;
            let every = total.div_ceil(KEPT).max(1);
            states.extend(
                (0..total)
                    .step_by(every)
                    .map(|i| visited.state(i / visited.n_steps, i % visited.n_steps, n)),
            );
            ends.extend((0..visited.n_trials).map(|t| visited.state(t, visited.n_steps - 1, n)));
        } else {
            let starts = Stream::new(base, STARTS);
            for start in 0..32 {
                let mut draws = starts.draws(start);
                let mut state: Vec<f64> = (0..size)
                    .map(|i| {
                        (2.0 * f64::from(draws.uniform()) - 1.0)
                            * map.half_widths().map_or(1.0, |w| w[i].min(4.0))
                    })
                    .collect();
                let mut next = state.clone();
                for _ in 0..32 {
                    map.step(scratch, &state, &mut next);
                    // A state that runs off says nothing about the scale on which points lie.
                    if !next.iter().all(|x| x.abs() <= RUNS_OFF) {
                        break;
                    }
                    std::mem::swap(&mut state, &mut next);
                    states.push(state.clone());
                }
                ends.push(state);
            }
        }
        states.retain(|s| s.iter().all(|x| x.is_finite()));
        ends.retain(|s| s.iter().all(|x| x.is_finite()));
        // Driven states of a network without a box can run off too: what lies a thousand times farther out than the
        // innermost tenth says nothing about where points lie.
        let mut lengths: Vec<f64> = states.iter().map(|s| norm(s)).collect();
        lengths.sort_by(f64::total_cmp);
        let innermost = lengths.get(lengths.len() / 10).copied().unwrap_or(0.0);
        let limit = 1e3 * innermost.max(1e-2);
        states.retain(|s| norm(s) <= limit);
        ends.retain(|s| norm(s) <= limit);
        if states.is_empty() {
            states.push(vec![0.0; size]);
        }
        if ends.is_empty() {
            ends.push(vec![0.0; size]);
        }
        let count = (states.len() * n).max(1) as f64;
        let mut rms = Vec::with_capacity(size);
        let mut range = Vec::with_capacity(size);
        for field in 0..size / n.max(1) {
            let values = || states.iter().flat_map(|s| &s[field * n..(field + 1) * n]);
            // A network whose states all vanish still needs a length: a hundredth of the unit.
            let root = (values().map(|x| x * x).sum::<f64>() / count).sqrt();
            let largest = values().fold(0.0_f64, |m, x| m.max(x.abs()));
            rms.extend(std::iter::repeat_n(root.max(1e-2), n));
            range.extend((0..n).map(|i| {
                map.half_widths()
                    .map_or((2.0 * largest).max(1.0), |w| w[field * n + i])
            }));
        }
        let scale = rms.iter().map(|x| x * x).sum::<f64>().sqrt().max(1e-2);
        Self {
            visited: states,
            ends,
            rms,
            range,
            scale,
            driven,
            base,
            condition,
        }
    }

    /// Visited states, `[field, unit]` each, at least one.
    pub(crate) fn visited(&self) -> &[Vec<f64>] {
        &self.visited
    }

    /// Smallest and largest value of every coordinate among the visited states.
    pub(crate) fn visited_range(&self) -> (Vec<f64>, Vec<f64>) {
        let mut range = (self.visited[0].clone(), self.visited[0].clone());
        for state in &self.visited {
            for (i, &x) in state.iter().enumerate() {
                range.0[i] = range.0[i].min(x);
                range.1[i] = range.1[i].max(x);
            }
        }
        range
    }

    /// Largest speed per step and coordinate of a state that rests in f32.
    pub(crate) fn resting_speed(&self, map: &Map) -> f32 {
        (RESTING * self.scale / (map.n_state().max(1) as f64).sqrt()) as f32
    }

    fn draws(&self, kind: SeedKind, round: usize, index: usize) -> Draws {
        let of_kind =
            join(Stream::new(self.base, KIND + kind as u32).words(self.condition, round as u32));
        Stream::new(of_kind, INDEX).draws(index as u32)
    }

    /// Seed number `index` of a kind in a round; `found` are the points known, in a canonical order.
    pub(crate) fn seed(
        &self,
        kind: SeedKind,
        round: usize,
        index: usize,
        found: &[Vec<f64>],
    ) -> Vec<f64> {
        let mut draws = self.draws(kind, round, index);
        match kind {
            SeedKind::Visited => pick(&self.visited, &mut draws).to_vec(),
            SeedKind::VisitedNear | SeedKind::VisitedFar => {
                let scale = if kind == SeedKind::VisitedNear {
                    0.5
                } else {
                    1.5
                };
                let state = pick(&self.visited, &mut draws).to_vec();
                self.noisy(state, scale, &mut draws)
            }
            SeedKind::Box | SeedKind::Own => self
                .range
                .iter()
                .map(|w| (2.0 * f64::from(draws.uniform()) - 1.0) * w)
                .collect(),
            SeedKind::Between => combination(&self.ends, &mut draws),
            SeedKind::Found | SeedKind::Settled => {
                let state = combination(
                    if found.is_empty() { &self.ends } else { found },
                    &mut draws,
                );
                if index % 2 == 1 {
                    self.noisy(state, 0.1, &mut draws)
                } else {
                    state
                }
            }
        }
    }

    fn noisy(&self, mut state: Vec<f64>, scale: f64, draws: &mut Draws) -> Vec<f64> {
        for (x, rms) in state.iter_mut().zip(&self.rms) {
            *x += scale * rms * f64::from(draws.normal());
        }
        state
    }
}

fn pick<'a>(states: &'a [Vec<f64>], draws: &mut Draws) -> &'a [f64] {
    &states[draws.below(states.len() as u32) as usize]
}

/// Two to four states with weights uniform on the simplex.
fn combination(states: &[Vec<f64>], draws: &mut Draws) -> Vec<f64> {
    let n = 2 + draws.below(3) as usize;
    let weights: Vec<f64> = (0..n)
        .map(|_| -(1.0 - f64::from(draws.uniform())).ln() + 1e-9)
        .collect();
    let total: f64 = weights.iter().sum();
    let mut mixed = vec![0.0; states[0].len()];
    for weight in weights {
        for (x, y) in mixed.iter_mut().zip(pick(states, draws)) {
            *x += weight / total * y;
        }
    }
    mixed
}
