//! All pairs of some networks, block of rows by block of rows; a finished block is kept on disk until the study is done,
//! so that a run that was killed goes on where it was.

use crate::error::{Result, StudyError};
use chiliad_analysis::distances::{BATCH, Measure, block, compare_block};
use chiliad_tasks::{NpzArray, read_npy, write_npy};
use std::path::{Path, PathBuf};

/// A folder of parts whose name says what they are parts of.
#[derive(Clone, Debug)]
pub struct Cache {
    folder: PathBuf,
}

impl Cache {
    /// In `folder`, which is made.
    ///
    /// # Errors
    ///
    /// [`StudyError::Write`].
    pub fn new(folder: &Path) -> Result<Self> {
        crate::folder::make(folder)?;
        Ok(Self {
            folder: folder.to_owned(),
        })
    }

    /// The part of this name and shape, made anew where it is missing or not what it should be.
    ///
    /// # Errors
    ///
    /// Those of `make`, and of writing.
    pub fn part<E: Into<StudyError>>(
        &self,
        name: &str,
        make: &mut dyn FnMut() -> std::result::Result<NpzArray, E>,
        fits: &dyn Fn(&[usize]) -> bool,
    ) -> Result<NpzArray> {
        let file = self.folder.join(format!("{name}.npy"));
        // Parts appear whole or not at all, so one that can be read is one that was finished.
        if let Ok(found) = read_npy(&file) {
            if fits(&found.shape) {
                return Ok(found);
            }
        }
        let made = make().map_err(Into::into)?;
        write_npy(&file, &made)?;
        Ok(made)
    }
}

/// What a measure keeps of each pair.
pub struct Columns<M: Measure> {
    /// Names.
    pub names: Vec<&'static str>,
    /// As many figures.
    pub figures: fn(&M::Found) -> Vec<f64>,
}

/// Figures of all pairs (i, j), i < j, in order, `[pair][column]`; `done` is told how many pairs are finished and may end it.
///
/// # Errors
///
/// Those of the measure, of the disk, and of `done`.
pub fn all_pairs<M: Measure>(
    measure: &M,
    prepared: &[&M::Prepared],
    columns: &Columns<M>,
    (cache, name): (&Cache, &str),
    done: &mut dyn FnMut(usize) -> Result<()>,
) -> Result<Vec<f64>> {
    let (n, width) = (prepared.len(), columns.names.len());
    let mut all = Vec::with_capacity(n * n.saturating_sub(1) / 2 * width);
    for first in (0..n).step_by(BATCH) {
        let shape = [block(n, first).len(), width];
        let mut make = || {
            compare_block(measure, prepared, first, &|f| (columns.figures)(f))
                .map(|rows| NpzArray::f64(&shape, rows.concat()))
        };
        let part = cache.part(&format!("{name}.rows-{first}"), &mut make, &|s| s == shape)?;
        all.extend(part.to_f64());
        done(all.len() / width.max(1))?;
    }
    Ok(all)
}
