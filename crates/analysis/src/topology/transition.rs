//! How far two networks are apart where their nodes are told by what the readout makes of them.
//!
//! Nodes are named by their readout rounded to -1, 0, 1; `P[i, j]` is the share of the unstable directions of the points
//! named `i` that end on attractors named `j` (points of one name are averaged). What is no fixed point is named by its
//! kind.

use super::class::is_fixed;
use super::graph::{Graph, Node};
use std::collections::BTreeMap;

/// Frobenius norm of the difference of the transition matrices, and by how many points the two differ once points are
/// told by name and number of unstable directions (the sum of the absolute differences of their numbers).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Difference {
    /// `|P_a - P_b|`
    pub transitions: f64,
    /// Points that only one of the two has.
    pub points: usize,
}

fn name(node: &Node) -> String {
    if is_fixed(node.kind) {
        format!("{}:{:?}", node.condition, node.rounded)
    } else {
        format!("{}:{:?}-{}", node.condition, node.kind, node.period)
    }
}

/// A graph's transition matrix, by name, and its points by name and number of unstable directions.
#[derive(Clone, Debug, Default)]
pub struct Transitions {
    rows: BTreeMap<(String, String), f64>,
    points: BTreeMap<(String, usize), usize>,
}

impl Transitions {
    /// Of a graph.
    #[must_use]
    pub fn of(graph: &Graph) -> Self {
        let mut all = Self::default();
        let names: Vec<String> = graph.nodes.iter().map(name).collect();
        let mut saddles: BTreeMap<&str, f64> = BTreeMap::new();
        for (node, name) in graph.nodes.iter().zip(&names) {
            *all.points.entry((name.clone(), node.index)).or_default() += 1;
            if node.index > 0 {
                *saddles.entry(name).or_default() += 1.0;
            }
        }
        for edge in &graph.edges {
            let Some(share) = edge.share else { continue };
            let (from, to) = (&names[edge.from], &names[edge.to]);
            let weight = share / saddles.get(from.as_str()).copied().unwrap_or(1.0);
            *all.rows.entry((from.clone(), to.clone())).or_default() += weight;
        }
        all
    }

    /// How far two are apart.
    #[must_use]
    pub fn difference(&self, other: &Self) -> Difference {
        let square = |key: &(String, String)| {
            let of = |t: &Self| t.rows.get(key).copied().unwrap_or(0.0);
            (of(self) - of(other)).powi(2)
        };
        let only_other = other.rows.keys().filter(|k| !self.rows.contains_key(*k));
        let squares: f64 = self.rows.keys().chain(only_other).map(square).sum();
        let number = |key: &(String, usize)| {
            let of = |t: &Self| t.points.get(key).copied().unwrap_or(0);
            of(self).abs_diff(of(other))
        };
        let only_other = other
            .points
            .keys()
            .filter(|k| !self.points.contains_key(*k));
        Difference {
            transitions: squares.sqrt(),
            points: self.points.keys().chain(only_other).map(number).sum(),
        }
    }
}

/// Sum over numbers of unstable directions of the absolute difference of the numbers of points.
#[must_use]
pub fn census_distance(a: &Graph, b: &Graph) -> usize {
    let (a, b) = (a.census(), b.census());
    (0..a.len().max(b.len()))
        .map(|k| {
            let of = |c: &[usize]| c.get(k).copied().unwrap_or(0);
            of(&a).abs_diff(of(&b))
        })
        .sum()
}
