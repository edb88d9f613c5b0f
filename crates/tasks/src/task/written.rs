//! From the text of a task file to a checked [`Task`].

use std::fmt;
use std::path::Path;

use ron::extensions::Extensions;
use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};

use super::{TRAIN, Task, stem};
use crate::error::{Result, TaskError};
use crate::generators::{GeneratorSpec, Place};
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
    variants: VariantSpecs,
}

/// A map that keeps the order of the file and refuses a name that comes twice.
#[derive(Default)]
struct VariantSpecs(Vec<(String, GeneratorSpec)>);

impl<'de> Deserialize<'de> for VariantSpecs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        struct Entries;
        impl<'de> Visitor<'de> for Entries {
            type Value = VariantSpecs;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a map from names of variants to generators")
            }

            fn visit_map<A: MapAccess<'de>>(
                self,
                mut map: A,
            ) -> std::result::Result<VariantSpecs, A::Error> {
                let mut entries: Vec<(String, GeneratorSpec)> = Vec::new();
                while let Some(name) = map.next_key::<String>()? {
                    if name == TRAIN || entries.iter().any(|(known, _)| *known == name) {
                        return Err(A::Error::custom(format!(
                            "variant `{name}` is there already (`{TRAIN}` is what `generator` says)"
                        )));
                    }
                    let allowed = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
                    if name.is_empty() || !name.chars().all(allowed) {
                        return Err(A::Error::custom(format!(
                            "variant {name:?}: a name is of ASCII letters, digits, `_` and `-`"
                        )));
                    }
                    entries.push((name, map.next_value()?));
                }
                Ok(VariantSpecs(entries))
            }
        }
        deserializer.deserialize_map(Entries)
    }
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
        let train = spec.generator.resolve(&Place {
            file,
            path: "generator".to_owned(),
        })?;
        let shape = train.as_generate().shape();
        let mut variants = vec![(TRAIN.to_owned(), train)];
        for (name, own) in spec.variants.0 {
            let path = format!("variants[{name:?}]");
            let refuse = |value: String, allowed: String| TaskError::Field {
                file: file.to_owned(),
                field: path.clone(),
                value,
                allowed,
            };
            let merged = own.over(&spec.generator).ok_or_else(|| {
                refuse(
                    own.name().to_owned(),
                    format!("must be {} too", spec.generator.name()),
                )
            })?;
            let generator = merged.resolve(&Place {
                file,
                path: path.clone(),
            })?;
            let channels = |shape: TaskShape| {
                format!("{} inputs, {} outputs", shape.n_inputs, shape.n_outputs)
            };
            let found = generator.as_generate().shape();
            if channels(found) != channels(shape) {
                return Err(refuse(
                    channels(found),
                    format!("must be {} as in `generator`", channels(shape)),
                ));
            }
            variants.push((name, generator));
        }
        Ok(Self {
            name: stem(Path::new(file)),
            summary: spec.summary,
            source: spec.source,
            ron: text.to_owned(),
            variants,
        })
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
