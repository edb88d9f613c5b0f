//! The binary from outside, command by command: one test binary, so that it is linked once.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod bad_input;
mod bad_places;
mod bad_weights;
mod benchmark;
mod claims;
mod cli;
mod connections;
mod cycles;
mod distance;
mod files;
mod fixed_points;
mod folder;
mod linear;
mod own_cell;
mod own_study;
mod recipes;
mod restrictions;
mod study_distances;
mod study_dynamics;
mod task;
mod teaching;
mod topology;
