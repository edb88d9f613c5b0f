//! How far two executors agree on the same weights: states, outputs, losses, gradients.

use crate::cell::Cell;
use crate::error::EngineError;
use crate::executor::Executor;
use crate::population::{Architecture, Population, Seeds, initialise::initialise};
use chiliad_tasks::random::Stream;
use chiliad_tasks::{TaskShape, Trials};
use std::sync::Arc;

/// Purpose word of what is added to initial weights, so that no tensor is zero.
const WEIGHTS: u32 = 0xa00;
/// Purpose word of random inputs, targets and masks.
const TRIALS: u32 = 0xa01;

/// Largest difference that passes (project default): two orders of f32 operations over a few steps differ by some 1e-6,
/// a wrong kernel by far more.
pub const ALLOWED: f64 = 1e-4;

/// Largest differences of two executors, each relative to the largest entry of what is compared.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct Agreement {
    /// States along the trials.
    pub states: f64,
    /// Outputs along the trials.
    pub outputs: f64,
    /// Losses.
    pub loss: f64,
    /// Gradients, tensor by tensor.
    pub gradient: f64,
}

impl Agreement {
    /// The largest of all.
    pub fn worst(&self) -> f64 {
        [self.states, self.outputs, self.loss, self.gradient]
            .into_iter()
            .fold(0.0, f64::max)
    }

    /// Whether all are within [`ALLOWED`].
    pub fn passed(&self) -> bool {
        self.worst() <= ALLOWED
    }
}

/// Largest |a - b| relative to the largest |a|; infinite where only one of the two is finite.
fn difference(a: &[f32], b: &[f32]) -> f64 {
    let scale = a.iter().filter(|x| x.is_finite());
    let scale = f64::from(scale.fold(0.0_f32, |m, x| m.max(x.abs()))).max(1e-30);
    let one = |(x, y): (&f32, &f32)| match (x.is_finite(), y.is_finite()) {
        (true, true) => (f64::from(*x) - f64::from(*y)).abs() / scale,
        (false, false) => 0.0,
        _ => f64::INFINITY,
    };
    a.iter().zip(b).map(one).fold(0.0, f64::max)
}

/// Compares two executors on the same networks and trials.
///
/// # Errors
///
/// Those of the executors.
pub fn agreement(
    a: &dyn Executor,
    b: &dyn Executor,
    population: &Population,
    trials: &Trials,
) -> Result<Agreement, EngineError> {
    let rolled = |executor: &dyn Executor| {
        executor.roll_out(population, &trials.inputs, trials.n_trials, trials.n_steps)
    };
    let (rolled_a, rolled_b) = (rolled(a)?, rolled(b)?);
    let gradients = (
        a.gradient(population, trials)?,
        b.gradient(population, trials)?,
    );
    let n = population.layout.n_params.max(1);
    let networks = gradients.0.gradient.chunks(n);
    let by_tensor = networks
        .zip(gradients.1.gradient.chunks(n))
        .flat_map(|(a, b)| {
            let tensors = population.layout.tensors.iter();
            tensors.map(move |t| difference(&a[t.range()], &b[t.range()]))
        });
    let states = rolled_a.states.iter().zip(&rolled_b.states);
    Ok(Agreement {
        states: states.map(|(a, b)| difference(a, b)).fold(0.0, f64::max),
        outputs: difference(&rolled_a.outputs, &rolled_b.outputs),
        loss: difference(&gradients.0.loss, &gradients.1.loss),
        gradient: by_tensor.fold(0.0, f64::max),
    })
}

/// Networks of a cell in general position and random trials with holes in their mask: sizes that fill no tile.
pub fn random_case(cell: &Arc<Cell>) -> Result<(Population, Trials), EngineError> {
    let (n_networks, units, inputs, outputs, n_trials, n_steps) = (3, 7, 2, 3, 5, 9);
    let architecture = Architecture {
        cell: Arc::clone(cell),
        units,
        inputs,
        outputs,
    };
    let seeds: Vec<Seeds> = (0..n_networks).map(Seeds::all).collect();
    let mut population = initialise(&architecture, &seeds);
    let weights = Stream::new(0, WEIGHTS);
    for (i, p) in population.params.iter_mut().enumerate() {
        *p += 0.1 * weights.normal_at(0, i as u32);
    }
    let stream = Stream::new(0, TRIALS);
    let draw = |what: u32, channels: usize| -> Vec<f32> {
        let n = n_trials * n_steps * channels;
        (0..n).map(|i| stream.normal_at(what, i as u32)).collect()
    };
    let mask = draw(2, outputs).iter().map(|x| x.max(0.0)).collect();
    let shape = TaskShape {
        n_steps,
        n_inputs: inputs,
        n_outputs: outputs,
    };
    let (fed, targets) = (draw(0, inputs), draw(1, outputs));
    let trials = Trials::new(n_trials, shape, fed, targets, mask, vec![0; n_trials]);
    let trials = trials.map_err(|e| EngineError::Unsupported {
        executor: "agreement",
        what: e.to_string(),
        allowed: "trials of the shapes above".into(),
    })?;
    Ok((population, trials))
}
