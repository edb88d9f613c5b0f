//! What an orbit that neither rests nor returns soon is on, by its leading Lyapunov exponents.

use super::circle::Circle;
use super::collect::{extent, polish};
use super::{Kind, Options};
use crate::cycles;
use crate::fixed_points::distance;
use crate::lyapunov::{self, Exponents};
use crate::system::System;

/// An exponent is zero if it is within so many standard errors, or within `ZERO / steps`: on a circle the growth of a
/// tangent stays within fixed bounds, so its mean vanishes as 1 / steps.
const STANDARD_ERRORS: f64 = 3.0;
const ZERO: f64 = 10.0;
/// Shift of the centre from one half of the orbit to the other, relative to its spread, beyond which it still drifts.
const DRIFTS: f64 = 0.1;
/// Spread, relative to the scale, below which an orbit rests without a stable point that Newton could find.
const RESTS: f64 = 1e-4;
/// Distance, relative to the scale, within which a long orbit has returned.
const RETURNED: f64 = 1e-7;

fn band(exponents: &Exponents, i: usize) -> f64 {
    let error = exponents.standard_error.get(i).copied().unwrap_or(f64::NAN);
    let by_error = if error.is_nan() {
        0.0
    } else {
        STANDARD_ERRORS * error
    };
    by_error.max(ZERO / exponents.steps.max(1) as f64)
}

/// The attractor of the orbit of a state, the orbit's centre and its spread.
pub(super) fn classify(
    system: &mut dyn System,
    state: &[f64],
    scale: f64,
    options: &Options,
) -> (Kind, Vec<f64>, f64) {
    let orbit = cycles::orbit(system, state, options.classify_steps.max(2));
    let (centre, spread) = extent(&orbit);
    (kind(system, &orbit, spread, scale, options), centre, spread)
}

fn kind(
    system: &mut dyn System,
    orbit: &[Vec<f64>],
    spread: f64,
    scale: f64,
    options: &Options,
) -> Kind {
    let steps = orbit.len();
    let run = lyapunov::Options {
        warmup: steps / 10,
        steps,
        exponents: 3,
        ..lyapunov::Options::default()
    };
    let Some(exponents) = lyapunov::exponents(system, &mut orbit[0].clone(), &run) else {
        return Kind::Escaped;
    };
    let leading = exponents
        .exponents
        .first()
        .copied()
        .unwrap_or(f64::NEG_INFINITY);
    let (early, late) = orbit.split_at(steps / 2);
    let ((early, _), (late, _)) = (extent(early), extent(late));
    let unsettled = |exponents| Kind::NotSettled {
        exponents: Some(exponents),
    };
    if distance(&early, &late) > DRIFTS * spread || spread <= RESTS * scale {
        return unsettled(exponents);
    }
    if leading > band(&exponents, 0) {
        return Kind::Chaos { exponents };
    }
    if leading < -band(&exponents, 0) {
        // It contracts, so it is on its way to a cycle, of a period longer than those looked for.
        let last = steps - 1;
        let returns =
            (1..=last / 2).find(|k| distance(&orbit[last], &orbit[last - k]) <= RETURNED * scale);
        let cycle = returns.and_then(|k| polish(system, &orbit[last], k, scale, options));
        return cycle.map_or_else(|| unsettled(exponents), Kind::Cycle);
    }
    let second = exponents
        .exponents
        .get(1)
        .copied()
        .unwrap_or(f64::NEG_INFINITY);
    if second.abs() <= band(&exponents, 1) {
        return Kind::QuasiPeriodic { exponents };
    }
    match Circle::of(orbit) {
        Some(circle) => Kind::Circle { circle, exponents },
        None => unsettled(exponents),
    }
}
