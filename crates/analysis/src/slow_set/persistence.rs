//! Persistent homology of a Vietoris-Rips complex, dimensions 0 and 1, over Z/2, exact.
//!
//! For the hundred or so landmarks of a slow set: pieces by Kruskal's algorithm, holes by reduction of the coboundary matrix
//! from the longest edge to the shortest, edges that join pieces left out (persistent cohomology with clearing, de Silva,
//! Morozov & Vejdemo-Johansson 2011; the order of simplices follows Bauer's Ripser 2021). Beyond the enclosing radius the
//! complex is a cone and has no holes, so longer edges are never looked at. Written here because no Rust crate for this is
//! established: the ones that exist are months old or only reduce a matrix that must be built first.

use super::landmarks::distance;
use std::collections::HashMap;

/// A class of homology: it appears at one scale (distance) and is gone at another.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bar {
    /// 0: a piece. 1: a hole.
    pub dimension: usize,
    /// Scale at which it appears; 0 for pieces.
    pub birth: f64,
    /// Scale at which it is gone; infinite for the last piece.
    pub death: f64,
}

/// A triangle by its place in the filtration: its longest edge, then the vertex opposite to that.
type Triangle = (u32, u32);

/// Bars of positive length of points in Euclidean space: pieces by death, then holes by birth, both falling.
pub fn rips(points: &[Vec<f64>]) -> Vec<Bar> {
    let n = points.len();
    if n == 0 {
        return Vec::new();
    }
    let length: Vec<Vec<f64>> = points
        .iter()
        .map(|a| points.iter().map(|b| distance(a, b)).collect())
        .collect();
    let enclosing = length
        .iter()
        .map(|row| row.iter().copied().fold(0.0, f64::max))
        .fold(f64::INFINITY, f64::min);
    let mut edges: Vec<(f64, usize, usize)> = (0..n)
        .flat_map(|i| (0..i).map(move |j| (i, j)))
        .map(|(i, j)| (length[i][j], i, j))
        .filter(|e| e.0 <= enclosing)
        .collect();
    edges.sort_by(|a, b| a.0.total_cmp(&b.0).then((a.1, a.2).cmp(&(b.1, b.2))));
    let mut order = vec![vec![None; n]; n];
    for (k, (_, i, j)) in edges.iter().enumerate() {
        order[*i][*j] = Some(k as u32);
        order[*j][*i] = Some(k as u32);
    }
    let (mut bars, joins) = pieces(n, &edges);
    let mut owner: HashMap<Triangle, Vec<Triangle>> = HashMap::new();
    for (e, (birth, i, j)) in edges.iter().enumerate().rev() {
        if joins[e] {
            continue;
        }
        let mut column = coboundary(e as u32, (*i, *j), &order, &edges);
        // The earliest triangle is the pivot; a later (longer) edge that owns it is added.
        while let Some(other) = column.first().and_then(|t| owner.get(t)) {
            column = difference(&column, other);
        }
        if let Some(pivot) = column.first() {
            let death = edges[pivot.0 as usize].0;
            if death > *birth {
                bars.push(Bar {
                    dimension: 1,
                    birth: *birth,
                    death,
                });
            }
            owner.insert(*pivot, column);
        }
    }
    bars
}

/// Bars of dimension 0, and for every edge whether it joins two pieces.
fn pieces(n: usize, edges: &[(f64, usize, usize)]) -> (Vec<Bar>, Vec<bool>) {
    fn root(of: &mut [usize], mut i: usize) -> usize {
        while of[i] != i {
            of[i] = of[of[i]];
            i = of[i];
        }
        i
    }
    let mut parent: Vec<usize> = (0..n).collect();
    let mut bars = vec![Bar {
        dimension: 0,
        birth: 0.0,
        death: f64::INFINITY,
    }];
    let mut joins = vec![false; edges.len()];
    for (e, (death, i, j)) in edges.iter().enumerate() {
        let (a, b) = (root(&mut parent, *i), root(&mut parent, *j));
        if a != b {
            parent[a] = b;
            joins[e] = true;
            if *death > 0.0 {
                bars.push(Bar {
                    dimension: 0,
                    birth: 0.0,
                    death: *death,
                });
            }
        }
    }
    bars[1..].reverse();
    (bars, joins)
}

/// All triangles on an edge, sorted.
fn coboundary(
    e: u32,
    (i, j): (usize, usize),
    order: &[Vec<Option<u32>>],
    edges: &[(f64, usize, usize)],
) -> Vec<Triangle> {
    let mut triangles: Vec<Triangle> = (0..order.len())
        .filter_map(|k| {
            let longest = e.max(order[i][k]?).max(order[j][k]?);
            let (_, a, b) = edges[longest as usize];
            Some((longest, (i + j + k - a - b) as u32))
        })
        .collect();
    triangles.sort_unstable();
    triangles
}

/// Symmetric difference of two sorted lists: the sum over Z/2.
fn difference(a: &[Triangle], b: &[Triangle]) -> Vec<Triangle> {
    let (mut sum, mut i, mut j) = (Vec::with_capacity(a.len() + b.len()), 0, 0);
    while i < a.len() && j < b.len() {
        match a[i].cmp(&b[j]) {
            std::cmp::Ordering::Less => {
                sum.push(a[i]);
                i += 1;
            }
            std::cmp::Ordering::Greater => {
                sum.push(b[j]);
                j += 1;
            }
            std::cmp::Ordering::Equal => {
                i += 1;
                j += 1;
            }
        }
    }
    sum.extend_from_slice(&a[i..]);
    sum.extend_from_slice(&b[j..]);
    sum
}
