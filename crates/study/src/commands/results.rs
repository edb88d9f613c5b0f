//! What commands that analyse a population leave behind: `result.json`, and an npz with the big arrays.

use super::{answer, refuse};
use chiliad::folder;
use chiliad_tasks::{NpzArray, write_npz};
use std::path::{Path, PathBuf};

/// States or seeds of one network at most.
pub(super) const STATES_MAX: usize = 1_000_000;

/// Refuses a number above a bound.
pub(super) fn at_most(option: &str, value: usize, most: usize) -> anyhow::Result<()> {
    if value > most {
        return refuse(format!("{option} {value}; allowed: at most {most}"));
    }
    Ok(())
}

/// What such commands leave behind, and may replace.
const OURS: [&str; 9] = [
    "result.json",
    "census.json",
    "topology.json",
    "fixed_points.parquet",
    "fixed_points.npz",
    "cycles.npz",
    "hops.npz",
    "linearised.npz",
    "lyapunov.npz",
];
const PROBED: &str = "probed.npz";

/// Refuses a file, a folder that holds a study, and one that holds anything but results of such commands.
pub(super) fn free(out: &Path) -> anyhow::Result<()> {
    let refused = |what: String| {
        refuse(format!(
            "--out {}: {what}; choose another folder",
            out.display()
        ))
    };
    if out.is_file() {
        return refused("is a file".into());
    }
    if out.join("manifest.json").exists() {
        return refused("holds a study".into());
    }
    let entries = std::fs::read_dir(out).into_iter().flatten().flatten();
    let names = entries.map(|e| e.file_name().to_string_lossy().into_owned());
    let foreign =
        |name: &String| !name.starts_with('.') && !OURS.contains(&name.as_str()) && name != PROBED;
    match names.filter(foreign).min() {
        Some(name) => refused(format!("holds `{name}`, which is no result of a command")),
        None => Ok(()),
    }
}

/// The folder of a command's results, looked at before any work is done.
pub(super) struct Results {
    out: PathBuf,
}

impl Results {
    /// Refuses what [`free`] does.
    pub(super) fn to(out: &Path) -> anyhow::Result<Self> {
        free(out)?;
        Ok(Self {
            out: out.to_owned(),
        })
    }

    /// Writes both files and answers: with the whole result for machines, with `words` for people.
    pub(super) fn write(
        &self,
        json: bool,
        result: serde_json::Value,
        npz: &str,
        arrays: &[(&str, NpzArray)],
        words: &str,
    ) -> anyhow::Result<()> {
        let mut text = serde_json::to_vec_pretty(&result)?;
        text.push(b'\n');
        folder::make(&self.out)?;
        write_npz(self.out.join(npz), arrays)?;
        folder::write(&self.out.join("result.json"), &text)?;
        answer(json, &result, words);
        Ok(())
    }
}
