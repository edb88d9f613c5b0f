//! Runs a WGSL function symbolically: statements, calls and local variables become the expression graph.

use super::graph::{Graph, Leaf, Node, Primitive};
use super::read::Source;
use crate::error::CellError;
use naga::{Expression, Handle, Span, Statement};

/// What an expression of a cell can be.
#[derive(Clone, Debug)]
pub(crate) enum Value {
    /// One number (booleans are 0 and 1).
    Scalar(Node),
    /// A struct, field by field.
    Struct(Vec<Node>),
    /// A local variable.
    Local(usize),
    /// A field of a local variable.
    LocalField(usize, usize),
}

impl Source<'_> {
    /// Runs a function symbolically.
    pub(crate) fn run(
        &self,
        graph: &mut Graph,
        handle: Handle<naga::Function>,
        arguments: &[Value],
    ) -> Result<Value, CellError> {
        let function = &self.module.functions[handle];
        let mut frame = Frame {
            source: self,
            function,
            arguments,
            values: vec![None; function.expressions.len()],
            locals: vec![None; function.local_variables.len()],
        };
        for (local, variable) in function.local_variables.iter() {
            if let Some(init) = variable.init {
                frame.locals[local.index()] = Some(frame.value(graph, init)?);
            }
        }
        let result = frame.block(graph, &function.body)?;
        result.ok_or_else(|| {
            self.refuse(
                Span::default(),
                &format!(
                    "`{}`, which returns nothing",
                    function.name.as_deref().unwrap_or("?")
                ),
                "end it with `return`",
            )
        })
    }
}

/// A call in progress.
pub(super) struct Frame<'a> {
    pub(super) source: &'a Source<'a>,
    pub(super) function: &'a naga::Function,
    pub(super) arguments: &'a [Value],
    values: Vec<Option<Value>>,
    pub(super) locals: Vec<Option<Value>>,
}

impl Frame<'_> {
    pub(super) fn refuse(&self, at: Handle<Expression>, found: &str, instead: &str) -> CellError {
        self.source
            .refuse(self.function.expressions.get_span(at), found, instead)
    }

    fn block(
        &mut self,
        graph: &mut Graph,
        block: &naga::Block,
    ) -> Result<Option<Value>, CellError> {
        for (statement, &span) in block.span_iter() {
            match statement {
                Statement::Emit(range) => {
                    for handle in range.clone() {
                        let value = self.evaluate(graph, handle)?;
                        self.values[handle.index()] = Some(value);
                    }
                }
                Statement::Block(inner) => {
                    if let Some(value) = self.block(graph, inner)? {
                        return Ok(Some(value));
                    }
                }
                Statement::Return { value: Some(value) } => {
                    return self.value(graph, *value).map(Some);
                }
                Statement::Call {
                    function,
                    arguments,
                    result,
                } => {
                    let arguments = arguments
                        .iter()
                        .map(|&a| self.value(graph, a))
                        .collect::<Result<Vec<_>, _>>()?;
                    let value = self.call(graph, *function, &arguments)?;
                    if let Some(result) = result {
                        self.values[result.index()] = Some(value);
                    }
                }
                Statement::Store { pointer, value } => {
                    let value = self.value(graph, *value)?;
                    match (self.value(graph, *pointer)?, value) {
                        (Value::Local(local), value) => self.locals[local] = Some(value),
                        (Value::LocalField(local, field), Value::Scalar(node)) => {
                            if let Some(Value::Struct(fields)) = &mut self.locals[local] {
                                fields[field] = node;
                            }
                        }
                        _ => {
                            return Err(self.source.refuse(
                                span,
                                "this assignment",
                                "assign to a local variable or one of its fields",
                            ));
                        }
                    }
                }
                _ => {
                    return Err(self.source.refuse(
                        span,
                        "this statement",
                        "`let`, arithmetic, `select`, calls of functions of the file, `return`",
                    ));
                }
            }
        }
        Ok(None)
    }

    fn call(
        &self,
        graph: &mut Graph,
        function: Handle<naga::Function>,
        arguments: &[Value],
    ) -> Result<Value, CellError> {
        let name = self.source.module.functions[function]
            .name
            .as_deref()
            .unwrap_or_default();
        let primitive = match name {
            "sigmoid" => Some(Primitive::Sigmoid),
            "softplus" => Some(Primitive::Softplus),
            "erf" => Some(Primitive::Erf),
            _ => None,
        };
        match (primitive, self.source.activation, arguments) {
            (Some(primitive), _, [Value::Scalar(x)]) => {
                Ok(Value::Scalar(graph.call(primitive, *x)))
            }
            (None, Some(activation), [Value::Scalar(x)]) if name == "activation" => {
                let offset = activation.constant_offset;
                let x = *x;
                let node =
                    graph.import(
                        &activation.graph,
                        activation.result,
                        &mut |g, leaf| match leaf {
                            Leaf::Argument => x,
                            Leaf::Constant(i) => g.leaf(Leaf::Constant(i + offset)),
                            other => g.leaf(other),
                        },
                    );
                Ok(Value::Scalar(node))
            }
            _ => self.source.run(graph, function, arguments),
        }
    }

    pub(super) fn value(
        &mut self,
        graph: &mut Graph,
        handle: Handle<Expression>,
    ) -> Result<Value, CellError> {
        if let Some(value) = &self.values[handle.index()] {
            return Ok(value.clone());
        }
        self.evaluate(graph, handle)
    }

    pub(super) fn scalar(
        &mut self,
        graph: &mut Graph,
        handle: Handle<Expression>,
    ) -> Result<Node, CellError> {
        match self.value(graph, handle)? {
            Value::Scalar(node) => Ok(node),
            _ => Err(self.refuse(
                handle,
                "a struct where a number is needed",
                "name the field: `s.h`",
            )),
        }
    }
}
