//! How networks are trained on a task, as its file recommends it.

use serde::Deserialize;

/// A recipe of training; what a file leaves out is a project default.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Recipe {
    /// Normalised error at which a network counts as trained: masked mean-squared error over masked variance of the targets.
    pub criterion: f64,
    /// Adam's step size.
    pub learning_rate: f64,
    /// Steps after which training ends in any case.
    pub max_steps: u64,
    /// Trials per step.
    pub batch: usize,
    /// Variants trained on first, in this order; empty: none.
    pub curriculum: Vec<Lesson>,
}

/// A variant trained on before the next one.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lesson {
    /// Name of the variant.
    pub variant: String,
    /// Normalised error on that variant at which a network has learned it; or `max_steps`, whichever comes first.
    pub until: f64,
}

impl Default for Recipe {
    fn default() -> Self {
        Self {
            criterion: 0.05,
            learning_rate: 0.003,
            max_steps: 3000,
            batch: 64,
            curriculum: Vec::new(),
        }
    }
}

impl Recipe {
    /// The first field that is out of range: name, value, what is allowed.
    pub(super) fn check(&self) -> Result<(), (String, String, String)> {
        let above = |field: &str, x: f64| {
            if x > 0.0 && x.is_finite() {
                return Ok(());
            }
            Err((
                field.to_owned(),
                x.to_string(),
                "must be above 0 and finite".to_owned(),
            ))
        };
        above("criterion", self.criterion)?;
        above("learning_rate", self.learning_rate)?;
        above("max_steps", self.max_steps as f64)?;
        above("batch", self.batch as f64)?;
        for (i, lesson) in self.curriculum.iter().enumerate() {
            above(&format!("curriculum[{i}].until"), lesson.until)?;
        }
        Ok(())
    }
}
