//! Line, ring and plane attractors as numbers: the states that hardly move, how many dimensions they span, what holes
//! they have, and how far they drift in a trial.
//!
//! Trained networks have no exact continuum, only slow states near one (Jordan, Sokol & Park 2021). What is reported is
//! therefore the set's shape beside its drift: "a line, and a state moves 3 % of its extent along it per trial".

mod dimension;
mod landmarks;
pub mod persistence;

pub use dimension::{linear, local};
pub use landmarks::farthest_points;

use chiliad_engine::map::Map;
use serde::{Deserialize, Serialize};

/// How a set of slow states is described; every value is a project default.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// Landmarks taken by farthest-point sampling, so that a dwelled-in place counts once.
    pub landmarks: usize,
    /// Nearest landmarks of a neighbourhood, at most a quarter of all.
    pub neighbours: usize,
    /// Share of a neighbourhood's variance that its dimensions hold.
    pub variance: f64,
    /// A hole or a separate piece counts from this lifetime on, as a share of the set's diameter.
    pub persistence: f64,
    /// A hole counts if it lives until this multiple of the scale at which it is born: a few scattered points enclose
    /// holes that are gone at 1.4 times their spacing.
    pub persistence_ratio: f64,
    /// Steps after which drift is measured: a trial.
    pub trial_length: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            landmarks: 120,
            neighbours: 12,
            variance: 0.9,
            persistence: 0.2,
            persistence_ratio: 2.0,
            trial_length: 64,
        }
    }
}

/// Median and largest of some lengths, relative to the extent of the set; infinite where a state runs off.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Spread {
    /// Median (the lower of two).
    pub median: f64,
    /// Largest.
    pub max: f64,
}

/// A set of slow states.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SlowSet {
    /// States given.
    pub states: usize,
    /// Landmarks among them; everything below is about these.
    pub landmarks: usize,
    /// Root mean square distance from the centre, state units.
    pub extent: f64,
    /// Largest distance between two, state units.
    pub diameter: f64,
    /// Participation ratio of the covariance's eigenvalues, `(sum mu)^2 / sum mu^2`: dimensions of the flat space the set
    /// fills (a ring has 2).
    pub dimension_linear: f64,
    /// Mean number of principal components that hold the variance of a neighbourhood: intrinsic dimension by local PCA
    /// (Fukunaga & Olsen 1971; a ring has 1). None below 8 landmarks.
    pub dimension_local: Option<f64>,
    /// Pieces: persistent classes of dimension 0.
    pub betti_0: usize,
    /// Holes: persistent classes of dimension 1.
    pub betti_1: usize,
    /// `|F^T(h) - h|` after a trial, relative to the extent. None, as its two parts, for a single point.
    pub drift: Option<Spread>,
    /// Its part along the set (in the neighbourhood's dimensions).
    pub drift_along: Option<Spread>,
    /// Its part across the set: the approach to it.
    pub drift_across: Option<Spread>,
    /// `point`, `pieces`, `line`, `ring`, `plane` or `other`.
    pub shape: String,
}

/// Fewest landmarks with a local dimension.
const FEWEST: usize = 8;

/// Describes states of one network at one constant input; `None` without states.
pub fn describe(map: &Map, states: &[Vec<f64>], options: &Options) -> Option<SlowSet> {
    let chosen: Vec<Vec<f64>> = farthest_points(states, options.landmarks)
        .into_iter()
        .map(|i| states[i].clone())
        .collect();
    let n = chosen.len();
    if n == 0 {
        return None;
    }
    let extent = landmarks::extent(&chosen);
    let diameter = landmarks::diameter(&chosen);
    let bars = persistence::rips(&chosen);
    let lives = |bar: &&persistence::Bar| bar.death - bar.birth >= options.persistence * diameter;
    let count = |dimension: usize| {
        bars.iter()
            .filter(|b| b.dimension == dimension)
            .filter(lives)
            .filter(|b| dimension == 0 || b.death >= options.persistence_ratio * b.birth)
            .count()
    };
    let (betti_0, betti_1) = if diameter > 0.0 {
        (count(0), count(1))
    } else {
        (1, 0)
    };
    let neighbourhoods = (n >= FEWEST).then(|| {
        let k = options.neighbours.min(n / 4).max(2);
        dimension::neighbourhoods(&chosen, k, options.variance)
    });
    let dimension_local = neighbourhoods
        .as_ref()
        .map(|all| all.iter().map(Vec::len).sum::<usize>() as f64 / n as f64);
    let (mut drift, mut along, mut across) = (vec![], vec![], vec![]);
    let mut scratch = map.scratch();
    for (i, state) in chosen.iter().enumerate() {
        let (mut now, mut next) = (state.clone(), state.clone());
        for _ in 0..options.trial_length {
            map.step(&mut scratch, &now, &mut next);
            std::mem::swap(&mut now, &mut next);
        }
        let moved: Vec<f64> = now.iter().zip(state).map(|(a, b)| a - b).collect();
        let length = landmarks::norm(&moved);
        // What is left of the movement when the tangents' parts are taken away: not a difference of squares, whose rounding
        // would be the square root of that of f64.
        let (mut tangent, mut rest) = (0.0, moved.clone());
        for axis in neighbourhoods.iter().flat_map(|all| &all[i]) {
            let part: f64 = axis.iter().zip(&moved).map(|(a, m)| a * m).sum();
            tangent += part * part;
            rest.iter_mut().zip(axis).for_each(|(r, a)| *r -= part * a);
        }
        drift.push(length);
        along.push(tangent.sqrt());
        across.push(landmarks::norm(&rest));
    }
    let dimension = dimension_local.map(|d| d.round() as usize);
    let shape = match (diameter > 0.0, betti_0, dimension, betti_1) {
        (false, ..) => "point",
        (_, 2.., ..) | (.., None, _) => "pieces",
        (_, _, Some(1), 0) => "line",
        (_, _, Some(1), 1) => "ring",
        (_, _, Some(2), 0) => "plane",
        _ => "other",
    };
    let relative = |lengths: Vec<f64>| spread(lengths, extent);
    Some(SlowSet {
        states: states.len(),
        landmarks: n,
        extent,
        diameter,
        dimension_linear: linear(&chosen),
        dimension_local,
        betti_0,
        betti_1,
        drift: relative(drift),
        drift_along: relative(along),
        drift_across: relative(across),
        shape: shape.into(),
    })
}

fn spread(mut lengths: Vec<f64>, extent: f64) -> Option<Spread> {
    if extent <= 0.0 {
        return None;
    }
    for x in &mut lengths {
        // A state that runs off ends as infinite or NaN.
        *x = if x.is_finite() {
            *x / extent
        } else {
            f64::INFINITY
        };
    }
    lengths.sort_by(f64::total_cmp);
    Some(Spread {
        median: lengths[(lengths.len() - 1) / 2],
        max: *lengths.last()?,
    })
}

/// The states that, after `relax` further steps at the map's constant input, move at most `speed` (state units) per step:
/// as they are then.
pub fn slow_states(map: &Map, states: &[Vec<f64>], relax: usize, speed: f64) -> Vec<Vec<f64>> {
    let mut scratch = map.scratch();
    let mut slow = Vec::new();
    for state in states.iter().filter(|s| s.len() == map.n_state()) {
        let (mut now, mut next) = (state.clone(), state.clone());
        for _ in 0..relax {
            map.step(&mut scratch, &now, &mut next);
            std::mem::swap(&mut now, &mut next);
        }
        map.residual(&mut scratch, &now, &mut next);
        if landmarks::norm(&next) <= speed {
            slow.push(now);
        }
    }
    slow
}
