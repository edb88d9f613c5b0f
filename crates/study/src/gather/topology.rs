//! Graphs of the whole study: classes over all populations, universality, and what they hang on.

use crate::error::{Result, StudyError};
use crate::manifest::StudyFolder;
use crate::points::CensusFile;
use crate::report::data::{
    ClassNode, Interval, Outcome, PopulationReport, Robustness, Snapshot, Tolerances, Topology,
    TopologyClass,
};
use crate::study::{Origin, PopulationPlan, Study};
use crate::topology::{NetworkTopology, TopologyFile};
use chiliad_analysis::topology::agreement::{Estimate, Pairs, agreement};
use chiliad_analysis::topology::class::{Comparable, classes};
use chiliad_analysis::topology::{EdgeKind, Graph, NodeKind};

/// A network with its graph.
pub(super) struct Member {
    pub(super) population: usize,
    /// Index in the study.
    pub(super) index: usize,
    pub(super) loss: f64,
    /// Trained as asked, or from elsewhere: what indices and claims are about.
    pub(super) counts: bool,
    pub(super) topology: NetworkTopology,
}

/// All graphs of a study, in its order; none where it has none.
pub(super) fn members(
    folder: &StudyFolder,
    study: &Study,
    populations: &[PopulationReport],
) -> Result<Vec<Member>> {
    let (mut all, mut first) = (Vec::new(), 0);
    for (p, (plan, report)) in study.populations.iter().zip(populations).enumerate() {
        if let Some(file) = read(folder, plan, "topology.json")? {
            for topology in file.networks {
                let index = first + topology.network;
                let network = report.networks.iter().find(|n| n.index == index);
                all.push(Member {
                    population: p,
                    index,
                    loss: network.map_or(f64::NAN, |n| n.loss),
                    counts: network.is_some_and(|n| {
                        let spent = n.outcome == Outcome::BudgetSpent && report.criterion.is_none();
                        spent || matches!(n.outcome, Outcome::Converged | Outcome::Imported)
                    }),
                    topology,
                });
            }
        }
        first += plan.networks.len();
    }
    Ok(all)
}

/// A file of graphs of a population, where there is one.
pub(crate) fn read(
    folder: &StudyFolder,
    plan: &PopulationPlan,
    file: &str,
) -> Result<Option<TopologyFile>> {
    let path = format!("populations/{}/{file}", plan.label);
    if !folder.manifest.files.contains_key(&path) {
        return Ok(None);
    }
    serde_json::from_slice(&folder.read(&path)?)
        .map(Some)
        .map_err(|e| StudyError::Damaged {
            file: folder.root.join(&path),
            message: e.to_string(),
        })
}

/// Class of every graph, without labels.
fn class_of<'a>(graphs: impl Iterator<Item = &'a Graph>) -> Vec<usize> {
    classes(
        &graphs
            .map(|g| Comparable::new(g, false))
            .collect::<Vec<_>>(),
    )
}

/// Classes of the members that count: on the part that driven states show, and on all points.
pub(super) struct Counted<'a> {
    pub(super) members: Vec<&'a Member>,
    pub(super) all_points: Vec<usize>,
    pub(super) reached: Option<Vec<usize>>,
}

/// Sorts those that count.
pub(super) fn counted(members: &[Member]) -> Counted<'_> {
    let members: Vec<&Member> = members.iter().filter(|m| m.counts).collect();
    let scaffolds: Option<Vec<Graph>> = members
        .iter()
        .map(|m| m.topology.graph.scaffold())
        .collect();
    Counted {
        all_points: class_of(members.iter().map(|m| &m.topology.graph)),
        reached: scaffolds.map(|s| class_of(s.iter())),
        members,
    }
}

fn interval(e: Estimate) -> Interval {
    Interval {
        value: e.value,
        low: e.low,
        high: e.high,
        n: e.n,
    }
}

/// What the report shows of the graphs.
pub(super) fn topology(
    study: &Study,
    populations: &[PopulationReport],
    members: &[Member],
) -> Option<Topology> {
    if members.is_empty() {
        return None;
    }
    let class = class_of(members.iter().map(|m| &m.topology.graph));
    let n_classes = class.iter().max().map_or(0, |m| m + 1);
    let drawn = |c: usize| {
        let of_class = || members.iter().zip(&class).filter(|(_, k)| **k == c);
        let first = of_class().map(|(m, _)| m).next()?;
        let in_population = |(p, report): (usize, &PopulationReport)| {
            let n = of_class().filter(|(m, _)| m.population == p).count();
            (n, report.networks.len())
        };
        Some(TopologyClass {
            members: populations.iter().enumerate().map(in_population).collect(),
            ..class_drawing(first)
        })
    };
    let counted = counted(members);
    let cells: Vec<&str> = study
        .populations
        .iter()
        .map(PopulationPlan::cell_name)
        .collect();
    let groups: Vec<usize> = counted
        .members
        .iter()
        .map(|m| {
            cells
                .iter()
                .position(|c| *c == cells[m.population])
                .unwrap_or(0)
        })
        .collect();
    let mut universality = Vec::new();
    let sets = [
        ("reached scaffold", counted.reached.as_ref()),
        ("all points", Some(&counted.all_points)),
    ];
    for (name, classes) in sets {
        let Some(classes) = classes else { continue };
        for (pairs, which) in [
            (Pairs::All, "all pairs"),
            (Pairs::Within, "within a cell"),
            (Pairs::Between, "between cells"),
        ] {
            if let Some(e) = agreement(classes, &groups, pairs, study.seed) {
                universality.push((format!("{name}, {which}"), interval(e)));
            }
        }
    }
    Some(Topology {
        classes: (0..n_classes).filter_map(drawn).collect(),
        of_network: members
            .iter()
            .map(|m| m.index)
            .zip(class.iter().copied())
            .collect(),
        universality,
        fidelity: (0..populations.len())
            .filter_map(|p| fidelity(&populations[p].label, members, p))
            .collect(),
    })
}

fn class_drawing(member: &Member) -> TopologyClass {
    let graph = &member.topology.graph;
    let nodes = graph.nodes.iter().map(|n| ClassNode {
        unstable: n.index,
        fixed: matches!(n.kind, NodeKind::Stable | NodeKind::Saddle),
        reached: n.reached == Some(true),
        label: n.label.clone(),
        readout: n.readout.clone(),
    });
    let shown = graph.edges.iter().filter(|e| {
        matches!(
            e.kind,
            EdgeKind::End | EdgeKind::Link | EdgeKind::LeadsToCycle
        )
    });
    TopologyClass {
        drawn: member.index,
        points: graph.census(),
        members: Vec::new(),
        nodes: nodes.collect(),
        edges: shown.map(|e| (e.from, e.to)).collect(),
    }
}

fn fidelity(label: &str, members: &[Member], population: usize) -> Option<String> {
    let of = || members.iter().filter(|m| m.population == population);
    let mut shares: Vec<f64> = of().filter_map(|m| m.topology.automaton_fidelity).collect();
    shares.sort_by(f64::total_cmp);
    match (shares.first(), shares.last()) {
        (Some(low), Some(high)) => Some(format!(
            "{label}: median {:.3}, {low:.3} to {high:.3}, {} networks",
            shares[shares.len() / 2],
            shares.len()
        )),
        _ => {
            let why = of().find_map(|m| m.topology.automaton.not_applicable.clone())?;
            Some(format!("{label}: not applicable, {why}"))
        }
    }
}

/// Censuses at other tolerances, classes at other losses, and the index without the worst-trained tenth.
pub(super) fn robustness(
    folder: &StudyFolder,
    study: &Study,
    populations: &[PopulationReport],
    members: &[Member],
) -> Result<Option<Robustness>> {
    let mut found = Robustness::default();
    for (p, (plan, report)) in study.populations.iter().zip(populations).enumerate() {
        let census = super::read_census(folder, plan)?;
        found.tolerances.extend(tolerances(&report.label, &census));
        found
            .snapshots
            .extend(snapshots(folder, plan, &report.label, members, p)?);
    }
    if found.tolerances.is_empty() {
        return Ok(None);
    }
    let counted = counted(members);
    let mut losses: Vec<f64> = counted.members.iter().map(|m| m.loss).collect();
    losses.sort_by(f64::total_cmp);
    // A tenth of the networks, rounded up, so that a small study leaves out one.
    let kept = losses.len() - losses.len().div_ceil(10);
    let limit = kept.checked_sub(1).map_or(f64::NAN, |last| losses[last]);
    let groups = vec![0; counted.members.len()];
    for (name, best) in [
        ("all networks", false),
        ("without the worst-trained tenth", true),
    ] {
        let chosen: Vec<usize> = (0..counted.members.len())
            .filter(|&i| !best || counted.members[i].loss <= limit)
            .collect();
        let class: Vec<usize> = chosen.iter().map(|&i| counted.all_points[i]).collect();
        if let Some(e) = agreement(&class, &groups[..class.len()], Pairs::All, study.seed) {
            found.worst_left_out.push((name.to_owned(), interval(e)));
        }
    }
    Ok(Some(found))
}

fn tolerances(label: &str, census: &CensusFile) -> Option<Tolerances> {
    let all: Vec<&Vec<(f64, usize)>> = census
        .networks
        .iter()
        .filter_map(|n| Some(&n.conditions.first()?.at_tolerance))
        .collect();
    let at = all.first()?.iter().enumerate().map(|(k, (tolerance, _))| {
        let mut counts: Vec<usize> = all.iter().filter_map(|a| Some(a.get(k)?.1)).collect();
        counts.sort_unstable();
        let last = counts.len().saturating_sub(1);
        (
            *tolerance,
            [0, counts.len() / 2, last].map(|i| counts.get(i).copied().unwrap_or(0)),
        )
    });
    let same = |a: &&&Vec<(f64, usize)>| a.iter().all(|c| c.1 == a[0].1);
    Some(Tolerances {
        population: label.to_owned(),
        at: at.collect(),
        same: all.iter().filter(same).count(),
        searched: all.len(),
    })
}

fn snapshots(
    folder: &StudyFolder,
    plan: &PopulationPlan,
    label: &str,
    members: &[Member],
    population: usize,
) -> Result<Vec<Snapshot>> {
    let Origin::Train(train) = &plan.origin else {
        return Ok(Vec::new());
    };
    let mut stages: Vec<(Option<f64>, Vec<Graph>)> = Vec::new();
    for loss in &train.snapshots {
        if let Some(file) = read(folder, plan, &format!("snapshots/{loss}.topology.json"))? {
            let graphs = file.networks.into_iter().map(|n| n.graph).collect();
            stages.push((Some(*loss), graphs));
        }
    }
    if stages.is_empty() {
        return Ok(Vec::new());
    }
    let last = members.iter().filter(|m| m.population == population);
    stages.push((None, last.map(|m| m.topology.graph.clone()).collect()));
    let class = class_of(stages.iter().flat_map(|s| &s.1));
    let n_last = stages.last().map_or(0, |s| s.1.len());
    let at_end = &class[class.len() - n_last..];
    let most = at_end
        .iter()
        .max_by_key(|c| {
            (
                at_end.iter().filter(|d| d == c).count(),
                std::cmp::Reverse(**c),
            )
        })
        .copied();
    let mut first = 0;
    let row = |(at_loss, graphs): (Option<f64>, Vec<Graph>)| {
        let here = &class[first..first + graphs.len()];
        first += graphs.len();
        let distinct: std::collections::BTreeSet<usize> = here.iter().copied().collect();
        Snapshot {
            population: label.to_owned(),
            at_loss,
            networks: here.len(),
            classes: distinct.len(),
            as_at_the_end: here.iter().filter(|c| Some(**c) == most).count(),
        }
    };
    Ok(stages.into_iter().map(row).collect())
}
