//! Batched training, roll-out and fixed-point search of small recurrent networks.
//!
//! Modules in data-flow order: [`cell`] compiles one WGSL file into everything below, [`population`] holds the weights of
//! many networks, [`executor`] says what a device does with them, [`cpu`] is the native executor.

pub mod cell;
pub mod cpu;
pub mod error;
pub mod executor;
pub mod gpu;
pub mod numerics;
pub mod population;
