//! The `chiliad` study crate.
pub mod report;
