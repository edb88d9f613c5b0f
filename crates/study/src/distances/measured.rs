//! A distance of the study as figures of all pairs, with what they are to be held against.

use super::blocks::{Cache, Columns, all_pairs};
use super::controls::{Controls, Spread, halves, permuted, shuffled};
use super::members::LeftOut;
use super::seen::{Networks, Seen};
use crate::error::Result;
use crate::spec::{DistanceSpec, DsaSpec, FitSpec, RegistrationSpec, WeightScale, WeightSpec};
use chiliad_analysis::distances::behaviour::Outputs;
use chiliad_analysis::distances::dsa::{Conjugation, Delays, Fit, Operator, Rank, Spectrum};
use chiliad_analysis::distances::geometry::{
    Canonical, Cka, Components, Configuration, Endpoints, Registration, Rsa, Selectivity, Shape,
    TrajectoryFit,
};
use chiliad_analysis::distances::weights::Weights;
use chiliad_analysis::distances::{DistanceError, Measure};
use chiliad_tasks::NpzArray;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

/// What a distance is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// What networks answer.
    Behaviour,
    /// How their states move.
    Dynamics,
    /// What their dynamics join.
    Topology,
    /// Where their states lie.
    Geometry,
    /// How they are wired.
    Weights,
}

/// All pairs of one measure.
#[derive(Clone, Debug)]
pub struct Measured {
    /// In files and claims.
    pub name: String,
    /// What it is about.
    pub level: Level,
    /// What it is and with which options, in words.
    pub words: String,
    /// The measure it repeats at another setting.
    pub neighbour_of: Option<String>,
    /// Names of the columns of the table of pairs.
    pub columns: Vec<String>,
    /// The column that goes into the matrix.
    pub figure: usize,
    /// Members.
    pub n: usize,
    /// Of pairs (i, j), i < j, in order, `[pair][column]`; NaN where a pair is not compared.
    pub figures: Vec<f64>,
    /// Members that the measure cannot look at.
    pub left_out: Vec<LeftOut>,
    /// Controls.
    pub controls: Controls,
    /// The matrix of the same networks before training, NaN where there is none.
    pub untrained: Option<Vec<f64>>,
}

impl Measured {
    /// The symmetric matrix of a column, `[member][member]`.
    #[must_use]
    pub fn matrix(&self) -> Vec<f64> {
        let column = |figures: &[f64]| -> Vec<f64> {
            figures
                .chunks(self.columns.len().max(1))
                .map(|row| row[self.figure])
                .collect()
        };
        symmetric(self.n, &column(&self.figures))
    }
}

/// The whole matrix of the pairs above its diagonal.
fn symmetric(n: usize, pairs: &[f64]) -> Vec<f64> {
    let mut matrix = vec![0.0; n * n];
    let places = (0..n).flat_map(|i| (i + 1..n).map(move |j| (i, j)));
    for ((i, j), d) in places.zip(pairs) {
        matrix[i * n + j] = *d;
        matrix[j * n + i] = *d;
    }
    matrix
}

/// What a measurement needs beside the measure.
pub struct Job<'a> {
    /// Who is compared.
    pub networks: &'a Networks<'a>,
    /// Whether controls and untrained networks are measured.
    pub controls: bool,
    /// Seed of the study.
    pub seed: u64,
    /// Finished parts.
    pub cache: &'a Cache,
    /// Told the share done and a few words; an error ends the work, finished parts stay.
    pub progress: &'a mut dyn FnMut(f64, &str) -> Result<()>,
}

/// How a measure is taken of networks as they are seen.
struct How<M: Measure> {
    name: String,
    level: Level,
    words: String,
    measure: M,
    input: Box<dyn Fn(&Seen) -> std::result::Result<M::Input, DistanceError> + Sync>,
    columns: Columns<M>,
    /// Whether the order of units is something that it should not see.
    permutes: bool,
    /// Whether two halves of the trials can be compared: not where moments are matched.
    halves: bool,
    /// Whether only networks of equally many units are compared.
    same_units: bool,
    /// The part of a network on disk, where it is dear.
    kept: Option<Kept<M::Input>>,
}

/// To and from an array.
struct Kept<I> {
    to: fn(&I) -> NpzArray,
    from: fn(&str, &NpzArray) -> std::result::Result<I, DistanceError>,
}

/// All that the study's distance gives: itself first, then its neighbouring settings.
///
/// # Errors
///
/// [`crate::error::StudyError::Distance`] where no two networks can be compared, and those of disk and progress.
pub fn perform(job: &mut Job<'_>, spec: &DistanceSpec) -> Result<Vec<Measured>> {
    match spec {
        DistanceSpec::Svcca(s) => {
            let components = match (s.components, s.variance) {
                (Some(k), _) => Components::Number(k),
                (None, share) => Components::Variance(share.unwrap_or(0.99)),
            };
            let kept = match components {
                Components::Variance(share) => {
                    format!("the components with {share} of the variance")
                }
                _ => format!("{} principal components", s.components.unwrap_or(0)),
            };
            let words = format!("1 - mean canonical correlation of {kept}");
            job.run(&geometry("svcca", words, Canonical { components }))
        }
        DistanceSpec::Cka(c) => {
            let words = format!("linear centred kernel alignment ({:?})", c.kind);
            job.run(&geometry("cka", words, Cka { kind: c.kind }))
        }
        DistanceSpec::Procrustes(p) => {
            let words = format!("angular Procrustes distance, alpha {}", p.alpha);
            let shape = Shape {
                alpha: p.alpha,
                centre: true,
            };
            let how = geometry("procrustes", words, shape)
                .keeping(&["distance", "euclidean"], |f| {
                    vec![f.distance, f.euclidean]
                });
            job.run(&how)
        }
        DistanceSpec::Rsa(r) => {
            let rsa = Rsa {
                dissimilarity: r.dissimilarity,
                comparison: r.comparison,
            };
            let words = format!(
                "1 - {:?} of {:?} dissimilarities",
                r.comparison, r.dissimilarity
            );
            job.run(&geometry("rsa", words, rsa))
        }
        DistanceSpec::Trajectories(p) => {
            let components = p.components;
            let words = format!("residual of linear fits, {components} components, both ways");
            let how = geometry("trajectories", words, TrajectoryFit { components })
                .keeping(&["distance", "forward", "backward"], |f| {
                    vec![f.distance, f.forward, f.backward]
                });
            job.run(&how)
        }
        DistanceSpec::Endpoints(p) => {
            let components = p.components;
            let words = format!("last states, {components} components, turned");
            let (level, measure) = (Level::Geometry, Endpoints { components });
            job.run(&of("endpoints", level, words, measure, Seen::recording))
        }
        DistanceSpec::Selectivity(r) => {
            let words = format!(
                "units as points, {} coordinates, {} restarts",
                r.dimensions, r.restarts
            );
            let how = geometry("selectivity", words, Selectivity(registration(r, job.seed)))
                .keeping(&["distance", "spread"], |f| vec![f.distance, f.spread]);
            job.run(&How {
                halves: true,
                ..how
            })
        }
        DistanceSpec::Configuration(r) => {
            let words = format!(
                "fixed points, {} coordinates, {} restarts",
                r.dimensions, r.restarts
            );
            let measure = Configuration(registration(r, job.seed));
            let how = of(
                "configuration",
                Level::Geometry,
                words,
                measure,
                Seen::fixed_points,
            )
            .keeping(&["distance", "spread"], |f| vec![f.distance, f.spread]);
            job.run(&how)
        }
        DistanceSpec::Dsa(d) => {
            let mut all = job.run(&dsa("dsa", d, (d.delays, d.rank), job.seed))?;
            let controls = std::mem::replace(&mut job.controls, false);
            for &(delays, rank) in d.neighbouring.iter().flatten() {
                let name = format!("dsa_delays{delays}_rank{rank}");
                let mut beside = job.run(&dsa(&name, d, (delays, rank), job.seed))?;
                beside
                    .iter_mut()
                    .for_each(|m| m.neighbour_of = Some("dsa".into()));
                all.extend(beside);
            }
            job.controls = controls;
            Ok(all)
        }
        DistanceSpec::DmdWasserstein(f) => {
            let fit = f.clone();
            let words = format!("W2 between eigenvalues of {}", fit_words(f));
            let input = move |seen: &Seen| fitted(seen, &fit);
            let how = of("dmd_wasserstein", Level::Dynamics, words, Spectrum, input)
                .keeping(&["distance", "w1", "w2_squared"], |f| {
                    vec![f.distance, f.w1, f.w2_squared]
                });
            job.run(&How {
                halves: true,
                kept: Some(operators()),
                ..how
            })
        }
        DistanceSpec::WeightPermutation(w) => weights(job, w),
        DistanceSpec::OutputDistance(_) => {
            let words = "root mean square difference of outputs".to_owned();
            let how = of(
                "output_distance",
                Level::Behaviour,
                words,
                Outputs,
                Seen::answers,
            )
            .keeping(&["distance", "largest"], |f| vec![f.distance, f.largest]);
            job.run(&How {
                permutes: false,
                ..how
            })
        }
    }
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
    fn keeping(self, names: &[&'static str], figures: fn(&M::Found) -> Vec<f64>) -> Self {
        let names = names.to_vec();
        Self {
            columns: Columns { names, figures },
            ..self
        }
    }
}

fn of<M: Measure>(
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
        halves: false,
        same_units: false,
        kept: None,
    }
}

fn geometry<M: Measure<Input = chiliad_analysis::distances::Samples>>(
    name: &str,
    words: String,
    measure: M,
) -> How<M> {
    of(name, Level::Geometry, words, measure, Seen::samples)
}

fn registration(r: &RegistrationSpec, seed: u64) -> Registration {
    Registration {
        dimensions: r.dimensions,
        restarts: r.restarts,
        seed,
    }
}

fn dsa(name: &str, d: &DsaSpec, at: (usize, usize), seed: u64) -> How<Conjugation> {
    let (fit, starts) = (d.fit(at), d.starts);
    let words = format!(
        "Procrustes over vector fields, unit norm, {}, {starts} random starts",
        fit_words(&fit)
    );
    let input = move |seen: &Seen| fitted(seen, &fit);
    let names = ["distance", "angular", "lower_bound", "spread", "certified"];
    let how = of(
        name,
        Level::Dynamics,
        words,
        Conjugation { starts, seed },
        input,
    )
    .keeping(&names, |f| {
        let certified = f64::from(u8::from(f.certified));
        vec![f.distance, f.angular, f.lower_bound, f.spread, certified]
    });
    How {
        halves: true,
        kept: Some(operators()),
        ..how
    }
}

fn fit_words(f: &FitSpec) -> String {
    format!(
        "operators of rank {} on {} delays of {}, ridge {}",
        f.rank,
        f.delays,
        if f.interval == 1 {
            "1 step".to_owned()
        } else {
            format!("{} steps", f.interval)
        },
        f.ridge
    )
}

fn fitted(seen: &Seen, fit: &FitSpec) -> std::result::Result<Operator, DistanceError> {
    let how = Fit {
        delays: Delays {
            number: fit.delays,
            interval: fit.interval,
        },
        rank: Rank::Number(fit.rank),
        ridge: fit.ridge,
        ..Fit::default()
    };
    Operator::fit(&seen.recording()?, &how)
}

fn operators() -> Kept<Operator> {
    Kept {
        to: |o| {
            let n = o.matrix.nrows();
            let values = (0..n * n).map(|k| o.matrix[(k / n, k % n)]);
            NpzArray::f64(&[n, n], values.collect())
        },
        from: |name, a| Operator::new(name, &a.shape, &a.to_f64()),
    }
}

/// Weights in all their scales; the one asked for first goes into the matrix.
fn weights(job: &mut Job<'_>, w: &WeightSpec) -> Result<Vec<Measured>> {
    const SCALES: [WeightScale; 4] = [
        WeightScale::Raw,
        WeightScale::PerUnit,
        WeightScale::PerParameter,
        WeightScale::Relative,
    ];
    let words = format!(
        "recurrent weights up to a relabelling of units, {} starts",
        w.starts
    );
    let measure = Weights {
        starts: w.starts,
        seed: job.seed,
    };
    let names = [
        "raw",
        "per_unit",
        "per_parameter",
        "relative",
        "lower_bound",
        "spread",
        "identity",
    ];
    let how = of(
        "weight_permutation",
        Level::Weights,
        words,
        measure,
        Seen::recurrent,
    )
    .keeping(&names, |f| {
        let scales = [f.distance, f.per_unit, f.per_parameter, f.relative];
        [&scales[..], &[f.lower_bound, f.spread, f.identity]].concat()
    });
    let how = How {
        same_units: true,
        ..how
    };
    let mut all = job.run(&how)?;
    for m in &mut all {
        if m.untrained.is_some() {
            over_untrained(job.networks, m);
        }
        let first = w.scale.first().copied().unwrap_or(WeightScale::Raw);
        m.figure = SCALES
            .iter()
            .position(|s| *s == first)
            .unwrap_or(m.columns.len() - 1);
        m.words += &format!(", {}", first.column().replace('_', " "));
    }
    Ok(all)
}

/// Adds the distance over the mean of untrained networks of the same size.
fn over_untrained(networks: &Networks<'_>, m: &mut Measured) {
    let Some(untrained) = &m.untrained else {
        return;
    };
    let n = m.n;
    let mean = |units: usize| {
        let of_size: Vec<usize> = (0..n).filter(|&i| networks.units(i) == units).collect();
        let pairs = of_size
            .iter()
            .flat_map(|&i| of_size.iter().map(move |&j| (i, j)));
        let known: Vec<f64> = pairs
            .filter(|(i, j)| i < j)
            .map(|(i, j)| untrained[i * n + j])
            .filter(|d| d.is_finite())
            .collect();
        known.iter().sum::<f64>() / known.len() as f64
    };
    let by_member: Vec<f64> = (0..n).map(|i| mean(networks.units(i))).collect();
    let width = m.columns.len();
    let places = (0..n).flat_map(|i| (i + 1..n).map(move |j| (i, j)));
    m.figures = places
        .zip(m.figures.chunks(width))
        .flat_map(|((i, _), row)| {
            row.iter()
                .copied()
                .chain([row[0] / by_member[i]])
                .collect::<Vec<f64>>()
        })
        .collect();
    m.columns.push(format!("{}_untrained", m.name));
}

impl Job<'_> {
    fn run<M: Measure>(&mut self, how: &How<M>) -> Result<Vec<Measured>> {
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
            columns: how.columns.names.iter().map(|c| column(&c)).collect(),
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
    ) -> Result<(Vec<Option<M::Prepared>>, Vec<LeftOut>)> {
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

    fn controls<M: Measure>(
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
        for batch in pairs.chunks(2 * rayon::current_num_threads()) {
            let members: Vec<usize> = batch.iter().map(|p| p.0).collect();
            let seen = self.networks.look(&members, true)?;
            let seed = self.seed;
            let distance =
                |part: &M::Prepared, other: &Seen| -> std::result::Result<f64, DistanceError> {
                    let other = how.measure.prepare(&(how.input)(other)?)?;
                    Ok(M::distance(&how.measure.compare(part, &other)?))
                };
            let found: Vec<[Option<f64>; 3]> = batch
                .par_iter()
                .zip(&seen)
                .map(|(&(m, next), seen)| {
                    // A control that does not exist for a network is one fewer of its n.
                    let part = |k: usize| prepared[k].as_ref();
                    let same = part(m)
                        .filter(|_| how.permutes)
                        .and_then(|own| distance(own, &permuted(seen, seed, m)).ok());
                    let half = halves(seen).filter(|_| how.halves).and_then(|[a, b]| {
                        let one = how.measure.prepare(&(how.input)(&a).ok()?).ok()?;
                        distance(&one, &b).ok()
                    });
                    let random =
                        part(next).and_then(|other| distance(other, &shuffled(seen, seed, m)).ok());
                    [same, half, random]
                })
                .collect();
            for [same, half, random] in found {
                order.extend(same);
                floor.extend(half);
                ceiling.extend(random);
            }
            (self.progress)(1.0, &format!("{}/{} controls", ceiling.len(), pairs.len()))?;
        }
        Ok(Controls {
            permuted: Spread::of(order),
            halves: Spread::of(floor),
            shuffled: Spread::of(ceiling),
        })
    }
}
