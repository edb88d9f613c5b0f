//! A population: all networks of one (cell, activation, units, inputs, outputs), structure of arrays, axis 0 = network.

pub mod initialise;
mod layout;
mod recurrent;
mod silent;

pub use layout::{Layout, Role, Tensor};

use crate::cell::Cell;
use std::sync::Arc;

/// What all networks of a population share; only this is compile-time for the kernels.
#[derive(Clone, Debug)]
pub struct Architecture {
    /// The cell, its activation linked in.
    pub cell: Arc<Cell>,
    /// Units per network, 1 to 256 on the GPU.
    pub units: usize,
    /// Input channels.
    pub inputs: usize,
    /// Output channels.
    pub outputs: usize,
}

impl Architecture {
    /// Units that carry a state: those of a shallow cell are its constant `latent`, of others all.
    pub(crate) fn carrying(&self, constants: &[f32]) -> usize {
        let latent = self.cell.constants.iter().position(|c| c.0 == "latent");
        latent
            .and_then(|i| constants.get(i))
            .map_or(self.units, |l| (*l as usize).min(self.units))
    }
}

/// Seeds of one network: where it starts, which trials it sees, which noise it gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Seeds {
    /// Initial weights.
    pub init: u64,
    /// Order of the trials.
    pub data: u64,
    /// Noise inside the network.
    pub noise: u64,
}

impl Seeds {
    /// One number for all three.
    pub fn all(seed: u64) -> Self {
        Self {
            init: seed,
            data: seed,
            noise: seed,
        }
    }
}

/// Weights, constants and seeds of many networks of one architecture.
#[derive(Clone, Debug)]
pub struct Population {
    /// What they share.
    pub architecture: Architecture,
    /// Where each tensor lies inside a network's parameters.
    pub layout: Arc<Layout>,
    /// Number of networks.
    pub n_networks: usize,
    /// `[network, parameter]`
    pub params: Vec<f32>,
    /// `[network, constant]`, in the order of [`Cell::constants`].
    pub constants: Vec<f32>,
    /// `[network]`
    pub seeds: Vec<Seeds>,
}

impl Population {
    /// Networks with all parameters zero.
    pub fn zeros(architecture: Architecture, n_networks: usize) -> Self {
        let layout = Arc::new(Layout::new(&architecture));
        let constants: Vec<f32> = architecture
            .cell
            .constants
            .iter()
            .map(|c| c.1 as f32)
            .collect();
        Self {
            n_networks,
            params: vec![0.0; n_networks * layout.n_params],
            constants: constants.repeat(n_networks),
            seeds: vec![Seeds::all(0); n_networks],
            layout,
            architecture,
        }
    }

    /// Parameters of one network.
    pub fn network(&self, network: usize) -> &[f32] {
        &self.params[network * self.layout.n_params..][..self.layout.n_params]
    }

    /// Constants of one network.
    pub fn network_constants(&self, network: usize) -> &[f32] {
        let n = self.architecture.cell.constants.len();
        &self.constants[network * n..][..n]
    }

    /// Some of the networks, in the order given.
    pub fn select(&self, networks: &[usize]) -> Self {
        Self {
            architecture: self.architecture.clone(),
            layout: Arc::clone(&self.layout),
            n_networks: networks.len(),
            params: networks
                .iter()
                .flat_map(|&n| self.network(n))
                .copied()
                .collect(),
            constants: networks
                .iter()
                .flat_map(|&n| self.network_constants(n))
                .copied()
                .collect(),
            seeds: networks.iter().map(|&n| self.seeds[n]).collect(),
        }
    }
}
