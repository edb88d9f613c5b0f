//! Frank & Wolfe's method for `max <A, P B P^T>` over doubly stochastic P, and the permutation nearest to where it ends.

use super::super::DistanceError;
use super::super::assignment::{greatest, least};
use super::super::singular::dot;
use chiliad_tasks::Stream;
use faer::Mat;

/// Steps at most, and the change of P that ends the search (as scipy).
const MOST_STEPS: usize = 30;
const LEAST_CHANGE: f64 = 0.03;
/// Rounds that make a random matrix doubly stochastic.
const SINKHORN: usize = 10;

/// Start number k: the barycentre; units matched by their sorted weights; the identity; then halfway between the barycentre
/// and a random doubly stochastic matrix.
pub(super) fn start(
    k: usize,
    a: &Mat<f64>,
    b: &Mat<f64>,
    stream: &Stream,
) -> Result<Mat<f64>, DistanceError> {
    let n = a.nrows();
    let barycentre = Mat::from_fn(n, n, |_, _| 1.0 / n as f64);
    match k {
        0 => Ok(barycentre),
        1 => {
            let (x, y) = (features(a), features(b));
            let cost = Mat::from_fn(n, n, |i, j| {
                x[i].iter().zip(&y[j]).map(|(p, q)| (p - q).powi(2)).sum()
            });
            Ok(matrix_of(&least(cost.as_ref())?))
        }
        2 => Ok(Mat::identity(n, n)),
        _ => {
            let mut draws = stream.draws(k as u32);
            let mut random = Mat::<f64>::zeros(n, n);
            for i in 0..n {
                for j in 0..n {
                    random[(i, j)] = f64::from(draws.uniform()) + 1e-6;
                }
            }
            for _ in 0..SINKHORN {
                for i in 0..n {
                    let sum: f64 = (0..n).map(|j| random[(i, j)]).sum();
                    (0..n).for_each(|j| random[(i, j)] /= sum);
                }
                for j in 0..n {
                    let sum: f64 = (0..n).map(|i| random[(i, j)]).sum();
                    (0..n).for_each(|i| random[(i, j)] /= sum);
                }
            }
            Ok(faer::Scale(0.5) * (barycentre + random))
        }
    }
}

/// What a unit looks like whatever the others are called: its self-connection, and its weights in and out, sorted.
fn features(w: &Mat<f64>) -> Vec<Vec<f64>> {
    let n = w.nrows();
    let sorted = |others: &mut Vec<f64>| others.sort_by(f64::total_cmp);
    (0..n)
        .map(|k| {
            let mut to: Vec<f64> = (0..n).filter(|j| *j != k).map(|j| w[(k, j)]).collect();
            let mut from: Vec<f64> = (0..n).filter(|i| *i != k).map(|i| w[(i, k)]).collect();
            sorted(&mut to);
            sorted(&mut from);
            [vec![w[(k, k)]], to, from].concat()
        })
        .collect()
}

/// From a doubly stochastic matrix to a permutation.
pub(super) fn search(
    a: &Mat<f64>,
    b: &Mat<f64>,
    mut p: Mat<f64>,
) -> Result<Vec<usize>, DistanceError> {
    for _ in 0..MOST_STEPS {
        let gradient = a * &p * b.transpose() + a.transpose() * &p * b;
        let vertex = matrix_of(&greatest(gradient.as_ref())?);
        let toward = &vertex - &p;
        // Along P + t R the gain is t <gradient, R> + t^2 <A, R B R^T>.
        let linear = dot(&gradient, &toward);
        let quadratic = dot(a, &(&toward * b * toward.transpose()));
        let peak = -linear / (2.0 * quadratic);
        let t = if quadratic < 0.0 && peak < 1.0 {
            peak.max(0.0)
        } else {
            1.0
        };
        let change = faer::Scale(t) * toward;
        p += &change;
        if dot(&change, &change).sqrt() < LEAST_CHANGE {
            break;
        }
    }
    greatest(p.as_ref())
}

fn matrix_of(columns: &[usize]) -> Mat<f64> {
    let n = columns.len();
    Mat::from_fn(n, n, |i, j| f64::from(u8::from(columns[i] == j)))
}
