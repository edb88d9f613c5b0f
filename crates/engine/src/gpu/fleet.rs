//! A population in device memory, cut into chunks whose tensors fit a binding each, and the stages that run over it.

use super::buffer::Buffer;
use super::device::Gpu;
use super::dimension::{Dimension, Measured};
use super::geometry::Geometry;
use super::kernel::{Bound, Kernel, Named};
use super::kernels::{Stage, Variant, link};
use super::matrices::{Matrices, Passes, Programs};
use super::pace::{Dims, Pacer, Submission, grid};
use super::plan::Plan;
use super::record::rates;
use super::teacher::{self, Inverter};
use crate::error::EngineError;
use crate::executor::{Order, TrainOptions};
use crate::population::Population;
use crate::recipe::{Loss, OwnPenalty, Part, Penalty};
use chiliad_tasks::Trials;
use chiliad_tasks::random::{Stream, purpose};
use std::sync::Arc;

/// Purpose word of the stream of noise variates; [`crate::population::initialise`] has 0x100.
pub const NOISE: u32 = 0x101;

/// Networks that share bindings.
pub(super) struct Chunk {
    pub(super) first: usize,
    pub(super) n: usize,
    pub(super) params: Buffer<f32>,
    pub(super) moments: Buffer<[f32; 2]>,
    pub(super) status: Buffer<[u32; 4]>,
    pub(super) networks: Buffer<u32>,
    /// Restrictions of the weights, where there are any.
    pub(super) rules: Option<Buffer<[u32; 2]>>,
    /// The same as the optimiser's step reads them, where they differ.
    pub(super) step_rules: Option<Buffer<[u32; 2]>>,
    pub(super) programs: Option<Programs>,
    /// From targets to states, where states are forced.
    teacher: Option<Buffer<f32>>,
    materialise: Arc<Bound>,
    invert: Option<Arc<Bound>>,
}

/// A population on the device.
pub(super) struct Fleet {
    pub(super) gpu: Gpu,
    pub(super) chunks: Vec<Chunk>,
    pub(super) submission: Submission,
    weights: Buffer<[f32; 4]>,
    materialise: Arc<Kernel>,
    inverter: Option<Inverter>,
    /// Penalties and restrictions of whole matrices, where there are any.
    pub(super) passes: Option<Passes>,
    n_weights: usize,
    /// What decides the kernels' text, but for the picking of trials.
    pub(super) variant: Variant,
}

/// Trials in device memory: `[trial][time][input, target, mask]`, then each trial's weight in the divisor of the loss.
pub(super) struct Bank {
    pub(super) buffer: Buffer<f32>,
    pub(super) n_trials: usize,
    pub(super) n_steps: usize,
}

impl Fleet {
    /// Uploads a population; `geometry` and `plan` are those of the largest stage that will run over it.
    pub(super) fn new(
        gpu: &Gpu,
        population: &Population,
        geometry: &Geometry,
        plan: &Plan,
        options: Option<&TrainOptions>,
        matrices: Option<&Matrices>,
    ) -> Result<Self, EngineError> {
        let constraint = options.and_then(|o| o.constraint.as_ref());
        let of_activity =
            |o: &TrainOptions| o.regularisers.iter().any(|r| r.penalty.is_of_activity());
        let variant = Variant {
            order: Order::InTurn,
            loss: options.map_or(Loss::MaskedMean, |o| o.loss),
            constrained: constraint.is_some(),
            activity: options.is_some_and(of_activity),
            dimension: geometry.dimension,
            own: options.and_then(own),
            matrices: matrices.map(Matrices::strides),
        };
        let linked = link(
            Stage::Materialise,
            &population.architecture,
            &population.layout,
            geometry,
            &variant,
        )?;
        let materialise = gpu.kernel(&linked)?;
        let weights: Buffer<[f32; 4]> = Buffer::new(gpu, "weights", plan.chunk * geometry.weights)?;
        let sources = Buffer::with(gpu, "sources", &geometry.sources)?;
        let passes = match matrices {
            Some(matrices) => {
                let of = (matrices, plan.chunk);
                Some(Passes::new(gpu, population, geometry, &variant, of)?)
            }
            None => None,
        };
        let inverter = Inverter::new(gpu, population, geometry, options, plan.chunk)?;
        let submission = Submission::new(gpu)?;
        let n_params = geometry.params;
        let mut chunks = Vec::new();
        for first in (0..population.n_networks).step_by(plan.chunk) {
            let n = plan.chunk.min(population.n_networks - first);
            let params = Buffer::with(
                gpu,
                "params",
                &population.params[first * n_params..(first + n) * n_params],
            )?;
            let mut records = Vec::with_capacity(n * geometry.record_words);
            for network in first..first + n {
                let seeds = population.seeds[network];
                records.extend(match options.map(|o| o.order) {
                    Some(Order::Own) => [network as u32, population.n_networks as u32],
                    _ => Stream::new(seeds.data, purpose::PICK).key(),
                });
                records.extend(Stream::new(seeds.noise, NOISE).key());
                records.extend(rates(options, network).map(f32::to_bits));
                records.extend(
                    population
                        .network_constants(network)
                        .iter()
                        .map(|c| c.to_bits()),
                );
            }
            let networks = Buffer::with(gpu, "networks", &records)?;
            let status = Buffer::with(gpu, "status", &vec![[1_u32, 0, 0, 0]; n])?;
            let moments = Buffer::with(gpu, "moments", &vec![[0.0_f32; 2]; n * n_params])?;
            let rules = match constraint {
                Some(constraint) => Some(Buffer::with(
                    gpu,
                    "rules",
                    &constraint.words(first..first + n),
                )?),
                None => None,
            };
            let step_rules = match constraint.and_then(|c| c.words_of_the_step(first..first + n)) {
                Some(words) => Some(Buffer::with(gpu, "step_rules", &words)?),
                None => None,
            };
            let programs = match (&passes, matrices, options) {
                (Some(passes), Some(matrices), Some(options)) => {
                    let of = (matrices, options);
                    Some(passes.programs(gpu, of, first..first + n, &params)?)
                }
                _ => None,
            };
            let mut buffers = vec![
                Named::new("weights", &weights),
                Named::new("params", passes.as_ref().map_or(&params, |p| &p.work)),
                Named::new("sources", &sources),
            ];
            buffers.extend(rules.as_ref().map(|r| Named::new("rules", r)));
            let bound = materialise.bind(gpu, &buffers)?;
            let teacher = match options.filter(|o| o.forcing.is_some()) {
                Some(options) => {
                    let rows = teacher::rows(population, &options.observed, first..first + n);
                    Some(Buffer::with(gpu, "teacher", &rows)?)
                }
                None => None,
            };
            let invert = match inverter.as_ref().zip(teacher.as_ref()) {
                Some((inverter, teacher)) => Some(inverter.bind(gpu, &weights, teacher)?),
                None => None,
            };
            chunks.push(Chunk {
                first,
                n,
                params,
                moments,
                status,
                networks,
                rules,
                step_rules,
                programs,
                teacher,
                materialise: Arc::new(bound),
                invert,
            });
        }
        Ok(Self {
            gpu: gpu.clone(),
            chunks,
            submission,
            weights,
            materialise,
            inverter,
            passes,
            n_weights: geometry.weights,
            variant,
        })
    }

    /// Weights of the chunk converted last.
    pub(super) fn weights(&self) -> &Buffer<[f32; 4]> {
        &self.weights
    }

    /// Queues the conversion of one chunk's parameters, and what follows from weights alone; the weights are those of the chunk
    /// converted last.
    pub(super) fn materialise(
        &mut self,
        pacer: &mut Pacer,
        chunk: usize,
    ) -> Result<(), EngineError> {
        let chunk = &self.chunks[chunk];
        if let (Some(passes), Some(programs)) = (&self.passes, &chunk.programs) {
            self.submission.push(
                pacer,
                (&passes.link, &programs.link),
                Dims::default(),
                [chunk.n as u32, 1],
                (chunk.n * self.n_weights) as f64,
            )?;
        }
        let groups = [self.n_weights.div_ceil(64) as u32, chunk.n as u32];
        self.submission.push(
            pacer,
            (&self.materialise, &chunk.materialise),
            Dims::default(),
            groups,
            (chunk.n * self.n_weights) as f64,
        )?;
        if let Some((inverter, bound)) = self.inverter.as_ref().zip(chunk.invert.as_ref()) {
            self.submission.push(
                pacer,
                (&inverter.kernel, bound),
                Dims::default(),
                [chunk.n as u32, 1],
                (chunk.n * self.n_weights) as f64,
            )?;
        }
        Ok(())
    }
}

/// The user's own penalty among a recipe's, and of which weights.
fn own(options: &TrainOptions) -> Option<(OwnPenalty, Vec<Part>)> {
    options.regularisers.iter().find_map(|r| match &r.penalty {
        Penalty::Own { function, on } => Some((function.clone(), on.clone())),
        _ => None,
    })
}

impl Bank {
    /// Uploads trials.
    pub(super) fn new(gpu: &Gpu, trials: &Trials, loss: Loss) -> Result<Self, EngineError> {
        if trials.n_trials >= 1 << 24 {
            return Err(EngineError::Unsupported {
                executor: "GPU",
                what: format!("a bank of {} trials", trials.n_trials),
                allowed: "fewer than 16,777,216".into(),
            });
        }
        let mut packed = Vec::with_capacity(trials.inputs.len() + 2 * trials.targets.len());
        for row in 0..trials.n_trials * trials.n_steps {
            let (i, o) = (trials.n_inputs, trials.n_outputs);
            packed.extend_from_slice(&trials.inputs[row * i..(row + 1) * i]);
            packed.extend_from_slice(&trials.targets[row * o..(row + 1) * o]);
            packed.extend_from_slice(&trials.mask[row * o..(row + 1) * o]);
        }
        packed.extend(loss.weights(trials).iter().map(|w| *w as f32));
        Ok(Self {
            buffer: Buffer::with(gpu, "bank", &packed)?,
            n_trials: trials.n_trials,
            n_steps: trials.n_steps,
        })
    }
}

/// One kernel over all (network, tile) pairs of a fleet, with the memory it needs.
pub(super) struct Stagework {
    pub(super) geometry: Geometry,
    pub(super) plan: Plan,
    pub(super) history: Buffer<[f32; 4]>,
    /// Partial gradients, losses, or whatever the kernel returns per (network, tile).
    pub(super) out: Buffer<f32>,
    pub(super) batch: usize,
    pub(super) n_steps: usize,
    pub(super) bank_trials: usize,
    kernel: Arc<Kernel>,
    bounds: Vec<Arc<Bound>>,
    /// What sees the whole batch first, and bound to each chunk.
    dimension: Option<(Dimension, Vec<Measured>)>,
    operations_per_item: f64,
}

impl Stagework {
    /// `out` is the number of floats returned per (network, tile).
    pub(super) fn new(
        fleet: &Fleet,
        population: &Population,
        stage: Stage,
        order: Order,
        batch: usize,
        bank: &Bank,
    ) -> Result<Self, EngineError> {
        let gpu = &fleet.gpu;
        let mut geometry = Geometry::forced(
            &population.architecture,
            &population.layout,
            batch,
            stage.backward(),
            fleet.chunks.iter().any(|c| c.teacher.is_some()),
        );
        geometry.dimension = fleet.variant.dimension && stage == Stage::TrainStep;
        let plan = Plan::new(
            &geometry,
            population.n_networks,
            batch,
            bank.n_steps,
            gpu.limits(),
        )?;
        let chunk = fleet.chunks.iter().map(|c| c.n).max().unwrap_or(1);
        let slots = plan.slots.min(chunk * plan.tiles);
        let plan = Plan {
            chunk,
            slots,
            ..plan
        };
        tracing::debug!(stage = stage.name(), %plan, "memory plan");
        let (out_name, out_size) = match stage {
            Stage::TrainStep => ("partials", geometry.params + 2),
            _ => ("losses", 2),
        };
        let history = Buffer::new(gpu, "history", slots * geometry.history(bank.n_steps))?;
        let out = Buffer::new(gpu, out_name, chunk * plan.tiles * out_size)?;
        let linked = link(
            stage,
            &population.architecture,
            &population.layout,
            &geometry,
            &Variant {
                order,
                ..fleet.variant.clone()
            },
        )?;
        let kernel = gpu.kernel(&linked)?;
        let dimension = match geometry.dimension {
            true => {
                let of = (chunk, plan.tiles);
                Some(Dimension::new(fleet, population, order, &geometry, of)?)
            }
            false => None,
        };
        let (mut bounds, mut measured) = (Vec::new(), Vec::new());
        for chunk in &fleet.chunks {
            let mut all = vec![
                Named::new("networks", &chunk.networks),
                Named::new("status", &chunk.status),
                Named::new("weights", &fleet.weights),
                Named::uniform("dims", &fleet.submission.uniforms, size_of::<Dims>()),
                Named::new("bank", &bank.buffer),
                Named::new("history", &history),
                Named::new(out_name, &out),
            ];
            all.extend(chunk.teacher.as_ref().map(|t| Named::new("teacher", t)));
            if let Some(dimension) = &dimension {
                all.push(Named::new("slopes", &dimension.slopes));
                measured.push(dimension.bind(fleet, &all)?);
            }
            bounds.push(Arc::new(kernel.bind_some(gpu, &all)?));
        }
        let per_trial = 2 * geometry.params * if stage.backward() { 3 } else { 1 };
        let operations_per_item = (geometry.tile() * bank.n_steps * per_trial) as f64;
        Ok(Self {
            geometry,
            plan,
            history,
            out,
            batch,
            n_steps: bank.n_steps,
            bank_trials: bank.n_trials,
            kernel,
            bounds,
            dimension: dimension.map(|d| (d, measured)),
            operations_per_item,
        })
    }

    /// Shapes of a dispatch over a chunk.
    pub(super) fn dims(&self, n_networks: usize) -> Dims {
        Dims {
            n_steps: self.n_steps as u32,
            batch: self.batch as u32,
            n_tiles: self.plan.tiles as u32,
            bank_trials: self.bank_trials as u32,
            n_networks: n_networks as u32,
            ..Dims::default()
        }
    }

    /// Queues one wave of a chunk's items from `first` on; gives the number of items it takes.
    pub(super) fn queue_wave(
        &self,
        fleet: &mut Fleet,
        pacer: &mut Pacer,
        chunk: usize,
        dims: Dims,
        first: usize,
    ) -> Result<usize, EngineError> {
        let work = (&self.kernel, &self.bounds[chunk]);
        self.queue_wave_of(fleet, pacer, (chunk, work), dims, first)
    }

    fn queue_wave_of(
        &self,
        fleet: &mut Fleet,
        pacer: &mut Pacer,
        (chunk, work): (usize, (&Arc<Kernel>, &Arc<Bound>)),
        dims: Dims,
        first: usize,
    ) -> Result<usize, EngineError> {
        let n_items = fleet.chunks[chunk].n * self.plan.tiles;
        let n = pacer
            .wave(self.plan.slots, self.operations_per_item)
            .min(n_items - first);
        let dims = Dims {
            first_item: first as u32,
            n_items: n as u32,
            ..dims
        };
        fleet.submission.push(
            pacer,
            work,
            dims,
            grid(n),
            n as f64 * self.operations_per_item,
        )?;
        Ok(n)
    }

    /// Queues the kernel over all items of a chunk, wave by wave.
    pub(super) fn queue(
        &self,
        fleet: &mut Fleet,
        pacer: &mut Pacer,
        chunk: usize,
        dims: Dims,
    ) -> Result<(), EngineError> {
        let n = fleet.chunks[chunk].n;
        let n_items = n * self.plan.tiles;
        if let Some((dimension, measured)) = &self.dimension {
            let work = (&dimension.measure, &measured[chunk].measure);
            let mut first = 0;
            while first < n_items {
                first += self.queue_wave_of(fleet, pacer, (chunk, work), dims, first)?;
            }
            let work = (&dimension.slope, &measured[chunk].slope);
            let size = self.geometry.units.pow(2) * n;
            let groups = [n as u32, 1];
            fleet
                .submission
                .push(pacer, work, dims, groups, size as f64)?;
        }
        let mut first = 0;
        while first < n_items {
            first += self.queue_wave(fleet, pacer, chunk, dims, first)?;
        }
        Ok(())
    }
}
