//! One distance: a part per network, a part per pair, and the matrix of all pairs.

use super::DistanceError;
use crate::statistics::DistanceMatrix;
use rayon::prelude::*;
use serde::Serialize;

/// A distance between two networks.
pub trait Measure: Sync {
    /// What it looks at.
    type Input: Sync;
    /// The part that concerns one network alone.
    type Prepared: Send + Sync;
    /// Everything found out about a pair.
    type Found: Serialize + Send;

    /// Made once per network.
    ///
    /// # Errors
    ///
    /// [`DistanceError`] where the input cannot be used.
    fn prepare(&self, input: &Self::Input) -> Result<Self::Prepared, DistanceError>;

    /// Of two networks. The same whichever comes first, up to rounding.
    ///
    /// # Errors
    ///
    /// [`DistanceError`] where the two cannot be compared.
    fn compare(&self, a: &Self::Prepared, b: &Self::Prepared)
    -> Result<Self::Found, DistanceError>;

    /// The figure that goes into a matrix.
    fn distance(found: &Self::Found) -> f64;
}

/// Two networks.
///
/// # Errors
///
/// [`DistanceError`] where one cannot be used, or the two cannot be compared.
pub fn pair<M: Measure>(
    measure: &M,
    a: &M::Input,
    b: &M::Input,
) -> Result<M::Found, DistanceError> {
    measure.compare(&measure.prepare(a)?, &measure.prepare(b)?)
}

/// How many pairs there are and how much memory they take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Pairs {
    /// Networks.
    pub networks: usize,
    /// n (n - 1) / 2.
    pub pairs: usize,
    /// Bytes of the symmetric matrix in f64, and of what the pairs gave before they are put there. What is prepared per
    /// network comes on top: it grows with the networks, never with the pairs.
    pub bytes: usize,
}

impl Pairs {
    /// Of so many networks.
    pub fn of(networks: usize) -> Self {
        let pairs = networks * networks.saturating_sub(1) / 2;
        Self {
            networks,
            pairs,
            bytes: 8 * (networks * networks + pairs.min(BLOCK)),
        }
    }
}

/// Pairs that are computed together: what is held of them at once, and what is kept of an interrupted run.
pub const BLOCK: usize = 256;

/// The symmetric matrix of all pairs, over threads; each pair is computed once, and the bits do not depend on the number of
/// threads. `done` is told how many pairs are finished.
///
/// # Errors
///
/// [`DistanceError`] of the first network or pair that cannot be used.
pub fn all_pairs<M: Measure>(
    measure: &M,
    inputs: &[M::Input],
    done: &mut dyn FnMut(usize),
) -> Result<DistanceMatrix, DistanceError> {
    let prepared: Vec<M::Prepared> = inputs
        .par_iter()
        .map(|input| measure.prepare(input))
        .collect::<Result<_, _>>()?;
    let prepared: Vec<&M::Prepared> = prepared.iter().collect();
    let n = prepared.len();
    let mut values = vec![0.0; n * n];
    let mut finished = 0;
    while finished < Pairs::of(n).pairs {
        let pairs = block(n, finished);
        let found = compare_block(measure, &prepared, finished, &|found| M::distance(found))?;
        for (&(i, j), d) in pairs.iter().zip(found) {
            values[i * n + j] = d;
            values[j * n + i] = d;
        }
        finished += pairs.len();
        done(finished);
    }
    DistanceMatrix::new(n, values)
}

/// At most [`BLOCK`] pairs (i, j), i < j, from the `first` on, in order.
pub fn block(n: usize, first: usize) -> Vec<(usize, usize)> {
    let (mut row, mut before) = (0, 0);
    while row < n && before + (n - row - 1) <= first {
        before += n - row - 1;
        row += 1;
    }
    (row..n)
        .flat_map(|i| (i + 1..n).map(move |j| (i, j)))
        .skip(first - before)
        .take(BLOCK)
        .collect()
}

/// What `keep` makes of each pair of a [`block`], over threads; the bits do not depend on their number.
///
/// # Errors
///
/// [`DistanceError`] of the first pair that cannot be compared.
pub fn compare_block<M: Measure, T: Send>(
    measure: &M,
    prepared: &[&M::Prepared],
    first: usize,
    keep: &(dyn Fn(&M::Found) -> T + Sync),
) -> Result<Vec<T>, DistanceError> {
    block(prepared.len(), first)
        .into_par_iter()
        .map(|(i, j)| Ok(keep(&measure.compare(prepared[i], prepared[j])?)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_all_pairs_in_order() {
        for n in [0, 1, 2, 3, 23, 24, 60] {
            let whole: Vec<_> = (0..n)
                .flat_map(|i| (i + 1..n).map(move |j| (i, j)))
                .collect();
            assert_eq!(whole.len(), Pairs::of(n).pairs);
            let mut found = Vec::new();
            while found.len() < whole.len() {
                found.extend(block(n, found.len()));
            }
            assert_eq!(found, whole);
            assert!(block(n, found.len()).is_empty());
        }
    }
}
