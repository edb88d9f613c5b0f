//! Descent of q = 1/2 |F(h) - h|^2 from many seeds of every network at once.

use super::buffer::Buffer;
use super::execute::GpuExecutor;
use super::fleet::Bank;
use super::geometry::Geometry;
use super::kernel::Named;
use super::kernels::{Stage, Variant, link};
use super::pace::{Dims, grid};
use super::plan::Plan;
use crate::error::EngineError;
use crate::population::Population;
use crate::recipe::Loss;
use chiliad_tasks::Trials;
use std::sync::Arc;

/// How a descent goes.
#[derive(Clone, Debug)]
pub struct DescendOptions {
    /// Adam steps at most.
    pub iterations: usize,
    /// Step size at the start.
    pub learning_rate: f32,
    /// Iterations after which the step size has halved, again and again.
    pub half_life: f32,
    /// A seed whose q is at or below this stays where it is.
    pub tolerance: f32,
    /// Iterations per dispatch: the rhythm, not the result.
    pub per_dispatch: usize,
}

impl Default for DescendOptions {
    fn default() -> Self {
        Self {
            iterations: 5000,
            learning_rate: 0.02,
            half_life: 1000.0,
            tolerance: 1e-10,
            per_dispatch: 100,
        }
    }
}

/// Where the seeds ended.
#[derive(Clone, Debug, PartialEq)]
pub struct Descent {
    /// `[network, seed, state field, unit]`
    pub states: Vec<f32>,
    /// q at exactly these states, `[network, seed]`.
    pub q: Vec<f32>,
}

impl GpuExecutor {
    /// Descends from `seeds`, `[network, seed, state field, unit]`, at the constant input `input`, `[channel]`, without noise.
    /// What becomes of a seed depends on no other seed.
    pub fn descend(
        &self,
        population: &Population,
        input: &[f32],
        seeds: &[f32],
        n_seeds: usize,
        options: &DescendOptions,
    ) -> Result<Descent, EngineError> {
        let architecture = &population.architecture;
        let per_seed = architecture.cell.states.len() * architecture.units;
        let per_network = n_seeds * per_seed;
        for (what, found, expected) in [
            ("input", input.len(), architecture.inputs),
            ("seeds", seeds.len(), population.n_networks * per_network),
        ] {
            if found != expected || n_seeds == 0 {
                return Err(EngineError::Shape {
                    operation: "descent",
                    what: what.into(),
                    found: format!("{found} values"),
                    expected: format!("{expected} values, at least 1 seed"),
                });
            }
        }
        let gpu = &self.gpu()?;
        let geometry = Geometry::new(architecture, &population.layout, n_seeds, true);
        let plan = Plan::new(&geometry, population.n_networks, n_seeds, 1, gpu.limits())?;
        let mut fleet = self.fleet(gpu, population, n_seeds, 1, true)?;
        let mut pacer = self.pacer();
        let n_targets = architecture.outputs;
        let trials = Trials {
            n_trials: 1,
            n_steps: 1,
            n_inputs: input.len(),
            n_outputs: n_targets,
            inputs: input.to_vec(),
            targets: vec![0.0; n_targets],
            mask: vec![0.0; n_targets],
            condition: vec![0],
        };
        let bank = Bank::new(gpu, &trials, Loss::MaskedMean)?;
        let kernel = gpu.kernel(&link(
            Stage::Descend,
            architecture,
            &population.layout,
            &geometry,
            &Variant::default(),
        )?)?;
        let history: Buffer<[f32; 4]> =
            Buffer::new(gpu, "history", plan.slots * geometry.history(1))?;
        let per_item = 2 * geometry.states * geometry.padded() * geometry.trial_quads;
        let mut descent = Descent {
            states: Vec::with_capacity(seeds.len()),
            q: Vec::new(),
        };
        for chunk in 0..fleet.chunks.len() {
            let (first, n) = (fleet.chunks[chunk].first, fleet.chunks[chunk].n);
            let states = Buffer::with(
                gpu,
                "seeds",
                &seeds[first * per_network..(first + n) * per_network],
            )?;
            let speeds: Buffer<f32> = Buffer::new(gpu, "speeds", n * n_seeds)?;
            let moments = Buffer::with(
                gpu,
                "moments",
                &vec![[0.0_f32; 4]; n * plan.tiles * per_item],
            )?;
            let bound = kernel.bind(
                gpu,
                &[
                    Named::new("networks", &fleet.chunks[chunk].networks),
                    Named::new("weights", fleet.weights()),
                    Named::uniform("dims", &fleet.submission.uniforms, size_of::<Dims>()),
                    Named::new("bank", &bank.buffer),
                    Named::new("history", &history),
                    Named::new("seeds", &states),
                    Named::new("speeds", &speeds),
                    Named::new("moments", &moments),
                ],
            )?;
            let bound = Arc::new(bound);
            fleet.materialise(&mut pacer, chunk)?;
            let n_items = n * plan.tiles;
            let mut done = 0;
            // One dispatch at least: it measures q even where no step is asked for.
            loop {
                let now = options.per_dispatch.max(1).min(options.iterations - done);
                let operations = (geometry.tile() * (now + 1) * 4 * geometry.params) as f64;
                let mut item = 0;
                while item < n_items {
                    let wave = pacer.wave(plan.slots, operations).min(n_items - item);
                    let dims = Dims {
                        n_steps: 1,
                        batch: n_seeds as u32,
                        n_tiles: plan.tiles as u32,
                        first_item: item as u32,
                        n_items: wave as u32,
                        bank_trials: 1,
                        step: done as u32,
                        n_networks: n as u32,
                        update: [0.9, 0.999, 1e-8, options.tolerance],
                        scales: [options.learning_rate, now as f32, options.half_life, 0.0],
                        ..Dims::default()
                    };
                    fleet.submission.push(
                        &mut pacer,
                        (&kernel, &bound),
                        dims,
                        grid(wave),
                        wave as f64 * operations,
                    )?;
                    item += wave;
                }
                done += now;
                if done >= options.iterations {
                    break;
                }
            }
            fleet.submission.flush(&mut pacer)?;
            descent.states.extend(states.read(gpu, 0, n * per_network)?);
            descent.q.extend(speeds.read(gpu, 0, n * n_seeds)?);
        }
        Ok(descent)
    }
}
