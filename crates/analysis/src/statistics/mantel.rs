//! Do two matrices of distances order the pairs alike? Mantel's test (1967), and with a third held fixed (Smouse et al. 1986).

use super::{DistanceMatrix, purpose, shuffle};
use crate::distances::DistanceError;
use crate::distances::ranks::ranks;
use chiliad_tasks::Stream;
use serde::{Deserialize, Serialize};

/// Which correlation over pairs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Correlation {
    /// Of the distances.
    Pearson,
    /// Of their ranks.
    Spearman,
}

/// Correlation and its permutation p: networks are permuted, not pairs.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Mantel {
    /// Over pairs.
    pub r: f64,
    /// Share of permutations, the observed one counted, with r at least as large.
    pub p_greater: f64,
    /// The same for |r|.
    pub p_two_sided: f64,
    /// Permutations.
    pub permutations: usize,
}

/// Correlation of two matrices.
///
/// # Errors
///
/// [`DistanceError::Array`] for matrices of different sizes, or one whose distances are all equal.
pub fn mantel(
    a: &DistanceMatrix,
    b: &DistanceMatrix,
    kind: Correlation,
    permutations: usize,
    seed: u64,
) -> Result<Mantel, DistanceError> {
    test(a, b, None, kind, permutations, seed)
}

/// Correlation of two matrices once a third, for instance of differences in loss, is accounted for in both.
///
/// # Errors
///
/// As [`mantel`], and where one of the two is a linear function of the third.
pub fn partial_mantel(
    a: &DistanceMatrix,
    b: &DistanceMatrix,
    given: &DistanceMatrix,
    kind: Correlation,
    permutations: usize,
    seed: u64,
) -> Result<Mantel, DistanceError> {
    test(a, b, Some(given), kind, permutations, seed)
}

fn test(
    a: &DistanceMatrix,
    b: &DistanceMatrix,
    given: Option<&DistanceMatrix>,
    kind: Correlation,
    permutations: usize,
    seed: u64,
) -> Result<Mantel, DistanceError> {
    let n = a.n();
    for other in [Some(b), given].into_iter().flatten() {
        if other.n() != n {
            return Err(refuse([n, other.n()], "different numbers of networks"));
        }
    }
    if n < 3 {
        return Err(refuse([n, n], "fewer than 3 networks"));
    }
    let whole_a = standard(a, kind)?;
    let unit_b = upper(&standard(b, kind)?, &(0..n).collect::<Vec<_>>());
    let unit_given = given
        .map(|g| Ok::<_, DistanceError>(upper(&standard(g, kind)?, &(0..n).collect::<Vec<_>>())))
        .transpose()?;
    let left = match &unit_given {
        None => unit_b,
        Some(g) => residual(&unit_b, g).ok_or_else(|| {
            refuse(
                [n, n],
                "the second matrix is a linear function of the third",
            )
        })?,
    };
    let r_of = |order: &[usize]| -> Option<f64> {
        let unit_a = upper(&whole_a, order);
        let along = match &unit_given {
            None => unit_a,
            Some(g) => residual(&unit_a, g)?,
        };
        Some(dot(&along, &left).clamp(-1.0, 1.0))
    };
    let mut order: Vec<usize> = (0..n).collect();
    let r = r_of(&order)
        .ok_or_else(|| refuse([n, n], "the first matrix is a linear function of the third"))?;
    let mut draws = Stream::new(seed, purpose::MANTEL).draws(0);
    let (mut greater, mut outside) = (1, 1);
    for _ in 0..permutations {
        shuffle(&mut order, &mut draws);
        // A permutation that the third matrix explains wholly has no correlation left.
        let one = r_of(&order).unwrap_or(0.0);
        greater += usize::from(one >= r - 1e-12);
        outside += usize::from(one.abs() >= r.abs() - 1e-12);
    }
    let share = |count: usize| count as f64 / (permutations + 1) as f64;
    Ok(Mantel {
        r,
        p_greater: share(greater),
        p_two_sided: share(outside),
        permutations,
    })
}

/// The whole matrix with entries (or their ranks) centred and scaled so that the upper triangle has mean 0 and norm 1.
fn standard(m: &DistanceMatrix, kind: Correlation) -> Result<Vec<f64>, DistanceError> {
    let n = m.n();
    let mut pairs = m.pairs();
    if kind == Correlation::Spearman {
        pairs = ranks(&pairs);
    }
    let mean = pairs.iter().sum::<f64>() / pairs.len() as f64;
    let size = pairs.iter().map(|d| d * d).sum::<f64>().sqrt();
    pairs.iter_mut().for_each(|d| *d -= mean);
    let length = dot(&pairs, &pairs).sqrt();
    if length <= 1e-14 * size {
        return Err(refuse([n, n], "all distances are equal"));
    }
    let mut whole = vec![0.0; n * n];
    let places = (0..n).flat_map(|i| (i + 1..n).map(move |j| (i, j)));
    for ((i, j), d) in places.zip(pairs) {
        whole[i * n + j] = d / length;
        whole[j * n + i] = d / length;
    }
    Ok(whole)
}

/// Upper triangle of the matrix with its networks in this order.
fn upper(whole: &[f64], order: &[usize]) -> Vec<f64> {
    let n = order.len();
    let row = |i: usize| (i + 1..n).map(move |j| whole[order[i] * n + order[j]]);
    (0..n).flat_map(row).collect()
}

/// What of a unit vector another does not explain, at length 1.
fn residual(x: &[f64], g: &[f64]) -> Option<Vec<f64>> {
    let along = dot(x, g);
    let left: Vec<f64> = x.iter().zip(g).map(|(x, g)| x - along * g).collect();
    let length = dot(&left, &left).sqrt();
    (length > 1e-9).then(|| left.iter().map(|v| v / length).collect())
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

fn refuse(shape: [usize; 2], what: &str) -> DistanceError {
    DistanceError::Array {
        name: "distances".into(),
        shape: shape.to_vec(),
        what: what.into(),
        allowed: "matrices of the same 3 networks or more, whose distances differ".into(),
    }
}
