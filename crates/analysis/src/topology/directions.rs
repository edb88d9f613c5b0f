//! Directions on the unstable sphere of a point: even ones, and such as are even only later.

use super::Options;
use chiliad_engine::linearise::{modulus, spectrum};
use chiliad_tasks::random::{Draws, Stream};
use faer::Mat;
use faer::prelude::Solve;
use std::f64::consts::TAU;

/// Directions of an unstable sphere at most.
const DIRECTIONS_MAX: usize = 1024;
/// Times from which even directions are taken back, and the natural logarithm of the thinnest wedge that is looked into
/// (project defaults).
const LEVELS: usize = 8;
const WEDGE: f64 = 30.0;

/// Unit vectors on the unstable sphere of a point, in terms of the basis, and how many of them, from the first on, are
/// spread evenly.
///
/// Where one direction grows faster than another, whatever it meets first decides the end of almost all directions, and
/// what the slow one could reach is left to a thin wedge. The vectors that follow are even ones taken back along the
/// linear flow: they are even at the time when the slowest direction has grown to the size of the attractors.
pub(crate) fn directions(
    jacobian: &[f64],
    basis: &[Vec<f64>],
    stream: &Stream,
    options: &Options,
) -> (Vec<Vec<f64>>, usize) {
    let (k, n) = (basis.len(), basis[0].len());
    let even = options
        .directions
        .max(4)
        .saturating_mul(1 << (2 * k.saturating_sub(2)).min(10))
        .min(DIRECTIONS_MAX.max(options.directions));
    let mut draws = stream.draws(0);
    let mut all = sphere(k, even, &mut draws);
    let even = all.len();
    let within = Mat::<f64>::from_fn(k, k, |i, j| {
        let image = |a: usize| -> f64 {
            let row = jacobian[a * n..(a + 1) * n].iter();
            row.zip(&basis[j]).map(|(x, y)| x * y).sum()
        };
        (0..n).map(|a| basis[i][a] * image(a)).sum()
    });
    let entries: Vec<f64> = (0..k * k).map(|e| within[(e / k, e % k)]).collect();
    let growth: Vec<f64> = spectrum(&entries, k).map_or_else(Vec::new, |s| {
        s.eigenvalues.iter().map(|v| modulus(*v).ln()).collect()
    });
    let (Some(fastest), Some(slowest)) = (growth.first(), growth.last()) else {
        return (all, even);
    };
    if k < 2 || fastest - slowest < 1e-6 {
        return (all, even);
    }
    let steps = (options.amplitude.recip().ln() / slowest).min(WEDGE / (fastest - slowest));
    let back = within.partial_piv_lu();
    for level in 1..=LEVELS {
        let mut vectors = sphere(k, even.div_ceil(8), &mut draws);
        for vector in &mut vectors {
            for _ in 0..(steps * level as f64 / LEVELS as f64).ceil() as usize {
                let column = Mat::<f64>::from_fn(k, 1, |i, _| vector[i]);
                let before = back.solve(&column);
                let length = (0..k).map(|i| before[(i, 0)].powi(2)).sum::<f64>().sqrt();
                (0..k).for_each(|i| vector[i] = before[(i, 0)] / length);
            }
        }
        all.extend(
            vectors
                .into_iter()
                .filter(|v| v.iter().all(|x| x.is_finite())),
        );
    }
    (all, even)
}

/// Unit vectors: both for one dimension, `n` evenly spaced ones on a circle, else `n` drawn at random.
pub(crate) fn sphere(k: usize, n: usize, draws: &mut Draws) -> Vec<Vec<f64>> {
    match k {
        1 => vec![vec![1.0], vec![-1.0]],
        2 => {
            let phase = f64::from(draws.uniform());
            (0..n)
                .map(|i| TAU * (i as f64 + phase) / n as f64)
                .map(|angle| vec![angle.cos(), angle.sin()])
                .collect()
        }
        _ => (0..n)
            .map(|_| {
                let d: Vec<f64> = (0..k).map(|_| f64::from(draws.normal())).collect();
                let length = d.iter().map(|x| x * x).sum::<f64>().sqrt().max(1e-12);
                d.into_iter().map(|x| x / length).collect()
            })
            .collect(),
    }
}
