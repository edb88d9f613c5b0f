//! A task: a RON file, resolved and checked, from which trials are sampled.

mod library;
mod locate;
mod recipe;
mod sample;
mod written;

use std::path::Path;

use crate::error::{Result, TaskError};
use crate::generators::{External, Generator};
use crate::suggestion::suggest;
use crate::trials::TaskShape;
use library::LIBRARY;

pub use recipe::{Lesson, Recipe};

/// The variant that networks are trained on; every task has it.
pub const TRAIN: &str = "train";

/// The names that [`Task::builtin`] knows.
pub fn builtin_names() -> impl Iterator<Item = &'static str> {
    LIBRARY.iter().map(|(name, _)| *name)
}

/// A constant input under which the fixed points of a network are sought.
#[derive(Clone, Debug, PartialEq)]
pub struct Condition {
    /// What it is, for tables and figures.
    pub label: String,
    /// `[input]`.
    pub input: Vec<f32>,
}

/// A task and its variants; all variants have the same input and output channels.
#[derive(Clone, Debug)]
pub struct Task {
    /// Built-in name, or the stem of the file.
    pub name: String,
    /// What it asks of a network, in a sentence.
    pub summary: String,
    /// Where its definition and its constants come from.
    pub source: String,
    /// What fixed points are expected in networks that have learned it, in words.
    pub census: Option<String>,
    /// How networks are trained on it where a study does not say.
    pub recipe: Recipe,
    /// The task file as written, for display and for the record; for the user's own trials, one that names them.
    pub ron: String,
    /// In the order of the file, `train` first.
    variants: Vec<(String, Generator)>,
}

impl Task {
    /// One of [`builtin_names`].
    ///
    /// # Errors
    ///
    /// [`TaskError::UnknownTask`].
    pub fn builtin(name: &str) -> Result<Self> {
        match LIBRARY.iter().find(|(known, _)| *known == name) {
            Some((name, text)) => Self::from_ron(text, &format!("{name}.ron")),
            None => Err(TaskError::UnknownTask {
                name: name.to_owned(),
                allowed: suggest(name, &builtin_names().collect::<Vec<_>>()),
            }),
        }
    }

    /// The task file at `path`; its name is the stem of the file.
    ///
    /// # Errors
    ///
    /// [`TaskError::Read`] where there is no such file, and those of [`Task::from_ron`].
    pub fn load(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let text = std::fs::read_to_string(path).map_err(|source| TaskError::Read {
            file: path.into(),
            source,
        })?;
        Self::from_ron(&text, &path.display().to_string())
    }

    /// The user's own trials, from an npz file that [`crate::Trials::load_npz`] reads.
    ///
    /// # Errors
    ///
    /// Those of [`crate::Trials::load_npz`].
    pub fn external(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let generator = Generator::External(External::load(path)?);
        let (summary, source) = (
            "Trials of the user's own.".to_owned(),
            path.display().to_string(),
        );
        Ok(Self {
            name: stem(path),
            ron: format!(
                "(summary: {summary:?}, source: {source:?}, generator: External(npz: {source:?}))\n"
            ),
            summary,
            source,
            census: None,
            recipe: Recipe::default(),
            variants: vec![(TRAIN.to_owned(), generator)],
        })
    }

    /// A built-in name, or the path of a `.ron` or `.npz` file.
    ///
    /// # Errors
    ///
    /// Those of [`Task::builtin`], [`Task::load`] and [`Task::external`].
    pub fn find(name_or_path: &str) -> Result<Self> {
        match Path::new(name_or_path)
            .extension()
            .and_then(std::ffi::OsStr::to_str)
        {
            Some("ron") => Self::load(name_or_path),
            Some("npz") => Self::external(name_or_path),
            _ => Self::builtin(name_or_path),
        }
    }

    /// The names of its variants, in the order of the file, [`TRAIN`] first.
    pub fn variants(&self) -> impl Iterator<Item = &str> {
        self.variants.iter().map(|(name, _)| name.as_str())
    }

    /// The extents of a trial of `variant`.
    ///
    /// # Errors
    ///
    /// [`TaskError::UnknownVariant`].
    pub fn shape(&self, variant: &str) -> Result<TaskShape> {
        Ok(self.generator(variant)?.as_generate().shape())
    }

    /// The number of trials of a variant that has a last one (a grid of conditions, a file); `None` where trials are
    /// drawn without end.
    ///
    /// # Errors
    ///
    /// [`TaskError::UnknownVariant`].
    pub fn grid_size(&self, variant: &str) -> Result<Option<usize>> {
        Ok(self.generator(variant)?.as_generate().grid_size())
    }

    /// The constant inputs under which fixed points are sought, those of [`TRAIN`]; at least one. The `condition` of a
    /// trial is an index into them, except where the trials are the user's.
    #[must_use]
    pub fn conditions(&self) -> Vec<Condition> {
        self.variants[0].1.as_generate().conditions()
    }

    /// Whether the trials are the user's own.
    #[must_use]
    pub fn is_external(&self) -> bool {
        matches!(self.variants[0].1, Generator::External(_))
    }

    pub(crate) fn generator(&self, variant: &str) -> Result<&Generator> {
        match self.variants.iter().find(|(name, _)| name == variant) {
            Some((_, generator)) => Ok(generator),
            None => Err(TaskError::UnknownVariant {
                task: self.name.clone(),
                variant: variant.to_owned(),
                allowed: suggest(variant, &self.variants().collect::<Vec<_>>()),
            }),
        }
    }
}

fn stem(path: &Path) -> String {
    path.file_stem()
        .unwrap_or(path.as_os_str())
        .to_string_lossy()
        .into_owned()
}
