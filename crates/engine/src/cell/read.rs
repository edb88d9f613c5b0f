//! Reads WGSL functions into the expression graph through naga.

use super::graph::{Graph, Leaf, Node, Primitive};
use crate::error::CellError;
use naga::{
    BinaryOperator, Expression, Handle, Literal, MathFunction, Module, Span, Statement, TypeInner,
    UnaryOperator,
};

/// Declarations appended after the user's text, so that its line numbers stay what they are.
const PRIMITIVES: &str = "
fn sigmoid(x: f32) -> f32 { return x; }
fn softplus(x: f32) -> f32 { return x; }
fn erf(x: f32) -> f32 { return x; }
";
const ACTIVATION: &str = "fn activation(x: f32) -> f32 { return x; }\n";

/// A WGSL file, parsed.
pub(crate) struct Source<'a> {
    pub(crate) file: &'a str,
    pub(crate) text: &'a str,
    full: String,
    pub(crate) module: Module,
    pub(crate) activation: Option<&'a super::Activation>,
}

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

impl<'a> Source<'a> {
    /// Parses and validates; `activation` is what calls of `activation(x)` stand for.
    pub(crate) fn parse(
        file: &'a str,
        text: &'a str,
        activation: Option<&'a super::Activation>,
    ) -> Result<Self, CellError> {
        let full = format!(
            "{text}\n{PRIMITIVES}{}",
            if activation.is_some() { ACTIVATION } else { "" }
        );
        let module = naga::front::wgsl::parse_str(&full).map_err(|e| CellError::Syntax {
            file: file.into(),
            line: e
                .location(&full)
                .map_or(0, |l| l.line_number)
                .min(text.lines().count() as u32),
            message: e.message().to_string(),
        })?;
        let source = Self {
            file,
            text,
            full,
            module,
            activation,
        };
        // Loops, fields that are no numbers and globals are refused by name before the validator can speak of them in general terms.
        for (_, function) in source.module.functions.iter() {
            source.refuse_control_flow(&function.body)?;
        }
        for (_, shape) in source.module.types.iter() {
            if let Some(name) = &shape.name {
                source.fields(name)?;
            }
        }
        if let Some((handle, variable)) = source.module.global_variables.iter().next() {
            let span = source.module.global_variables.get_span(handle);
            let name = variable.name.clone().unwrap_or_default();
            return Err(source.refuse(
                span,
                &format!("the global variable `{name}`"),
                "pass values as arguments: State, Constants, UnitParams, Unit, Noise",
            ));
        }
        if let Some(entry) = source.module.entry_points.first() {
            let line = source.line_of(&format!("fn {}", entry.name));
            return Err(CellError::NotAllowed {
                file: file.into(),
                line,
                found: format!("the entry point `{}`", entry.name),
                instead: "a cell has plain functions only; the engine adds the entry points".into(),
            });
        }
        naga::valid::Validator::new(
            naga::valid::ValidationFlags::all(),
            naga::valid::Capabilities::empty(),
        )
        .validate(&source.module)
        .map_err(|e| CellError::Syntax {
            file: file.into(),
            line: e.location(&source.full).map_or(0, |l| l.line_number),
            message: innermost(&e),
        })?;
        Ok(source)
    }

    /// Line of the first occurrence of a text, 1-based; 0 if there is none.
    pub(crate) fn line_of(&self, text: &str) -> u32 {
        self.text
            .lines()
            .position(|l| l.contains(text))
            .map_or(0, |i| i as u32 + 1)
    }

    fn line(&self, span: Span) -> u32 {
        if span.is_defined() {
            span.location(&self.full).line_number
        } else {
            0
        }
    }

    fn refuse(&self, span: Span, found: &str, instead: &str) -> CellError {
        CellError::NotAllowed {
            file: self.file.into(),
            line: self.line(span),
            found: found.into(),
            instead: instead.into(),
        }
    }

    fn refuse_control_flow(&self, block: &naga::Block) -> Result<(), CellError> {
        for (statement, &span) in block.span_iter() {
            match statement {
                Statement::Loop { .. } => {
                    return Err(self.refuse(
                        span,
                        "a loop",
                        "write the terms out one by one: a cell is straight-line code",
                    ));
                }
                Statement::If { .. } => {
                    return Err(self.refuse(
                        span,
                        "an `if`",
                        "`select(value_if_false, value_if_true, condition)`",
                    ));
                }
                Statement::Switch { .. } => {
                    return Err(self.refuse(
                        span,
                        "a `switch`",
                        "nested `select(value_if_false, value_if_true, condition)`",
                    ));
                }
                Statement::Block(inner) => self.refuse_control_flow(inner)?,
                _ => {}
            }
        }
        Ok(())
    }

    /// Fields of a struct of the file, if it is declared.
    pub(crate) fn fields(&self, name: &str) -> Result<Option<Vec<String>>, CellError> {
        let Some((handle, ty)) = self
            .module
            .types
            .iter()
            .find(|(_, t)| t.name.as_deref() == Some(name))
        else {
            return Ok(None);
        };
        let TypeInner::Struct { members, .. } = &ty.inner else {
            return Ok(None);
        };
        let mut fields = Vec::new();
        for member in members {
            let field = member.name.clone().unwrap_or_default();
            let scalar = matches!(self.module.types[member.ty].inner, TypeInner::Scalar(s) if s == naga::Scalar::F32);
            if !scalar {
                let line = self
                    .line_of(&format!("{field}:"))
                    .max(self.line(self.module.types.get_span(handle)));
                return Err(CellError::NotAllowed {
                    file: self.file.into(),
                    line,
                    found: format!("field `{field}` of `{name}`, which is not an f32"),
                    instead: format!(
                        "{field}: f32 (a cell describes one unit; vectors and matrices are the engine's)"
                    ),
                });
            }
            fields.push(field);
        }
        Ok(Some(fields))
    }

    /// A function by name.
    pub(crate) fn function(&self, name: &str) -> Option<Handle<naga::Function>> {
        self.module
            .functions
            .iter()
            .find(|(_, f)| f.name.as_deref() == Some(name))
            .map(|(h, _)| h)
    }

    /// Names of the types of a function's arguments.
    pub(crate) fn argument_types(&self, function: Handle<naga::Function>) -> Vec<String> {
        let arguments = &self.module.functions[function].arguments;
        arguments
            .iter()
            .map(|a| {
                self.module.types[a.ty]
                    .name
                    .clone()
                    .unwrap_or_else(|| "f32".into())
            })
            .collect()
    }

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

struct Frame<'a> {
    source: &'a Source<'a>,
    function: &'a naga::Function,
    arguments: &'a [Value],
    values: Vec<Option<Value>>,
    locals: Vec<Option<Value>>,
}

impl Frame<'_> {
    fn refuse(&self, at: Handle<Expression>, found: &str, instead: &str) -> CellError {
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

    fn value(&mut self, graph: &mut Graph, handle: Handle<Expression>) -> Result<Value, CellError> {
        if let Some(value) = &self.values[handle.index()] {
            return Ok(value.clone());
        }
        self.evaluate(graph, handle)
    }

    fn scalar(&mut self, graph: &mut Graph, handle: Handle<Expression>) -> Result<Node, CellError> {
        match self.value(graph, handle)? {
            Value::Scalar(node) => Ok(node),
            _ => Err(self.refuse(
                handle,
                "a struct where a number is needed",
                "name the field: `s.h`",
            )),
        }
    }

    fn evaluate(
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
                let one = graph.literal(1.0);
                scalar(match op {
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
                        return Err(self.refuse(
                            handle,
                            "this operator",
                            "+ - * / and comparisons",
                        ));
                    }
                })
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
                scalar(match (fun, b, c) {
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
                    _ => return Err(self.refuse(handle, &format!("the function `{}`", format!("{fun:?}").to_lowercase()), "tanh, sigmoid, softplus, exp, log, sqrt, erf, abs, min, max, clamp, select, activation")),
                })
            }
            _ => Err(self.refuse(
                handle,
                "this expression",
                "arithmetic on f32, `select`, struct construction and calls",
            )),
        }
    }
}

/// The message at the end of an error's chain of causes: naga's outer messages only say where.
fn innermost(error: &dyn std::error::Error) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}
