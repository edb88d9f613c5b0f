//! Where the orbits of a network go at a constant input, whatever it is: points, cycles, invariant circles, tori, chaos.
//!
//! States are run on until they rest or their time is up. What rests or returns is polished by Newton on `F^k`; the rest is
//! grouped by where and how widely it moves, and one orbit of each group is classified by its Lyapunov exponents.

mod circle;
mod classify;
mod collect;

pub use circle::Circle;
pub(crate) use collect::Collector;

use crate::cycles::Cycle;
use crate::error::EngineError;
use crate::fixed_points::{Source, Visited, settle};
use crate::lyapunov::Exponents;
use crate::map::Map;
use crate::population::Population;
use chiliad_tasks::random::Stream;
use serde::{Deserialize, Serialize};

/// Purpose words: which driven states are taken, and the uniform ones.
const DRIVEN: u32 = 0x310;
const UNIFORM: u32 = 0x311;

/// How attractors are looked for. Lengths are relative to the state scale.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Options {
    /// States of trials to start from (default 512); none without trials.
    pub driven: usize,
    /// States to start from, uniform in the cell's box, or in the range of visited states where it has none (default 512).
    pub uniform: usize,
    /// Steps for which states are run on in f32 before anything is looked at (project default 4,000).
    pub settle_steps: usize,
    /// Further steps in f64 (project default 512).
    pub more_steps: usize,
    /// Longest period looked for in every orbit (project default 64).
    pub period_max: usize,
    /// Steps by which orbits that do not return are told apart (project default 1,000).
    pub compare_steps: usize,
    /// Steps of the orbit that is classified, one per group (project default 20,000).
    pub classify_steps: usize,
    /// Cycles closer than this are one (default 1e-6).
    pub tolerance: f64,
    /// Seed of the starts.
    pub seed: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            driven: 512,
            uniform: 512,
            settle_steps: 4000,
            more_steps: 512,
            period_max: 64,
            compare_steps: 1000,
            classify_steps: 20_000,
            tolerance: 1e-6,
            seed: 0,
        }
    }
}

/// What an attractor is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Kind {
    /// A fixed point (period 1) or a cycle.
    Cycle(Cycle),
    /// An invariant circle: one exponent is zero, the others are negative.
    Circle {
        /// Rotation and radius.
        circle: Circle,
        /// The leading exponents.
        exponents: Exponents,
    },
    /// A torus: at least two exponents are zero.
    QuasiPeriodic {
        /// The leading exponents.
        exponents: Exponents,
    },
    /// The leading exponent is positive.
    Chaos {
        /// The leading exponents.
        exponents: Exponents,
    },
    /// None of these within the steps given.
    NotSettled {
        /// The leading exponents, where the orbit has any.
        exponents: Option<Exponents>,
    },
    /// The state grows without bound.
    Escaped,
}

impl Kind {
    /// `fixed point`, `period-k`, `invariant circle`, `quasi-periodic`, `chaos`, `not settled` or `diverged`.
    pub fn name(&self) -> String {
        match self {
            Self::Cycle(cycle) if cycle.period == 1 => "fixed point".into(),
            Self::Cycle(cycle) => format!("period-{}", cycle.period),
            Self::Circle { .. } => "invariant circle".into(),
            Self::QuasiPeriodic { .. } => "quasi-periodic".into(),
            Self::Chaos { .. } => "chaos".into(),
            Self::NotSettled { .. } => "not settled".into(),
            Self::Escaped => "diverged".into(),
        }
    }

    /// Place in a list: points and cycles by period, then the others.
    fn rank(&self) -> usize {
        match self {
            Self::Cycle(cycle) => cycle.period,
            Self::Circle { .. } => usize::MAX - 4,
            Self::QuasiPeriodic { .. } => usize::MAX - 3,
            Self::Chaos { .. } => usize::MAX - 2,
            Self::NotSettled { .. } => usize::MAX - 1,
            Self::Escaped => usize::MAX,
        }
    }
}

/// An attractor and how many states end on it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Attractor {
    /// What it is.
    #[serde(flatten)]
    pub kind: Kind,
    /// Mean over time, `[field, unit]`; empty for states that escape.
    pub centre: Vec<f64>,
    /// Root mean square distance from the centre over time.
    pub spread: f64,
    /// Driven states that end here.
    pub driven: usize,
    /// Uniform states that end here.
    pub uniform: usize,
}

/// The attractors of one network at one constant input.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Attractors {
    /// Points and cycles by period, then circles, tori, chaos, what is not settled, what escapes.
    pub attractors: Vec<Attractor>,
    /// Driven states in all.
    pub driven: usize,
    /// Uniform states in all.
    pub uniform: usize,
    /// Root mean square norm of the visited states.
    pub state_scale: f64,
}

/// Where states of network `network` end at `input`, `[channel]`; `condition` is its number and keys the random draws.
pub fn find(
    population: &Population,
    network: usize,
    input: &[f32],
    condition: u32,
    visited: &Visited,
    options: &Options,
) -> Result<Attractors, EngineError> {
    let map = Map::new(population, network, input)?;
    let (key, mut scratch) = (population.seeds[network].init, map.scratch());
    let source = Source::new(&map, &mut scratch, visited, options.seed, key, condition);
    let (low, high) = source.visited_range();
    let stream =
        |purpose| Stream::new(options.seed ^ key.rotate_left(32), purpose).child(condition, 0);
    let driven = if source.driven { options.driven } else { 0 };
    let mut starts: Vec<Vec<f64>> = Vec::with_capacity(driven + options.uniform);
    for i in 0..driven {
        let mut draws = stream(DRIVEN).draws(i as u32);
        let states = source.visited();
        starts.push(states[draws.below(states.len() as u32) as usize].clone());
    }
    for i in 0..options.uniform {
        let mut draws = stream(UNIFORM).draws(i as u32);
        starts.push(match map.half_widths() {
            Some(widths) => widths
                .iter()
                .map(|w| w * (2.0 * f64::from(draws.uniform()) - 1.0))
                .collect(),
            None => low
                .iter()
                .zip(&high)
                .map(|(l, h)| l + (h - l) * f64::from(draws.uniform()))
                .collect(),
        });
    }
    let ends = settle(
        &map,
        &starts,
        options.settle_steps,
        source.resting_speed(&map),
    );
    let mut collector = Collector::new(&map, source.scale, options.clone());
    for (i, end) in ends.iter().enumerate() {
        let at = collector.place(end);
        let attractor = &mut collector.attractors[at];
        if i < driven {
            attractor.driven += 1;
        } else {
            attractor.uniform += 1;
        }
    }
    let mut attractors = collector.attractors;
    attractors.sort_by(|a, b| {
        let place = |x: &Attractor| (x.kind.rank(), usize::MAX - x.driven - x.uniform);
        place(a).cmp(&place(b)).then_with(|| {
            crate::fixed_points::canonical(&a.centre, &b.centre, options.tolerance * source.scale)
        })
    });
    Ok(Attractors {
        attractors,
        driven,
        uniform: options.uniform,
        state_scale: source.scale,
    })
}
