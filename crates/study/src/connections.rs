//! Which units are connected at all: areas with their shares of connections, and masks from a file.

use crate::error::{Result, StudyError};
use chiliad_engine::population::Role;
use chiliad_engine::population::initialise::dale_signs;
use chiliad_engine::recipe::Constraint;
use chiliad_tasks::{NpzArray, read_npz};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// Units in areas, one after the other, and the share of connections present between each two.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Areas {
    /// Units of each area.
    pub units: Vec<usize>,
    /// `[to][from]`: share of the recurrent connections that are present.
    pub recurrent: Vec<Vec<f64>>,
    /// Share of the input connections that are present, per area; all by default.
    #[serde(default)]
    pub input: Vec<f64>,
    /// Share of the readout connections that are present, per area; all by default.
    #[serde(default)]
    pub readout: Vec<f64>,
}

/// A field that is wrong, and what is allowed.
pub type Refusal = (&'static str, String);

impl Areas {
    /// What areas there may be of so many units.
    ///
    /// # Errors
    ///
    /// The field that is wrong.
    pub fn check(&self, units: usize) -> std::result::Result<(), Refusal> {
        let n = self.units.len();
        let total = self
            .units
            .iter()
            .fold(0_usize, |sum, u| sum.saturating_add(*u));
        if n == 0 || total != units || self.units.contains(&0) {
            let found = format!("{:?}, {total} in all", self.units);
            return Err((
                "units",
                format!("{found}; allowed: 1 or more each, {units} in all"),
            ));
        }
        if self.recurrent.len() != n || self.recurrent.iter().any(|row| row.len() != n) {
            let found: Vec<usize> = self.recurrent.iter().map(Vec::len).collect();
            return Err((
                "recurrent",
                format!("rows of {found:?}; allowed: {n} rows of {n}, [to][from]"),
            ));
        }
        let fields = [
            ("recurrent", self.recurrent.concat(), false),
            ("input", self.input.clone(), true),
            ("readout", self.readout.clone(), true),
        ];
        for (field, shares, some) in fields {
            if let Some(x) = shares.iter().find(|x| !(0.0..=1.0).contains(*x)) {
                return Err((field, format!("{x}; allowed: 0 to 1")));
            }
            if some && !shares.is_empty() && shares.len() != n {
                return Err((
                    field,
                    format!("{} shares; allowed: {n}, one per area", shares.len()),
                ));
            }
            if some && !shares.is_empty() && shares.iter().all(|x| *x == 0.0) {
                return Err((
                    field,
                    "0 for every area; allowed: above 0 for one at least".into(),
                ));
            }
        }
        Ok(())
    }

    /// Whether recurrent connections are missing.
    #[must_use]
    pub fn cut_recurrent(&self) -> bool {
        self.recurrent.iter().flatten().any(|share| *share < 1.0)
    }

    fn of(&self, unit: usize) -> usize {
        let mut end = 0;
        let area = self.units.iter().position(|n| {
            end += n;
            unit < end
        });
        area.unwrap_or(0)
    }

    /// +1 for excitatory units, -1 for inhibitory ones: the same share of each area.
    #[must_use]
    pub fn signs(&self, ratio: f64) -> Vec<f32> {
        self.units
            .iter()
            .flat_map(|n| dale_signs(*n, ratio))
            .collect()
    }

    /// Takes the connections away that are not there, by a pattern that is a function of `seed`.
    pub fn apply(&self, constraint: &mut Constraint, network: usize, seed: u64) {
        let area: Vec<usize> = (0..self.units.iter().sum()).map(|u| self.of(u)).collect();
        let share = |shares: &[f64], unit: usize| shares.get(area[unit]).copied().unwrap_or(1.0);
        let recurrent = |r| matches!(r, Role::Recurrent(..));
        let between = |to: usize, from: usize| self.recurrent[area[to]][area[from]];
        constraint.sparse_between(network, recurrent, between, seed);
        let input = |r| matches!(r, Role::Input(..));
        constraint.sparse_between(network, input, |to, _| share(&self.input, to), seed);
        let readout = |r| r == Role::Readout;
        constraint.sparse_between(network, readout, |_, from| share(&self.readout, from), seed);
    }
}

/// Factors of weights, rows first; 0 takes a connection away.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Masks {
    /// `[to, from]`, of every gate.
    pub recurrent: Option<Vec<Vec<f32>>>,
    /// `[to, input]`, of every gate.
    pub input: Option<Vec<Vec<f32>>>,
    /// `[output, from]`
    pub readout: Option<Vec<Vec<f32>>>,
}

impl Masks {
    /// Reads `recurrent`, `input` and `readout` from an npz file, each of which may be missing.
    ///
    /// # Errors
    ///
    /// Unreadable files, none of the three, other shapes, values that are not finite, inputs or readout cut altogether.
    pub fn read(file: &Path, units: usize, inputs: usize, outputs: usize) -> Result<Self> {
        let arrays = read_npz(file)?;
        let wrong = |m: String| StudyError::Input(format!("{}: {m}", file.display()));
        let names = ["recurrent", "input", "readout"];
        if let Some(name) = arrays.keys().find(|name| !names.contains(&name.as_str())) {
            return Err(wrong(format!(
                "array `{name}`; allowed: recurrent, input, readout"
            )));
        }
        if arrays.is_empty() {
            return Err(wrong("no array; allowed: recurrent, input, readout".into()));
        }
        let take = |name: &str, rows: usize, columns: usize| -> Result<Option<Vec<Vec<f32>>>> {
            let Some(array) = arrays.get(name) else {
                return Ok(None);
            };
            let (shape, values) = (&array.shape, NpzArray::to_f32(array));
            if *shape != [rows, columns] {
                return Err(wrong(format!(
                    "`{name}` is {shape:?}; expected [{rows}, {columns}]"
                )));
            }
            if let Some(x) = values.iter().find(|x| !x.is_finite()) {
                return Err(wrong(format!(
                    "`{name}` holds {x}; allowed: finite numbers"
                )));
            }
            if name != "recurrent" && values.iter().all(|x| *x == 0.0) {
                return Err(wrong(format!(
                    "`{name}` is 0 throughout; allowed: one connection at least"
                )));
            }
            Ok(Some(
                values.chunks(columns.max(1)).map(<[f32]>::to_vec).collect(),
            ))
        };
        Ok(Self {
            recurrent: take("recurrent", units, units)?,
            input: take("input", units, inputs)?,
            readout: take("readout", outputs, units)?,
        })
    }

    /// Multiplies weights.
    ///
    /// # Errors
    ///
    /// Masks of another network's shape.
    pub fn apply(&self, constraint: &mut Constraint, network: usize) -> Result<()> {
        let wrong = |e: chiliad_engine::error::EngineError| StudyError::Input(e.to_string());
        if let Some(mask) = &self.recurrent {
            constraint
                .recurrent_mask(network, &mask.concat())
                .map_err(wrong)?;
        }
        if let Some(mask) = &self.input {
            constraint
                .input_mask(network, &mask.concat())
                .map_err(wrong)?;
        }
        if let Some(mask) = &self.readout {
            constraint
                .readout_mask(network, &mask.concat())
                .map_err(wrong)?;
        }
        Ok(())
    }
}
