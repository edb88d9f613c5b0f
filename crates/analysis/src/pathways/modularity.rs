//! Modularity of the recurrent weights, and the communities that give it.

use faer::Mat;

/// The best division found.
#[derive(Clone, Debug, PartialEq)]
pub struct Modularity {
    /// Q.
    pub q: f64,
    /// Community of each unit, numbered by first appearance.
    pub communities: Vec<usize>,
}

impl Modularity {
    /// Number of communities.
    pub fn n_communities(&self) -> usize {
        self.communities.iter().max().map_or(0, |c| c + 1)
    }
}

/// Gains below this share of the total weight are rounding.
const GAIN: f64 = 1e-12;

/// Newman's Q of the directed weighted graph `|weights|`, without self-connections,
/// `Q = 1/m sum_ij (A_ij - out_i in_j / m) [c_i = c_j]` (Leicht & Newman 2008; of a symmetric matrix it is the undirected
/// Q), maximised by Louvain's method (Blondel et al. 2008) with units in their order and, of equal gains, the community of
/// the lowest unit: deterministic, a lower bound of the largest Q. 0 with one community where there are no connections.
pub fn modularity(weights: &Mat<f64>) -> Modularity {
    let n = weights.nrows();
    let a = |i: usize, j: usize| {
        if i == j { 0.0 } else { weights[(i, j)].abs() }
    };
    let outgoing: Vec<f64> = (0..n).map(|i| (0..n).map(|j| a(i, j)).sum()).collect();
    let incoming: Vec<f64> = (0..n).map(|j| (0..n).map(|i| a(i, j)).sum()).collect();
    let total: f64 = outgoing.iter().sum();
    if total <= 0.0 {
        return Modularity {
            q: 0.0,
            communities: vec![0; n],
        };
    }
    // What two units add to Q by being together, symmetric; communities of communities add the sums.
    let pair = |i: usize, j: usize| (a(i, j) - outgoing[i] * incoming[j] / total) / total;
    let mut gain = Mat::from_fn(n, n, |i, j| 0.5 * (pair(i, j) + pair(j, i)));
    let mut of_unit: Vec<usize> = (0..n).collect();
    loop {
        let moved = local_moves(&gain);
        let numbers = renumbered(&moved);
        let k = numbers.iter().max().map_or(0, |c| c + 1);
        of_unit.iter_mut().for_each(|c| *c = numbers[*c]);
        if k == gain.nrows() {
            break;
        }
        let mut joined = Mat::zeros(k, k);
        for i in 0..gain.nrows() {
            for j in 0..gain.nrows() {
                joined[(numbers[i], numbers[j])] += gain[(i, j)];
            }
        }
        gain = joined;
    }
    Modularity {
        q: (0..gain.nrows()).map(|c| gain[(c, c)]).sum(),
        communities: renumbered(&of_unit),
    }
}

/// Moves nodes one by one to the community where they add most, until none moves.
fn local_moves(gain: &Mat<f64>) -> Vec<usize> {
    let n = gain.nrows();
    let mut community: Vec<usize> = (0..n).collect();
    let mut moving = true;
    while moving {
        moving = false;
        for i in 0..n {
            let mut with = vec![0.0; n];
            for j in (0..n).filter(|j| *j != i) {
                with[community[j]] += 2.0 * gain[(i, j)];
            }
            let (mut best, here) = (community[i], with[community[i]]);
            for (c, w) in with.iter().enumerate() {
                if *w > with[best] && *w > here + GAIN {
                    best = c;
                }
            }
            if best != community[i] {
                community[i] = best;
                moving = true;
            }
        }
    }
    community
}

/// Communities numbered in the order in which they first appear.
fn renumbered(communities: &[usize]) -> Vec<usize> {
    let mut seen: Vec<usize> = Vec::new();
    communities
        .iter()
        .map(|c| {
            seen.iter().position(|s| s == c).unwrap_or_else(|| {
                seen.push(*c);
                seen.len() - 1
            })
        })
        .collect()
}
