//! Does a factor of the study tell networks apart, judged from one matrix of distances?

use crate::distances::members::Member;
use crate::study::{PopulationPlan, Study};
use chiliad_analysis::statistics::{
    Correlation, DistanceMatrix, Interval, Mantel, Neighbours, Permanova, balanced_mean,
    neighbours, partial_mantel, permanova, silhouette, told_right, within_and_between,
    within_groups,
};
use serde::{Deserialize, Serialize};

/// Factors that a study can vary.
pub const FACTORS: [&str; 4] = ["cell", "activation", "units", "group"];

/// The level of a population, as text.
#[must_use]
pub fn level(factor: &str, plan: &PopulationPlan) -> Option<String> {
    match factor {
        "cell" => Some(plan.cell_name().to_owned()),
        "activation" => Some(plan.activation.clone()),
        "units" => Some(plan.units.to_string()),
        "group" => plan.group.clone(),
        _ => None,
    }
}

/// Networks sorted by a factor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sorted {
    /// Names, numbers by size, others in the order of the study.
    pub names: Vec<String>,
    /// By member as given.
    pub of: Vec<usize>,
}

/// Members by their level; none where one has no level, or fewer than two levels have members.
#[must_use]
pub fn sorted(study: &Study, members: &[&Member], factor: &str) -> Option<Sorted> {
    let all: Vec<String> = members
        .iter()
        .map(|m| level(factor, study.populations.get(m.population)?))
        .collect::<Option<_>>()?;
    let mut names: Vec<String> = Vec::new();
    for name in &all {
        if !names.contains(name) {
            names.push(name.clone());
        }
    }
    if factor == "units" {
        names.sort_by_key(|n| n.parse::<usize>().unwrap_or(usize::MAX));
    }
    let place = |name: &String| names.iter().position(|n| n == name);
    let of = all.iter().filter_map(place).collect();
    (names.len() > 1).then_some(Sorted { names, of })
}

/// What a factor does to a distance.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Effect {
    /// Its name.
    pub factor: String,
    /// Levels, networks of each, and their mean distance among themselves.
    pub levels: Vec<(String, usize, Option<f64>)>,
    /// Networks.
    pub n: usize,
    /// Mean distance of pairs of one level.
    pub within: Option<f64>,
    /// Mean distance of pairs of different levels.
    pub between: Option<f64>,
    /// Between over within: the effect. 1 where the factor does nothing.
    pub ratio: Option<Interval>,
    /// Share of pairs of different levels at distance zero.
    pub alike: Option<Interval>,
    /// Naming the level from the nearest neighbours, and how many of them; none where a level has a single network.
    pub neighbours: Option<Neighbours>,
    /// The accuracy with its interval: networks are drawn again as the ones to be named.
    pub accuracy: Option<Interval>,
    /// Mean silhouette.
    pub silhouette: Option<f64>,
    /// Variance that the levels account for, and p.
    pub permanova: Option<Permanova>,
    /// Correlation of the distance with being of different levels, differences of the loss held fixed.
    pub given_loss: Option<Mantel>,
    /// The accuracy without the worst-trained tenth.
    pub without_worst: Option<Interval>,
    /// The accuracy before training.
    pub untrained: Option<f64>,
}

impl Effect {
    /// A level of a single network: with that one left out, none of its own remains to name it by.
    #[must_use]
    pub fn lone(&self) -> Option<&str> {
        let lone = self.levels.iter().find(|l| l.1 == 1);
        lone.map(|l| l.0.as_str())
    }
}

/// What the numbers are computed from.
pub struct Question<'a> {
    /// Of the networks that count.
    pub members: &'a [&'a Member],
    /// Distance of two of them, none where they are not compared.
    pub apart: &'a (dyn Fn(usize, usize) -> Option<f64> + Sync),
    /// The whole matrix, where all are compared and it is not degenerate.
    pub matrix: Option<&'a DistanceMatrix>,
    /// The same before training.
    pub untrained: Option<&'a DistanceMatrix>,
    /// Differences of the loss.
    pub losses: Option<&'a DistanceMatrix>,
    /// Neighbours, permutations, resamplings.
    pub how: &'a crate::spec::CompareSpec,
    /// Seed of the study.
    pub seed: u64,
}

impl Question<'_> {
    /// What the factor does, by everything that the matrix allows.
    #[must_use]
    pub fn effect(&self, factor: &str, by: &Sorted) -> Effect {
        let Self { how, seed, .. } = *self;
        let all: Vec<usize> = (0..self.members.len()).collect();
        let groups = &by.of;
        let bootstrap = |figure: &dyn Fn(&[usize]) -> Option<f64>| {
            within_groups(groups, how.resamplings, seed, figure)
        };
        let [within, between] = within_and_between(self.apart, groups, &all);
        let alike = |i: usize, j: usize| (self.apart)(i, j).map(|d| f64::from(u8::from(d == 0.0)));
        let untrained = self.untrained.and_then(|m| told(m, groups, how.neighbours));
        let level = |(g, name): (usize, &String)| {
            let own: Vec<usize> = all.iter().copied().filter(|i| groups[*i] == g).collect();
            let [mean, _] = within_and_between(self.apart, groups, &own);
            (name.clone(), own.len(), mean)
        };
        Effect {
            factor: factor.into(),
            levels: by.names.iter().enumerate().map(level).collect(),
            n: all.len(),
            within,
            between,
            ratio: bootstrap(&|chosen| {
                let [within, between] = within_and_between(self.apart, groups, chosen);
                within
                    .zip(between)
                    .filter(|(w, _)| *w > 0.0)
                    .map(|(w, b)| b / w)
            }),
            alike: bootstrap(&|chosen| within_and_between(&alike, groups, chosen)[1]),
            neighbours: self
                .matrix
                .and_then(|m| neighbours(m, groups, how.neighbours, how.permutations, seed).ok()),
            accuracy: self.matrix.and_then(|m| self.accuracy(m, groups)),
            silhouette: self.matrix.and_then(|m| silhouette(m, groups).ok()),
            permanova: self
                .matrix
                .and_then(|m| permanova(m, groups, how.permutations, seed).ok()),
            given_loss: self.given_loss(groups),
            without_worst: self.better_trained().and_then(|kept| {
                let groups: Vec<usize> = kept.iter().map(|&i| groups[i]).collect();
                self.accuracy(&part(self.matrix?, &kept)?, &groups)
            }),
            untrained,
        }
    }

    /// Networks are drawn again as the ones to be named; those they are named by stay.
    fn accuracy(&self, matrix: &DistanceMatrix, groups: &[usize]) -> Option<Interval> {
        let right = told_each(matrix, groups, self.how.neighbours)?;
        within_groups(groups, self.how.resamplings, self.seed, &|chosen| {
            balanced_mean(&right, groups, chosen)
        })
    }

    fn given_loss(&self, groups: &[usize]) -> Option<Mantel> {
        let n = groups.len();
        let differs = (0..n * n).map(|k| f64::from(u8::from(groups[k / n] != groups[k % n])));
        let differs = DistanceMatrix::new(n, differs.collect()).ok()?;
        let (permutations, kind) = (self.how.permutations, Correlation::Spearman);
        partial_mantel(
            self.matrix?,
            &differs,
            self.losses?,
            kind,
            permutations,
            self.seed,
        )
        .ok()
    }

    /// Members but for the tenth with the highest losses, rounded up; none where a loss is not known.
    fn better_trained(&self) -> Option<Vec<usize>> {
        let mut order: Vec<(f64, usize)> = self
            .members
            .iter()
            .enumerate()
            .map(|(i, m)| Some((m.loss?, i)))
            .collect::<Option<_>>()?;
        order.sort_by(|a, b| a.0.total_cmp(&b.0));
        order.truncate(order.len() - order.len().div_ceil(10));
        let mut kept: Vec<usize> = order.into_iter().map(|(_, i)| i).collect();
        kept.sort_unstable();
        (kept.len() > 1).then_some(kept)
    }
}

fn told_each(matrix: &DistanceMatrix, groups: &[usize], k: usize) -> Option<Vec<f64>> {
    told_right(matrix, groups, k).ok()
}

fn told(matrix: &DistanceMatrix, groups: &[usize], k: usize) -> Option<f64> {
    let all: Vec<usize> = (0..groups.len()).collect();
    balanced_mean(&told_each(matrix, groups, k)?, groups, &all)
}

/// Some rows and columns.
fn part(matrix: &DistanceMatrix, kept: &[usize]) -> Option<DistanceMatrix> {
    let values = kept
        .iter()
        .flat_map(|&i| kept.iter().map(move |&j| matrix.at(i, j)));
    DistanceMatrix::new(kept.len(), values.collect()).ok()
}
