//! Which fragments make which kernel.

use super::cell_text::cell_text;
use super::geometry::Geometry;
use super::linear_text::linear_text;
use super::link::{Linked, Piece};
use crate::error::EngineError;
use crate::executor::Order;
use crate::population::{Architecture, Layout};
use crate::recipe::{Loss, OwnPenalty, Part};

/// A kernel of an architecture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Parameters as trained to those that rules act on, where matrices are made of matrices.
    LinkWeights,
    /// Parameters to weights.
    Materialise,
    /// Pseudo-inverse of the readout, for teacher forcing.
    InvertReadout,
    /// Moments of activity, for its effective dimension.
    MeasureActivity,
    /// Slope of the effective dimension.
    SlopeDimension,
    /// Forward, loss, backward.
    TrainStep,
    /// Reduction and penalties, through the adjoint of `LinkWeights`.
    PullBack,
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
    pub const ALL: [Self; 12] = [
        Self::LinkWeights,
        Self::Materialise,
        Self::InvertReadout,
        Self::MeasureActivity,
        Self::SlopeDimension,
        Self::TrainStep,
        Self::PullBack,
        Self::Optimise,
        Self::RollOut,
        Self::Evaluate,
        Self::Descend,
        Self::Lyapunov,
    ];

    /// Name of the entry point and of its file.
    pub fn name(self) -> &'static str {
        match self {
            Self::LinkWeights => "link_weights",
            Self::PullBack => "pull_back",
            Self::Materialise => "materialise",
            Self::InvertReadout => "invert_readout",
            Self::MeasureActivity => "measure_activity",
            Self::SlopeDimension => "slope_dimension",
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
            Self::LinkWeights => &["matrices", "tiles", "link_weights"],
            Self::PullBack => &[
                "math",
                "dims",
                "network",
                "constraint",
                "parts",
                "own",
                "reduce",
                "matrices",
                "tiles",
                "pull_back",
            ],
            Self::InvertReadout => &["invert_readout"],
            Self::Optimise => &[
                "math",
                "dims",
                "network",
                "constraint",
                "parts",
                "own",
                "reduce",
                "gather",
                "optimise",
            ],
            Self::MeasureActivity => &[
                "math",
                "threefry",
                "dims",
                "network",
                "quad",
                "lane",
                "noise",
                "cell",
                "forward",
                "measure_activity",
            ],
            Self::SlopeDimension => &["math", "dims", "network", "slope_dimension"],
            Self::TrainStep => &[
                "math",
                "threefry",
                "dims",
                "network",
                "quad",
                "lane",
                "noise",
                "forcing",
                "cell",
                "forward",
                "readout_value",
                "readout",
                "dimension",
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
                "forcing",
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
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Variant {
    /// Which trials of the bank are taken.
    pub order: Order,
    /// What is minimised.
    pub loss: Loss,
    /// Weights are restricted.
    pub constrained: bool,
    /// Activity is penalised.
    pub activity: bool,
    /// The effective dimension of activity is penalised.
    pub dimension: bool,
    /// The user's own penalty of weights, and of which.
    pub own: Option<(OwnPenalty, Vec<Part>)>,
    /// Words of a network's work space, of the data that matrix programs share, and of a network's own, where there are any.
    pub matrices: Option<[usize; 3]>,
}

/// The linked text of a kernel.
pub fn link(
    stage: Stage,
    architecture: &Architecture,
    layout: &Layout,
    geometry: &Geometry,
    variant: &Variant,
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
            "forcing" if geometry.forced.is_none() => continue,
            "own" => own(variant)?,
            "gather" if variant.matrices.is_some() => Piece::library("gather_matrices")?,
            "gather" => Piece::library("gather_parameters")?,
            "constraint" if variant.constrained => Piece::library("constraint_rules")?,
            "constraint" => Piece::library("constraint_none")?,
            "dimension" if variant.dimension => Piece::library("dimension_slope")?,
            "dimension" => Piece::library("dimension_none")?,
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

/// Strength times the slope of the user's own penalty at a weight of some part.
fn own(variant: &Variant) -> Result<Piece, EngineError> {
    let Some((function, on)) = &variant.own else {
        return Piece::library("own_none");
    };
    let parts: Vec<String> = on
        .iter()
        .map(|p| format!("part == {}u", *p as usize))
        .collect();
    Ok(Piece {
        path: format!("{}.wgsl (derivative)", function.name()),
        wgsl: format!(
            "fn own_derivative(w: f32) -> f32 {{\n    var slope: f32;\n{}    return slope;\n}}\n\
             fn own_slope(network: u32, part: u32, w: f32) -> f32 {{\n    \
             let strength = network_own(network);\n    \
             if strength == 0.0 || !({}) {{ return 0.0; }}\n    \
             return strength * own_derivative(w);\n}}\n",
            function.slope(),
            if parts.is_empty() {
                "false".into()
            } else {
                parts.join(" || ")
            }
        ),
    })
}

/// The linked text of a kernel that needs no architecture: `threefry_words` or `math_values`.
pub fn link_plain(name: &str) -> Result<Linked, EngineError> {
    let pieces = ["math", "threefry", name]
        .map(Piece::library)
        .into_iter()
        .collect::<Result<Vec<_>, _>>()?;
    Ok(Linked::new(name, &pieces))
}
