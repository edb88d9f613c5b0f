//! Writes expressions of a cell as WGSL, for the kernels and for people.

use super::graph::{Graph, Leaf, Node, Op, Primitive};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// Straight-line WGSL for some expressions: a `let` per operation, then an assignment per output.
///
/// `available` are expressions that already have a name; `leaf` names values from outside; `assign` makes the statement
/// that stores an output. Names of temporaries start with `prefix`.
pub fn body(
    graph: &Graph,
    outputs: &[(String, Node)],
    available: &BTreeMap<Node, String>,
    leaf: &dyn Fn(Leaf) -> String,
    prefix: &str,
) -> String {
    let roots: Vec<Node> = outputs.iter().map(|o| o.1).collect();
    let mut names: BTreeMap<Node, String> = BTreeMap::new();
    let mut text = String::new();
    for node in graph.reachable_until(&roots, &|n| available.contains_key(&n)) {
        if let Some(name) = available.get(&node) {
            names.insert(node, name.clone());
            continue;
        }
        let n = |a: Node| names.get(&a).cloned().unwrap_or_default();
        let expression = match graph.op(node) {
            Op::Leaf(l) => {
                names.insert(node, leaf(l));
                continue;
            }
            Op::Literal(bits) => {
                names.insert(node, number(f64::from_bits(bits)));
                continue;
            }
            Op::Add(a, b) => format!("{} + {}", n(a), n(b)),
            Op::Sub(a, b) => format!("{} - {}", n(a), n(b)),
            Op::Mul(a, b) => format!("{} * {}", n(a), n(b)),
            Op::Div(a, b) => format!("{} / {}", n(a), n(b)),
            Op::Min(a, b) => format!("min({}, {})", n(a), n(b)),
            Op::Max(a, b) => format!("max({}, {})", n(a), n(b)),
            Op::Less(a, b) => format!("select(0.0, 1.0, {} < {})", n(a), n(b)),
            Op::LessEqual(a, b) => format!("select(0.0, 1.0, {} <= {})", n(a), n(b)),
            Op::Select {
                condition,
                accept,
                reject,
            } => format!(
                "select({}, {}, {} != 0.0)",
                n(reject),
                n(accept),
                n(condition)
            ),
            Op::Call(primitive, a) => format!("{}({})", function(primitive), n(a)),
        };
        let name = format!("{prefix}{}", node.index());
        let _ = writeln!(text, "    let {name} = {expression};");
        names.insert(node, name);
    }
    for (to, node) in outputs {
        let _ = writeln!(
            text,
            "    {to} = {};",
            names.get(node).cloned().unwrap_or_default()
        );
    }
    text
}

/// Name of a primitive in `shared/math.wgsl`.
pub fn function(primitive: Primitive) -> &'static str {
    match primitive {
        Primitive::Tanh => "math_tanh",
        Primitive::Sigmoid => "math_sigmoid",
        Primitive::Softplus => "math_softplus",
        Primitive::Exp => "math_exp",
        Primitive::Log => "math_log",
        Primitive::Sqrt => "math_sqrt",
        Primitive::Erf => "math_erf",
    }
}

/// A literal that WGSL reads back as the same f32.
pub fn number(value: f64) -> String {
    let text = format!("{:?}", value as f32);
    if value < 0.0 {
        format!("({text})")
    } else {
        text
    }
}
