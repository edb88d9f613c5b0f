//! The topology of a network's dynamics: which states it rests on, what separates them, and how inputs move it.
//!
//! In data-flow order: a [`Landscape`] is what a fixed-point search left; [`build()`] follows every unstable manifold
//! and every input pulse and makes the [`Graph`]; [`automaton`] asks whether the graph explains the network's outputs on
//! trials; [`class`] sorts graphs by isomorphism; [`transition`] and [`edit`] measure how far two are apart; [`agreement`]
//! says in one number how universal a class is. Definitions and defaults: `docs/topology.md`.

pub mod agreement;
pub mod automaton;
mod build;
mod circle;
pub mod class;
mod closure;
mod directions;
pub mod edit;
mod flow;
mod graph;
mod inputs;
mod manifold;
mod simplex;
mod tracking;
pub mod transition;
mod unstable;

pub use build::{Landscape, build};
pub use graph::{Edge, EdgeKind, Graph, Node, NodeKind};

use serde::{Deserialize, Serialize};

/// How graphs are made. Lengths are relative to the state scale of the search.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// Directions on the unstable sphere of a point with two unstable directions, four times as many for each further one, at
    /// most 1,024 (project default 64).
    pub directions: usize,
    /// Distance from a point at which its unstable manifold is entered (project default 1e-3), relative to the state
    /// scale or to the distance of the nearest other point, whichever is less.
    pub amplitude: f64,
    /// Steps after which a trajectory counts as not settled (project default 4,000).
    pub steps_max: usize,
    /// Steps of one network at one constant input, all trajectories together, after which no further manifold or
    /// boundary is followed: what is left is counted as unresolved (project default 4,000,000).
    pub steps_total: usize,
    /// Ends that do not settle which are told apart; those after them are one with the last and counted in
    /// [`Graph::joined`] (project default 64).
    pub others_max: usize,
    /// Longest period that is told from what does not settle (project default 16).
    pub period_max: usize,
    /// Distance of an output from 0 within which it has no sign (default 0.25).
    pub none_within: f64,
    /// Seed of all random draws.
    pub seed: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            directions: 64,
            amplitude: 1e-3,
            steps_max: 4000,
            steps_total: 4_000_000,
            others_max: 64,
            period_max: 16,
            none_within: 0.25,
            seed: 0,
        }
    }
}
