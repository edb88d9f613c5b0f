//! From text to [`StudySpec`]; an error names file, line, column, field and what is allowed.

use super::{StudySpec, TaskSpec};
use crate::error::{Result, StudyError};
use crate::locate;
use chiliad_tasks::nesting::{MOST, too_deep};
use chiliad_tasks::suggestion::{expected, suggest};
use ron::extensions::Extensions;
use serde::de::{Deserialize, Deserializer, SeqAccess, Visitor};
use std::fmt;

impl StudySpec {
    /// A study from the text of its file, which errors call `file`.
    ///
    /// # Errors
    ///
    /// [`StudyError::Spec`].
    pub fn from_ron(text: &str, file: &str) -> Result<Self> {
        let options = ron::Options::default().with_default_extension(
            Extensions::IMPLICIT_SOME | Extensions::UNWRAP_VARIANT_NEWTYPES,
        );
        if let Some((line, column)) = too_deep(text) {
            return Err(StudyError::Spec {
                file: file.to_owned(),
                line,
                column,
                field: String::new(),
                message: format!("brackets within brackets; at most {MOST}"),
            });
        }
        let spec: Self = options.from_str(text).map_err(|error| {
            let (line, column) = (error.span.start.line, error.span.start.col);
            let path = locate::path_at(text, line, column);
            let field = if path.is_empty() {
                String::new()
            } else {
                format!("{path}: ")
            };
            StudyError::Spec {
                file: file.to_owned(),
                line,
                column,
                field,
                message: explain(&error.code),
            }
        })?;
        let places = locate::places(text);
        if let Some(task) = places.iter().find(|p| p.path == "task") {
            let written = &text[task.start..task.end];
            if !written.starts_with(['"', 'r']) && !written.starts_with("External") {
                let (line, column) = locate::line_column(text, task.start);
                return Err(StudyError::Spec {
                    file: file.to_owned(),
                    line,
                    column,
                    field: "task: ".into(),
                    message: format!(
                        "`{written}`; allowed: the name of a task in quotes, or External(\"trials.npz\")"
                    ),
                });
            }
        }
        Ok(spec)
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
        } => format!(
            "`{found}` is none of the choices here: {}",
            suggest(found, expected)
        ),
        other => expected(&other.to_string()),
    }
}

impl<'de> Deserialize<'de> for TaskSpec {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        struct NameOrFile;
        impl<'de> Visitor<'de> for NameOrFile {
            type Value = TaskSpec;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the name of a task in quotes, or External(\"trials.npz\")")
            }

            fn visit_str<E: serde::de::Error>(
                self,
                name: &str,
            ) -> std::result::Result<TaskSpec, E> {
                Ok(TaskSpec::Named(name.to_owned()))
            }

            fn visit_newtype_struct<D: Deserializer<'de>>(
                self,
                deserializer: D,
            ) -> std::result::Result<TaskSpec, D::Error> {
                String::deserialize(deserializer).map(TaskSpec::External)
            }

            fn visit_seq<A: SeqAccess<'de>>(
                self,
                mut sequence: A,
            ) -> std::result::Result<TaskSpec, A::Error> {
                let file = sequence
                    .next_element()?
                    .ok_or_else(|| serde::de::Error::invalid_length(0, &self))?;
                Ok(TaskSpec::External(file))
            }
        }
        deserializer.deserialize_any(NameOrFile)
    }
}
