//! All programs of a cell.
//!
//! What a backward pass needs of the forward pass is decided here: outputs of primitives are taped (never
//! pre-activations, unless a derivative is a function of one), everything else is recomputed from them.

use super::compile::Stage;
use super::derive::adjoint;
use super::graph::{Graph, Leaf, Node, Op};
use super::program::{Array, Program};
use std::collections::{BTreeMap, BTreeSet};

/// All programs of a cell.
#[derive(Clone, Debug, Default)]
pub struct Programs {
    /// Per stage: the drive; empty where the drive is a state field.
    pub drive: Vec<Program>,
    /// State after the step, output, tapes.
    pub next: Program,
    /// The output alone, from a state; empty where it is a state field.
    pub output: Program,
    /// Adjoint of `next`, and of the output where that is not simply a state field (else the executor adds the readout's
    /// adjoint to the field's). Adjoints of [`Programs::untouched_states`] are not written.
    pub next_adjoint: Program,
    /// State fields that `next` does not read directly, as bits: their adjoints come from drives alone.
    pub untouched_states: u32,
    /// Per stage: adjoint of the drive; empty where the drive is a state field.
    pub drive_adjoint: Vec<Program>,
    /// Gates kept for the backward pass, (stage, gate).
    pub taped_gates: BTreeSet<(u8, u8)>,
    /// Noise variates kept for the backward pass.
    pub taped_noise: BTreeSet<u8>,
    /// Number of tapes.
    pub n_tapes: usize,
    /// What each tape holds.
    pub tapes: Vec<Node>,
    /// Roots of the adjoint programs, for the WGSL writer: (array, expression).
    pub next_adjoint_outputs: Vec<(Array, Node)>,
    /// The same per stage.
    pub drive_adjoint_outputs: Vec<Vec<(Array, Node)>>,
}

impl Programs {
    pub(crate) fn derive(
        graph: &mut Graph,
        stages: &[Stage],
        next: &[Node],
        output: Node,
        output_next: Node,
        n_unit_params: usize,
    ) -> Self {
        let forward: BTreeSet<Node> = {
            let drives = stages.iter().map(|s| s.drive);
            let roots: Vec<Node> = next
                .iter()
                .copied()
                .chain([output_next])
                .chain(drives)
                .collect();
            graph.reachable(&roots).into_iter().collect()
        };
        let next_adjoint = step_adjoint(graph, stages, next, output_next, n_unit_params);
        let drive_adjoints: Vec<Roots> = stages
            .iter()
            .enumerate()
            .map(|(s, stage)| drive_adjoint(graph, s, stage))
            .collect();
        let mut programs = Self::default();
        let all = || next_adjoint.iter().chain(drive_adjoints.iter().flatten());
        let backward: Vec<Node> = all().map(|o| o.1).collect();
        let kept = programs.keep(graph, &stored(graph, next, stages), &forward, &backward);
        let plain_output = matches!(graph.op(output), Op::Leaf(Leaf::State(_)));
        programs.forward(
            graph,
            stages,
            next,
            (!plain_output).then_some((output, output_next)),
            &kept,
        );
        programs.backward(graph, &next_adjoint, &drive_adjoints, plain_output, &kept);
        programs.next_adjoint_outputs = next_adjoint;
        programs.drive_adjoint_outputs = drive_adjoints;
        programs
    }

    /// Decides what the backward pass keeps of the forward pass, beyond what is stored anyway: gates, noise, and outputs of
    /// primitives, which get tapes. All that is kept.
    fn keep(
        &mut self,
        graph: &Graph,
        stored: &BTreeMap<Node, Array>,
        forward: &BTreeSet<Node>,
        backward: &[Node],
    ) -> BTreeMap<Node, Array> {
        let is_kept = |n: Node| {
            stored.contains_key(&n) || (forward.contains(&n) && matches!(graph.op(n), Op::Call(..)))
        };
        let mut kept = stored.clone();
        for node in graph.reachable_until(backward, &is_kept) {
            match graph.op(node) {
                Op::Leaf(Leaf::Gate(s, g)) => {
                    self.taped_gates.insert((s, g));
                }
                Op::Leaf(Leaf::Noise(i)) => {
                    self.taped_noise.insert(i);
                }
                Op::Call(..) if forward.contains(&node) && !stored.contains_key(&node) => {
                    kept.insert(node, Array::Tape(self.tapes.len() as u8));
                    self.tapes.push(node);
                }
                _ => {}
            }
        }
        self.n_tapes = self.tapes.len();
        kept
    }

    /// Forward programs; a tape is written by the first program that computes it and read by the later ones. `output` is the
    /// output before and after the step, where it is not simply a state field.
    fn forward(
        &mut self,
        graph: &Graph,
        stages: &[Stage],
        next: &[Node],
        output: Option<(Node, Node)>,
        kept: &BTreeMap<Node, Array>,
    ) {
        let mut available: BTreeMap<Node, Array> = BTreeMap::new();
        let with_tapes = |available: &BTreeMap<Node, Array>, mut outputs: Roots| {
            let roots: Vec<Node> = outputs.iter().map(|o| o.1).collect();
            for node in graph.reachable_until(&roots, &|n| available.contains_key(&n)) {
                if let (Some(&array @ Array::Tape(_)), false) =
                    (kept.get(&node), available.contains_key(&node))
                {
                    outputs.push((array, node));
                }
            }
            outputs
        };
        for (s, stage) in stages.iter().enumerate() {
            if is_state(graph, stage.drive) {
                self.drive.push(Program::default());
                continue;
            }
            let outputs = with_tapes(&available, vec![(Array::Drive(s as u8), stage.drive)]);
            self.drive.push(Program::build(graph, &outputs, &available));
            available.extend(outputs.iter().map(|&(a, n)| (n, a)));
        }
        let fields = next.iter().enumerate();
        let mut outputs: Roots = fields
            .map(|(f, &n)| (Array::StateNext(f as u8), n))
            .collect();
        if let Some((before, after)) = output {
            outputs.push((Array::Output, after));
            self.output = Program::build(graph, &[(Array::Output, before)], &BTreeMap::new());
        }
        let outputs = with_tapes(&available, outputs);
        self.next = Program::build(graph, &outputs, &available);
    }

    fn backward(
        &mut self,
        graph: &mut Graph,
        next_adjoint: &Roots,
        drive_adjoints: &[Roots],
        plain_output: bool,
        kept: &BTreeMap<Node, Array>,
    ) {
        let mut roots = next_adjoint.clone();
        if plain_output {
            // The readout's adjoint arrives inside the state's.
            let zero = graph.literal(0.0);
            for (_, node) in &mut roots {
                let copy = graph.clone();
                *node = graph.import(&copy, *node, &mut |g, leaf| match leaf {
                    Leaf::AdjointOutput => zero,
                    other => g.leaf(other),
                });
            }
        }
        roots.retain(|(array, node)| match array {
            Array::AdjointPrevious(f) if graph.value(*node) == Some(0.0) => {
                self.untouched_states |= 1 << f;
                false
            }
            _ => true,
        });
        self.next_adjoint = Program::build(graph, &roots, kept);
        for outputs in drive_adjoints {
            // Accumulation: x += share, written as share into the array itself through the leaf of the same name.
            let program = Program::build_accumulating(graph, outputs, kept);
            self.drive_adjoint.push(program);
        }
    }

    /// Everything kept between the passes, as (expression, array).
    pub fn kept(&self, next: &[Node], stages: &[Stage]) -> BTreeMap<Node, Array> {
        let tapes = self.tapes.iter().enumerate();
        ends(next, stages)
            .chain(tapes.map(|(k, &n)| (n, Array::Tape(k as u8))))
            .collect()
    }
}

/// Expressions and where their values go.
type Roots = Vec<(Array, Node)>;

fn is_state(graph: &Graph, node: Node) -> bool {
    matches!(graph.op(node), Op::Leaf(Leaf::State(_)))
}

/// States after the step, and drives.
fn ends<'a>(next: &'a [Node], stages: &'a [Stage]) -> impl Iterator<Item = (Node, Array)> + 'a {
    let next = next.iter().enumerate();
    let drives = stages.iter().enumerate();
    next.map(|(f, &n)| (n, Array::StateNext(f as u8)))
        .chain(drives.map(|(s, stage)| (stage.drive, Array::Drive(s as u8))))
}

/// Those of [`ends`] that are computed.
fn stored(graph: &Graph, next: &[Node], stages: &[Stage]) -> BTreeMap<Node, Array> {
    ends(next, stages)
        .filter(|(n, _)| !matches!(graph.op(*n), Op::Leaf(_) | Op::Literal(_)))
        .collect()
}

/// Adjoint of the step: with respect to the state before it, the gates, the parameters per unit.
fn step_adjoint(
    graph: &mut Graph,
    stages: &[Stage],
    next: &[Node],
    output_next: Node,
    n_unit_params: usize,
) -> Roots {
    let mut seeds = Vec::new();
    for (f, &node) in next.iter().enumerate() {
        seeds.push((node, graph.leaf(Leaf::AdjointState(f as u8))));
    }
    seeds.push((output_next, graph.leaf(Leaf::AdjointOutput)));
    let by_leaf = adjoint(graph, &seeds);
    let zero = graph.literal(0.0);
    let take = |leaf: Leaf| by_leaf.get(&leaf).copied().unwrap_or(zero);
    let mut outputs: Roots = (0..next.len() as u8)
        .map(|f| (Array::AdjointPrevious(f), take(Leaf::State(f))))
        .collect();
    for (s, stage) in stages.iter().enumerate() {
        for g in 0..stage.gates.len() {
            let (s, g) = (s as u8, g as u8);
            outputs.push((Array::Leaf(Leaf::AdjointGate(s, g)), take(Leaf::Gate(s, g))));
        }
    }
    for i in 0..n_unit_params as u8 {
        outputs.push((Array::AdjointUnitParam(i), take(Leaf::UnitParam(i))));
    }
    outputs
}

/// Adjoint of a drive, which the executor adds to what is there; none where the drive is a state field.
fn drive_adjoint(graph: &mut Graph, s: usize, stage: &Stage) -> Roots {
    if is_state(graph, stage.drive) {
        return Vec::new();
    }
    let seed = graph.leaf(Leaf::AdjointDrive(s as u8));
    let share = |(leaf, node)| match leaf {
        Leaf::State(f) => Some((Array::AdjointPrevious(f), node)),
        Leaf::Gate(j, g) => Some((Array::Leaf(Leaf::AdjointGate(j, g)), node)),
        Leaf::UnitParam(i) => Some((Array::AdjointUnitParam(i), node)),
        _ => None,
    };
    let leaves = adjoint(graph, &[(stage.drive, seed)]);
    leaves.into_iter().filter_map(share).collect()
}
