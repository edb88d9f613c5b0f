//! Reverse-mode differentiation of a cell's expressions, as new expressions in the same graph.

use super::graph::{Graph, Leaf, Node, Op, Primitive};
use std::collections::BTreeMap;

/// d(sum of seed * output)/d(leaf) for every leaf the outputs depend on.
///
/// Rules worth knowing: a primitive's derivative is written in terms of its own output wherever that is accurate, so a
/// backward pass needs no transcendental function; a literal derivative of the logistic function would be NaN at -89.
/// `select` selects the adjoint of the operand taken and never multiplies by a mask. At a kink (`min`, `max` of equal
/// values) both derivatives are 0, so relu'(0) = 0 and |x|'(0) = 0.
pub fn adjoint(graph: &mut Graph, seeds: &[(Node, Node)]) -> BTreeMap<Leaf, Node> {
    let outputs: Vec<Node> = seeds.iter().map(|s| s.0).collect();
    let order = graph.reachable(&outputs);
    let mut total: BTreeMap<Node, Node> = BTreeMap::new();
    for &(output, seed) in seeds {
        accumulate(graph, &mut total, output, seed);
    }
    let mut leaves = BTreeMap::new();
    for &node in order.iter().rev() {
        let Some(&by) = total.get(&node) else {
            continue;
        };
        match graph.op(node) {
            Op::Leaf(leaf) => {
                leaves.insert(leaf, by);
            }
            Op::Literal(_) | Op::Less(..) | Op::LessEqual(..) => {}
            Op::Add(a, b) => {
                accumulate(graph, &mut total, a, by);
                accumulate(graph, &mut total, b, by);
            }
            Op::Sub(a, b) => {
                accumulate(graph, &mut total, a, by);
                let minus = graph.neg(by);
                accumulate(graph, &mut total, b, minus);
            }
            Op::Mul(a, b) => {
                let da = graph.mul(by, b);
                accumulate(graph, &mut total, a, da);
                let db = graph.mul(by, a);
                accumulate(graph, &mut total, b, db);
            }
            Op::Div(a, b) => {
                let da = graph.div(by, b);
                accumulate(graph, &mut total, a, da);
                let scaled = graph.mul(da, node);
                let db = graph.neg(scaled);
                accumulate(graph, &mut total, b, db);
            }
            Op::Min(a, b) => {
                route(graph, &mut total, by, a, (a, b));
                route(graph, &mut total, by, b, (b, a));
            }
            Op::Max(a, b) => {
                route(graph, &mut total, by, a, (b, a));
                route(graph, &mut total, by, b, (a, b));
            }
            Op::Select {
                condition,
                accept,
                reject,
            } => {
                let zero = graph.literal(0.0);
                let da = graph.select(condition, by, zero);
                accumulate(graph, &mut total, accept, da);
                let dr = graph.select(condition, zero, by);
                accumulate(graph, &mut total, reject, dr);
            }
            Op::Call(primitive, a) => {
                let slope = derivative(graph, primitive, a, node);
                let da = graph.mul(by, slope);
                accumulate(graph, &mut total, a, da);
            }
        }
    }
    leaves
}

fn accumulate(graph: &mut Graph, total: &mut BTreeMap<Node, Node>, node: Node, by: Node) {
    let sum = match total.get(&node) {
        Some(&known) => graph.add(known, by),
        None => by,
    };
    if graph.value(sum) != Some(0.0) {
        total.insert(node, sum);
    }
}

/// Gives `by` to `to` where `order.0 < order.1`.
fn route(
    graph: &mut Graph,
    total: &mut BTreeMap<Node, Node>,
    by: Node,
    to: Node,
    order: (Node, Node),
) {
    let zero = graph.literal(0.0);
    let taken = graph.less(order.0, order.1);
    let adjoint = graph.select(taken, by, zero);
    accumulate(graph, total, to, adjoint);
}

/// Derivative of `y = primitive(x)`.
fn derivative(graph: &mut Graph, primitive: Primitive, x: Node, y: Node) -> Node {
    let zero = graph.literal(0.0);
    let one = graph.literal(1.0);
    match primitive {
        Primitive::Tanh => {
            let square = graph.mul(y, y);
            graph.sub(one, square)
        }
        Primitive::Sigmoid => {
            let rest = graph.sub(one, y);
            graph.mul(y, rest)
        }
        Primitive::Softplus => graph.call(Primitive::Sigmoid, x),
        Primitive::Exp => y,
        Primitive::Log => graph.div(one, x),
        Primitive::Sqrt => {
            // The slope at 0 is infinite; a guard `select` around a root must not turn that into NaN.
            let half = graph.literal(0.5);
            let slope = graph.div(half, y);
            let positive = graph.less(zero, y);
            graph.select(positive, slope, zero)
        }
        Primitive::Erf => {
            let square = graph.mul(x, x);
            let minus = graph.neg(square);
            let bell = graph.call(Primitive::Exp, minus);
            let scale = graph.literal(std::f64::consts::FRAC_2_SQRT_PI);
            graph.mul(scale, bell)
        }
    }
}
