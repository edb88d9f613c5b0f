//! `roll-out`, `gradient`: numbers of a population on plain files.

use super::{Which, answer, refuse};
use chiliad::{engine_calls, folder};
use chiliad_engine::files::tensors_to_bytes;
use chiliad_tasks::{NpzArray, Trials, read_npz, write_npz};
use serde_json::json;
use std::path::{Path, PathBuf};

#[derive(clap::Args)]
pub(crate) struct RollOutArguments {
    #[command(flatten)]
    which: Which,
    /// npz with `inputs` [trial, time, channel].
    #[arg(long)]
    inputs: PathBuf,
    /// npz: `state.<name>` [network, trial, time, unit], `outputs` [network, trial, time, channel].
    #[arg(long)]
    out: PathBuf,
    #[arg(long, default_value = "auto")]
    device: String,
}

#[derive(clap::Args)]
pub(crate) struct GradientArguments {
    #[command(flatten)]
    which: Which,
    /// npz with `inputs`, `targets` and `mask`.
    #[arg(long)]
    trials: PathBuf,
    /// safetensors: `loss` [network] and every tensor's gradient, network axis first.
    #[arg(long)]
    out: PathBuf,
    #[arg(long, default_value = "auto")]
    device: String,
}

/// An array of an npz file with so many axes, the last of a known length; every value finite.
pub(super) fn array(
    file: &Path,
    name: &str,
    axes: &str,
    rank: usize,
    last: usize,
) -> anyhow::Result<NpzArray> {
    let mut arrays = read_npz(file)?;
    let held: Vec<String> = arrays
        .iter()
        .map(|(n, a)| format!("`{n}` {:?}", a.shape))
        .collect();
    let Some(array) = arrays.remove(name) else {
        return refuse(format!(
            "{}: no array `{name}` {axes}; the file holds {}",
            file.display(),
            held.join(", ")
        ));
    };
    if array.shape.len() != rank || array.shape.last() != Some(&last) || array.shape.contains(&0) {
        return refuse(format!(
            "{}: array `{name}` has shape {:?}, expected {axes} with {last} in the last axis and no axis empty",
            file.display(),
            array.shape
        ));
    }
    // Taken as f32: what overflows there is refused as well.
    match array.to_f32().iter().position(|x| !x.is_finite()) {
        Some(i) => refuse(format!(
            "{}: array `{name}`, element {i} in row-major order is not a finite f32; every value must be",
            file.display()
        )),
        None => Ok(array),
    }
}

pub(super) fn roll_out(a: &RollOutArguments, json: bool) -> anyhow::Result<()> {
    let population = a.which.open()?.population;
    let inputs = array(
        &a.inputs,
        "inputs",
        "[trial, time, channel]",
        3,
        population.architecture.inputs,
    )?;
    let device = engine_calls::open(&a.device, None, 0.0)?;
    let t = engine_calls::roll_out(
        &*device.executor,
        &population,
        &inputs.to_f32(),
        inputs.shape[0],
        inputs.shape[1],
    )?;
    let lead = [t.n_networks, t.n_trials, t.n_steps];
    let names: Vec<String> = population
        .architecture
        .cell
        .states
        .iter()
        .map(|s| format!("state.{s}"))
        .collect();
    let mut arrays: Vec<(&str, NpzArray)> = names
        .iter()
        .zip(t.states)
        .map(|(n, s)| {
            (
                n.as_str(),
                NpzArray::f32(&[lead[0], lead[1], lead[2], t.n_units], s),
            )
        })
        .collect();
    arrays.push((
        "outputs",
        NpzArray::f32(&[lead[0], lead[1], lead[2], t.n_outputs], t.outputs),
    ));
    write_npz(&a.out, &arrays)?;
    answer(
        json,
        &json!({"out": a.out.display().to_string(), "networks": lead[0], "trials": lead[1], "steps": lead[2]}),
        &format!(
            "{} networks on {} trials of {} steps in {}",
            lead[0],
            lead[1],
            lead[2],
            a.out.display()
        ),
    );
    Ok(())
}

pub(super) fn gradient(a: &GradientArguments, json: bool) -> anyhow::Result<()> {
    let population = a.which.open()?.population;
    let trials = Trials::load_npz(&a.trials)?;
    let architecture = &population.architecture;
    if (trials.n_inputs, trials.n_outputs) != (architecture.inputs, architecture.outputs) {
        return refuse(format!(
            "{}: trials have {} inputs and {} outputs, the networks {} and {}",
            a.trials.display(),
            trials.n_inputs,
            trials.n_outputs,
            architecture.inputs,
            architecture.outputs
        ));
    }
    let device = engine_calls::open(&a.device, None, 0.0)?;
    let g = device.executor.gradient(&population, &trials)?;
    let (n, p) = (population.n_networks, population.layout.n_params);
    let mut tensors = vec![("loss".to_owned(), vec![n], g.loss.clone())];
    for t in &population.layout.tensors {
        let shape = std::iter::once(n).chain(t.shape.iter().copied()).collect();
        tensors.push((
            t.name.clone(),
            shape,
            (0..n)
                .flat_map(|k| &g.gradient[k * p..][t.range()])
                .copied()
                .collect(),
        ));
    }
    folder::write(&a.out, &tensors_to_bytes(&tensors, None)?)?;
    answer(
        json,
        &json!({"out": a.out.display().to_string(), "loss": g.loss}),
        &format!("loss {:?}; gradients in {}", g.loss, a.out.display()),
    );
    Ok(())
}
