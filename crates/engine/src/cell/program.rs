//! Bytecode of a cell: straight-line programs over blocks of units. A program reads and writes named [`Array`]s; where
//! they lie is the executor's business.

use super::graph::{Graph, Leaf, Node, Primitive};
use std::collections::BTreeMap;

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
}
