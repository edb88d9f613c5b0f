//! The functions and draws that expressions may name, each once.

use std::f64::consts::PI;

use super::Bound;
use crate::random::Draws;

/// A function of numbers, or an operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Function {
    Add,
    Subtract,
    Multiply,
    Divide,
    Power,
    Negate,
    Less,
    AtMost,
    Equal,
    Differs,
    And,
    Or,
    Not,
    Sign,
    Abs,
    Min,
    Max,
    Floor,
    Round,
    Mod,
    Sin,
    Cos,
    Exp,
    Log,
    Sqrt,
    Tanh,
    Wrap,
    Bump,
    Pulse,
    If,
    Pick,
}

use Function as F;

/// Name, function, fewest and most arguments; in the order of docs/tasks.md. Operators have no name here.
const NAMED: [(&str, Function, usize, usize); 18] = [
    ("sign", F::Sign, 1, 1),
    ("abs", F::Abs, 1, 1),
    ("min", F::Min, 2, 2),
    ("max", F::Max, 2, 2),
    ("floor", F::Floor, 1, 1),
    ("round", F::Round, 1, 1),
    ("mod", F::Mod, 2, 2),
    ("sin", F::Sin, 1, 1),
    ("cos", F::Cos, 1, 1),
    ("exp", F::Exp, 1, 1),
    ("log", F::Log, 1, 1),
    ("sqrt", F::Sqrt, 1, 1),
    ("tanh", F::Tanh, 1, 1),
    ("wrap", F::Wrap, 1, 1),
    ("bump", F::Bump, 2, 2),
    ("pulse", F::Pulse, 3, 3),
    ("if", F::If, 3, 3),
    ("pick", F::Pick, 2, usize::MAX),
];

impl Function {
    /// By name, with its numbers of arguments.
    pub(super) fn find(name: &str) -> Option<(Self, usize, usize)> {
        let found = NAMED.iter().find(|(known, ..)| *known == name)?;
        Some((found.1, found.2, found.3))
    }

    pub(super) fn names() -> impl Iterator<Item = &'static str> {
        NAMED.iter().map(|f| f.0)
    }

    /// Of up to three known numbers; `If` and `Pick` choose before they evaluate and are not here.
    pub(super) fn of(self, [a, b, c]: [f64; 3]) -> f64 {
        let truth = |known: bool| f64::from(u8::from(known));
        match self {
            F::Add => a + b,
            F::Subtract => a - b,
            F::Multiply => a * b,
            F::Divide => a / b,
            F::Power => a.powf(b),
            F::Negate => -a,
            F::Less => truth(a < b),
            F::AtMost => truth(a <= b),
            F::Equal => truth(a == b),
            F::Differs => truth(a != b),
            F::And => truth(a != 0.0 && b != 0.0),
            F::Or => truth(a != 0.0 || b != 0.0),
            F::Not => truth(a == 0.0),
            F::Sign => truth(a > 0.0) - truth(a < 0.0),
            F::Abs => a.abs(),
            F::Min => a.min(b),
            F::Max => a.max(b),
            F::Floor => a.floor(),
            F::Round => a.round(),
            F::Mod => a - b * (a / b).floor(),
            F::Sin => a.sin(),
            F::Cos => a.cos(),
            F::Exp => a.exp(),
            F::Log => a.ln(),
            F::Sqrt => a.sqrt(),
            F::Tanh => a.tanh(),
            F::Wrap => wrap(a),
            F::Bump => (-0.5 * (wrap(a) / b).powi(2)).exp(),
            F::Pulse => truth(a >= b && a < b + c),
            F::If | F::Pick => f64::NAN,
        }
    }
}

/// An angle in (-pi, pi].
fn wrap(angle: f64) -> f64 {
    let turned = angle - 2.0 * PI * ((angle + PI) / (2.0 * PI)).floor();
    if turned <= -PI { PI } else { turned }
}

/// A way to draw a number. A grid runs through the values of the first two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Draw {
    /// One of its arguments, all equally likely.
    Choice,
    /// One of n evenly spaced numbers, both ends included.
    Linspace,
    /// A whole number between two, both included.
    Whole,
    /// A real number between two.
    Uniform,
    /// Mean and standard deviation.
    Normal,
    /// Mean of the exponential before it is cut, lower bound, upper bound.
    Exponential,
    /// 1 with a probability, else 0.
    Chance,
}

/// Name, draw, fewest and most arguments.
const DRAWS: [(&str, Draw, usize, usize); 7] = [
    ("choice", Draw::Choice, 1, usize::MAX),
    ("linspace", Draw::Linspace, 3, 3),
    ("whole", Draw::Whole, 2, 2),
    ("uniform", Draw::Uniform, 2, 2),
    ("normal", Draw::Normal, 2, 2),
    ("exponential", Draw::Exponential, 3, 3),
    ("chance", Draw::Chance, 1, 1),
];

/// Most values of one axis of a grid.
const MOST_VALUES: f64 = 65_536.0;

impl Draw {
    /// By name, with its numbers of arguments.
    pub(super) fn find(name: &str) -> Option<(Self, usize, usize)> {
        let found = DRAWS.iter().find(|(known, ..)| *known == name)?;
        Some((found.1, found.2, found.3))
    }

    pub(super) fn names() -> impl Iterator<Item = &'static str> {
        DRAWS.iter().map(|d| d.0)
    }

    pub(super) fn name(self) -> &'static str {
        DRAWS.iter().find(|d| d.1 == self).map_or("draw", |d| d.0)
    }

    /// Whether a grid runs through its values.
    pub(crate) fn is_axis(self) -> bool {
        matches!(self, Self::Choice | Self::Linspace)
    }

    /// What can be wrong with arguments that are numbers already.
    pub(super) fn check(self, arguments: &[Bound]) -> Result<(), String> {
        let number = |i: usize| match arguments.get(i) {
            Some(a) => a.constant(),
            None => None,
        };
        let ordered = |low: usize| match (number(low), number(low + 1)) {
            (Some(a), Some(b)) if a > b => Err(format!("{a} to {b} is no range")),
            _ => Ok(()),
        };
        match self {
            Self::Linspace => match number(2) {
                Some(n) if n.fract() == 0.0 && (1.0..=MOST_VALUES).contains(&n) => Ok(()),
                _ => Err(format!(
                    "the third argument of `linspace` must be a whole number from 1 to {MOST_VALUES}"
                )),
            },
            Self::Whole => {
                let (Some(low), Some(high)) = (number(0), number(1)) else {
                    return Err("the arguments of `whole` must be numbers".to_owned());
                };
                let fits = low.fract() == 0.0 && high.fract() == 0.0 && high - low < MOST_VALUES;
                if !fits || low.abs() > 1e9 {
                    return Err(format!(
                        "`whole({low}, {high})`: both must be whole, at most {MOST_VALUES} apart"
                    ));
                }
                ordered(0)
            }
            Self::Uniform => ordered(0),
            Self::Exponential => {
                if number(0).is_some_and(|mean| mean <= 0.0) {
                    return Err("the mean of `exponential` must be above 0".to_owned());
                }
                ordered(1)
            }
            Self::Normal if number(1).is_some_and(|sd| sd < 0.0) => {
                Err("the standard deviation of `normal` must be 0 or more".to_owned())
            }
            Self::Chance if number(0).is_some_and(|p| !(0.0..=1.0).contains(&p)) => {
                Err("a probability lies between 0 and 1".to_owned())
            }
            _ => Ok(()),
        }
    }

    /// How many values it has, where that is a number.
    pub(crate) fn count(self, arguments: &[Bound]) -> Option<usize> {
        let number = |i: usize| arguments.get(i).and_then(Bound::constant);
        match self {
            Self::Choice => Some(arguments.len()),
            Self::Linspace => Some(number(2)? as usize),
            Self::Whole => Some((number(1)? - number(0)?) as usize + 1),
            _ => None,
        }
    }

    /// Value number `k` of those it has, of known arguments.
    pub(crate) fn nth(self, k: usize, arguments: &[f64]) -> f64 {
        let at = |i: usize| arguments.get(i).copied().unwrap_or(f64::NAN);
        match self {
            Self::Choice => at(k),
            // As numpy: the last is the end itself.
            Self::Linspace if k + 1 == at(2) as usize && k > 0 => at(1),
            Self::Linspace => at(0) + k as f64 * ((at(1) - at(0)) / (at(2) - 1.0).max(1.0)),
            _ => at(0) + k as f64,
        }
    }

    /// A value from fresh random words: one block of two, whatever the draw, so that changing one variable moves no other.
    pub(crate) fn draw(self, arguments: &[f64], count: Option<usize>, draws: &mut Draws) -> f64 {
        let at = |i: usize| arguments.get(i).copied().unwrap_or(f64::NAN);
        if self == Self::Normal {
            return at(0) + at(1) * f64::from(draws.normal());
        }
        let (first, second) = (draws.word(), draws.word());
        if let Some(count) = count {
            let k = (u64::from(first) * count as u64) >> 32;
            return self.nth(k as usize, arguments);
        }
        let u =
            ((u64::from(first) << 20) | (u64::from(second) >> 12)) as f64 / (1_u64 << 52) as f64;
        match self {
            Self::Uniform => at(0) + (at(1) - at(0)) * u,
            Self::Exponential => {
                let (mean, low, high) = (at(0), at(1), at(2));
                let mass = 1.0 - (-(high - low) / mean).exp();
                low - mean * (1.0 - u * mass).ln()
            }
            Self::Chance => f64::from(u8::from(u < at(0))),
            _ => f64::NAN,
        }
    }
}
