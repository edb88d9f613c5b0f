//! Teacher forcing of one network: its signal on a block's trials, states moved to it, and what the backward pass needs of the
//! states as they were.

use super::arena::BLOCK;
use super::block::Block;
use super::lines::Lines;
use crate::error::EngineError;
use crate::executor::TrainOptions;
use crate::map::Map;
use crate::population::{Architecture, Layout, Population, Role};
use crate::recipe::{Forcing, JacobianNorm, Penalty, Share};
use chiliad_tasks::Trials;
use faer::Mat;

/// What forces one network.
#[derive(Clone, Debug)]
pub(crate) struct Teacher {
    pub(crate) share: Share,
    /// State field that the readout sees.
    field: usize,
    /// Units that are forced.
    units: Vec<usize>,
    signal: Signal,
}

/// From targets to the units that are forced.
#[derive(Clone, Debug)]
enum Signal {
    /// Unit k is what output `first + k` should be.
    Outputs { first: usize },
    /// `W_out^+ (s - b_out)`, `[unit][output]`.
    Inverse { inverse: Mat<f64>, bias: Vec<f64> },
}

/// Units that carry a state: those of a shallow cell are its constant `latent`, of others all.
fn carrying(architecture: &Architecture, constants: &[f32]) -> usize {
    let latent = architecture
        .cell
        .constants
        .iter()
        .position(|c| c.0 == "latent");
    latent
        .and_then(|i| constants.get(i))
        .map_or(architecture.units, |l| {
            (*l as usize).min(architecture.units)
        })
}

/// Refuses forcing that these networks cannot have.
pub(super) fn check(population: &Population, options: &TrainOptions) -> Result<(), EngineError> {
    let Some(forcing) = &options.forcing else {
        return Ok(());
    };
    let architecture = &population.architecture;
    let refuse = |what: String, allowed: &str| {
        Err(EngineError::Unsupported {
            executor: "CPU",
            what: format!("{} {what}", forcing.name()),
            allowed: allowed.into(),
        })
    };
    if architecture.cell.plain_output().is_none() {
        return refuse(
            format!("of cell `{}`", architecture.cell.name),
            "cells whose readout sees a state field",
        );
    }
    if architecture.outputs == 0 || options.observed.len() > architecture.outputs {
        return refuse(
            format!(
                "with {} outputs and {} observed units",
                architecture.outputs,
                options.observed.len()
            ),
            "at least one output, and as many as observed units",
        );
    }
    if let Some(unit) = options.observed.iter().find(|u| **u >= architecture.units) {
        return refuse(
            format!("of unit {unit}"),
            "units that are there, counted from 0",
        );
    }
    if options
        .regularisers
        .iter()
        .any(|r| r.penalty == Penalty::EffectiveDimension)
    {
        return refuse(
            "together with the penalty `effective_dimension`".into(),
            "one of them: the dimension is that of free activity",
        );
    }
    let n = population.n_networks;
    let each = match forcing {
        Forcing::Sparse { every } => every.len() == n && every.iter().all(|e| *e > 0),
        Forcing::Generalised { alpha } => {
            alpha.len() == n && alpha.iter().all(|a| (0.0..=1.0).contains(a))
        }
        Forcing::Annealed { norm, every, keep } => {
            if *norm == JacobianNorm::ParameterBound
                && !architecture.cell.unit_params.iter().any(|p| p == "a")
            {
                return refuse(
                    format!(
                        "by the parameter bound of cell `{}`",
                        architecture.cell.name
                    ),
                    "cells with the unit parameter `a`, or another norm",
                );
            }
            *every > 0 && (0.0..=1.0).contains(keep)
        }
    };
    if each {
        return Ok(());
    }
    refuse(
        "with these numbers".into(),
        "one per network: every at least 1; alpha and keep from 0 to 1",
    )
}

impl Teacher {
    /// For a network with these weights: the units in `observed` are read by the last outputs as they are; where there are none,
    /// the readout is inverted. `None` for cells whose readout sees no state field.
    pub(crate) fn new(
        architecture: &Architecture,
        layout: &Layout,
        (weights, constants): (&[f32], &[f32]),
        observed: &[usize],
        share: Share,
    ) -> Option<Self> {
        let field = architecture.cell.plain_output()?;
        if !observed.is_empty() {
            return Some(Self {
                share,
                field,
                units: observed.to_vec(),
                signal: Signal::Outputs {
                    first: architecture.outputs.checked_sub(observed.len())?,
                },
            });
        }
        let (n, outputs) = (carrying(architecture, constants), architecture.outputs);
        let w_out = &weights[layout.find(Role::Readout)?.range()];
        let bias = layout
            .find(Role::ReadoutBias)
            .map_or(vec![0.0; outputs], |t| {
                weights[t.range()].iter().map(|b| f64::from(*b)).collect()
            });
        let matrix = Mat::from_fn(outputs, n, |o, u| {
            f64::from(w_out[o * architecture.units + u])
        });
        Some(Self {
            share,
            field,
            units: (0..n).collect(),
            signal: Signal::Inverse {
                inverse: matrix.thin_svd().ok()?.pseudoinverse(),
                bias,
            },
        })
    }

    /// The signal on some trials, `[trial][time][forced unit]`.
    pub(crate) fn signal(&self, bank: &Trials, trials: &[usize]) -> Vec<f32> {
        let (steps, outputs) = (bank.n_steps, bank.n_outputs);
        let mut signal = Vec::with_capacity(trials.len() * steps * self.units.len());
        for &trial in trials {
            for target in bank.targets[trial * steps * outputs..][..steps * outputs]
                .chunks_exact(outputs.max(1))
            {
                match &self.signal {
                    Signal::Outputs { first } => signal.extend(&target[*first..]),
                    Signal::Inverse { inverse, bias } => {
                        signal.extend((0..self.units.len()).map(|u| {
                            let terms = target.iter().zip(bias).enumerate();
                            terms
                                .map(|(o, (s, b))| inverse[(u, o)] * (f64::from(*s) - b))
                                .sum::<f64>() as f32
                        }));
                    }
                }
            }
        }
        signal
    }

    /// Moves the states after step t of a block to its signal.
    pub(crate) fn force(&self, block: &mut Block, signal: &[f32], n_steps: usize, t: usize) {
        let (share, units) = (self.share.at(t), self.units.len());
        if share == 0.0 || units == 0 {
            return;
        }
        let (array, width) = (block.states[self.field], block.width);
        let rows = block.arena.at_mut(array, t + 1).chunks_exact_mut(width);
        for (row, s) in rows.zip(signal.chunks_exact(n_steps * units)) {
            for (&unit, s) in self.units.iter().zip(&s[t * units..]) {
                row[unit] = if share == 1.0 {
                    *s
                } else {
                    (1.0 - share) * row[unit] + share * s
                };
            }
        }
    }

    /// The state a signal stands for, other fields and units 0, `[field, unit]`.
    fn state(&self, signal: &[f32], units: usize, fields: usize) -> Vec<f64> {
        let mut state = vec![0.0; units * fields];
        for (&unit, s) in self.units.iter().zip(signal) {
            state[self.field * units + unit] = f64::from(*s);
        }
        state
    }

    /// A norm of the Jacobians at the signals of some trials, the first of each trial left out: it is its start.
    pub(crate) fn norm(
        &self,
        norm: JacobianNorm,
        architecture: &Architecture,
        (weights, constants): (&[f32], &[f32]),
        bank: &Trials,
        trials: &[usize],
    ) -> Result<f64, EngineError> {
        let wide = |v: &[f32]| v.iter().map(|x| f64::from(*x)).collect::<Vec<f64>>();
        let n = carrying(architecture, constants);
        if norm == JacobianNorm::ParameterBound {
            return Ok(parameter_bound(architecture, weights, n));
        }
        let input = vec![0.0; architecture.inputs];
        let mut map = Map::from_parameters(architecture, &wide(weights), &wide(constants), &input)?;
        let mut scratch = map.scratch();
        let (units, fields) = (architecture.units, architecture.cell.states.len());
        let size = units * fields;
        // Units that carry no state have no part in a Jacobian.
        let carried: Vec<usize> = (0..fields)
            .flat_map(|f| (0..n).map(move |u| f * units + u))
            .collect();
        let mut largest = 0.0_f64;
        for &trial in trials {
            let signal = self.signal(bank, &[trial]);
            let mut along = Along::new(norm, carried.len());
            for t in 1..bank.n_steps {
                let at = (trial * bank.n_steps + (t + 1).min(bank.n_steps - 1)) * bank.n_inputs;
                map.change_input(&bank.inputs[at..][..bank.n_inputs])?;
                let state = self.state(&signal[t * self.units.len()..], units, fields);
                let jacobian = map.jacobian(&mut scratch, &state);
                let k = carried.len();
                along.add(&Mat::from_fn(k, k, |i, j| {
                    jacobian[carried[i] * size + carried[j]]
                }));
            }
            largest = largest.max(along.norm());
        }
        Ok(largest)
    }
}

/// A norm of the Jacobians along one trial.
struct Along {
    kind: JacobianNorm,
    count: usize,
    largest: f64,
    logarithms: f64,
    sum: Mat<f64>,
}

impl Along {
    fn new(kind: JacobianNorm, size: usize) -> Self {
        Self {
            kind,
            count: 0,
            largest: 0.0,
            logarithms: 0.0,
            sum: Mat::zeros(size, size),
        }
    }

    fn add(&mut self, jacobian: &Mat<f64>) {
        self.count += 1;
        if self.kind == JacobianNorm::MeanJacobian {
            self.sum += jacobian;
            return;
        }
        let sigma = sigma(jacobian);
        self.largest = self.largest.max(sigma);
        self.logarithms += sigma.ln();
    }

    fn norm(&self) -> f64 {
        let n = self.count.max(1) as f64;
        match self.kind {
            JacobianNorm::MeanJacobian => sigma(&self.sum) / n,
            JacobianNorm::GeometricMean => (self.logarithms / n).exp(),
            JacobianNorm::BatchMax | JacobianNorm::ParameterBound => self.largest,
        }
    }
}

/// Largest singular value; not a number where there is none.
fn sigma(matrix: &Mat<f64>) -> f64 {
    let values = matrix.singular_values().ok();
    values.and_then(|v| v.first().copied()).unwrap_or(f64::NAN)
}

/// `max |a| + prod sigma(W)` over the first `n` units where states are carried.
fn parameter_bound(architecture: &Architecture, weights: &[f32], n: usize) -> f64 {
    let layout = Layout::new(architecture);
    let cell = &architecture.cell;
    let a = cell.unit_params.iter().position(|p| p == "a");
    let of = |role| layout.find(role).map(|t| &weights[t.range()]);
    let largest = a.and_then(|i| of(Role::Unit(i))).map_or(f64::NAN, |a| {
        a[..n].iter().fold(0.0, |m, a| f64::from(a.abs()).max(m))
    });
    let (units, stages) = (architecture.units, cell.stages.len());
    let matrices = (0..stages).filter_map(|s| {
        let w = of(Role::Recurrent(s, 0))?;
        // States come in by the first stage's columns and go out by the last one's rows.
        let columns = if s == 0 { n } else { units };
        let rows = if s + 1 == stages { n } else { units };
        Some(Mat::from_fn(rows, columns, |i, j| {
            f64::from(w[i * units + j])
        }))
    });
    largest + matrices.map(|w| sigma(&w)).product::<f64>()
}

/// States as they were before they were forced, kept for the backward pass.
#[derive(Debug)]
pub(super) struct Unforced {
    field: usize,
    /// `[time][trial, padded unit]`
    states: Lines,
    /// Whether the state after a step was forced, `[time]`.
    forced: Vec<bool>,
}

impl Block {
    /// Moves the states after step t to the signal, and keeps what they were.
    pub(super) fn force(&mut self, teacher: &Teacher, signal: &[f32], n_steps: usize, t: usize) {
        let len = self.arena.len;
        let unforced = self.unforced.get_or_insert_with(|| Unforced {
            field: teacher.field,
            states: Lines::zeros(0),
            forced: Vec::new(),
        });
        if t == 0 {
            if unforced.states.len() < n_steps * len {
                unforced.states = Lines::zeros(n_steps * len);
            }
            unforced.forced.clear();
        }
        unforced.field = teacher.field;
        let forced = teacher.share.at(t) != 0.0 && t + 1 < n_steps;
        unforced.forced.push(forced);
        if forced {
            let states = self.arena.at(self.states[teacher.field], t + 1);
            unforced.states[t * len..][..len].copy_from_slice(states);
            teacher.force(self, signal, n_steps, t);
        }
    }

    /// Scales the adjoint of forced states after step t to that of the states as they were.
    pub(super) fn unforce_adjoint(&mut self, teacher: &Teacher, t: usize) {
        if !self.was_forced(t) {
            return;
        }
        let rest = 1.0 - teacher.share.at(t);
        let (array, width) = (self.adjoint_states[teacher.field], self.width);
        for row in self
            .arena
            .at_mut(array, t)
            .chunks_exact_mut(width)
            .take(BLOCK)
        {
            for &unit in &teacher.units {
                row[unit] *= rest;
            }
        }
    }

    /// Exchanges the states after step t, where they were forced, with what they were: the adjoint of the step reads those, weight
    /// gradients of the next step the others.
    pub(super) fn exchange_forced(&mut self, t: usize) {
        if !self.was_forced(t) {
            return;
        }
        let len = self.arena.len;
        if let Some(unforced) = &mut self.unforced {
            let array = self.states[unforced.field];
            self.arena
                .at_mut(array, t + 1)
                .swap_with_slice(&mut unforced.states[t * len..][..len]);
        }
    }

    fn was_forced(&self, t: usize) -> bool {
        let forced = self.unforced.as_ref().and_then(|u| u.forced.get(t));
        forced.copied().unwrap_or(false)
    }

    /// What the readout saw after step t.
    pub(super) fn seen(&self, t: usize) -> &[f32] {
        match &self.unforced {
            Some(unforced) if self.was_forced(t) => {
                &unforced.states[t * self.arena.len..][..self.arena.len]
            }
            _ => self.arena.at(self.output, t),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cell::Cell;
    use crate::population::{Seeds, initialise::initialise};
    use std::sync::Arc;

    /// The network and the signal of reference 9e: two latents, five hidden units, z_t = (sin 0.3 t, cos(0.2 t + 0.5)).
    fn reference(cell: &str) -> (Population, Trials) {
        let cell = Arc::new(Cell::builtin(cell, "identity").unwrap());
        let architecture = Architecture {
            cell,
            units: 5,
            inputs: 1,
            outputs: 2,
        };
        let mut population = initialise(&architecture, &[Seeds::all(0)]);
        let layout = Arc::clone(&population.layout);
        let latent = architecture
            .cell
            .constants
            .iter()
            .position(|c| c.0 == "latent");
        population.constants[latent.unwrap()] = 2.0;
        population.params.fill(0.0);
        let clipped = architecture.cell.unit_params.len() == 2;
        let mut set = |role, values: &[f64]| {
            let tensor = layout.find(role).unwrap();
            for (p, v) in population.params[tensor.range()].iter_mut().zip(values) {
                *p = *v as f32;
            }
        };
        let (mut w1, mut w2) = (vec![0.0; 25], vec![0.0; 25]);
        for k in 0..5 {
            for i in 0..2 {
                w1[i * 5 + k] = 0.6 * (1.0 + 0.8 * i as f64 + 1.3 * k as f64).cos();
                w2[k * 5 + i] = 0.9 * (0.5 + 1.1 * k as f64 + 0.7 * i as f64).sin();
            }
        }
        let h2: Vec<f64> = (0..5).map(|k| 0.3 * f64::from(k).cos()).collect();
        set(Role::Recurrent(0, 0), &w2);
        set(Role::Recurrent(1, 0), &w1);
        set(Role::Bias(1, 0), &[0.1, -0.2]);
        set(Role::Unit(0), &[0.9, 0.7]);
        set(
            if clipped {
                Role::Unit(1)
            } else {
                Role::Bias(0, 0)
            },
            &h2,
        );
        set(Role::Readout, &[1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0]);
        let targets: Vec<f32> = (0..21)
            .map(f64::from)
            .flat_map(|t| [(0.3 * t).sin() as f32, (0.2 * t + 0.5).cos() as f32])
            .collect();
        let trials = Trials {
            n_trials: 1,
            n_steps: 21,
            n_inputs: 1,
            n_outputs: 2,
            inputs: vec![0.0; 21],
            targets,
            mask: vec![1.0; 42],
            condition: vec![0],
        };
        (population, trials)
    }

    #[test]
    fn golden_norms_of_jacobians() {
        use JacobianNorm::{BatchMax, GeometricMean, MeanJacobian, ParameterBound};
        for (cell, expected) in [
            (
                "shplrnn",
                [
                    3.403_848_113_7,
                    0.927_131_417_6,
                    0.812_973_707_3,
                    0.801_768_366_2,
                ],
            ),
            (
                "shplrnn_clipped",
                [
                    3.403_848_113_7,
                    1.362_725_682_4,
                    0.955_861_949_2,
                    0.947_243_103_4,
                ],
            ),
        ] {
            let (population, trials) = reference(cell);
            let network = (population.network(0), population.network_constants(0));
            let architecture = &population.architecture;
            for observed in [&[][..], &[0, 1]] {
                let share = Share::Always(0.5);
                let layout = &population.layout;
                let teacher = Teacher::new(architecture, layout, network, observed, share).unwrap();
                for (kind, expected) in [ParameterBound, BatchMax, GeometricMean, MeanJacobian]
                    .into_iter()
                    .zip(expected)
                {
                    let found = teacher
                        .norm(kind, architecture, network, &trials, &[0])
                        .unwrap();
                    assert!(
                        (found / expected - 1.0).abs() < 1e-6,
                        "{cell} {kind:?}: {found}"
                    );
                }
            }
        }
    }

    /// Up at once, down slowly: 1 - 1 / 3.4038 is below 1, so that alpha is 0.999 + 0.001 x 0.7062 after one estimate.
    #[test]
    fn alpha_follows_the_norm() {
        let annealed = Forcing::Annealed {
            norm: JacobianNorm::ParameterBound,
            every: 5,
            keep: 0.999,
        };
        let mut alpha = 1.0;
        annealed.anneal(0, &mut alpha, |_| Some(0.706_214_9));
        assert!((alpha - 0.999_706_2).abs() < 1e-6);
        annealed.anneal(4, &mut alpha, |_| Some(0.0));
        assert!((alpha - 0.999_706_2).abs() < 1e-6);
        alpha = 0.1;
        annealed.anneal(5, &mut alpha, |_| Some(0.706_214_9));
        assert_eq!(alpha, 0.706_214_9);
        annealed.anneal(10, &mut alpha, |_| Some(f32::NAN));
        assert_eq!(alpha, 0.706_214_9);
    }
}
