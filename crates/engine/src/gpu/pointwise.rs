//! One straight-line function of a cell as WGSL: once for a number, once for a vec4 of trials.

use crate::cell::graph::{Graph, Leaf, Node, Op};
use crate::cell::program::Array;
use crate::cell::wgsl;
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// A generated function and what it must be called with.
#[derive(Debug)]
pub(super) struct Pointwise {
    name: String,
    /// Names of the arguments; those that differ between the four units of a quad come as a `Quad`.
    arguments: Vec<(String, Varies)>,
    outputs: Vec<String>,
    /// The two WGSL functions and their structs.
    pub(super) text: String,
}

/// Over what an argument varies within a quad of 4 units x 4 trials.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Varies {
    UnitAndTrial,
    Unit,
    Nothing,
}

/// Name of a value inside the generated text.
pub(super) fn leaf_name(leaf: Leaf) -> String {
    match leaf {
        Leaf::State(f) => format!("s{f}"),
        Leaf::Gate(s, g) => format!("p{s}_{g}"),
        Leaf::Noise(i) => format!("x{i}"),
        Leaf::Constant(i) => format!("k{i}"),
        Leaf::UnitParam(i) => format!("w{i}"),
        Leaf::UnitIndex => "unit_index".into(),
        Leaf::UnitCount => "unit_count".into(),
        Leaf::Argument => "argument".into(),
        Leaf::AdjointState(f) => format!("c{f}"),
        Leaf::AdjointOutput => "dy".into(),
        Leaf::AdjointDrive(s) => format!("dd{s}"),
        Leaf::AdjointGate(s, g) => format!("q{s}_{g}"),
        Leaf::TangentState(f) => format!("ts{f}"),
        Leaf::TangentGate(s, g) => format!("tp{s}_{g}"),
    }
}

/// Name of an array inside the generated text.
pub(super) fn array_name(array: Array) -> String {
    match array {
        Array::Leaf(leaf) => leaf_name(leaf),
        Array::StateNext(f) => format!("n{f}"),
        Array::Drive(s) => format!("d{s}"),
        Array::Output => "y".into(),
        Array::Tape(k) => format!("tape{k}"),
        Array::AdjointPrevious(f) => format!("e{f}"),
        Array::AdjointUnitParam(i) => format!("v{i}"),
        Array::Partial(k) => format!("partial{k}"),
        Array::Literal(_) | Array::Scratch(_) => "unused".into(),
    }
}

impl Pointwise {
    pub(super) fn new(
        name: &str,
        graph: &Graph,
        outputs: &[(Array, Node)],
        available: &BTreeMap<Node, Array>,
    ) -> Self {
        let roots: Vec<Node> = outputs.iter().map(|o| o.1).collect();
        let mut arguments: Vec<(String, Varies)> = Vec::new();
        for node in graph.reachable_until(&roots, &|n| available.contains_key(&n)) {
            let argument = match (available.get(&node), graph.op(node)) {
                (Some(&array), _) => (array_name(array), Varies::UnitAndTrial),
                (None, Op::Leaf(leaf @ (Leaf::Constant(_) | Leaf::UnitCount))) => {
                    (leaf_name(leaf), Varies::Nothing)
                }
                (None, Op::Leaf(leaf @ (Leaf::UnitParam(_) | Leaf::UnitIndex))) => {
                    (leaf_name(leaf), Varies::Unit)
                }
                (None, Op::Leaf(leaf)) => (leaf_name(leaf), Varies::UnitAndTrial),
                _ => continue,
            };
            if !arguments.contains(&argument) {
                arguments.push(argument);
            }
        }
        let names: Vec<String> = outputs.iter().map(|o| array_name(o.0)).collect();
        let assigned: Vec<(String, Node)> = outputs
            .iter()
            .map(|o| (format!("result.{}", array_name(o.0)), o.1))
            .collect();
        let available = available
            .iter()
            .map(|(&n, &a)| (n, array_name(a)))
            .collect();
        let body = wgsl::body(graph, &assigned, &available, &leaf_name, "let_");
        let mut text = String::new();
        let fields = |ty: &str| {
            names
                .iter()
                .map(|n| format!("{n}: {ty}"))
                .collect::<Vec<_>>()
                .join(", ")
        };
        let _ = writeln!(
            text,
            "struct {name}_result {{ {} }}\nstruct {name}_result4 {{ {} }}",
            fields("f32"),
            fields("vec4<f32>")
        );
        let parameters: Vec<String> = arguments.iter().map(|(n, _)| format!("{n}: f32")).collect();
        let _ = writeln!(
            text,
            "fn {name}({}) -> {name}_result {{\n    var result: {name}_result;\n{body}    return result;\n}}",
            parameters.join(", ")
        );
        let parameters: Vec<String> = arguments
            .iter()
            .map(|(n, v)| {
                format!(
                    "{n}: {}",
                    if *v == Varies::UnitAndTrial {
                        "vec4<f32>"
                    } else {
                        "f32"
                    }
                )
            })
            .collect();
        let _ = writeln!(
            text,
            "fn {name}4({}) -> {name}_result4 {{",
            parameters.join(", ")
        );
        for trial in ["x", "y", "z", "w"] {
            let values: Vec<String> = arguments
                .iter()
                .map(|(n, v)| {
                    if *v == Varies::UnitAndTrial {
                        format!("{n}.{trial}")
                    } else {
                        n.clone()
                    }
                })
                .collect();
            let _ = writeln!(text, "    let at_{trial} = {name}({});", values.join(", "));
        }
        let results: Vec<String> = names
            .iter()
            .map(|n| format!("vec4<f32>(at_x.{n}, at_y.{n}, at_z.{n}, at_w.{n})"))
            .collect();
        let _ = writeln!(
            text,
            "    return {name}_result4({});\n}}",
            results.join(", ")
        );
        Self {
            name: name.into(),
            arguments,
            outputs: names,
            text,
        }
    }

    /// Whether the function takes this argument.
    pub(super) fn takes(&self, name: &str) -> bool {
        self.arguments.iter().any(|a| a.0 == name)
    }

    /// Whether the function has this output.
    pub(super) fn gives(&self, name: &str) -> bool {
        self.outputs.iter().any(|o| o == name)
    }

    /// Statements that call the function for the four units of a lane and bind each output, prefixed, to a `Quad`.
    pub(super) fn call(&self, prefix: &str) -> String {
        let mut text = String::new();
        for (k, component) in ["x", "y", "z", "w"].iter().enumerate() {
            let values: Vec<String> = self
                .arguments
                .iter()
                .map(|(name, varies)| match varies {
                    Varies::UnitAndTrial => format!("{name}.u{k}"),
                    Varies::Unit if name == "unit_index" => format!("f32(4u * lane.units + {k}u)"),
                    Varies::Unit => format!("{name}.{component}"),
                    Varies::Nothing if name == "unit_count" => "f32(UNITS)".into(),
                    Varies::Nothing => name.clone(),
                })
                .collect();
            let _ = writeln!(
                text,
                "    let {prefix}{k} = {}4({});",
                self.name,
                values.join(", ")
            );
        }
        for output in &self.outputs {
            let parts: Vec<String> = (0..4).map(|k| format!("{prefix}{k}.{output}")).collect();
            let _ = writeln!(
                text,
                "    let {prefix}{output} = Quad({});",
                parts.join(", ")
            );
        }
        text
    }
}
