//! Distance between recurrent weights up to a relabelling of units, `min over P of |W1 - P W2 P^T|`: a quadratic assignment
//! problem, searched by Frank & Wolfe's method from many starts (FAQ, Vogelstein et al. 2015), each end polished by swaps, and
//! from the best one by tabu search; up to eight units all permutations are tried.

mod frank_wolfe;
mod swaps;
mod tabu;

use super::dsa::{Operator, Spectrum, SpectrumFound};
use super::error::described;
use super::singular::{eigenvalues, frobenius, symmetric};
use super::{DistanceError, Measure, Samples, purpose};
use crate::distances::geometry::Permutation;
use crate::statistics::shuffle;
use chiliad_tasks::Stream;
use faer::Mat;
use serde::Serialize;

/// Units up to which all permutations are tried.
const ALL: usize = 8;

/// How the permutation is looked for.
#[derive(Clone, Copy, Debug)]
pub struct Weights {
    /// Starts of the search, 1 or more: the barycentre, matched units, the identity, then in turn a random
    /// doubly stochastic matrix and a random permutation, which goes to the swaps at once.
    pub starts: usize,
    /// Of the random starts.
    pub seed: u64,
}

impl Default for Weights {
    fn default() -> Self {
        Self {
            starts: 32,
            seed: 0,
        }
    }
}

/// The best permutation found, and its distance in the forms in use.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct WeightsFound {
    /// Frobenius norm of the difference.
    pub distance: f64,
    /// Over n, the root of the mean square.
    pub per_unit: f64,
    /// Over n^2, as Huang et al. 2024 do across sizes: falls with n for untrained weights too.
    pub per_parameter: f64,
    /// Over the root of `|W1| |W2|`.
    pub relative: f64,
    /// Without any relabelling.
    pub identity: f64,
    /// No orthogonal change of coordinates, let alone a permutation, gets below this.
    pub lower_bound: f64,
    /// Worst end of a start minus the best.
    pub spread: f64,
    /// Starts that were made.
    pub starts: usize,
    /// Share of them that ended at the best.
    pub hits: f64,
    /// Unit of the second network for every unit of the first.
    pub permutation: Vec<usize>,
    /// Transport between the eigenvalues.
    pub spectra: SpectrumFound,
}

/// A matrix with everything about it that no other is needed for.
pub struct Prepared {
    name: String,
    pub(super) matrix: Mat<f64>,
    norm: f64,
    /// Eigenvalues of the symmetric part and magnitudes of the skew part's, falling.
    parts: [Vec<f64>; 2],
    eigenvalues: Vec<[f64; 2]>,
}

impl Measure for Weights {
    type Input = Operator;
    type Prepared = Prepared;
    type Found = WeightsFound;

    fn prepare(&self, weights: &Operator) -> Result<Prepared, DistanceError> {
        let matrix = weights.matrix.clone();
        let norm = frobenius(&matrix);
        if !norm.is_finite() {
            return Err(DistanceError::Array {
                name: weights.name.clone(),
                shape: vec![matrix.nrows(), matrix.ncols()],
                what: "the sum of squares overflows".into(),
                allowed: "weights of moderate size".into(),
            });
        }
        let part = |sign: f64| {
            Mat::from_fn(matrix.nrows(), matrix.nrows(), |i, j| {
                0.5 * (matrix[(i, j)] + sign * matrix[(j, i)])
            })
        };
        let odd = part(-1.0);
        let (even, _) = symmetric(part(1.0).as_ref(), &weights.name)?;
        let (squares, _) = symmetric((odd.transpose() * &odd).as_ref(), &weights.name)?;
        Ok(Prepared {
            name: weights.name.clone(),
            eigenvalues: eigenvalues(matrix.as_ref(), &weights.name)?,
            matrix,
            norm,
            parts: [even, squares.iter().map(|x| x.max(0.0).sqrt()).collect()],
        })
    }

    fn compare(&self, a: &Prepared, b: &Prepared) -> Result<WeightsFound, DistanceError> {
        let n = a.matrix.nrows();
        if b.matrix.nrows() != n {
            return Err(DistanceError::Pair {
                operation: "weights",
                first: described(&a.name, &[n, n]),
                second: described(&b.name, &[b.matrix.nrows(), b.matrix.ncols()]),
                what: "the number of units".into(),
                allowed: "equally many units".into(),
            });
        }
        if self.starts == 0 {
            return Err(DistanceError::Setting {
                option: "starts",
                value: "0".into(),
                allowed: "1 or more".into(),
            });
        }
        let spectra = Spectrum.compare(
            &(a.name.clone(), a.eigenvalues.clone()),
            &(b.name.clone(), b.eigenvalues.clone()),
        )?;
        // The same search whichever comes first: the figure does not depend on the order of the two.
        let turned = after(&a.matrix, &b.matrix);
        let (a, b) = if turned { (b, a) } else { (a, b) };
        let stream = Stream::new(self.seed, purpose::PERMUTATION);
        let mut ends: Vec<(f64, Vec<usize>)> = Vec::new();
        for k in 0..self.starts {
            let mut p = if k > 2 && k % 2 == 0 {
                // Straight to the swaps: Frank & Wolfe's method ends in few places, and one of these may lie elsewhere.
                let mut order: Vec<usize> = (0..n).collect();
                shuffle(&mut order, &mut stream.draws(k as u32));
                order
            } else {
                let start = frank_wolfe::start(k, &a.matrix, &b.matrix, &stream)?;
                frank_wolfe::search(&a.matrix, &b.matrix, start)?
            };
            swaps::polish(&a.matrix, &b.matrix, &mut p);
            ends.push((relabelled(&a.matrix, &b.matrix, &p), p));
        }
        let identity: Vec<usize> = (0..n).collect();
        let best = ends.iter().min_by(|x, y| x.0.total_cmp(&y.0));
        let mut permutation = best.map_or_else(|| identity.clone(), |b| b.1.clone());
        let mut distance = relabelled(&a.matrix, &b.matrix, &permutation);
        let better = if n <= ALL {
            tabu::all(&a.matrix, &b.matrix, n)
        } else {
            tabu::search(&a.matrix, &b.matrix, &permutation, &stream.child(1, 0))
        };
        let with = relabelled(&a.matrix, &b.matrix, &better);
        if with < distance {
            (distance, permutation) = (with, better);
        }
        if turned {
            let mut inverse = vec![0; n];
            (0..n).for_each(|i| inverse[permutation[i]] = i);
            permutation = inverse;
        }
        let worst = ends.iter().map(|e| e.0).fold(distance, f64::max);
        let near = |d: f64| d - distance <= 1e-9 * (1.0 + distance);
        let along = |k: usize| -> f64 {
            let pairs = a.parts[k].iter().zip(&b.parts[k]);
            pairs.map(|(x, y)| x * y).sum()
        };
        let bound = a.norm * a.norm + b.norm * b.norm - 2.0 * (along(0) + along(1));
        let size = n as f64;
        let scale = (a.norm * b.norm).sqrt();
        Ok(WeightsFound {
            distance,
            per_unit: distance / size,
            per_parameter: distance / (size * size),
            // Of two zero matrices, which are the same.
            relative: if scale > 0.0 { distance / scale } else { 0.0 },
            identity: relabelled(&a.matrix, &b.matrix, &identity),
            lower_bound: bound.max(0.0).sqrt().min(distance),
            spread: worst - distance,
            starts: ends.len(),
            hits: ends.iter().filter(|e| near(e.0)).count() as f64 / ends.len() as f64,
            permutation,
            spectra,
        })
    }

    fn distance(found: &WeightsFound) -> f64 {
        found.distance
    }
}

/// Whether a matrix comes after another of its size, entry by entry.
fn after(a: &Mat<f64>, b: &Mat<f64>) -> bool {
    let n = a.nrows();
    let entries = (0..n * n).map(|e| a[(e / n, e % n)].total_cmp(&b[(e / n, e % n)]));
    entries.into_iter().find(|o| o.is_ne()) == Some(std::cmp::Ordering::Greater)
}

/// `|W1 - W2[p, p]|`.
pub fn relabelled(a: &Mat<f64>, b: &Mat<f64>, p: &[usize]) -> f64 {
    let n = a.nrows();
    let square = |i: usize, j: usize| (a[(i, j)] - b[(p[i], p[j])]).powi(2);
    let row = |i: usize| (0..n).map(|j| square(i, j)).sum::<f64>();
    (0..n).map(row).sum::<f64>().sqrt()
}

/// The same with units matched by what they do instead of by their weights: exact, and no search.
///
/// # Errors
///
/// [`DistanceError`] where samples and weights do not belong together.
pub fn matched_by_activity(
    weights: [&Operator; 2],
    states: [&Samples; 2],
) -> Result<f64, DistanceError> {
    let n = weights[0].matrix.nrows();
    for (w, s) in weights.iter().zip(states) {
        if s.shape()[1] != w.matrix.nrows() || w.matrix.nrows() != n {
            return Err(DistanceError::Pair {
                operation: "weights matched by activity",
                first: described(&s.name, &s.shape()),
                second: described(&w.name, &[w.matrix.nrows(); 2]),
                what: "the number of units".into(),
                allowed: "states and weights of equally many units, in both networks".into(),
            });
        }
    }
    let found = super::pair(&Permutation, states[0], states[1])?;
    Ok(relabelled(
        &weights[0].matrix,
        &weights[1].matrix,
        &found.matching,
    ))
}
