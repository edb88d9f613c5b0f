//! Distances between all networks of a study: who is compared, what is looked at, every pair once, and the controls.
//!
//! In data-flow order: [`members`] says which networks enter; [`seen`] is what a measure may look at of one of them;
//! [`measures`] knows every distance of a study file, and a [`job`] takes it of all pairs, block by block ([`blocks`]), with
//! what it is to be held against ([`controls`], [`twins`]), once delays and ranks are fixed ([`pilots`], [`fits`]); [`graphs`] does the same for topology; both give [`measured`] figures, and
//! [`files`] is what stays on disk; [`memory`] says beforehand what that takes.

pub mod blocks;
pub mod controls;
pub mod files;
pub mod fits;
pub mod graphs;
pub mod job;
pub mod measured;
pub mod measures;
pub mod members;
pub mod memory;
pub mod pilots;
pub mod seen;
pub mod twins;
