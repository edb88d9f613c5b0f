//! Distances between all networks of a study: who is compared, what is looked at, every pair once, and the controls.
//!
//! In data-flow order: [`members`] says which networks enter; [`seen`] is what a measure may look at of one of them;
//! [`measured`] turns a distance of the study into figures of all pairs, block by block ([`blocks`]), and measures what
//! a distance between networks is to be held against ([`controls`]); [`graphs`] does the same for topology;
//! [`files`] is what stays on disk.

pub mod blocks;
pub mod controls;
pub mod files;
pub mod graphs;
pub mod measured;
pub mod members;
pub mod memory;
pub mod seen;
