//! From values to places on the drawing, with the ticks that say so.

use super::text::{number, superscript};

/// A linear or logarithmic axis.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scale {
    from: (f64, f64),
    to: (f64, f64),
    log: bool,
}

impl Scale {
    /// Maps `from` to `to`; an empty or non-finite `from` is widened so that a place always exists.
    pub(super) fn linear(from: (f64, f64), to: (f64, f64)) -> Self {
        let (low, high) = if from.0.is_finite() && from.1.is_finite() {
            from
        } else {
            (0.0, 1.0)
        };
        let wide = high - low > f64::EPSILON * high.abs().max(low.abs()).max(1e-300);
        let from = if wide {
            (low, high)
        } else {
            (low - 0.5, low + 0.5)
        };
        Self {
            from,
            to,
            log: false,
        }
    }

    /// As [`Scale::linear`], in the logarithm to base 10. Both ends of `from` must be positive.
    pub(super) fn log(from: (f64, f64), to: (f64, f64)) -> Self {
        let ends = Self::linear((from.0.log10(), from.1.log10()), to);
        Self { log: true, ..ends }
    }

    /// The place of a value, held to the drawn range; `None` where it has none. On a logarithmic axis zero
    /// lies at the lower end.
    pub(super) fn at(&self, value: f64) -> Option<f64> {
        if !value.is_finite() {
            return None;
        }
        let v = if self.log {
            value.max(f64::MIN_POSITIVE).log10()
        } else {
            value
        };
        let share = ((v - self.from.0) / (self.from.1 - self.from.0)).clamp(0.0, 1.0);
        Some(self.to.0 + share * (self.to.1 - self.to.0)).filter(|place| place.is_finite())
    }

    /// Whether a value lies within the drawn range.
    pub(super) fn holds(&self, value: f64) -> bool {
        let v = if self.log { value.log10() } else { value };
        v.is_finite() && v >= self.from.0 && v <= self.from.1
    }

    /// Places and labels of the ticks, about `wanted` of them.
    pub(super) fn ticks(&self, wanted: usize) -> Vec<(f64, String)> {
        let (low, high) = self.from;
        let decades = self.log && high - low >= 1.0;
        // Within a decade, round values instead of round exponents.
        let (low, high) = if self.log && !decades {
            (10f64.powf(low), 10f64.powf(high))
        } else {
            (low, high)
        };
        let step = nice_step((high - low) / wanted.max(1) as f64, decades);
        let first = (low / step - 1e-9).ceil() as i64;
        let last = (high / step + 1e-9).floor() as i64;
        (first..=last)
            .filter_map(|k| {
                let v = k as f64 * step;
                let (value, label) = if decades {
                    (
                        10f64.powf(v),
                        format!("10{}", superscript(&format!("{v:.0}"))),
                    )
                } else {
                    (v, number(v))
                };
                Some((self.at(value)?, label))
            })
            .collect()
    }
}

/// The next of 1, 2, 5 times a power of ten; whole numbers only where asked.
fn nice_step(rough: f64, whole: bool) -> f64 {
    let power = 10f64.powf(rough.max(1e-300).log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0]
        .into_iter()
        .map(|m| m * power)
        .find(|s| *s >= rough)
        .unwrap_or(power);
    if whole { step.max(1.0).round() } else { step }
}
