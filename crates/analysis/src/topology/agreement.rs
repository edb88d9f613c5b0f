//! How universal a class is: the chance that two networks agree, with an interval.
//!
//! The universality index of `N` networks of which `n_k` are in class `k` is `sum n_k (n_k - 1) / (N (N - 1))`: the share
//! of pairs that agree. Between groups only pairs of different groups count, within them only pairs of the same group.

use chiliad_tasks::random::Stream;

/// Purpose word of the bootstrap.
const BOOTSTRAP: u32 = 0x390;
/// Resamplings (project default).
pub const RESAMPLINGS: usize = 2000;

/// An estimate and its 95 % interval (percentile bootstrap over networks).
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Estimate {
    /// Of the networks as they are.
    pub value: f64,
    /// 2.5 % of the resamplings lie below.
    pub low: f64,
    /// 2.5 % of the resamplings lie above.
    pub high: f64,
    /// Networks.
    pub n: usize,
}

/// Which pairs of networks count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pairs {
    /// Every pair.
    All,
    /// Of the same group.
    Within,
    /// Of different groups.
    Between,
}

/// Share of pairs of networks with the same class; `classes[network]`, `groups[network]`. Networks are resampled within
/// their group; a network is never paired with a copy of itself. None where no pair counts.
#[must_use]
pub fn agreement(classes: &[usize], groups: &[usize], pairs: Pairs, seed: u64) -> Option<Estimate> {
    let share = |chosen: &[usize]| {
        let (mut agree, mut all) = (0_u64, 0_u64);
        for (i, &a) in chosen.iter().enumerate() {
            for &b in &chosen[..i] {
                let counts = match pairs {
                    Pairs::All => true,
                    Pairs::Within => groups[a] == groups[b],
                    Pairs::Between => groups[a] != groups[b],
                };
                if a != b && counts {
                    all += 1;
                    agree += u64::from(classes[a] == classes[b]);
                }
            }
        }
        (all > 0).then(|| agree as f64 / all as f64)
    };
    interval(classes.len(), groups, seed, &share)
}

/// Mean of a number per network, with its interval; networks are resampled within their group.
#[must_use]
pub fn mean(values: &[f64], groups: &[usize], seed: u64) -> Option<Estimate> {
    let of = |chosen: &[usize]| {
        let sum: f64 = chosen.iter().map(|&n| values[n]).sum();
        (!chosen.is_empty()).then(|| sum / chosen.len() as f64)
    };
    interval(values.len(), groups, seed, &of)
}

fn interval(
    n: usize,
    groups: &[usize],
    seed: u64,
    statistic: &dyn Fn(&[usize]) -> Option<f64>,
) -> Option<Estimate> {
    let all: Vec<usize> = (0..n).collect();
    let value = statistic(&all)?;
    let members: Vec<Vec<usize>> = all
        .iter()
        .map(|&i| {
            all.iter()
                .copied()
                .filter(|&j| groups[j] == groups[i])
                .collect()
        })
        .collect();
    let stream = Stream::new(seed, BOOTSTRAP);
    let mut resampled: Vec<f64> = (0..RESAMPLINGS)
        .filter_map(|r| {
            let mut draws = stream.draws(r as u32);
            let chosen: Vec<usize> = members
                .iter()
                .map(|group| group[draws.below(group.len() as u32) as usize])
                .collect();
            statistic(&chosen)
        })
        .collect();
    resampled.sort_by(f64::total_cmp);
    let at = |share: f64| resampled[((resampled.len() - 1) as f64 * share).round() as usize];
    (!resampled.is_empty()).then(|| Estimate {
        value,
        low: at(0.025),
        high: at(0.975),
        n,
    })
}
