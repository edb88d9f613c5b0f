//! What commands that analyse a population leave behind: `result.json`, and an npz with the big arrays.

use super::{answer, refuse};
use chiliad::folder;
use chiliad_tasks::{NpzArray, write_npz};
use std::path::{Path, PathBuf};

/// The folder of a command's results, looked at before any work is done.
pub(super) struct Results {
    out: PathBuf,
}

impl Results {
    /// Refuses a folder that holds a study, and a file.
    pub(super) fn to(out: &Path) -> anyhow::Result<Self> {
        if out.join("manifest.json").exists() {
            return refuse(format!(
                "--out {}: holds a study; choose another folder",
                out.display()
            ));
        }
        if out.is_file() {
            return refuse(format!("--out {}: is a file; name a folder", out.display()));
        }
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
