//! What both executors do, CPU and GPU: the stages are written once against this.

pub(crate) mod forcing;

use crate::error::EngineError;
use crate::lyapunov;
use crate::population::{Architecture, Population};
use crate::recipe::{Constraint, Forcing, Loss, Optimiser, Penalty, Regulariser, Schedule};
use chiliad_tasks::{Trials, pick};
use std::borrow::Cow;
use std::sync::Arc;

/// Which trials of a bank a network is trained on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// Drawn with replacement, by each network in an order of its own.
    #[default]
    Drawn,
    /// The bank's first `batch` at every step: the whole grid of a task, say.
    InTurn,
    /// The bank holds as many trials for every network, network by network, and each takes its own in turn, `batch` at a
    /// step, beginning at the step number modulo its whole batches.
    Own,
}

impl Order {
    /// Trials of step `step` of network `network` of `n_networks`.
    pub(crate) fn pick(
        self,
        (network, n_networks): (usize, usize),
        data_seed: u64,
        step: u64,
        batch: usize,
        bank_trials: usize,
    ) -> Vec<usize> {
        match self {
            Self::Drawn => (0..batch as u32)
                .map(|slot| pick(data_seed, step, slot, bank_trials as u32) as usize)
                .collect(),
            Self::InTurn => (0..batch).collect(),
            Self::Own => {
                let own = bank_trials / n_networks;
                let first = network * own + (step % (own / batch) as u64) as usize * batch;
                (first..first + batch).collect()
            }
        }
    }
}

/// Whether n is k, 2k, 3k, ...
fn is_whole(n: usize, k: usize) -> bool {
    n > 0 && n.checked_rem(k) == Some(0)
}

/// How a population is trained; values that may differ between networks are vectors, one entry per network.
#[derive(Clone, Debug)]
pub struct TrainOptions {
    /// Trials per step and network.
    pub batch: usize,
    /// Which trials of the bank these are.
    pub order: Order,
    /// How a gradient becomes a step.
    pub optimiser: Optimiser,
    /// Step size, `[network]`.
    pub learning_rate: Vec<f32>,
    /// Factor of the step sizes along training.
    pub schedule: Schedule,
    /// Weight decay of the optimiser, `[network]`, or empty for none: `decay p` is added to the clipped gradient, or the
    /// parameter shrinks beside it where the optimiser decouples the two.
    pub weight_decay: Vec<f32>,
    /// The gradient is scaled down to this global norm; infinite for none.
    pub clip_norm: f32,
    /// Every entry of the gradient is limited to this size, before the norm is; infinite for none.
    pub clip_value: f32,
    /// What is minimised on the trials.
    pub loss: Loss,
    /// What is penalised besides.
    pub regularisers: Vec<Regulariser>,
    /// What restricts the weights.
    pub constraint: Option<Arc<Constraint>>,
    /// Standard deviation of the noise variates of the cell, `[network]`.
    pub noise: Vec<f32>,
    /// Standard deviation of the noise added to every input channel and step, `[network]`, or empty for none.
    pub input_noise: Vec<f32>,
    /// Factor of both kinds of noise along training.
    pub noise_schedule: Schedule,
    /// Whether the initial state is trained (else it stays what it is).
    pub train_initial_state: bool,
    /// Teacher forcing.
    pub forcing: Option<Forcing>,
    /// Units that the last outputs read as they are; teacher forcing takes their targets for them. Empty: it inverts the readout.
    pub observed: Vec<usize>,
}

impl TrainOptions {
    /// Adam 0.01 (0.9, 0.999, 1e-8), 64 trials, clip 1, masked mean-squared error, no noise, no penalty, no restriction,
    /// initial state fixed.
    pub fn new(n_networks: usize) -> Self {
        Self {
            batch: 64,
            order: Order::Drawn,
            optimiser: Optimiser::default(),
            learning_rate: vec![0.01; n_networks],
            schedule: Schedule::Constant,
            weight_decay: Vec::new(),
            clip_norm: 1.0,
            clip_value: f32::INFINITY,
            loss: Loss::MaskedMean,
            regularisers: Vec::new(),
            constraint: None,
            noise: vec![0.0; n_networks],
            input_noise: Vec::new(),
            noise_schedule: Schedule::Constant,
            train_initial_state: false,
            forcing: None,
            observed: Vec::new(),
        }
    }

    /// Refuses vectors that are not as long as the population, negative or non-finite strengths, and batches without a trial.
    pub fn check(&self, population: &Population) -> Result<(), EngineError> {
        let n = population.n_networks;
        let refuse = |what: &str, found: String, expected: String| EngineError::Shape {
            operation: "train",
            what: what.into(),
            found,
            expected,
        };
        if self.batch == 0 {
            return Err(refuse("batch", "0 trials".into(), "at least 1".into()));
        }
        let mut vectors = vec![
            ("learning rates", &self.learning_rate, false),
            ("noise levels", &self.noise, false),
            ("input noise levels", &self.input_noise, true),
            ("weight decays", &self.weight_decay, true),
        ];
        for r in &self.regularisers {
            vectors.push((r.penalty.name(), &r.strength, false));
        }
        for (what, values, may_be_empty) in vectors {
            if values.len() != n && !(may_be_empty && values.is_empty()) {
                return Err(refuse(what, values.len().to_string(), n.to_string()));
            }
            if let Some(v) = values.iter().find(|v| !v.is_finite() || **v < 0.0) {
                return Err(refuse(what, v.to_string(), "0 or above, finite".into()));
            }
        }
        if let Some(constraint) = &self.constraint {
            if constraint.n_networks() != n {
                return Err(refuse(
                    "constraint",
                    format!("{} networks", constraint.n_networks()),
                    format!("{n}"),
                ));
            }
        }
        for r in &self.regularisers {
            if let Penalty::Communicability { positions } = &r.penalty {
                let units = population.architecture.units;
                if positions.len() != units {
                    return Err(refuse(
                        "positions of units",
                        positions.len().to_string(),
                        units.to_string(),
                    ));
                }
            }
        }
        Ok(())
    }

    /// Refuses a bank whose trials cannot be taken in the order asked for.
    pub(crate) fn check_bank(&self, bank: &Trials, n_networks: usize) -> Result<(), EngineError> {
        let expected = match self.order {
            Order::InTurn if self.batch > bank.n_trials => {
                format!("at most {}, what the bank has", bank.n_trials)
            }
            Order::Own if !is_whole(bank.n_trials, self.batch * n_networks) => {
                format!(
                    "batches for {n_networks} networks in a bank of {}",
                    bank.n_trials
                )
            }
            _ => return Ok(()),
        };
        Err(EngineError::Shape {
            operation: "train",
            what: "trials in turn".into(),
            found: format!("{} per step", self.batch),
            expected,
        })
    }

    /// Refuses banks for other networks than there are.
    pub(crate) fn check_each(
        &self,
        banks: &[&Trials],
        of: &[usize],
        n_networks: usize,
    ) -> Result<(), EngineError> {
        if of.len() == n_networks && of.iter().all(|b| *b < banks.len()) {
            return Ok(());
        }
        Err(EngineError::Shape {
            operation: "train",
            what: "banks of trials".into(),
            found: format!("{} for {} networks", banks.len(), of.len()),
            expected: format!("one named for each of {n_networks} networks"),
        })
    }

    /// An entry of a vector that may be left empty, for 0.
    pub(crate) fn of(values: &[f32], network: usize) -> f32 {
        values.get(network).copied().unwrap_or(0.0)
    }

    /// Parameters as trained of a population that begins with these weights.
    pub fn raw(&self, weights: &[f32]) -> Vec<f32> {
        match &self.constraint {
            Some(constraint) => constraint.raw_all(weights),
            None => weights.to_vec(),
        }
    }

    /// Weights as used, of all networks, from parameters as trained.
    pub fn effective<'a>(&self, raw: &'a [f32]) -> Cow<'a, [f32]> {
        match &self.constraint {
            Some(constraint) => Cow::Owned(constraint.effective_all(raw)),
            None => Cow::Borrowed(raw),
        }
    }
}

/// Everything that evolves while a population is trained: what a checkpoint holds.
#[derive(Clone, Debug, PartialEq)]
pub struct OptimiserState {
    /// Steps taken, the same for all networks.
    pub step: u64,
    /// As trained: where weights are restricted, [`TrainOptions::effective`] gives those used. `[network, parameter]`
    pub params: Vec<f32>,
    /// First moment, `[network, parameter]`.
    pub first: Vec<f32>,
    /// Second moment, `[network, parameter]`.
    pub second: Vec<f32>,
    /// Networks that still take steps; the others are frozen. `[network]`
    pub active: Vec<bool>,
    /// Step at which a network first had a non-finite loss or gradient; such a network takes no further step. `[network]`
    pub diverged_at: Vec<Option<u64>>,
    /// Share of annealed teacher forcing, `[network]`; empty where there is none.
    pub alpha: Vec<f32>,
}

/// Training in progress on one executor.
pub trait Training {
    /// Takes `n_steps` steps on trials drawn from `bank`: network n, step k, slot j sees trial
    /// `chiliad_tasks::pick(data_seed_n, k, j, bank.n_trials)`.
    fn advance(&mut self, bank: &Trials, n_steps: u64) -> Result<(), EngineError>;

    /// The same with trials of their own: network n draws from `banks[of[n]]`.
    fn advance_each(
        &mut self,
        banks: &[&Trials],
        of: &[usize],
        n_steps: u64,
    ) -> Result<(), EngineError>;

    /// Loss of every network on the given trials, without noise and penalties. `[network]`
    fn evaluate(&mut self, trials: &Trials) -> Result<Vec<f32>, EngineError>;

    /// Factors of the learning rates from now on, beside the schedule's. `[network]`
    fn set_rate_factors(&mut self, factors: &[f32]) -> Result<(), EngineError>;

    /// Freezes networks for good: entry false. `[network]`
    fn freeze(&mut self, active: &[bool]) -> Result<(), EngineError>;

    /// What a checkpoint holds.
    fn state(&mut self) -> Result<OptimiserState, EngineError>;
}

/// Loss and gradient of every network.
#[derive(Clone, Debug, PartialEq)]
pub struct Gradient {
    /// Loss, `[network]`.
    pub loss: Vec<f32>,
    /// `[network, parameter]`
    pub gradient: Vec<f32>,
}

/// States and outputs along trials.
#[derive(Clone, Debug, PartialEq)]
pub struct Trajectories {
    /// Networks.
    pub n_networks: usize,
    /// Trials.
    pub n_trials: usize,
    /// Steps.
    pub n_steps: usize,
    /// Units.
    pub n_units: usize,
    /// Output channels.
    pub n_outputs: usize,
    /// Per state field: `[network, trial, time, unit]`, after the step that read `inputs[time]`.
    pub states: Vec<Vec<f32>>,
    /// `[network, trial, time, output]`
    pub outputs: Vec<f32>,
}

/// What training a population takes, from shapes alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Memory {
    /// Bytes of one network: weights, moments and what else is held for it all the time.
    pub per_network: usize,
    /// Bytes of history: states and activations kept for the backward pass, of all networks in flight together.
    pub history: usize,
    /// Bytes in all, without the bank of trials.
    pub total: usize,
    /// How many networks at once, in words.
    pub words: String,
}

/// A device that trains, rolls out and differentiates populations.
pub trait Executor {
    /// One line for people: which device.
    fn describe(&self) -> String;

    /// What training `n_networks` on batches of `batch` trials of `n_steps` steps will take.
    fn memory(
        &self,
        architecture: &Architecture,
        n_networks: usize,
        batch: usize,
        n_steps: usize,
    ) -> Result<Memory, EngineError>;

    /// Whether [`Executor::train`] takes a recipe for a population: the same refusals, before anything is made.
    fn accepts(&self, population: &Population, options: &TrainOptions) -> Result<(), EngineError>;

    /// Starts training from the population's parameters, or from a checkpoint.
    fn train<'a>(
        &'a self,
        population: &Population,
        options: &TrainOptions,
        from: Option<OptimiserState>,
    ) -> Result<Box<dyn Training + 'a>, EngineError>;

    /// Runs every network on every trial, `inputs` being `[trial, time, channel]`, from its initial state.
    fn roll_out(
        &self,
        population: &Population,
        inputs: &[f32],
        n_trials: usize,
        n_steps: usize,
    ) -> Result<Trajectories, EngineError>;

    /// Masked mean-squared error `sum(mask (y - target)^2) / sum(mask)` and its gradient.
    fn gradient(&self, population: &Population, trials: &Trials) -> Result<Gradient, EngineError>;

    /// What training minimises, loss and penalties together, and its gradient by the parameters as trained, of a population
    /// whose `params` are such; without noise, the batch being all trials in turn.
    fn objective(
        &self,
        _population: &Population,
        _options: &TrainOptions,
        _trials: &Trials,
    ) -> Result<Gradient, EngineError> {
        Err(EngineError::Unsupported {
            executor: "GPU",
            what: "the value of what training minimises".into(),
            allowed: "the CPU; a training step shows the gradient".into(),
        })
    }

    /// Descends q = 1/2 |F(h) - h|^2 from `seeds`, `[network, seed, state field, unit]`, at a constant input, `[channel]`;
    /// where they end, in the same shape. `None` where the executor leaves the search to Newton from the seeds.
    fn descend(
        &self,
        _population: &Population,
        _input: &[f32],
        _seeds: &[f32],
        _n_seeds: usize,
    ) -> Result<Option<Vec<f32>>, EngineError> {
        Ok(None)
    }

    /// Growth of the leading tangents of every network along an orbit each, from `states`, `[network, state field, unit]`,
    /// under `inputs`, `[time, channel]`, taken again and again from the first; one time is a constant input. `None` where
    /// the executor leaves it to [`crate::lyapunov::batches`].
    fn lyapunov(
        &self,
        _population: &Population,
        _inputs: &[f32],
        _states: &[f32],
        _options: &lyapunov::Options,
    ) -> Result<Option<lyapunov::Orbits>, EngineError> {
        Ok(None)
    }
}
