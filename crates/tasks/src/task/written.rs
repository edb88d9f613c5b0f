//! From the text of a task file to a checked [`Task`].

use std::path::Path;

use ron::extensions::Extensions;

use super::locate::line_of;
use super::{Recipe, TRAIN, Task, stem};
use crate::error::{Result, TaskError};
use crate::generators::{Generator, GeneratorSpec, Place};
use crate::named::Named;
use crate::suggestion::suggest;
use crate::trials::TaskShape;

/// A task file, as written.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct TaskSpec {
    summary: String,
    source: String,
    generator: GeneratorSpec,
    #[serde(default)]
    variants: Named<GeneratorSpec>,
    census: Option<String>,
    #[serde(default)]
    recipe: Recipe,
}

impl Task {
    /// A task from the text of its file. `file` stands for it in errors, its stem is the task's name, and paths in the
    /// text are relative to its folder.
    ///
    /// # Errors
    ///
    /// [`TaskError::Ron`] with line and column where the text is not a task, [`TaskError::Field`] with the path of the
    /// field where a value is out of range, and what reading an external file may give.
    pub fn from_ron(text: &str, file: &str) -> Result<Self> {
        let options = ron::Options::default().with_default_extension(
            Extensions::IMPLICIT_SOME | Extensions::UNWRAP_VARIANT_NEWTYPES,
        );
        let spec: TaskSpec = options.from_str(text).map_err(|error| TaskError::Ron {
            file: file.to_owned(),
            line: error.span.start.line,
            column: error.span.start.col,
            message: explain(&error.code),
        })?;
        let variants = variants(&spec, file).map_err(|error| located(error, text))?;
        Ok(Self {
            name: stem(Path::new(file)),
            summary: spec.summary,
            source: spec.source,
            census: spec.census,
            recipe: spec.recipe,
            ron: text.to_owned(),
            variants,
        })
    }
}

/// `train` and the variants, checked.
fn variants(spec: &TaskSpec, file: &str) -> Result<Vec<(String, Generator)>> {
    let refuse = |field: &str, value: String, allowed: String| TaskError::Field {
        file: file.to_owned(),
        line: None,
        field: field.to_owned(),
        value,
        allowed,
    };
    spec.recipe
        .check()
        .map_err(|(field, value, allowed)| refuse(&format!("recipe.{field}"), value, allowed))?;
    let train = spec.generator.resolve(&Place {
        file,
        path: "generator".to_owned(),
    })?;
    let shape = train.as_generate().shape();
    let mut variants = vec![(TRAIN.to_owned(), train)];
    for (name, own) in &spec.variants.0 {
        let path = format!("variants[{name:?}]");
        if name == TRAIN {
            let allowed = format!("`{TRAIN}` is what `generator` says");
            return Err(refuse(&path, "(given)".to_owned(), allowed));
        }
        let merged = own.over(&spec.generator).ok_or_else(|| {
            let allowed = format!("must be {} too", spec.generator.name());
            refuse(&path, own.name().to_owned(), allowed)
        })?;
        let generator = merged.resolve(&Place {
            file,
            path: path.clone(),
        })?;
        let channels =
            |shape: TaskShape| format!("{} inputs, {} outputs", shape.n_inputs, shape.n_outputs);
        let found = generator.as_generate().shape();
        if channels(found) != channels(shape) {
            let allowed = format!("must be {} as in `generator`", channels(shape));
            return Err(refuse(&path, channels(found), allowed));
        }
        variants.push((name.clone(), generator));
    }
    let names: Vec<&str> = variants.iter().map(|(name, _)| name.as_str()).collect();
    for (i, lesson) in spec.recipe.curriculum.iter().enumerate() {
        if !names.contains(&lesson.variant.as_str()) {
            let field = format!("recipe.curriculum[{i}].variant");
            let allowed = format!("must be {}", suggest(&lesson.variant, &names));
            return Err(refuse(&field, lesson.variant.clone(), allowed));
        }
    }
    Ok(variants)
}

/// With the line of the field, where it can be found.
fn located(error: TaskError, text: &str) -> TaskError {
    match error {
        TaskError::Field {
            file,
            field,
            value,
            allowed,
            ..
        } => TaskError::Field {
            line: line_of(text, &field),
            file,
            field,
            value,
            allowed,
        },
        other => other,
    }
}

/// The parser's message, with the nearest name where a name was wrong.
fn explain(error: &ron::Error) -> String {
    match error {
        ron::Error::NoSuchStructField {
            expected,
            found,
            outer,
        } => {
            let of = outer
                .as_ref()
                .map_or_else(String::new, |outer| format!(" in `{outer}`"));
            format!("no field `{found}`{of}: {}", suggest(found, expected))
        }
        ron::Error::NoSuchEnumVariant {
            expected, found, ..
        } => {
            format!(
                "`{found}` is none of the choices here: {}",
                suggest(found, expected)
            )
        }
        other => other.to_string(),
    }
}
