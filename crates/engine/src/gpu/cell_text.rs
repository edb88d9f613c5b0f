//! The `cell` fragment of a kernel: a cell's step and its derived adjoint, written around the register tile.
//!
//! This is the one place that writes WGSL from Rust: how many gates, tapes and stages there are is the cell's own, and a
//! register cannot be indexed. What the text calls (`lane_*`, `quad_*`, `gradient_*`) is written by hand.

use super::geometry::{Geometry, key};
use super::pointwise::{Pointwise, array_name, leaf_name};
use crate::cell::Cell;
use crate::cell::graph::{Leaf, Node, Op};
use crate::cell::program::Array;
use crate::population::{Layout, Role};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// The fragment of a cell in a geometry; `trains` adds the list of its weight gradients.
pub fn cell_text(cell: &Cell, geometry: &Geometry, layout: &Layout, trains: bool) -> String {
    let mut writer = Writer {
        cell,
        geometry,
        layout,
        text: String::new(),
    };
    writer.start();
    writer.forward();
    if geometry.backward {
        writer.carry();
        writer.backward();
    }
    if trains {
        writer.gradient();
    }
    writer.text
}

struct Writer<'a> {
    cell: &'a Cell,
    geometry: &'a Geometry,
    layout: &'a Layout,
    text: String,
}

impl Writer<'_> {
    fn line(&mut self, line: &str) {
        let _ = writeln!(self.text, "{line}");
    }

    /// Field of row t that holds a stage's drive.
    fn drive_field(&self, stage: usize) -> usize {
        self.geometry
            .drives
            .get(stage)
            .copied()
            .flatten()
            .or(self.cell.plain_drive(stage))
            .unwrap_or(0)
    }

    /// What is kept between the passes and is more than a leaf.
    fn kept(&self) -> BTreeMap<Node, Array> {
        let graph = &self.cell.graph;
        let kept = self.cell.programs.kept(&self.cell.next, &self.cell.stages);
        kept.into_iter()
            .filter(|(n, _)| !matches!(graph.op(*n), Op::Leaf(_) | Op::Literal(_)))
            .collect()
    }

    fn start(&mut self) {
        let states = self.geometry.states;
        let (shift, field) = match (self.geometry.output, self.cell.plain_output()) {
            (Some(field), _) => (0, field),
            (None, field) => (1, field.unwrap_or(0)),
        };
        self.line(&format!("fn cell_output_at(lane: Lane, t: u32, quad: u32) -> u32 {{\n    return lane_row(lane, t + {shift}u, {field}u, 0u, quad);\n}}"));
        self.line("fn cell_start(lane: Lane) {");
        for f in 0..states {
            let offset = self.geometry.offset(key(Role::InitialState(f)));
            self.line(&format!("    lane_store(lane, 0u, {f}u, quad_broadcast(weights[lane.weights + {offset}u + lane.units]));"));
        }
        self.line("}");
    }

    /// Statements that bind the constants, unit parameters and noise variates that some of the functions take.
    fn bind(&self, functions: &[&Pointwise], t: &str) -> String {
        let mut text = String::new();
        let taken = |name: &str| functions.iter().any(|f| f.takes(name));
        for i in 0..self.cell.constants.len() {
            if taken(&format!("k{i}")) {
                let _ = writeln!(text, "    let k{i} = network_constant(lane.network, {i}u);");
            }
        }
        for i in 0..self.cell.unit_params.len() {
            if taken(&format!("w{i}")) {
                let _ = writeln!(
                    text,
                    "    let w{i} = weights[lane.weights + {}u + lane.units];",
                    self.geometry.offset(key(Role::Unit(i)))
                );
            }
        }
        for i in 0..self.cell.noise.len() {
            if taken(&format!("x{i}")) {
                let _ = writeln!(text, "    let x{i} = noise_quad(lane, {t}, {i}u);");
            }
        }
        text
    }

    fn forward(&mut self) {
        let (cell, geometry) = (self.cell, self.geometry);
        let graph = &cell.graph;
        let tapes: BTreeMap<Node, Array> = self
            .kept()
            .into_iter()
            .filter(|(_, a)| geometry.backward && matches!(a, Array::Tape(_)))
            .collect();
        let mut available: BTreeMap<Node, Array> = BTreeMap::new();
        let with_tapes = |available: &BTreeMap<Node, Array>, mut outputs: Vec<(Array, Node)>| {
            let roots: Vec<Node> = outputs.iter().map(|o| o.1).collect();
            for node in graph.reachable_until(&roots, &|n| available.contains_key(&n)) {
                if let (Some(&tape), false) = (tapes.get(&node), available.contains_key(&node)) {
                    outputs.push((tape, node));
                }
            }
            outputs
        };
        let mut drives: Vec<Option<Pointwise>> = Vec::new();
        for (s, stage) in cell.stages.iter().enumerate() {
            if cell.plain_drive(s).is_some() {
                drives.push(None);
                continue;
            }
            let outputs = with_tapes(&available, vec![(Array::Drive(s as u8), stage.drive)]);
            drives.push(Some(Pointwise::new(
                &format!("cell_drive{s}"),
                graph,
                &outputs,
                &available,
            )));
            available.extend(outputs.iter().map(|&(a, n)| (n, a)));
        }
        let mut outputs: Vec<(Array, Node)> = cell
            .next
            .iter()
            .enumerate()
            .map(|(f, &n)| (Array::StateNext(f as u8), n))
            .collect();
        if geometry.output.is_some() {
            outputs.push((Array::Output, cell.output_next));
        }
        let outputs = with_tapes(&available, outputs);
        let next = Pointwise::new("cell_next", graph, &outputs, &available);
        for function in drives.iter().flatten().chain([&next]) {
            self.text.push_str(&function.text);
        }
        self.line("fn cell_forward(lane: Lane, t: u32) {");
        for f in 0..geometry.states {
            self.line(&format!("    let s{f} = lane_load(lane, t, {f}u);"));
        }
        let functions: Vec<&Pointwise> = drives.iter().flatten().chain([&next]).collect();
        let bound = self.bind(&functions, "t");
        self.text.push_str(&bound);
        for (s, drive) in drives.iter().enumerate() {
            let mut shared = format!("s{}", cell.plain_drive(s).unwrap_or(0));
            if let Some(drive) = drive {
                let call = drive.call(&format!("at{s}_"));
                self.text.push_str(&call);
                shared = format!("at{s}_d{s}");
                self.line(&format!("    let d{s} = {shared};"));
                if let Some(field) = geometry.drives[s] {
                    self.line(&format!("    lane_store(lane, t, {field}u, d{s});"));
                }
                for tape in (0..cell.programs.n_tapes)
                    .map(|k| format!("tape{k}"))
                    .filter(|tape| drive.gives(tape))
                {
                    self.line(&format!("    let {tape} = at{s}_{tape};"));
                }
            }
            self.stage_products(s, &shared);
        }
        let call = next.call("after_");
        self.text.push_str(&call);
        for f in 0..geometry.states {
            let mut state = format!("after_n{f}");
            if geometry.forced == Some(f) {
                state = format!("forcing_state(lane, t, {state})");
            }
            self.line(&format!(
                "    lane_store(lane, t + 1u, {f}u, lane_masked(lane, {state}));"
            ));
        }
        if let Some(field) = geometry.output {
            self.line(&format!(
                "    lane_store(lane, t, {field}u, lane_masked(lane, after_y));"
            ));
        }
        if geometry.backward {
            for k in 0..cell.programs.n_tapes {
                let name = format!("tape{k}");
                let source = if next.gives(&name) {
                    format!("after_{name}")
                } else {
                    name
                };
                self.line(&format!(
                    "    lane_store(lane, t, {}u, {source});",
                    geometry.kept + k
                ));
            }
            for (i, &(s, g)) in cell.programs.taped_gates.iter().enumerate() {
                self.line(&format!(
                    "    lane_store(lane, t, {}u, {});",
                    geometry.kept + cell.programs.n_tapes + i,
                    leaf_name(Leaf::Gate(s, g))
                ));
            }
        }
        self.line("}");
    }

    /// P_g = W_g drive + V_g x + b_g for all gates of a stage, the recurrent products in one loop.
    fn stage_products(&mut self, s: usize, shared: &str) {
        let (cell, geometry) = (self.cell, self.geometry);
        let gates = &cell.stages[s].gates;
        for (g, gate) in gates.iter().enumerate() {
            let start = if gate.bias {
                format!(
                    "quad_broadcast(weights[lane.weights + {}u + lane.units])",
                    geometry.offset((3, s, g))
                )
            } else {
                "quad_zero()".into()
            };
            self.line(&format!("    var p{s}_{g} = {start};"));
        }
        if gates.iter().any(|g| g.input) {
            self.line("    for (var i = 0u; i < INPUTS; i++) {\n        let x = lane_input(lane, t, i, lane.quad);\n        let at = lane.weights + i * UNIT_QUADS + lane.units;");
            for (g, _) in gates.iter().enumerate().filter(|(_, gate)| gate.input) {
                self.line(&format!(
                    "        p{s}_{g} = quad_outer(p{s}_{g}, weights[at + {}u], x);",
                    geometry.offset((2, s, g))
                ));
            }
            self.line("    }");
        }
        if gates.iter().any(|g| g.recurrent) {
            // Stages with a product take turns with the two buffers.
            let recurrent: Vec<usize> = (0..cell.stages.len())
                .filter(|&s| cell.stages[s].gates.iter().any(|g| g.recurrent))
                .collect();
            let turn = recurrent.iter().filter(|&&r| r < s).count();
            self.line(&format!("    let buffer{s} = (t * {}u + {turn}u) % 2u;\n    lane_share(lane, buffer{s}, {shared});", recurrent.len()));
            self.line(&format!("    var from{s} = lane.weights + lane.units;\n    for (var j = 0u; j < UNITS; j++) {{\n        let d = lane_shared(lane, buffer{s}, j);"));
            for (g, _) in gates.iter().enumerate().filter(|(_, gate)| gate.recurrent) {
                self.line(&format!(
                    "        p{s}_{g} = quad_outer(p{s}_{g}, weights[from{s} + {}u], d);",
                    geometry.offset((0, s, g))
                ));
            }
            self.line(&format!("        from{s} += UNIT_QUADS;\n    }}"));
        }
    }

    /// dL/d(state), carried from step to step.
    fn carry(&mut self) {
        let states = self.geometry.states;
        let list = |f: &dyn Fn(usize) -> String| (0..states).map(f).collect::<Vec<_>>().join(", ");
        self.line(&format!(
            "struct CellCarry {{ {} }}",
            list(&|f| format!("c{f}: Quad"))
        ));
        self.line(&format!(
            "fn cell_no_carry() -> CellCarry {{ return CellCarry({}); }}",
            list(&|_| "quad_zero()".into())
        ));
        self.line("fn cell_keep_carry(lane: Lane, carry: CellCarry) {");
        for f in 0..states {
            self.line(&format!(
                "    lane_store(lane, dims.n_steps, {}u, carry.c{f});",
                self.geometry.kept + f
            ));
        }
        self.line("}");
        let residual =
            list(&|f| format!("quad_sub(lane_load(lane, 1u, {f}u), lane_load(lane, 0u, {f}u))"));
        self.line(&format!(
            "fn cell_residual_carry(lane: Lane) -> CellCarry {{ return CellCarry({residual}); }}"
        ));
        self.line("fn cell_carried(carry: CellCarry, field: u32) -> Quad {");
        for f in 1..states {
            self.line(&format!("    if field == {f}u {{ return carry.c{f}; }}"));
        }
        self.line("    return carry.c0;\n}");
    }

    fn backward(&mut self) {
        let (cell, geometry) = (self.cell, self.geometry);
        let programs = &cell.programs;
        let kept = self.kept();
        let step = Pointwise::new(
            "cell_adjoint",
            &cell.graph,
            &programs.next_adjoint_outputs,
            &kept,
        );
        let drives: Vec<Option<Pointwise>> = programs
            .drive_adjoint_outputs
            .iter()
            .enumerate()
            .map(|(s, outputs)| {
                (!outputs.is_empty()).then(|| {
                    Pointwise::new(
                        &format!("cell_drive{s}_adjoint"),
                        &cell.graph,
                        outputs,
                        &kept,
                    )
                })
            })
            .collect();
        let functions: Vec<&Pointwise> = drives.iter().flatten().chain([&step]).collect();
        for function in &functions {
            self.text.push_str(&function.text);
        }
        let bound = self.bind(&functions, "t");
        let taken = |name: &str| functions.iter().any(|f| f.takes(name));
        let mut loads: Vec<(String, String, usize)> = Vec::new();
        for f in 0..geometry.states {
            loads.push((format!("s{f}"), "t".into(), f));
            // A forced state as it was lies where the readout sees it.
            loads.push(
                match geometry.output.filter(|_| geometry.forced == Some(f)) {
                    Some(output) => (format!("n{f}"), "t".into(), output),
                    None => (format!("n{f}"), "t + 1u".into(), f),
                },
            );
        }
        for s in 0..cell.stages.len() {
            loads.push((format!("d{s}"), "t".into(), self.drive_field(s)));
        }
        loads.extend(
            (0..programs.n_tapes).map(|k| (format!("tape{k}"), "t".into(), geometry.kept + k)),
        );
        for (i, &(s, g)) in programs.taped_gates.iter().enumerate() {
            loads.push((
                leaf_name(Leaf::Gate(s, g)),
                "t".into(),
                geometry.kept + programs.n_tapes + i,
            ));
        }
        self.line(
            "fn cell_backward(lane: Lane, t: u32, carry: CellCarry, dy: Quad) -> CellCarry {",
        );
        for (name, t, field) in loads.iter().filter(|l| taken(&l.0)) {
            self.line(&format!("    let {name} = lane_load(lane, {t}, {field}u);"));
        }
        for f in (0..geometry.states).filter(|f| taken(&format!("c{f}"))) {
            let mut carried = format!("carry.c{f}");
            if geometry.forced == Some(f) {
                carried = format!("forcing_adjoint(lane, t, {carried})");
            }
            self.line(&format!("    let c{f} = {carried};"));
        }
        self.text.push_str(&bound);
        let call = step.call("step_");
        self.text.push_str(&call);
        for (array, _) in &programs.next_adjoint_outputs {
            let name = array_name(*array);
            self.line(&format!("    var {name} = step_{name};"));
        }
        let recurrent: Vec<(usize, usize)> = cell
            .gates()
            .filter(|(_, _, gate)| gate.recurrent)
            .map(|(s, g, _)| (s, g))
            .collect();
        let mut product = 0;
        for s in (0..cell.stages.len()).rev() {
            self.line(&format!("    var dd{s} = quad_zero();"));
            for &(_, g) in recurrent.iter().filter(|r| r.0 == s) {
                let buffer = format!("(t * {}u + {product}u) % 2u", recurrent.len());
                self.line(&format!("    lane_share(lane, {buffer}, q{s}_{g});\n    dd{s} = lane_product(lane, dd{s}, {}u, {buffer});", geometry.offset((1, s, g))));
                product += 1;
            }
            match (&drives[s], cell.plain_drive(s)) {
                (_, Some(f)) => self.line(&format!("    e{f} = quad_add(e{f}, dd{s});")),
                (Some(drive), None) => {
                    let call = drive.call(&format!("back{s}_"));
                    self.text.push_str(&call);
                    for (array, _) in &programs.drive_adjoint_outputs[s] {
                        let name = array_name(*array);
                        self.line(&format!("    {name} = quad_add({name}, back{s}_{name});"));
                    }
                }
                (None, None) => {}
            }
        }
        for (i, (s, g, _)) in cell.gates().enumerate() {
            self.line(&format!(
                "    lane_store(lane, t, {}u, q{s}_{g});",
                geometry.kept + i
            ));
        }
        for i in 0..cell.unit_params.len() {
            self.line(&format!("    lane_add_sum(lane, {i}u, v{i});"));
        }
        let carried: Vec<String> = (0..geometry.states).map(|f| format!("e{f}")).collect();
        self.line(&format!(
            "    return CellCarry({});\n}}",
            carried.join(", ")
        ));
    }

    /// Which weight gradient comes from which gate's error and which drive.
    fn gradient(&mut self) {
        let param = |role: Role| {
            self.layout
                .find(role)
                .map_or("NONE".to_string(), |t| format!("{}u", t.offset))
        };
        let mut lines = vec!["fn cell_gradient(lane: Lane) {".to_string()];
        for (i, (s, g, gate)) in self.cell.gates().enumerate() {
            let delta = self.geometry.kept + i;
            if gate.recurrent && !gate.sum {
                lines.push(format!(
                    "    gradient_recurrent(lane, {}, {delta}u, {}u);",
                    param(Role::Recurrent(s, g)),
                    self.drive_field(s)
                ));
            }
            lines.push(format!(
                "    gradient_input(lane, {}, {}, {delta}u);",
                param(Role::Input(s, g)),
                param(Role::Bias(s, g))
            ));
        }
        lines.push("    gradient_readout(lane);".into());
        for i in 0..self.cell.unit_params.len() {
            lines.push(format!("    gradient_unit(lane, {}, lane.history + lane_sums() + {i}u * PADDED * TRIAL_QUADS);", param(Role::Unit(i))));
        }
        for f in 0..self.geometry.states {
            lines.push(format!(
                "    gradient_unit(lane, {}, lane_row(lane, dims.n_steps, {}u, 0u, 0u));",
                param(Role::InitialState(f)),
                self.geometry.kept + f
            ));
        }
        lines.push("}".into());
        for line in lines {
            self.line(&line);
        }
    }
}
