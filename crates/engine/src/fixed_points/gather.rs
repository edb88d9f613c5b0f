//! A round of seeds: what they end on, each place once.

use super::cluster::{canonical, distance, groups};
use super::search::Search;
use super::seeds::SeedKind;
use super::solve::{End, Run, Solver, norm};
use super::{Provenance, classify};

impl Search<'_> {
    pub(super) fn run_round(&mut self, seeds: &[(SeedKind, Vec<f64>)]) {
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
}

impl Solver<'_> {
    /// `|F(h) - h|`.
    pub(super) fn step_residual(&mut self, state: &[f64]) -> f64 {
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
