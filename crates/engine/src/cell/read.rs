//! A WGSL file, parsed by naga, and what of it a cell may not have.

use crate::error::CellError;
use naga::{Handle, Module, Span, Statement, TypeInner};

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

    pub(super) fn refuse(&self, span: Span, found: &str, instead: &str) -> CellError {
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
}

/// The message at the end of an error's chain of causes: naga's outer messages only say where.
fn innermost(error: &dyn std::error::Error) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}
