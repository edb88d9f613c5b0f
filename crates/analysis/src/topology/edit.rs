//! Graph edit distance: how many nodes and edges must be added, removed or changed to make one scaffold the other.
//!
//! Each costs 1; a change of a node is one of kind, number of unstable directions, period or condition. Depth-first branch
//! and bound over assignments of nodes: exact where it ends within its budget, else a lower and an upper bound.

use super::class::{Comparable, scaffold_edges};
use super::graph::{Graph, Node};
use std::collections::BTreeMap;

/// Nodes of the search tree that are visited at most (project default).
pub const BUDGET: usize = 20_000;

/// The distance lies between the two; they are equal where it is exact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// At least.
    pub lower: usize,
    /// At most.
    pub upper: usize,
}

type Key = [usize; 4];

fn key(n: &Node) -> Key {
    [n.kind as usize, n.index, n.period, n.condition]
}

/// Nodes by kind, and edges as `[from][to]` -> kind.
struct Side {
    keys: Vec<Key>,
    edges: BTreeMap<(usize, usize), u8>,
    /// Edges at a node, loops once.
    degree: Vec<usize>,
}

impl Side {
    /// Nodes in the order in which they are assigned: those with many edges first.
    fn of(graph: &Graph) -> Self {
        let edges = scaffold_edges(graph);
        let mut degree = vec![0; graph.nodes.len()];
        for (a, b, _) in &edges {
            degree[*a] += 1;
            degree[*b] += usize::from(a != b);
        }
        let mut order: Vec<usize> = (0..graph.nodes.len()).collect();
        order.sort_by_key(|&n| (std::cmp::Reverse(degree[n]), n));
        let mut place = vec![0; order.len()];
        order.iter().enumerate().for_each(|(p, &n)| place[n] = p);
        Self {
            keys: order.iter().map(|&n| key(&graph.nodes[n])).collect(),
            degree: order.iter().map(|&n| degree[n]).collect(),
            edges: edges
                .into_iter()
                .map(|(a, b, kind)| ((place[a], place[b]), kind))
                .collect(),
        }
    }
}

/// Bounds of the distance between the scaffolds of two graphs, labels left aside.
#[must_use]
pub fn distance(a: &Graph, b: &Graph, budget: usize) -> Bounds {
    if Comparable::new(a, false).is_isomorphic(&Comparable::new(b, false)) {
        return Bounds { lower: 0, upper: 0 };
    }
    let (a, b) = (Side::of(a), Side::of(b));
    let lower = bound(&a.keys, &b.keys) + a.edges.len().abs_diff(b.edges.len());
    let mut search = Search {
        best: a.keys.len() + b.keys.len() + a.edges.len() + b.edges.len(),
        left: budget,
        used: vec![false; b.keys.len()],
        image: Vec::with_capacity(a.keys.len()),
        a: &a,
        b: &b,
    };
    search.go(0);
    let exact = search.left > 0;
    Bounds {
        lower: if exact { search.best } else { lower.max(1) },
        upper: search.best,
    }
}

/// Changes that the numbers of nodes of each kind alone demand.
fn bound(a: &[Key], b: &[Key]) -> usize {
    let mut surplus: BTreeMap<&Key, i64> = BTreeMap::new();
    a.iter().for_each(|k| *surplus.entry(k).or_default() += 1);
    b.iter().for_each(|k| *surplus.entry(k).or_default() -= 1);
    let more: i64 = surplus.values().filter(|s| **s > 0).sum();
    let less: i64 = surplus.values().filter(|s| **s < 0).map(|s| -s).sum();
    more.max(less) as usize
}

struct Search<'a> {
    a: &'a Side,
    b: &'a Side,
    /// Where each node of `a` went so far; none for one that is removed.
    image: Vec<Option<usize>>,
    used: Vec<bool>,
    best: usize,
    left: usize,
}

impl Search<'_> {
    /// Assigns the next node of `a`; `cost` is what the assignment so far costs.
    fn go(&mut self, cost: usize) {
        if self.left == 0 {
            return;
        }
        self.left -= 1;
        let n = self.image.len();
        let free: Vec<Key> = self.unused().map(|j| self.b.keys[j]).collect();
        if cost + bound(&self.a.keys[n..], &free) >= self.best {
            return;
        }
        if n == self.a.keys.len() {
            let total = cost + self.inserted();
            self.best = self.best.min(total);
            return;
        }
        let mut choices: Vec<(usize, Option<usize>)> = self
            .unused()
            .map(|j| (self.cost(n, Some(j)), Some(j)))
            .chain([(self.cost(n, None), None)])
            .collect();
        let likeness = |j: &Option<usize>| {
            j.map_or(usize::MAX, |j| self.a.degree[n].abs_diff(self.b.degree[j]))
        };
        choices.sort_by_key(|(cost, j)| (*cost, likeness(j), *j));
        for (more, j) in choices {
            if let Some(j) = j {
                self.used[j] = true;
            }
            self.image.push(j);
            self.go(cost + more);
            self.image.pop();
            if let Some(j) = j {
                self.used[j] = false;
            }
        }
    }

    fn unused(&self) -> impl Iterator<Item = usize> + '_ {
        (0..self.used.len()).filter(|&j| !self.used[j])
    }

    /// What it costs to send node `n` of `a` to `to`, with its edges to nodes assigned before.
    fn cost(&self, n: usize, to: Option<usize>) -> usize {
        let own = to.map_or(1, |j| usize::from(self.a.keys[n] != self.b.keys[j]));
        let differs = |from: (usize, usize), image: Option<(usize, usize)>| {
            let there = image.and_then(|i| self.b.edges.get(&i));
            usize::from(self.a.edges.get(&from) != there)
        };
        let mut edges = differs((n, n), to.map(|j| (j, j)));
        for (m, image) in self.image.iter().enumerate() {
            let pair = to.zip(*image);
            edges += differs((n, m), pair);
            edges += differs((m, n), pair.map(|(j, i)| (i, j)));
        }
        own + edges
    }

    /// Nodes of `b` that nothing went to, and their edges.
    fn inserted(&self) -> usize {
        let edges = self
            .b
            .edges
            .keys()
            .filter(|(i, j)| !self.used[*i] || !self.used[*j]);
        self.unused().count() + edges.count()
    }
}
