//! How well generated series reproduce an observed attractor: divergence of its states, distance of its spectra.
//!
//! Definitions and variants as in the code of Hess et al. 2023 (GTF) and Brenner et al. 2024 (AL-RNN); variants differ in
//! the third digit and more, so a number without its variant says little. Series are `[time][channel]`.

use chiliad_tasks::random::Stream;
use realfft::RealFftPlanner;
use serde::Serialize;
use std::collections::BTreeMap;

/// Purpose word of the noise of [`samples`].
const SAMPLES: u32 = 0x330;

/// Which range is cut into bins, and which bins count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Binning {
    /// `[min - 0.1 sd, max + 0.1 sd]` of the observed series, all bins (the authors' Julia code).
    Extended,
    /// `[-2 sd, 2 sd]` of it, all bins (the same code, `legacy`).
    TwoDeviations,
    /// `[min, max]` of it, without the first bin of every channel (the authors' Python tutorial).
    WithoutFirst,
}

fn channel(series: &[Vec<f64>], c: usize) -> impl Iterator<Item = f64> + '_ {
    series.iter().map(move |x| x[c])
}

fn deviation(series: &[Vec<f64>], c: usize) -> f64 {
    let n = series.len() as f64;
    let mean = channel(series, c).sum::<f64>() / n;
    (channel(series, c).map(|x| (x - mean).powi(2)).sum::<f64>() / (n - 1.0)).sqrt()
}

/// A histogram without its empty bins.
struct Histogram {
    bins: BTreeMap<Vec<u32>, f64>,
    total: f64,
}

impl Histogram {
    fn of(series: &[Vec<f64>], ranges: &[(f64, f64)], n_bins: u32, first: f64) -> Self {
        let mut bins = BTreeMap::new();
        let mut total = 0.0;
        for state in series {
            let at = state.iter().zip(ranges).map(|(x, (low, high))| {
                // Truncated, as the authors' code does it: values less than a bin below the range count as in the first.
                let bin = (f64::from(n_bins) * (x - low) / (high - low)).trunc();
                (bin >= first && bin < f64::from(n_bins) && (first > 0.0 || x >= low))
                    .then_some(bin as u32)
            });
            if let Some(bin) = at.collect::<Option<Vec<u32>>>() {
                *bins.entry(bin).or_insert(0.0) += 1.0;
                total += 1.0;
            }
        }
        Self { bins, total }
    }
}

/// `D_stsp` by binning: the Kullback-Leibler divergence of Laplace-smoothed histograms, `p = (c + a) / (sum c + a bins^N)`.
///
/// The authors use 30 bins and `a` = 1e-5, for fewer than 11 channels. NaN where no generated state lies in the range, where
/// a series is empty, or where the channels of a state differ in number.
#[must_use]
pub fn binned_divergence(
    observed: &[Vec<f64>],
    generated: &[Vec<f64>],
    n_bins: u32,
    smoothing: f64,
    binning: Binning,
) -> f64 {
    let n = observed.first().map_or(0, Vec::len);
    if n == 0 || observed.iter().chain(generated).any(|x| x.len() != n) {
        return f64::NAN;
    }
    let ranges: Vec<(f64, f64)> = (0..n)
        .map(|c| {
            let low = channel(observed, c).fold(f64::INFINITY, f64::min);
            let high = channel(observed, c).fold(f64::NEG_INFINITY, f64::max);
            let sd = deviation(observed, c);
            match binning {
                Binning::Extended => (low - 0.1 * sd, high + 0.1 * sd),
                Binning::TwoDeviations => (-2.0 * sd, 2.0 * sd),
                Binning::WithoutFirst => (low, high),
            }
        })
        .collect();
    let first = f64::from(u8::from(binning == Binning::WithoutFirst));
    let p = Histogram::of(observed, &ranges, n_bins, first);
    let q = Histogram::of(generated, &ranges, n_bins, first);
    if q.total == 0.0 {
        return f64::NAN;
    }
    let all = f64::from(n_bins).powi(n as i32);
    let share = |h: &Histogram, count: f64| (count + smoothing) / (h.total + smoothing * all);
    let term = |a: f64, b: f64| {
        let (a, b) = (share(&p, a), share(&q, b));
        a * (a / b).ln()
    };
    let held = |h: &Histogram, bin: &Vec<u32>| h.bins.get(bin).copied().unwrap_or(0.0);
    let mut sum = 0.0;
    let mut occupied = 0.0;
    for (bin, &count) in &p.bins {
        sum += term(count, held(&q, bin));
        occupied += 1.0;
    }
    for (bin, &count) in q.bins.iter().filter(|(bin, _)| !p.bins.contains_key(*bin)) {
        sum += term(held(&p, bin), count);
        occupied += 1.0;
    }
    sum + (all - occupied) * term(0.0, 0.0)
}

/// `D_stsp` for many channels: every state of a series is the centre of a Gaussian of this variance, and
/// `D = mean(log p - log q)` over `samples`; samples without likelihood in either are dropped. NaN where none is left.
///
/// The authors take 1,000 [`samples`] of the first 10,000 observed steps, and variances of 0.3 or 1.
#[must_use]
pub fn mixture_divergence(
    observed: &[Vec<f64>],
    generated: &[Vec<f64>],
    samples: &[Vec<f64>],
    variance: f64,
) -> f64 {
    let likelihood = |series: &[Vec<f64>], x: &[f64]| {
        let sum: f64 = series
            .iter()
            .map(|centre| {
                let square: f64 = x.iter().zip(centre).map(|(a, b)| (a - b).powi(2)).sum();
                (-square / (2.0 * variance)).exp()
            })
            .sum();
        sum / series.len() as f64
    };
    let terms: Vec<f64> = samples
        .iter()
        .map(|x| (likelihood(observed, x), likelihood(generated, x)))
        .filter(|(p, q)| *p > 0.0 && *q > 0.0)
        .map(|(p, q)| p.ln() - q.ln())
        .collect();
    terms.iter().sum::<f64>() / terms.len() as f64
}

/// States drawn from a series, each with Gaussian noise of this variance.
#[must_use]
pub fn samples(series: &[Vec<f64>], n_samples: usize, variance: f64, seed: u64) -> Vec<Vec<f64>> {
    let stream = Stream::new(seed, SAMPLES);
    let n = series.len().min(u32::MAX as usize) as u32;
    (0..if n == 0 { 0 } else { n_samples })
        .map(|i| {
            let mut draws = stream.draws(i as u32);
            let state = &series[draws.below(n) as usize];
            let noise = variance.sqrt();
            state
                .iter()
                .map(|x| x + noise * f64::from(draws.normal()))
                .collect()
        })
        .collect()
}

/// Power spectrum of one channel: mean removed, `|rfft|^2`, smoothed by a Gaussian of `sigma` bins (4 sigma on both sides,
/// reflected at the ends), sum 1.
fn power(series: &[Vec<f64>], c: usize, sigma: f64) -> Option<Vec<f64>> {
    let mean = channel(series, c).sum::<f64>() / series.len() as f64;
    let mut values: Vec<f64> = channel(series, c).map(|x| x - mean).collect();
    let transform = RealFftPlanner::<f64>::new().plan_fft_forward(values.len());
    let mut spectrum = transform.make_output_vec();
    transform.process(&mut values, &mut spectrum).ok()?;
    let raw: Vec<f64> = spectrum
        .iter()
        .map(realfft::num_complex::Complex::norm_sqr)
        .collect();
    let radius = (4.0 * sigma + 0.5) as i64;
    let kernel: Vec<f64> = (-radius..=radius)
        .map(|k| {
            if sigma > 0.0 {
                (-0.5 * (k as f64 / sigma).powi(2)).exp()
            } else {
                1.0
            }
        })
        .collect();
    let weight: f64 = kernel.iter().sum();
    let n = raw.len() as i64;
    let reflected = |i: i64| {
        // d c b a | a b c d | d c b a
        let i = i.rem_euclid(2 * n);
        raw[i.min(2 * n - 1 - i) as usize]
    };
    let smooth: Vec<f64> = (0..n)
        .map(|i| {
            let around = (-radius..=radius).zip(&kernel);
            around.map(|(k, w)| w * reflected(i + k)).sum::<f64>() / weight
        })
        .collect();
    let total: f64 = smooth.iter().sum();
    Some(smooth.into_iter().map(|x| x / total).collect())
}

/// `D_H` per channel: the Hellinger distance `sqrt(1 - sum sqrt(p q))` of smoothed power spectra (the authors use `sigma` =
/// 20 bins); a comparison of series averages it over channels. `None` where the series differ in length or channels, or are
/// shorter than two steps.
#[must_use]
pub fn spectral_distances(
    observed: &[Vec<f64>],
    generated: &[Vec<f64>],
    sigma: f64,
) -> Option<Vec<f64>> {
    let n = observed.first().map_or(0, Vec::len);
    let equal = observed.len() == generated.len() && observed.len() > 1;
    if !equal || observed.iter().chain(generated).any(|x| x.len() != n) {
        return None;
    }
    (0..n)
        .map(|c| {
            let (p, q) = (power(observed, c, sigma)?, power(generated, c, sigma)?);
            let overlap: f64 = p.iter().zip(&q).map(|(a, b)| (a * b).sqrt()).sum();
            Some((1.0 - overlap).max(0.0).sqrt())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series() -> (Vec<Vec<f64>>, Vec<Vec<f64>>) {
        let at = |t: usize| t as f64;
        let x = (0..5000)
            .map(|t| {
                vec![
                    (0.07 * at(t)).sin(),
                    (0.11 * at(t)).cos(),
                    (0.05 * at(t) + 1.0).sin(),
                ]
            })
            .collect();
        let y = (0..5000)
            .map(|t| {
                vec![
                    0.95 * (0.07 * at(t) + 0.3).sin(),
                    (0.12 * at(t)).cos(),
                    0.9 * (0.05 * at(t)).sin(),
                ]
            })
            .collect();
        (x, y)
    }

    #[track_caller]
    fn near(a: f64, b: f64) {
        assert!((a - b).abs() <= 1e-9, "{a} against {b}");
    }

    #[test]
    fn binned_divergences_known() {
        let (x, y) = series();
        near(
            binned_divergence(&x, &y, 30, 1e-5, Binning::WithoutFirst),
            12.7007274831,
        );
        near(
            binned_divergence(&x, &y, 30, 1e-5, Binning::Extended),
            12.6745861849,
        );
        near(binned_divergence(&x, &x, 30, 1e-5, Binning::Extended), 0.0);
        let far = vec![vec![100.0; 3]; 10];
        assert!(binned_divergence(&x, &far, 30, 1e-5, Binning::Extended).is_nan());
        assert!(binned_divergence(&x, &[], 30, 1e-5, Binning::TwoDeviations).is_nan());
        assert!(binned_divergence(&x, &y, 30, 1e-5, Binning::TwoDeviations) > 1.0);
    }

    #[test]
    fn mixture_divergences_known() {
        let (x, y) = series();
        let (x, y) = (&x[..1000], &y[..1000]);
        near(mixture_divergence(x, y, x, 0.3), 0.0926077218);
        near(mixture_divergence(x, y, x, 1.0), -0.0258200796);
        let drawn = samples(x, 200, 0.3, 1);
        assert_eq!(drawn, samples(x, 200, 0.3, 1));
        assert!(mixture_divergence(x, y, &drawn, 0.3).is_finite());
        assert!(mixture_divergence(x, y, &[], 0.3).is_nan());
    }

    #[test]
    fn spectral_distances_known() {
        let (x, y) = series();
        let mean = |sigma: f64| {
            spectral_distances(&x, &y, sigma).map_or(f64::NAN, |d| d.iter().sum::<f64>() / 3.0)
        };
        near(mean(0.0), 0.3058348852);
        near(mean(1.0), 0.2987227461);
        near(mean(20.0), 0.0493752748);
        let channels = spectral_distances(&x, &y, 20.0).unwrap_or_default();
        for (found, known) in channels
            .iter()
            .zip([0.0068901817, 0.1364469818, 0.0047886607])
        {
            near(*found, known);
        }
        assert_eq!(channels.len(), 3);
        assert_eq!(spectral_distances(&x, &y[1..], 20.0), None);
    }
}
