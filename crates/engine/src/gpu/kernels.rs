//! Which fragments make which kernel.

use super::cell_text::cell_text;
use super::geometry::Geometry;
use super::linear_text::linear_text;
use super::link::{Linked, Piece};
use crate::error::EngineError;
use crate::executor::Order;
use crate::population::{Architecture, Layout};
use crate::recipe::Loss;

/// A kernel of an architecture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Parameters to weights.
    Materialise,
    /// Forward, loss, backward.
    TrainStep,
    /// Reduction, penalties of weights, clip, step.
    Optimise,
    /// States and outputs.
    RollOut,
    /// Loss alone.
    Evaluate,
    /// Descent towards fixed points.
    Descend,
    /// Growth of tangents along an orbit.
    Lyapunov,
}

impl Stage {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Materialise,
        Self::TrainStep,
        Self::Optimise,
        Self::RollOut,
        Self::Evaluate,
        Self::Descend,
        Self::Lyapunov,
    ];

    /// Name of the entry point and of its file.
    pub fn name(self) -> &'static str {
        match self {
            Self::Materialise => "materialise",
            Self::TrainStep => "train_step",
            Self::Optimise => "optimise",
            Self::RollOut => "roll_out",
            Self::Evaluate => "evaluate",
            Self::Descend => "descend",
            Self::Lyapunov => "lyapunov",
        }
    }

    /// Whether the kernel runs the cell backward.
    pub fn backward(self) -> bool {
        matches!(self, Self::TrainStep | Self::Descend)
    }

    fn fragments(self) -> &'static [&'static str] {
        match self {
            Self::Materialise => &["constraint", "materialise"],
            Self::Optimise => &["math", "dims", "network", "constraint", "parts", "optimise"],
            Self::TrainStep => &[
                "math",
                "threefry",
                "dims",
                "network",
                "quad",
                "lane",
                "noise",
                "cell",
                "forward",
                "readout_value",
                "readout",
                "activity",
                "backward",
                "gradient",
                "train_step",
            ],
            Self::RollOut => &[
                "math",
                "threefry",
                "dims",
                "network",
                "quad",
                "lane",
                "noise",
                "cell",
                "forward",
                "readout_value",
                "readout",
                "roll_out",
            ],
            Self::Evaluate => &[
                "math",
                "threefry",
                "dims",
                "network",
                "quad",
                "lane",
                "noise",
                "cell",
                "forward",
                "readout_value",
                "readout",
                "evaluate",
            ],
            Self::Descend => &[
                "math", "threefry", "dims", "network", "quad", "lane", "noise", "cell", "forward",
                "descend",
            ],
            Self::Lyapunov => &[
                "math", "threefry", "dims", "network", "quad", "lane", "noise", "cell", "lyapunov",
            ],
        }
    }
}

/// What else decides a kernel's text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Variant {
    /// Which trials of the bank are taken.
    pub order: Order,
    /// What is minimised.
    pub loss: Loss,
    /// Weights are restricted.
    pub constrained: bool,
    /// Activity is penalised.
    pub activity: bool,
}

/// The linked text of a kernel.
pub fn link(
    stage: Stage,
    architecture: &Architecture,
    layout: &Layout,
    geometry: &Geometry,
    variant: Variant,
) -> Result<Linked, EngineError> {
    let mut pieces = vec![Piece {
        path: "header".into(),
        wgsl: geometry.header(variant),
    }];
    for name in stage.fragments() {
        pieces.push(match *name {
            "cell" => Piece {
                path: format!("{} (generated)", architecture.cell.file),
                wgsl: match stage {
                    Stage::Lyapunov => linear_text(&architecture.cell, geometry),
                    _ => cell_text(
                        &architecture.cell,
                        geometry,
                        layout,
                        stage == Stage::TrainStep,
                    ),
                },
            },
            "parts" => Piece {
                path: "parts (generated)".into(),
                wgsl: geometry.parts(),
            },
            "constraint" if variant.constrained => Piece::library("constraint_rules")?,
            "constraint" => Piece::library("constraint_none")?,
            "activity" if variant.activity => Piece::library("activity_rate")?,
            "activity" => Piece::library("activity_none")?,
            "readout" if variant.loss == Loss::CrossEntropy => {
                Piece::library("readout_cross_entropy")?
            }
            name => Piece::library(name)?,
        });
    }
    Ok(Linked::new(stage.name(), &pieces))
}

/// The linked text of a kernel that needs no architecture: `threefry_words` or `math_values`.
pub fn link_plain(name: &str) -> Result<Linked, EngineError> {
    let pieces = ["math", "threefry", name]
        .map(Piece::library)
        .into_iter()
        .collect::<Result<Vec<_>, _>>()?;
    Ok(Linked::new(name, &pieces))
}
