//! Isomorphism classes of graphs: a hash by colour refinement, then VF2 among equals.
//!
//! What counts are nodes with kind, number of unstable directions, period and condition, and those edges of unstable
//! manifolds that are found completely: both ends of index-1 points; the links of index-2 points, whose directions are a
//! circle that is gone round, and the attractors that no linked saddle accounts for; from points with more unstable
//! directions all attractors they lead to, since a search of a sphere can miss a link. How large a share is does not count,
//! nor do the edges of inputs.

use super::graph::{EdgeKind, Graph, NodeKind};
use petgraph::algo::is_isomorphic_matching;
use petgraph::graph::DiGraph;
use std::collections::BTreeMap;

/// Most unstable directions of a point whose links are all found.
const CIRCLE: usize = 2;

/// What is compared of a node: its colour after refinement.
type Shape = DiGraph<u64, u8>;

/// A graph made ready to be compared.
#[derive(Clone, Debug)]
pub struct Comparable {
    shape: Shape,
    /// Equal for isomorphic graphs, and stable between runs and machines.
    pub hash: u64,
}

/// FNV-1a, 64 bits (Fowler, Noll, Vo): small, stable, and not the last word, which is VF2's.
fn fnv(bytes: impl IntoIterator<Item = u8>) -> u64 {
    bytes.into_iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

fn mix(numbers: impl IntoIterator<Item = u64>) -> u64 {
    fnv(numbers.into_iter().flat_map(u64::to_le_bytes))
}

impl Comparable {
    /// With `labels`, nodes must also have the same label.
    #[must_use]
    pub fn new(graph: &Graph, labels: bool) -> Self {
        let mut shape = Shape::new();
        let places: Vec<_> = graph
            .nodes
            .iter()
            .map(|n| {
                let own = [
                    n.kind as u64,
                    n.index as u64,
                    n.period as u64,
                    n.condition as u64,
                ];
                let label = labels.then(|| fnv(n.label.bytes()));
                shape.add_node(mix(own.into_iter().chain(label)))
            })
            .collect();
        for (from, to, kind) in scaffold_edges(graph) {
            shape.add_edge(places[from], places[to], kind);
        }
        // Colour refinement: as many passes as a path can be long.
        for _ in 0..shape.node_count() {
            let colours: Vec<u64> = shape
                .node_indices()
                .map(|n| {
                    let around = |direction| {
                        let mut seen: Vec<[u64; 2]> = shape
                            .edges_directed(n, direction)
                            .map(|e| {
                                use petgraph::visit::EdgeRef;
                                let other = if direction == petgraph::Outgoing {
                                    e.target()
                                } else {
                                    e.source()
                                };
                                [u64::from(*e.weight()), shape[other]]
                            })
                            .collect();
                        seen.sort_unstable();
                        mix(seen.into_iter().flatten())
                    };
                    mix([
                        shape[n],
                        around(petgraph::Outgoing),
                        around(petgraph::Incoming),
                    ])
                })
                .collect();
            let before = distinct(shape.node_weights());
            shape
                .node_weights_mut()
                .zip(&colours)
                .for_each(|(old, new)| *old = *new);
            // Every graph of a class refines equally often, so the colours stay comparable.
            if distinct(&colours) == before {
                break;
            }
        }
        let mut colours: Vec<u64> = shape.node_weights().copied().collect();
        colours.sort_unstable();
        Self {
            hash: mix(colours),
            shape,
        }
    }

    /// Whether the two are isomorphic.
    #[must_use]
    pub fn is_isomorphic(&self, other: &Self) -> bool {
        self.hash == other.hash
            && is_isomorphic_matching(&self.shape, &other.shape, |a, b| a == b, |a, b| a == b)
    }
}

fn distinct<'a>(colours: impl IntoIterator<Item = &'a u64>) -> usize {
    colours
        .into_iter()
        .collect::<std::collections::BTreeSet<_>>()
        .len()
}

/// Edges that make the class, as (from, to, kind); an index-1 point both of whose sides end on one attractor has a kind of
/// its own.
pub(crate) fn scaffold_edges(graph: &Graph) -> Vec<(usize, usize, u8)> {
    let ends_of = |node: usize| {
        graph
            .edges
            .iter()
            .filter(move |e| e.from == node && e.share.is_some())
            .map(|e| e.to)
    };
    let explained = |from: usize, to: usize| {
        graph
            .edges
            .iter()
            .filter(|e| e.from == from && e.kind == EdgeKind::Link)
            .any(|e| ends_of(e.to).any(|end| end == to))
    };
    let counts = |from: usize, to: usize| graph.nodes[from].index > CIRCLE || !explained(from, to);
    let code = |e: &super::Edge| match e.kind {
        EdgeKind::End => Some(if e.share == Some(1.0) { 1 } else { 0 }),
        EdgeKind::Link => (graph.nodes[e.from].index <= CIRCLE).then_some(2),
        EdgeKind::Homoclinic => Some(3),
        EdgeKind::LeadsToCycle => counts(e.from, e.to).then_some(4),
        EdgeKind::Share => counts(e.from, e.to).then_some(5),
        EdgeKind::Pulse | EdgeKind::Condition => None,
    };
    graph
        .edges
        .iter()
        .filter_map(|e| Some((e.from, e.to, code(e)?)))
        .collect()
}

/// The class of every graph, classes numbered from the largest down (of equals, the one that comes first).
#[must_use]
pub fn classes(graphs: &[Comparable]) -> Vec<usize> {
    let mut representatives: BTreeMap<u64, Vec<(usize, usize)>> = BTreeMap::new();
    let mut sizes: Vec<(usize, usize)> = Vec::new();
    let found: Vec<usize> = graphs
        .iter()
        .enumerate()
        .map(|(g, graph)| {
            let equals = representatives.entry(graph.hash).or_default();
            let known = equals
                .iter()
                .find(|(first, _)| graphs[*first].is_isomorphic(graph));
            let class = known.map_or_else(
                || {
                    sizes.push((0, g));
                    sizes.len() - 1
                },
                |k| k.1,
            );
            if known.is_none() {
                equals.push((g, class));
            }
            sizes[class].0 += 1;
            class
        })
        .collect();
    let mut order: Vec<usize> = (0..sizes.len()).collect();
    order.sort_by_key(|&c| (std::cmp::Reverse(sizes[c].0), sizes[c].1));
    let mut rank = vec![0; order.len()];
    order.iter().enumerate().for_each(|(r, &c)| rank[c] = r);
    found.into_iter().map(|c| rank[c]).collect()
}

/// Whether a node is a fixed point.
pub(crate) fn is_fixed(kind: NodeKind) -> bool {
    matches!(kind, NodeKind::Stable | NodeKind::Saddle)
}
