//! Where driven states end when the input stays constant.

use super::cluster::distance;
use super::search::Search;
use super::settle::settle;
use super::{Options, Point};
use crate::attractors::{self, Collector};
use serde::{Deserialize, Serialize};

/// A stable fixed point that driven states end on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Attractor {
    /// Index among the points.
    pub point: usize,
    /// Sign of every output, where all are within the option `pattern_within` of +-1; else none.
    pub pattern: Option<Vec<i8>>,
    /// States that end here.
    pub states: usize,
    /// Their share: the basin as driven states see it.
    pub share: f64,
}

/// Something other than a stable fixed point that states end on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ending {
    /// A name of [`crate::attractors::Kind`]: `period-k`, `invariant circle`, `quasi-periodic`, `chaos`, `not settled`,
    /// `diverged`; `fixed point` for one that rests where Newton finds no point of the box.
    pub name: String,
    /// States that end so.
    pub states: usize,
}

/// Where driven states end.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Reached {
    /// Most states first, then by point.
    pub attractors: Vec<Attractor>,
    /// What the other states end on, by name.
    pub other: Vec<Ending>,
    /// Stable points on which no state ended.
    pub never: Vec<usize>,
    /// End states of trials that went on; 0 when no trials were given.
    pub states: usize,
    /// Steps they were given.
    pub steps: usize,
}

/// Distance, relative to the scale, within which a state that rests belongs to a stable point.
const NEAR: f64 = 1e-3;
/// Distance within which Newton from a state that rests may end: a slow approach is cut short by rounding.
const POLISHED_NEAR: f64 = 0.02;

/// End of one state: the index of a stable point in `search`, or a name.
enum Fate {
    Point(usize),
    Named(String),
}

/// Lets the end states of the trials go on, adds the stable points they end on to the search, and counts.
pub(crate) fn reached(search: &mut Search, options: &Options) -> Vec<Option<usize>> {
    let ends = search.source.ends.clone();
    let map = search.solver.map;
    let speed = search.source.resting_speed(map);
    let others = attractors::Options {
        period_max: options.period_max,
        ..attractors::Options::default()
    };
    let mut others = Collector::new(map, search.source.scale, others);
    let settled = settle(map, &ends, options.settle_steps, speed);
    let mut fates = Vec::with_capacity(settled.len());
    for state in &settled {
        let fate = fate(search, &mut others, options, state);
        fates.push(match fate {
            Fate::Point(p) => Some(p),
            Fate::Named(name) => {
                search.endings.push(name);
                None
            }
        });
    }
    fates
}

fn fate(search: &mut Search, others: &mut Collector, options: &Options, state: &[f64]) -> Fate {
    let scale = search.source.scale;
    if state.iter().any(|x| !x.is_finite()) {
        return Fate::Named("diverged".into());
    }
    if let Some(known) = nearest_stable(&search.points, state, NEAR * scale) {
        return Fate::Point(known);
    }
    let (polished, step) = search.solver.polish(state);
    if step <= options.fixed_step * scale && distance(&polished, state) <= POLISHED_NEAR * scale {
        if let Some(index) = search.add_settled(polished) {
            if search.points[index].is_stable() {
                return Fate::Point(index);
            }
        }
    }
    // Not at rest: a cycle, a circle, chaos.
    let other = others.place(state);
    Fate::Named(others.attractors[other].kind.name())
}

fn nearest_stable(points: &[Point], state: &[f64], within: f64) -> Option<usize> {
    let distances = points
        .iter()
        .enumerate()
        .filter(|(_, p)| p.is_stable())
        .map(|(i, p)| (distance(&p.state, state), i));
    distances
        .filter(|d| d.0 <= within)
        .min_by(|a, b| a.0.total_cmp(&b.0))
        .map(|d| d.1)
}

/// The table of what was reached, once the points have their final order.
pub(crate) fn table(
    points: &[Point],
    fates: &[Option<usize>],
    mut endings: Vec<String>,
    options: &Options,
) -> Reached {
    let mut states = vec![0_usize; points.len()];
    for &point in fates.iter().flatten() {
        states[point] += 1;
    }
    let total = fates.len().max(1) as f64;
    let pattern = |readout: &[f64]| {
        let near = readout
            .iter()
            .all(|y| (y.abs() - 1.0).abs() <= options.pattern_within);
        near.then(|| {
            readout
                .iter()
                .map(|y| if *y < 0.0 { -1 } else { 1 })
                .collect()
        })
    };
    let mut attractors: Vec<Attractor> = states
        .iter()
        .enumerate()
        .filter(|(_, n)| **n > 0)
        .map(|(point, &states)| Attractor {
            point,
            pattern: pattern(&points[point].readout),
            states,
            share: states as f64 / total,
        })
        .collect();
    attractors.sort_by_key(|a| (std::cmp::Reverse(a.states), a.point));
    endings.sort();
    let mut other: Vec<Ending> = Vec::new();
    for name in endings {
        match other.last_mut() {
            Some(last) if last.name == name => last.states += 1,
            _ => other.push(Ending { name, states: 1 }),
        }
    }
    let never = (0..points.len())
        .filter(|&i| points[i].is_stable() && states[i] == 0)
        .collect();
    Reached {
        attractors,
        other,
        never,
        states: fates.len(),
        steps: options.settle_steps,
    }
}
