//! Batched training, roll-out and fixed-point search of small recurrent networks.
//!
//! Modules in data-flow order: [`cell`] compiles one WGSL file into everything below, [`population`] holds the weights of
//! many networks, [`executor`] says what a device does with them, [`cpu`] is the native executor, [`files`] are populations on disk.

pub mod cell;
pub mod cpu;
pub mod error;
pub mod executor;
pub mod files;
pub mod fixed_points;
pub mod linearise;
pub mod map;
pub mod numerics;
pub mod population;
pub mod train;
