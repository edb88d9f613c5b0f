//! A share of networks and how well it is known.

use serde::{Deserialize, Serialize};
use statrs::distribution::{Beta, ContinuousCDF};

/// `count` of `n`, with the exact (Clopper-Pearson) interval of the share.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Share {
    /// Successes.
    pub count: usize,
    /// Trials.
    pub n: usize,
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

impl Share {
    /// The interval that holds the true share with at least 95 %.
    pub fn of(count: usize, n: usize) -> Self {
        let (k, m) = (count.min(n) as f64, n as f64);
        let quantile = |a: f64, b: f64, p: f64| Beta::new(a, b).ok().map(|d| d.inverse_cdf(p));
        // No distribution at the ends: nothing seen leaves 0, everything seen leaves 1.
        Self {
            count,
            n,
            low: quantile(k, m - k + 1.0, 0.025).unwrap_or(0.0),
            high: quantile(k + 1.0, m - k, 0.975).unwrap_or(1.0),
        }
    }

    /// The same with Wilson's score interval (1927), whose coverage is 95 % on average over shares, not at least.
    pub fn wilson(count: usize, n: usize) -> Self {
        let count = count.min(n);
        if n == 0 {
            return Self {
                count,
                n,
                low: 0.0,
                high: 1.0,
            };
        }
        let (k, m) = (count as f64, n as f64);
        // The 97.5 % quantile of the normal distribution.
        let z = 1.959_963_984_540_054_f64;
        let (share, square) = (k / m, z * z);
        let centre = (share + square / (2.0 * m)) / (1.0 + square / m);
        let half =
            z / (1.0 + square / m) * (share * (1.0 - share) / m + square / (4.0 * m * m)).sqrt();
        // At the ends the formula gives 0 and 1 up to rounding.
        Self {
            count,
            n,
            low: if count == 0 { 0.0 } else { centre - half },
            high: if count == n { 1.0 } else { centre + half },
        }
    }

    /// Whether two intervals overlap (project default for "agree": two shares whose intervals do not overlap differ at
    /// well below the 5 % level).
    pub fn agrees_with(&self, other: &Self) -> bool {
        self.low <= other.high && other.low <= self.high
    }
}

#[cfg(test)]
mod tests {
    use super::Share;

    /// Clopper and Pearson's interval by its definition: at the ends, a count as extreme has probability 2.5 %.
    #[test]
    fn interval_is_exact() {
        let probability = |k: usize, n: usize, p: f64| {
            let choose = (0..k).fold(1.0, |c, i| c * (n - i) as f64 / (i + 1) as f64);
            choose * p.powi(k as i32) * (1.0 - p).powi((n - k) as i32)
        };
        for (count, n) in [(1, 5), (3, 7), (16, 32), (31, 32)] {
            let share = Share::of(count, n);
            let above: f64 = (count..=n).map(|k| probability(k, n, share.low)).sum();
            let below: f64 = (0..=count).map(|k| probability(k, n, share.high)).sum();
            assert!((above - 0.025).abs() < 1e-6, "{share:?}: {above}");
            assert!((below - 0.025).abs() < 1e-6, "{share:?}: {below}");
        }
        // All or none of n: the other end has the closed form 1 - 0.025^(1/n).
        let none = Share::of(0, 10);
        assert_eq!(none.low, 0.0);
        assert!((none.high - (1.0 - 0.025_f64.powf(0.1))).abs() < 1e-6);
        assert_eq!(Share::of(10, 10).high, 1.0);
        assert_eq!((Share::of(0, 0).low, Share::of(0, 0).high), (0.0, 1.0));
        assert_eq!(
            (Share::wilson(0, 0).low, Share::wilson(0, 0).high),
            (0.0, 1.0)
        );
        assert!(Share::of(0, 2).agrees_with(&Share::of(2, 2)));
        assert!(!Share::of(0, 32).agrees_with(&Share::of(16, 32)));
    }
    /// The ends are the shares p at which the count lies 1.96 standard deviations `sqrt(n p (1 - p))` from `n p`.
    #[test]
    fn wilson_ends_solve_the_score_equation() {
        for (count, n) in [(0, 8), (1, 5), (7, 16), (16, 16), (31, 32)] {
            let share = Share::wilson(count, n);
            for (end, edge) in [(share.low, count == 0), (share.high, count == n)] {
                let sd = (n as f64 * end * (1.0 - end)).sqrt();
                let away = (count as f64 - n as f64 * end).abs();
                assert!(
                    edge || (away - 1.959_963_985 * sd).abs() < 1e-8,
                    "{share:?}"
                );
            }
            assert!(share.low <= count as f64 / n as f64 && share.high >= count as f64 / n as f64);
        }
        // 7 of 16 by hand: centre 0.44960, half-width 0.21861.
        let share = Share::wilson(7, 16);
        assert!((share.low - 0.2310).abs() < 5e-5 && (share.high - 0.6682).abs() < 5e-5);
    }
}
