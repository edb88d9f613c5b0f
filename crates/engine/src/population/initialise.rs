//! Initial weights: a pure function of the network's init seed and of nothing else.

use super::{Architecture, Population, Role, Seeds};
use chiliad_tasks::random::Stream;

/// Purpose word of the stream of initial weights.
const INITIAL_WEIGHTS: u32 = 0x100;

/// Variance-scaled normal weights, N(0, 1/fan_in) for every product (Maheswaranathan et al. use the same family);
/// biases 0 but for the gates the sidecar names; unit parameters as the sidecar says, else 1; initial state 0.
///
/// Tensor k, element e of a network draws variate (k, e) of its own stream, so a network does not depend on how many
/// others are made with it.
pub fn initialise(architecture: &Architecture, seeds: &[Seeds]) -> Population {
    let mut population = Population::zeros(architecture.clone(), seeds.len());
    population.seeds = seeds.to_vec();
    let layout = population.layout.clone();
    let cell = &architecture.cell;
    for (network, seed) in seeds.iter().enumerate() {
        let stream = Stream::new(seed.init, INITIAL_WEIGHTS);
        let params = &mut population.params[network * layout.n_params..][..layout.n_params];
        for (k, tensor) in layout.tensors.iter().enumerate() {
            let values = &mut params[tensor.range()];
            match tensor.role {
                Role::Recurrent(..) | Role::Input(..) | Role::Readout => {
                    let fan_in = tensor.shape[1].max(1);
                    let scale = 1.0 / (fan_in as f64).sqrt();
                    for (e, value) in values.iter_mut().enumerate() {
                        *value = (f64::from(stream.normal_at(k as u32, e as u32)) * scale) as f32;
                    }
                }
                Role::Bias(s, g) => {
                    let name = &cell.stages[s].gates[g].name;
                    values.fill(cell.sidecar.initial_bias.get(name).copied().unwrap_or(0.0) as f32);
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
