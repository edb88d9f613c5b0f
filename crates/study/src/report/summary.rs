//! Counts and medians over networks: all the arithmetic a report does.

use super::data::{Census, NetworkReport, Outcome, PopulationReport, ReportData};

/// Middle of the finite values; `None` without any.
pub fn median(values: impl IntoIterator<Item = f64>) -> Option<f64> {
    let mut sorted: Vec<f64> = values.into_iter().filter(|v| v.is_finite()).collect();
    sorted.sort_by(f64::total_cmp);
    let half = sorted.len() / 2;
    match sorted.len() {
        0 => None,
        n if n % 2 == 1 => Some(sorted[half]),
        _ => Some(0.5 * (sorted[half - 1] + sorted[half])),
    }
}

/// Least and greatest of the finite values; `None` without any.
pub(super) fn range(values: impl IntoIterator<Item = f64>) -> Option<(f64, f64)> {
    values
        .into_iter()
        .filter(|v| v.is_finite())
        .fold(None, |range, v| match range {
            None => Some((v, v)),
            Some((low, high)) => Some((f64::min(low, v), f64::max(high, v))),
        })
}

/// All networks with the index of their population.
pub(super) fn networks(data: &ReportData) -> impl Iterator<Item = (usize, &NetworkReport)> {
    data.populations
        .iter()
        .enumerate()
        .flat_map(|(p, population)| population.networks.iter().map(move |n| (p, n)))
}

/// A network with the index of its population and its census.
pub(super) type Searched<'a> = (usize, &'a NetworkReport, &'a Census);

/// All censuses with their network and the index of its population.
pub(super) fn censuses(
    data: &ReportData,
) -> impl Iterator<Item = (usize, &NetworkReport, &Census)> {
    networks(data).filter_map(|(p, n)| n.census.as_ref().map(|c| (p, n, c)))
}

/// Whether a network was trained as asked: it met the criterion or, where there is none, used its steps.
pub(super) fn finished(population: &PopulationReport, network: &NetworkReport) -> bool {
    match network.outcome {
        Outcome::Converged | Outcome::Imported | Outcome::Untrained => true,
        Outcome::BudgetSpent => population.criterion.is_none(),
        _ => false,
    }
}

/// Networks of a population trained as asked.
pub(super) fn converged(population: &PopulationReport) -> usize {
    population
        .networks
        .iter()
        .filter(|n| finished(population, n))
        .count()
}

/// A census class as text: counts joined by "/", trailing zeros dropped, never shorter than one.
pub(super) fn class_name(counts: &[usize; 5]) -> String {
    let used = counts
        .iter()
        .rposition(|&c| c > 0)
        .map_or(1, |last| last + 1);
    counts[..used]
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join("/")
}

/// Census classes, largest first: `(counts, how many networks)`.
pub(super) fn classes(data: &ReportData) -> Vec<([usize; 5], usize)> {
    let mut sizes = std::collections::BTreeMap::<[usize; 5], usize>::new();
    for (_, _, census) in censuses(data) {
        *sizes.entry(census.counts).or_default() += 1;
    }
    let mut classes: Vec<_> = sizes.into_iter().collect();
    classes.sort_by_key(|&(counts, size)| (std::cmp::Reverse(size), counts));
    classes
}

/// Groups of rows of the strip, largest class first: its name and its networks. Classes of topology where graphs were made,
/// else of census.
pub(super) fn groups(data: &ReportData) -> Vec<(String, Vec<Searched<'_>>)> {
    let Some(topology) = &data.topology else {
        let of = |(counts, _): &([usize; 5], usize)| {
            let members = censuses(data).filter(|(_, _, c)| c.counts == *counts);
            (class_name(counts), members.collect())
        };
        return classes(data).iter().map(of).collect();
    };
    let in_class = |class: Option<usize>| -> Vec<_> {
        censuses(data)
            .filter(|(_, n, _)| topology.of_network.get(&n.index).copied() == class)
            .collect()
    };
    let mut groups: Vec<_> = (0..topology.classes.len())
        .map(|c| (class_letter(c), in_class(Some(c))))
        .collect();
    groups.push(("no graph".to_owned(), in_class(None)));
    groups.retain(|g| !g.1.is_empty());
    groups
}

/// A, B, ..., Z, AA, AB, ...
pub(super) fn class_letter(class: usize) -> String {
    let last = char::from(b'A' + (class % 26) as u8);
    if class < 26 {
        last.to_string()
    } else {
        class_letter(class / 26 - 1) + &last.to_string()
    }
}
