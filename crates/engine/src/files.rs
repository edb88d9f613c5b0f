//! Populations as files: safetensors in the engine's own layout, and in PyTorch's.
//!
//! In data-flow order: `tensors` brings a file in, checked; [`own`] and [`pytorch`] make a [`Population`] of it and say
//! which tensor went where; [`header`] is what a file of ours says about itself, so that it opens without other files.

pub mod header;
pub mod own;
pub mod pytorch;
mod tensors;

pub use tensors::{RawTensor, read_tensors, tensors_to_bytes};

use crate::population::Population;

/// Names and layout of the tensors of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum FileLayout {
    /// `w_rec.<gate>` `[to, from]`, `w_in.<gate>`, `bias.<gate>`, `unit.<name>`, `w_out`, `b_out`, `h0.<state>`.
    Chiliad,
    /// `weight_ih_l0`, `weight_hh_l0`, `bias_ih_l0`, `bias_hh_l0` and one readout.
    PyTorch,
}

/// Networks from a file, and where each tensor came from.
#[derive(Clone, Debug)]
pub struct Imported {
    /// The networks.
    pub population: Population,
    /// Tensors of the population and what they were made of, in the order of the layout.
    pub map: Vec<MappedTensor>,
    /// What was not in the file and was filled in, a sentence each.
    pub notes: Vec<String>,
}

/// One line of the map of tensors.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct MappedTensor {
    /// Tensor of the population.
    pub tensor: String,
    /// Its shape without the network axis.
    pub shape: Vec<usize>,
    /// Where its values come from.
    pub from: String,
}
