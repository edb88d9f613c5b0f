//! The controls of one measure: a network changed in ways that should make no difference, or all the difference.

use super::super::controls::{Controls, Spread, halves, permuted, shuffled};
use super::super::seen::Seen;
use super::{Halves, How, Job};
use crate::error::Result;
use chiliad_analysis::distances::{DistanceError, Measure};
use rayon::prelude::*;

impl Job<'_> {
    /// All of them, for every network that has a prepared part.
    pub(super) fn controls<M: Measure>(
        &mut self,
        how: &How<M>,
        prepared: &[Option<M::Prepared>],
    ) -> Result<Controls> {
        let groups = self.groups(how, prepared);
        // Whom each is compared with, once that one is shuffled: the next of its group.
        let pairs: Vec<(usize, usize)> = groups
            .iter()
            .flat_map(|g| {
                g.iter()
                    .enumerate()
                    .map(|(k, &m)| (m, g[(k + 1) % g.len()]))
            })
            .collect();
        let (mut order, mut floor, mut ceiling) = (Vec::new(), Vec::new(), Vec::new());
        let mut split = Vec::new();
        for batch in pairs.chunks(2 * rayon::current_num_threads()) {
            let members: Vec<usize> = batch.iter().map(|p| p.0).collect();
            let seen = self.networks.look(&members, true)?;
            let nexts: Vec<usize> = batch.iter().map(|p| p.1).collect();
            let beside = if how.halves == Halves::Pair {
                self.networks.look(&nexts, true)?
            } else {
                Vec::new()
            };
            let seed = self.seed;
            let distance =
                |part: &M::Prepared, other: &Seen| -> std::result::Result<f64, DistanceError> {
                    let other = how.measure.prepare(&(how.input)(other)?)?;
                    Ok(M::distance(&how.measure.compare(part, &other)?))
                };
            let whole = |a: &Seen, b: &Seen| {
                let one = how.measure.prepare(&(how.input)(a).ok()?).ok()?;
                distance(&one, b).ok()
            };
            let found: Vec<[Option<f64>; 4]> = batch
                .par_iter()
                .zip(&seen)
                .enumerate()
                .map(|(k, (&(m, next), seen))| {
                    // A control that does not exist for a network is one fewer of its n.
                    let part = |k: usize| prepared[k].as_ref();
                    let same = part(m)
                        .filter(|_| how.permutes)
                        .and_then(|own| distance(own, &permuted(seen, seed, m)).ok());
                    let half = halves(seen)
                        .filter(|_| how.halves == Halves::Own)
                        .and_then(|[a, b]| whole(&a, &b));
                    let differs = beside.get(k).filter(|_| m != next).and_then(|other| {
                        let ([a, b], [c, d]) = (halves(seen)?, halves(other)?);
                        Some((whole(&a, &c)? - whole(&b, &d)?).abs())
                    });
                    let random =
                        part(next).and_then(|other| distance(other, &shuffled(seen, seed, m)).ok());
                    [same, half, differs, random]
                })
                .collect();
            for [same, half, differs, random] in found {
                order.extend(same);
                floor.extend(half);
                split.extend(differs);
                ceiling.extend(random);
            }
            (self.progress)(1.0, &format!("{}/{} controls", ceiling.len(), pairs.len()))?;
        }
        Ok(Controls {
            permuted: Spread::of(order),
            halves: Spread::of(floor),
            split: Spread::of(split),
            twins: Spread::of(self.twins(how, prepared)?),
            shuffled: Spread::of(ceiling),
        })
    }

    /// Distances between networks and those trained from the same initial weights.
    fn twins<M: Measure>(
        &self,
        how: &How<M>,
        prepared: &[Option<M::Prepared>],
    ) -> Result<Vec<f64>> {
        let Some(twins) = self.twins else {
            return Ok(Vec::new());
        };
        let all: Vec<usize> = (0..twins.of.len()).collect();
        let mut found = Vec::new();
        for batch in all.chunks(2 * rayon::current_num_threads()) {
            let seen = twins.networks.look(batch, true)?;
            let of = batch.iter().map(|&t| {
                let mut members = self.networks.members.iter();
                let own = members.position(|m| (m.population, m.network) == twins.of[t])?;
                prepared[own].as_ref()
            });
            let of: Vec<Option<&M::Prepared>> = of.collect();
            let apart: Vec<Option<f64>> = of
                .par_iter()
                .zip(&seen)
                .map(|(own, seen)| {
                    // A twin that the measure cannot look at is one fewer of its n.
                    let twin = how.measure.prepare(&(how.input)(seen).ok()?).ok()?;
                    let found = how.measure.compare((*own)?, &twin).ok()?;
                    Some(M::distance(&found))
                })
                .collect();
            found.extend(apart.into_iter().flatten());
        }
        Ok(found)
    }
}
