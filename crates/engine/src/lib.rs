//! Batched training, roll-out and fixed-point search of small recurrent networks, on CPU and GPU.
//!
//! | module | holds |
//! |---|---|
//! | [`cell`] | one WGSL file in; forward, adjoint, bytecode and WGSL out |
//! | [`numerics`] | the engine's own transcendental functions |
//! | [`population`] | weights of many networks: layout, initialisation |
//! | [`files`] | populations as safetensors, own and PyTorch layout |
//! | [`executor`] | what a device does with a population |
//! | [`cpu`], [`gpu`] | the two executors |
//! | [`train`] | stop rule, best weights, snapshots, outcomes |
//! | [`map`] | one network at one constant input, in f64 |
//! | [`fixed_points`], [`linearise`] | every fixed point, its spectrum, the certificate |
//!
//! The crate prints nothing, keeps no global state, and takes a `wgpu` device of your own.

pub mod cell;
pub mod cpu;
pub mod error;
pub mod executor;
pub mod files;
pub mod fixed_points;
pub mod gpu;
pub mod linearise;
pub mod map;
pub mod numerics;
pub mod population;
pub mod train;
