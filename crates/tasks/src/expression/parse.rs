//! Text to tree, by precedence climbing; an error is a column, from 1, and what is wrong there.

use super::{Channel, Draw, Function, Node};
use crate::suggestion::suggest;

/// Deepest nesting of brackets and signs.
const DEEPEST: usize = 40;

type Parsed<T> = Result<T, (usize, String)>;

pub(super) fn parse(text: &str) -> Parsed<Node> {
    let mut parser = Parser {
        text: text.as_bytes(),
        at: 0,
        depth: 0,
    };
    let node = parser.operation(0)?;
    match parser.peek() {
        None => Ok(node),
        Some(c) => Err(parser.here(format!("`{}` is not expected here", c as char))),
    }
}

/// Operators of two sides: text, how tightly they bind, function, whether the sides change places.
const OPERATORS: [(&str, usize, Function, bool); 13] = [
    ("or", 1, Function::Or, false),
    ("and", 2, Function::And, false),
    ("<=", 3, Function::AtMost, false),
    (">=", 3, Function::AtMost, true),
    ("==", 3, Function::Equal, false),
    ("!=", 3, Function::Differs, false),
    ("<", 3, Function::Less, false),
    (">", 3, Function::Less, true),
    ("+", 4, Function::Add, false),
    ("-", 4, Function::Subtract, false),
    ("*", 5, Function::Multiply, false),
    ("/", 5, Function::Divide, false),
    ("^", 7, Function::Power, false),
];
const OF_NOT: usize = 3;
const OF_MINUS: usize = 6;

struct Parser<'a> {
    text: &'a [u8],
    at: usize,
    depth: usize,
}

impl Parser<'_> {
    fn here(&self, message: String) -> (usize, String) {
        (self.at + 1, message)
    }

    fn peek(&mut self) -> Option<u8> {
        while self.text.get(self.at).is_some_and(u8::is_ascii_whitespace) {
            self.at += 1;
        }
        self.text.get(self.at).copied()
    }

    fn take(&mut self, c: u8) -> Parsed<()> {
        if self.peek() == Some(c) {
            self.at += 1;
            return Ok(());
        }
        Err(self.here(format!("`{}` expected", c as char)))
    }

    fn operator(&mut self) -> Option<(&'static str, usize, Function, bool)> {
        self.peek()?;
        let rest = &self.text[self.at..];
        OPERATORS.into_iter().find(|(symbol, ..)| {
            let word = symbol.as_bytes()[0].is_ascii_alphabetic();
            let ends = !rest
                .get(symbol.len())
                .is_some_and(|c| c.is_ascii_alphanumeric() || *c == b'_');
            rest.starts_with(symbol.as_bytes()) && (!word || ends)
        })
    }

    /// An operation whose operators bind at least as tightly as `level`.
    fn operation(&mut self, level: usize) -> Parsed<Node> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(self.here(format!(
                "nested more than {DEEPEST} deep: name parts of it under `variables`"
            )));
        }
        let mut left = self.operand()?;
        while let Some((symbol, tightness, function, swapped)) = self.operator() {
            if tightness < level {
                break;
            }
            self.at += symbol.len();
            let right = self.operation(tightness + 1)?;
            let sides = if swapped {
                vec![right, left]
            } else {
                vec![left, right]
            };
            left = Node::Call(function, sides);
        }
        self.depth -= 1;
        Ok(left)
    }

    fn operand(&mut self) -> Parsed<Node> {
        match self.peek() {
            None => Err(self.here("the expression ends where a value is expected".to_owned())),
            Some(b'(') => {
                self.at += 1;
                let inner = self.operation(0)?;
                self.take(b')')?;
                Ok(inner)
            }
            Some(b'-') => {
                self.at += 1;
                Ok(match self.operation(OF_MINUS)? {
                    Node::Number(x) => Node::Number(-x),
                    node => Node::Call(Function::Negate, vec![node]),
                })
            }
            Some(c) if c.is_ascii_digit() || c == b'.' => self.number(),
            Some(c) if c.is_ascii_alphabetic() || c == b'_' => self.word(),
            Some(c) => Err(self.here(format!("`{}` is not expected here", c as char))),
        }
    }

    fn number(&mut self) -> Parsed<Node> {
        let start = self.at;
        while let Some(&c) = self.text.get(self.at) {
            let exponent_sign =
                (c == b'-' || c == b'+') && matches!(self.text.get(self.at - 1), Some(b'e' | b'E'));
            if !(c.is_ascii_digit() || matches!(c, b'.' | b'e' | b'E') || exponent_sign) {
                break;
            }
            self.at += 1;
        }
        let digits = String::from_utf8_lossy(&self.text[start..self.at]).into_owned();
        match digits.parse::<f64>() {
            Ok(x) if x.is_finite() => Ok(Node::Number(x)),
            _ => Err((start + 1, format!("`{digits}` is not a finite number"))),
        }
    }

    fn identifier(&mut self) -> String {
        let start = self.at;
        while self
            .text
            .get(self.at)
            .is_some_and(|c| c.is_ascii_alphanumeric() || *c == b'_')
        {
            self.at += 1;
        }
        String::from_utf8_lossy(&self.text[start..self.at]).into_owned()
    }

    fn word(&mut self) -> Parsed<Node> {
        let start = self.at;
        let name = self.identifier();
        if name == "not" {
            let inner = self.operation(OF_NOT)?;
            return Ok(Node::Call(Function::Not, vec![inner]));
        }
        if self.peek() != Some(b'(') {
            return Ok(Node::Name(name));
        }
        self.at += 1;
        let channel = match name.as_str() {
            "input" => Some(Channel::Input),
            "total" => Some(Channel::Total),
            _ => None,
        };
        if let Some(what) = channel {
            self.peek();
            let of = self.identifier();
            let index = if self.peek() == Some(b',') {
                self.at += 1;
                self.operation(0)?
            } else {
                Node::Number(0.0)
            };
            self.take(b')')?;
            return Ok(Node::Channel(what, of, Box::new(index)));
        }
        let mut arguments = vec![self.operation(0)?];
        while self.peek() == Some(b',') {
            self.at += 1;
            arguments.push(self.operation(0)?);
        }
        self.take(b')')?;
        let (node, least, most) = if let Some((function, least, most)) = Function::find(&name) {
            (Node::Call(function, arguments), least, most)
        } else if let Some((draw, least, most)) = Draw::find(&name) {
            (Node::Draw(draw, arguments), least, most)
        } else {
            let known: Vec<&str> = Function::names()
                .chain(Draw::names())
                .chain(["input", "total"])
                .collect();
            return Err((
                start + 1,
                format!("no function `{name}`: {}", suggest(&name, &known)),
            ));
        };
        let given = match &node {
            Node::Call(_, arguments) | Node::Draw(_, arguments) => arguments.len(),
            _ => 0,
        };
        if (least..=most).contains(&given) {
            return Ok(node);
        }
        let more = if most > least { " or more" } else { "" };
        Err((
            start + 1,
            format!("`{name}` takes {least}{more} arguments, {given} given"),
        ))
    }
}
