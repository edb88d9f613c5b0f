//! A median and how well it is known, of values that may be infinite.

use serde::{Deserialize, Serialize};
use statrs::distribution::{Binomial, DiscreteCDF};

/// A median with its distribution-free interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Median {
    /// The median; infinite where half of the values or more are, NaN of no value.
    pub value: f64,
    /// Lower end; NaN where there are too few values for 95 %.
    pub low: f64,
    /// Upper end, the same.
    pub high: f64,
    /// Values.
    pub n: usize,
}

impl Median {
    /// The median of some values, in any order. The interval is between the two order statistics of equal depth that hold the
    /// true median with at least 95 % whatever the distribution; there are none below six values.
    pub fn of(values: impl IntoIterator<Item = f64>) -> Self {
        let mut sorted: Vec<f64> = values.into_iter().collect();
        sorted.sort_by(f64::total_cmp);
        let n = sorted.len();
        let value = match n {
            0 => f64::NAN,
            _ if n % 2 == 1 => sorted[n / 2],
            _ => f64::midpoint(sorted[n / 2 - 1], sorted[n / 2]),
        };
        let (low, high) = match depth(n) {
            0 => (f64::NAN, f64::NAN),
            k => (sorted[k - 1], sorted[n - k]),
        };
        Self {
            value,
            low,
            high,
            n,
        }
    }
}

/// The largest k such that fewer than k of n values lie below the median with at most 2.5 %.
fn depth(n: usize) -> usize {
    let Ok(below) = Binomial::new(0.5, n as u64) else {
        return 0;
    };
    (0..n / 2)
        .take_while(|k| below.cdf(*k as u64) <= 0.025)
        .count()
}

#[cfg(test)]
mod tests {
    use super::Median;

    /// Tables of the sign test: ranks 1 and 6 of 6, 2 and 9 of 10, 6 and 15 of 20.
    #[test]
    fn interval_has_the_ranks_of_the_sign_test() {
        for (n, ranks) in [(6, [1.0, 6.0]), (10, [2.0, 9.0]), (20, [6.0, 15.0])] {
            let m = Median::of((1..=n).rev().map(f64::from));
            assert_eq!([m.low, m.high], ranks);
            assert_eq!(m.value, (f64::from(n) + 1.0) / 2.0);
        }
        let few = Median::of([3.0, 1.0, 2.0]);
        assert!(few.value == 2.0 && few.low.is_nan() && few.high.is_nan());
        assert!(Median::of([]).value.is_nan());
    }

    /// Runs that never ended count as infinite: with half of them or more there is no finite median.
    #[test]
    fn what_never_ends_is_infinite() {
        let never = f64::INFINITY;
        assert_eq!(Median::of([1.0, 2.0, never]).value, 2.0);
        assert_eq!(Median::of([1.0, never]).value, never);
        let most = Median::of([5.0, 6.0, 7.0, 8.0, never, never, never, never]);
        assert_eq!((most.value, most.low, most.high), (never, 5.0, never));
    }
}
