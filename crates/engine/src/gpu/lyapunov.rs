//! Lyapunov exponents of every network at once: f32 along the orbit, sums in f64 on the host, batch by batch.

use super::buffer::Buffer;
use super::execute::GpuExecutor;
use super::fleet::Bank;
use super::geometry::Geometry;
use super::kernel::Named;
use super::kernels::{Stage, Variant, link};
use super::pace::{Dims, grid};
use super::plan::Plan;
use crate::error::EngineError;
use crate::lyapunov::{Batch, Options, Orbits};
use crate::population::Population;
use crate::recipe::Loss;
use chiliad_tasks::Trials;
use std::sync::Arc;

/// Steps per dispatch: the rhythm, not the result.
const PER_DISPATCH: usize = 64;

impl GpuExecutor {
    /// Growth of the leading tangents of every network, from `states`, `[network, state field, unit]`, under `inputs`,
    /// `[time, channel]`, taken again and again from the first; one time is a constant input. Without noise.
    ///
    /// Per network its batches, or `None` where the orbit does not stay finite.
    pub fn lyapunov(
        &self,
        population: &Population,
        inputs: &[f32],
        states: &[f32],
        options: &Options,
    ) -> Result<Orbits, EngineError> {
        let architecture = &population.architecture;
        let per_network = architecture.cell.states.len() * architecture.units;
        let channels = architecture.inputs;
        let times = inputs.len().checked_div(channels).unwrap_or(1);
        for (what, found, expected) in [
            ("inputs", inputs.len(), times.max(1) * channels),
            ("states", states.len(), population.n_networks * per_network),
        ] {
            if found != expected {
                return Err(EngineError::Shape {
                    operation: "Lyapunov exponents",
                    what: what.into(),
                    found: format!("{found} values"),
                    expected: format!("{expected} values"),
                });
            }
        }
        if options.warmup.saturating_add(options.steps) > u32::MAX as usize {
            return Err(EngineError::Unsupported {
                executor: "GPU",
                what: format!("{} steps after {}", options.steps, options.warmup),
                allowed: "fewer than 2^32 in all".into(),
            });
        }
        let gpu = &self.gpu()?;
        let k = options.leading(per_network);
        let geometry = Geometry::new(architecture, &population.layout, k, false);
        if k > geometry.tile() || architecture.units == 0 {
            return Err(EngineError::Unsupported {
                executor: "GPU",
                what: format!("{k} Lyapunov exponents of {} units", architecture.units),
                allowed: format!(
                    "1 to {} exponents there; all of them on the CPU",
                    geometry.tile()
                ),
            });
        }
        let plan = Plan::new(&geometry, population.n_networks, k, 1, gpu.limits())?;
        let mut fleet = self.fleet(gpu, population, k, 1, false)?;
        let mut pacer = self.pacer();
        let targets = times * architecture.outputs;
        let bank = Bank::new(
            gpu,
            &Trials {
                n_trials: times,
                n_steps: 1,
                n_inputs: channels,
                n_outputs: architecture.outputs,
                inputs: inputs.to_vec(),
                targets: vec![0.0; targets],
                mask: vec![0.0; targets],
                condition: vec![0; times],
            },
            Loss::MaskedMean,
        )?;
        let kernel = gpu.kernel(&link(
            Stage::Lyapunov,
            architecture,
            &population.layout,
            &geometry,
            &Variant::default(),
        )?)?;
        let history: Buffer<[f32; 4]> =
            Buffer::new(gpu, "history", plan.slots * geometry.history(1))?;
        let operations =
            (geometry.tile() * PER_DISPATCH * (4 * geometry.params + 8 * k * per_network)) as f64;
        let mut all = Vec::with_capacity(population.n_networks);
        for chunk in 0..fleet.chunks.len() {
            let (first, n) = (fleet.chunks[chunk].first, fleet.chunks[chunk].n);
            let held = Buffer::with(
                gpu,
                "states",
                &states[first * per_network..(first + n) * per_network],
            )?;
            let tangents = Buffer::with(gpu, "tangents", &axes(&geometry, k).repeat(n))?;
            let unity = vec![[1.0_f32.to_bits(), 0, 0, 0]; n * geometry.tile()];
            let growth = Buffer::with(gpu, "growth", &unity)?;
            let bound = Arc::new(kernel.bind(
                gpu,
                &[
                    Named::new("networks", &fleet.chunks[chunk].networks),
                    Named::new("weights", fleet.weights()),
                    Named::uniform("dims", &fleet.submission.uniforms, size_of::<Dims>()),
                    Named::new("bank", &bank.buffer),
                    Named::new("history", &history),
                    Named::new("states", &held),
                    Named::new("tangents", &tangents),
                    Named::new("growth", &growth),
                ],
            )?);
            fleet.materialise(&mut pacer, chunk)?;
            let mut done = 0;
            let mut batches: Vec<Vec<Batch>> = vec![Vec::new(); n];
            // The warm-up, then the batches.
            let ends = (0..options.n_batches()).map(|b| options.warmup + options.batch_end(b));
            for (part, end) in std::iter::once(options.warmup).chain(ends).enumerate() {
                let begun = done;
                while done < end {
                    let now = PER_DISPATCH.min(end - done);
                    let mut item = 0;
                    while item < n {
                        let wave = pacer.wave(plan.slots, operations).min(n - item);
                        let dims = Dims {
                            n_steps: 1,
                            batch: k as u32,
                            n_tiles: 1,
                            first_item: item as u32,
                            n_items: wave as u32,
                            bank_trials: times as u32,
                            step: done as u32,
                            n_networks: n as u32,
                            scales: [0.0, now as f32, 0.0, 0.0],
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
                }
                fleet.submission.flush(&mut pacer)?;
                if part > 0 {
                    let grown = growth.read(gpu, 0, n * geometry.tile())?;
                    for (batches, grown) in batches.iter_mut().zip(grown.chunks(geometry.tile())) {
                        batches.push(Batch {
                            steps: done - begun,
                            log_growth: grown[..k].iter().map(logarithm).collect(),
                        });
                    }
                }
                growth.write(gpu, 0, &unity)?;
            }
            let ends = held.read(gpu, 0, n * per_network)?;
            all.extend(
                batches
                    .into_iter()
                    .zip(ends.chunks(per_network))
                    .map(|(b, end)| {
                        let numbers = b.iter().flat_map(|b| &b.log_growth).all(|x| !x.is_nan());
                        (numbers && end.iter().all(|x| x.is_finite())).then_some(b)
                    }),
            );
        }
        Ok(all)
    }
}

/// The first `k` coordinate directions, `[state field][unit][quad]` in vec4s of four tangents.
fn axes(geometry: &Geometry, k: usize) -> Vec<[f32; 4]> {
    let (padded, quads) = (geometry.padded(), geometry.trial_quads);
    let mut axes = vec![[0.0; 4]; geometry.states * padded * quads];
    for tangent in 0..k {
        let (field, unit) = (tangent / geometry.units, tangent % geometry.units);
        axes[(field * padded + unit) * quads + tangent / 4][tangent % 4] = 1.0;
    }
    axes
}

/// Natural logarithm of a growth as the kernel keeps it.
fn logarithm(&[mantissa, exponent, annihilated, _]: &[u32; 4]) -> f64 {
    if annihilated > 0 {
        return f64::NEG_INFINITY;
    }
    f64::from(f32::from_bits(mantissa)).ln()
        + f64::from(exponent.cast_signed()) * std::f64::consts::LN_2
}
