//! Activations: one pure WGSL function each, inlined wherever a cell calls `activation`.

use super::graph::{Graph, Leaf, Node};
use super::read::Source;
use super::run::Value;
use super::sidecar::{self, ActivationSidecar};
use crate::error::CellError;

/// A compiled activation function.
#[derive(Clone, Debug)]
pub struct Activation {
    /// Name.
    pub name: String,
    /// The sidecar.
    pub sidecar: ActivationSidecar,
    /// sup |f|, if finite: what a cell's box is made of.
    pub bound: Option<f64>,
    /// Constants with their defaults, in the order of the WGSL struct.
    pub constants: Vec<(String, f64)>,
    /// WGSL text.
    pub wgsl: String,
    pub(crate) graph: Graph,
    pub(crate) result: Node,
    /// Position of the activation's first constant among the cell's.
    pub(crate) constant_offset: u8,
}

impl Activation {
    /// An activation of the library.
    pub fn builtin(name: &str) -> Result<Self, CellError> {
        let found = chiliad_shaders::ACTIVATIONS.iter().find(|f| f.name == name);
        let fragment = found
            .ok_or_else(|| super::unknown("activation", name, chiliad_shaders::ACTIVATIONS))?;
        Self::compile(
            fragment.name,
            fragment.path,
            fragment.wgsl,
            fragment.sidecar,
        )
    }

    /// Compiles WGSL text holding `fn activation(x: f32) -> f32`, with one optional struct of constants as second argument.
    pub fn compile(
        name: &str,
        file: &str,
        wgsl: &str,
        sidecar_text: &str,
    ) -> Result<Self, CellError> {
        let described: ActivationSidecar =
            sidecar::parse(&file.replace(".wgsl", ".ron"), sidecar_text)?;
        let source = Source::parse(file, wgsl, None)?;
        let contract = |message: String| CellError::Contract {
            file: file.into(),
            line: 0,
            message,
        };
        let function = source
            .function("activation")
            .ok_or_else(|| contract("no `fn activation(x: f32) -> f32`".into()))?;
        let mut graph = Graph::default();
        let mut arguments = vec![Value::Scalar(graph.leaf(Leaf::Argument))];
        let mut constants = Vec::new();
        let types = source.argument_types(function);
        if let Some(shape) = types.get(1) {
            for field in source.fields(shape)?.unwrap_or_default() {
                let default = described.constants.get(&field).copied().ok_or_else(|| {
                    contract(format!("constant `{field}` has no default in the sidecar"))
                })?;
                constants.push((field, default));
            }
            let fields = (0..constants.len())
                .map(|i| graph.leaf(Leaf::Constant(i as u8)))
                .collect();
            arguments.push(Value::Struct(fields));
        }
        match source.run(&mut graph, function, &arguments)? {
            Value::Scalar(result) => Ok(Self {
                name: name.into(),
                bound: described.bound,
                sidecar: described,
                constants,
                wgsl: wgsl.into(),
                graph,
                result,
                constant_offset: 0,
            }),
            _ => Err(contract("`activation` must return an f32".into())),
        }
    }
}
