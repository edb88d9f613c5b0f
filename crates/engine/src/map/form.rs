//! A cell's step, or its candidate, as programs that also write every pointwise partial derivative.

use crate::cell::Cell;
use crate::cell::derive::adjoint;
use crate::cell::evaluate::{Place, Workspace, run};
use crate::cell::graph::{Graph, Leaf, Node};
use crate::cell::program::{Array, Program};
use crate::numerics::Real;
use std::collections::BTreeMap;

/// A program and where its arrays lie.
#[derive(Clone, Debug)]
pub(crate) struct Section {
    program: Program,
    places: Vec<Place>,
}

impl Section {
    pub(crate) fn new<T: Real>(
        graph: &Graph,
        outputs: &[(Array, Node)],
        workspace: &mut Workspace<T>,
    ) -> Self {
        let program = Program::build(graph, outputs, &BTreeMap::new());
        for &(array, _) in outputs {
            workspace.array(array);
        }
        let places = workspace.places(&program);
        Self { program, places }
    }

    #[inline(always)]
    pub(crate) fn run<T: Real>(&self, storage: &mut [Vec<T>], len: usize) {
        run(&self.program, storage, &self.places, len);
    }
}

/// Positions in the workspace of the partial derivatives of some expressions; `None` where identically zero.
#[derive(Clone, Debug, Default)]
pub(crate) struct Partials {
    /// `[expression][state field]`
    pub(crate) by_state: Vec<Vec<Option<usize>>>,
    /// `[expression][gate]`
    pub(crate) by_gate: Vec<Vec<Option<usize>>>,
}

/// Expressions of the state, evaluated stage by stage.
#[derive(Clone, Debug)]
pub(crate) struct Form {
    /// Values alone: one section per stage (its drive), then one for the expressions.
    pub(crate) values: Vec<Section>,
    /// The same with all partial derivatives.
    pub(crate) linear: Vec<Section>,
    /// Position of every state field before the step.
    pub(crate) states: Vec<usize>,
    /// Position of every expression's value.
    pub(crate) results: Vec<usize>,
    /// Position of every stage's drive.
    pub(crate) drives: Vec<usize>,
    /// Position of every gate's pre-activation.
    pub(crate) gates: Vec<usize>,
    /// Gates the expressions depend on.
    pub(crate) used: Vec<bool>,
    /// Of the expressions.
    pub(crate) outer: Partials,
    /// Of the drives.
    pub(crate) drive: Partials,
}

impl Form {
    /// Programs for `expressions`, written to `arrays`.
    pub(crate) fn new<T: Real>(
        cell: &Cell,
        expressions: &[(Array, Node)],
        workspace: &mut Workspace<T>,
    ) -> Self {
        let mut graph = cell.graph.clone();
        let gate_names: Vec<(usize, usize)> = cell.gates().map(|(s, g, _)| (s, g)).collect();
        let gate_index = |s: u8, g: u8| {
            gate_names
                .iter()
                .position(|&n| n == (usize::from(s), usize::from(g)))
        };
        let mut n_partials = 0;
        let mut partials = |graph: &mut Graph,
                            node: Node,
                            outputs: &mut Vec<(Array, Node)>,
                            workspace: &mut Workspace<T>| {
            let one = graph.literal(1.0);
            let mut by_state = vec![None; cell.states.len()];
            let mut by_gate = vec![None; gate_names.len()];
            for (leaf, derivative) in adjoint(graph, &[(node, one)]) {
                let slot = match leaf {
                    Leaf::State(f) => by_state.get_mut(usize::from(f)),
                    Leaf::Gate(s, g) => gate_index(s, g).and_then(|i| by_gate.get_mut(i)),
                    _ => None,
                };
                if let Some(slot) = slot {
                    let array = Array::Partial(n_partials);
                    n_partials += 1;
                    outputs.push((array, derivative));
                    *slot = Some(workspace.array(array));
                }
            }
            (by_state, by_gate)
        };
        let mut form = Self {
            values: Vec::new(),
            linear: Vec::new(),
            states: (0..cell.states.len())
                .map(|f| workspace.array(Array::Leaf(Leaf::State(f as u8))))
                .collect(),
            results: expressions.iter().map(|e| workspace.array(e.0)).collect(),
            drives: Vec::new(),
            gates: gate_names
                .iter()
                .map(|&(s, g)| workspace.array(Array::Leaf(Leaf::Gate(s as u8, g as u8))))
                .collect(),
            used: vec![false; gate_names.len()],
            outer: Partials::default(),
            drive: Partials::default(),
        };
        for (s, stage) in cell.stages.iter().enumerate() {
            let mut outputs = Vec::new();
            match cell.plain_drive(s) {
                Some(field) => form.drives.push(form.states[field]),
                None => {
                    outputs.push((Array::Drive(s as u8), stage.drive));
                    form.drives.push(workspace.array(Array::Drive(s as u8)));
                }
            }
            form.values.push(Section::new(&graph, &outputs, workspace));
            let (by_state, by_gate) = partials(&mut graph, stage.drive, &mut outputs, workspace);
            form.linear.push(Section::new(&graph, &outputs, workspace));
            form.drive.by_state.push(by_state);
            form.drive.by_gate.push(by_gate);
        }
        let mut outputs = expressions.to_vec();
        form.values.push(Section::new(&graph, &outputs, workspace));
        for &(_, node) in expressions {
            let (by_state, by_gate) = partials(&mut graph, node, &mut outputs, workspace);
            form.outer.by_state.push(by_state);
            form.outer.by_gate.push(by_gate);
        }
        form.linear.push(Section::new(&graph, &outputs, workspace));

        // A gate no expression depends on, directly or through a drive, is never computed.
        let mut mark = |roots: &[Node]| {
            for node in cell.graph.reachable(roots) {
                if let crate::cell::graph::Op::Leaf(Leaf::Gate(s, g)) = cell.graph.op(node) {
                    if let Some(i) = gate_index(s, g) {
                        form.used[i] = true;
                    }
                }
            }
            form.used.clone()
        };
        let mut used = mark(&expressions.iter().map(|e| e.1).collect::<Vec<_>>());
        for (s, stage) in cell.stages.iter().enumerate().rev() {
            if gate_names
                .iter()
                .zip(&used)
                .any(|(&(of, _), &u)| of == s && u)
            {
                used = mark(&[stage.drive]);
            }
        }
        form
    }
}
