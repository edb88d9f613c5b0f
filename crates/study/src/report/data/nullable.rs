//! The way back for numbers JSON could not hold: `null` becomes NaN, however deep it lies.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};

/// A number, or nested lists of them, with the form in which JSON holds it.
pub(super) trait Nullable {
    type Wire: DeserializeOwned;
    fn from_wire(wire: Self::Wire) -> Self;
}

impl Nullable for f64 {
    type Wire = Option<Self>;
    fn from_wire(wire: Self::Wire) -> Self {
        wire.unwrap_or(Self::NAN)
    }
}

impl<T: Nullable> Nullable for Vec<T> {
    type Wire = Vec<T::Wire>;
    fn from_wire(wire: Self::Wire) -> Self {
        wire.into_iter().map(T::from_wire).collect()
    }
}

impl<T: Nullable> Nullable for [T; 2] {
    type Wire = [T::Wire; 2];
    fn from_wire(wire: Self::Wire) -> Self {
        wire.map(T::from_wire)
    }
}

impl<T: Nullable> Nullable for [T; 3] {
    type Wire = [T::Wire; 3];
    fn from_wire(wire: Self::Wire) -> Self {
        wire.map(T::from_wire)
    }
}

/// For `#[serde(deserialize_with)]`.
pub(super) fn null_is_nan<'de, D, T>(from: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Nullable,
{
    T::Wire::deserialize(from).map(T::from_wire)
}
