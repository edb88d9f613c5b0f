//! Claims about distances: naming levels, agreement, trends, outliers.

use crate::comparison::factors::{Sorted, sorted};
use crate::comparison::{Comparison, Row};
use crate::distances::files;
use crate::distances::members::Member;
use crate::error::Result;
use crate::manifest::StudyFolder;
use crate::spec::TestSpec;
use crate::study::Study;
use crate::tables::Table;
use chiliad_analysis::share::Share;
use chiliad_analysis::statistics::{Interval, trend, within_and_between, within_groups};
use chiliad_analysis::topology::agreement::Estimate;
use std::collections::BTreeMap;

/// The name that claims give to the spread of losses elsewhere.
pub(crate) const ELSEWHERE: &str = "out_of_distribution";
/// Distances between graphs.
pub(crate) const GRAPHS: [&str; 5] = [
    "topology",
    "topology_all",
    "transitions",
    "points",
    "census",
];
/// Distances of zero or more steps, where "alike" means zero.
const DISCRETE: [&str; 4] = ["topology", "topology_all", "points", "census"];
/// Share of the reference that counts as inside.
const INSIDE: f64 = 0.95;

/// What claims about distances are decided from.
pub(crate) struct Evidence {
    pub(crate) comparison: Comparison,
    /// By measure, `[member][member]`.
    pub(crate) matrices: BTreeMap<String, Vec<f64>>,
    /// Loss elsewhere, by variant and member.
    elsewhere: Vec<(String, Vec<f64>)>,
}

impl Evidence {
    /// Of a folder, where it has been compared.
    pub(crate) fn read(folder: &StudyFolder) -> Result<Option<Self>> {
        let Some(comparison) = files::read_statistics(folder)? else {
            return Ok(None);
        };
        let n = comparison.networks.len();
        let matrices = comparison
            .rows
            .iter()
            .map(|r| Ok((r.name.clone(), files::read_matrix(folder, &r.name, n)?)))
            .collect::<Result<_>>()?;
        let path = "distances/out_of_distribution.parquet";
        let mut elsewhere: Vec<(String, Vec<f64>)> = Vec::new();
        if folder.manifest.files.contains_key(path) {
            let table = Table::from_bytes(folder.read(path)?, &folder.root.join(path))?;
            // Rows are variant by variant, each in the order of the members.
            for (variant, loss) in table.words("variant").iter().zip(table.number("loss")) {
                match elsewhere.iter_mut().find(|(v, _)| v == variant) {
                    Some((_, losses)) => losses.push(*loss),
                    None => elsewhere.push((variant.clone(), vec![*loss])),
                }
            }
        }
        Ok(Some(Self {
            comparison,
            matrices,
            elsewhere,
        }))
    }

    fn row(&self, name: &str) -> Option<&Row> {
        let row = self.comparison.row(name)?;
        // Without driven states there is no reached scaffold: then all points stand for it.
        if name == "topology" && row.n == 0 {
            return self.comparison.row("topology_all");
        }
        Some(row)
    }

    fn matrix(&self, name: &str) -> Option<&[f64]> {
        self.matrices.get(name).map(Vec::as_slice)
    }

    fn counted(&self) -> Vec<usize> {
        let networks = &self.comparison.networks;
        (0..networks.len())
            .filter(|&i| !networks[i].untrained)
            .collect()
    }
}

/// Whether the study computes the number that a test is about.
pub(crate) fn computed(study: &Study, test: &TestSpec) -> bool {
    let Some(plan) = &study.comparison else {
        return false;
    };
    let measured = |name: &str| {
        plan.distances.iter().any(|d| d.name() == name)
            || (study.topology.is_some() && GRAPHS.contains(&name))
    };
    let varied = |factor: &str| {
        let levels: Vec<_> = study
            .populations
            .iter()
            .map(|p| crate::comparison::factors::level(factor, p))
            .collect();
        levels.iter().all(Option::is_some) && levels.iter().any(|l| *l != levels[0])
    };
    let group = |name: &str| {
        let of = |p: &crate::study::PopulationPlan| p.group.as_deref() == Some(name);
        study.populations.iter().any(of)
    };
    match test {
        TestSpec::KnnAccuracy { of, by } => varied(of) && measured(by),
        TestSpec::Agreement { across, by } => varied(across) && measured(by),
        TestSpec::Trend { along, of } => {
            varied(along)
                && (measured(of) || (of == ELSEWHERE && !plan.out_of_distribution.is_empty()))
        }
        TestSpec::Outliers { of, against, by } => {
            let any = !plan.distances.is_empty() || study.topology.is_some();
            group(of) && group(against) && by.as_deref().map_or(any, measured)
        }
        TestSpec::AutomatonFidelity => false,
    }
}

fn estimate(i: Interval, n: usize) -> Estimate {
    Estimate {
        value: i.estimate,
        low: i.low,
        high: i.high,
        n,
    }
}

/// Why a number that the study computes is not there for these networks, where more can be said than that they are too few.
pub(crate) fn why_not(evidence: &Evidence, test: &TestSpec) -> Option<String> {
    let TestSpec::KnnAccuracy { of, by } = test else {
        return None;
    };
    let effect = evidence.row(by)?.factors.iter().find(|f| f.factor == *of)?;
    let level = effect.lone()?;
    Some(format!(
        "{of} `{level}` has a single network, and none of its own is left to name it by"
    ))
}

/// The number and what it is in words; none where these networks do not have it.
pub(crate) fn number(
    study: &Study,
    evidence: &Evidence,
    test: &TestSpec,
) -> Option<(Estimate, String)> {
    match test {
        TestSpec::KnnAccuracy { of, by } => accuracy(evidence, of, by),
        TestSpec::Agreement { across, by } => agreement(evidence, across, by),
        TestSpec::Trend { along, of } => trend_of(study, evidence, along, of),
        TestSpec::Outliers { of, against, by } => {
            let first = evidence.comparison.rows.iter().find(|r| r.n > 0);
            let by = by.as_deref().or(first.map(|r| r.name.as_str()))?;
            outliers(study, evidence, of, against, by)
        }
        TestSpec::AutomatonFidelity => None,
    }
}

fn accuracy(evidence: &Evidence, of: &str, by: &str) -> Option<(Estimate, String)> {
    let effect = evidence.row(by)?.factors.iter().find(|f| f.factor == of)?;
    let (neighbours, accuracy) = (effect.neighbours.as_ref()?, effect.accuracy?);
    let before = effect
        .untrained
        .map_or(String::new(), |u| format!(", before training {u:.3}"));
    let found = estimate(accuracy, effect.n);
    let words = super::words(
        &format!("{}-NN accuracy of {of} by {by}", neighbours.k),
        &found,
    );
    Some((
        found,
        format!(
            "{words}, chance {:.3}, p = {:.3}{before}",
            neighbours.chance, neighbours.p
        ),
    ))
}

fn agreement(evidence: &Evidence, across: &str, by: &str) -> Option<(Estimate, String)> {
    let effect = evidence
        .row(by)?
        .factors
        .iter()
        .find(|f| f.factor == across)?;
    if DISCRETE.contains(&by) {
        let found = estimate(effect.alike?, effect.n);
        let name = format!("share of pairs between levels of {across} alike by {by}");
        return Some((found, super::words(&name, &found)));
    }
    let ratio = effect.ratio?;
    let inverse = |x: f64| if x > 0.0 { 1.0 / x } else { f64::INFINITY };
    let found = Estimate {
        value: inverse(ratio.estimate),
        low: inverse(ratio.high),
        high: inverse(ratio.low),
        n: effect.n,
    };
    let name = format!("distance by {by} within levels of {across} over that between them");
    Some((found, super::words(&name, &found)))
}

/// Members that count, sorted by a factor.
fn by_factor<'a>(
    study: &Study,
    evidence: &'a Evidence,
    factor: &str,
) -> Option<(Vec<usize>, Vec<&'a Member>, Sorted)> {
    let counted = evidence.counted();
    let who: Vec<&Member> = counted
        .iter()
        .map(|&i| &evidence.comparison.networks[i])
        .collect();
    let by = sorted(study, &who, factor)?;
    Some((counted, who, by))
}

fn trend_of(
    study: &Study,
    evidence: &Evidence,
    along: &str,
    of: &str,
) -> Option<(Estimate, String)> {
    let (counted, who, by) = by_factor(study, evidence, along)?;
    let n = evidence.comparison.networks.len();
    let of_level = |chosen: &[usize], level: usize| -> Option<f64> {
        let own: Vec<usize> = chosen
            .iter()
            .copied()
            .filter(|i| by.of[*i] == level)
            .collect();
        if of == ELSEWHERE {
            let (_, losses) = evidence.elsewhere.first()?;
            let values: Vec<f64> = own.iter().map(|&i| losses[counted[i]]).collect();
            let all = vec![true; values.len()];
            return chiliad_analysis::distances::behaviour::loss_spread(&values, &all)
                .ok()?
                .deviation;
        }
        let matrix = evidence.matrix(of)?;
        let apart = |i: usize, j: usize| {
            Some(matrix[counted[i] * n + counted[j]]).filter(|d| d.is_finite())
        };
        within_and_between(&apart, &by.of, &own)[0]
    };
    let along_levels = |chosen: &[usize]| -> Option<f64> {
        let means: Vec<f64> = (0..by.names.len())
            .map(|level| of_level(chosen, level))
            .collect::<Option<_>>()?;
        trend(&means)
    };
    let found = within_groups(
        &by.of,
        evidence.comparison.how.resamplings,
        study.seed,
        &along_levels,
    )?;
    let all: Vec<usize> = (0..who.len()).collect();
    let levels: Vec<String> = by
        .names
        .iter()
        .enumerate()
        .filter_map(|(g, name)| Some(format!("{name}: {:.3}", of_level(&all, g)?)))
        .collect();
    let found = estimate(found, who.len());
    let what = if of == ELSEWHERE {
        "standard deviation of the loss"
    } else {
        "mean distance within a level"
    };
    let words = super::words(
        &format!("rank correlation of the {what} ({of}) with {along}"),
        &found,
    );
    Some((found, format!("{words}; {}", levels.join(", "))))
}

/// Share of a group whose nearest reference networks are farther away than those of 95 % of the reference itself.
fn outliers(
    study: &Study,
    evidence: &Evidence,
    of: &str,
    against: &str,
    by: &str,
) -> Option<(Estimate, String)> {
    let (matrix, networks) = (evidence.matrix(by)?, &evidence.comparison.networks);
    let n = networks.len();
    let in_group = |name: &str| -> Vec<usize> {
        let of =
            |i: &usize| study.populations[networks[*i].population].group.as_deref() == Some(name);
        (0..n).filter(of).collect()
    };
    let (tested, reference) = (in_group(of), in_group(against));
    let k = evidence
        .comparison
        .how
        .neighbours
        .min(reference.len().saturating_sub(1));
    if k == 0 || tested.is_empty() {
        return None;
    }
    let reach = |i: usize| -> Option<f64> {
        let mut near: Vec<f64> = reference
            .iter()
            .filter(|j| **j != i)
            .map(|&j| matrix[i * n + j])
            .collect();
        near.sort_by(f64::total_cmp);
        let mean = near[..k].iter().sum::<f64>() / k as f64;
        mean.is_finite().then_some(mean)
    };
    let mut own: Vec<f64> = reference.iter().map(|&i| reach(i)).collect::<Option<_>>()?;
    own.sort_by(f64::total_cmp);
    let limit = own[((own.len() - 1) as f64 * INSIDE).ceil() as usize];
    let reached: Vec<f64> = tested.iter().map(|&i| reach(i)).collect::<Option<_>>()?;
    let out = Share::of(reached.iter().filter(|r| **r > limit).count(), tested.len());
    let found = Estimate {
        value: out.count as f64 / out.n as f64,
        low: out.low,
        high: out.high,
        n: out.n,
    };
    let words = super::words(
        &format!("share of `{of}` beyond 95 % of `{against}` by {by}"),
        &found,
    );
    Some((
        found,
        format!(
            "{words}; mean distance to {k} nearest of {} references",
            reference.len()
        ),
    ))
}
