//! Can a network's class be told from the networks nearest to it? k nearest neighbours, each network left out in turn.

use super::{DistanceMatrix, classes, purpose, shuffle};
use crate::distances::DistanceError;
use chiliad_tasks::Stream;
use serde::Serialize;

/// Accuracy and chance.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Neighbours {
    /// Mean over classes of the share of their networks that is told right.
    pub accuracy: f64,
    /// That of guessing, 1 over the number of classes.
    pub chance: f64,
    /// Mean accuracy under permuted classes: below `chance`, since the network left out is missing from its own class.
    pub permuted: f64,
    /// Share of permutations, the observed one counted, at least as accurate.
    pub p: f64,
    /// Neighbours asked.
    pub k: usize,
    /// Permutations.
    pub permutations: usize,
}

/// Networks as far away as the k-th neighbour share the votes that are left; classes with equally many votes share the
/// decision.
///
/// # Errors
///
/// [`DistanceError`] for classes that do not fit, fewer than two of them, or a k not below the number of networks.
pub fn neighbours(
    matrix: &DistanceMatrix,
    classes: &[usize],
    k: usize,
    permutations: usize,
    seed: u64,
) -> Result<Neighbours, DistanceError> {
    let sizes = classes::sizes(matrix, classes)?;
    let n = matrix.n();
    if k == 0 || k >= n {
        return Err(DistanceError::Setting {
            option: "k",
            value: k.to_string(),
            allowed: format!("1 to {}", n - 1),
        });
    }
    let votes: Vec<Vec<(usize, f64)>> = (0..n).map(|i| votes(matrix, i, k)).collect();
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
    let mut right = vec![0.0; sizes.len()];
    for (i, voters) in votes.iter().enumerate() {
        let mut tally = vec![0.0; sizes.len()];
        voters.iter().for_each(|(j, w)| tally[classes[*j]] += w);
        let most = tally.iter().copied().fold(0.0, f64::max);
        let winners = tally.iter().filter(|t| **t >= most - 1e-9).count();
        if tally[classes[i]] >= most - 1e-9 {
            right[classes[i]] += 1.0 / winners as f64;
        }
    }
    let present: Vec<f64> = right
        .iter()
        .zip(sizes)
        .filter(|(_, s)| **s > 0)
        .map(|(r, s)| r / *s as f64)
        .collect();
    present.iter().sum::<f64>() / present.len() as f64
}
