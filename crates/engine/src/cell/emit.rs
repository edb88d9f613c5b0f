//! From expressions to linear code: products fused into sums, temporaries reused.

use super::graph::{Graph, Node, Op};
use super::program::{Array, Code, Instruction, Program};
use std::collections::{BTreeMap, BTreeSet};

impl Program {
    pub(super) fn linearise(
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
