//! Distances between topologies, as matrices like any other.

use super::controls::Controls;
use super::measured::{Level, Measured};
use super::members::{LeftOut, Member};
use crate::error::Result;
use crate::manifest::StudyFolder;
use crate::study::Study;
use chiliad_analysis::topology::Graph;
use chiliad_analysis::topology::class::{Comparable, classes};
use chiliad_analysis::topology::transition::{Transitions, census_distance};

/// Classes (all points, and the reached scaffold), transitions, points by name, censuses; nothing where no graphs were made.
///
/// # Errors
///
/// [`crate::error::StudyError::Damaged`] where a file has changed.
pub fn measured(folder: &StudyFolder, study: &Study, members: &[Member]) -> Result<Vec<Measured>> {
    if study.topology.is_none() {
        return Ok(Vec::new());
    }
    let mut graphs: Vec<Option<Graph>> = members.iter().map(|_| None).collect();
    for (population, plan) in study.populations.iter().enumerate() {
        let Some(file) = crate::gather::read_topology(folder, plan, "topology.json")? else {
            continue;
        };
        for network in file.networks {
            let place = members
                .iter()
                .position(|m| m.population == population && m.network == network.network);
            if let Some(m) = place {
                graphs[m] = Some(network.graph);
            }
        }
    }
    let scaffolds: Vec<Option<Graph>> = graphs
        .iter()
        .map(|g| g.as_ref().and_then(Graph::scaffold))
        .collect();
    let transitions: Vec<Option<Transitions>> = graphs
        .iter()
        .map(|g| g.as_ref().map(Transitions::of))
        .collect();
    let table = |name: &str, words: &str, pair: &dyn Fn(usize, usize) -> Option<f64>| {
        let n = members.len();
        let places = (0..n).flat_map(|i| (i + 1..n).map(move |j| (i, j)));
        let left_out = members
            .iter()
            .enumerate()
            .filter(|(i, _)| pair(*i, *i).is_none());
        Measured {
            name: name.into(),
            level: Level::Topology,
            words: words.into(),
            neighbour_of: None,
            columns: vec![name.into()],
            figure: 0,
            n,
            figures: places
                .map(|(i, j)| pair(i, j).unwrap_or(f64::NAN))
                .collect(),
            left_out: left_out
                .map(|(_, m)| LeftOut {
                    index: m.index,
                    reason: "no graph of this kind".into(),
                })
                .collect(),
            controls: Controls::default(),
            untrained: None,
        }
    };
    let different =
        |of: &[Option<usize>], i: usize, j: usize| Some(f64::from(u8::from(of[i]? != of[j]?)));
    let (all_points, reached) = (class_of(&graphs), class_of(&scaffolds));
    let apart = |i: usize, j: usize| {
        Some(
            transitions[i]
                .as_ref()?
                .difference(transitions[j].as_ref()?),
        )
    };
    Ok(vec![
        table(
            "topology",
            "0 where the reached scaffolds are isomorphic, else 1",
            &|i, j| different(&reached, i, j),
        ),
        table(
            "topology_all",
            "0 where the graphs of all points are isomorphic, else 1",
            &|i, j| different(&all_points, i, j),
        ),
        table(
            "transitions",
            "norm of the difference of transition matrices between points named by their readout",
            &|i, j| Some(apart(i, j)?.transitions),
        ),
        table(
            "points",
            "points by readout and unstable directions that only one of the two has",
            &|i, j| Some(apart(i, j)?.points as f64),
        ),
        table(
            "census",
            "difference of the numbers of points by unstable directions",
            &|i, j| Some(census_distance(graphs[i].as_ref()?, graphs[j].as_ref()?) as f64),
        ),
    ])
}

/// Class of each graph that there is.
fn class_of(graphs: &[Option<Graph>]) -> Vec<Option<usize>> {
    let there: Vec<Comparable> = graphs
        .iter()
        .flatten()
        .map(|g| Comparable::new(g, false))
        .collect();
    let mut found = classes(&there).into_iter();
    graphs
        .iter()
        .map(|g| g.as_ref().and_then(|_| found.next()))
        .collect()
}
