//! The `cell` fragment of a kernel that carries tangents: a cell's step and its Jacobian-vector product, side by side.
//!
//! Both go through the same products: every weight is read once for the state and for the tangent. The tangent of an
//! expression is the sum of its partial derivatives (those of the adjoint) times the tangents of what it reads.

use super::geometry::{Geometry, key};
use super::pointwise::{Pointwise, leaf_name};
use crate::cell::Cell;
use crate::cell::derive::adjoint;
use crate::cell::graph::{Graph, Leaf, Node};
use crate::cell::program::Array;
use crate::population::Role;
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// The tangent of an expression, in terms of the tangents of states and gates.
fn tangent(graph: &mut Graph, node: Node) -> Node {
    let one = graph.literal(1.0);
    let mut sum = graph.literal(0.0);
    for (leaf, partial) in adjoint(graph, &[(node, one)]) {
        let moved = match leaf {
            Leaf::State(f) => Leaf::TangentState(f),
            Leaf::Gate(s, g) => Leaf::TangentGate(s, g),
            _ => continue,
        };
        let moved = graph.leaf(moved);
        let term = graph.mul(partial, moved);
        sum = graph.add(sum, term);
    }
    sum
}

/// `cell_linear(lane, q)`: row 1 of the history becomes the state after row 0, `q` the tangents there.
pub(super) fn linear_text(cell: &Cell, geometry: &Geometry) -> String {
    let mut graph = cell.graph.clone();
    let none = BTreeMap::new();
    let states = cell.states.len();
    let drives: Vec<Pointwise> = cell
        .stages
        .iter()
        .enumerate()
        .map(|(s, stage)| {
            let moved = tangent(&mut graph, stage.drive);
            let outputs = [
                (Array::Drive(s as u8), stage.drive),
                (Array::Partial(0), moved),
            ];
            Pointwise::new(&format!("cell_linear_drive{s}"), &graph, &outputs, &none)
        })
        .collect();
    let mut outputs = Vec::new();
    for (f, &node) in cell.next.iter().enumerate() {
        let moved = tangent(&mut graph, node);
        outputs.push((Array::StateNext(f as u8), node));
        outputs.push((Array::Partial(f as u16), moved));
    }
    let next = Pointwise::new("cell_linear_next", &graph, &outputs, &none);
    let functions: Vec<&Pointwise> = drives.iter().chain([&next]).collect();
    let mut text: String = functions.iter().map(|f| f.text.as_str()).collect();
    let mut line = |line: String| {
        let _ = writeln!(text, "{line}");
    };
    line("fn cell_linear(lane: Lane, q: ptr<function, array<Quad, STATES>>) {".into());
    for f in 0..states {
        line(format!("    let s{f} = lane_load(lane, 0u, {f}u);"));
        line(format!(
            "    let {} = (*q)[{f}];",
            leaf_name(Leaf::TangentState(f as u8))
        ));
    }
    let taken = |name: &str| functions.iter().any(|f| f.takes(name));
    for i in (0..cell.constants.len()).filter(|i| taken(&format!("k{i}"))) {
        line(format!(
            "    let k{i} = network_constant(lane.network, {i}u);"
        ));
    }
    for i in (0..cell.unit_params.len()).filter(|i| taken(&format!("w{i}"))) {
        let at = geometry.offset(key(Role::Unit(i)));
        line(format!(
            "    let w{i} = weights[lane.weights + {at}u + lane.units];"
        ));
    }
    for i in (0..cell.noise.len()).filter(|i| taken(&format!("x{i}"))) {
        line(format!("    let x{i} = quad_zero();"));
    }
    for (s, drive) in drives.iter().enumerate() {
        line(drive.call(&format!("at{s}_")).trim_end().to_owned());
        for product in products(cell, geometry, s) {
            line(product);
        }
    }
    line(next.call("after_").trim_end().to_owned());
    for f in 0..states {
        line(format!(
            "    lane_store(lane, 1u, {f}u, lane_masked(lane, after_n{f}));"
        ));
        line(format!(
            "    (*q)[{f}] = lane_masked(lane, after_partial{f});"
        ));
    }
    line("}".into());
    text
}

/// `P_g = W_g drive + V_g x + b_g` and `W_g` times the drive's tangent, for all gates of a stage.
fn products(cell: &Cell, geometry: &Geometry, s: usize) -> Vec<String> {
    let gates = &cell.stages[s].gates;
    let mut lines = Vec::new();
    for (g, gate) in gates.iter().enumerate() {
        let start = if gate.bias {
            format!(
                "quad_broadcast(weights[lane.weights + {}u + lane.units])",
                geometry.offset((3, s, g))
            )
        } else {
            "quad_zero()".into()
        };
        lines.push(format!("    var p{s}_{g} = {start};"));
        lines.push(format!(
            "    var {} = quad_zero();",
            leaf_name(Leaf::TangentGate(s as u8, g as u8))
        ));
        if gate.input {
            lines.push(format!(
                "    for (var i = 0u; i < INPUTS; i++) {{ p{s}_{g} = quad_outer(p{s}_{g}, weights[lane.weights + {}u + i * UNIT_QUADS + lane.units], lane_input(lane, 0u, i, lane.quad)); }}",
                geometry.offset((2, s, g))
            ));
        }
    }
    let recurrent: Vec<usize> = (0..gates.len()).filter(|&g| gates[g].recurrent).collect();
    if recurrent.is_empty() {
        return lines;
    }
    // The buffers may still be read for what came before.
    lines.push(format!(
        "    workgroupBarrier();\n    lane_share(lane, 0u, at{s}_d{s});\n    lane_share(lane, 1u, at{s}_partial0);"
    ));
    lines.push(format!("    var from{s} = lane.weights + lane.units;"));
    lines.push(
        "    for (var j = 0u; j < UNITS; j++) {\n        let d = lane_shared(lane, 0u, j);\n        let moved = lane_shared(lane, 1u, j);"
            .into(),
    );
    for g in recurrent {
        let (at, moved) = (
            geometry.offset((0, s, g)),
            leaf_name(Leaf::TangentGate(s as u8, g as u8)),
        );
        lines.push(format!(
            "        p{s}_{g} = quad_outer(p{s}_{g}, weights[from{s} + {at}u], d);\n        {moved} = quad_outer({moved}, weights[from{s} + {at}u], moved);"
        ));
    }
    lines.push(format!("        from{s} += UNIT_QUADS;\n    }}"));
    lines
}
