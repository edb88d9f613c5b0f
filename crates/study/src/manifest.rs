//! What a study folder holds, by hash, and which stages are finished.

use crate::error::{Result, StudyError};
use crate::folder;
use crate::study::Study;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// `manifest.json`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Manifest {
    /// Version of this record.
    pub format: u32,
    /// Version of the program.
    pub chiliad: String,
    /// [`Study::identity`].
    pub study: String,
    /// Title.
    pub title: String,
    /// Seed of the study.
    pub seed: u64,
    /// Part of the study, from 1, and how many there are.
    pub shard: Option<Shard>,
    /// `cpu` or `gpu`: what a resume and other shards take as well.
    pub executor: String,
    /// The device in words.
    pub device: String,
    /// Why it was taken.
    pub device_reason: String,
    /// SHA-256 of every file of the results, by path inside the folder.
    pub files: BTreeMap<String, String>,
    /// Finished stages.
    pub stages: BTreeMap<String, Stage>,
}

/// A finished stage.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Stage {
    /// Its files.
    pub files: Vec<String>,
    /// Wall-clock.
    pub seconds: f64,
}

/// Part `index` of `count`, from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shard {
    /// From 1.
    pub index: usize,
    /// Parts.
    pub count: usize,
}

impl Shard {
    /// `I/N`.
    ///
    /// # Errors
    ///
    /// In words, what is allowed.
    pub fn parse(text: &str) -> std::result::Result<Self, String> {
        let parts = text
            .split_once('/')
            .and_then(|(i, n)| Some((i.trim().parse().ok()?, n.trim().parse().ok()?)));
        match parts {
            Some((index, count)) if (1..=count).contains(&index) => Ok(Self { index, count }),
            _ => Err(format!(
                "`{text}`; allowed: I/N with I from 1 to N, as in 2/8"
            )),
        }
    }

    /// Whether network `n` of a population belongs to this part.
    #[must_use]
    pub fn holds(self, n: usize) -> bool {
        n % self.count == self.index - 1
    }
}

/// A folder with a study in it.
#[derive(Debug)]
pub struct StudyFolder {
    /// The folder.
    pub root: PathBuf,
    /// What it holds.
    pub manifest: Manifest,
}

impl StudyFolder {
    /// The folder for a run: made, or taken up where the same study was left.
    ///
    /// # Errors
    ///
    /// [`StudyError::Input`] where it holds another study or something else, and those of writing.
    pub fn open(
        root: &Path,
        study: &Study,
        text: &str,
        shard: Option<Shard>,
        device: (&str, &str, &str),
    ) -> Result<Self> {
        let identity = study.identity()?;
        if let Some(folder) = Self::check(root, study, shard)? {
            return Ok(folder);
        }
        let (executor, words, reason) = device;
        let manifest = Manifest {
            format: 1,
            chiliad: env!("CARGO_PKG_VERSION").into(),
            study: identity,
            title: study.title.clone(),
            seed: study.seed,
            shard,
            executor: executor.into(),
            device: words.into(),
            device_reason: reason.into(),
            files: BTreeMap::new(),
            stages: BTreeMap::new(),
        };
        folder::make(root)?;
        let mut made = Self {
            root: root.to_owned(),
            manifest,
        };
        // The manifest last: a folder without one holds nothing yet.
        made.write("study.ron", text.as_bytes())?;
        made.write("resolved.ron", study.to_ron()?.as_bytes())?;
        made.save()?;
        Ok(made)
    }

    /// The folder if it holds this study, nothing if it is empty or not there.
    ///
    /// # Errors
    ///
    /// [`StudyError::Input`] where it holds another study or something else.
    pub fn check(root: &Path, study: &Study, shard: Option<Shard>) -> Result<Option<Self>> {
        let refuse = |message: String| {
            Err(StudyError::Input(format!(
                "{}: {message}; choose another folder with --out",
                root.display()
            )))
        };
        if !root.join("manifest.json").exists() {
            let foreign = std::fs::read_dir(root).ok().and_then(|entries| {
                let names = entries
                    .flatten()
                    .map(|e| e.file_name().to_string_lossy().into_owned());
                names
                    .filter(|n| !n.starts_with('.') && n != "study.ron" && n != "resolved.ron")
                    .min()
            });
            if root.exists() && !root.is_dir() {
                return refuse("not a folder".into());
            }
            return foreign.map_or(Ok(None), |name| {
                refuse(format!("holds `{name}` and no study"))
            });
        }
        let folder = Self::load(root)?;
        if folder.manifest.study != study.identity()? {
            let theirs =
                String::from_utf8_lossy(&folder::read(&root.join("resolved.ron"))?).into_owned();
            let ours = study.to_ron()?;
            let differs = theirs
                .lines()
                .zip(ours.lines())
                .find(|(a, b)| a != b)
                .map_or(String::new(), |(a, b)| {
                    format!(
                        "; the first difference: `{}` there, `{}` here",
                        a.trim(),
                        b.trim()
                    )
                });
            return refuse(format!(
                "holds another study, \"{}\"{differs}",
                folder.manifest.title
            ));
        }
        if folder.manifest.shard != shard {
            let words = |s: Option<Shard>| {
                s.map_or("the whole".to_owned(), |s| {
                    format!("part {}/{}", s.index, s.count)
                })
            };
            return refuse(format!(
                "holds {} of this study, {} was asked for",
                words(folder.manifest.shard),
                words(shard)
            ));
        }
        Ok(Some(folder))
    }

    /// A folder that is there.
    ///
    /// # Errors
    ///
    /// [`StudyError::Input`] where it holds no study, [`StudyError::Damaged`] where the manifest is damaged.
    pub fn load(root: &Path) -> Result<Self> {
        let file = root.join("manifest.json");
        if !file.exists() {
            return Err(StudyError::Input(format!(
                "{}: no study folder (no manifest.json in it)",
                root.display()
            )));
        }
        let manifest =
            serde_json::from_slice(&folder::read(&file)?).map_err(|e| StudyError::Damaged {
                file,
                message: e.to_string(),
            })?;
        Ok(Self {
            root: root.to_owned(),
            manifest,
        })
    }

    /// The study in it.
    ///
    /// # Errors
    ///
    /// [`StudyError::Damaged`].
    pub fn study(&self) -> Result<Study> {
        let text = self.read("resolved.ron")?;
        Study::from_ron(
            &String::from_utf8_lossy(&text),
            &self.root.join("resolved.ron"),
        )
    }

    /// Writes a file of the results; it counts from the next [`StudyFolder::save`] on.
    ///
    /// # Errors
    ///
    /// [`StudyError::Write`].
    pub fn write(&mut self, path: &str, bytes: &[u8]) -> Result<()> {
        let whole = self.root.join(path);
        if let Some(parent) = whole.parent() {
            folder::make(parent)?;
        }
        let hash = folder::write(&whole, bytes)?;
        self.manifest.files.insert(path.into(), hash);
        Ok(())
    }

    /// Takes a file that is already there into the manifest.
    ///
    /// # Errors
    ///
    /// [`StudyError::Read`].
    pub fn adopt(&mut self, path: &str) -> Result<()> {
        let hash = folder::sha256(&folder::read(&self.root.join(path))?);
        self.manifest.files.insert(path.into(), hash);
        Ok(())
    }

    /// A file of the results, verified.
    ///
    /// # Errors
    ///
    /// [`StudyError::Damaged`] where it is not what the manifest says.
    pub fn read(&self, path: &str) -> Result<Vec<u8>> {
        let file = self.root.join(path);
        let bytes = folder::read(&file)?;
        match self.manifest.files.get(path) {
            Some(hash) if *hash == folder::sha256(&bytes) => Ok(bytes),
            Some(_) => Err(StudyError::Damaged { file, message: "changed since it was written (its hash is not the manifest's); run the study again to make it anew".into() }),
            None => Err(StudyError::Damaged { file, message: "not in the manifest".into() }),
        }
    }

    /// Whether a stage is finished and all its files are what they were.
    #[must_use]
    pub fn finished(&self, stage: &str) -> bool {
        self.manifest
            .stages
            .get(stage)
            .is_some_and(|s| s.files.iter().all(|f| self.read(f).is_ok()))
    }

    /// Marks a stage as finished and saves the manifest.
    ///
    /// # Errors
    ///
    /// [`StudyError::Write`].
    pub fn finish(&mut self, stage: &str, files: Vec<String>, seconds: f64) -> Result<()> {
        self.manifest
            .stages
            .insert(stage.into(), Stage { files, seconds });
        self.save()
    }

    /// Writes the manifest.
    ///
    /// # Errors
    ///
    /// [`StudyError::Write`].
    pub fn save(&self) -> Result<()> {
        let mut text = serde_json::to_string_pretty(&self.manifest).unwrap_or_default();
        text.push('\n');
        folder::write(&self.root.join("manifest.json"), text.as_bytes()).map(|_| ())
    }

    /// Wall-clock of all finished stages, in seconds.
    #[must_use]
    pub fn seconds(&self) -> f64 {
        self.manifest.stages.values().map(|s| s.seconds).sum()
    }
}
