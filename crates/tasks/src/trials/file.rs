//! Trials as an npz file: `inputs`, `targets`, `mask`, `condition`.

use std::collections::BTreeMap;
use std::path::Path;

use super::{Trials, wrong_shape};
use crate::error::{Result, TaskError};
use crate::npz::{NpzArray, read_npz, write_npz};

impl Trials {
    /// Writes float32 `inputs` `[trial, time, input]`, `targets` and `mask` `[trial, time, output]`,
    /// int32 `condition` `[trial]`.
    ///
    /// # Errors
    ///
    /// Those of [`write_npz`].
    pub fn save_npz(&self, path: impl AsRef<Path>) -> Result<()> {
        let (k, t) = (self.n_trials, self.n_steps);
        write_npz(
            path,
            &[
                (
                    "inputs",
                    NpzArray::f32(&[k, t, self.n_inputs], self.inputs.clone()),
                ),
                (
                    "targets",
                    NpzArray::f32(&[k, t, self.n_outputs], self.targets.clone()),
                ),
                (
                    "mask",
                    NpzArray::f32(&[k, t, self.n_outputs], self.mask.clone()),
                ),
                ("condition", NpzArray::i32(&[k], self.condition.clone())),
            ],
        )
    }

    /// Reads what [`Trials::save_npz`] writes, and what users bring: any real type, either order of axes in memory;
    /// `mask` may be left out (all ones) or be `[trial, time]`; `condition` may be left out (all zeros).
    ///
    /// # Errors
    ///
    /// Those of [`read_npz`] and [`Trials::new`], and [`TaskError::Array`] for an array that is missing or unknown.
    pub fn load_npz(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let file = path.display().to_string();
        let arrays = read_npz(path)?;
        let inputs = needed(&arrays, &file, "inputs")?;
        let targets = needed(&arrays, &file, "targets")?;
        let &[n_trials, n_steps, n_inputs] = &inputs.shape[..] else {
            return Err(wrong_shape(
                &file,
                "inputs",
                inputs.shape.clone(),
                "[trial, time, input]",
            ));
        };
        let n_outputs = match &targets.shape[..] {
            &[k, t, n_outputs] if [k, t] == [n_trials, n_steps] => n_outputs,
            _ => {
                let expected = format!(
                    "[{n_trials}, {n_steps}, output] to go with inputs {:?}",
                    inputs.shape
                );
                return Err(wrong_shape(
                    &file,
                    "targets",
                    targets.shape.clone(),
                    &expected,
                ));
            }
        };
        let mask = match arrays.get("mask") {
            None => vec![1.0; n_trials * n_steps * n_outputs],
            Some(mask) if mask.shape == targets.shape => mask.to_f32(),
            Some(mask) if mask.shape == [n_trials, n_steps] => mask
                .to_f32()
                .into_iter()
                .flat_map(|w| std::iter::repeat_n(w, n_outputs))
                .collect(),
            Some(mask) => {
                let expected = format!(
                    "{:?} like targets, or [{n_trials}, {n_steps}]",
                    targets.shape
                );
                return Err(wrong_shape(&file, "mask", mask.shape.clone(), &expected));
            }
        };
        let condition = match arrays.get("condition") {
            None => vec![0; n_trials],
            Some(condition) if condition.shape == [n_trials] => {
                condition.to_i32().ok_or_else(|| TaskError::Array {
                    file: file.clone(),
                    array: "condition".to_owned(),
                    message: "not of integers that fit in int32".to_owned(),
                })?
            }
            Some(condition) => {
                let expected = format!("[{n_trials}] to go with inputs {:?}", inputs.shape);
                return Err(wrong_shape(
                    &file,
                    "condition",
                    condition.shape.clone(),
                    &expected,
                ));
            }
        };
        let (inputs, targets) = (inputs.to_f32(), targets.to_f32());
        let trials = Self {
            n_trials,
            n_steps,
            n_inputs,
            n_outputs,
            inputs,
            targets,
            mask,
            condition,
        };
        trials.check(&file)?;
        Ok(trials)
    }
}

fn needed<'a>(
    arrays: &'a BTreeMap<String, NpzArray>,
    file: &str,
    name: &str,
) -> Result<&'a NpzArray> {
    arrays.get(name).ok_or_else(|| {
        let found = arrays
            .keys()
            .map(|key| format!("`{key}`"))
            .collect::<Vec<_>>()
            .join(", ");
        let message = format!(
            "missing; the file holds {}",
            if found.is_empty() { "no array" } else { &found }
        );
        TaskError::Array {
            file: file.to_owned(),
            array: name.to_owned(),
            message,
        }
    })
}
