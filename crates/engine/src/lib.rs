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
//! | [`agreement`] | how far two executors agree on the same weights |
//! | [`recipe`] | optimiser, schedules, loss, constraints and penalties |
//! | [`train`] | stop rule, best weights, snapshots, outcomes |
//! | [`map`] | one network at one constant input, in f64 |
//! | [`fixed_points`], [`linearise`] | every fixed point, its spectrum, the certificate |
//! | [`system`] | networks, driven networks and flows as maps with a derivative |
//! | [`cycles`], [`piecewise`] | periodic orbits: Newton on `F^k`, and exactly where a cell is piecewise linear |
//! | [`lyapunov`] | Lyapunov spectra |
//! | [`attractors`] | where orbits end: points, cycles, circles, tori, chaos |
//!
//! ```
//! use chiliad_engine::{cell::Cell, cpu::CpuExecutor, executor::Executor};
//! use chiliad_engine::fixed_points::{Options, Visited, find};
//! use chiliad_engine::population::{Architecture, Seeds, initialise::initialise};
//! use std::sync::Arc;
//!
//! let cell = Arc::new(Cell::builtin("gru", "tanh")?);
//! let architecture = Architecture { cell, units: 16, inputs: 3, outputs: 3 };
//! let networks = initialise(&architecture, &[Seeds::all(1), Seeds::all(2)]);
//! let trials = chiliad_tasks::Task::builtin("flip_flop")?.sample("train", 32, 0)?;
//!
//! let cpu = CpuExecutor::new(None)?;
//! let rolled = cpu.roll_out(&networks, &trials.inputs, trials.n_trials, trials.n_steps)?;
//! let found = find(&networks, 0, &[0.0; 3], 0, &Visited::of(&rolled, 0), &Options::default())?;
//! assert_eq!(found.certificate.index_sum, 1);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The crate prints nothing, keeps no global state, and takes a `wgpu` device of your own.

pub mod agreement;
pub mod attractors;
pub mod cell;
pub mod cpu;
pub mod cycles;
pub mod error;
pub mod executor;
pub mod files;
pub mod fixed_points;
pub mod gpu;
pub mod linearise;
pub mod lyapunov;
pub mod map;
pub mod numerics;
pub mod piecewise;
pub mod population;
pub mod recipe;
pub mod system;
pub mod train;
