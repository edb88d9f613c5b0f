//! The native executor: one network per thread at a time, SIMD over units, the cell's bytecode between the products.
//!
//! [`level`](Level) picks the instructions, `product` is the register tile, `weights` and `arena` are where things lie,
//! `block` and `passes` run 16 trials forward and backward, `step` gathers batches and sums gradients, `optimise` makes steps of
//! them; `activity` holds penalties of activity, `noise` the variates, `disturb` noise in the states of finished
//! networks, `forcing` teacher forcing.

mod activity;
mod arena;
mod block;
mod disturb;
mod forcing;
mod level;
mod lines;
mod noise;
mod optimise;
mod passes;
mod peak;
mod product;
mod step;
mod weights;

pub use disturb::StateNoise;
pub use level::Level;
pub use peak::peak_gflops;

use crate::error::EngineError;
use crate::executor::forcing::{Teacher, check as check_forcing};
use crate::executor::{
    Executor, Gradient, Memory, OptimiserState, TrainOptions, Training, Trajectories,
};
use crate::population::{Architecture, Layout, Population};
use crate::recipe::{Forcing, Loss, Share};
use chiliad_tasks::Trials;
use noise::BatchNoise;
use rayon::prelude::*;
use std::sync::Arc;
use step::{Objective, Worker, gather_inputs};

/// Trains and rolls out on the processor.
#[derive(Debug)]
pub struct CpuExecutor {
    pool: rayon::ThreadPool,
    level: Level,
}

impl CpuExecutor {
    /// An executor with its own threads; all cores by default. Results do not depend on their number.
    pub fn new(threads: Option<usize>) -> Result<Self, EngineError> {
        Self::with_level(threads, Level::Detected)
    }

    /// The same with the SIMD level chosen: tests force one.
    pub fn with_level(threads: Option<usize>, level: Level) -> Result<Self, EngineError> {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads.unwrap_or(0))
            .build();
        Ok(Self {
            pool: pool.map_err(|e| EngineError::Device {
                message: e.to_string(),
            })?,
            level,
        })
    }

    /// Number of threads.
    pub fn threads(&self) -> usize {
        self.pool.current_num_threads()
    }

    /// Runs something on this executor's threads: rayon's parallel iterators inside use them.
    pub fn install<R: Send>(&self, work: impl FnOnce() -> R + Send) -> R {
        self.pool.install(work)
    }

    fn evaluate(
        &self,
        population: &Population,
        loss_of: Loss,
        trials: &Trials,
        between: &BetweenSteps<'_>,
    ) -> Result<Vec<f32>, EngineError> {
        check("evaluate", population, trials.n_inputs, trials.n_outputs)?;
        let all: Vec<usize> = (0..trials.n_trials).collect();
        let total: f64 = loss_of.weights(trials).iter().sum();
        let outputs = trials.n_outputs;
        Ok(self.pool.install(|| {
            let network = |worker: &mut Worker, n: usize| {
                worker.load(population.network(n), population.network_constants(n));
                let mut loss = 0.0_f64;
                let fill = |to: &mut Vec<f32>, block: &[usize]| {
                    gather_inputs(to, &trials.inputs, trials.n_steps, trials.n_inputs, block);
                };
                worker.forward(trials.n_steps, &all, &fill, &mut |first, t, block, y| {
                    for (slot, row) in y
                        .chunks_exact(outputs.max(1))
                        .enumerate()
                        .take(trials.n_trials - first)
                    {
                        let at = ((first + slot) * trials.n_steps + t) * outputs;
                        let (target, mask) = (&trials.targets[at..], &trials.mask[at..]);
                        loss += loss_of.step(row, &target[..outputs], &mask[..outputs], None);
                    }
                    between(n, first, t, block);
                });
                if total > 0.0 {
                    (loss / total) as f32
                } else {
                    0.0
                }
            };
            (0..population.n_networks)
                .into_par_iter()
                .map_init(
                    || {
                        Worker::new(
                            &population.architecture,
                            &population.layout,
                            self.level,
                            1,
                            0,
                        )
                    },
                    network,
                )
                .collect()
        }))
    }
}

/// Changes a block's states between two steps: `(network, first trial, t, block)`.
type BetweenSteps<'a> = dyn Fn(usize, usize, usize, &mut block::Block) + Sync + 'a;

fn check(
    operation: &'static str,
    population: &Population,
    inputs: usize,
    outputs: usize,
) -> Result<(), EngineError> {
    let architecture = &population.architecture;
    for (what, found, expected) in [
        ("input channels of the trials", inputs, architecture.inputs),
        (
            "output channels of the trials",
            outputs,
            architecture.outputs,
        ),
    ] {
        if found != expected {
            return Err(EngineError::Shape {
                operation,
                what: what.into(),
                found: found.to_string(),
                expected: format!("{expected}, as the networks have"),
            });
        }
    }
    Ok(())
}

impl Executor for CpuExecutor {
    fn describe(&self) -> String {
        format!("CPU, {} threads, {}", self.threads(), self.level.describe())
    }

    fn memory(
        &self,
        architecture: &Architecture,
        n_networks: usize,
        batch: usize,
        n_steps: usize,
    ) -> Result<Memory, EngineError> {
        let layout = Arc::new(Layout::new(architecture));
        let worker = Worker::new(architecture, &layout, self.level, batch, n_steps);
        let threads = self.threads().min(n_networks.max(1));
        // Weights, both moments, the population's own copy, and the best weights.
        let per_network = layout.n_params * size_of::<f32>() * 5;
        let history = threads * worker.bytes(n_steps);
        Ok(Memory {
            per_network,
            history,
            total: n_networks * per_network + history,
            words: format!("{threads} threads, one network each at a time"),
        })
    }

    fn accepts(&self, population: &Population, options: &TrainOptions) -> Result<(), EngineError> {
        options.check(population)?;
        check_forcing("CPU", population, options)
    }

    fn train<'a>(
        &'a self,
        population: &Population,
        options: &TrainOptions,
        from: Option<OptimiserState>,
    ) -> Result<Box<dyn Training + 'a>, EngineError> {
        self.accepts(population, options)?;
        let n = population.params.len();
        let state = from.unwrap_or_else(|| OptimiserState {
            step: 0,
            params: options.raw(&population.params),
            first: vec![0.0; n],
            second: vec![0.0; n],
            active: vec![true; population.n_networks],
            diverged_at: vec![None; population.n_networks],
            alpha: Forcing::start(options.forcing.as_ref(), population.n_networks),
        });
        let sizes = [
            ("parameters", state.params.len(), n),
            ("first moments", state.first.len(), n),
            ("second moments", state.second.len(), n),
        ];
        for (what, found, expected) in sizes {
            if found != expected {
                return Err(EngineError::Shape {
                    operation: "train",
                    what: what.into(),
                    found: found.to_string(),
                    expected: expected.to_string(),
                });
            }
        }
        Ok(Box::new(CpuTraining {
            executor: self,
            population: population.clone(),
            options: options.clone(),
            rate_factors: vec![1.0; population.n_networks],
            state,
        }))
    }

    fn roll_out(
        &self,
        population: &Population,
        inputs: &[f32],
        n_trials: usize,
        n_steps: usize,
    ) -> Result<Trajectories, EngineError> {
        let architecture = &population.architecture;
        let (units, outputs, fields, channels) = (
            architecture.units,
            architecture.outputs,
            architecture.cell.states.len(),
            architecture.inputs,
        );
        if inputs.len() != n_trials * n_steps * channels {
            return Err(EngineError::Shape {
                operation: "roll-out",
                what: "inputs".into(),
                found: format!("{} values", inputs.len()),
                expected: format!("{n_trials} trials x {n_steps} steps x {channels} channels"),
            });
        }
        let all: Vec<usize> = (0..n_trials).collect();
        let per_network: Vec<(Vec<Vec<f32>>, Vec<f32>)> = self.pool.install(|| {
            let network = |worker: &mut Worker, n: usize| {
                worker.load(population.network(n), population.network_constants(n));
                let mut states = vec![vec![0.0; n_trials * n_steps * units]; fields];
                let mut ys = vec![0.0; n_trials * n_steps * outputs];
                let fill = |to: &mut Vec<f32>, block: &[usize]| {
                    gather_inputs(to, inputs, n_steps, channels, block);
                };
                worker.forward(n_steps, &all, &fill, &mut |first, t, block, y| {
                    for slot in 0..arena::BLOCK.min(n_trials - first) {
                        let at = (first + slot) * n_steps + t;
                        for (f, state) in states.iter_mut().enumerate() {
                            let rows = block.arena.at(block.states[f], t + 1);
                            state[at * units..][..units]
                                .copy_from_slice(&rows[slot * block.width..][..units]);
                        }
                        ys[at * outputs..][..outputs]
                            .copy_from_slice(&y[slot * outputs..][..outputs]);
                    }
                });
                (states, ys)
            };
            (0..population.n_networks)
                .into_par_iter()
                .map_init(
                    || Worker::new(architecture, &population.layout, self.level, 1, 0),
                    network,
                )
                .collect()
        });
        let mut trajectories = Trajectories {
            n_networks: population.n_networks,
            n_trials,
            n_steps,
            n_units: units,
            n_outputs: outputs,
            states: vec![Vec::new(); fields],
            outputs: Vec::new(),
        };
        for (states, ys) in per_network {
            for (all, one) in trajectories.states.iter_mut().zip(states) {
                all.extend(one);
            }
            trajectories.outputs.extend(ys);
        }
        Ok(trajectories)
    }

    fn gradient(&self, population: &Population, trials: &Trials) -> Result<Gradient, EngineError> {
        let plain = TrainOptions::new(population.n_networks);
        self.objective(population, &plain, trials)
    }

    fn objective(
        &self,
        population: &Population,
        options: &TrainOptions,
        trials: &Trials,
    ) -> Result<Gradient, EngineError> {
        check("gradient", population, trials.n_inputs, trials.n_outputs)?;
        options.check(population)?;
        check_forcing("CPU", population, options)?;
        let all: Vec<usize> = (0..trials.n_trials).collect();
        let divisors = options.loss.weights(trials);
        let results: Vec<(f32, Vec<f32>)> = self.pool.install(|| {
            let network = |worker: &mut Worker, n: usize| {
                let raw = population.network(n);
                let effective = options.constraint.as_ref().map(|c| c.effective(n, raw));
                let weights = effective.as_deref().unwrap_or(raw);
                worker.load(weights, population.network_constants(n));
                let teacher = options.teacher(population, n, weights, None);
                let objective = options.objective_of(n, weights, teacher);
                let [loss, penalties] =
                    worker.loss_and_gradient(&objective, trials, &divisors, &all, None);
                if let Some(constraint) = &options.constraint {
                    constraint.adjoint(n, raw, &mut worker.gradient);
                }
                ((loss + penalties) as f32, worker.gradient.clone())
            };
            (0..population.n_networks)
                .into_par_iter()
                .map_init(
                    || {
                        Worker::new(
                            &population.architecture,
                            &population.layout,
                            self.level,
                            trials.n_trials,
                            trials.n_steps,
                        )
                    },
                    network,
                )
                .collect()
        });
        let loss = results.iter().map(|r| r.0).collect();
        Ok(Gradient {
            loss,
            gradient: results.into_iter().flat_map(|r| r.1).collect(),
        })
    }
}

impl TrainOptions {
    fn objective_of<'a>(
        &'a self,
        network: usize,
        weights: &'a [f32],
        teacher: Option<Teacher>,
    ) -> Objective<'a> {
        Objective {
            teacher,
            network,
            weights,
            loss: self.loss,
            regularisers: &self.regularisers,
        }
    }
}

/// Training in progress on the processor.
struct CpuTraining<'a> {
    executor: &'a CpuExecutor,
    population: Population,
    options: TrainOptions,
    rate_factors: Vec<f32>,
    state: OptimiserState,
}

impl Training for CpuTraining<'_> {
    fn advance(&mut self, bank: &Trials, n_steps: u64) -> Result<(), EngineError> {
        let all = vec![0; self.population.n_networks];
        self.advance_each(&[bank], &all, n_steps)
    }

    fn advance_each(
        &mut self,
        banks: &[&Trials],
        of: &[usize],
        n_steps: u64,
    ) -> Result<(), EngineError> {
        for bank in banks {
            check("train", &self.population, bank.n_inputs, bank.n_outputs)?;
            self.options.check_bank(bank, self.population.n_networks)?;
        }
        self.options
            .check_each(banks, of, self.population.n_networks)?;
        let weights = banks.iter().map(|bank| self.options.loss.weights(bank));
        let divisors: Vec<Vec<f64>> = weights.collect();
        let longest = banks.iter().map(|b| b.n_steps).max().unwrap_or(0);
        let rate_factors = &self.rate_factors;
        let (population, options, executor, first_step) = (
            &self.population,
            &self.options,
            self.executor,
            self.state.step,
        );
        let n_params = population.layout.n_params;
        let state = &mut self.state;
        let annealed = !state.alpha.is_empty();
        let mut alphas: Vec<Option<f32>> = if annealed {
            state.alpha.iter().copied().map(Some).collect()
        } else {
            vec![None; population.n_networks]
        };
        let networks = state
            .params
            .par_chunks_mut(n_params)
            .zip(state.first.par_chunks_mut(n_params))
            .zip(state.second.par_chunks_mut(n_params))
            .zip(state.active.par_iter())
            .zip(state.diverged_at.par_iter_mut())
            .zip(alphas.par_iter_mut())
            .enumerate()
            .with_max_len(1);
        executor.pool.install(|| {
            networks.for_each_init(
                || {
                    Worker::new(
                        &population.architecture,
                        &population.layout,
                        executor.level,
                        options.batch,
                        longest,
                    )
                },
                |worker, (n, (((((params, first), second), active), diverged), alpha))| {
                    let (bank, divisors) = (banks[of[n]], &divisors[of[n]]);
                    for step in first_step..first_step + n_steps {
                        if !active || diverged.is_some() {
                            return;
                        }
                        let effective = options.constraint.as_ref().map(|c| c.effective(n, params));
                        let weights = effective.as_deref().unwrap_or(params);
                        worker.load(weights, population.network_constants(n));
                        let picked = options.order.pick(
                            (n, population.n_networks),
                            population.seeds[n].data,
                            step,
                            options.batch,
                            bank.n_trials,
                        );
                        if let Some(alpha) = alpha.as_mut() {
                            options.anneal((population, n), weights, (bank, step), alpha);
                        }
                        let teacher = options.teacher(population, n, weights, *alpha);
                        let factor = options.noise_schedule.at(step) as f32;
                        let noise = BatchNoise {
                            seed: population.seeds[n].noise,
                            step,
                            sd: options.noise[n] * factor,
                            input_sd: TrainOptions::of(&options.input_noise, n) * factor,
                        };
                        let [loss, _] = worker.loss_and_gradient(
                            &options.objective_of(n, weights, teacher),
                            bank,
                            divisors,
                            &picked,
                            (noise.sd > 0.0 || noise.input_sd > 0.0).then_some(&noise),
                        );
                        let when = (step, rate_factors[n]);
                        let finite =
                            worker.optimise(options, n, when, loss, [params, first, second]);
                        if !finite {
                            *diverged = Some(step);
                        }
                    }
                },
            );
        });
        if annealed {
            self.state.alpha = alphas.into_iter().flatten().collect();
        }
        self.state.step += n_steps;
        Ok(())
    }

    fn evaluate(&mut self, trials: &Trials) -> Result<Vec<f32>, EngineError> {
        let effective = self.options.effective(&self.state.params);
        self.population.params.copy_from_slice(&effective);
        let (population, options) = (&self.population, &self.options);
        let begin = |n: usize, first: usize, t: usize, block: &mut block::Block| {
            if t > 0 || options.forcing.is_none() {
                return;
            }
            // Trials begin where their first target is and run free from there.
            if let Some(mut teacher) = options.teacher(population, n, population.network(n), None) {
                teacher.share = Share::Start;
                let last = trials.n_trials.min(first + arena::BLOCK);
                let chosen: Vec<usize> = (first..last).collect();
                teacher.force(block, &teacher.signal(trials, &chosen), trials.n_steps, 0);
            }
        };
        let loss = options.loss;
        self.executor.evaluate(population, loss, trials, &begin)
    }

    fn set_rate_factors(&mut self, factors: &[f32]) -> Result<(), EngineError> {
        self.rate_factors.copy_from_slice(factors);
        Ok(())
    }

    fn freeze(&mut self, active: &[bool]) -> Result<(), EngineError> {
        for (a, b) in self.state.active.iter_mut().zip(active) {
            *a &= *b;
        }
        Ok(())
    }

    fn state(&mut self) -> Result<OptimiserState, EngineError> {
        Ok(self.state.clone())
    }
}
