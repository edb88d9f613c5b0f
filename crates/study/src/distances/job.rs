//! One measure of all networks: the part of each, all pairs, the same before training, and the controls.

mod controls;

use super::blocks::{Cache, Columns, all_pairs};
use super::controls::Controls;
use super::measured::{Level, Measured, symmetric};
use super::members::LeftOut;
use super::seen::{Networks, Seen};
use super::twins::Twins;
use crate::error::Result;
use chiliad_analysis::distances::{DistanceError, Measure};
use chiliad_tasks::NpzArray;
use rayon::prelude::*;

/// What a measurement needs beside the measure.
pub struct Job<'a> {
    /// Who is compared.
    pub networks: &'a Networks<'a>,
    /// Whether controls and untrained networks are measured.
    pub controls: bool,
    /// Some of them trained once more in another order of trials.
    pub twins: Option<&'a Twins<'a>>,
    /// Seed of the study.
    pub seed: u64,
    /// Finished parts.
    pub cache: &'a Cache,
    /// Told the share done and a few words; an error ends the work, finished parts stay.
    pub progress: &'a mut dyn FnMut(f64, &str) -> Result<()>,
}

/// What a measure looks at, of a network as it is seen.
type Input<M> = dyn Fn(&Seen) -> std::result::Result<<M as Measure>::Input, DistanceError> + Sync;

/// The part of every network, by member, and the members without one.
type Parts<M> = (Vec<Option<<M as Measure>::Prepared>>, Vec<LeftOut>);

/// How a measure is taken of networks as they are seen.
pub(super) struct How<M: Measure> {
    pub(super) name: String,
    pub(super) level: Level,
    pub(super) words: String,
    pub(super) measure: M,
    pub(super) input: Box<Input<M>>,
    pub(super) columns: Columns<M>,
    /// Whether the order of units is something that it should not see.
    pub(super) permutes: bool,
    /// What is measured in two halves of the trials.
    pub(super) halves: Halves,
    /// Whether only networks of equally many units are compared.
    pub(super) same_units: bool,
    /// The part of a network on disk, where it is dear.
    pub(super) kept: Option<Kept<M::Input>>,
}

/// What two halves of the trials are good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Halves {
    /// A network in one half against itself in the other.
    Own,
    /// Moments are matched, so that halves cannot be held against each other: two networks in one half, and in the other.
    Pair,
    /// The measure looks at no trials.
    None,
}

/// To and from an array.
pub(super) struct Kept<I> {
    pub(super) to: fn(&I) -> NpzArray,
    pub(super) from: fn(&str, &NpzArray) -> std::result::Result<I, DistanceError>,
}
impl<M: Measure> How<M> {
    /// The part of one network; what is dear of it is kept as `name`.
    fn part(&self, cache: &Cache, name: &str, seen: &Seen) -> Result<M::Prepared> {
        let input = match &self.kept {
            None => (self.input)(seen)?,
            Some(kept) => {
                let mut make = || (self.input)(seen).map(|i| (kept.to)(&i));
                let name = format!("{}.{name}", self.name);
                let array = cache.part(&name, &mut make, &|s| s.len() == 2)?;
                (kept.from)(&seen.name, &array)?
            }
        };
        Ok(self.measure.prepare(&input)?)
    }

    /// Keeps these figures of each pair.
    pub(super) fn keeping(
        self,
        names: &[&'static str],
        figures: fn(&M::Found) -> Vec<f64>,
    ) -> Self {
        let names = names.to_vec();
        Self {
            columns: Columns { names, figures },
            ..self
        }
    }
}

pub(super) fn of<M: Measure>(
    name: &str,
    level: Level,
    words: String,
    measure: M,
    input: impl Fn(&Seen) -> std::result::Result<M::Input, DistanceError> + Sync + 'static,
) -> How<M> {
    How {
        name: name.into(),
        level,
        words,
        measure,
        input: Box::new(input),
        columns: Columns {
            names: vec!["distance"],
            figures: |f| vec![M::distance(f)],
        },
        permutes: true,
        halves: Halves::Pair,
        same_units: false,
        kept: None,
    }
}

impl Job<'_> {
    /// Takes the measure.
    ///
    /// # Errors
    ///
    /// Those of the measure, of disk and progress.
    pub(super) fn run<M: Measure>(&mut self, how: &How<M>) -> Result<Vec<Measured>> {
        let n = self.networks.len();
        let all: Vec<usize> = (0..n).collect();
        let (prepared, left_out) = self.prepare(how, &all, true)?;
        let figures = self.pairs(how, &prepared, "trained")?;
        let controls = if self.controls {
            self.controls(how, &prepared)?
        } else {
            Controls::default()
        };
        drop(prepared);
        let trained: Vec<usize> = all
            .iter()
            .copied()
            .filter(|&m| self.networks.was_trained(m))
            .collect();
        // Fixed points are those of trained networks; there are none of untrained ones.
        let has_untrained = self.controls && trained.len() > 1 && how.name != "configuration";
        let untrained = if has_untrained {
            let (prepared, _) = self.prepare(how, &trained, false)?;
            let figures = self.pairs(how, &prepared, "untrained")?;
            let first: Vec<f64> = figures
                .chunks(how.columns.names.len())
                .map(|row| row[0])
                .collect();
            Some(symmetric(n, &first))
        } else {
            None
        };
        let column = |c: &&str| {
            if *c == "distance" {
                how.name.clone()
            } else {
                format!("{}_{c}", how.name)
            }
        };
        Ok(vec![Measured {
            name: how.name.clone(),
            level: how.level,
            words: how.words.clone(),
            neighbour_of: None,
            columns: how.columns.names.iter().map(column).collect(),
            figure: 0,
            n,
            figures,
            left_out,
            controls,
            untrained,
        }])
    }

    /// The part of every network, by member; those that the measure cannot look at with the reason.
    fn prepare<M: Measure>(
        &mut self,
        how: &How<M>,
        members: &[usize],
        trained: bool,
    ) -> Result<Parts<M>> {
        let mut all: Vec<Option<M::Prepared>> = (0..self.networks.len()).map(|_| None).collect();
        let (mut left_out, mut first_error, mut done) = (Vec::new(), None, 0);
        for batch in members.chunks(2 * rayon::current_num_threads()) {
            let seen = self.networks.look(batch, trained)?;
            let cache = self.cache;
            let which = if trained { "trained" } else { "untrained" };
            let found: Vec<Result<_>> = batch
                .par_iter()
                .zip(&seen)
                .map(|(m, seen)| how.part(cache, &format!("{which}.network-{m}"), seen))
                .collect();
            for (&m, one) in batch.iter().zip(found) {
                match one {
                    Ok(prepared) => all[m] = Some(prepared),
                    Err(crate::error::StudyError::Distance(e)) => {
                        left_out.push(LeftOut {
                            index: self.networks.members[m].index,
                            reason: e.to_string(),
                        });
                        first_error.get_or_insert(e);
                    }
                    Err(e) => return Err(e),
                }
            }
            done += batch.len();
            (self.progress)(0.0, &format!("{done}/{} networks looked at", members.len()))?;
        }
        match first_error {
            Some(e) if trained && all.iter().flatten().count() < 2 => Err(e.into()),
            _ => Ok((all, left_out)),
        }
    }

    /// Figures of all pairs of members, NaN where one is missing or the two are of different sizes.
    fn pairs<M: Measure>(
        &mut self,
        how: &How<M>,
        prepared: &[Option<M::Prepared>],
        which: &str,
    ) -> Result<Vec<f64>> {
        let (n, width) = (prepared.len(), how.columns.names.len());
        let groups = self.groups(how, prepared);
        let total: usize = groups.iter().map(|g| g.len() * (g.len() - 1) / 2).sum();
        let mut all = vec![f64::NAN; n * n.saturating_sub(1) / 2 * width];
        let mut before = 0;
        for (g, group) in groups.iter().enumerate() {
            let parts: Vec<&M::Prepared> =
                group.iter().filter_map(|&m| prepared[m].as_ref()).collect();
            let progress = &mut *self.progress;
            let found = all_pairs(
                &how.measure,
                &parts,
                &how.columns,
                (self.cache, &format!("{}.{which}.{g}", how.name)),
                &mut |done| {
                    let done = before + done;
                    progress(
                        done as f64 / total.max(1) as f64,
                        &format!("{done}/{total} pairs, {which}"),
                    )
                },
            )?;
            let places = (0..group.len()).flat_map(|a| (a + 1..group.len()).map(move |b| (a, b)));
            for ((a, b), row) in places.zip(found.chunks(width)) {
                let (i, j) = (group[a], group[b]);
                let pair = i * (2 * n - i - 1) / 2 + j - i - 1;
                all[pair * width..(pair + 1) * width].copy_from_slice(row);
            }
            before += group.len() * (group.len() - 1) / 2;
        }
        Ok(all)
    }

    /// Members that are compared with each other.
    fn groups<M: Measure>(
        &self,
        how: &How<M>,
        prepared: &[Option<M::Prepared>],
    ) -> Vec<Vec<usize>> {
        let there: Vec<usize> = (0..prepared.len())
            .filter(|&m| prepared[m].is_some())
            .collect();
        if !how.same_units {
            return vec![there];
        }
        let mut by_units: std::collections::BTreeMap<usize, Vec<usize>> =
            std::collections::BTreeMap::new();
        for m in there {
            by_units.entry(self.networks.units(m)).or_default().push(m);
        }
        by_units.into_values().collect()
    }
}
