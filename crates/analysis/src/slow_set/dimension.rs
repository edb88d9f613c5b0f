//! How many dimensions a set of states has: globally flat, and locally.

use super::landmarks::{centre, distance};
use faer::Mat;

/// Participation ratio of the eigenvalues of the covariance, `tr(C)^2 / tr(C^2)`; 0 for a single point.
pub fn linear(states: &[Vec<f64>]) -> f64 {
    let mean = centre(states);
    let away: Vec<Vec<f64>> = states
        .iter()
        .map(|s| s.iter().zip(&mean).map(|(x, m)| x - m).collect())
        .collect();
    let (mut trace, mut square) = (0.0, 0.0);
    // The Gram matrix has the covariance's eigenvalues.
    for a in &away {
        for b in &away {
            square += a.iter().zip(b).map(|(x, y)| x * y).sum::<f64>().powi(2);
        }
        trace += a.iter().map(|x| x * x).sum::<f64>();
    }
    if square > 0.0 {
        trace * trace / square
    } else {
        0.0
    }
}

/// Mean number of principal components that hold a share `variance` of each state's `k` nearest neighbours and itself.
pub fn local(states: &[Vec<f64>], k: usize, variance: f64) -> f64 {
    let all = neighbourhoods(states, k, variance);
    all.iter().map(Vec::len).sum::<usize>() as f64 / all.len().max(1) as f64
}

/// The axes themselves, `[state][axis][coordinate]`, each of norm 1.
pub(super) fn neighbourhoods(states: &[Vec<f64>], k: usize, variance: f64) -> Vec<Vec<Vec<f64>>> {
    let around = |state: &Vec<f64>| {
        let mut by_distance: Vec<(f64, usize)> = states
            .iter()
            .enumerate()
            .map(|(i, s)| (distance(state, s), i))
            .collect();
        by_distance.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        let near: Vec<Vec<f64>> = by_distance
            .into_iter()
            .take(k + 1)
            .map(|(_, i)| states[i].clone())
            .collect();
        axes(&near, variance)
    };
    states.iter().map(around).collect()
}

fn axes(near: &[Vec<f64>], variance: f64) -> Vec<Vec<f64>> {
    let mean = centre(near);
    let away = Mat::from_fn(near.len(), mean.len(), |i, j| near[i][j] - mean[j]);
    let Ok(svd) = away.thin_svd() else {
        return Vec::new();
    };
    let squares: Vec<f64> = (0..near.len().min(mean.len()))
        .map(|c| svd.S().column_vector()[c].powi(2))
        .collect();
    let total: f64 = squares.iter().sum();
    let (mut held, mut chosen) = (0.0, Vec::new());
    for (c, square) in squares.iter().enumerate() {
        // Beyond rounding: 0.9 of a sum in another order is not always 0.9.
        if held >= variance * total * (1.0 - 1e-12) {
            break;
        }
        held += square;
        chosen.push((0..mean.len()).map(|j| svd.V()[(j, c)]).collect());
    }
    chosen
}
