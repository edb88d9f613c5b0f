//! Bytecode of a cell: straight-line programs over blocks of units.
//!
//! What a backward pass needs of the forward pass is decided here: outputs of primitives are taped (never
//! pre-activations, unless a derivative is a function of one), everything else is recomputed from them. A program reads
//! and writes named [`Array`]s; where they lie is the executor's business.

use super::compile::Stage;
use super::derive::adjoint;
use super::graph::{Graph, Leaf, Node, Op, Primitive};
use std::collections::{BTreeMap, BTreeSet};

/// A block of values, one per (trial, unit).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Array {
    /// A value from outside.
    Leaf(Leaf),
    /// State field after the step.
    StateNext(u8),
    /// Drive of a stage.
    Drive(u8),
    /// Output of the unit after the step, where it is not simply a state field.
    Output,
    /// A primitive's output kept for the backward pass.
    Tape(u8),
    /// dL/d(state field before the step).
    AdjointPrevious(u8),
    /// dL/d(per-unit parameter), this step's share.
    AdjointUnitParam(u8),
    /// Partial derivative number k of the program.
    Partial(u16),
    /// A literal, as the bits of an f64.
    Literal(u64),
    /// Temporary.
    Scratch(u16),
}

/// Operation of an instruction.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Code {
    /// a
    Copy,
    /// a + b
    Add,
    /// a - b
    Sub,
    /// a * b
    Mul,
    /// a / b
    Div,
    /// min(a, b)
    Min,
    /// max(a, b)
    Max,
    /// a < b
    Less,
    /// a <= b
    LessEqual,
    /// a != 0 ? b : c
    Select,
    /// a * b + c
    MulAdd,
    /// c - a * b
    NegMulAdd,
    /// a * b - c
    MulSub,
    /// A primitive of a.
    Call(Primitive),
}

/// One instruction; operands are positions in [`Program::arrays`].
#[derive(Clone, Copy, Debug)]
pub struct Instruction {
    /// What to do.
    pub code: Code,
    /// Where the result goes.
    pub to: usize,
    /// First operand.
    pub a: usize,
    /// Second operand, or 0.
    pub b: usize,
    /// Third operand, or 0.
    pub c: usize,
}

/// A straight-line program.
#[derive(Clone, Debug, Default)]
pub struct Program {
    /// Everything the instructions read or write.
    pub arrays: Vec<Array>,
    /// In order.
    pub instructions: Vec<Instruction>,
}

/// A partial derivative that is not identically zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Partial {
    /// Of which expression: `StateNext(f)`, `Drive(s)`, or `Output` for the candidate.
    pub of: Array,
    /// With respect to which leaf.
    pub by: Leaf,
    /// Where the program writes it: `Partial(k)`.
    pub to: Array,
}

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
        let mut forward_roots: Vec<Node> = next.to_vec();
        forward_roots.push(output_next);
        forward_roots.extend(stages.iter().map(|s| s.drive));
        let forward: BTreeSet<Node> = graph.reachable(&forward_roots).into_iter().collect();

        // Adjoint of the step.
        let mut seeds = Vec::new();
        for (f, &node) in next.iter().enumerate() {
            seeds.push((node, graph.leaf(Leaf::AdjointState(f as u8))));
        }
        seeds.push((output_next, graph.leaf(Leaf::AdjointOutput)));
        let by_leaf = adjoint(graph, &seeds);
        let zero = graph.literal(0.0);
        let take = |leaf: Leaf| by_leaf.get(&leaf).copied().unwrap_or(zero);
        let mut next_outputs: Vec<(Array, Node)> = (0..next.len())
            .map(|f| (Array::AdjointPrevious(f as u8), take(Leaf::State(f as u8))))
            .collect();
        for (s, stage) in stages.iter().enumerate() {
            for g in 0..stage.gates.len() {
                next_outputs.push((
                    Array::Leaf(Leaf::AdjointGate(s as u8, g as u8)),
                    take(Leaf::Gate(s as u8, g as u8)),
                ));
            }
        }
        for i in 0..n_unit_params {
            next_outputs.push((
                Array::AdjointUnitParam(i as u8),
                take(Leaf::UnitParam(i as u8)),
            ));
        }

        // Adjoint of each drive, added to what is there.
        let mut drive_outputs: Vec<Vec<(Array, Node)>> = Vec::new();
        for (s, stage) in stages.iter().enumerate() {
            if matches!(graph.op(stage.drive), Op::Leaf(Leaf::State(_))) {
                drive_outputs.push(Vec::new());
                continue;
            }
            let seed = graph.leaf(Leaf::AdjointDrive(s as u8));
            let leaves = adjoint(graph, &[(stage.drive, seed)]);
            let mut outputs = Vec::new();
            for (leaf, node) in leaves {
                // The executor adds: the result is a share, written to a temporary and accumulated.
                match leaf {
                    Leaf::State(f) => outputs.push((Array::AdjointPrevious(f), node)),
                    Leaf::Gate(j, g) => outputs.push((Array::Leaf(Leaf::AdjointGate(j, g)), node)),
                    Leaf::UnitParam(i) => outputs.push((Array::AdjointUnitParam(i), node)),
                    _ => {}
                }
            }
            drive_outputs.push(outputs);
        }

        // What the backward pass needs of the forward pass.
        let stored: BTreeMap<Node, Array> = next
            .iter()
            .enumerate()
            .map(|(f, &n)| (n, Array::StateNext(f as u8)))
            .chain(
                stages
                    .iter()
                    .enumerate()
                    .map(|(s, stage)| (stage.drive, Array::Drive(s as u8))),
            )
            .filter(|(n, _)| !matches!(graph.op(*n), Op::Leaf(_) | Op::Literal(_)))
            .collect();
        let is_kept = |graph: &Graph, n: Node| {
            stored.contains_key(&n) || (forward.contains(&n) && matches!(graph.op(n), Op::Call(..)))
        };
        let backward_roots: Vec<Node> = next_outputs
            .iter()
            .chain(drive_outputs.iter().flatten())
            .map(|o| o.1)
            .collect();
        let needed = graph.reachable_until(&backward_roots, &|n| is_kept(graph, n));
        let mut programs = Self::default();
        let mut kept = stored.clone();
        for &node in &needed {
            match graph.op(node) {
                Op::Leaf(Leaf::Gate(s, g)) => {
                    programs.taped_gates.insert((s, g));
                }
                Op::Leaf(Leaf::Noise(i)) => {
                    programs.taped_noise.insert(i);
                }
                Op::Call(..) if forward.contains(&node) && !stored.contains_key(&node) => {
                    kept.insert(node, Array::Tape(programs.tapes.len() as u8));
                    programs.tapes.push(node);
                }
                _ => {}
            }
        }
        programs.n_tapes = programs.tapes.len();

        // Forward programs; a tape is written by the first program that computes it and read by the later ones.
        let mut available: BTreeMap<Node, Array> = BTreeMap::new();
        let with_tapes =
            |graph: &Graph, available: &BTreeMap<Node, Array>, mut outputs: Vec<(Array, Node)>| {
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
            if matches!(graph.op(stage.drive), Op::Leaf(Leaf::State(_))) {
                programs.drive.push(Program::default());
                continue;
            }
            let outputs = with_tapes(
                graph,
                &available,
                vec![(Array::Drive(s as u8), stage.drive)],
            );
            programs
                .drive
                .push(Program::build(graph, &outputs, &available));
            available.extend(outputs.iter().map(|&(a, n)| (n, a)));
        }
        let mut outputs: Vec<(Array, Node)> = next
            .iter()
            .enumerate()
            .map(|(f, &n)| (Array::StateNext(f as u8), n))
            .collect();
        let plain_output = matches!(graph.op(output), Op::Leaf(Leaf::State(_)));
        if !plain_output {
            outputs.push((Array::Output, output_next));
            programs.output = Program::build(graph, &[(Array::Output, output)], &BTreeMap::new());
        }
        let outputs = with_tapes(graph, &available, outputs);
        programs.next = Program::build(graph, &outputs, &available);

        let mut roots = next_outputs.clone();
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
                programs.untouched_states |= 1 << f;
                false
            }
            _ => true,
        });
        programs.next_adjoint = Program::build(graph, &roots, &kept);
        for outputs in &drive_outputs {
            // Accumulation: x += share, written as share into the array itself through the leaf of the same name.
            programs
                .drive_adjoint
                .push(Program::build_accumulating(graph, outputs, &kept));
        }
        programs.next_adjoint_outputs = next_outputs;
        programs.drive_adjoint_outputs = drive_outputs;
        programs
    }

    /// Everything kept between the passes, as (expression, array).
    pub fn kept(&self, next: &[Node], stages: &[Stage]) -> BTreeMap<Node, Array> {
        let mut kept: BTreeMap<Node, Array> = next
            .iter()
            .enumerate()
            .map(|(f, &n)| (n, Array::StateNext(f as u8)))
            .collect();
        kept.extend(
            stages
                .iter()
                .enumerate()
                .map(|(s, stage)| (stage.drive, Array::Drive(s as u8))),
        );
        kept.extend(
            self.tapes
                .iter()
                .enumerate()
                .map(|(k, &n)| (n, Array::Tape(k as u8))),
        );
        kept
    }
}

impl Program {
    /// Whether there is nothing to run.
    pub fn is_empty(&self) -> bool {
        self.instructions.is_empty()
    }

    /// Number of temporaries.
    pub fn n_scratch(&self) -> usize {
        self.arrays
            .iter()
            .filter(|a| matches!(a, Array::Scratch(_)))
            .count()
    }

    /// Linear code for some expressions; nodes in `available` are read from their arrays instead of computed.
    pub fn build(
        graph: &Graph,
        outputs: &[(Array, Node)],
        available: &BTreeMap<Node, Array>,
    ) -> Self {
        Self::linearise(graph, outputs, available, false)
    }

    /// As [`Program::build`], but every output is added to what its array holds.
    pub fn build_accumulating(
        graph: &Graph,
        outputs: &[(Array, Node)],
        available: &BTreeMap<Node, Array>,
    ) -> Self {
        Self::linearise(graph, outputs, available, true)
    }

    fn linearise(
        graph: &Graph,
        outputs: &[(Array, Node)],
        available: &BTreeMap<Node, Array>,
        accumulate: bool,
    ) -> Self {
        let roots: Vec<Node> = outputs.iter().map(|o| o.1).collect();
        let order = graph.reachable_until(&roots, &|n| available.contains_key(&n));
        let mut uses: BTreeMap<Node, usize> = BTreeMap::new();
        for &node in order.iter().filter(|n| !available.contains_key(n)) {
            for operand in graph.op(node).operands() {
                *uses.entry(operand).or_default() += 1;
            }
        }
        for root in &roots {
            *uses.entry(*root).or_default() += 1;
        }
        // A product used once, by a sum, disappears into a fused multiply-add.
        let single_product = |n: Node| match graph.op(n) {
            Op::Mul(a, b)
                if uses.get(&n) == Some(&1)
                    && !roots.contains(&n)
                    && !available.contains_key(&n) =>
            {
                Some((a, b))
            }
            _ => None,
        };
        let mut fused: BTreeSet<Node> = BTreeSet::new();
        let mut code: Vec<(Node, Code, [Option<Node>; 3])> = Vec::new();
        for &node in order.iter().filter(|n| !available.contains_key(n)) {
            let entry = match graph.op(node) {
                Op::Leaf(_) | Op::Literal(_) => continue,
                Op::Add(a, b) => match (single_product(b), single_product(a)) {
                    (Some((x, y)), _) => (Code::MulAdd, [Some(x), Some(y), Some(a)], Some(b)),
                    (None, Some((x, y))) => (Code::MulAdd, [Some(x), Some(y), Some(b)], Some(a)),
                    _ => (Code::Add, [Some(a), Some(b), None], None),
                },
                Op::Sub(a, b) => match (single_product(b), single_product(a)) {
                    (Some((x, y)), _) => (Code::NegMulAdd, [Some(x), Some(y), Some(a)], Some(b)),
                    (None, Some((x, y))) => (Code::MulSub, [Some(x), Some(y), Some(b)], Some(a)),
                    _ => (Code::Sub, [Some(a), Some(b), None], None),
                },
                Op::Mul(a, b) => (Code::Mul, [Some(a), Some(b), None], None),
                Op::Div(a, b) => (Code::Div, [Some(a), Some(b), None], None),
                Op::Min(a, b) => (Code::Min, [Some(a), Some(b), None], None),
                Op::Max(a, b) => (Code::Max, [Some(a), Some(b), None], None),
                Op::Less(a, b) => (Code::Less, [Some(a), Some(b), None], None),
                Op::LessEqual(a, b) => (Code::LessEqual, [Some(a), Some(b), None], None),
                Op::Select {
                    condition,
                    accept,
                    reject,
                } => (
                    Code::Select,
                    [Some(condition), Some(accept), Some(reject)],
                    None,
                ),
                Op::Call(primitive, a) => (Code::Call(primitive), [Some(a), None, None], None),
            };
            fused.extend(entry.2);
            code.push((node, entry.0, entry.1));
        }
        code.retain(|(node, ..)| !fused.contains(node));
        Emitter::new(graph, available).emit(&code, outputs, accumulate)
    }
}

/// Assigns arrays to values: outputs where they belong, temporaries with reuse after the last use.
struct Emitter<'a> {
    graph: &'a Graph,
    available: &'a BTreeMap<Node, Array>,
    arrays: Vec<Array>,
    place: BTreeMap<Node, usize>,
    free: Vec<usize>,
    n_scratch: u16,
}

impl<'a> Emitter<'a> {
    fn new(graph: &'a Graph, available: &'a BTreeMap<Node, Array>) -> Self {
        Self {
            graph,
            available,
            arrays: Vec::new(),
            place: BTreeMap::new(),
            free: Vec::new(),
            n_scratch: 0,
        }
    }

    fn slot(&mut self, array: Array) -> usize {
        self.arrays
            .iter()
            .position(|a| *a == array)
            .unwrap_or_else(|| {
                self.arrays.push(array);
                self.arrays.len() - 1
            })
    }

    fn scratch(&mut self) -> usize {
        self.free.pop().unwrap_or_else(|| {
            self.n_scratch += 1;
            self.arrays.push(Array::Scratch(self.n_scratch - 1));
            self.arrays.len() - 1
        })
    }

    fn read(&mut self, node: Node) -> usize {
        if let Some(&slot) = self.place.get(&node) {
            return slot;
        }
        let array = match (self.available.get(&node), self.graph.op(node)) {
            (Some(&array), _) => array,
            (None, Op::Literal(bits)) => Array::Literal(bits),
            (None, Op::Leaf(leaf)) => Array::Leaf(leaf),
            // Operands come before their users, so a computed node always has a place.
            _ => unreachable!("operand emitted after its user"),
        };
        let slot = self.slot(array);
        self.place.insert(node, slot);
        slot
    }

    fn emit(
        mut self,
        code: &[(Node, Code, [Option<Node>; 3])],
        outputs: &[(Array, Node)],
        accumulate: bool,
    ) -> Program {
        let mut last_use: BTreeMap<Node, usize> = BTreeMap::new();
        for (i, (_, _, operands)) in code.iter().enumerate() {
            for operand in operands.iter().flatten() {
                last_use.insert(*operand, i);
            }
        }
        for (_, node) in outputs {
            last_use.insert(*node, usize::MAX);
        }
        let mut instructions = Vec::new();
        for (i, (node, code, operands)) in code.iter().enumerate() {
            let slots: Vec<usize> = operands
                .iter()
                .map(|o| o.map_or(0, |n| self.read(n)))
                .collect();
            // Free operands first: an instruction may overwrite its own operand.
            for operand in operands.iter().flatten() {
                if last_use.get(operand) == Some(&i) {
                    if let Some(&slot) = self.place.get(operand) {
                        if matches!(self.arrays[slot], Array::Scratch(_))
                            && !self.free.contains(&slot)
                        {
                            self.free.push(slot);
                        }
                    }
                }
            }
            let home = if accumulate {
                None
            } else {
                outputs.iter().find(|(_, n)| n == node).map(|(a, _)| *a)
            };
            let to = match home {
                Some(array) => self.slot(array),
                None => self.scratch(),
            };
            self.place.insert(*node, to);
            instructions.push(Instruction {
                code: *code,
                to,
                a: slots[0],
                b: slots[1],
                c: slots[2],
            });
        }
        for &(array, node) in outputs {
            let from = self.read(node);
            let to = self.slot(array);
            if accumulate {
                instructions.push(Instruction {
                    code: Code::Add,
                    to,
                    a: to,
                    b: from,
                    c: 0,
                });
            } else if from != to {
                instructions.push(Instruction {
                    code: Code::Copy,
                    to,
                    a: from,
                    b: 0,
                    c: 0,
                });
            }
        }
        Program {
            arrays: self.arrays,
            instructions,
        }
    }
}
