//! Norms of the Jacobians at the signals of teacher forcing, which an annealed share follows.

use super::Teacher;
use crate::error::EngineError;
use crate::map::Map;
use crate::population::{Architecture, Layout, Role};
use crate::recipe::JacobianNorm;
use chiliad_tasks::Trials;
use faer::Mat;

impl Teacher {
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
        let n = architecture.carrying(constants);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cell::Cell;
    use crate::population::{Population, Seeds, initialise::initialise};
    use crate::recipe::{Forcing, Share};
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
