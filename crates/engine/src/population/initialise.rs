//! Initial weights: a pure function of the network's init seed and of nothing else.

mod recurrent;

use super::{Architecture, Population, Role, Seeds};
use chiliad_tasks::random::Stream;
use serde::{Deserialize, Serialize};

/// Purpose word of the stream of initial weights.
const INITIAL_WEIGHTS: u32 = 0x100;

/// How weights begin. Biases are 0 but for the gates the sidecar names, unit parameters are the sidecar's, else 1, and the
/// initial state is 0, whatever this says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum Initial {
    /// N(0, 1/fan_in) for every product (Maheswaranathan et al. use the same family).
    #[default]
    VarianceScaled,
    /// Uniform within 1/sqrt(units) for every product, as PyTorch's recurrent layers have it.
    Uniform,
    /// Recurrent N(0, gain^2/units); inputs and readout as [`Initial::VarianceScaled`].
    Normal {
        /// Gain.
        gain: f64,
    },
    /// Recurrent: an orthogonal matrix times gain, uniform over all.
    Orthogonal {
        /// Gain.
        gain: f64,
    },
    /// Recurrent: normal, diagonal 0, scaled to this spectral radius.
    SpectralRadius {
        /// Largest modulus of an eigenvalue.
        radius: f64,
    },
    /// Recurrent: identity times scale (Le, Jaitly & Hinton 2015).
    Identity {
        /// Diagonal.
        scale: f64,
    },
    /// For networks under Dale's law (Tolmachev & Engel's code): the first `ratio / (1 + ratio)` of the units, rounded up,
    /// excitatory with weights |N(1/sqrt n, 1/n)|, the others inhibitory with -|N(ratio/sqrt n, 1/n)| (standard
    /// deviations), diagonal 0, scaled to the radius; inputs and readout |N(1/sqrt n, 1/n)|.
    DaleBalanced {
        /// Excitatory units per inhibitory one.
        ratio: f64,
        /// Largest modulus of an eigenvalue.
        radius: f64,
    },
    /// As [`Initial::DaleBalanced`] without signs: recurrent N(0, 1/n) (standard deviation), diagonal 0, scaled to the
    /// radius; inputs and readout N(1/sqrt n, 1/n).
    Unsigned {
        /// Largest modulus of an eigenvalue.
        radius: f64,
    },
    /// For piecewise-linear networks (Durstewitz lab's code): recurrent 0.01 N(0, 1); the unit parameters `a` are the
    /// diagonal of `R^T R / n + I` over its largest eigenvalue, R standard normal.
    Plrnn,
}

/// Signs of units under Dale's law: the first `ratio / (1 + ratio)` of them, rounded up, are excitatory.
pub fn dale_signs(units: usize, ratio: f64) -> Vec<f32> {
    // 4 of 5 in floating point is a little more than 0.8.
    let excitatory = (units as f64 * ratio / (1.0 + ratio) - 1e-9).ceil() as usize;
    (0..units)
        .map(|i| if i < excitatory { 1.0 } else { -1.0 })
        .collect()
}

/// [`Initial::VarianceScaled`] networks.
pub fn initialise(architecture: &Architecture, seeds: &[Seeds]) -> Population {
    initialise_as(architecture, seeds, &Initial::VarianceScaled)
}

/// Networks with initial weights.
///
/// Tensor k, element e of a network draws variate (k, e) of its own stream, so a network does not depend on how many
/// others are made with it.
pub fn initialise_as(
    architecture: &Architecture,
    seeds: &[Seeds],
    initial: &Initial,
) -> Population {
    let mut population = Population::zeros(architecture.clone(), seeds.len());
    population.seeds = seeds.to_vec();
    let layout = population.layout.clone();
    let cell = &architecture.cell;
    let n = architecture.units;
    let root = (n as f64).sqrt().recip();
    for (network, seed) in seeds.iter().enumerate() {
        let stream = Stream::new(seed.init, INITIAL_WEIGHTS);
        let params = &mut population.params[network * layout.n_params..][..layout.n_params];
        for (k, tensor) in layout.tensors.iter().enumerate() {
            let values = &mut params[tensor.range()];
            let normal = |e: usize| f64::from(stream.normal_at(k as u32, e as u32));
            match tensor.role {
                Role::Recurrent(..) if *initial != Initial::VarianceScaled => {
                    let uniform = |e: usize| f64::from(stream.uniform_at(k as u32, e as u32));
                    recurrent::fill(values, n, initial, &normal, &uniform);
                }
                Role::Input(..) | Role::Readout if *initial == Initial::Uniform => {
                    for (e, value) in values.iter_mut().enumerate() {
                        let uniform = f64::from(stream.uniform_at(k as u32, e as u32));
                        *value = ((2.0 * uniform - 1.0) * root) as f32;
                    }
                }
                Role::Input(..) | Role::Readout if initial.is_positive() => {
                    for (e, value) in values.iter_mut().enumerate() {
                        let drawn = root + normal(e) / n as f64;
                        *value = if matches!(initial, Initial::DaleBalanced { .. }) {
                            drawn.abs() as f32
                        } else {
                            drawn as f32
                        };
                    }
                }
                Role::Recurrent(..) | Role::Input(..) | Role::Readout => {
                    let fan_in = tensor.shape[1].max(1);
                    let scale = 1.0 / (fan_in as f64).sqrt();
                    for (e, value) in values.iter_mut().enumerate() {
                        *value = (normal(e) * scale) as f32;
                    }
                }
                Role::Bias(s, g) => {
                    let name = &cell.stages[s].gates[g].name;
                    values.fill(cell.sidecar.initial_bias.get(name).copied().unwrap_or(0.0) as f32);
                }
                Role::Unit(i) if *initial == Initial::Plrnn && cell.unit_params[i] == "a" => {
                    recurrent::positive_diagonal(values, &normal);
                }
                Role::Unit(i) => values.fill(
                    cell.sidecar
                        .initial_unit
                        .get(&cell.unit_params[i])
                        .copied()
                        .unwrap_or(1.0) as f32,
                ),
                Role::ReadoutBias | Role::InitialState(_) => {}
            }
        }
    }
    population
}

impl Initial {
    fn is_positive(&self) -> bool {
        matches!(self, Self::DaleBalanced { .. } | Self::Unsigned { .. })
    }

    /// Refuses what cannot be.
    pub fn check(&self) -> Result<(), String> {
        let (field, value) = match self {
            Self::Normal { gain } | Self::Orthogonal { gain } => ("gain", *gain),
            Self::SpectralRadius { radius } | Self::Unsigned { radius } => ("radius", *radius),
            Self::DaleBalanced { ratio, .. } if !(*ratio > 0.0 && ratio.is_finite()) => {
                ("ratio", *ratio)
            }
            Self::DaleBalanced { radius, .. } => ("radius", *radius),
            Self::Identity { scale } => ("scale", *scale),
            Self::VarianceScaled | Self::Uniform | Self::Plrnn => return Ok(()),
        };
        if value > 0.0 && value.is_finite() {
            return Ok(());
        }
        Err(format!("{field} {value}; allowed: above 0"))
    }
}

#[cfg(test)]
mod tests;
