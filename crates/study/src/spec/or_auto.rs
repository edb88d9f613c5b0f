//! A number, or `"auto"`.

use serde::de::{Deserialize, Deserializer, Error, Visitor};
use serde::{Serialize, Serializer};
use std::fmt;

/// A number as given, or one that is chosen on pilot networks before anything is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OrAuto {
    /// Chosen.
    Auto,
    /// Given.
    Number(usize),
}

impl OrAuto {
    /// The number, where there is one.
    #[must_use]
    pub fn number(self) -> Option<usize> {
        match self {
            Self::Auto => None,
            Self::Number(n) => Some(n),
        }
    }
}

impl Serialize for OrAuto {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Auto => serializer.serialize_str("auto"),
            Self::Number(n) => n.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for OrAuto {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl Visitor<'_> for Either {
            type Value = OrAuto;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number or \"auto\"")
            }

            fn visit_u64<E: Error>(self, value: u64) -> Result<OrAuto, E> {
                usize::try_from(value)
                    .map(OrAuto::Number)
                    .map_err(E::custom)
            }

            fn visit_i64<E: Error>(self, value: i64) -> Result<OrAuto, E> {
                usize::try_from(value)
                    .map(OrAuto::Number)
                    .map_err(|_| E::custom(format!("{value}; allowed: 1 or more, or \"auto\"")))
            }

            fn visit_str<E: Error>(self, value: &str) -> Result<OrAuto, E> {
                if value == "auto" {
                    return Ok(OrAuto::Auto);
                }
                Err(E::custom(format!(
                    "\"{value}\"; allowed: a number or \"auto\""
                )))
            }
        }
        deserializer.deserialize_any(Either)
    }
}
