//! What trained networks have in common: censuses of their fixed points and how complete those are.

pub mod census;
pub mod matching;
pub mod share;
pub mod reconstruction;
pub mod symbolic;
