//! Simplices of states that end on different attractors.

use super::flow::distance;
use faer::Mat;
use std::collections::BTreeMap;

/// Simplices that are tried for one set of attractors (project default).
pub(crate) const TRIES: usize = 3;

/// A state and the attractor on which it ends.
pub(crate) type Vertex = (Vec<f64>, usize);

/// For every set of `level + 1` attractors on which neighbouring directions end: the tightest simplices of such directions,
/// tightest sets first.
/// Around each direction they are gathered outwards until the ends are different enough.
pub(crate) fn candidates(
    directions: &[Vec<f64>],
    vertices: &[Vertex],
    level: usize,
) -> Vec<(Vec<usize>, Vec<Vec<usize>>)> {
    let mut sets: BTreeMap<Vec<usize>, Vec<(f64, Vec<usize>)>> = BTreeMap::new();
    for (i, centre) in directions.iter().enumerate() {
        let mut others: Vec<(f64, usize)> = directions
            .iter()
            .enumerate()
            .map(|(j, d)| (distance(centre, d), j))
            .collect();
        others.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        let mut simplex = vec![i];
        for (size, j) in others {
            if simplex.iter().all(|&s| vertices[s].1 != vertices[j].1) {
                simplex.push(j);
            }
            if simplex.len() == level + 1 {
                let mut ends: Vec<usize> = simplex.iter().map(|&s| vertices[s].1).collect();
                ends.sort_unstable();
                sets.entry(ends).or_default().push((size, simplex));
                break;
            }
        }
    }
    let mut sets: Vec<(f64, Vec<usize>, Vec<Vec<usize>>)> = sets
        .into_iter()
        .map(|(ends, mut simplices)| {
            simplices.sort_by(|a, b| a.0.total_cmp(&b.0));
            let size = simplices[0].0;
            let tightest = simplices.into_iter().take(TRIES).map(|s| s.1);
            (size, ends, tightest.collect())
        })
        .collect();
    sets.sort_by(|a, b| a.0.total_cmp(&b.0).then_with(|| a.1.cmp(&b.1)));
    sets.into_iter().map(|s| (s.1, s.2)).collect()
}

/// `home + length * sum of shares times basis`.
pub(crate) fn combine(home: &[f64], length: f64, shares: &[f64], basis: &[Vec<f64>]) -> Vec<f64> {
    let mut state = home.to_vec();
    for (share, q) in shares.iter().zip(basis) {
        state
            .iter_mut()
            .zip(q)
            .for_each(|(x, y)| *x += length * share * y);
    }
    state
}

/// Edges from the first vertex.
pub(crate) fn edges(simplex: &[Vertex]) -> Vec<Vec<f64>> {
    simplex[1..]
        .iter()
        .map(|(state, _)| {
            state
                .iter()
                .zip(&simplex[0].0)
                .map(|(x, y)| x - y)
                .collect()
        })
        .collect()
}

/// Smallest over largest singular value of the edges; 1 for a simplex of one edge.
pub(crate) fn flatness(simplex: &[Vertex]) -> f64 {
    let edges = edges(simplex);
    if edges.len() < 2 {
        return 1.0;
    }
    let matrix = Mat::<f64>::from_fn(edges[0].len(), edges.len(), |i, j| edges[j][i]);
    match matrix.singular_values() {
        Ok(values) => match (values.first(), values.last()) {
            (Some(most), Some(least)) if *most > 0.0 => least / most,
            _ => 0.0,
        },
        Err(_) => 0.0,
    }
}

pub(crate) fn centre(simplex: &[Vertex]) -> Vec<f64> {
    let mut sum = vec![0.0; simplex[0].0.len()];
    for (state, _) in simplex {
        sum.iter_mut()
            .zip(state)
            .for_each(|(s, x)| *s += x / simplex.len() as f64);
    }
    sum
}

/// Longest edge and its vertices.
pub(crate) fn diameter(simplex: &[Vertex]) -> (f64, usize, usize) {
    let mut longest = (0.0, 0, 0);
    for a in 0..simplex.len() {
        for b in 0..a {
            let length = distance(&simplex[a].0, &simplex[b].0);
            if length > longest.0 {
                longest = (length, a, b);
            }
        }
    }
    longest
}
