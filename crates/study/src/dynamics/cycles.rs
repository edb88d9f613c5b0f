//! Every network's cycles and attractors under every constant input.

use super::rhythm::{Rhythm, rhythm};
use crate::error::Result;
use crate::spec::AttractorsSpec;
use crate::tables::Table;
use chiliad_analysis::symbolic;
use chiliad_engine::attractors::{self, Circle, Kind};
use chiliad_engine::cycles::{self, Cycle};
use chiliad_engine::executor::Executor;
use chiliad_engine::fixed_points::{self, Visited};
use chiliad_engine::lyapunov::Exponents;
use chiliad_engine::map::Map;
use chiliad_engine::piecewise::{self, PiecewiseLinear};
use chiliad_engine::population::Population;
use chiliad_engine::system::Undriven;
use chiliad_tasks::{NpzArray, Trials};
use rayon::prelude::*;
use serde::Serialize;
use std::collections::BTreeMap;

/// What is asked for.
pub struct CyclesPlan<'a> {
    /// Constant inputs, `[channel]` each.
    pub inputs: Vec<Vec<f32>>,
    /// Trials whose states are starts and seeds; none for uniform ones alone.
    pub trials: Option<&'a Trials>,
    /// Seeds of the user's own, `[field, unit]` each.
    pub own_seeds: Vec<Vec<f64>>,
    /// Newton seeds per period, where a cell is not piecewise linear.
    pub seeds: usize,
    /// Longest period and limits of the exact solver.
    pub exact: piecewise::Options,
    /// Census of attractors.
    pub attractors: attractors::Options,
}

impl<'a> CyclesPlan<'a> {
    /// Of a study file's words.
    #[must_use]
    pub fn of(
        spec: &AttractorsSpec,
        inputs: Vec<Vec<f32>>,
        trials: Option<&'a Trials>,
        own_seeds: Vec<Vec<f64>>,
        seed: u64,
    ) -> Self {
        Self {
            inputs,
            trials,
            own_seeds,
            seeds: spec.seeds,
            exact: spec.exact(seed),
            attractors: spec.census(seed),
        }
    }
}

/// One network.
#[derive(Clone, Debug, Serialize)]
pub struct NetworkCycles {
    /// Its place in the population.
    pub network: usize,
    /// How complete the cycles are, per constant input.
    pub conditions: Vec<Condition>,
    /// Fixed points and cycles by condition, period and first point; last those that only an attractor led to.
    pub cycles: Vec<CycleRow>,
    /// What states end on, by condition.
    pub attractors: Vec<AttractorRow>,
    /// How a commanded rhythm comes about, where conditions differ in one channel.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rhythm: Option<Rhythm>,
}

/// One constant input.
#[derive(Clone, Debug, Serialize)]
pub struct Condition {
    /// Index.
    pub condition: usize,
    /// The constant input, `[channel]`.
    pub input: Vec<f32>,
    /// `exact` for a piecewise linear cell, else `newton`.
    pub method: &'static str,
    /// Whether no cycle up to the longest period can be missing.
    pub complete: bool,
    /// Per period, how it was treated; empty for `newton`.
    pub orders: Vec<piecewise::Order>,
    /// Why the exact solver does not apply.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_exact: Option<String>,
    /// States that end on each kind of attractor.
    pub census: OrbitCount,
}

/// States by kind of attractor, the two kinds of starts apart.
#[derive(Clone, Debug, Default, Serialize)]
pub struct OrbitCount {
    /// From states of trials.
    pub driven: BTreeMap<String, usize>,
    /// From states uniform in the box, or in the visited range.
    pub uniform: BTreeMap<String, usize>,
}

/// A cycle at one constant input.
#[derive(Clone, Debug, Serialize)]
pub struct CycleRow {
    /// Index of the constant input.
    pub condition: usize,
    /// The cycle.
    #[serde(flatten)]
    pub cycle: Cycle,
    /// Linear region of every point, kinks in order, `1` where one is passed; empty where the cell is not piecewise linear.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub regions: Vec<String>,
}

/// An attractor at one constant input.
#[derive(Clone, Debug, Serialize)]
pub struct AttractorRow {
    /// Index of the constant input.
    pub condition: usize,
    /// `fixed point`, `period-k`, `invariant circle`, `quasi-periodic`, `chaos`, `not settled` or `diverged`.
    pub kind: String,
    /// Its place among the network's cycles.
    pub cycle: Option<usize>,
    /// Rotation and radius of a circle.
    pub circle: Option<Circle>,
    /// Leading Lyapunov exponents of what is no cycle.
    pub lyapunov: Option<Exponents>,
    /// Mean over time, `[state]`.
    pub centre: Vec<f64>,
    /// Root mean square distance from it.
    pub spread: Option<f64>,
    /// Driven states that end here.
    pub driven: usize,
    /// Uniform states that end here.
    pub uniform: usize,
}

/// Cycles and attractors of every network; `done` is told how many are finished.
///
/// # Errors
///
/// Those of roll-out and map.
pub fn cycles(
    executor: &dyn Executor,
    population: &Population,
    plan: &CyclesPlan<'_>,
    done: &mut dyn FnMut(usize),
) -> Result<Vec<NetworkCycles>> {
    let mut all = Vec::with_capacity(population.n_networks);
    // Few networks at a time: their trajectories are held meanwhile.
    let together = 2 * rayon::current_num_threads();
    for first in (0..population.n_networks).step_by(together) {
        let chosen: Vec<usize> = (first..population.n_networks.min(first + together)).collect();
        let part = population.select(&chosen);
        let trajectories = plan
            .trials
            .map(|t| executor.roll_out(&part, &t.inputs, t.n_trials, t.n_steps))
            .transpose()?;
        let found: Result<Vec<NetworkCycles>> = (0..part.n_networks)
            .into_par_iter()
            .map(|n| {
                let visited = trajectories
                    .as_ref()
                    .map_or_else(Visited::none, |t| Visited::of(t, n));
                network(&part, n, first + n, &visited, plan)
            })
            .collect();
        all.extend(found?);
        done(all.len());
    }
    Ok(all)
}

fn network(
    population: &Population,
    n: usize,
    number: usize,
    visited: &Visited<'_>,
    plan: &CyclesPlan<'_>,
) -> Result<NetworkCycles> {
    let mut row = NetworkCycles {
        network: number,
        conditions: Vec::new(),
        cycles: Vec::new(),
        attractors: Vec::new(),
        rhythm: None,
    };
    for (c, input) in plan.inputs.iter().enumerate() {
        let census = attractors::find(population, n, input, c as u32, visited, &plan.attractors)?;
        let map = Map::new(population, n, input)?;
        let mut condition = Condition {
            condition: c,
            input: input.clone(),
            method: "exact",
            complete: false,
            orders: Vec::new(),
            not_exact: None,
            census: OrbitCount::default(),
        };
        let form = PiecewiseLinear::of(&map);
        let mut known = match &form {
            Ok(form) => {
                let found = piecewise::find(form, &plan.exact);
                condition.complete = found.is_complete();
                condition.orders = found.orders;
                found.cycles
            }
            Err(reason) => {
                condition.method = "newton";
                condition.not_exact = Some(reason.to_string());
                let options = fixed_points::Options {
                    seeds: plan.seeds,
                    seed: plan.attractors.seed,
                    own_seeds: plan.own_seeds.clone(),
                    ..fixed_points::Options::default()
                };
                let (seeds, _) =
                    fixed_points::first_seeds(population, n, input, c as u32, visited, &options)?;
                let seeds: Vec<Vec<f64>> = seeds
                    .chunks(map.n_state().max(1))
                    .map(|s| s.iter().map(|&x| f64::from(x)).collect())
                    .collect();
                let mut system = Undriven::new(&map);
                cycles::find(&mut system, &seeds, census.state_scale, &plan.exact.cycles)
            }
        };
        let tolerance = plan.exact.cycles.tolerance * census.state_scale;
        for attractor in census.attractors {
            let name = attractor.kind.name();
            for (counts, states) in [
                (&mut condition.census.driven, attractor.driven),
                (&mut condition.census.uniform, attractor.uniform),
            ] {
                if states > 0 {
                    *counts.entry(name.clone()).or_default() += states;
                }
            }
            let mut line = AttractorRow {
                condition: c,
                kind: name,
                cycle: None,
                circle: None,
                lyapunov: None,
                centre: attractor.centre,
                spread: Some(attractor.spread).filter(|s| s.is_finite()),
                driven: attractor.driven,
                uniform: attractor.uniform,
            };
            match attractor.kind {
                Kind::Cycle(cycle) => {
                    let place = known.iter().position(|k| {
                        k.period == cycle.period && k.distance(&cycle.points[0]) <= tolerance
                    });
                    // An attractor that Newton's seeds missed, or of a longer period, is a cycle all the same.
                    let place = place.unwrap_or_else(|| {
                        known.push(cycle);
                        known.len() - 1
                    });
                    line.cycle = Some(row.cycles.len() + place);
                }
                Kind::Circle { circle, exponents } => {
                    line.circle = Some(circle);
                    line.lyapunov = Some(exponents);
                }
                Kind::QuasiPeriodic { exponents } | Kind::Chaos { exponents } => {
                    line.lyapunov = Some(exponents);
                }
                Kind::NotSettled { exponents } => line.lyapunov = exponents,
                Kind::Escaped => {}
            }
            row.attractors.push(line);
        }
        let region = |form: &PiecewiseLinear, cycle: &Cycle| {
            let points = cycle.points.iter();
            points.map(|p| symbolic::text(&form.pattern(p))).collect()
        };
        row.cycles.extend(known.into_iter().map(|cycle| {
            CycleRow {
                condition: c,
                regions: form
                    .as_ref()
                    .map_or_else(|_| Vec::new(), |f| region(f, &cycle)),
                cycle,
            }
        }));
        row.conditions.push(condition);
    }
    row.rhythm = rhythm(&row.conditions, &row.cycles, &row.attractors);
    Ok(row)
}

/// `cycles.npz`: a row per point of a cycle, `state` `[point, state]` with `network`, `condition`, `cycle` (its place among
/// the network's cycles), `period` and `phase`, `[point]` each.
#[must_use]
pub fn arrays(networks: &[NetworkCycles], n_state: usize) -> Vec<(&'static str, NpzArray)> {
    let mut state = Vec::new();
    let mut columns: [Vec<i64>; 5] = std::array::from_fn(|_| Vec::new());
    for row in networks {
        for (place, line) in row.cycles.iter().enumerate() {
            for (phase, point) in line.cycle.points.iter().enumerate() {
                state.extend_from_slice(point);
                let values = [row.network, line.condition, place, line.cycle.period, phase];
                for (column, value) in columns.iter_mut().zip(values) {
                    column.push(value as i64);
                }
            }
        }
    }
    let n = columns[0].len();
    let mut arrays = vec![("state", NpzArray::f64(&[n, n_state], state))];
    let names = ["network", "condition", "cycle", "period", "phase"];
    arrays.extend(
        names
            .into_iter()
            .zip(columns)
            .map(|(name, c)| (name, NpzArray::i64(&[n], c))),
    );
    arrays
}

/// `attractors.parquet`: a row per attractor, by network and condition. `period` is 0 for what is no cycle; figures that do not
/// apply are NaN.
#[must_use]
pub fn table(networks: &[NetworkCycles]) -> Table {
    let rows: Vec<(usize, &AttractorRow, usize)> = networks
        .iter()
        .flat_map(|n| {
            let period = |a: &AttractorRow| a.cycle.map_or(0, |c| n.cycles[c].cycle.period);
            n.attractors.iter().map(move |a| (n.network, a, period(a)))
        })
        .collect();
    let integers = |f: &dyn Fn(&AttractorRow) -> usize| -> Vec<i64> {
        rows.iter().map(|(_, a, _)| f(a) as i64).collect()
    };
    let numbers = |f: &dyn Fn(&AttractorRow) -> Option<f64>| -> Vec<f64> {
        rows.iter()
            .map(|(_, a, _)| f(a).unwrap_or(f64::NAN))
            .collect()
    };
    Table::default()
        .integers("network", rows.iter().map(|r| r.0 as i64))
        .integers("condition", integers(&|a| a.condition))
        .text("kind", rows.iter().map(|r| r.1.kind.as_str()))
        .integers("period", rows.iter().map(|r| r.2 as i64))
        .integers("driven", integers(&|a| a.driven))
        .integers("uniform", integers(&|a| a.uniform))
        .numbers("spread", numbers(&|a| a.spread))
        .numbers(
            "leading_exponent",
            numbers(&|a| a.lyapunov.as_ref()?.exponents.first().copied()),
        )
        .numbers("rotation", numbers(&|a| a.circle.as_ref()?.rotation))
        .numbers("radius", numbers(&|a| Some(a.circle.as_ref()?.radius_mean)))
}
