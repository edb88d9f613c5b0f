//! Everything that can be wrong with a task file, an array file or a request for trials.

use std::io;
use std::path::PathBuf;

/// The result of every fallible function of this crate.
pub type Result<T> = std::result::Result<T, TaskError>;

/// What was wrong, where, and what is allowed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TaskError {
    /// No built-in task of that name, and no file either.
    #[error("no task `{name}`: {allowed}; or the path of a .ron or .npz file")]
    UnknownTask {
        /// The name asked for.
        name: String,
        /// The names there are, the nearest first.
        allowed: String,
    },
    /// The task has no variant of that name.
    #[error("task `{task}` has no variant `{variant}`: {allowed}")]
    UnknownVariant {
        /// The task.
        task: String,
        /// The variant asked for.
        variant: String,
        /// The names there are, the nearest first.
        allowed: String,
    },
    /// Text that is not RON, or not a task: unknown field, missing field, wrong type.
    #[error("{file}:{line}:{column}: {message}")]
    Ron {
        /// The task file.
        file: String,
        /// Line, from 1.
        line: usize,
        /// Column, from 1.
        column: usize,
        /// What is wrong there and what is allowed.
        message: String,
    },
    /// A field of a task file whose value is out of range.
    #[error("{file}:{}{field} = {value}: {allowed}", line.map_or_else(|| " ".to_owned(), |line| format!("{line}: ")))]
    Field {
        /// The task file.
        file: String,
        /// The line on which the field stands, from 1, where it is known.
        line: Option<usize>,
        /// The path of the field, as in `variants["sparse"].bits`.
        field: String,
        /// The value found.
        value: String,
        /// What is allowed.
        allowed: String,
    },
    /// A file could not be read.
    #[error("cannot read {}: {source}", file.display())]
    Read {
        /// The file.
        file: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file could not be written; nothing was left behind.
    #[error("cannot write {}: {source}", file.display())]
    Write {
        /// The file.
        file: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file that is not an npz archive, or a damaged one.
    #[error("{}: not a readable npz archive: {message}", file.display())]
    Npz {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        message: String,
    },
    /// An array that is missing, damaged, or of a type that is not supported.
    #[error("{file}: array `{array}`: {message}")]
    Array {
        /// The file, or where the array is in memory.
        file: String,
        /// The array.
        array: String,
        /// What is wrong with it.
        message: String,
    },
    /// An array of the wrong shape.
    #[error("{file}: array `{array}` has shape {found:?}, expected {expected}")]
    Shape {
        /// The file, or where the array is in memory.
        file: String,
        /// The array.
        array: String,
        /// The shape found.
        found: Vec<usize>,
        /// The shape expected, with its axes named.
        expected: String,
    },
    /// An array that holds a NaN or an infinity.
    #[error("{file}: array `{array}`{index:?} is {value}; every value must be finite")]
    NonFinite {
        /// The file, or where the array is in memory.
        file: String,
        /// The array.
        array: String,
        /// The first such element.
        index: Vec<usize>,
        /// Its value.
        value: f64,
    },
    /// More trials than the user's file holds.
    #[error(
        "task `{task}` holds {available} trials, trials {first} to {last} were asked for; leave the number out for all"
    )]
    TooManyTrials {
        /// The task.
        task: String,
        /// The first trial asked for.
        first: usize,
        /// The last trial asked for.
        last: usize,
        /// Trials in the file.
        available: usize,
    },
    /// All trials of a variant that has no last one.
    #[error(
        "variant `{variant}` of task `{task}` is drawn at random, without end: say how many trials"
    )]
    CountNeeded {
        /// The task.
        task: String,
        /// The variant.
        variant: String,
    },
    /// A request that can be refused without sampling.
    #[error("task `{task}`: {message}")]
    Request {
        /// The task.
        task: String,
        /// What is wrong and what is allowed.
        message: String,
    },
}
