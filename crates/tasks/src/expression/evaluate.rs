//! The value of an expression whose names are slots.

use super::{Channel, Function};

/// An expression ready to be evaluated.
#[derive(Clone, Debug)]
pub(crate) enum Bound {
    Number(f64),
    Slot(usize),
    Call(Function, Vec<Bound>),
    /// What is asked, first component, number of components, index of the one meant.
    Channel(Channel, usize, usize, Box<Bound>),
}

/// What an expression may look at.
#[derive(Clone, Copy)]
pub(crate) struct Scope<'a> {
    /// Values of the names.
    pub(crate) slots: &'a [f64],
    /// Inputs at the present step, of the present copy; empty where they may not be read.
    pub(crate) inputs: &'a [f32],
    /// Their sums up to now.
    pub(crate) totals: &'a [f64],
}

impl Bound {
    /// Its value; NaN where something it depends on is not known.
    pub(crate) fn value(&self, scope: Scope<'_>) -> f64 {
        match self {
            Self::Number(x) => *x,
            Self::Slot(slot) => scope.slots.get(*slot).copied().unwrap_or(f64::NAN),
            Self::Call(Function::If, arguments) => {
                match arguments.first().map(|a| a.value(scope)) {
                    Some(x) if x.is_nan() => x,
                    Some(x) => nth(arguments, if x == 0.0 { 2 } else { 1 }, scope),
                    None => f64::NAN,
                }
            }
            Self::Call(Function::Pick, arguments) => {
                let k = nth(arguments, 0, scope).round();
                if k >= 0.0 {
                    nth(arguments, k as usize + 1, scope)
                } else {
                    f64::NAN
                }
            }
            Self::Call(function, arguments) => {
                let mut values = [0.0; 3];
                for (value, argument) in values.iter_mut().zip(arguments) {
                    *value = argument.value(scope);
                }
                if values.iter().any(|x| x.is_nan()) {
                    return f64::NAN;
                }
                function.of(values)
            }
            Self::Channel(what, first, size, index) => {
                let k = index.value(scope).round();
                if !(k >= 0.0 && k < *size as f64) {
                    return f64::NAN;
                }
                let at = first + k as usize;
                let found = match what {
                    Channel::Input => scope.inputs.get(at).map(|x| f64::from(*x)),
                    Channel::Total => scope.totals.get(at).copied(),
                };
                found.unwrap_or(f64::NAN)
            }
        }
    }

    /// Its value where it names nothing.
    pub(crate) fn constant(&self) -> Option<f64> {
        let depends = self.any(&|node| matches!(node, Self::Slot(_) | Self::Channel(..)));
        (!depends).then(|| {
            self.value(Scope {
                slots: &[],
                inputs: &[],
                totals: &[],
            })
        })
    }

    /// Whether it or a part of it is so.
    pub(crate) fn any(&self, is: &dyn Fn(&Self) -> bool) -> bool {
        is(self)
            || match self {
                Self::Number(_) | Self::Slot(_) => false,
                Self::Call(_, arguments) => arguments.iter().any(|a| a.any(is)),
                Self::Channel(.., index) => index.any(is),
            }
    }

    /// Whether it reads the running sums of inputs.
    pub(crate) fn reads_totals(&self) -> bool {
        self.any(&|node| matches!(node, Self::Channel(Channel::Total, ..)))
    }
}

fn nth(arguments: &[Bound], k: usize, scope: Scope<'_>) -> f64 {
    arguments.get(k).map_or(f64::NAN, |a| a.value(scope))
}
