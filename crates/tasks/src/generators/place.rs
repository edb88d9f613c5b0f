//! Where in a task file a value stands, and the range checks that name that place.

use std::fmt::Display;

use crate::error::{Result, TaskError};

/// Upper bound on steps and channels: beyond it a number is a slip of the pen, and memory would run out first.
const MOST: u32 = 1 << 20;

/// The generator whose fields are checked, as in `flip_flop.ron`, `variants["sparse"]`.
pub(crate) struct Place<'a> {
    pub(crate) file: &'a str,
    pub(crate) path: String,
}

impl Place<'_> {
    /// The error for `field`.
    pub(crate) fn refuse(&self, field: &str, value: impl Display, allowed: &str) -> TaskError {
        TaskError::Field {
            file: self.file.to_owned(),
            line: None,
            field: format!("{}.{field}", self.path),
            value: value.to_string(),
            allowed: allowed.to_owned(),
        }
    }

    /// A value that must be given, under `generator` at least.
    pub(crate) fn given<T: Clone>(&self, field: &str, value: &Option<T>) -> Result<T> {
        value.clone().ok_or_else(|| {
            self.refuse(
                field,
                "(missing)",
                "has no default, give it under `generator`",
            )
        })
    }

    /// A number of things, at least one.
    pub(crate) fn count(&self, field: &str, value: Option<u32>) -> Result<usize> {
        match self.given(field, &value)? {
            n if (1..=MOST).contains(&n) => Ok(n as usize),
            n => Err(self.refuse(
                field,
                n,
                &format!("must be a whole number from 1 to {MOST}"),
            )),
        }
    }

    /// A real number in `low ..= high`.
    pub(crate) fn between(
        &self,
        field: &str,
        value: Option<f64>,
        low: f64,
        high: f64,
    ) -> Result<f64> {
        let x = self.given(field, &value)?;
        if (low..=high).contains(&x) {
            return Ok(x);
        }
        Err(self.refuse(field, x, &format!("must lie between {low} and {high}")))
    }

    /// A probability.
    pub(crate) fn probability(&self, field: &str, value: Option<f64>) -> Result<f64> {
        self.between(field, value, 0.0, 1.0)
    }

    /// A standard deviation.
    pub(crate) fn deviation(&self, field: &str, value: Option<f64>) -> Result<f64> {
        self.between(field, value, 0.0, 1e6)
    }
}
