//! The `chiliad` study crate.
