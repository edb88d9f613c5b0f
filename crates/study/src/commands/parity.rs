//! `parity`: a finished study once more, on the CPU and on another device.

use super::{answer, refuse};
use crate::terminal::Progress;
use chiliad::engine_calls;
use chiliad::manifest::StudyFolder;
use chiliad::parity::{Parity, ParityOptions, WITHIN, parity as compare};
use chiliad_engine::cpu::CpuExecutor;
use chiliad_engine::executor::Executor;
use serde_json::json;
use std::fmt::Write as _;
use std::path::PathBuf;

#[derive(clap::Args)]
pub(crate) struct ParityArguments {
    /// Folder of a finished study.
    dir: PathBuf,
    /// What the CPU is compared with: gpu or the name of an adapter [default: the best adapter, software ones included].
    #[arg(long)]
    device: Option<String>,
    /// Networks of each population.
    #[arg(long, default_value_t = 2)]
    networks: usize,
    /// Fewer training steps than the study gives.
    #[arg(long)]
    max_steps: Option<u64>,
}

pub(super) fn parity(a: &ParityArguments, json: bool) -> anyhow::Result<()> {
    let folder = StudyFolder::load(&a.dir)?;
    if a.networks == 0 || a.max_steps == Some(0) {
        return refuse("--networks and --max-steps: 0; allowed: 1 or more".into());
    }
    let other: Box<dyn Executor> = match a.device.as_deref() {
        Some("auto" | "cpu") => {
            return refuse(
                "--device: the CPU is compared with another device; allowed: gpu or part of an adapter's name".into(),
            );
        }
        Some(name) => engine_calls::open(name, None, 0.0)?.executor,
        None => match engine_calls::any_gpu()? {
            Some(gpu) => Box::new(gpu),
            None => return refuse("no adapter: there is no device to compare the CPU with".into()),
        },
    };
    let cpu = CpuExecutor::new(None)?;
    let options = ParityOptions {
        networks: a.networks,
        max_steps: a.max_steps,
    };
    let found = compare(&folder, [&cpu, &*other], options, &mut Progress::new(json))?;
    let agrees = found.disagreements.is_empty();
    let mut value = serde_json::to_value(&found)?;
    value["agrees"] = json!(agrees);
    value["within"] = json!(WITHIN);
    answer(json, &value, &table(&found));
    anyhow::ensure!(
        agrees,
        "the two devices do not agree: {}",
        found.disagreements.join("; ")
    );
    Ok(())
}

fn table(found: &Parity) -> String {
    let mut text = format!("1: {}\n2: {}\n", found.devices[0], found.devices[1]);
    for population in &found.populations {
        let _ = writeln!(
            text,
            "{}\n  network   steps 1 / 2     best loss 1 / 2        at step 0  parted at  ratio     fixed points: both, only 1, only 2, farthest",
            population.label
        );
        for n in &population.networks {
            let census: Vec<String> = n
                .census
                .iter()
                .map(|m| {
                    format!(
                        "{}, {}, {}, {:.0e}",
                        m.pairs, m.only_first, m.only_second, m.farthest
                    )
                })
                .collect();
            let census = if census.is_empty() {
                "not asked for by the study".into()
            } else {
                census.join(" | ")
            };
            let _ = writeln!(
                text,
                "  {:7}  {:6} / {:6}  {:.3e} / {:.3e}  {:9.0e}  {:>9}  {:5.2}     {census}",
                n.network,
                n.steps[0],
                n.steps[1],
                n.best_loss[0],
                n.best_loss[1],
                n.first_difference,
                n.parted_at.map_or("never".into(), |s| s.to_string()),
                n.largest_ratio,
            );
        }
    }
    for (outcome, shares) in &found.outcomes {
        let words =
            shares.map(|s| format!("{}/{} (95 %: {:.2} to {:.2})", s.count, s.n, s.low, s.high));
        let _ = writeln!(text, "{}: {} and {}", outcome.name(), words[0], words[1]);
    }
    text += if found.disagreements.is_empty() {
        "the devices agree"
    } else {
        "the devices do NOT agree"
    };
    text
}
