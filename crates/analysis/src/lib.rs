//! What trained networks have in common: censuses of their fixed points and how complete those are; the graphs that join
//! them, and how alike those are; the linear systems at them, the slow sets they form, the pathways through their
//! weights, and what is lost when a part is taken out; how far apart two
//! networks' solutions are, and what a matrix of such distances says.

pub mod census;
pub mod distances;
pub mod linearised;
pub mod matching;
pub mod median;
pub mod pathways;
pub mod probes;
pub mod psychometric;
pub mod reconstruction;
pub mod share;
pub mod slow_set;
pub mod statistics;
pub mod symbolic;
pub mod tangent_kernel;
pub mod topology;
