//! A cell is one WGSL file and one RON sidecar; everything else about it is derived here.
//!
//! In data-flow order: [`sidecar`] and `read` bring the files in, [`graph`] holds the expressions, [`mod@derive`] adds the
//! adjoints, [`program`] turns both into bytecode, [`evaluate`] runs it in f32 or f64, [`wgsl`] writes it for the GPU,
//! [`check`] holds all of them against finite differences.

mod activation;
pub mod check;
mod compile;
mod contract;
pub mod derive;
mod emit;
pub mod evaluate;
mod expression;
pub mod graph;
pub mod program;
pub mod programs;
pub(crate) mod read;
pub(crate) mod run;
pub mod sidecar;
pub mod wgsl;

pub use activation::Activation;
pub use compile::{Cell, Gate, Stage};

use crate::error::CellError;

/// Names of the cells of the library.
pub fn names() -> impl Iterator<Item = &'static str> {
    chiliad_shaders::CELLS.iter().map(|f| f.name)
}

/// Names of the activations of the library.
pub fn activations() -> impl Iterator<Item = &'static str> {
    chiliad_shaders::ACTIVATIONS.iter().map(|f| f.name)
}

fn unknown(kind: &'static str, name: &str, library: &[chiliad_shaders::Fragment]) -> CellError {
    let names: Vec<&str> = library.iter().map(|f| f.name).collect();
    CellError::Unknown {
        kind,
        name: name.into(),
        allowed: chiliad_tasks::suggestion::suggest(name, &names),
    }
}
