//! The device that a study runs on: chosen, opened, measured.

use crate::error::{Result, StudyError};
use chiliad_engine::cpu::CpuExecutor;
use chiliad_engine::executor::{Executor, TrainOptions};
use chiliad_engine::gpu::{Choice, GpuExecutor, LimitsChoice, list, may_have_real_gpu};
use chiliad_engine::population::{Architecture, initialise::initialise};
use chiliad_tasks::{Task, Trials};
use std::sync::Arc;
use std::time::Instant;

/// A device that was chosen, and why.
pub struct Device {
    /// `cpu` or `gpu`.
    pub kind: &'static str,
    /// The device in words.
    pub words: String,
    /// Why it was taken.
    pub reason: String,
    /// What runs on it.
    pub executor: Box<dyn Executor>,
}

/// Opens `auto`, `cpu`, `gpu` or an adapter by name. `recorded` is what an earlier part of the run took; `work` is the
/// size of a training step in floating-point operations, for the rule of `auto`: a real GPU where there is one and the
/// work is at least [`GPU_WORK`], else the CPU. A software adapter is taken only when named.
///
/// # Errors
///
/// [`StudyError::Input`] where there is no such device.
pub fn open(choice: &str, recorded: Option<&str>, work: f64) -> Result<Device> {
    let other = |r: &&str| choice != "auto" && (*r == "cpu") != (choice == "cpu");
    if let Some(recorded) = recorded.filter(other) {
        return Err(StudyError::Input(format!(
            "--device {choice}: this folder was begun on `{recorded}`, and results differ in the last bits between devices; go on with --device {recorded}, or choose another folder"
        )));
    }
    let cpu = |reason: String| -> Result<Device> {
        let executor = CpuExecutor::new(None)?;
        Ok(Device {
            kind: "cpu",
            words: executor.describe(),
            reason,
            executor: Box::new(executor),
        })
    };
    let gpu = |choice: &Choice, reason: String| -> Result<Device> {
        let executor = GpuExecutor::open(choice, LimitsChoice::Adapter)?;
        Ok(Device {
            kind: "gpu",
            words: executor.describe(),
            reason,
            executor: Box::new(executor),
        })
    };
    let begun = "the run was begun on it".to_owned();
    match (recorded, choice) {
        (Some("gpu"), "auto") => gpu(&Choice::Auto, begun),
        (Some(_), "auto") => cpu(begun),
        // Small work does not wait for the drivers.
        (_, "auto") if work < GPU_WORK => cpu(format!(
            "the work is small: {:.1} GFLOP a step; a GPU is looked for from {:.0} on",
            work / 1e9,
            GPU_WORK / 1e9
        )),
        (_, "auto") if !may_have_real_gpu() || list().iter().all(|a| a.software) => {
            cpu("no real GPU found; a software adapter is taken only when named".into())
        }
        (_, "auto") => gpu(
            &Choice::Auto,
            format!(
                "a real GPU, and the work is large enough: {:.1} GFLOP a step",
                work / 1e9
            ),
        ),
        (_, "cpu") => cpu("asked for".into()),
        (_, "gpu") => gpu(&Choice::Auto, "asked for".into()),
        (_, name) => {
            let known: Vec<String> = list()
                .into_iter()
                .map(|a| format!("\"{}\"", a.name))
                .collect();
            if !known
                .iter()
                .any(|k| k.to_lowercase().contains(&name.to_lowercase()))
            {
                return Err(StudyError::Input(format!(
                    "--device {name}: no such device; allowed here: auto, cpu, gpu, or part of an adapter's name: [{}]",
                    known.join(", ")
                )));
            }
            gpu(&Choice::Named(name.into()), format!("named `{name}`"))
        }
    }
}

/// A GPU for checks: a real one, else a software adapter; none where there is no adapter at all.
///
/// # Errors
///
/// Those of opening the adapter.
pub fn any_gpu() -> Result<Option<GpuExecutor>> {
    let Some(best) = list().into_iter().next() else {
        return Ok(None);
    };
    let choice = Choice::Named(best.name);
    Ok(Some(GpuExecutor::open(&choice, LimitsChoice::Adapter)?))
}

/// Work of one training step, in floating-point operations, from which on a real GPU is taken (project default: not
/// yet measured on one).
pub const GPU_WORK: f64 = 1e9;

/// Peak and training speed of the CPU in GFLOP/s: vanilla, 256 networks of 64 units, 64 trials of 100 steps, a training
/// step counted as 3 forward passes of the products.
///
/// # Errors
///
/// Those of the executor.
pub fn measure() -> Result<(f64, f64)> {
    let executor = CpuExecutor::new(None)?;
    let peak = chiliad_engine::cpu::peak_gflops(&executor);
    let (networks, units, trials, steps, channels) = (256, 64, 64, 100, 3);
    let cell = Arc::new(chiliad_engine::cell::Cell::builtin("vanilla", "tanh")?);
    let seeds: Vec<_> = (0..networks as u64)
        .map(chiliad_engine::population::Seeds::all)
        .collect();
    let population = initialise(
        &Architecture {
            cell,
            units,
            inputs: channels,
            outputs: channels,
        },
        &seeds,
    );
    let sampled = Task::builtin("flip_flop")?.sample("ood-double_length", trials, 0)?;
    let cut = |data: &[f32]| {
        data.chunks(sampled.n_steps * channels)
            .flat_map(|t| t[..steps * channels].to_vec())
            .collect::<Vec<f32>>()
    };
    let bank = Trials {
        n_steps: steps,
        inputs: cut(&sampled.inputs),
        targets: cut(&sampled.targets),
        mask: cut(&sampled.mask),
        ..sampled.clone()
    };
    let mut training = executor.train(&population, &TrainOptions::new(networks), None)?;
    training.advance(&bank, 1)?;
    let start = Instant::now();
    let n = 5;
    training.advance(&bank, n)?;
    let products = (units * units + 2 * units * channels) as f64;
    let flops = 2.0 * 3.0 * products * (networks * trials * steps) as f64 * n as f64;
    Ok((peak, flops / start.elapsed().as_secs_f64() / 1e9))
}
