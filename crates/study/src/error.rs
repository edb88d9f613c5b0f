//! What can go wrong in a study, and the exit code it ends with.

use chiliad_analysis::distances::DistanceError;
use chiliad_engine::error::{CellError, EngineError};
use chiliad_tasks::TaskError;
use std::io;
use std::path::{Path, PathBuf};

/// The result of every fallible function of this crate.
pub type Result<T> = std::result::Result<T, StudyError>;

/// What was wrong, where, and what is allowed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StudyError {
    /// A study file that is not RON, or whose value at some field is not allowed.
    #[error("{file}:{line}:{column}: {field}{message}")]
    Spec {
        /// The study file.
        file: String,
        /// Line, from 1.
        line: usize,
        /// Column, from 1.
        column: usize,
        /// Path of the field and a colon, or nothing where the text is no study at all.
        field: String,
        /// What is wrong and what is allowed.
        message: String,
    },
    /// A request or a file that cannot be used.
    #[error("{0}")]
    Input(String),
    /// A file of a study folder that is not what its manifest says.
    #[error("{}: {message}", file.display())]
    Damaged {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        message: String,
    },
    /// A file cannot be read.
    #[error("cannot read {}: {source}", file.display())]
    Read {
        /// The file.
        file: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file cannot be written; nothing was left behind.
    #[error("cannot write {}: {source}", file.display())]
    Write {
        /// The file.
        file: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The time allowed is over; what was done is on disk.
    #[error("time limit of {seconds} s reached: run the same command again to go on")]
    TimeLimit {
        /// The limit.
        seconds: u64,
    },
    /// Another process works in the folder.
    #[error("{}: another run works in this folder; wait for it, or choose another folder with --out", .0.display())]
    InUse(PathBuf),
    /// A part that this build does not have.
    #[error("{0}")]
    Unavailable(String),
    /// A cell that cannot be used.
    #[error(transparent)]
    Cell(#[from] CellError),
    /// A task that cannot be used.
    #[error(transparent)]
    Task(#[from] TaskError),
    /// Networks that cannot be compared.
    #[error(transparent)]
    Distance(#[from] DistanceError),
    /// The engine could not go on.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

impl StudyError {
    /// 2: usage or bad input; 75: worth another try; 1: anything else.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Write { source, .. } => written(source),
            Self::Task(e) => Self::task_code(e),
            Self::Unavailable(_) => 1,
            Self::TimeLimit { .. }
            | Self::InUse(_)
            | Self::Engine(EngineError::DeviceLost { .. }) => 75,
            _ => 2,
        }
    }

    /// The same for an error of the tasks crate.
    #[must_use]
    pub fn task_code(error: &TaskError) -> u8 {
        match error {
            TaskError::Write { source, .. } => written(source),
            _ => 2,
        }
    }

    /// For `map_err` on reading.
    pub(crate) fn read(file: &Path) -> impl FnOnce(io::Error) -> Self {
        let file = file.to_owned();
        move |source| Self::Read { file, source }
    }

    /// For `map_err` on writing.
    pub(crate) fn write(file: &Path) -> impl FnOnce(io::Error) -> Self {
        let file = file.to_owned();
        move |source| Self::Write { file, source }
    }
}

/// A path on which nothing can be written is the user's to change; a full or broken disk is not.
fn written(source: &io::Error) -> u8 {
    use io::ErrorKind as Kind;
    match source.kind() {
        Kind::NotFound
        | Kind::NotADirectory
        | Kind::IsADirectory
        | Kind::AlreadyExists
        | Kind::InvalidInput
        | Kind::InvalidFilename
        | Kind::PermissionDenied
        | Kind::ReadOnlyFilesystem => 2,
        _ => 1,
    }
}
