//! Procrustes over vector fields, `min over O(n) of |A - C B C^T|`: many starts, and a bound from below.

use super::super::error::described;
use super::super::orthogonal;
use super::super::singular::frobenius;
use super::super::{DistanceError, Measure, purpose};
use super::Operator;
use super::bases::{Basis, Invariants, invariants};
use super::descent::Descent;
use chiliad_tasks::Stream;
use faer::Mat;
use serde::Serialize;

/// How the minimum is looked for.
#[derive(Clone, Copy, Debug)]
pub struct Conjugation {
    /// Random starts, every other one of the other determinant. Four starts from matched spectra come first.
    pub starts: usize,
    /// Of the random starts.
    pub seed: u64,
}

impl Default for Conjugation {
    fn default() -> Self {
        Self {
            starts: 16,
            seed: 0,
        }
    }
}

/// A gap below this between the best and the bound makes it certain that the minimum was found.
const CERTAIN: f64 = 1e-6;

/// The best minimum and how sure it is.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ConjugationFound {
    /// The Euclidean one, of operators scaled to norm 1.
    pub distance: f64,
    /// `min |A/|A| - C B/|B| C^T|`, 0 to 2; equals `2 sin(angular / 2)`.
    pub euclidean: f64,
    /// `arccos` of the greatest cosine between A and C B C^T, 0 to pi.
    pub angular: f64,
    /// `min |A - C B C^T|`, neither operator scaled.
    pub euclidean_raw: f64,
    /// No C gets below this `euclidean`: eigenvalues of the symmetric parts, and of the skew parts, matched in order.
    pub lower_bound: f64,
    /// The same as an angle.
    pub lower_bound_angular: f64,
    /// `euclidean` minus its bound.
    pub gap: f64,
    /// Whether the gap is below 1e-6.
    pub certified: bool,
    /// Worst end of a start minus the best, in `euclidean`.
    pub spread: f64,
    /// Starts that were made: no more once one is certified.
    pub starts: usize,
    /// Share of them that ended within 1e-6 of the best.
    pub hits: f64,
}

/// An operator with everything about it that no other is needed for.
pub struct Prepared {
    name: String,
    /// Norm 1.
    unit: Mat<f64>,
    norm: f64,
    bases: Vec<Basis>,
    symmetric: Vec<f64>,
    skew: Vec<f64>,
}

impl Measure for Conjugation {
    type Input = Operator;
    type Prepared = Prepared;
    type Found = ConjugationFound;

    fn prepare(&self, operator: &Operator) -> Result<Prepared, DistanceError> {
        let n = operator.matrix.nrows();
        let norm = frobenius(&operator.matrix);
        if !(norm.is_finite() && norm > 0.0) {
            return Err(DistanceError::Array {
                name: operator.name.clone(),
                shape: vec![n, n],
                what: format!("the operator has norm {norm}"),
                allowed: "an operator that is not zero and does not overflow".into(),
            });
        }
        let unit = faer::Scale(1.0 / norm) * &operator.matrix;
        let Invariants {
            bases,
            symmetric,
            skew,
        } = invariants(&unit, &operator.name)?;
        Ok(Prepared {
            name: operator.name.clone(),
            unit,
            norm,
            bases,
            symmetric,
            skew,
        })
    }

    fn compare(&self, a: &Prepared, b: &Prepared) -> Result<ConjugationFound, DistanceError> {
        let n = a.unit.nrows();
        if b.unit.nrows() != n {
            return Err(DistanceError::Pair {
                operation: "procrustes over vector fields",
                first: described(&a.name, &[n, n]),
                second: described(&b.name, &[b.unit.nrows(), b.unit.ncols()]),
                what: "rank".into(),
                allowed: "operators of equal rank".into(),
            });
        }
        // One order for both calls, so that the distance does not depend on which comes first.
        let (a, b) = if b.comes_before(a) { (b, a) } else { (a, b) };
        let bound = (2.0 - 2.0 * a.greatest_cosine(b)).max(0.0).sqrt();
        let stream = Stream::new(self.seed, purpose::CONJUGATION);
        let (mut best, mut ends) = (f64::INFINITY, Vec::new());
        let spectral = a.bases.len();
        let mut descent = Descent::new(&a.unit, &b.unit);
        for k in 0..spectral + self.starts {
            let start = if k < spectral {
                a.bases[k].start(&b.bases[k])
            } else {
                let index = k - spectral;
                orthogonal::random(n, &stream, (index / 2) as u32, index % 2 == 1)
            };
            let apart = descent.run(&start);
            ends.push(apart);
            best = best.min(apart);
            if best - bound < CERTAIN {
                break;
            }
        }
        let hits = ends.iter().filter(|e| **e - best < CERTAIN).count();
        let worst = ends.iter().copied().fold(best, f64::max);
        let gap = (best - bound).max(0.0);
        Ok(ConjugationFound {
            distance: best,
            euclidean: best,
            angular: angle(best),
            euclidean_raw: ((a.norm - b.norm).powi(2) + a.norm * b.norm * best * best).sqrt(),
            lower_bound: bound.min(best),
            lower_bound_angular: angle(bound.min(best)),
            gap,
            certified: gap < CERTAIN,
            spread: worst - best,
            starts: ends.len(),
            hits: hits as f64 / ends.len() as f64,
        })
    }

    fn distance(found: &ConjugationFound) -> f64 {
        found.distance
    }
}

/// Between unit vectors so far apart.
fn angle(chord: f64) -> f64 {
    2.0 * (0.5 * chord).min(1.0).asin()
}

impl Prepared {
    /// `<A, C B C^T>` is at most this: symmetric and skew parts do not mix, and each is greatest where eigenvalues meet in
    /// order (von Neumann 1937).
    fn greatest_cosine(&self, other: &Self) -> f64 {
        let along = |a: &[f64], b: &[f64]| -> f64 { a.iter().zip(b).map(|(x, y)| x * y).sum() };
        along(&self.symmetric, &other.symmetric) + along(&self.skew, &other.skew)
    }

    fn comes_before(&self, other: &Self) -> bool {
        let entries = |p: &Self| -> Vec<f64> {
            (0..p.unit.ncols())
                .flat_map(|j| p.unit.col(j).iter().copied().collect::<Vec<_>>())
                .collect()
        };
        let (a, b) = (entries(self), entries(other));
        let differs = a
            .iter()
            .zip(&b)
            .map(|(x, y)| x.total_cmp(y))
            .find(|o| o.is_ne());
        differs.is_some_and(std::cmp::Ordering::is_lt)
    }
}
