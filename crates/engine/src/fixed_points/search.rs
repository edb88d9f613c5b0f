//! The search itself: rounds of seeds until nothing new turns up.

use super::certificate::{Certificate, Verdict};
use super::cluster::{canonical, count, distance, groups};
use super::seeds::{FIRST, SeedKind, Source, Visited};
use super::solve::{End, Run, Solver, norm};
use super::{FixedPoints, Options, Point, Provenance, SlowPoint, classify, reached};
use crate::error::EngineError;
use crate::map::Map;
use crate::population::Population;
use std::time::Instant;

/// Distance, relative to the scale, at which local minima are one.
const MINIMA: f64 = 1e-3;

/// A search in progress.
pub(crate) struct Search<'a> {
    pub(crate) solver: Solver<'a>,
    pub(crate) source: Source,
    options: &'a Options,
    pub(crate) points: Vec<Point>,
    /// Every polished state that passed, for the census at other tolerances.
    polished: Vec<Vec<f64>>,
    minima: Vec<(Vec<f64>, usize)>,
    rejected: usize,
    seeds: usize,
    /// Names of what states ended on that was no point.
    pub(crate) endings: Vec<String>,
    round: usize,
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
    let mut quiet = 0;
    loop {
        let closed = quiet >= options.quiet_rounds;
        // A set that is closed but whose indices do not add up is worth the rounds that are left.
        let sum_is_wrong = Certificate::of(&search.points, map.half_widths().is_some(), 0, 0, true)
            .verdict
            == Verdict::Open;
        if (closed && !sum_is_wrong)
            || search.round + 1 >= options.rounds_max
            || search.points.len() > options.points_max
        {
            break;
        }
        search.round += 1;
        let before = search.points.len();
        search.run_round(&search.later_seeds());
        quiet = if search.points.len() == before {
            quiet + 1
        } else {
            0
        };
    }
    let slow = search.slow_points();
    let census = [0.1, 1.0, 10.0].map(|factor| {
        let states: Vec<&[f64]> = search.polished.iter().map(Vec::as_slice).collect();
        (
            options.tolerance * factor,
            count(&states, options.tolerance * factor * search.source.scale),
        )
    });

    // Final order, and everything that refers to it.
    let coarse = options.tolerance * search.source.scale;
    let mut order: Vec<usize> = (0..search.points.len()).collect();
    order.sort_by(|&a, &b| {
        let (a, b) = (&search.points[a], &search.points[b]);
        a.spectrum
            .n_unstable
            .cmp(&b.spectrum.n_unstable)
            .then_with(|| canonical(&a.state, &b.state, coarse))
    });
    let mut place = vec![0; order.len()];
    order
        .iter()
        .enumerate()
        .for_each(|(new, &old)| place[old] = new);
    let fates: Vec<Option<usize>> = fates.into_iter().map(|f| f.map(|p| place[p])).collect();
    let points: Vec<Point> = order.iter().map(|&i| search.points[i].clone()).collect();
    let certificate = Certificate::of(
        &points,
        map.half_widths().is_some(),
        search.round + 1,
        quiet,
        quiet >= options.quiet_rounds,
    );
    let reached = if search.source.driven {
        reached::table(&points, &fates, search.endings, options)
    } else {
        reached::table(&points, &[], Vec::new(), options)
    };
    Ok(FixedPoints {
        network,
        input: input.to_vec(),
        points,
        slow,
        rejected: search.rejected,
        seeds: search.seeds,
        state_scale: search.source.scale,
        census: census.to_vec(),
        certificate,
        reached,
        seconds: (
            start.elapsed().as_secs_f64() - settle_seconds,
            settle_seconds,
        ),
    })
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

    fn run_round(&mut self, seeds: &[(SeedKind, Vec<f64>)]) {
        self.seeds += seeds.len();
        let mut found: Vec<(SeedKind, Run, &[f64])> = Vec::new();
        let mut minima: Vec<Vec<f64>> = Vec::new();
        for (kind, seed) in seeds {
            let run = self.solver.run(seed);
            match run.end {
                End::Point => found.push((*kind, run, seed)),
                End::Minimum => minima.push(run.state),
                End::Lost => self.rejected += 1,
            }
        }
        self.add_minima(minima);

        let tolerance = self.options.tolerance * self.source.scale;
        let states: Vec<&[f64]> = found.iter().map(|(_, r, _)| r.state.as_slice()).collect();
        let group = groups(&states, tolerance);
        let n_groups = group.iter().max().map_or(0, |m| m + 1);
        let mut members: Vec<Vec<usize>> = vec![Vec::new(); n_groups];
        group
            .iter()
            .enumerate()
            .for_each(|(i, &g)| members[g].push(i));
        let mut candidates: Vec<(Vec<f64>, Provenance)> = Vec::with_capacity(n_groups);
        for members in members {
            // The representative does not depend on the order of the seeds.
            let residuals: Vec<f64> = members
                .iter()
                .map(|&i| self.solver.step_residual(&found[i].1.state))
                .collect();
            let by_quality = |a: &usize, b: &usize| {
                residuals[*a].total_cmp(&residuals[*b]).then_with(|| {
                    canonical(
                        &found[members[*a]].1.state,
                        &found[members[*b]].1.state,
                        tolerance * 1e-9,
                    )
                })
            };
            let Some(best) = (0..members.len()).min_by(by_quality) else {
                continue;
            };
            let mut hits: Vec<(SeedKind, usize)> = Vec::new();
            for &i in &members {
                add_hits(&mut hits, found[i].0, 1);
            }
            let run = &found[members[best]].1;
            let kind = hits[0].0;
            let provenance = Provenance {
                kind,
                round: self.round,
                hits,
                seed: found[members[best]].2.to_vec(),
                steps: run.steps,
                residual_before: residuals[best],
                residual_after: 0.0,
            };
            let (state, _) = self.solver.polish(&run.state);
            candidates.push((state, provenance));
        }
        candidates.sort_by(|a, b| canonical(&a.0, &b.0, tolerance));
        for (state, provenance) in candidates {
            self.add(state, provenance);
        }
    }

    /// Adds a polished state, or its hits to the point it is; the point's index, or `None` where it is none.
    fn add(&mut self, state: Vec<f64>, provenance: Provenance) -> Option<usize> {
        let tolerance = self.options.tolerance * self.source.scale;
        let hits = provenance.hits.clone();
        let known = self
            .points
            .iter()
            .position(|p| distance(&p.state, &state) <= tolerance);
        let index = match known {
            Some(index) => {
                for &(kind, n) in &hits {
                    add_hits(&mut self.points[index].provenance.hits, kind, n);
                }
                let earlier = provenance.round == self.points[index].provenance.round
                    && provenance.kind < self.points[index].provenance.kind;
                if earlier {
                    self.points[index].provenance.kind = provenance.kind;
                }
                if self.polished.len() < 4 * self.options.points_max {
                    self.polished.push(state);
                }
                index
            }
            None => {
                let Some(point) = classify::point(
                    &mut self.solver,
                    self.options,
                    self.source.scale,
                    state,
                    provenance,
                ) else {
                    self.rejected += hits.iter().map(|h| h.1).sum::<usize>();
                    return None;
                };
                self.polished.push(point.state.clone());
                self.points.push(point);
                self.points.len() - 1
            }
        };
        Some(index)
    }

    /// A point on which a driven state settled.
    pub(crate) fn add_settled(&mut self, state: Vec<f64>) -> Option<usize> {
        let residual_before = self.solver.step_residual(&state);
        let provenance = Provenance {
            kind: SeedKind::Settled,
            round: self.round,
            hits: vec![(SeedKind::Settled, 1)],
            seed: state.clone(),
            steps: 0,
            residual_before,
            residual_after: 0.0,
        };
        self.add(state, provenance)
    }

    fn add_minima(&mut self, states: Vec<Vec<f64>>) {
        for state in states {
            let speed = self.solver.step_residual(&state);
            if speed.is_nan() || speed > self.options.slow_speed * self.source.scale {
                self.rejected += 1;
            } else {
                self.minima.push((state, 1));
            }
        }
    }

    /// Local minima that are no fixed points, one per place, slowest first.
    fn slow_points(&mut self) -> Vec<SlowPoint> {
        let within = MINIMA * self.source.scale;
        let minima = std::mem::take(&mut self.minima);
        let states: Vec<&[f64]> = minima.iter().map(|m| m.0.as_slice()).collect();
        let group = groups(&states, within);
        let n = group.iter().max().map_or(0, |m| m + 1);
        let mut slow = Vec::new();
        for g in 0..n {
            let members: Vec<usize> = (0..minima.len()).filter(|&i| group[i] == g).collect();
            let speeds: Vec<f64> = members
                .iter()
                .map(|&i| self.solver.step_residual(&minima[i].0))
                .collect();
            let Some(best) = (0..members.len()).min_by(|&a, &b| speeds[a].total_cmp(&speeds[b]))
            else {
                continue;
            };
            let state = minima[members[best]].0.clone();
            let fixed = self
                .points
                .iter()
                .any(|p| distance(&p.state, &state) <= within);
            match classify::slow(
                &mut self.solver,
                self.options,
                self.source.scale,
                state,
                members.len(),
            ) {
                Some(point) if !fixed => slow.push(point),
                _ => self.rejected += members.len(),
            }
        }
        slow.sort_by(|a, b| {
            a.speed
                .total_cmp(&b.speed)
                .then_with(|| canonical(&a.state, &b.state, within))
        });
        slow
    }
}

impl Solver<'_> {
    /// `|F(h) - h|`.
    fn step_residual(&mut self, state: &[f64]) -> f64 {
        let mut residual = vec![0.0; state.len()];
        self.map.residual(&mut self.scratch, state, &mut residual);
        norm(&residual)
    }
}

fn add_hits(hits: &mut Vec<(SeedKind, usize)>, kind: SeedKind, n: usize) {
    match hits.binary_search_by_key(&kind, |h| h.0) {
        Ok(at) => hits[at].1 += n,
        Err(at) => hits.insert(at, (kind, n)),
    }
}
