//! Every network's Lyapunov exponents, at a constant input or along trials.

use crate::error::Result;
use chiliad_engine::executor::Executor;
use chiliad_engine::lyapunov::{self, Batch, Exponents, Options, Orbits};
use chiliad_engine::map::Map;
use chiliad_engine::population::{Population, Role};
use chiliad_engine::system::{Driven, Undriven};
use chiliad_tasks::NpzArray;
use chiliad_tasks::random::Stream;
use rayon::prelude::*;
use serde::Serialize;

/// Purpose word of the states from which undriven orbits start.
const STARTS: u32 = 0x320;

/// What drives the networks.
pub enum Drive {
    /// A constant input: so many orbits from uniform states in the cell's box (in [-1, 1] where it has none).
    Constant {
        /// `[channel]`
        input: Vec<f32>,
        /// Orbits per network.
        starts: usize,
    },
    /// `[trial, time, channel]`: an orbit per trial, from the network's initial state; the trial repeats where it is shorter
    /// than the run.
    Trials {
        /// All inputs.
        inputs: Vec<f32>,
        /// Trials.
        n_trials: usize,
    },
}

/// What is asked for.
pub struct LyapunovPlan {
    /// Lengths.
    pub options: Options,
    /// What drives the networks.
    pub drive: Drive,
    /// Seed of the starts.
    pub seed: u64,
}

/// One network.
#[derive(Clone, Debug, Serialize)]
pub struct NetworkExponents {
    /// Its place in the population.
    pub network: usize,
    /// Orbits that stayed finite, and that did not.
    pub orbits: usize,
    /// Orbits that did not stay finite; they count for nothing else.
    pub diverged: usize,
    /// The spectrum over all finite orbits, per step; `null` stands for minus infinity.
    #[serde(flatten)]
    pub spectrum: Exponents,
}

/// Exponents of every network, and the batches of every orbit, `[orbit][network]`; `done` is told the share that is finished.
///
/// # Errors
///
/// Those of map and executor.
pub fn lyapunov(
    executor: &dyn Executor,
    population: &Population,
    plan: &LyapunovPlan,
    done: &mut dyn FnMut(f64),
) -> Result<(Vec<NetworkExponents>, Vec<Orbits>)> {
    let orbits: Vec<&[f32]> = match &plan.drive {
        Drive::Constant { input, starts } => vec![&input[..]; *starts],
        Drive::Trials { inputs, n_trials } => inputs
            .chunks_exact((inputs.len() / n_trials).max(1))
            .collect(),
    };
    let mut all = Vec::with_capacity(orbits.len());
    for (orbit, inputs) in orbits.iter().enumerate() {
        let states = starts(population, plan, orbit)?;
        let batches = match executor.lyapunov(population, inputs, &states, &plan.options)? {
            Some(batches) => batches,
            None => on_cpu(population, inputs, &states, plan, &mut |share| {
                done((orbit as f64 + share) / orbits.len() as f64);
            })?,
        };
        all.push(batches);
        done((orbit + 1) as f64 / orbits.len() as f64);
    }
    let n_state = population.architecture.cell.states.len() * population.architecture.units;
    let networks = (0..population.n_networks)
        .map(|network| {
            let finite: Vec<&Vec<Batch>> = all.iter().filter_map(|o| o[network].as_ref()).collect();
            let batches: Vec<Batch> = finite.iter().copied().flatten().cloned().collect();
            NetworkExponents {
                network,
                orbits: finite.len(),
                diverged: all.len() - finite.len(),
                spectrum: Exponents::of(&batches, n_state),
            }
        })
        .collect();
    Ok((networks, all))
}

/// Where an orbit of every network starts, `[network, state field, unit]`.
fn starts(population: &Population, plan: &LyapunovPlan, orbit: usize) -> Result<Vec<f32>> {
    let units = population.architecture.units;
    let fields = population.architecture.cell.states.len();
    let mut states = Vec::with_capacity(population.n_networks * fields * units);
    for network in 0..population.n_networks {
        match &plan.drive {
            Drive::Trials { .. } => {
                for field in 0..fields {
                    let tensor = population.layout.find(Role::InitialState(field));
                    let range = tensor.map_or(0..0, chiliad_engine::population::Tensor::range);
                    states.extend_from_slice(&population.network(network)[range]);
                }
            }
            Drive::Constant { input, .. } => {
                let map = Map::new(population, network, input)?;
                let key = population.seeds[network].init;
                let stream = Stream::new(plan.seed ^ key.rotate_left(32), STARTS);
                let mut draws = stream.draws(orbit as u32);
                for i in 0..fields * units {
                    let width = map.half_widths().map_or(1.0, |w| w[i] as f32);
                    states.push(width * (2.0 * draws.uniform() - 1.0));
                }
            }
        }
    }
    Ok(states)
}

/// In f64, a network per thread at a time.
fn on_cpu(
    population: &Population,
    inputs: &[f32],
    states: &[f32],
    plan: &LyapunovPlan,
    done: &mut dyn FnMut(f64),
) -> Result<Orbits> {
    let n = population.n_networks;
    let n_state = states.len() / n.max(1);
    let channels = population.architecture.inputs;
    let one = |network: usize| -> Result<Option<Vec<Batch>>> {
        let mut state: Vec<f64> = states[network * n_state..][..n_state]
            .iter()
            .map(|&x| f64::from(x))
            .collect();
        let map = Map::new(population, network, &inputs[..channels])?;
        Ok(if inputs.len() == channels {
            lyapunov::batches(&mut Undriven::new(&map), &mut state, &plan.options)
        } else {
            let mut system = Driven::new(&map, inputs, channels)?;
            lyapunov::batches(&mut system, &mut state, &plan.options)
        })
    };
    let mut all = Vec::with_capacity(n);
    let together = 4 * rayon::current_num_threads();
    for first in (0..n).step_by(together) {
        let part: Result<Orbits> = (first..n.min(first + together))
            .into_par_iter()
            .map(one)
            .collect();
        all.extend(part?);
        done(all.len() as f64 / n as f64);
    }
    Ok(all)
}

/// `lyapunov.npz`: `growth` `[network, orbit, batch, exponent]`, mean `log R_ii` per step; NaN where the orbit did not stay
/// finite.
#[must_use]
pub fn rates(orbits: &[Orbits], n_networks: usize) -> Vec<(&'static str, NpzArray)> {
    let sample = orbits.iter().flatten().flatten().next();
    let (n_batches, k) = sample.map_or((0, 0), |b| {
        (b.len(), b.first().map_or(0, |b| b.log_growth.len()))
    });
    let mut growth = Vec::with_capacity(n_networks * orbits.len() * n_batches * k);
    for network in 0..n_networks {
        for orbit in orbits {
            match &orbit[network] {
                Some(batches) => {
                    for batch in batches {
                        let steps = batch.steps.max(1) as f64;
                        growth.extend(batch.log_growth.iter().map(|g| g / steps));
                    }
                }
                None => growth.extend(std::iter::repeat_n(f64::NAN, n_batches * k)),
            }
        }
    }
    let shape = [n_networks, orbits.len(), n_batches, k];
    vec![("growth", NpzArray::f64(&shape, growth))]
}
