//! Periodic orbits of any order: Newton on `h = F^k(h)`, multipliers, one canonical phase.

use crate::fixed_points::{canonical, distance, norm};
use crate::linearise::{Eigenvalue, modulus, spectrum};
use crate::system::System;
use faer::Mat;
use faer::linalg::solvers::Solve;
use serde::{Deserialize, Serialize};

/// How cycles are looked for. Lengths are relative to the state scale.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Options {
    /// Longest period (project default 4).
    pub period_max: usize,
    /// Newton steps per seed (project default 60).
    pub steps_max: usize,
    /// Largest Newton step of a cycle that was found (project default 1e-9).
    pub converged: f64,
    /// Cycles with points closer than this are one (default 1e-6).
    pub tolerance: f64,
    /// `|1 - multiplier|` below which a cycle is degenerate (default 1e-6).
    pub degenerate: f64,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            period_max: 4,
            steps_max: 60,
            converged: 1e-9,
            tolerance: 1e-6,
            degenerate: 1e-6,
        }
    }
}

/// A periodic orbit; a fixed point has period 1.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cycle {
    /// Least number of steps after which the orbit returns.
    pub period: usize,
    /// `[phase][coordinate]`, in the order of time; the lexicographically smallest point comes first.
    pub points: Vec<Vec<f64>>,
    /// Eigenvalues of the product of Jacobians along the orbit, largest modulus first.
    pub multipliers: Vec<Eigenvalue>,
    /// Whether all multipliers are inside the unit circle.
    pub stable: bool,
    /// Some `|1 - multiplier|` is below the option `degenerate`: the cycle may be one of a continuum.
    pub degenerate: bool,
    /// Some point lies on a kink of a piecewise linear map: multipliers and stability are those of one side.
    #[serde(default)]
    pub on_kink: bool,
    /// `|F^k(h) - h|` at the first point.
    pub residual: f64,
    /// Seeds that ended here.
    pub hits: usize,
}

impl Cycle {
    /// The cycle through `points`, which follow one another under the system, with its canonical phase first.
    pub(crate) fn new(
        system: &mut dyn System,
        mut points: Vec<Vec<f64>>,
        scale: f64,
        options: &Options,
    ) -> Option<Self> {
        let first = (0..points.len())
            .min_by(|&a, &b| canonical(&points[a], &points[b], options.tolerance * scale))?;
        points.rotate_left(first);
        let n = system.dimension();
        let (end, product) = return_map(system, &points[0], points.len());
        let matrix: Vec<f64> = (0..n * n).map(|i| product[(i / n, i % n)]).collect();
        let multipliers = spectrum(&matrix, n)?;
        Some(Self {
            period: points.len(),
            stable: multipliers.eigenvalues.iter().all(|m| modulus(*m) < 1.0),
            degenerate: multipliers.nearest_to_one < options.degenerate,
            multipliers: multipliers.eigenvalues,
            on_kink: false,
            residual: distance(&end, &points[0]),
            points,
            hits: 1,
        })
    }

    /// Distance of a state from the nearest point of the orbit.
    pub fn distance(&self, state: &[f64]) -> f64 {
        self.points
            .iter()
            .map(|p| distance(p, state))
            .fold(f64::INFINITY, f64::min)
    }
}

/// `k` states from `start` on, `start` first.
pub fn orbit(system: &mut dyn System, start: &[f64], k: usize) -> Vec<Vec<f64>> {
    let mut points = vec![start.to_vec()];
    for i in 1..k {
        let mut next = vec![0.0; start.len()];
        system.step(&points[i - 1], &mut next);
        points.push(next);
    }
    points
}

/// `F^k` of a state and its derivative, the product of Jacobians along the orbit.
pub fn return_map(system: &mut dyn System, start: &[f64], k: usize) -> (Vec<f64>, Mat<f64>) {
    let n = start.len();
    let mut product = Mat::<f64>::identity(n, n);
    let mut state = start.to_vec();
    let mut next = vec![0.0; n];
    let mut jacobian = vec![0.0; n * n];
    for i in 0..k {
        system.jacobian(&state, &mut jacobian);
        let local = Mat::from_fn(n, n, |r, c| jacobian[r * n + c]);
        product = if i == 0 { local } else { local * product };
        system.step(&state, &mut next);
        std::mem::swap(&mut state, &mut next);
    }
    (state, product)
}

/// Pivot, relative to the largest, below which a matrix counts as singular.
const SINGULAR: f64 = 1e-12;

/// `x` with `(I - product) x = rhs`; `None` where the matrix is singular.
pub(crate) fn solve_return(product: &Mat<f64>, rhs: &[f64]) -> Option<Vec<f64>> {
    let n = rhs.len();
    let matrix = Mat::from_fn(n, n, |i, j| f64::from(u8::from(i == j)) - product[(i, j)]);
    if !(0..n).all(|j| (0..n).all(|i| matrix[(i, j)].is_finite())) {
        return None;
    }
    let factors = matrix.partial_piv_lu();
    let pivots = || (0..n).map(|i| factors.U()[(i, i)].abs());
    let largest = pivots().fold(0.0, f64::max);
    let smallest = pivots().fold(f64::INFINITY, f64::min);
    if n > 0 && smallest <= SINGULAR * largest {
        return None;
    }
    let solution = factors.solve(Mat::from_fn(n, 1, |i, _| rhs[i]));
    let x: Vec<f64> = (0..n).map(|i| solution[(i, 0)]).collect();
    x.iter().all(|v| v.is_finite()).then_some(x)
}

/// Damped Newton on `h = F^k(h)`, kept inside the system's box; the orbit of least period through the state it ends on.
pub fn newton(
    system: &mut dyn System,
    seed: &[f64],
    k: usize,
    scale: f64,
    options: &Options,
) -> Option<Cycle> {
    let widths = system.half_widths().map(<[f64]>::to_vec);
    let inside = |state: &mut [f64]| {
        if let Some(widths) = &widths {
            state
                .iter_mut()
                .zip(widths)
                .for_each(|(x, w)| *x = x.clamp(-w, *w));
        }
    };
    let mut state = seed.to_vec();
    inside(&mut state);
    let mut length = f64::INFINITY;
    for _ in 0..options.steps_max {
        let (end, product) = return_map(system, &state, k);
        let residual: Vec<f64> = end.iter().zip(&state).map(|(a, b)| a - b).collect();
        let now = norm(&residual);
        if !now.is_finite() {
            return None;
        }
        let step = solve_return(&product, &residual)?;
        let before = length;
        length = norm(&step);
        // At the limit of precision a step no longer shrinks.
        if length == 0.0 || (length <= options.converged * scale && length >= 0.25 * before) {
            break;
        }
        let mut share = 1.0;
        loop {
            let mut trial: Vec<f64> = state
                .iter()
                .zip(&step)
                .map(|(h, d)| h + share * d)
                .collect();
            inside(&mut trial);
            let last = orbit(system, &trial, k + 1).pop()?;
            let then = distance(&last, &trial);
            if then <= (1.0 - 1e-4 * share) * now || length <= 1e-6 * scale {
                state = trial;
                break;
            }
            share *= 0.5;
            if share < 1.0 / 64.0 {
                return None;
            }
        }
    }
    if length > options.converged * scale {
        return None;
    }
    let points = orbit(system, &state, k);
    let least = (1..=k).find(|&d| {
        k.is_multiple_of(d)
            && (d == k || distance(&points[d], &points[0]) <= options.tolerance * scale)
    })?;
    Cycle::new(system, points[..least].to_vec(), scale, options)
}

/// Adds a cycle unless it is known: by a point closer than the tolerance, of a cycle of the same period.
pub(crate) fn add(cycles: &mut Vec<Cycle>, cycle: Cycle, tolerance: f64) -> bool {
    let known = cycles
        .iter_mut()
        .find(|c| c.period == cycle.period && c.distance(&cycle.points[0]) <= tolerance);
    match known {
        Some(known) => {
            known.hits += cycle.hits;
            false
        }
        None => {
            cycles.push(cycle);
            true
        }
    }
}

/// By period, then by first point.
pub(crate) fn sort(cycles: &mut [Cycle], tolerance: f64) {
    cycles.sort_by(|a, b| {
        a.period
            .cmp(&b.period)
            .then_with(|| canonical(&a.points[0], &b.points[0], tolerance))
    });
}

/// Cycles of period 1 to `period_max` that Newton finds from the seeds, lower orders first. A search: what it does not
/// find may still exist.
pub fn find(
    system: &mut dyn System,
    seeds: &[Vec<f64>],
    scale: f64,
    options: &Options,
) -> Vec<Cycle> {
    let mut cycles = Vec::new();
    for k in 1..=options.period_max {
        for seed in seeds {
            if let Some(cycle) = newton(system, seed, k, scale, options) {
                // One of lower order was counted when its order was searched.
                if cycle.period == k {
                    add(&mut cycles, cycle, options.tolerance * scale);
                }
            }
        }
    }
    sort(&mut cycles, options.tolerance * scale);
    cycles
}
