//! What both executors do, CPU and GPU: the stages are written once against this.

use crate::error::EngineError;
use crate::lyapunov;
use crate::population::{Architecture, Population};
use chiliad_tasks::Trials;

/// How a population is trained; values that may differ between networks are vectors, one entry per network.
#[derive(Clone, Debug)]
pub struct TrainOptions {
    /// Trials per step and network.
    pub batch: usize,
    /// Adam's step size, `[network]`.
    pub learning_rate: Vec<f32>,
    /// Decay of the first moment.
    pub beta1: f32,
    /// Decay of the second moment.
    pub beta2: f32,
    /// Added to the root of the second moment.
    pub epsilon: f32,
    /// The gradient is scaled down to this global norm; infinite for none.
    pub clip_norm: f32,
    /// Standard deviation of the noise variates of the cell, `[network]`.
    pub noise: Vec<f32>,
    /// Whether the initial state is trained (else it stays what it is).
    pub train_initial_state: bool,
}

impl TrainOptions {
    /// Adam 0.01 (0.9, 0.999, 1e-8), 64 trials, clip 1, no noise, initial state fixed.
    pub fn new(n_networks: usize) -> Self {
        Self {
            batch: 64,
            learning_rate: vec![0.01; n_networks],
            beta1: 0.9,
            beta2: 0.999,
            epsilon: 1e-8,
            clip_norm: 1.0,
            noise: vec![0.0; n_networks],
            train_initial_state: false,
        }
    }
}

/// Everything that evolves while a population is trained: what a checkpoint holds.
#[derive(Clone, Debug, PartialEq)]
pub struct OptimiserState {
    /// Steps taken, the same for all networks.
    pub step: u64,
    /// `[network, parameter]`
    pub params: Vec<f32>,
    /// Adam's first moment, `[network, parameter]`.
    pub first: Vec<f32>,
    /// Adam's second moment, `[network, parameter]`.
    pub second: Vec<f32>,
    /// Networks that still take steps; the others are frozen. `[network]`
    pub active: Vec<bool>,
    /// Step at which a network first had a non-finite loss or gradient; such a network takes no further step. `[network]`
    pub diverged_at: Vec<Option<u64>>,
}

/// Training in progress on one executor.
pub trait Training {
    /// Takes `n_steps` steps on trials drawn from `bank`: network n, step k, slot j sees trial
    /// `chiliad_tasks::pick(data_seed_n, k, j, bank.n_trials)`.
    fn advance(&mut self, bank: &Trials, n_steps: u64) -> Result<(), EngineError>;

    /// Masked mean-squared error of every network on the given trials, without noise. `[network]`
    fn evaluate(&mut self, trials: &Trials) -> Result<Vec<f32>, EngineError>;

    /// Freezes networks for good: entry false. `[network]`
    fn freeze(&mut self, active: &[bool]) -> Result<(), EngineError>;

    /// What a checkpoint holds.
    fn state(&mut self) -> Result<OptimiserState, EngineError>;
}

/// Loss and gradient of every network.
#[derive(Clone, Debug, PartialEq)]
pub struct Gradient {
    /// Masked mean-squared error, `[network]`.
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
