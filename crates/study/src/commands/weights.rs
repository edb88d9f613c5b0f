//! `import` and `export`.

use super::{Which, answer, refuse};
use chiliad::{engine_calls, folder, population_folder};
use chiliad_engine::cell::Cell;
use chiliad_engine::files::{own, pytorch};
use chiliad_tasks::Trials;
use serde_json::json;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::Arc;

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Names {
    Chiliad,
    Pytorch,
}

#[derive(clap::Args)]
pub(crate) struct ImportArguments {
    /// A safetensors file.
    weights: PathBuf,
    /// The cell with their equations: a name, or the path of a .wgsl file.
    #[arg(long)]
    cell: String,
    #[arg(long, default_value = "tanh")]
    activation: String,
    /// Constants of the cell, as in leak=0.2,slope=1.
    #[arg(long, value_delimiter = ',')]
    constants: Vec<String>,
    #[arg(long, value_enum, default_value = "chiliad")]
    layout: Names,
    /// Trials on which the loss of every network is printed.
    #[arg(long)]
    trials: Option<PathBuf>,
    #[arg(long)]
    out: PathBuf,
}

#[derive(clap::Args)]
pub(crate) struct ExportArguments {
    #[command(flatten)]
    which: Which,
    #[arg(long, value_enum, default_value = "pytorch")]
    layout: Names,
    /// One network only, without the network axis.
    #[arg(long)]
    network: Option<usize>,
    /// The file [default: pytorch.safetensors in the population's folder].
    #[arg(long)]
    out: Option<PathBuf>,
}

pub(super) fn import(a: &ImportArguments, json: bool) -> anyhow::Result<()> {
    let ours = a.out.join("import.json").exists();
    let occupied = std::fs::read_dir(&a.out).is_ok_and(|mut entries| entries.next().is_some());
    if occupied && !ours || a.out.is_file() {
        return refuse(format!(
            "--out {}: holds something else than an import; choose another folder",
            a.out.display()
        ));
    }
    let mut constants: Vec<(String, f64)> = Vec::new();
    for setting in a.constants.iter().filter(|s| !s.is_empty()) {
        match setting
            .split_once('=')
            .and_then(|(k, v)| Some((k.trim().to_owned(), v.trim().parse::<f64>().ok()?)))
        {
            Some((name, _)) if constants.iter().any(|(known, _)| *known == name) => {
                return refuse(format!("--constants {setting}: `{name}` is set twice"));
            }
            Some(constant) => constants.push(constant),
            None => {
                return refuse(format!(
                    "--constants {setting}: written name=number, as in leak=0.2"
                ));
            }
        }
    }
    let cell = Arc::new(Cell::find(&a.cell, &a.activation)?);
    let imported = match a.layout {
        Names::Chiliad => own::import(&a.weights, &cell, &constants)?,
        Names::Pytorch => pytorch::import(&a.weights, &cell, &constants)?,
    };
    let population = &imported.population;
    let losses = match &a.trials {
        Some(file) => {
            let trials = Trials::load_npz(file)?;
            Some(engine_calls::losses(
                &*engine_calls::open("cpu", None, 0.0)?.executor,
                population,
                &trials,
            )?)
        }
        None => None,
    };
    folder::make(&a.out)?;
    folder::write(
        &a.out.join(population_folder::WEIGHTS),
        &own::to_bytes(population)?,
    )?;
    let value = json!({"file": a.weights.display().to_string(), "networks": population.n_networks, "units": population.architecture.units, "inputs": population.architecture.inputs, "outputs": population.architecture.outputs,
        "tensors": imported.map, "notes": imported.notes, "losses": losses, "out": a.out.display().to_string()});
    folder::write(
        &a.out.join("import.json"),
        serde_json::to_string_pretty(&value)?.as_bytes(),
    )?;
    let mut text = format!(
        "{} networks of {} units, {} inputs, {} outputs\n",
        population.n_networks,
        population.architecture.units,
        population.architecture.inputs,
        population.architecture.outputs
    );
    for m in &imported.map {
        let _ = writeln!(
            text,
            "  {:14} {:12} = {}",
            m.tensor,
            format!("{:?}", m.shape),
            m.from
        );
    }
    for note in &imported.notes {
        let _ = writeln!(text, "note: {note}");
    }
    for (n, loss) in losses.iter().flatten().enumerate() {
        let _ = writeln!(text, "network {n}: loss {loss}");
    }
    answer(json, &value, text.trim_end());
    Ok(())
}

pub(super) fn export(a: &ExportArguments, json: bool) -> anyhow::Result<()> {
    let found = a.which.open()?;
    let population = match a.network {
        Some(n) if n >= found.population.n_networks => {
            return refuse(format!(
                "--network {n}: there are {}, from 0",
                found.population.n_networks
            ));
        }
        Some(n) => found.population.select(&[n]),
        None => found.population,
    };
    let (bytes, name, notes) = match a.layout {
        Names::Pytorch => (
            pytorch::to_bytes(&population)?,
            "pytorch.safetensors",
            pytorch::lost(&population),
        ),
        Names::Chiliad => (
            own::to_bytes(&population)?,
            "chiliad.safetensors",
            Vec::new(),
        ),
    };
    let out = a.out.clone().unwrap_or_else(|| found.folder.join(name));
    let mut text = format!("{} networks in {}", population.n_networks, out.display());
    for note in &notes {
        let _ = write!(text, "\nnote: {note}");
    }
    folder::write(&out, &bytes)?;
    answer(
        json,
        &json!({"out": out.display().to_string(), "networks": population.n_networks, "notes": notes}),
        &text,
    );
    Ok(())
}
