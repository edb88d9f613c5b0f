//! The expression graph of a cell: scalar operations on one unit, each distinct expression stored once.
//!
//! Nodes are appended after their operands, so the order of creation is a topological order. Everything the engine does
//! with a cell (adjoint, partial derivatives, bytecode, WGSL) reads this graph and nothing else.

use std::collections::HashMap;

/// An expression: an index into its [`Graph`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct Node(pub(crate) u32);

impl Node {
    pub(crate) fn index(self) -> usize {
        self.0 as usize
    }
}

/// A value that enters a unit's expressions from outside.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum Leaf {
    /// State field before the step.
    State(u8),
    /// Pre-activation of a gate (stage, gate): `W drive + V x + b`.
    Gate(u8, u8),
    /// Noise variate.
    Noise(u8),
    /// Scalar constant of the network.
    Constant(u8),
    /// Trainable per-unit parameter.
    UnitParam(u8),
    /// Index of the unit, 0-based.
    UnitIndex,
    /// Number of units.
    UnitCount,
    /// Argument of a stand-alone function (an activation).
    Argument,
    /// dL/d(state field after the step), without what the readout adds.
    AdjointState(u8),
    /// dL/d(output of the unit), from the readout.
    AdjointOutput,
    /// dL/d(drive of a stage).
    AdjointDrive(u8),
    /// dL/d(gate) as far as later stages have contributed.
    AdjointGate(u8, u8),
    /// Change of a state field before the step, along a tangent.
    TangentState(u8),
    /// Change of a gate's pre-activation along it.
    TangentGate(u8, u8),
}

/// Transcendental functions the engine owns: each with WGSL text, an f32 kernel, an exact f64 function, a derivative.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Primitive {
    /// Hyperbolic tangent.
    Tanh,
    /// Logistic function 1 / (1 + exp(-x)).
    Sigmoid,
    /// log(1 + exp(x)).
    Softplus,
    /// Exponential.
    Exp,
    /// Natural logarithm.
    Log,
    /// Square root.
    Sqrt,
    /// Error function.
    Erf,
}

/// One operation.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Op {
    /// A value from outside.
    Leaf(Leaf),
    /// A constant, as the bits of an f64.
    Literal(u64),
    /// a + b
    Add(Node, Node),
    /// a - b
    Sub(Node, Node),
    /// a * b
    Mul(Node, Node),
    /// a / b
    Div(Node, Node),
    /// The smaller.
    Min(Node, Node),
    /// The larger.
    Max(Node, Node),
    /// 1 where a < b, else 0.
    Less(Node, Node),
    /// 1 where a <= b, else 0.
    LessEqual(Node, Node),
    /// accept where the condition is not 0, else reject.
    Select {
        /// Compared with 0.
        condition: Node,
        /// Taken where the condition holds.
        accept: Node,
        /// Taken elsewhere.
        reject: Node,
    },
    /// A primitive of the registry.
    Call(Primitive, Node),
}

impl Op {
    /// The operands, in order.
    pub fn operands(self) -> impl Iterator<Item = Node> {
        let (a, b, c) = match self {
            Self::Leaf(_) | Self::Literal(_) => (None, None, None),
            Self::Call(_, a) => (Some(a), None, None),
            Self::Add(a, b)
            | Self::Sub(a, b)
            | Self::Mul(a, b)
            | Self::Div(a, b)
            | Self::Min(a, b)
            | Self::Max(a, b)
            | Self::Less(a, b)
            | Self::LessEqual(a, b) => (Some(a), Some(b), None),
            Self::Select {
                condition,
                accept,
                reject,
            } => (Some(condition), Some(accept), Some(reject)),
        };
        [a, b, c].into_iter().flatten()
    }
}

/// A hash-consed expression graph.
#[derive(Clone, Debug, Default)]
pub struct Graph {
    ops: Vec<Op>,
    known: HashMap<Op, Node>,
}

impl Graph {
    /// Number of distinct expressions.
    pub fn len(&self) -> usize {
        self.ops.len()
    }

    /// Whether no expression was made yet.
    pub fn is_empty(&self) -> bool {
        self.ops.is_empty()
    }

    /// The operation behind a node.
    pub fn op(&self, node: Node) -> Op {
        self.ops[node.index()]
    }

    fn push(&mut self, op: Op) -> Node {
        if let Some(&node) = self.known.get(&op) {
            return node;
        }
        let node = Node(self.ops.len() as u32);
        self.ops.push(op);
        self.known.insert(op, node);
        node
    }

    /// A value from outside.
    pub fn leaf(&mut self, leaf: Leaf) -> Node {
        self.push(Op::Leaf(leaf))
    }

    /// A literal.
    pub fn literal(&mut self, value: f64) -> Node {
        // -0 and 0 are one literal: the sign of a zero never matters to a cell.
        let value = if value == 0.0 { 0.0 } else { value };
        self.push(Op::Literal(value.to_bits()))
    }

    /// The value of a literal node.
    pub fn value(&self, node: Node) -> Option<f64> {
        match self.op(node) {
            Op::Literal(bits) => Some(f64::from_bits(bits)),
            _ => None,
        }
    }

    fn is(&self, node: Node, value: f64) -> bool {
        self.value(node)
            .is_some_and(|v| v.to_bits() == value.to_bits())
    }

    /// a + b
    pub fn add(&mut self, a: Node, b: Node) -> Node {
        match (self.value(a), self.value(b)) {
            (Some(x), Some(y)) => self.literal(x + y),
            _ if self.is(a, 0.0) => b,
            _ if self.is(b, 0.0) => a,
            _ => self.push(Op::Add(a.min(b), a.max(b))),
        }
    }

    /// a - b
    pub fn sub(&mut self, a: Node, b: Node) -> Node {
        match (self.value(a), self.value(b)) {
            (Some(x), Some(y)) => self.literal(x - y),
            _ if self.is(b, 0.0) => a,
            _ if a == b => self.literal(0.0),
            _ => self.push(Op::Sub(a, b)),
        }
    }

    /// a * b
    pub fn mul(&mut self, a: Node, b: Node) -> Node {
        match (self.value(a), self.value(b)) {
            (Some(x), Some(y)) => self.literal(x * y),
            _ if self.is(a, 1.0) => b,
            _ if self.is(b, 1.0) => a,
            _ if self.is(a, 0.0) => a,
            _ if self.is(b, 0.0) => b,
            _ => self.push(Op::Mul(a.min(b), a.max(b))),
        }
    }

    /// a / b
    pub fn div(&mut self, a: Node, b: Node) -> Node {
        match (self.value(a), self.value(b)) {
            (Some(x), Some(y)) => self.literal(x / y),
            _ if self.is(b, 1.0) => a,
            _ => self.push(Op::Div(a, b)),
        }
    }

    /// -a
    pub fn neg(&mut self, a: Node) -> Node {
        let zero = self.literal(0.0);
        self.sub(zero, a)
    }

    /// The smaller of two.
    pub fn min(&mut self, a: Node, b: Node) -> Node {
        self.push(Op::Min(a, b))
    }

    /// The larger of two.
    pub fn max(&mut self, a: Node, b: Node) -> Node {
        self.push(Op::Max(a, b))
    }

    /// 1 where a < b.
    pub fn less(&mut self, a: Node, b: Node) -> Node {
        self.push(Op::Less(a, b))
    }

    /// 1 where a <= b.
    pub fn less_equal(&mut self, a: Node, b: Node) -> Node {
        self.push(Op::LessEqual(a, b))
    }

    /// `accept` where the condition is not 0.
    pub fn select(&mut self, condition: Node, accept: Node, reject: Node) -> Node {
        if accept == reject {
            return accept;
        }
        self.push(Op::Select {
            condition,
            accept,
            reject,
        })
    }

    /// A primitive.
    pub fn call(&mut self, primitive: Primitive, a: Node) -> Node {
        self.push(Op::Call(primitive, a))
    }

    /// Copies an expression of another graph into this one, its leaves replaced.
    pub fn import(
        &mut self,
        other: &Self,
        root: Node,
        leaf: &mut dyn FnMut(&mut Self, Leaf) -> Node,
    ) -> Node {
        let mut copies: Vec<Option<Node>> = vec![None; root.index() + 1];
        for node in other.reachable(&[root]) {
            let copy = {
                let at = |n: Node| copies[n.index()].unwrap_or(n);
                match other.op(node) {
                    Op::Leaf(l) => leaf(self, l),
                    Op::Literal(bits) => self.literal(f64::from_bits(bits)),
                    Op::Add(a, b) => self.add(at(a), at(b)),
                    Op::Sub(a, b) => self.sub(at(a), at(b)),
                    Op::Mul(a, b) => self.mul(at(a), at(b)),
                    Op::Div(a, b) => self.div(at(a), at(b)),
                    Op::Min(a, b) => self.min(at(a), at(b)),
                    Op::Max(a, b) => self.max(at(a), at(b)),
                    Op::Less(a, b) => self.less(at(a), at(b)),
                    Op::LessEqual(a, b) => self.less_equal(at(a), at(b)),
                    Op::Select {
                        condition,
                        accept,
                        reject,
                    } => self.select(at(condition), at(accept), at(reject)),
                    Op::Call(primitive, a) => self.call(primitive, at(a)),
                }
            };
            copies[node.index()] = Some(copy);
        }
        copies[root.index()].unwrap_or(root)
    }

    /// Every node the roots depend on, operands first.
    pub fn reachable(&self, roots: &[Node]) -> Vec<Node> {
        self.reachable_until(roots, &|_| false)
    }

    /// As [`Graph::reachable`], but nothing below a node for which `stop` holds.
    pub fn reachable_until(&self, roots: &[Node], stop: &dyn Fn(Node) -> bool) -> Vec<Node> {
        let mut seen = vec![false; self.len()];
        let mut open = roots.to_vec();
        while let Some(node) = open.pop() {
            if !std::mem::replace(&mut seen[node.index()], true) && !stop(node) {
                open.extend(self.op(node).operands());
            }
        }
        (0..self.len() as u32)
            .map(Node)
            .filter(|n| seen[n.index()])
            .collect()
    }
}
