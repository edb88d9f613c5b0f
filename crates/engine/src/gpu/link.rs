//! Linking is concatenation: a generated header of `const`s, then fragments; an error names the fragment and its own line.

use crate::error::EngineError;
use chiliad_shaders::{Fragment, KERNELS, SHARED};

/// A piece of a kernel: where it comes from and its text.
#[derive(Clone, Debug)]
pub struct Piece {
    /// Path for messages, e.g. `kernels/optimise.wgsl`.
    pub path: String,
    /// WGSL.
    pub wgsl: String,
}

/// A kernel's whole text. The text is the key of the pipeline cache.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Linked {
    /// Name of the entry point.
    pub entry: String,
    /// WGSL, header first.
    pub text: String,
    /// Path and first line, 1-based, of each piece.
    first_lines: Vec<(String, u32)>,
}

impl Piece {
    /// A fragment of the library by stem; kernels and shared functions have distinct names.
    pub fn library(name: &str) -> Result<Self, EngineError> {
        let found: Option<&Fragment> = SHARED.iter().chain(KERNELS).find(|f| f.name == name);
        let fragment = found.ok_or_else(|| EngineError::Device {
            message: format!("no shader fragment `{name}`"),
        })?;
        Ok(Self {
            path: fragment.path.into(),
            wgsl: fragment.wgsl.into(),
        })
    }
}

impl Linked {
    /// Concatenates pieces in order; the entry point is called as the last piece's stem.
    pub fn new(entry: &str, pieces: &[Piece]) -> Self {
        let mut linked = Self {
            entry: entry.into(),
            text: String::new(),
            first_lines: Vec::new(),
        };
        let mut line = 1;
        for piece in pieces {
            linked.first_lines.push((piece.path.clone(), line));
            linked.text.push_str(&piece.wgsl);
            if !piece.wgsl.ends_with('\n') {
                linked.text.push('\n');
            }
            line = 1 + linked.text.matches('\n').count() as u32;
        }
        linked
    }

    /// Fragment and line of a line of the linked text.
    pub fn origin(&self, line: u32) -> (&str, u32) {
        let found = self
            .first_lines
            .iter()
            .rev()
            .find(|(_, first)| *first <= line);
        found.map_or(("header", line), |(path, first)| {
            (path.as_str(), line + 1 - first)
        })
    }

    /// Parses and validates; an error names fragment and line.
    pub fn validate(&self) -> Result<(naga::Module, naga::valid::ModuleInfo), EngineError> {
        let at = |line: Option<u32>, message: String| {
            let (path, line) = self.origin(line.unwrap_or(1));
            EngineError::Device {
                message: format!("{path}:{line}: {message}"),
            }
        };
        let module = naga::front::wgsl::parse_str(&self.text).map_err(|e| {
            at(
                e.location(&self.text).map(|l| l.line_number),
                e.message().to_string(),
            )
        })?;
        let mut validator = naga::valid::Validator::new(
            naga::valid::ValidationFlags::all(),
            naga::valid::Capabilities::default(),
        );
        let info = validator.validate(&module).map_err(|e| {
            // The shortest span is the most precise one.
            let span = e
                .spans()
                .map(|s| s.0)
                .filter(naga::Span::is_defined)
                .min_by_key(|s| s.to_range().map_or(usize::MAX, |r| r.len()));
            let line = span.map(|s| s.location(&self.text).line_number);
            at(line, e.emit_to_string(&self.text))
        })?;
        Ok((module, info))
    }
}
