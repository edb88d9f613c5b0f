//! Can a network's class be told from the networks nearest to it? k nearest neighbours, each network left out in turn.

use super::{DistanceMatrix, classes, purpose, shuffle};
use crate::distances::DistanceError;
use chiliad_tasks::Stream;
use serde::{Deserialize, Serialize};

/// Accuracy and chance.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Neighbours {
    /// Mean over classes of the share of their networks that is told right.
    pub accuracy: f64,
    /// That of guessing, 1 over the number of classes.
    pub chance: f64,
    /// Mean accuracy under permuted classes: below `chance`, since the network left out is missing from its own class.
    pub permuted: f64,
    /// Share of permutations, the observed one counted, at least as accurate.
    pub p: f64,
    /// Neighbours that voted: at most as many as the smallest class has other networks.
    pub k: usize,
    /// Permutations.
    pub permutations: usize,
}

/// Networks as far away as the k-th neighbour share the votes that are left; classes with equally many votes share the
/// decision. `k` is lowered to one less than the smallest class has networks: of more, a majority would be foreign however
/// close a network's own are.
///
/// # Errors
///
/// [`DistanceError`] for classes that do not fit, fewer than two of them, a class of one network, or a k of 0.
pub fn neighbours(
    matrix: &DistanceMatrix,
    classes: &[usize],
    k: usize,
    permutations: usize,
    seed: u64,
) -> Result<Neighbours, DistanceError> {
    let sizes = classes::sizes(matrix, classes)?;
    let k = voters(k, classes, &sizes)?;
    let votes = all_votes(matrix, k);
    let accuracy = balanced(&votes, classes, &sizes);
    let mut labels = classes.to_vec();
    let mut draws = Stream::new(seed, purpose::NEIGHBOURS).draws(0);
    let (mut sum, mut reached) = (0.0, 1);
    for _ in 0..permutations {
        shuffle(&mut labels, &mut draws);
        let one = balanced(&votes, &labels, &sizes);
        sum += one;
        reached += usize::from(one >= accuracy - 1e-12);
    }
    Ok(Neighbours {
        accuracy,
        chance: 1.0 / sizes.iter().filter(|s| **s > 0).count() as f64,
        permuted: if permutations > 0 {
            sum / permutations as f64
        } else {
            accuracy
        },
        p: reached as f64 / (permutations + 1) as f64,
        k,
        permutations,
    })
}

/// How right each network is told, 0 to 1: the share of the classes with most votes that is its own, or 0.
///
/// # Errors
///
/// As [`neighbours`].
pub fn told_right(
    matrix: &DistanceMatrix,
    classes: &[usize],
    k: usize,
) -> Result<Vec<f64>, DistanceError> {
    let sizes = classes::sizes(matrix, classes)?;
    let votes = all_votes(matrix, voters(k, classes, &sizes)?);
    Ok(right(&votes, classes, sizes.len()))
}

/// Neighbours that vote, of `k` asked for.
fn voters(k: usize, classes: &[usize], sizes: &[usize]) -> Result<usize, DistanceError> {
    if k == 0 {
        return Err(DistanceError::Setting {
            option: "k",
            value: k.to_string(),
            allowed: "1 or more".into(),
        });
    }
    let smallest = sizes.iter().copied().filter(|s| *s > 0).min().unwrap_or(0);
    if smallest < 2 {
        return Err(DistanceError::Array {
            name: "classes".into(),
            shape: vec![classes.len()],
            what: "a class of a single network, which none of its own could tell".into(),
            allowed: "two networks or more in every class".into(),
        });
    }
    Ok(k.min(smallest - 1))
}

/// Votes on every network by the k nearest others, k below the number of networks.
fn all_votes(matrix: &DistanceMatrix, k: usize) -> Vec<Vec<(usize, f64)>> {
    (0..matrix.n()).map(|i| votes(matrix, i, k)).collect()
}

/// Who votes on network i, and with what weight.
fn votes(matrix: &DistanceMatrix, i: usize, k: usize) -> Vec<(usize, f64)> {
    let mut others: Vec<usize> = (0..matrix.n()).filter(|j| *j != i).collect();
    others.sort_by(|a, b| matrix.at(i, *a).total_cmp(&matrix.at(i, *b)));
    let farthest = matrix.at(i, others[k - 1]);
    let nearer = others
        .iter()
        .filter(|j| matrix.at(i, **j) < farthest)
        .count();
    let tied = others
        .iter()
        .filter(|j| matrix.at(i, **j) == farthest)
        .count();
    let share = (k - nearer) as f64 / tied as f64;
    others[..nearer + tied]
        .iter()
        .map(|&j| {
            (
                j,
                if matrix.at(i, j) < farthest {
                    1.0
                } else {
                    share
                },
            )
        })
        .collect()
}

fn balanced(votes: &[Vec<(usize, f64)>], classes: &[usize], sizes: &[usize]) -> f64 {
    let mut sums = vec![0.0; sizes.len()];
    for (class, right) in classes.iter().zip(right(votes, classes, sizes.len())) {
        sums[*class] += right;
    }
    let present: Vec<f64> = sums
        .iter()
        .zip(sizes)
        .filter(|(_, s)| **s > 0)
        .map(|(r, s)| r / *s as f64)
        .collect();
    present.iter().sum::<f64>() / present.len() as f64
}

fn right(votes: &[Vec<(usize, f64)>], classes: &[usize], n_classes: usize) -> Vec<f64> {
    let one = |(voters, own): (&Vec<(usize, f64)>, &usize)| {
        let mut tally = vec![0.0; n_classes];
        voters.iter().for_each(|(j, w)| tally[classes[*j]] += w);
        let most = tally.iter().copied().fold(0.0, f64::max);
        let winners = tally.iter().filter(|t| **t >= most - 1e-9).count();
        if tally[*own] >= most - 1e-9 {
            1.0 / winners as f64
        } else {
            0.0
        }
    };
    votes.iter().zip(classes).map(one).collect()
}
