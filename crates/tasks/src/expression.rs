//! Small expressions of task files: numbers, names, arithmetic, comparisons and a closed list of functions.
//!
//! Text becomes an [`Expression`] while the file is read, so that a slip of syntax is found with its line; names become slots
//! ([`Bound`]) once it is known which there are. Truth is 1 and falsehood 0. NaN means "not known" and goes through every
//! operation, comparisons included.

mod bounds;
mod evaluate;
mod function;
mod parse;

use serde::de::{Deserialize, Deserializer, Error, Visitor};
use std::fmt;

pub(crate) use evaluate::{Bound, Scope};
pub(crate) use function::{Draw, Function};

use crate::suggestion::suggest;

/// Longest text of an expression: it also bounds how deep its tree can be.
const LONGEST: usize = 2000;

/// A number, or the text of an expression and its tree; names are not looked up yet.
#[derive(Clone, Debug)]
pub struct Expression {
    text: String,
    root: Node,
}

#[derive(Clone, Debug)]
enum Node {
    Number(f64),
    Name(String),
    Call(Function, Vec<Node>),
    Draw(Draw, Vec<Node>),
    /// A function of an input channel: its name and the index of the component.
    Channel(Channel, String, Box<Node>),
}

/// What can be asked of an input channel at the present step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Channel {
    /// Its value.
    Input,
    /// The sum of its values up to now.
    Total,
}

/// What names mean where an expression stands.
pub(crate) struct Names<'a> {
    /// Slots by name.
    pub(crate) slots: &'a [(String, usize)],
    /// Input channels: name, first component, number of components; none where signals are not to be read.
    pub(crate) channels: &'a [(String, usize, usize)],
}

/// How the values of a name come about: by a draw, or from other names.
#[derive(Clone, Debug)]
pub(crate) enum Quantity {
    Derived(Bound),
    Drawn(Draw, Vec<Bound>),
}

impl Expression {
    /// From its text.
    ///
    /// # Errors
    ///
    /// What is wrong, with the column.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        if text.len() > LONGEST {
            return Err(format!(
                "an expression of {} bytes; at most {LONGEST}: name parts of it under `variables`",
                text.len()
            ));
        }
        let root = parse::parse(text)
            .map_err(|(column, message)| format!("{text:?}, column {column}: {message}"))?;
        Ok(Self {
            text: text.to_owned(),
            root,
        })
    }

    /// As written.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// With its names looked up; a draw is refused.
    pub(crate) fn bind(&self, names: &Names<'_>) -> Result<Bound, String> {
        bind(&self.root, names)
    }

    /// With its names looked up; the whole may be a draw.
    pub(crate) fn quantity(&self, names: &Names<'_>) -> Result<Quantity, String> {
        match &self.root {
            Node::Draw(draw, arguments) => {
                let arguments = arguments
                    .iter()
                    .map(|a| bind(a, names))
                    .collect::<Result<Vec<_>, _>>()?;
                draw.check(&arguments)?;
                Ok(Quantity::Drawn(*draw, arguments))
            }
            node => Ok(Quantity::Derived(bind(node, names)?)),
        }
    }
}

fn bind(node: &Node, names: &Names<'_>) -> Result<Bound, String> {
    Ok(match node {
        Node::Number(x) => Bound::Number(*x),
        Node::Name(name) if name == "pi" => Bound::Number(std::f64::consts::PI),
        Node::Name(name) => match names.slots.iter().find(|(known, _)| known == name) {
            Some((_, slot)) => Bound::Slot(*slot),
            None => {
                let known: Vec<&str> = names
                    .slots
                    .iter()
                    .map(|(known, _)| known.as_str())
                    .collect();
                return Err(format!("no name `{name}` here: {}", suggest(name, &known)));
            }
        },
        Node::Call(function, arguments) => Bound::Call(
            *function,
            arguments
                .iter()
                .map(|a| bind(a, names))
                .collect::<Result<_, _>>()?,
        ),
        Node::Draw(draw, _) => {
            return Err(format!(
                "`{}` draws at random; it must be the whole of a variable or of a duration, and is then used by name",
                draw.name()
            ));
        }
        Node::Channel(what, channel, index) => {
            match names.channels.iter().find(|(known, ..)| known == channel) {
                Some((_, first, size)) => {
                    Bound::Channel(*what, *first, *size, Box::new(bind(index, names)?))
                }
                None if names.channels.is_empty() => {
                    return Err("inputs can be read by targets and weights only".to_owned());
                }
                None => {
                    let known: Vec<&str> = names.channels.iter().map(|c| c.0.as_str()).collect();
                    return Err(format!(
                        "no input channel `{channel}`: {}",
                        suggest(channel, &known)
                    ));
                }
            }
        }
    })
}

impl<'de> Deserialize<'de> for Expression {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Written;
        impl Visitor<'_> for Written {
            type Value = Expression;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number, or an expression between quotes")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Expression, E> {
                Expression::parse(text).map_err(E::custom)
            }

            fn visit_f64<E: Error>(self, x: f64) -> Result<Expression, E> {
                if !x.is_finite() {
                    return Err(E::custom(format!("{x}: numbers are finite")));
                }
                Ok(Expression {
                    text: x.to_string(),
                    root: Node::Number(x),
                })
            }

            fn visit_i64<E: Error>(self, x: i64) -> Result<Expression, E> {
                self.visit_f64(x as f64)
            }

            fn visit_u64<E: Error>(self, x: u64) -> Result<Expression, E> {
                self.visit_f64(x as f64)
            }
        }
        deserializer.deserialize_any(Written)
    }
}
