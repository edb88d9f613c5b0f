//! Multi-hop pathways: `R = sum_m a^(m+2) V W^m U` for m < L, its gradient a backward pass through a linear network driven by
//! one impulse per input.

use super::{Matrices, sign};
use crate::population::Role;
use faer::Mat;

pub(super) fn add(view: &mut Matrices<'_>, alpha: f64, length: usize, per_hop: bool) -> f64 {
    let Some(v) = view.get(Role::Readout) else {
        return 0.0;
    };
    let mut sum = 0.0;
    for (s, g) in view.recurrent_gates() {
        let (Some(w), Some(u)) = (view.get(Role::Recurrent(s, g)), view.get(Role::Input(s, g)))
        else {
            continue;
        };
        let (value, [by_w, by_u, by_v]) = of(&w, &u, &v, alpha, length.max(1), per_hop);
        sum += value;
        view.add(Role::Recurrent(s, g), &by_w);
        view.add(Role::Input(s, g), &by_u);
        view.add(Role::Readout, &by_v);
    }
    sum
}

fn of(
    w: &Mat<f64>,
    u: &Mat<f64>,
    v: &Mat<f64>,
    alpha: f64,
    length: usize,
    per_hop: bool,
) -> (f64, [Mat<f64>; 3]) {
    // X_0 = a^2 U, X_m+1 = a W X_m.
    let mut states = vec![u * faer::Scale(alpha * alpha)];
    for m in 1..length {
        states.push(w * &states[m - 1] * faer::Scale(alpha));
    }
    let signs = |r: &Mat<f64>| Mat::from_fn(r.nrows(), r.ncols(), |i, j| sign(r[(i, j)]));
    let absolute = |r: &Mat<f64>| -> f64 {
        (0..r.ncols())
            .flat_map(|j| (0..r.nrows()).map(move |i| r[(i, j)].abs()))
            .sum()
    };
    // What the signs are of: every hop, or their sum.
    let (value, by_hop): (f64, Vec<Mat<f64>>) = if per_hop {
        let hops: Vec<Mat<f64>> = states.iter().map(|x| v * x).collect();
        (
            hops.iter().map(absolute).sum(),
            hops.iter().map(signs).collect(),
        )
    } else {
        let mut total = Mat::zeros(v.nrows(), u.ncols());
        for x in &states {
            total += v * x;
        }
        (absolute(&total), vec![signs(&total); length])
    };
    let mut by_v = Mat::zeros(v.nrows(), v.ncols());
    for (x, s) in states.iter().zip(&by_hop) {
        by_v += s * x.transpose();
    }
    let mut by_w = Mat::zeros(w.nrows(), w.ncols());
    let mut adjoint: Mat<f64> = v.transpose() * &by_hop[length - 1];
    for m in (0..length - 1).rev() {
        by_w += &adjoint * states[m].transpose() * faer::Scale(alpha);
        adjoint = v.transpose() * &by_hop[m] + w.transpose() * &adjoint * faer::Scale(alpha);
    }
    (value, [by_w, adjoint * faer::Scale(alpha * alpha), by_v])
}
