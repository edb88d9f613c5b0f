//! `run`, `study show`, `status`, `merge`, `report`, `device`.

use super::{answer, refuse, summary};
use crate::terminal::{Progress, say};
use chiliad::engine_calls;
use chiliad::manifest::{Shard, StudyFolder};
use chiliad::run::{Events, RunOptions, default_folder};
use chiliad::study::{Origin, Study};
use serde_json::json;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

#[derive(clap::Args)]
pub(crate) struct RunArguments {
    /// The study file.
    study: PathBuf,
    /// Folder of the results [default: results/<name of the file>].
    #[arg(long)]
    out: Option<PathBuf>,
    /// auto, cpu, gpu or the name of an adapter.
    #[arg(long, default_value = "auto")]
    device: String,
    /// Replace a value of the study, as in networks[0].units=64.
    #[arg(long = "set", value_name = "PATH=VALUE")]
    settings: Vec<String>,
    /// Part I of N of every population.
    #[arg(long, value_name = "I/N", value_parser = Shard::parse)]
    shard: Option<Shard>,
    /// Say what would be done, and do nothing.
    #[arg(long)]
    dry: bool,
    /// Seconds between checkpoints.
    #[arg(long, default_value_t = 20.0)]
    checkpoint_every: f64,
    /// Seconds after which the run ends with code 75, to be taken up again.
    #[arg(long)]
    time_limit: Option<u64>,
}

#[derive(clap::Subcommand)]
pub(crate) enum StudyCommand {
    /// The study with every default explicit.
    Show {
        file: PathBuf,
        #[arg(long = "set", value_name = "PATH=VALUE")]
        settings: Vec<String>,
    },
}

pub(super) fn run(a: &RunArguments, json: bool) -> anyhow::Result<()> {
    let (study, text) = chiliad::resolve::load(&a.study, &a.settings)?;
    if a.checkpoint_every.is_nan() || a.checkpoint_every < 0.0 {
        return refuse(format!(
            "--checkpoint-every {}; allowed: seconds, 0 or more",
            a.checkpoint_every
        ));
    }
    if a.dry {
        return dry(&study, (&text, &a.study), (&a.device, a.shard), json);
    }
    let options = RunOptions {
        file: a.study.clone(),
        out: a.out.clone().unwrap_or_else(|| default_folder(&a.study)),
        device: a.device.clone(),
        shard: a.shard,
        checkpoint_secs: a.checkpoint_every,
        time_limit_secs: a.time_limit,
    };
    let folder = chiliad::run::run(&study, &text, &options, &mut Progress::new(json))?;
    summary::study(&folder, json)
}

pub(super) fn study(command: &StudyCommand, json: bool) -> anyhow::Result<()> {
    let StudyCommand::Show { file, settings } = command;
    let (study, _) = chiliad::resolve::load(file, settings)?;
    if json {
        say(&serde_json::to_string(&study)?);
    } else {
        say(study.to_ron()?.trim_end());
    }
    Ok(())
}

/// Networks, parameters and memory on the device that a run would take, without running anything.
fn dry(
    study: &Study,
    source: (&str, &Path),
    (device, shard): (&str, Option<Shard>),
    json: bool,
) -> anyhow::Result<()> {
    let task = study.task.load()?;
    let device = engine_calls::open(device, None, engine_calls::work(study, &task)?)?;
    chiliad::run::accepted(study, &device, source, shard)?;
    let mut rows = Vec::new();
    let mut text = format!(
        "{}\ntask {}, {} networks in {} populations\n",
        study.title,
        study.task.name,
        study.n_networks(),
        study.populations.len()
    );
    let _ = writeln!(text, "device: {} ({})", device.words, device.reason);
    let (mut parameters, mut most) = (0, 0);
    for plan in &study.populations {
        let n_params = engine_calls::initial(plan, &[])?.layout.n_params;
        let memory = engine_calls::memory(&*device.executor, plan, &task)?;
        parameters += n_params * plan.networks.len();
        most = memory.total.max(most);
        let steps = match &plan.origin {
            Origin::Train(t) => t.max_steps,
            _ => 0,
        };
        let _ = writeln!(
            text,
            "  {:32} {:6} networks, {n_params} parameters, at most {steps} steps\n  {:32} {} bytes per network for weights and moments, {:.1} MB of history ({}), {:.1} MB in all",
            plan.label,
            plan.networks.len(),
            "",
            memory.per_network,
            memory.history as f64 / 1e6,
            memory.words,
            memory.total as f64 / 1e6
        );
        rows.push(json!({"label": plan.label, "networks": plan.networks.len(), "parameters": n_params, "bytes_per_network": memory.per_network,
            "history_bytes": memory.history, "bytes": memory.total, "memory": memory.words, "max_steps": steps}));
    }
    for beside in study.companions() {
        let _ = writeln!(
            text,
            "  {:32} {:6} networks, trained beside for the comparison",
            beside.plan.label,
            beside.plan.networks.len()
        );
    }
    let minutes = engine_calls::minutes(study, &task)?;
    let _ = writeln!(
        text,
        "in all {parameters} parameters; populations are trained one after the other, so at most {:.1} MB at once, without trials; on this CPU about {minutes:.1} minutes if every network takes all its steps{}",
        most as f64 / 1e6,
        if study.topology.is_some()
            || study.dynamics.linearise.is_some()
            || study.comparison.is_some()
        {
            "; graphs, linear systems and distances not counted"
        } else {
            ""
        }
    );
    let compared = study
        .comparison
        .as_ref()
        .map(|plan| chiliad::distances::memory::needed(study, &task, plan))
        .transpose()?;
    if let Some(c) = &compared {
        let _ = writeln!(
            text,
            "comparison of at most {} networks: {} pairs per measure; at most {:.1} MB for prepared networks ({}), {:.1} MB for figures and matrices",
            c.networks,
            c.pairs,
            c.prepared as f64 / 1e6,
            c.largest,
            c.figures as f64 / 1e6
        );
    }
    let decidable = study
        .claims
        .iter()
        .filter(|c| chiliad::gather::decidable(study, c))
        .count();
    if !study.claims.is_empty() {
        let _ = writeln!(
            text,
            "{} claims, of which this version can decide {decidable}",
            study.claims.len()
        );
    }
    answer(
        json,
        &json!({"title": study.title, "networks": study.n_networks(), "populations": rows, "device": {"kind": device.kind, "name": device.words, "reason": device.reason}, "parameters": parameters, "bytes": most, "minutes": minutes, "comparison": compared, "claims_decidable": decidable}),
        text.trim_end(),
    );
    Ok(())
}

pub(super) fn status(dir: &Path, json: bool) -> anyhow::Result<()> {
    let folder = StudyFolder::load(dir)?;
    let study = folder.study()?;
    let tuned = study
        .populations
        .iter()
        .filter(|p| matches!(&p.origin, Origin::Train(train) if train.tuning.is_some()));
    let mut stages: Vec<String> = tuned.map(|p| format!("tune/{}", p.label)).collect();
    let of_populations = |stage: &'static str| {
        let populations = study.populations.iter();
        populations.map(move |p| format!("{stage}/{}", p.label))
    };
    stages.extend(study.stages().into_iter().flat_map(of_populations));
    if folder.manifest.shard.is_none() {
        stages.extend(
            study
                .comparison
                .iter()
                .map(|_| chiliad::run::distances::STAGE.into()),
        );
        stages.extend(
            study
                .benchmark
                .iter()
                .map(|_| chiliad::run::benchmark::STAGE.into()),
        );
        stages.push("report".into());
    }
    let mut text = format!(
        "{}\n{} ({})\n",
        study.title, folder.manifest.device, folder.manifest.device_reason
    );
    let mut rows = Vec::new();
    for stage in &stages {
        let finished = folder.finished(stage);
        let label = stage.strip_prefix("train/").unwrap_or_default();
        let begun = !label.is_empty()
            && dir
                .join("populations")
                .join(label)
                .join("checkpoint.npz")
                .exists();
        let words = if finished {
            "finished"
        } else if begun {
            "begun"
        } else {
            "to do"
        };
        let _ = writeln!(text, "  {stage:44} {words}");
        rows.push(json!({"stage": stage, "state": words}));
    }
    let done = stages.iter().all(|s| folder.finished(s));
    answer(
        json,
        &json!({"title": study.title, "finished": done, "shard": folder.manifest.shard, "stages": rows}),
        text.trim_end(),
    );
    Ok(())
}

pub(super) fn merge(dirs: &[PathBuf], out: &Path, json: bool) -> anyhow::Result<()> {
    let mut folder = chiliad::merge::merge(dirs, out)?;
    let study = folder.study()?;
    let mut progress = Progress::new(json);
    // Pairs go across parts, so networks are compared once all of them are there.
    chiliad::run::distances::compare(
        &mut folder,
        &study,
        &study.task.load()?,
        &mut progress,
        &|| None,
    )?;
    let device = engine_calls::open("cpu", None, 0.0)?;
    chiliad::run::benchmark::benchmark(
        &mut folder,
        &study,
        &study.task.load()?,
        &*device.executor,
        &mut progress,
    )?;
    report(out, json)
}

pub(super) fn report(dir: &Path, json: bool) -> anyhow::Result<()> {
    let mut folder = StudyFolder::load(dir)?;
    let device = engine_calls::open("cpu", None, 0.0)?;
    let mut progress = Progress::new(json);
    progress.begin("report", "");
    let files = chiliad::run::write_report(&mut folder, &*device.executor)?;
    folder.finish("report", files, 0.0)?;
    progress.end();
    summary::study(&folder, json)
}

pub(super) fn device(measure: bool, json: bool) -> anyhow::Result<()> {
    let device = engine_calls::open("auto", None, f64::INFINITY)?;
    let cpu = engine_calls::open("cpu", None, 0.0)?;
    let mut devices = vec![json!({"kind": "cpu", "name": cpu.words})];
    let mut words = format!("cpu  {}\n", cpu.words);
    for a in chiliad_engine::gpu::list() {
        let limits = &a.limits;
        devices.push(json!({"kind": "gpu", "name": a.name, "backend": a.backend, "type": a.kind, "driver": a.driver, "software": a.software,
            "limits": {"max_storage_buffer_binding_size": limits.max_storage_buffer_binding_size, "max_buffer_size": limits.max_buffer_size,
                "max_compute_workgroup_storage_size": limits.max_compute_workgroup_storage_size, "max_compute_invocations_per_workgroup": limits.max_compute_invocations_per_workgroup,
                "max_storage_buffers_per_shader_stage": limits.max_storage_buffers_per_shader_stage}}));
        let _ = writeln!(
            words,
            "gpu  {} ({}, {}, {}){}; bindings of {} MiB, {} KiB per workgroup, {} invocations",
            a.name,
            a.backend,
            a.kind,
            a.driver,
            if a.software {
                ", software: only when named"
            } else {
                ""
            },
            limits.max_storage_buffer_binding_size >> 20,
            limits.max_compute_workgroup_storage_size >> 10,
            limits.max_compute_invocations_per_workgroup
        );
    }
    let _ = write!(
        words,
        "choice for a large study: {} ({})",
        device.kind, device.reason
    );
    let mut value = json!({"devices": devices, "choice": device.kind, "reason": device.reason});
    if measure {
        let (peak, train) = engine_calls::measure()?;
        value["peak_gflops"] = json!(peak);
        value["train_gflops"] = json!(train);
        let _ = write!(
            words,
            "\nFMA peak {peak:.0} GFLOP/s; training, vanilla 256 networks x 64 units x 64 trials x 100 steps: {train:.0} GFLOP/s ({:.0} %)",
            100.0 * train / peak
        );
    }
    answer(json, &value, &words);
    Ok(())
}
