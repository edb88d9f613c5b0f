//! What trained networks have in common: censuses of their fixed points, the graphs that join them, and how alike those
//! are.

pub mod census;
pub mod topology;
