//! Training on the device, and what happens when the device is lost in between.

use super::anneal;
use super::device::Gpu;
use super::fleet::{Bank, Fleet, Stagework};
use super::geometry::Geometry;
use super::kernel::{Bound, Kernel, Named};
use super::kernels::{Stage, link};
use super::matrices::Matrices;
use super::pace::{Dims, Pacer, grid};
use super::plan::Plan;
use crate::error::EngineError;
use crate::executor::{OptimiserState, Order, TrainOptions, Training};
use crate::population::Population;
use crate::recipe::{Forcing, Penalty, Regulariser};
use chiliad_tasks::Trials;
use std::sync::Arc;

/// Losses of the device that one call survives.
const RETRIES: usize = 3;

/// Training in progress on a GPU.
pub struct GpuTraining {
    gpu: Gpu,
    population: Population,
    options: TrainOptions,
    /// What the recipe does with whole matrices.
    matrices: Option<Matrices>,
    rate_factors: Vec<f32>,
    pacer: Pacer,
    /// State after the last completed call: what a lost device is replaced from.
    host: OptimiserState,
    device: Option<OnDevice>,
}

struct OnDevice {
    fleet: Fleet,
}

struct Optimiser {
    kernel: Arc<Kernel>,
    bounds: Vec<Arc<Bound>>,
    /// Of `pull_back`, where matrices are in play.
    back: Vec<Arc<Bound>>,
}

impl GpuTraining {
    pub(super) fn new(
        gpu: &Gpu,
        population: &Population,
        options: &TrainOptions,
        from: Option<OptimiserState>,
        pacer: Pacer,
    ) -> Result<Self, EngineError> {
        let n = population.n_networks;
        let size = population.params.len();
        let check = |what: &str, found: usize, expected: usize| {
            if found == expected {
                return Ok(());
            }
            Err(EngineError::Shape {
                operation: "training",
                what: what.into(),
                found: format!("{found}"),
                expected: format!("{expected}"),
            })
        };
        let host = from.unwrap_or_else(|| OptimiserState {
            step: 0,
            params: options.raw(&population.params),
            first: vec![0.0; size],
            second: vec![0.0; size],
            active: vec![true; n],
            diverged_at: vec![None; n],
            alpha: Forcing::start(options.forcing.as_ref(), n),
        });
        for (what, found) in [
            ("params", host.params.len()),
            ("first", host.first.len()),
            ("second", host.second.len()),
        ] {
            check(what, found, size)?;
        }
        check("active", host.active.len(), n)?;
        check("diverged_at", host.diverged_at.len(), n)?;
        let shares = Forcing::start(options.forcing.as_ref(), n).len();
        check("alpha", host.alpha.len(), shares)?;
        Ok(Self {
            gpu: gpu.clone(),
            population: population.clone(),
            options: options.clone(),
            matrices: Matrices::new(population, options),
            rate_factors: vec![1.0; n],
            pacer,
            host,
            device: None,
        })
    }

    /// The memory plan for trials of `n_steps` steps.
    pub fn plan(&self, n_steps: usize) -> Result<Plan, EngineError> {
        let geometry = self.geometry();
        Plan::new(
            &geometry,
            self.population.n_networks,
            self.options.batch,
            n_steps,
            self.gpu.limits(),
        )
    }

    /// The device in use now: another one after a loss.
    pub fn gpu(&self) -> &Gpu {
        &self.gpu
    }

    fn geometry(&self) -> Geometry {
        let mut geometry = Geometry::forced(
            &self.population.architecture,
            &self.population.layout,
            self.options.batch,
            true,
            self.options.forcing.is_some(),
        );
        let penalised = |r: &Regulariser| r.penalty == Penalty::EffectiveDimension;
        geometry.dimension = self.options.regularisers.iter().any(penalised);
        geometry.matrices = self.matrices.as_ref().map_or((0, 0), Matrices::sizes);
        geometry
    }

    /// Runs `work`; when the device is lost, makes a new one from the last host state, halves the waves and tries again.
    fn survive<R>(
        &mut self,
        work: impl Fn(&mut Self) -> Result<R, EngineError>,
    ) -> Result<R, EngineError> {
        let mut tries = 0;
        loop {
            match work(self) {
                Err(EngineError::DeviceLost { message }) if tries < RETRIES => {
                    tries += 1;
                    tracing::warn!(%message, tries, "device lost, starting again from the last host state");
                    self.device = None;
                    self.gpu = self.gpu.reopen()?;
                    self.pacer.back_off();
                }
                other => return other,
            }
        }
    }

    /// Puts the host state on the device, unless it is there. How networks share bindings does not depend on the length of trials.
    fn upload(&mut self) -> Result<(), EngineError> {
        if self.device.is_some() {
            return Ok(());
        }
        self.population.params.copy_from_slice(&self.host.params);
        // A chunk's records hold rates and annealed shares as they are now.
        let mut options = self.options.clone();
        for (rate, factor) in options.learning_rate.iter_mut().zip(&self.rate_factors) {
            *rate *= factor;
        }
        if let Some(Forcing::Annealed { .. }) = options.forcing {
            let alpha = self.host.alpha.clone();
            options.forcing = Some(Forcing::Generalised { alpha });
        }
        let fleet = Fleet::new(
            &self.gpu,
            &self.population,
            &self.geometry(),
            &self.plan(1)?,
            Some(&options),
            self.matrices.as_ref(),
        )?;
        let n_params = self.population.layout.n_params;
        for chunk in &fleet.chunks {
            let range = chunk.first * n_params..(chunk.first + chunk.n) * n_params;
            let moments: Vec<[f32; 2]> = self.host.first[range.clone()]
                .iter()
                .zip(&self.host.second[range])
                .map(|(m, v)| [*m, *v])
                .collect();
            chunk.moments.write(&self.gpu, 0, &moments)?;
            let status: Vec<[u32; 4]> = (chunk.first..chunk.first + chunk.n)
                .map(|n| match self.host.diverged_at[n] {
                    Some(step) => [0, 1, step as u32, (step >> 32) as u32],
                    None => [u32::from(self.host.active[n]), 0, 0, 0],
                })
                .collect();
            chunk.status.write(&self.gpu, 0, &status)?;
        }
        self.device = Some(OnDevice { fleet });
        Ok(())
    }

    fn try_advance(&mut self, trials: &Trials, n_steps: u64) -> Result<(), EngineError> {
        self.upload()?;
        let Some(device) = &mut self.device else {
            return Ok(());
        };
        let bank = Bank::new(&self.gpu, trials, self.options.loss)?;
        let work = Stagework::new(
            &device.fleet,
            &self.population,
            Stage::TrainStep,
            self.options.order,
            self.options.batch,
            &bank,
        )?;
        let optimiser = Optimiser::new(&device.fleet, &self.population, &work)?;
        let mut alpha = self.host.alpha.clone();
        let forcing = self.options.forcing.as_ref();
        for step in self.host.step..self.host.step + n_steps {
            if forcing.is_some_and(|f| f.estimates_at(step)) {
                device.fleet.submission.flush(&mut self.pacer)?;
                let of = (&self.population, &self.options);
                anneal::estimate(&device.fleet, of, (trials, step), &mut alpha)?;
            }
            for chunk in 0..device.fleet.chunks.len() {
                let n = device.fleet.chunks[chunk].n;
                let dims = step_dims(work.dims(n), &self.options, step);
                device.fleet.materialise(&mut self.pacer, chunk)?;
                work.queue(&mut device.fleet, &mut self.pacer, chunk, dims)?;
                optimiser.queue(&mut device.fleet, &mut self.pacer, chunk, dims)?;
            }
        }
        device.fleet.submission.flush(&mut self.pacer)?;
        let state = self.download(self.host.step + n_steps, alpha)?;
        self.host = state;
        Ok(())
    }

    fn download(&self, step: u64, alpha: Vec<f32>) -> Result<OptimiserState, EngineError> {
        let mut state = OptimiserState {
            step,
            params: Vec::new(),
            first: Vec::new(),
            second: Vec::new(),
            active: Vec::new(),
            diverged_at: Vec::new(),
            alpha,
        };
        for chunk in self.device.iter().flat_map(|d| &d.fleet.chunks) {
            state
                .params
                .extend(chunk.params.read(&self.gpu, 0, chunk.params.len())?);
            let moments = chunk.moments.read(&self.gpu, 0, chunk.moments.len())?;
            state.first.extend(moments.iter().map(|m| m[0]));
            state.second.extend(moments.iter().map(|m| m[1]));
            for [active, diverged, low, high] in chunk.status.read(&self.gpu, 0, chunk.n)? {
                state.active.push(active != 0);
                state
                    .diverged_at
                    .push((diverged != 0).then_some(u64::from(high) << 32 | u64::from(low)));
            }
        }
        Ok(state)
    }
}

/// The optimiser's part of the record of one step; `step` is 0-based.
pub(super) fn step_dims(dims: Dims, options: &TrainOptions, step: u64) -> Dims {
    let u = options.optimiser.update(step);
    let finite = |limit: f32| if limit.is_finite() { limit } else { f32::MAX };
    let flags = [
        u.adaptive,
        u.decoupled,
        options.train_initial_state,
        true,
        options.forcing.is_some(),
    ];
    Dims {
        step: step as u32,
        step_high: (step >> 32) as u32,
        noise_on: 1,
        flags: (0..).zip(flags).map(|(bit, on)| u32::from(on) << bit).sum(),
        update: [u.decay1, u.gain1, u.decay2, u.gain2],
        scales: [
            u.scale1,
            u.scale2,
            u.epsilon,
            options.schedule.at(step) as f32,
        ],
        limits: [
            finite(options.clip_norm),
            finite(options.clip_value),
            options.noise_schedule.at(step) as f32,
            0.0,
        ],
        ..dims
    }
}

/// The same for a gradient alone: no noise, no limit, and nothing is updated.
pub(super) fn gradient_dims(dims: Dims) -> Dims {
    Dims {
        flags: 4,
        limits: [f32::MAX, f32::MAX, 0.0, 0.0],
        ..dims
    }
}

impl Optimiser {
    pub(super) fn new(
        fleet: &Fleet,
        population: &Population,
        work: &Stagework,
    ) -> Result<Self, EngineError> {
        let linked = link(
            Stage::Optimise,
            &population.architecture,
            &population.layout,
            &work.geometry,
            &fleet.variant,
        )?;
        let kernel = fleet.gpu.kernel(&linked)?;
        let (mut bounds, mut back) = (Vec::new(), Vec::new());
        for chunk in &fleet.chunks {
            let mut shared = vec![
                Named::new("networks", &chunk.networks),
                Named::uniform("dims", &fleet.submission.uniforms, size_of::<Dims>()),
                Named::new("partials", &work.out),
            ];
            let mut buffers = shared.clone();
            buffers.extend([
                Named::new("status", &chunk.status),
                Named::new("params", &chunk.params),
                Named::new("moments", &chunk.moments),
            ]);
            let rules = chunk.step_rules.as_ref().or(chunk.rules.as_ref());
            buffers.extend(rules.map(|r| Named::new("rules", r)));
            bounds.push(Arc::new(kernel.bind(&fleet.gpu, &buffers)?));
            if let (Some(passes), Some(programs)) = (&fleet.passes, &chunk.programs) {
                shared.extend(chunk.rules.as_ref().map(|r| Named::new("rules", r)));
                back.push(passes.bind_back(&fleet.gpu, programs, &shared)?);
            }
        }
        Ok(Self {
            kernel,
            bounds,
            back,
        })
    }

    pub(super) fn queue(
        &self,
        fleet: &mut Fleet,
        pacer: &mut Pacer,
        chunk: usize,
        dims: Dims,
    ) -> Result<(), EngineError> {
        let n = fleet.chunks[chunk].n;
        if let Some((passes, back)) = fleet.passes.as_ref().zip(self.back.get(chunk)) {
            let groups = [n as u32, 1];
            fleet
                .submission
                .push(pacer, (&passes.pull_back, back), dims, groups, n as f64)?;
        }
        fleet.submission.push(
            pacer,
            (&self.kernel, &self.bounds[chunk]),
            dims,
            grid(n),
            n as f64,
        )
    }
}

pub(super) fn reduce_gradient(
    fleet: &mut Fleet,
    population: &Population,
    work: &Stagework,
    pacer: &mut Pacer,
    chunk: usize,
    dims: Dims,
) -> Result<(), EngineError> {
    let optimiser = Optimiser::new(fleet, population, work)?;
    optimiser.queue(fleet, pacer, chunk, dims)
}

impl Training for GpuTraining {
    fn advance(&mut self, bank: &Trials, n_steps: u64) -> Result<(), EngineError> {
        check_trials("training", &self.population, bank)?;
        self.gpu.turns_within(&self.geometry(), bank.n_steps)?;
        self.options.check_bank(bank, self.population.n_networks)?;
        self.survive(|s| s.try_advance(bank, n_steps))
    }

    /// Bank by bank: networks of the other banks are told to rest, and everything is sent again from the host's state.
    fn advance_each(
        &mut self,
        banks: &[&Trials],
        of: &[usize],
        n_steps: u64,
    ) -> Result<(), EngineError> {
        self.options
            .check_each(banks, of, self.population.n_networks)?;
        if let [bank] = banks {
            return self.advance(bank, n_steps);
        }
        let (first, mut active) = (self.host.step, self.host.active.clone());
        for (b, bank) in banks.iter().enumerate() {
            self.device = None;
            self.host.step = first;
            for (n, on) in self.host.active.iter_mut().enumerate() {
                *on = active[n] && of[n] == b;
            }
            self.advance(bank, n_steps)?;
            for (n, on) in active.iter_mut().enumerate() {
                if of[n] == b {
                    *on = self.host.active[n];
                }
            }
        }
        self.host.active = active;
        self.host.step = first + n_steps;
        self.device = None;
        Ok(())
    }

    fn evaluate(&mut self, trials: &Trials) -> Result<Vec<f32>, EngineError> {
        check_trials("evaluation", &self.population, trials)?;
        self.gpu.turns_within(&self.geometry(), trials.n_steps)?;
        self.survive(|s| {
            s.upload()?;
            let bank = Bank::new(&s.gpu, trials, s.options.loss)?;
            let Some(device) = &mut s.device else {
                return Ok(Vec::new());
            };
            let fleet = &mut device.fleet;
            let work = Stagework::new(
                fleet,
                &s.population,
                Stage::Evaluate,
                Order::InTurn,
                trials.n_trials,
                &bank,
            )?;
            let mut losses = Vec::new();
            for chunk in 0..fleet.chunks.len() {
                let n = fleet.chunks[chunk].n;
                fleet.materialise(&mut s.pacer, chunk)?;
                work.queue(fleet, &mut s.pacer, chunk, work.dims(n))?;
                fleet.submission.flush(&mut s.pacer)?;
                let sums = work.out.read(&s.gpu, 0, n * work.plan.tiles * 2)?;
                losses.extend(sums.chunks(work.plan.tiles * 2).map(|tiles| {
                    let total = tiles.chunks(2).fold([0.0_f64; 2], |[a, b], t| {
                        [a + f64::from(t[0]), b + f64::from(t[1])]
                    });
                    (total[0] / total[1]) as f32
                }));
            }
            Ok(losses)
        })
    }

    fn set_rate_factors(&mut self, factors: &[f32]) -> Result<(), EngineError> {
        if self.rate_factors != factors {
            self.rate_factors.copy_from_slice(factors);
            // The records hold the rates: everything is sent again from the host's state.
            self.device = None;
        }
        Ok(())
    }

    fn freeze(&mut self, active: &[bool]) -> Result<(), EngineError> {
        if active.len() != self.host.active.len() {
            let (found, expected) = (
                format!("{}", active.len()),
                format!("{}", self.host.active.len()),
            );
            return Err(EngineError::Shape {
                operation: "freezing",
                what: "active".into(),
                found,
                expected,
            });
        }
        self.host
            .active
            .iter_mut()
            .zip(active)
            .for_each(|(held, given)| *held &= given);
        self.survive(|s| {
            for chunk in s.device.iter().flat_map(|d| &d.fleet.chunks) {
                let mut status = chunk.status.read(&s.gpu, 0, chunk.n)?;
                for (one, active) in status.iter_mut().zip(&s.host.active[chunk.first..]) {
                    one[0] &= u32::from(*active);
                }
                chunk.status.write(&s.gpu, 0, &status)?;
            }
            Ok(())
        })
    }

    fn state(&mut self) -> Result<OptimiserState, EngineError> {
        Ok(self.host.clone())
    }
}

/// Refuses trials whose channels are not the population's.
pub(super) fn check_trials(
    operation: &'static str,
    population: &Population,
    trials: &Trials,
) -> Result<(), EngineError> {
    let (found, expected) = (
        (trials.n_inputs, trials.n_outputs),
        (
            population.architecture.inputs,
            population.architecture.outputs,
        ),
    );
    if found == expected && trials.n_trials > 0 && trials.n_steps > 0 {
        return Ok(());
    }
    Err(EngineError::Shape {
        operation,
        what: "trials".into(),
        found: format!(
            "{} trials x {} steps, {} inputs, {} outputs",
            trials.n_trials, trials.n_steps, found.0, found.1
        ),
        expected: format!(
            "{} inputs, {} outputs, at least 1 trial and 1 step",
            expected.0, expected.1
        ),
    })
}

/// Refuses numbers of units that the kernels have no tile for.
pub(super) fn check_units(units: usize) -> Result<(), EngineError> {
    if (1..=256).contains(&units) {
        return Ok(());
    }
    Err(EngineError::Unsupported {
        executor: "GPU",
        what: format!("{units} units"),
        allowed: "1 to 256 units".into(),
    })
}
