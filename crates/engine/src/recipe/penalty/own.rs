//! A user's own penalty of single weights: one WGSL function, its derivative derived as a cell's is.

use crate::cell::derive::adjoint;
use crate::cell::evaluate::{self, Workspace};
use crate::cell::graph::{Graph, Leaf};
use crate::cell::program::{Array, Program};
use crate::cell::read::Source;
use crate::cell::run::Value;
use crate::cell::wgsl;
use crate::error::CellError;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;

/// `sum f(w)` with f from `fn penalty(w: f32) -> f32` of a WGSL file; derivatives at kinks are 0.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(try_from = "Text", into = "Text")]
pub struct OwnPenalty {
    text: Text,
    /// Value to `Output`, derivative to `Partial(0)`, of `Leaf(Argument)`.
    program: Program,
    /// Statements that set `slope` at the weight `w`, for the kernels.
    slope: String,
}

/// What makes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Text {
    /// Stem of the file.
    name: String,
    /// Text of the file.
    wgsl: String,
}

/// The same text is the same penalty.
impl PartialEq for OwnPenalty {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl From<OwnPenalty> for Text {
    fn from(penalty: OwnPenalty) -> Self {
        penalty.text
    }
}

impl TryFrom<Text> for OwnPenalty {
    type Error = CellError;

    fn try_from(text: Text) -> Result<Self, CellError> {
        let file = format!("{}.wgsl", text.name);
        let (program, slope) = compile(&file, &text.wgsl)?;
        Ok(Self {
            text,
            program,
            slope,
        })
    }
}

impl OwnPenalty {
    /// From a WGSL file.
    ///
    /// # Errors
    ///
    /// [`CellError`] with file and line where it cannot be read or is no such function.
    pub fn from_file(path: &Path) -> Result<Self, CellError> {
        let file = path.display().to_string();
        let wgsl = std::fs::read_to_string(path).map_err(|source| CellError::Read {
            file: file.clone(),
            source,
        })?;
        let (program, slope) = compile(&file, &wgsl)?;
        let stem = path.file_stem();
        let name = stem.map_or_else(|| "penalty".into(), |s| s.to_string_lossy().into_owned());
        Ok(Self {
            text: Text { name, wgsl },
            program,
            slope,
        })
    }

    /// Stem of the file it came from.
    pub fn name(&self) -> &str {
        &self.text.name
    }

    /// WGSL statements that assign the derivative at `w` to `slope`.
    pub(crate) fn slope(&self) -> &str {
        &self.slope
    }

    /// Values and derivatives at some weights.
    pub(super) fn at(&self, weights: &[f32]) -> (Vec<f64>, Vec<f64>) {
        let mut workspace = Workspace::<f64>::new(weights.len());
        let argument = workspace.array(Array::Leaf(Leaf::Argument));
        for (to, w) in workspace.storage[argument].iter_mut().zip(weights) {
            *to = f64::from(*w);
        }
        let [value, slope] = [Array::Output, Array::Partial(0)].map(|a| workspace.array(a));
        let places = workspace.places(&self.program);
        evaluate::run(
            &self.program,
            &mut workspace.storage,
            &places,
            weights.len(),
        );
        let mut take = |at: usize| std::mem::take(&mut workspace.storage[at]);
        (take(value), take(slope))
    }
}

fn compile(file: &str, text: &str) -> Result<(Program, String), CellError> {
    let source = Source::parse(file, text, None)?;
    let contract = |message: &str| CellError::Contract {
        file: file.into(),
        line: source.line_of("fn penalty"),
        message: message.into(),
    };
    let function = source
        .function("penalty")
        .ok_or_else(|| contract("no `fn penalty(w: f32) -> f32`: what one weight costs"))?;
    if source.argument_types(function) != ["f32"] {
        return Err(contract("`penalty` takes one f32, the weight"));
    }
    let mut graph = Graph::default();
    let argument = Value::Scalar(graph.leaf(Leaf::Argument));
    let Value::Scalar(value) = source.run(&mut graph, function, &[argument])? else {
        return Err(contract("`penalty` must return an f32"));
    };
    let one = graph.literal(1.0);
    let zero = graph.literal(0.0);
    let by = adjoint(&mut graph, &[(value, one)]);
    let slope = by.get(&Leaf::Argument).copied().unwrap_or(zero);
    let outputs = [(Array::Output, value), (Array::Partial(0), slope)];
    let text = wgsl::body(
        &graph,
        &[("slope".into(), slope)],
        &BTreeMap::new(),
        &|_| "w".into(),
        "own_",
    );
    Ok((Program::build(&graph, &outputs, &BTreeMap::new()), text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn own(wgsl: &str) -> Result<OwnPenalty, CellError> {
        OwnPenalty::try_from(Text {
            name: "mine".into(),
            wgsl: wgsl.into(),
        })
    }

    /// Smoothed L1, sqrt(w^2 + 0.01): slope w / sqrt(w^2 + 0.01). And the deadband max(|w| - 0.5, 0)^2.
    #[test]
    fn derivatives_are_derived() {
        let weights = [-2.0, -0.3, 0.0, 0.7_f32];
        let smooth = own("fn penalty(w: f32) -> f32 { return sqrt(w * w + 0.01); }").unwrap();
        let (values, slopes) = smooth.at(&weights);
        for ((w, value), slope) in weights.iter().zip(values).zip(slopes) {
            let w = f64::from(*w);
            let root = (w * w + f64::from(0.01_f32)).sqrt();
            assert!((value - root).abs() < 1e-9 && (slope - w / root).abs() < 1e-9);
        }
        let dead =
            "fn penalty(w: f32) -> f32 { let over = max(abs(w) - 0.5, 0.0); return over * over; }";
        let (values, slopes) = own(dead).unwrap().at(&[-2.0, 0.25, 1.0]);
        assert_eq!(values, [2.25, 0.0, 0.25]);
        assert_eq!(slopes, [-3.0, 0.0, 1.0]);
        let (values, slopes) = own("fn penalty(w: f32) -> f32 { return 3.0; }")
            .unwrap()
            .at(&[1.0, 2.0]);
        assert_eq!((values, slopes), (vec![3.0; 2], vec![0.0; 2]));
    }

    #[test]
    fn what_is_no_penalty_is_refused_with_file_and_line() {
        for (wgsl, words) in [
            ("fn cost(w: f32) -> f32 { return w; }", "fn penalty"),
            (
                "\nfn penalty(w: f32, v: f32) -> f32 { return w; }",
                "mine.wgsl:2",
            ),
            ("fn penalty(w: f32) -> f32 { return sin(w); }", "sin"),
            ("fn penalty(w: f32) -> f32 { return ; }", "mine.wgsl:1"),
        ] {
            let message = own(wgsl).unwrap_err().to_string();
            assert!(message.contains(words), "{wgsl}: {message}");
        }
    }
}
