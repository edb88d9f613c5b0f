//! Fixed points whose place, kind and number are known.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod boxes;
mod few_units;
mod gated;
mod networks;
mod one_unit;
mod planted;
mod rates;
mod search;
