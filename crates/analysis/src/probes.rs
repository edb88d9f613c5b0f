//! Causal probes: take a part out of the nonlinear network, or put another network's state in, and run it again.
//!
//! Runs are in f64 from the network's own initial state and without noise, so that the intact and the probed network differ
//! by the probe alone.

mod transplant;

pub use transplant::{Affine, Signs, Transplant, nodes, transplant};

use crate::linearised::Modes;
use chiliad_engine::error::EngineError;
use chiliad_engine::map::Map;
use chiliad_engine::population::{Population, Role};
use chiliad_tasks::Trials;
use std::ops::Range;

/// One network's states and outputs on some trials.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    /// `[trial * time][field * unit]`, after the step that read the input.
    pub states: Vec<Vec<f64>>,
    /// `[trial * time][output]`
    pub outputs: Vec<Vec<f64>>,
}

impl Run {
    /// Masked mean squared error over some trials and steps; `None` where the mask leaves nothing.
    pub fn loss(&self, trials: &Trials, of: Range<usize>, steps: Range<usize>) -> Option<f64> {
        let (mut sum, mut weight) = (0.0, 0.0);
        for trial in of {
            for t in steps.clone() {
                let row = trial * trials.n_steps + t;
                for (o, y) in self.outputs.get(row)?.iter().enumerate() {
                    let at = row * trials.n_outputs + o;
                    let mask = f64::from(trials.mask[at]);
                    sum += mask * (y - f64::from(trials.targets[at])).powi(2);
                    weight += mask;
                }
            }
        }
        (weight > 0.0).then(|| sum / weight)
    }
}

/// Initial state of a network, `[field, unit]`; fields without a tensor start at 0.
pub fn initial_state(population: &Population, network: usize) -> Vec<f64> {
    let architecture = &population.architecture;
    let field = |f: usize| {
        population.layout.find(Role::InitialState(f)).map_or_else(
            || vec![0.0; architecture.units],
            |t| {
                population.network(network)[t.range()]
                    .iter()
                    .map(|x| f64::from(*x))
                    .collect()
            },
        )
    };
    (0..architecture.cell.states.len())
        .flat_map(field)
        .collect()
}

/// Runs a network on trials; after every step `intervene(trial, step, state)` may change the state, before it is read.
///
/// # Errors
///
/// [`EngineError::Shape`] where trials and network have other channels, and those of [`Map::new`].
pub fn run(
    population: &Population,
    network: usize,
    trials: &Trials,
    intervene: &mut dyn FnMut(usize, usize, &mut [f64]),
) -> Result<Run, EngineError> {
    let architecture = &population.architecture;
    let expected = (architecture.inputs, architecture.outputs);
    if (trials.n_inputs, trials.n_outputs) != expected {
        return Err(EngineError::Shape {
            operation: "probe",
            what: "the trials".into(),
            found: format!("{} inputs, {} outputs", trials.n_inputs, trials.n_outputs),
            expected: format!("{} inputs, {} outputs", expected.0, expected.1),
        });
    }
    let mut map = Map::new(population, network, &vec![0.0; architecture.inputs])?;
    let mut scratch = map.scratch();
    let start = initial_state(population, network);
    let mut done = Run {
        states: Vec::with_capacity(trials.n_trials * trials.n_steps),
        outputs: Vec::with_capacity(trials.n_trials * trials.n_steps),
    };
    for trial in 0..trials.n_trials {
        let mut state = start.clone();
        for t in 0..trials.n_steps {
            let at = (trial * trials.n_steps + t) * trials.n_inputs;
            map.change_input(&trials.inputs[at..at + trials.n_inputs])?;
            let mut next = vec![0.0; state.len()];
            map.step(&mut scratch, &state, &mut next);
            intervene(trial, t, &mut next);
            done.outputs.push(map.readout(&mut scratch, &next));
            done.states.push(next.clone());
            state = next;
        }
    }
    Ok(done)
}

/// The same population, in which some units of one network are heard by nobody: their outgoing recurrent and readout
/// weights are 0.
///
/// # Errors
///
/// [`EngineError::Shape`] for a network or a unit that is not there.
pub fn without_units(
    population: &Population,
    network: usize,
    units: &[usize],
) -> Result<Population, EngineError> {
    let n = population.architecture.units;
    let missing = |what: &str, found: usize, all: usize| EngineError::Shape {
        operation: "probe",
        what: what.into(),
        found: found.to_string(),
        expected: format!("less than {all}"),
    };
    if network >= population.n_networks {
        return Err(missing("the network index", network, population.n_networks));
    }
    if let Some(unit) = units.iter().find(|u| **u >= n) {
        return Err(missing("a unit's index", *unit, n));
    }
    let mut silenced = population.clone();
    let first = network * population.layout.n_params;
    for tensor in &population.layout.tensors {
        if matches!(tensor.role, Role::Recurrent(..) | Role::Readout) {
            let range = tensor.range();
            for row in silenced.params[first + range.start..first + range.end].chunks_mut(n) {
                for unit in units {
                    row[*unit] = 0.0;
                }
            }
        }
    }
    Ok(silenced)
}

/// Takes modes out of a state: `h - sum_a r_a (l_a . (h - h*))`, with h* and the vectors of one point.
#[derive(Clone, Debug)]
pub struct WithoutModes {
    centre: Vec<f64>,
    /// `sum_a r_a l_a^T`, `[to, from]`: real, as complex modes come in pairs.
    projector: Vec<f64>,
    /// The modes taken out, other halves of complex pairs included.
    pub modes: Vec<usize>,
}

impl WithoutModes {
    /// At a point with these modes.
    ///
    /// # Errors
    ///
    /// [`EngineError::Unsupported`] for a mode that is not there, or one of a defective block, whose left vector does not
    /// select it alone.
    pub fn new(centre: &[f64], modes: &Modes, remove: &[usize]) -> Result<Self, EngineError> {
        let n = modes.size;
        let refuse = |what: String, allowed: String| EngineError::Unsupported {
            executor: "probe",
            what,
            allowed,
        };
        if let Some(mode) = remove.iter().find(|a| **a >= modes.modes.len()) {
            return Err(refuse(
                format!("there is no mode {mode}"),
                format!("0 to {}, by falling modulus", modes.modes.len().max(1) - 1),
            ));
        }
        let all = modes.with_partners(remove);
        if let Some(mode) = all.iter().find(|a| !modes.modes[**a].regular) {
            return Err(refuse(
                format!("mode {mode} belongs to a defective block of the Jacobian"),
                "modes with eigenvectors of their own".into(),
            ));
        }
        let mut projector = vec![0.0; n * n];
        for a in &all {
            let mode = &modes.modes[*a];
            for (row, r) in projector.chunks_mut(n).zip(&mode.right) {
                for (x, l) in row.iter_mut().zip(&mode.left) {
                    *x += (*r * *l).re;
                }
            }
        }
        Ok(Self {
            centre: centre.to_vec(),
            projector,
            modes: all,
        })
    }

    /// Takes them out of one state.
    pub fn apply(&self, state: &mut [f64]) {
        let away: Vec<f64> = state.iter().zip(&self.centre).map(|(h, c)| h - c).collect();
        for (h, row) in state
            .iter_mut()
            .zip(self.projector.chunks(away.len().max(1)))
        {
            *h -= row.iter().zip(&away).map(|(p, d)| p * d).sum::<f64>();
        }
    }
}
