//! The user's own trials, from an npz file.

use std::path::Path;
use std::sync::Arc;

use serde::Deserialize;

use super::{Generate, Place, TrialSlot};
use crate::error::Result;
use crate::random::Draws;
use crate::task::Condition;
use crate::trials::{TaskShape, Trials};

/// [`External`] as a task file writes it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExternalSpec {
    /// The npz file, relative to the folder of the task file.
    pub npz: String,
}

impl ExternalSpec {
    pub(super) fn resolve(&self, place: &Place<'_>) -> Result<External> {
        let folder = Path::new(place.file).parent().unwrap_or(Path::new(""));
        External::load(&folder.join(&self.npz))
    }
}

/// Trials in file order; there is nothing beyond the last.
#[derive(Clone, Debug)]
pub struct External {
    trials: Arc<Trials>,
}

impl External {
    pub(crate) fn load(path: &Path) -> Result<Self> {
        Ok(Self {
            trials: Arc::new(Trials::load_npz(path)?),
        })
    }

    pub(crate) fn trials(&self) -> &Arc<Trials> {
        &self.trials
    }
}

impl Generate for External {
    fn shape(&self) -> TaskShape {
        self.trials.shape()
    }

    fn conditions(&self) -> Vec<Condition> {
        vec![Condition {
            label: "zero input".to_owned(),
            input: vec![0.0; self.trials.n_inputs],
        }]
    }

    fn grid_size(&self) -> Option<usize> {
        Some(self.trials.n_trials)
    }

    fn fill(&self, trial: usize, _draws: Draws, slot: TrialSlot<'_>) {
        let row = |array: &[f32], out: &mut [f32]| {
            out.copy_from_slice(&array[trial * out.len()..][..out.len()]);
        };
        row(&self.trials.inputs, slot.inputs);
        row(&self.trials.targets, slot.targets);
        row(&self.trials.mask, slot.mask);
        *slot.condition = self.trials.condition[trial];
    }
}
