//! The cycle that visits given regions in given order: one linear system.

use super::{Pattern, PiecewiseLinear};
use crate::cycles::solve_return;
use crate::fixed_points::norm;
use faer::Mat;

/// `z' = A z + a`
pub(super) type Affine = (Mat<f64>, Vec<f64>);

/// What a sequence of patterns leads to.
pub(super) enum Solved {
    /// Its solution lies in the regions it was made for.
    Real(Vec<Vec<f64>>),
    /// It does not: the state the sequence would return to.
    Virtual(Vec<f64>),
    /// A continuum of solutions, of which no member was found and of which none could be excluded.
    Undecided,
    /// No solution.
    None,
}

/// `then` after `first`.
pub(super) fn compose(then: &Affine, first: &Affine) -> Affine {
    let mut constant = then.1.clone();
    for (i, c) in constant.iter_mut().enumerate() {
        *c += first
            .1
            .iter()
            .enumerate()
            .map(|(j, x)| then.0[(i, j)] * x)
            .sum::<f64>();
    }
    (&then.0 * &first.0, constant)
}

fn apply(map: &Affine, state: &[f64]) -> Vec<f64> {
    (0..state.len())
        .map(|i| {
            let row = state.iter().enumerate().map(|(j, z)| map.0[(i, j)] * z);
            map.1[i] + row.sum::<f64>()
        })
        .collect()
}

/// Solves `z = P z + q` for the composition `(P, q)` of the branches and looks where its orbit lies.
pub(super) fn solve(
    map: &PiecewiseLinear,
    patterns: &[&Pattern],
    branches: &[&Affine],
    composed: &Affine,
) -> Solved {
    let Some(mut state) = solve_return(&composed.0, &composed.1) else {
        return singular(map, patterns, branches, composed);
    };
    // One step of refinement: what rounding took away in the composition.
    let residual: Vec<f64> = walk(branches, &state)
        .1
        .iter()
        .zip(&state)
        .map(|(a, b)| a - b)
        .collect();
    if let Some(step) = solve_return(&composed.0, &residual) {
        state.iter_mut().zip(step).for_each(|(x, d)| *x += d);
    }
    let (points, _) = walk(branches, &state);
    if agrees(map, patterns, &points) {
        Solved::Real(points)
    } else {
        Solved::Virtual(state)
    }
}

/// The states before each branch, and the one after the last.
fn walk(branches: &[&Affine], start: &[f64]) -> (Vec<Vec<f64>>, Vec<f64>) {
    let mut points = Vec::with_capacity(branches.len());
    let mut state = start.to_vec();
    for branch in branches {
        let next = apply(branch, &state);
        points.push(std::mem::replace(&mut state, next));
    }
    (points, state)
}

/// Whether every point is on the sides its pattern says; on a kink it is on both.
fn agrees(map: &PiecewiseLinear, patterns: &[&Pattern], points: &[Vec<f64>]) -> bool {
    points.iter().zip(patterns).all(|(point, pattern)| {
        let sides = map.arguments(point);
        let slack = map.slack(point);
        sides.iter().zip(&slack).zip(pattern.iter()).all(
            |((a, s), &passed)| {
                if passed { *a >= -s } else { *a <= *s }
            },
        )
    })
}

/// `I - P` is singular: no solution, or a flat of them. A line is cut with the regions exactly; of a larger flat only the
/// member of least norm is tried.
fn singular(
    map: &PiecewiseLinear,
    patterns: &[&Pattern],
    branches: &[&Affine],
    composed: &Affine,
) -> Solved {
    let n = map.n_state();
    let matrix = Mat::from_fn(n, n, |i, j| {
        f64::from(u8::from(i == j)) - composed.0[(i, j)]
    });
    let Ok(svd) = matrix.svd() else {
        return Solved::Undecided;
    };
    let values: Vec<f64> = (0..n).map(|i| svd.S().column_vector()[i]).collect();
    let largest = values.iter().copied().fold(0.0, f64::max).max(1.0);
    let rank = values.iter().filter(|v| **v > 1e-10 * largest).count();
    let mut state = vec![0.0; n];
    for (i, value) in values.iter().enumerate().take(rank) {
        let along: f64 = (0..n).map(|r| svd.U()[(r, i)] * composed.1[r]).sum::<f64>() / value;
        (0..n).for_each(|r| state[r] += along * svd.V()[(r, i)]);
    }
    let (points, end) = walk(branches, &state);
    let miss: Vec<f64> = end.iter().zip(&state).map(|(a, b)| a - b).collect();
    if norm(&miss) > 1e-8 * (norm(&state) + norm(&composed.1)) {
        return Solved::None;
    }
    if n - rank != 1 {
        return if agrees(map, patterns, &points) {
            Solved::Real(points)
        } else {
            Solved::Undecided
        };
    }
    let direction: Vec<f64> = (0..n).map(|r| svd.V()[(r, n - 1)]).collect();
    let shifted: Vec<f64> = state.iter().zip(&direction).map(|(x, d)| x + d).collect();
    let (moved, _) = walk(branches, &shifted);
    // Every kink of every point bounds the line from one side.
    let (mut low, mut high) = (f64::NEG_INFINITY, f64::INFINITY);
    for ((point, moved), pattern) in points.iter().zip(&moved).zip(patterns) {
        let slack = map.slack(moved);
        let sides = map.arguments(point).into_iter().zip(map.arguments(moved));
        for (((at, then), slack), &passed) in sides.zip(slack).zip(pattern.iter()) {
            let sign = if passed { 1.0 } else { -1.0 };
            let (value, slope) = (sign * at, sign * (then - at));
            if slope.abs() <= slack {
                if value < -slack {
                    return Solved::None;
                }
            } else if slope > 0.0 {
                low = low.max((-value - slack) / slope);
            } else {
                high = high.min((value + slack) / -slope);
            }
        }
    }
    if low > high {
        return Solved::None;
    }
    let at = match (low.is_finite(), high.is_finite()) {
        (true, true) => 0.5 * (low + high),
        (true, false) => low + 1.0,
        (false, true) => high - 1.0,
        (false, false) => 0.0,
    };
    let member: Vec<f64> = state
        .iter()
        .zip(&direction)
        .map(|(x, d)| x + at * d)
        .collect();
    Solved::Real(walk(branches, &member).0)
}
