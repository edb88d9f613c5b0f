//! Fixed points and cycles of a piecewise linear map, order by order: all sequences of regions where those are few, else
//! SCYFI's search.

use super::sequence::{Affine, Solved, compose, solve};
use super::{Pattern, PiecewiseLinear};
use crate::cycles::{self, Cycle};
use crate::fixed_points::{distance, norm};
use chiliad_tasks::random::Stream;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

/// Purpose word of the patterns a search starts from.
const PATTERNS: u32 = 0x300;

/// How cycles of a piecewise linear map are looked for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Options {
    /// Longest period and tolerances.
    pub cycles: cycles::Options,
    /// Sequences of regions of one order that are all tried; above, the order is searched (project default 200,000).
    pub sequences_max: usize,
    /// Restarts without a new cycle that end the search of an order; `None`: as SCYFI, 10 to order 7, 40 to 29, else 100.
    pub restarts: Option<usize>,
    /// Virtual solutions followed per restart; `None`: as SCYFI, 20 to order 2, 60 to 5, 300 to 7, 1,080 to 19, else 1,115.
    pub follow: Option<usize>,
    /// Half-width of the box whose states give patterns to start from (SCYFI: 10).
    pub range: f64,
    /// Seed of the patterns drawn.
    pub seed: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            cycles: cycles::Options::default(),
            sequences_max: 200_000,
            restarts: None,
            follow: None,
            range: 10.0,
            seed: 0,
        }
    }
}

impl Options {
    fn restarts(&self, k: usize) -> usize {
        self.restarts.unwrap_or(match k {
            0..8 => 10,
            8..30 => 40,
            _ => 100,
        })
    }

    fn follow(&self, k: usize) -> usize {
        self.follow.unwrap_or(match k {
            0..3 => 20,
            3..6 => 60,
            6..8 => 300,
            8..20 => 1080,
            _ => 1115,
        })
    }
}

/// How an order was treated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Method {
    /// Every sequence of regions was solved: no cycle of this order is missing.
    Exhaustive {
        /// Patterns that can have a region.
        regions: usize,
        /// Sequences, each once among its rotations.
        sequences: usize,
    },
    /// Restarts from drawn patterns: cycles may be missing.
    Search {
        /// Restarts made.
        restarts: usize,
    },
}

/// One order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// The period.
    pub period: usize,
    /// How it was treated.
    pub method: Method,
    /// Sequences with a flat of solutions of two and more dimensions of which none was found inside the regions.
    pub undecided: usize,
}

impl Order {
    /// Whether all cycles of this order are known.
    pub fn is_complete(&self) -> bool {
        matches!(self.method, Method::Exhaustive { .. }) && self.undecided == 0
    }
}

/// Cycles and how complete each order is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Found {
    /// By period, then by first point.
    pub cycles: Vec<Cycle>,
    /// From 1 on.
    pub orders: Vec<Order>,
}

impl Found {
    /// Whether all cycles up to the longest period are known.
    pub fn is_complete(&self) -> bool {
        self.orders.iter().all(Order::is_complete)
    }
}

/// Fixed points and cycles, lower orders first.
pub fn find(map: &PiecewiseLinear, options: &Options) -> Found {
    let regions = map.patterns(options.sequences_max);
    let branches: Option<Vec<Affine>> = regions
        .as_ref()
        .map(|regions| regions.iter().map(|p| map.branch(p)).collect());
    let mut found = Found {
        cycles: Vec::new(),
        orders: Vec::new(),
    };
    for k in 1..=options.cycles.period_max {
        let order = match (&regions, &branches) {
            (Some(regions), Some(branches))
                if (regions.len() as f64).powi(k as i32) / k as f64
                    <= options.sequences_max as f64 =>
            {
                enumerate(map, regions, branches, k, options, &mut found.cycles)
            }
            _ => search(map, k, options, &mut found.cycles),
        };
        found.orders.push(order);
    }
    cycles::sort(&mut found.cycles, options.cycles.tolerance);
    found
}

/// Adds a cycle of least period `k` unless it is known.
fn add(
    map: &PiecewiseLinear,
    points: Vec<Vec<f64>>,
    options: &Options,
    known: &mut Vec<Cycle>,
) -> bool {
    let k = points.len();
    let scale = points.iter().map(|p| norm(p)).fold(1e-3, f64::max);
    let tolerance = options.cycles.tolerance * scale;
    if (1..k).any(|d| k.is_multiple_of(d) && distance(&points[d], &points[0]) <= tolerance) {
        return false;
    }
    let on_kink = points.iter().any(|p| {
        let sides = map.arguments(p).into_iter().zip(map.slack(p));
        sides.into_iter().any(|(a, s)| a.abs() <= s)
    });
    match Cycle::new(&mut map.clone(), points, scale, &options.cycles) {
        Some(cycle) => cycles::add(known, Cycle { on_kink, ..cycle }, tolerance),
        None => false,
    }
}

/// All sequences of `k` regions, each once among its rotations.
fn enumerate(
    map: &PiecewiseLinear,
    regions: &[Pattern],
    branches: &[Affine],
    k: usize,
    options: &Options,
    known: &mut Vec<Cycle>,
) -> Order {
    let parts: Vec<Necklaces<'_>> = (0..regions.len())
        .into_par_iter()
        .map(|first| {
            let mut part = Necklaces {
                map,
                regions,
                branches,
                sequence: vec![first; k],
                found: Vec::new(),
                sequences: 0,
                undecided: 0,
            };
            part.extend(1, 1, &branches[first]);
            part
        })
        .collect();
    let mut order = Order {
        period: k,
        method: Method::Exhaustive {
            regions: regions.len(),
            sequences: parts.iter().map(|p| p.sequences).sum(),
        },
        undecided: 0,
    };
    for part in parts {
        order.undecided += part.undecided;
        for points in part.found {
            add(map, points, options, known);
        }
    }
    order
}

/// Sequences that are the smallest of their rotations, by the algorithm of Fredricksen, Kessler and Maiorana; the
/// composition of a common beginning is made once.
struct Necklaces<'a> {
    map: &'a PiecewiseLinear,
    regions: &'a [Pattern],
    branches: &'a [Affine],
    sequence: Vec<usize>,
    found: Vec<Vec<Vec<f64>>>,
    sequences: usize,
    undecided: usize,
}

impl Necklaces<'_> {
    /// Places `at` and on are open; the first `at` have the given composition and the period `repeats`.
    fn extend(&mut self, at: usize, repeats: usize, composed: &Affine) {
        let k = self.sequence.len();
        if at == k {
            if k.is_multiple_of(repeats) {
                self.visit(composed);
            }
            return;
        }
        let least = self.sequence[at - repeats];
        for region in least..self.regions.len() {
            self.sequence[at] = region;
            let longer = compose(&self.branches[region], composed);
            let repeats = if region == least { repeats } else { at + 1 };
            self.extend(at + 1, repeats, &longer);
        }
    }

    fn visit(&mut self, composed: &Affine) {
        self.sequences += 1;
        let patterns: Vec<&Pattern> = self.sequence.iter().map(|&r| &self.regions[r]).collect();
        let branches: Vec<&Affine> = self.sequence.iter().map(|&r| &self.branches[r]).collect();
        match solve(self.map, &patterns, &branches, composed) {
            Solved::Real(points) => self.found.push(points),
            Solved::Undecided => self.undecided += 1,
            Solved::Virtual(_) | Solved::None => {}
        }
    }
}

/// SCYFI: from drawn patterns, and from the patterns that the orbit of a virtual solution passes, until a batch of
/// restarts adds nothing.
fn search(map: &PiecewiseLinear, k: usize, options: &Options, known: &mut Vec<Cycle>) -> Order {
    let stream = Stream::new(options.seed, PATTERNS).child(k as u32, 0);
    let batch = options.restarts(k).max(1);
    let mut restarts = 0;
    loop {
        let ends: Vec<Option<Vec<Vec<f64>>>> = (restarts..restarts + batch)
            .into_par_iter()
            .map(|restart| follow(map, k, options, &stream, restart))
            .collect();
        restarts += batch;
        let mut new = false;
        for points in ends.into_iter().flatten() {
            new |= add(map, points, options, known);
        }
        if !new {
            break;
        }
    }
    Order {
        period: k,
        method: Method::Search { restarts },
        undecided: 0,
    }
}

/// One restart. Even ones draw every flag by itself, odd ones take the patterns of drawn states, which surely exist.
fn follow(
    map: &PiecewiseLinear,
    k: usize,
    options: &Options,
    stream: &Stream,
    restart: usize,
) -> Option<Vec<Vec<f64>>> {
    let mut draws = stream.draws(restart as u32);
    let mut draw = || -> Pattern {
        if restart.is_multiple_of(2) {
            (0..map.n_kinks())
                .map(|_| draws.word() >> 31 == 1)
                .collect()
        } else {
            let state: Vec<f64> = (0..map.n_state())
                .map(|_| options.range * (2.0 * f64::from(draws.uniform()) - 1.0))
                .collect();
            map.pattern(&state)
        }
    };
    let mut patterns: Vec<Pattern> = (0..k).map(|_| draw()).collect();
    for _ in 0..options.follow(k) {
        let branches: Vec<Affine> = patterns.iter().map(|p| map.branch(p)).collect();
        let mut composed = branches.first()?.clone();
        for branch in &branches[1..] {
            composed = compose(branch, &composed);
        }
        let (patterns_of, branches_of): (Vec<&Pattern>, Vec<&Affine>) =
            patterns.iter().zip(&branches).unzip();
        match solve(map, &patterns_of, &branches_of, &composed) {
            Solved::Real(points) => return Some(points),
            Solved::Virtual(mut state) => {
                patterns.clear();
                for _ in 0..k {
                    patterns.push(map.pattern(&state));
                    state = map.next(&state);
                }
            }
            Solved::Undecided | Solved::None => patterns = (0..k).map(|_| draw()).collect(),
        }
    }
    None
}
