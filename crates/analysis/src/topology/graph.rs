//! The graph as plain data.

use serde::{Deserialize, Serialize};

/// What a node is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NodeKind {
    /// A fixed point without unstable directions.
    Stable,
    /// A fixed point with unstable directions.
    Saddle,
    /// A periodic orbit on which states end.
    Cycle,
    /// What does not settle: an invariant circle, chaos, or a drift slower than the steps allowed.
    Other,
    /// States that leave every bound.
    Diverged,
}

/// A fixed point or another attractor.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Node {
    /// Which constant input, by its place among those searched.
    pub condition: usize,
    /// What it is.
    pub kind: NodeKind,
    /// Number of unstable directions.
    pub index: usize,
    /// Steps after which it repeats: 1 for a fixed point, 0 where it does not.
    pub period: usize,
    /// Its number in the search; none for what a manifold or a driven state ended on and the search does not list.
    pub point: Option<usize>,
    /// Attractors: sign of every output, `0` within 0.25 of zero. Saddles: the labels of all attractors that their unstable
    /// manifold reaches, joined by `|`.
    pub label: String,
    /// Attractors: whether driven states end here. Saddles: whether all attractors they lead to are reached. None without
    /// driven states.
    pub reached: Option<bool>,
    /// Share of the driven states that end here.
    pub share: f64,
    /// Saddles: by how many points the closure of the unstable manifold misses the index rule, 0 where its links are
    /// complete; none where the rule does not apply, and for attractors.
    #[serde(default)]
    pub missing: Option<usize>,
    /// What the readout makes of it, `[output]`; the mean over a periodic orbit, empty where nothing settles.
    pub readout: Vec<f64>,
    /// The same rounded to -1, 0 or 1.
    pub rounded: Vec<i8>,
}

/// What an edge means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EdgeKind {
    /// From a point with one unstable direction to where one side of it ends; share 0.5, or 1 where both sides end there.
    End,
    /// From a point with several unstable directions to an attractor; the share of directions, drawn evenly,
    /// that end there; 0 where only a thin wedge does.
    Share,
    /// From a saddle to one with fewer unstable directions, along the boundary between attractors.
    Link,
    /// From a saddle back to itself.
    Homoclinic,
    /// From a saddle to an attractor that is no fixed point; share as for the other two.
    LeadsToCycle,
    /// From an attractor to where one step of a unit pulse moves it.
    Pulse,
    /// From an attractor of one constant input to where it goes under another.
    Condition,
}

/// A directed edge.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Edge {
    /// Index of a node.
    pub from: usize,
    /// Index of a node.
    pub to: usize,
    /// What it means.
    pub kind: EdgeKind,
    /// Share of directions, for those kinds that have one.
    pub share: Option<f64>,
    /// The pulse, as `+2` for +1 on channel 2, or the condition that is switched to.
    pub input: Option<String>,
}

/// All nodes and edges of one network, over all constant inputs.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Graph {
    /// By condition; within one the points in the order of the search, then what else was found.
    pub nodes: Vec<Node>,
    /// By first node, then kind.
    pub edges: Vec<Edge>,
    /// Stable points that the search had not listed: it was not complete.
    pub missed_by_search: usize,
    /// Boundaries between attractors that were followed and led to no saddle known.
    pub unresolved: usize,
    /// Ends that do not settle and were put to the last node of that kind: there were too many to tell apart.
    #[serde(default)]
    pub joined: usize,
}

impl Graph {
    /// Number of edges of a kind from points with `from` to points with `to` unstable directions.
    #[must_use]
    pub fn count(&self, kind: EdgeKind, from: usize, to: usize) -> usize {
        let of = |e: &&Edge| {
            e.kind == kind && self.nodes[e.from].index == from && self.nodes[e.to].index == to
        };
        self.edges.iter().filter(of).count()
    }

    /// Number of fixed points with 0, 1, 2, ... unstable directions, under all constant inputs.
    #[must_use]
    pub fn census(&self) -> Vec<usize> {
        let fixed = || {
            self.nodes
                .iter()
                .filter(|n| matches!(n.kind, NodeKind::Stable | NodeKind::Saddle))
                .map(|n| n.index)
        };
        let most = fixed().max().map_or(0, |m| m + 1);
        (0..most)
            .map(|k| fixed().filter(|i| *i == k).count())
            .collect()
    }

    /// Saddles whose links the index rule says are not complete.
    #[must_use]
    pub fn saddles_with_links_missing(&self) -> usize {
        let open = |n: &&Node| n.missing.is_some_and(|m| m > 0);
        self.nodes.iter().filter(open).count()
    }

    /// The part that driven states show: attractors they end on, saddles that lead to those alone, edges between them.
    /// None where nothing was driven.
    #[must_use]
    pub fn scaffold(&self) -> Option<Self> {
        let mut place = vec![None; self.nodes.len()];
        let mut nodes = Vec::new();
        for (n, node) in self.nodes.iter().enumerate() {
            if node.reached? {
                place[n] = Some(nodes.len());
                nodes.push(node.clone());
            }
        }
        let kept = |e: &Edge| {
            Some(Edge {
                from: place[e.from]?,
                to: place[e.to]?,
                ..e.clone()
            })
        };
        Some(Self {
            edges: self.edges.iter().filter_map(kept).collect(),
            nodes,
            ..*self
        })
    }
}
