//! WGSL expressions as nodes of the graph.

use super::graph::{Graph, Node, Primitive};
use super::run::{Frame, Value};
use crate::error::CellError;
use naga::{BinaryOperator, Expression, Handle, Literal, MathFunction, TypeInner, UnaryOperator};

impl Frame<'_> {
    pub(super) fn evaluate(
        &mut self,
        graph: &mut Graph,
        handle: Handle<Expression>,
    ) -> Result<Value, CellError> {
        let scalar = |node| Ok(Value::Scalar(node));
        match self.function.expressions[handle].clone() {
            Expression::Literal(literal) => match literal {
                Literal::F32(v) => scalar(graph.literal(f64::from(v))),
                Literal::F64(v) | Literal::AbstractFloat(v) => scalar(graph.literal(v)),
                Literal::Bool(v) => scalar(graph.literal(f64::from(u8::from(v)))),
                _ => Err(self.refuse(
                    handle,
                    "an integer",
                    "floating-point numbers: `2.0` instead of `2`",
                )),
            },
            Expression::Constant(constant) => {
                let init = self.source.module.constants[constant].init;
                match self.source.module.global_expressions[init] {
                    Expression::Literal(Literal::F32(v)) => scalar(graph.literal(f64::from(v))),
                    Expression::Literal(Literal::AbstractFloat(v) | Literal::F64(v)) => {
                        scalar(graph.literal(v))
                    }
                    _ => Err(self.refuse(
                        handle,
                        "a constant that is not a number",
                        "`const NAME: f32 = 1.0;`",
                    )),
                }
            }
            Expression::FunctionArgument(index) => Ok(self.arguments[index as usize].clone()),
            Expression::ZeroValue(ty) => match &self.source.module.types[ty].inner {
                TypeInner::Struct { members, .. } => {
                    let zero = graph.literal(0.0);
                    Ok(Value::Struct(vec![zero; members.len()]))
                }
                _ => scalar(graph.literal(0.0)),
            },
            Expression::LocalVariable(local) => Ok(Value::Local(local.index())),
            Expression::Load { pointer } => match self.value(graph, pointer)? {
                Value::Local(local) => self.locals[local].clone().ok_or_else(|| {
                    self.refuse(
                        handle,
                        "a variable read before it has a value",
                        "`var x = 0.0;`",
                    )
                }),
                Value::LocalField(local, field) => match &self.locals[local] {
                    Some(Value::Struct(fields)) => scalar(fields[field]),
                    _ => Err(self.refuse(
                        handle,
                        "a field read before it has a value",
                        "construct the struct first",
                    )),
                },
                other => Ok(other),
            },
            Expression::Compose { components, .. } => {
                let fields = components
                    .into_iter()
                    .map(|c| self.scalar(graph, c))
                    .collect::<Result<_, _>>()?;
                Ok(Value::Struct(fields))
            }
            Expression::AccessIndex { base, index } => match self.value(graph, base)? {
                Value::Struct(fields) => scalar(fields[index as usize]),
                Value::Local(local) => Ok(Value::LocalField(local, index as usize)),
                _ => Err(self.refuse(handle, "this access", "a field of a struct")),
            },
            Expression::Unary { op, expr } => {
                let a = self.scalar(graph, expr)?;
                let one = graph.literal(1.0);
                match op {
                    UnaryOperator::Negate => scalar(graph.neg(a)),
                    UnaryOperator::LogicalNot => scalar(graph.sub(one, a)),
                    UnaryOperator::BitwiseNot => {
                        Err(self.refuse(handle, "bit operations", "arithmetic on f32"))
                    }
                }
            }
            Expression::Binary { op, left, right } => {
                let (a, b) = (self.scalar(graph, left)?, self.scalar(graph, right)?);
                scalar(self.binary(graph, handle, op, a, b)?)
            }
            Expression::Select {
                condition,
                accept,
                reject,
            } => {
                let (c, a, r) = (
                    self.scalar(graph, condition)?,
                    self.scalar(graph, accept)?,
                    self.scalar(graph, reject)?,
                );
                scalar(graph.select(c, a, r))
            }
            Expression::Math {
                fun,
                arg,
                arg1,
                arg2,
                ..
            } => {
                let a = self.scalar(graph, arg)?;
                let b = arg1.map(|b| self.scalar(graph, b)).transpose()?;
                let c = arg2.map(|c| self.scalar(graph, c)).transpose()?;
                scalar(self.math(graph, handle, fun, (a, b, c))?)
            }
            _ => Err(self.refuse(
                handle,
                "this expression",
                "arithmetic on f32, `select`, struct construction and calls",
            )),
        }
    }

    fn binary(
        &self,
        graph: &mut Graph,
        at: Handle<Expression>,
        op: BinaryOperator,
        a: Node,
        b: Node,
    ) -> Result<Node, CellError> {
        let one = graph.literal(1.0);
        Ok(match op {
            BinaryOperator::Add => graph.add(a, b),
            BinaryOperator::Subtract => graph.sub(a, b),
            BinaryOperator::Multiply | BinaryOperator::LogicalAnd => graph.mul(a, b),
            BinaryOperator::Divide => graph.div(a, b),
            BinaryOperator::LogicalOr => graph.max(a, b),
            BinaryOperator::Less => graph.less(a, b),
            BinaryOperator::LessEqual => graph.less_equal(a, b),
            BinaryOperator::Greater => graph.less(b, a),
            BinaryOperator::GreaterEqual => graph.less_equal(b, a),
            BinaryOperator::Equal => {
                let (ab, ba) = (graph.less_equal(a, b), graph.less_equal(b, a));
                graph.mul(ab, ba)
            }
            BinaryOperator::NotEqual => {
                let (ab, ba) = (graph.less_equal(a, b), graph.less_equal(b, a));
                let equal = graph.mul(ab, ba);
                graph.sub(one, equal)
            }
            _ => {
                return Err(self.refuse(at, "this operator", "+ - * / and comparisons"));
            }
        })
    }

    fn math(
        &self,
        graph: &mut Graph,
        at: Handle<Expression>,
        function: MathFunction,
        (a, b, c): (Node, Option<Node>, Option<Node>),
    ) -> Result<Node, CellError> {
        Ok(match (function, b, c) {
                    (MathFunction::Tanh, ..) => graph.call(Primitive::Tanh, a),
                    (MathFunction::Exp, ..) => graph.call(Primitive::Exp, a),
                    (MathFunction::Log, ..) => graph.call(Primitive::Log, a),
                    (MathFunction::Sqrt, ..) => graph.call(Primitive::Sqrt, a),
                    (MathFunction::Abs, ..) => {
                        let minus = graph.neg(a);
                        graph.max(a, minus)
                    }
                    (MathFunction::Min, Some(b), _) => graph.min(a, b),
                    (MathFunction::Max, Some(b), _) => graph.max(a, b),
                    (MathFunction::Clamp, Some(low), Some(high)) => {
                        let raised = graph.max(a, low);
                        graph.min(raised, high)
                    }
                    (MathFunction::Saturate, ..) => {
                        let (zero, one) = (graph.literal(0.0), graph.literal(1.0));
                        let raised = graph.max(a, zero);
                        graph.min(raised, one)
                    }
                    (MathFunction::Fma, Some(b), Some(c)) => {
                        let product = graph.mul(a, b);
                        graph.add(product, c)
                    }
                    _ => return Err(self.refuse(at, &format!("the function `{}`", format!("{function:?}").to_lowercase()), "tanh, sigmoid, softplus, exp, log, sqrt, erf, abs, min, max, clamp, select, activation")),
        })
    }
}
