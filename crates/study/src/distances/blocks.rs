//! All pairs of some networks, block by block; a finished block is kept on disk until the study is done,
//! so that a run that was killed goes on where it was.

use crate::error::{Result, StudyError};
use chiliad_analysis::distances::{Measure, Pairs, block, compare_block};
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
    let pairs = Pairs::of(n).pairs;
    let mut all = Vec::with_capacity(pairs * width);
    let mut finished = 0;
    while finished < pairs {
        let shape = [block(n, finished).len(), width];
        let mut make = || {
            compare_block(measure, prepared, finished, &|f| (columns.figures)(f))
                .map(|rows| NpzArray::f64(&shape, rows.concat()))
        };
        let fits = |found: &[usize]| found == shape;
        let part = cache.part(&format!("{name}.pairs-{finished}"), &mut make, &fits)?;
        all.extend(part.to_f64());
        finished += shape[0];
        done(finished)?;
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use chiliad_analysis::distances::behaviour::Outputs;
    use chiliad_analysis::distances::{DistanceError, Samples};

    /// 24 networks are two blocks. A block that is there is not computed again, one that is missing or damaged is.
    #[test]
    fn finished_blocks_are_used_and_others_made_anew() -> Result<()> {
        let folder = std::env::temp_dir().join(format!("chiliad-blocks-{}", std::process::id()));
        let cache = Cache::new(&folder)?;
        let samples: Vec<Samples> = (0..24)
            .map(|k| Samples::new("x", 2, 1, &[f64::from(k), 0.5]))
            .collect::<std::result::Result<_, DistanceError>>()?;
        let prepared: Vec<&Samples> = samples.iter().collect();
        let columns = Columns::<Outputs> {
            names: vec!["distance", "largest"],
            figures: |f| vec![f.distance, f.largest],
        };
        let run = || {
            all_pairs(
                &Outputs,
                &prepared,
                &columns,
                (&cache, "o"),
                &mut |_| Ok(()),
            )
        };
        let whole = run()?;
        assert_eq!(whole.len(), 276 * 2);
        // The first pair is 0 and 1: a root mean square of 1 / sqrt 2, at most 1.
        assert!((whole[0] - 0.5_f64.sqrt()).abs() < 1e-15 && (whole[1] - 1.0).abs() < 1e-15);
        let [first, second] = ["o.pairs-0", "o.pairs-256"].map(|n| folder.join(format!("{n}.npy")));
        write_npy(&second, &NpzArray::f64(&[20, 2], vec![7.0; 40]))?;
        assert!(run()?.ends_with(&[7.0; 40]));
        write_npy(&second, &NpzArray::f64(&[3, 2], vec![7.0; 6]))?;
        std::fs::write(&first, b"damaged").map_err(StudyError::write(&first))?;
        assert!(run()? == whole);
        std::fs::remove_dir_all(&folder).map_err(StudyError::write(&folder))
    }
}
