//! [`Executor`] on a GPU.

use super::descend::DescendOptions;
use super::device::{Choice, Gpu, LimitsChoice};
use super::fleet::{Bank, Fleet, Stagework};
use super::geometry::Geometry;
use super::kernels::Stage;
use super::pace::Pacer;
use super::plan::Plan;
use super::session::{GpuTraining, check_trials, gradient_dims, reduce_gradient};
use crate::error::EngineError;
use crate::executor::{
    Executor, Gradient, Memory, OptimiserState, Order, TrainOptions, Training, Trajectories,
};
use crate::lyapunov;
use crate::population::{Architecture, Layout, Population};
use crate::recipe::Loss;
use chiliad_tasks::Trials;
use std::sync::{Arc, Mutex, PoisonError};

/// Target length of a submission in seconds: a display GPU resets its device at 2.
pub const SUBMISSION_SECS: f64 = 0.15;

/// Runs populations on a GPU.
#[derive(Clone, Debug)]
pub struct GpuExecutor {
    /// Replaced when it is found lost.
    current: Arc<Mutex<Gpu>>,
    budget_secs: f64,
}

impl GpuExecutor {
    /// Opens an adapter.
    pub fn open(choice: &Choice, limits: LimitsChoice) -> Result<Self, EngineError> {
        Ok(Self::new(Gpu::open(choice, limits)?))
    }

    /// On a device that is open already.
    pub fn new(gpu: Gpu) -> Self {
        Self {
            current: Arc::new(Mutex::new(gpu)),
            budget_secs: SUBMISSION_SECS,
        }
    }

    /// The device as it is, lost or not.
    pub fn gpu_as_held(&self) -> Gpu {
        self.current
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Another target length of submissions, in seconds. It changes the rhythm, never a result.
    #[must_use]
    pub fn with_budget(mut self, budget_secs: f64) -> Self {
        self.budget_secs = budget_secs;
        self
    }

    /// The device; a new one where the last was lost.
    pub fn gpu(&self) -> Result<Gpu, EngineError> {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if current.is_lost() {
            *current = current.reopen()?;
        }
        Ok(current.clone())
    }

    /// As [`Executor::train`], with the memory plan and the device of the session in reach.
    pub fn training(
        &self,
        population: &Population,
        options: &TrainOptions,
        from: Option<OptimiserState>,
    ) -> Result<GpuTraining, EngineError> {
        self.accepts(population, options)?;
        GpuTraining::new(&self.gpu()?, population, options, from, self.pacer())
    }

    pub(super) fn pacer(&self) -> Pacer {
        Pacer::new(self.budget_secs)
    }

    /// Uploads a population for stages whose batches have `batch` trials of `n_steps` steps.
    pub(super) fn fleet(
        &self,
        gpu: &Gpu,
        population: &Population,
        batch: usize,
        n_steps: usize,
        backward: bool,
    ) -> Result<Fleet, EngineError> {
        let units = population.architecture.units;
        if !(1..=256).contains(&units) {
            return Err(EngineError::Unsupported {
                executor: "GPU",
                what: format!("{units} units"),
                allowed: "1 to 256".into(),
            });
        }
        let geometry = Geometry::new(
            &population.architecture,
            &population.layout,
            batch,
            backward,
        );
        gpu.turns_within(&geometry, n_steps)?;
        let plan = Plan::new(
            &geometry,
            population.n_networks,
            batch,
            n_steps,
            gpu.limits(),
        )?;
        Fleet::new(gpu, population, &geometry, &plan, None, None)
    }
}

impl Executor for GpuExecutor {
    fn describe(&self) -> String {
        let adapter = self.gpu_as_held().adapter();
        format!(
            "{} ({}, {}, {})",
            adapter.name, adapter.kind, adapter.backend, adapter.driver
        )
    }

    fn memory(
        &self,
        architecture: &Architecture,
        n_networks: usize,
        batch: usize,
        n_steps: usize,
    ) -> Result<Memory, EngineError> {
        super::session::check_units(architecture.units)?;
        let geometry = Geometry::new(architecture, &Layout::new(architecture), batch, true);
        let gpu = self.gpu()?;
        let plan = Plan::new(&geometry, n_networks, batch, n_steps, gpu.limits())?;
        Ok(Memory {
            per_network: plan.bytes_per_network,
            history: plan.slots * plan.bytes_per_slot,
            total: plan.bytes,
            words: format!(
                "{} networks per binding, {} tiles of {} trials in flight",
                plan.chunk,
                plan.slots,
                geometry.tile()
            ),
        })
    }

    fn accepts(&self, population: &Population, options: &TrainOptions) -> Result<(), EngineError> {
        options.check(population)?;
        super::record::check(population, options)?;
        super::session::check_units(population.architecture.units)
    }

    fn train<'a>(
        &'a self,
        population: &Population,
        options: &TrainOptions,
        from: Option<OptimiserState>,
    ) -> Result<Box<dyn Training + 'a>, EngineError> {
        Ok(Box::new(self.training(population, options, from)?))
    }

    fn roll_out(
        &self,
        population: &Population,
        inputs: &[f32],
        n_trials: usize,
        n_steps: usize,
    ) -> Result<Trajectories, EngineError> {
        let architecture = &population.architecture;
        let (n_inputs, n_outputs, n_units) = (
            architecture.inputs,
            architecture.outputs,
            architecture.units,
        );
        if inputs.len() != n_trials * n_steps * n_inputs {
            return Err(EngineError::Shape {
                operation: "roll-out",
                what: "inputs".into(),
                found: format!("{} values", inputs.len()),
                expected: format!("{n_trials} trials x {n_steps} steps x {n_inputs} channels"),
            });
        }
        let n_targets = n_trials * n_steps * n_outputs;
        let trials = Trials {
            n_trials,
            n_steps,
            n_inputs,
            n_outputs,
            inputs: inputs.to_vec(),
            targets: vec![0.0; n_targets],
            mask: vec![0.0; n_targets],
            condition: vec![0; n_trials],
        };
        check_trials("roll-out", population, &trials)?;
        let gpu = &self.gpu()?;
        let mut fleet = self.fleet(gpu, population, n_trials, n_steps, false)?;
        let mut pacer = self.pacer();
        let bank = Bank::new(gpu, &trials, Loss::MaskedMean)?;
        let work = Stagework::new(
            &fleet,
            population,
            Stage::RollOut,
            Order::InTurn,
            n_trials,
            &bank,
        )?;
        let n_states = work.geometry.states;
        let n_networks = population.n_networks;
        let mut rolled = Trajectories {
            n_networks,
            n_trials,
            n_steps,
            n_units,
            n_outputs,
            states: vec![vec![0.0; n_networks * n_trials * n_steps * n_units]; n_states],
            outputs: vec![0.0; n_networks * n_trials * n_steps * n_outputs],
        };
        for chunk in 0..fleet.chunks.len() {
            let (first, n) = (fleet.chunks[chunk].first, fleet.chunks[chunk].n);
            fleet.materialise(&mut pacer, chunk)?;
            let n_items = n * work.plan.tiles;
            let mut item = 0;
            while item < n_items {
                let wave = work.queue_wave(&mut fleet, &mut pacer, chunk, work.dims(n), item)?;
                fleet.submission.flush(&mut pacer)?;
                let size = work.geometry.history(n_steps);
                let history = work.history.read(gpu, 0, wave * size)?;
                for (slot, history) in history.chunks(size).enumerate() {
                    let (network, tile) = (
                        (item + slot) / work.plan.tiles,
                        (item + slot) % work.plan.tiles,
                    );
                    unpack(&work.geometry, history, &mut rolled, first + network, tile);
                }
                item += wave;
            }
        }
        Ok(rolled)
    }

    fn gradient(&self, population: &Population, trials: &Trials) -> Result<Gradient, EngineError> {
        check_trials("gradient", population, trials)?;
        let gpu = &self.gpu()?;
        let mut fleet = self.fleet(gpu, population, trials.n_trials, trials.n_steps, true)?;
        let mut pacer = self.pacer();
        let bank = Bank::new(gpu, trials, Loss::MaskedMean)?;
        let work = Stagework::new(
            &fleet,
            population,
            Stage::TrainStep,
            Order::InTurn,
            trials.n_trials,
            &bank,
        )?;
        let n_params = population.layout.n_params;
        let mut result = Gradient {
            loss: Vec::new(),
            gradient: Vec::new(),
        };
        for chunk in 0..fleet.chunks.len() {
            let n = fleet.chunks[chunk].n;
            let dims = gradient_dims(work.dims(n));
            fleet.materialise(&mut pacer, chunk)?;
            work.queue(&mut fleet, &mut pacer, chunk, dims)?;
            reduce_gradient(&mut fleet, population, &work, &mut pacer, chunk, dims)?;
            fleet.submission.flush(&mut pacer)?;
            let stride = work.plan.tiles * (n_params + 2);
            let partials = work.out.read(gpu, 0, n * stride)?;
            for network in partials.chunks(stride) {
                result.gradient.extend_from_slice(&network[..n_params]);
                result.loss.push(network[n_params]);
            }
        }
        Ok(result)
    }

    fn descend(
        &self,
        population: &Population,
        input: &[f32],
        seeds: &[f32],
        n_seeds: usize,
    ) -> Result<Option<Vec<f32>>, EngineError> {
        // Newton finishes what a short descent has brought near (project default: 300 steps).
        let options = DescendOptions {
            iterations: 300,
            half_life: 100.0,
            ..DescendOptions::default()
        };
        Ok(Some(
            GpuExecutor::descend(self, population, input, seeds, n_seeds, &options)?.states,
        ))
    }

    fn lyapunov(
        &self,
        population: &Population,
        inputs: &[f32],
        states: &[f32],
        options: &lyapunov::Options,
    ) -> Result<Option<lyapunov::Orbits>, EngineError> {
        GpuExecutor::lyapunov(self, population, inputs, states, options).map(Some)
    }
}

/// Moves one tile's states and outputs to their places.
fn unpack(
    geometry: &Geometry,
    history: &[[f32; 4]],
    rolled: &mut Trajectories,
    network: usize,
    tile: usize,
) {
    let (n_trials, n_steps, n_units, n_outputs) = (
        rolled.n_trials,
        rolled.n_steps,
        rolled.n_units,
        rolled.n_outputs,
    );
    for slot in 0..geometry.tile().min(n_trials - tile * geometry.tile()) {
        let (quad, component) = (slot / 4, slot % 4);
        let trial = network * n_trials + tile * geometry.tile() + slot;
        for t in 0..n_steps {
            for (field, states) in rolled.states.iter_mut().enumerate() {
                let row = geometry.row(n_steps, t + 1, field);
                let to = &mut states[(trial * n_steps + t) * n_units..][..n_units];
                for (unit, value) in to.iter_mut().enumerate() {
                    *value = history[row + unit * geometry.trial_quads + quad][component];
                }
            }
            let row = geometry.errors(n_steps) + t * n_outputs * geometry.trial_quads;
            for o in 0..n_outputs {
                rolled.outputs[(trial * n_steps + t) * n_outputs + o] =
                    history[row + o * geometry.trial_quads + quad][component];
            }
        }
    }
}
