//! Bounds of an expression from bounds of its names: how long a trial can become.

use super::{Bound, Draw, Function, Quantity};

/// Lowest and highest value.
pub(crate) type Range = (f64, f64);

const ANY: Range = (f64::NEG_INFINITY, f64::INFINITY);

impl Bound {
    /// Bounds of its value, not always the tightest.
    pub(crate) fn range(&self, slots: &[Range]) -> Range {
        let (function, arguments) = match self {
            Self::Number(x) => return (*x, *x),
            Self::Slot(slot) => return slots.get(*slot).copied().unwrap_or(ANY),
            Self::Channel(..) => return ANY,
            Self::Call(function, arguments) => (*function, arguments),
        };
        let of = |i: usize| arguments.get(i).map_or(ANY, |a| a.range(slots));
        let hull = |from: usize| {
            arguments
                .iter()
                .skip(from)
                .map(|a| a.range(slots))
                .reduce(join)
        };
        let (a, b) = (of(0), of(1));
        let range = match function {
            Function::Add => (a.0 + b.0, a.1 + b.1),
            Function::Subtract => (a.0 - b.1, a.1 - b.0),
            Function::Multiply => corners(a, b, |x, y| x * y),
            Function::Divide if b.0 > 0.0 || b.1 < 0.0 => corners(a, b, |x, y| x / y),
            Function::Negate => (-a.1, -a.0),
            Function::Min => (a.0.min(b.0), a.1.min(b.1)),
            Function::Max => (a.0.max(b.0), a.1.max(b.1)),
            Function::Floor => (a.0.floor(), a.1.floor()),
            Function::Round => (a.0.round(), a.1.round()),
            Function::Abs => (0.0, a.0.abs().max(a.1.abs())),
            Function::If | Function::Pick => hull(1).unwrap_or(ANY),
            Function::Sign | Function::Sin | Function::Cos | Function::Tanh => (-1.0, 1.0),
            Function::Less
            | Function::AtMost
            | Function::Equal
            | Function::Differs
            | Function::And
            | Function::Or
            | Function::Not
            | Function::Pulse
            | Function::Bump => (0.0, 1.0),
            _ => ANY,
        };
        if range.0.is_nan() || range.1.is_nan() {
            ANY
        } else {
            range
        }
    }
}

impl Quantity {
    /// Bounds of its value.
    pub(crate) fn range(&self, slots: &[Range]) -> Range {
        let (draw, arguments) = match self {
            Self::Derived(bound) => return bound.range(slots),
            Self::Drawn(draw, arguments) => (draw, arguments),
        };
        let of = |i: usize| arguments.get(i).map_or(ANY, |a| a.range(slots));
        match draw {
            Draw::Choice => arguments
                .iter()
                .map(|a| a.range(slots))
                .reduce(join)
                .unwrap_or(ANY),
            Draw::Linspace | Draw::Whole | Draw::Uniform => join(of(0), of(1)),
            Draw::Exponential => join(of(1), of(2)),
            Draw::Chance => (0.0, 1.0),
            Draw::Normal => ANY,
        }
    }
}

fn join(a: Range, b: Range) -> Range {
    (a.0.min(b.0), a.1.max(b.1))
}

fn corners(a: Range, b: Range, of: impl Fn(f64, f64) -> f64) -> Range {
    let values = [of(a.0, b.0), of(a.0, b.1), of(a.1, b.0), of(a.1, b.1)];
    if values.iter().any(|x| x.is_nan()) {
        return ANY;
    }
    let fold = |f: fn(f64, f64) -> f64| values.into_iter().reduce(f).unwrap_or(f64::NAN);
    (fold(f64::min), fold(f64::max))
}
