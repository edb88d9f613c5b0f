//! Figures of groups of networks with their intervals: networks are drawn again within their group, never pairs.

use super::bootstrap::quantile;
use super::{Interval, purpose};
use chiliad_tasks::Stream;

/// The figure and its 95 % percentile interval; `figure` gets the networks drawn, some more than once, and leaves out pairs
/// of a network with its own copy. None where it does not exist for the networks themselves, or for no sample.
pub fn within_groups(
    groups: &[usize],
    samples: usize,
    seed: u64,
    figure: &dyn Fn(&[usize]) -> Option<f64>,
) -> Option<Interval> {
    let all: Vec<usize> = (0..groups.len()).collect();
    let members: Vec<Vec<usize>> = (0..groups.iter().max().map_or(0, |g| g + 1))
        .map(|g| all.iter().copied().filter(|i| groups[*i] == g).collect())
        .collect();
    let estimate = figure(&all)?;
    let stream = Stream::new(seed, purpose::GROUPS);
    let mut drawn: Vec<f64> = (0..samples)
        .filter_map(|s| {
            let mut draws = stream.draws(s as u32);
            let chosen: Vec<usize> = groups
                .iter()
                .map(|g| members[*g][draws.below(members[*g].len() as u32) as usize])
                .collect();
            figure(&chosen)
        })
        .collect();
    drawn.sort_by(f64::total_cmp);
    (!drawn.is_empty()).then(|| Interval {
        estimate,
        low: quantile(&drawn, 0.025),
        high: quantile(&drawn, 0.975),
        samples: drawn.len(),
    })
}

/// Mean over groups of the mean of a number per network: balanced accuracy, where the number says how right a network is told.
pub fn balanced_mean(values: &[f64], groups: &[usize], networks: &[usize]) -> Option<f64> {
    let n = groups.iter().max().map_or(0, |g| g + 1);
    let (mut sums, mut counts) = (vec![0.0; n], vec![0_usize; n]);
    for &i in networks {
        sums[groups[i]] += values[i];
        counts[groups[i]] += 1;
    }
    let means: Vec<f64> = sums
        .iter()
        .zip(&counts)
        .filter(|(_, c)| **c > 0)
        .map(|(s, c)| s / *c as f64)
        .collect();
    (!means.is_empty()).then(|| means.iter().sum::<f64>() / means.len() as f64)
}

/// Mean distance between networks of the same group and of different groups; `apart` is none for pairs that are not compared.
pub fn within_and_between(
    apart: &dyn Fn(usize, usize) -> Option<f64>,
    groups: &[usize],
    networks: &[usize],
) -> [Option<f64>; 2] {
    let (mut sums, mut pairs) = ([0.0; 2], [0_usize; 2]);
    for (k, &i) in networks.iter().enumerate() {
        for &j in &networks[..k] {
            if i == j {
                continue;
            }
            if let Some(d) = apart(i, j) {
                let which = usize::from(groups[i] != groups[j]);
                sums[which] += d;
                pairs[which] += 1;
            }
        }
    }
    [0, 1].map(|k| (pairs[k] > 0).then(|| sums[k] / pairs[k] as f64))
}

/// Spearman's rank correlation of a number with the order of its places: 1 where it rises all the way, -1 where it falls.
/// None for fewer than two numbers, or where all are equal.
pub fn trend(values: &[f64]) -> Option<f64> {
    let ranks = crate::distances::ranks::ranks(values);
    let n = ranks.len() as f64;
    let middle = (n - 1.0) / 2.0;
    let mean = ranks.iter().sum::<f64>() / n;
    let (mut cross, mut own, mut order) = (0.0, 0.0, 0.0);
    for (k, rank) in ranks.iter().enumerate() {
        let (x, y) = (k as f64 - middle, rank - mean);
        cross += x * y;
        own += y * y;
        order += x * x;
    }
    (own > 0.0 && order > 0.0).then(|| cross / (own * order).sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trends_and_means_of_known_numbers() {
        assert_eq!(trend(&[1.0, 2.0, 5.0]), Some(1.0));
        assert_eq!(trend(&[3.0, 2.0]), Some(-1.0));
        assert_eq!((trend(&[1.0]), trend(&[2.0, 2.0])), (None, None));
        assert!(trend(&[1.0, 3.0, 2.0]).is_some_and(|r| (r - 0.5).abs() < 1e-12));
        let apart = |i: usize, j: usize| (i + j != 1).then(|| (i * j) as f64);
        // Pairs within {0, 1}: not compared; within {2, 3}: 6; between: 0, 0, 2, 3.
        assert_eq!(
            within_and_between(&apart, &[0, 0, 1, 1], &[0, 1, 2, 3]),
            [Some(6.0), Some(1.25)]
        );
        assert_eq!(
            balanced_mean(&[1.0, 0.0, 1.0], &[0, 0, 1], &[0, 1, 2]),
            Some(0.75)
        );
    }

    #[test]
    fn intervals_resample_within_groups() {
        let values = [0.0, 1.0, 10.0, 10.0];
        let groups = [0, 0, 1, 1];
        let mean = |chosen: &[usize]| balanced_mean(&values, &groups, chosen);
        let found = within_groups(&groups, 500, 1, &mean);
        // The second group does not vary, so its mean is 10 in every sample: 5 plus half of 0 to 1.
        assert!(found.is_some_and(|f| f.estimate == 5.25 && f.low == 5.0 && f.high == 5.5));
        assert_eq!(within_groups(&[], 10, 1, &|_| None), None);
    }
}
