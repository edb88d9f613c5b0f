//! The search itself: rounds of seeds until nothing new turns up.

use super::certificate::{Certificate, Verdict};
use super::cluster::canonical;
use super::seeds::{FIRST, SeedKind, Source, Visited};
use super::solve::Solver;
use super::{FixedPoints, Options, Point, reached};
use crate::error::EngineError;
use crate::map::Map;
use crate::population::Population;
use std::time::Instant;

/// A search in progress.
pub(crate) struct Search<'a> {
    pub(crate) solver: Solver<'a>,
    pub(crate) source: Source,
    pub(super) options: &'a Options,
    pub(crate) points: Vec<Point>,
    /// Every polished state that passed, for the census at other tolerances.
    pub(super) polished: Vec<Vec<f64>>,
    pub(super) minima: Vec<(Vec<f64>, usize)>,
    pub(super) rejected: usize,
    pub(super) seeds: usize,
    /// Names of what states ended on that was no point.
    pub(crate) endings: Vec<String>,
    pub(super) round: usize,
}

/// Finds the fixed points of network `network` at the constant input `input`, `[channel]`.
///
/// `condition` is the number of the input among those searched: it only separates random draws. The result is a pure
/// function of the arguments; the order of `options.own_seeds` does not matter. Networks are searched one by one: run
/// many in parallel.
pub fn find(
    population: &Population,
    network: usize,
    input: &[f32],
    condition: u32,
    visited: &Visited,
    options: &Options,
) -> Result<FixedPoints, EngineError> {
    find_from(
        population, network, input, condition, visited, options, None,
    )
}

/// Seeds of the first round, `[seed, state field, unit]`, and their number: what a device descends from before
/// [`find_from`].
pub fn seeds(
    population: &Population,
    network: usize,
    input: &[f32],
    condition: u32,
    visited: &Visited,
    options: &Options,
) -> Result<(Vec<f32>, usize), EngineError> {
    let map = Map::new(population, network, input)?;
    let mut scratch = map.scratch();
    let init = population.seeds[network].init;
    let source = Source::new(&map, &mut scratch, visited, options.seed, init, condition);
    let seeds = first_seeds(&source, options);
    let n = seeds.len();
    Ok((
        seeds
            .into_iter()
            .flat_map(|s| s.1)
            .map(|x| x as f32)
            .collect(),
        n,
    ))
}

/// As [`find`], the first round starting where a descent from [`seeds`] ended, `[seed, state field, unit]`. Seeds that
/// did not end on finite values start where they were.
pub fn find_from(
    population: &Population,
    network: usize,
    input: &[f32],
    condition: u32,
    visited: &Visited,
    options: &Options,
    descended: Option<&[f32]>,
) -> Result<FixedPoints, EngineError> {
    let start = Instant::now();
    let map = Map::new(population, network, input)?;
    if let Some(seed) = options
        .own_seeds
        .iter()
        .find(|s| s.len() != map.n_state() || s.iter().any(|x| !x.is_finite()))
    {
        return Err(EngineError::Shape {
            operation: "fixed points",
            what: "a seed".into(),
            found: format!("{} numbers, or one that is not finite", seed.len()),
            expected: format!(
                "{} finite numbers (state fields times units)",
                map.n_state()
            ),
        });
    }
    let mut scratch = map.scratch();
    let source = Source::new(
        &map,
        &mut scratch,
        visited,
        options.seed,
        population.seeds[network].init,
        condition,
    );
    let solver = Solver::new(&map, source.scale, options.steps_max);
    let mut search = Search {
        solver,
        source,
        options,
        points: Vec::new(),
        polished: Vec::new(),
        minima: Vec::new(),
        rejected: 0,
        seeds: 0,
        endings: Vec::new(),
        round: 0,
    };

    let mut first = first_seeds(&search.source, options);
    if let Some(descended) = descended {
        for ((_, seed), end) in first
            .iter_mut()
            .zip(descended.chunks_exact(map.n_state().max(1)))
        {
            if end.iter().all(|x| x.is_finite()) {
                seed.iter_mut()
                    .zip(end)
                    .for_each(|(s, e)| *s = f64::from(*e));
            }
        }
    }
    search.run_round(&first);
    let settling = Instant::now();
    let fates = if search.source.driven {
        reached::reached(&mut search, options)
    } else {
        Vec::new()
    };
    let settle_seconds = settling.elapsed().as_secs_f64();
    let quiet = search.close();
    let mut found = search.finish(network, input, fates, quiet);
    found.seconds = (
        start.elapsed().as_secs_f64() - settle_seconds,
        settle_seconds,
    );
    Ok(found)
}

/// The user's own seeds, then the five kinds, evenly.
fn first_seeds(source: &Source, options: &Options) -> Vec<(SeedKind, Vec<f64>)> {
    let own = options.own_seeds.iter();
    let mut seeds: Vec<(SeedKind, Vec<f64>)> = own.map(|s| (SeedKind::Own, s.clone())).collect();
    for (k, &kind) in FIRST.iter().enumerate() {
        let n = options.seeds / FIRST.len() + usize::from(k < options.seeds % FIRST.len());
        seeds.extend((0..n).map(|i| (kind, source.seed(kind, 0, i, &[]))));
    }
    seeds
}

impl Search<'_> {
    /// Rounds until so many in a row add nothing, or none is left; how many of the last ones added nothing.
    fn close(&mut self) -> usize {
        let mut quiet = 0;
        loop {
            let closed = quiet >= self.options.quiet_rounds;
            // A set that is closed but whose indices do not add up is worth the rounds that are left.
            let sum_is_wrong = Certificate::of(
                &self.points,
                self.solver.map.half_widths().is_some(),
                0,
                0,
                true,
            )
            .verdict
                == Verdict::Open;
            if (closed && !sum_is_wrong)
                || self.round + 1 >= self.options.rounds_max
                || self.points.len() > self.options.points_max
            {
                break;
            }
            self.round += 1;
            let before = self.points.len();
            self.run_round(&self.later_seeds());
            quiet = if self.points.len() == before {
                quiet + 1
            } else {
                0
            };
        }
        quiet
    }

    /// Five eighths between points found, the rest from three kinds of the first round, drawn anew.
    fn later_seeds(&self) -> Vec<(SeedKind, Vec<f64>)> {
        let mut found: Vec<Vec<f64>> = self.points.iter().map(|p| p.state.clone()).collect();
        found.sort_by(|a, b| canonical(a, b, self.options.tolerance * self.source.scale));
        let kinds = [
            SeedKind::Found,
            SeedKind::Found,
            SeedKind::Found,
            SeedKind::Found,
            SeedKind::Found,
            SeedKind::VisitedNear,
            SeedKind::VisitedFar,
            SeedKind::Box,
        ];
        (0..self.options.round_seeds)
            .map(|i| {
                let kind = kinds[i % kinds.len()];
                (kind, self.source.seed(kind, self.round, i, &found))
            })
            .collect()
    }
}
