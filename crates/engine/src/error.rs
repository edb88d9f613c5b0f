//! What can go wrong in the engine.

use thiserror::Error;

/// A cell, an activation or a sidecar that cannot be used.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum CellError {
    /// The file does not parse as WGSL.
    #[error("{file}:{}: {message}", line.max(&1))]
    Syntax {
        /// File as named by the user.
        file: String,
        /// Line, 1-based.
        line: u32,
        /// The parser's words.
        message: String,
    },
    /// WGSL that a cell may not contain.
    #[error("{file}:{line}: {found} is not allowed in a cell; instead: {instead}")]
    NotAllowed {
        /// File as named by the user.
        file: String,
        /// Line, 1-based.
        line: u32,
        /// What was found.
        found: String,
        /// What to write instead.
        instead: String,
    },
    /// A part of the contract is missing or contradicts another.
    #[error("{file}:{}: {message}", line.max(&1))]
    Contract {
        /// File as named by the user.
        file: String,
        /// Line, 1-based; 0 when the whole file is meant.
        line: u32,
        /// What is wrong and what is allowed.
        message: String,
    },
    /// No such cell or activation.
    #[error("unknown {kind} `{name}`: {allowed}")]
    Unknown {
        /// "cell" or "activation".
        kind: &'static str,
        /// The name asked for.
        name: String,
        /// The nearest name, and all that exist.
        allowed: String,
    },
    /// The file cannot be read.
    #[error("{file}: {source}")]
    Read {
        /// File as named by the user.
        file: String,
        /// Cause.
        source: std::io::Error,
    },
    /// A constant that the cell does not have, or a value it cannot take.
    #[error("constant `{name}` of cell `{cell}`: {message}")]
    Constant {
        /// Cell.
        cell: String,
        /// Constant.
        name: String,
        /// What is wrong and what is allowed.
        message: String,
    },
}

/// A run that cannot go on.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum EngineError {
    /// A cell cannot be used.
    #[error(transparent)]
    Cell(#[from] CellError),
    /// Shapes that do not fit each other.
    #[error("{operation}: {what} has {found}, expected {expected}")]
    Shape {
        /// What was being done.
        operation: &'static str,
        /// What does not fit.
        what: String,
        /// Its shape.
        found: String,
        /// The shape it should have.
        expected: String,
    },
    /// A request the executor cannot serve.
    #[error("{executor}: {what}; {allowed}")]
    Unsupported {
        /// CPU or GPU.
        executor: &'static str,
        /// What was asked for.
        what: String,
        /// What is allowed.
        allowed: String,
    },
    /// No adapter, or a request the driver refuses.
    #[error("device: {message}")]
    Device {
        /// What happened.
        message: String,
    },
    /// The device was lost and could not be regained: worth another try.
    #[error("device lost: {message}")]
    DeviceLost {
        /// What happened.
        message: String,
    },
    /// A file cannot be read or written.
    #[error("{file}: {message}")]
    File {
        /// File.
        file: String,
        /// What is wrong and what is allowed.
        message: String,
    },
}
