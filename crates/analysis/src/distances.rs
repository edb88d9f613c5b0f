//! How alike two networks' solutions are: geometry of the states, dynamics, weights, behaviour.
//!
//! Every distance is a [`Measure`]: the part that concerns one network is made once (`prepare`), the part of a pair from
//! two of those (`compare`), and [`all_pairs`] fills a matrix. Inputs are never changed, and nothing is normalised that
//! the name of a figure does not say. Definitions, defaults and sources: `docs/distances.md`.

pub mod assignment;
pub mod attractor;
pub mod behaviour;
pub mod dsa;
mod error;
pub mod geometry;
mod measure;
pub(crate) mod nuclear;
pub mod orthogonal;
pub(crate) mod quadrature;
pub(crate) mod ranks;
pub(crate) mod rows;
mod samples;
pub(crate) mod singular;
pub mod weights;

pub use error::DistanceError;
pub use measure::{BLOCK, Measure, Pairs, all_pairs, block, compare_block, pair};
pub use samples::{Recording, Samples};

/// What random numbers of this crate's distances are for.
pub(crate) mod purpose {
    /// Random orthogonal starts of the Procrustes analysis over vector fields.
    pub(crate) const CONJUGATION: u32 = 0x400;
    /// Random orthogonal starts of a registration.
    pub(crate) const REGISTRATION: u32 = 0x401;
    /// Random doubly stochastic starts of the search over permutations.
    pub(crate) const PERMUTATION: u32 = 0x402;
}
