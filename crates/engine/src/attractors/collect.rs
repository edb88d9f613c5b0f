//! Ends of orbits, each placed on an attractor that is known or made known.

use super::classify::classify;
use super::{Attractor, Kind, Options};
use crate::cycles::{self, Cycle};
use crate::fixed_points::{distance, norm};
use crate::map::Map;
use crate::system::{System, Undriven};

/// Distance, relative to the scale, within which an orbit that returns is taken for a cycle's, and an end for known.
const NEAR: f64 = 1e-3;
/// Distance within which Newton from such an orbit may end.
const POLISHED_NEAR: f64 = 0.02;
/// Size, relative to the scale, beyond which a state is taken to grow without bound.
const ESCAPED: f64 = 1e6;
/// Distance of two centres, relative to the spread, and ratio of two spreads, within which two orbits are one attractor's.
const SAME_CENTRE: f64 = 0.1;
const SAME_SPREAD: f64 = 1.1;

/// Attractors found so far.
pub(crate) struct Collector<'a> {
    system: Undriven<'a>,
    scale: f64,
    options: Options,
    pub(crate) attractors: Vec<Attractor>,
}

/// Mean of an orbit over time, and its root mean square distance from the mean.
pub(super) fn extent(orbit: &[Vec<f64>]) -> (Vec<f64>, f64) {
    let mut centre = vec![0.0; orbit.first().map_or(0, Vec::len)];
    let share = 1.0 / orbit.len().max(1) as f64;
    for state in orbit {
        centre
            .iter_mut()
            .zip(state)
            .for_each(|(c, x)| *c += share * x);
    }
    let squares: f64 = orbit.iter().map(|s| distance(s, &centre).powi(2)).sum();
    (centre, (share * squares).sqrt())
}

impl<'a> Collector<'a> {
    pub(crate) fn new(map: &'a Map, scale: f64, options: Options) -> Self {
        Self {
            system: Undriven::new(map),
            scale,
            options,
            attractors: Vec::new(),
        }
    }

    /// The attractor of an orbit that has run on to `end`, as an index among those known; its counts are the caller's.
    pub(crate) fn place(&mut self, end: &[f64]) -> usize {
        if let Some(known) = self.known_cycle(end) {
            return known;
        }
        let mut state = end.to_vec();
        self.advance(&mut state, self.options.more_steps);
        if !self.is_bounded(&state) {
            return self.escaped();
        }
        if let Some(known) = self.known_cycle(&state) {
            return known;
        }
        if let Some(cycle) = self.cycle_near(&state) {
            return self.add_cycle(cycle);
        }
        let orbit = cycles::orbit(&mut self.system, &state, self.options.compare_steps.max(1));
        let Some(last) = orbit.last().filter(|s| self.is_bounded(s)).cloned() else {
            return self.escaped();
        };
        let (centre, spread) = extent(&orbit);
        if let Some(known) = self.like(None, &centre, spread) {
            return known;
        }
        // A short stretch of a chaotic orbit may look like none that is known: the longer one decides.
        let (kind, centre, spread) = classify(&mut self.system, &last, self.scale, &self.options);
        match kind {
            Kind::Cycle(cycle) => self.add_cycle(cycle),
            Kind::Escaped => self.escaped(),
            kind => match self.like(Some(&kind), &centre, spread) {
                Some(known) => known,
                None => self.add(kind, centre, spread),
            },
        }
    }

    /// The attractor, not a cycle, that moves about the same centre as widely (and is of the same kind, where that is known).
    fn like(&self, kind: Option<&Kind>, centre: &[f64], spread: f64) -> Option<usize> {
        let floor = NEAR * self.scale;
        self.attractors.iter().position(|a| {
            !matches!(a.kind, Kind::Cycle(_) | Kind::Escaped)
                && kind.is_none_or(|k| k.name() == a.kind.name())
                && distance(&a.centre, centre) <= SAME_CENTRE * (a.spread + floor)
                && a.spread <= SAME_SPREAD * spread + floor
                && spread <= SAME_SPREAD * a.spread + floor
        })
    }

    fn is_bounded(&self, state: &[f64]) -> bool {
        // A comparison with NaN is false.
        norm(state) <= ESCAPED * self.scale.max(1.0)
    }

    fn advance(&mut self, state: &mut Vec<f64>, steps: usize) {
        let mut next = state.clone();
        for _ in 0..steps {
            self.system.step(state, &mut next);
            std::mem::swap(state, &mut next);
        }
    }

    fn add(&mut self, kind: Kind, centre: Vec<f64>, spread: f64) -> usize {
        self.attractors.push(Attractor {
            kind,
            centre,
            spread,
            driven: 0,
            uniform: 0,
        });
        self.attractors.len() - 1
    }

    fn escaped(&mut self) -> usize {
        let known = self.attractors.iter().position(|a| a.kind == Kind::Escaped);
        known.unwrap_or_else(|| self.add(Kind::Escaped, Vec::new(), f64::INFINITY))
    }

    fn known_cycle(&self, state: &[f64]) -> Option<usize> {
        let within = NEAR * self.scale;
        self.attractors
            .iter()
            .position(|a| matches!(&a.kind, Kind::Cycle(cycle) if cycle.distance(state) <= within))
    }

    fn add_cycle(&mut self, cycle: Cycle) -> usize {
        let within = self.options.tolerance * self.scale;
        let known = self.attractors.iter().position(|a| {
            matches!(&a.kind, Kind::Cycle(c)
                if c.period == cycle.period && c.distance(&cycle.points[0]) <= within)
        });
        known.unwrap_or_else(|| {
            let (centre, spread) = extent(&cycle.points);
            self.add(Kind::Cycle(cycle), centre, spread)
        })
    }

    /// The stable cycle that the orbit of a state is settling on, if it nearly returns within the longest period.
    fn cycle_near(&mut self, state: &[f64]) -> Option<Cycle> {
        let orbit = cycles::orbit(&mut self.system, state, self.options.period_max + 1);
        let returns =
            (1..orbit.len()).find(|&k| distance(&orbit[k], state) <= NEAR * self.scale)?;
        polish(&mut self.system, state, returns, self.scale, &self.options)
    }
}

/// Newton from an orbit that nearly returns after `k` steps, if it ends near by on a stable cycle.
pub(super) fn polish(
    system: &mut dyn System,
    state: &[f64],
    k: usize,
    scale: f64,
    options: &Options,
) -> Option<Cycle> {
    let newton = cycles::Options {
        tolerance: options.tolerance,
        ..cycles::Options::default()
    };
    let cycle = cycles::newton(system, state, k, scale, &newton)?;
    (cycle.stable && cycle.distance(state) <= POLISHED_NEAR * scale).then_some(cycle)
}
