//! Input orthogonality in the form of the published code: `|offdiagonal of B^T B|_F`, B with columns of length 1.

use super::Matrices;
use crate::population::Role;
use faer::Mat;

pub(super) fn add(view: &mut Matrices<'_>) -> f64 {
    let gates = view.layout.tensors.iter().filter_map(|t| match t.role {
        Role::Input(s, g) => Some((s, g)),
        _ => None,
    });
    let gates: Vec<_> = gates.collect();
    let mut sum = 0.0;
    for (s, g) in gates {
        let Some(w) = view.get(Role::Input(s, g)) else {
            continue;
        };
        let (value, gradient) = of(&w);
        sum += value;
        view.add(Role::Input(s, g), &gradient);
    }
    sum
}

fn of(w: &Mat<f64>) -> (f64, Mat<f64>) {
    let (rows, columns) = (w.nrows(), w.ncols());
    let lengths: Vec<f64> = (0..columns)
        .map(|j| (0..rows).map(|i| w[(i, j)].powi(2)).sum::<f64>().sqrt())
        .collect();
    // A column of zeros is orthogonal to all.
    let b = Mat::from_fn(rows, columns, |i, j| {
        if lengths[j] > 0.0 {
            w[(i, j)] / lengths[j]
        } else {
            0.0
        }
    });
    let mut overlap = b.transpose() * &b;
    for j in 0..columns {
        overlap[(j, j)] = 0.0;
    }
    let norm = overlap.norm_l2();
    let mut gradient = Mat::zeros(rows, columns);
    if norm > 0.0 {
        // d|O|/dB = 2 B O / |O|, then through the normalisation: project out the column, divide by its length.
        let by_b = &b * &overlap * faer::Scale(2.0 / norm);
        for j in (0..columns).filter(|j| lengths[*j] > 0.0) {
            let along: f64 = (0..rows).map(|i| by_b[(i, j)] * b[(i, j)]).sum();
            for i in 0..rows {
                gradient[(i, j)] = (by_b[(i, j)] - along * b[(i, j)]) / lengths[j];
            }
        }
    }
    (norm, gradient)
}
