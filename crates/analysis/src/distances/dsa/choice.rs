//! Delays and rank by what they predict: operators are fitted to some trials of pilot networks and judged on others.

use super::super::samples::centred;
use super::super::{DistanceError, Recording};
use super::operator::{Coordinates, ridge};
use super::{Delays, Fit, Rank};
use faer::Mat;
use serde::{Deserialize, Serialize};

/// One pair of delays and rank, and how well it predicts.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tried {
    /// States per row of the embedding.
    pub delays: usize,
    /// Of the operators.
    pub rank: usize,
    /// Root mean square error of the next state over its standard deviation, mean over the pilots: 1 for a forecast that
    /// knows no more than the means of the units.
    pub error: f64,
}

/// Settings within this factor of the best are taken for as good (project default, after fastDSA's choice of delays).
const AS_GOOD: f64 = 1.05;

/// The setting of the lowest rank, then of the fewest delays, among those as good as the best; and all that were tried.
///
/// A pilot is what operators are fitted to, and what they are judged on: two lists of trials of one network. Ranks that a pilot
/// does not have at some delays are left out there.
///
/// # Errors
///
/// [`DistanceError`] without pilots, where no setting can be fitted, and those of the fits.
pub fn choose(
    pilots: &[[Recording; 2]],
    delays: &[usize],
    ranks: &[usize],
    fit: &Fit,
) -> Result<(Tried, Vec<Tried>), DistanceError> {
    let mut tried = Vec::new();
    for &number in delays {
        let embedding = Fit {
            delays: Delays {
                number,
                interval: fit.delays.interval,
            },
            ..*fit
        };
        let mut sums: Vec<Option<f64>> = vec![Some(0.0); ranks.len()];
        for pilot in pilots {
            let errors = held_out_errors(pilot, ranks, &embedding)?;
            for (sum, error) in sums.iter_mut().zip(errors) {
                *sum = sum.zip(error).map(|(s, e)| s + e);
            }
        }
        tried.extend(ranks.iter().zip(sums).filter_map(|(&rank, sum)| {
            let error = sum? / pilots.len() as f64;
            error.is_finite().then_some(Tried {
                delays: number,
                rank,
                error,
            })
        }));
    }
    let best = tried.iter().map(|t| t.error).fold(f64::INFINITY, f64::min);
    let chosen = tried
        .iter()
        .filter(|t| t.error <= AS_GOOD * best)
        .min_by_key(|t| (t.rank, t.delays))
        .copied();
    chosen
        .map(|c| (c, tried))
        .ok_or_else(|| DistanceError::Setting {
            option: "delays and rank",
            value: "auto".into(),
            allowed: format!(
                "1 pilot network or more ({} here) with operators of some rank in {ranks:?} at some delays in {delays:?}",
                pilots.len()
            ),
        })
}

/// Of every rank, the error of the newest state in the second recording under the operator of the first; none where the
/// first has no such rank.
fn held_out_errors(
    [fitted, judged]: &[Recording; 2],
    ranks: &[usize],
    fit: &Fit,
) -> Result<Vec<Option<f64>>, DistanceError> {
    let full = Fit {
        rank: Rank::Full,
        reduced_rank: false,
        ..*fit
    };
    let coordinates = Coordinates::of(fitted, &full)?;
    let s = &coordinates.singular_values;
    let axes = &coordinates.axes;
    let (before, after) = coordinates.steps(fit.steps_ahead);
    let (rows, per_trial) = fit.delays.embed(judged)?;
    let (n, ahead) = (judged.n_units, fit.steps_ahead);
    if ahead >= per_trial {
        return Err(judged.refuse(
            format!("{per_trial} rows per trial"),
            "more rows than the steps that are predicted",
        ));
    }
    // Moments with a successor, and the successors' newest states.
    let from: Vec<usize> = (0..rows.nrows())
        .filter(|r| r % per_trial + ahead < per_trial)
        .collect();
    let truth = Mat::from_fn(from.len(), n, |i, j| rows[(from[i] + ahead, j)]);
    let known = Mat::from_fn(from.len(), rows.ncols(), |i, j| rows[(from[i], j)]);
    let deviation = centred(truth.as_ref()).norm_l2();
    ranks
        .iter()
        .map(|&r| {
            if r == 0 || r > coordinates.rank {
                return Ok(None);
            }
            // Coordinates of rank r are the first r, so one decomposition serves all ranks.
            let first = |m: &Mat<f64>| m.subcols(0, r).to_owned();
            let operator = ridge(&first(&before), &first(&after), fit.ridge, &fitted.name)?;
            let into = Mat::from_fn(axes.nrows(), r, |i, j| axes[(i, j)] / s[j]);
            let newest = Mat::from_fn(r, n, |i, j| axes[(j, i)] * s[i]);
            let predicted = &known * into * operator * newest;
            Ok(Some((&predicted - &truth).norm_l2() / deviation))
        })
        .collect()
}
