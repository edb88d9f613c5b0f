//! Comparisons of two lists of dissimilarities.

use super::{Comparison, Rdm, RsaFound};
use crate::distances::ranks::{kendall, ranks};
use crate::distances::singular::{nuclear_norm, symmetric};
use crate::distances::{DistanceError, Samples};
use faer::Mat;

/// Everything about one list that does not need the other.
pub(super) fn prepare(
    comparison: Comparison,
    mut list: Vec<f64>,
    samples: &Samples,
) -> Result<Rdm, DistanceError> {
    let n = samples.shape()[0];
    let mut factor = None;
    match comparison {
        Comparison::Cosine => {}
        Comparison::Pearson => centre(&mut list),
        Comparison::Spearman | Comparison::RhoA => {
            list = ranks(&list);
            centre(&mut list);
        }
        Comparison::TauA | Comparison::TauB => {
            if comparison == Comparison::TauB && list.iter().all(|d| *d == list[0]) {
                return Err(flat(samples));
            }
        }
        // The whitened inner product of two lists is that of the doubly centred matrices they fill (Diedrichsen et al. 2021).
        Comparison::WhitenedCosine => list = doubly_centred(&list, n),
        Comparison::WhitenedPearson => {
            centre(&mut list);
            list = doubly_centred(&list, n);
        }
        Comparison::Bures => {
            let whole = doubly_centred(&list, n);
            let gram = Mat::from_fn(n, n, |i, j| -0.5 * whole[i * n + j]);
            let (values, vectors) = symmetric(gram.as_ref(), &samples.name)?;
            // Squared Euclidean dissimilarities leave nothing below zero but rounding; others may.
            let kept: Vec<f64> = values.iter().map(|v| v.max(0.0)).collect();
            let f = Mat::from_fn(n, n, |i, j| vectors[(i, j)] * kept[j].sqrt());
            factor = Some((f, kept.iter().sum()));
        }
    }
    match comparison {
        Comparison::TauA | Comparison::TauB | Comparison::Bures => {}
        Comparison::RhoA => {
            // Over the length that ranks without ties would have.
            let m = list.len() as f64;
            let length = ((m * m * m - m) / 12.0).sqrt();
            list.iter_mut().for_each(|x| *x /= length);
        }
        _ => {
            let length = list.iter().map(|x| x * x).sum::<f64>().sqrt();
            if !(length.is_finite() && length > 0.0) {
                return Err(flat(samples));
            }
            list.iter_mut().for_each(|x| *x /= length);
        }
    }
    Ok(Rdm {
        name: samples.name.clone(),
        shape: samples.shape(),
        list,
        factor,
    })
}

pub(super) fn compare(comparison: Comparison, a: &Rdm, b: &Rdm) -> Result<RsaFound, DistanceError> {
    if let (Some((f, trace_f)), Some((g, trace_g))) = (&a.factor, &b.factor) {
        let fidelity = nuclear_norm((f.transpose() * g).as_ref(), &a.name)?;
        let similarity = (fidelity / (trace_f * trace_g).sqrt()).min(1.0);
        return Ok(RsaFound {
            distance: 1.0 - similarity,
            similarity,
            bures_squared: Some((trace_f + trace_g - 2.0 * fidelity).max(0.0)),
        });
    }
    let similarity = match comparison {
        Comparison::TauA => kendall(&a.list, &b.list).0,
        Comparison::TauB => kendall(&a.list, &b.list).1,
        _ => {
            let products = a.list.iter().zip(&b.list).map(|(x, y)| x * y);
            products.sum::<f64>().clamp(-1.0, 1.0)
        }
    };
    Ok(RsaFound {
        distance: 1.0 - similarity,
        similarity,
        bures_squared: None,
    })
}

fn centre(list: &mut [f64]) {
    let mean = list.iter().sum::<f64>() / list.len() as f64;
    list.iter_mut().for_each(|x| *x -= mean);
}

/// `H D H` row by row, D the symmetric matrix with this upper triangle and an empty diagonal, H = I - 1/n.
fn doubly_centred(list: &[f64], n: usize) -> Vec<f64> {
    let mut whole = vec![0.0; n * n];
    let mut next = list.iter();
    for i in 0..n {
        for j in i + 1..n {
            if let Some(d) = next.next() {
                whole[i * n + j] = *d;
                whole[j * n + i] = *d;
            }
        }
    }
    let means: Vec<f64> = whole
        .chunks(n)
        .map(|row| row.iter().sum::<f64>() / n as f64)
        .collect();
    let mean = means.iter().sum::<f64>() / n as f64;
    for i in 0..n {
        for j in 0..n {
            whole[i * n + j] += mean - means[i] - means[j];
        }
    }
    whole
}

fn flat(samples: &Samples) -> DistanceError {
    samples.refuse(
        "its samples are all equally far apart".into(),
        "dissimilarities that differ, and are finite",
    )
}
