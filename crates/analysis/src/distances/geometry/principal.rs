//! Principal components: how many are kept, and states in their coordinates.

use super::Components;
use crate::distances::samples::centred;
use crate::distances::singular::svd;
use crate::distances::{DistanceError, Samples};
use faer::{Mat, MatRef};

/// Number of directions kept, from singular values of centred states.
pub(super) fn kept(
    s: &[f64],
    components: Components,
    samples: &Samples,
) -> Result<usize, DistanceError> {
    let largest = s.first().copied().unwrap_or(0.0);
    let floor = largest * f64::EPSILON * samples.shape()[0].max(samples.shape()[1]) as f64;
    let rank = s.iter().filter(|x| **x > floor).count();
    let setting = |value: String, allowed: String| DistanceError::Setting {
        option: "components",
        value: format!("{value} of {} {:?}", samples.name, samples.shape()),
        allowed,
    };
    match components {
        _ if rank == 0 => Err(samples.refuse("no variance".into(), "states that vary")),
        Components::All => Ok(rank),
        Components::Number(k) if (1..=rank).contains(&k) => Ok(k),
        Components::Number(k) => Err(setting(k.to_string(), format!("1 to {rank}, the rank"))),
        Components::Variance(share) if share > 0.0 && share <= 1.0 => {
            let total: f64 = s.iter().map(|x| x * x).sum();
            let mut sum = 0.0;
            let enough = s.iter().position(|x| {
                sum += x * x;
                sum >= share * total
            });
            Ok(enough.map_or(rank, |k| (k + 1).min(rank)))
        }
        Components::Variance(share) => Err(setting(
            share.to_string(),
            "a share of the variance, above 0 and at most 1".into(),
        )),
    }
}

/// States in the coordinates of their first principal components, `[row, component]`: at most so many, and no more than
/// there are rows or columns. The sum of cubes of each is positive, so that signs do not depend on how units are turned.
pub(super) fn coordinates(
    values: MatRef<'_, f64>,
    components: usize,
    name: &str,
) -> Result<Mat<f64>, DistanceError> {
    if components == 0 {
        return Err(DistanceError::Setting {
            option: "components",
            value: "0".into(),
            allowed: "1 or more".into(),
        });
    }
    let found = svd(centred(values).as_ref(), name)?;
    let k = components.min(found.s.len());
    let scale: Vec<f64> = (0..k)
        .map(|j| {
            let cubes: f64 = found.u.col(j).iter().map(|x| x * x * x).sum();
            found.s[j].copysign(cubes)
        })
        .collect();
    Ok(Mat::from_fn(values.nrows(), k, |i, j| {
        found.u[(i, j)] * scale[j]
    }))
}
