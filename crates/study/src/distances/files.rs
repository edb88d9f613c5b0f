//! What a comparison leaves on disk: matrices, labels of their rows, a row per pair, the statistics.

use super::measured::Measured;
use super::members::Member;
use crate::comparison::Comparison;
use crate::error::{Result, StudyError};
use crate::manifest::StudyFolder;
use crate::study::Study;
use crate::tables::Table;
use chiliad_tasks::{NpzArray, read_npy, write_npy};

/// The statistics.
pub const STATISTICS: &str = "distances/statistics.json";

/// Path of a matrix inside the folder.
#[must_use]
pub fn matrix_path(name: &str) -> String {
    format!("distances/{name}.npy")
}

/// Writes a matrix and takes it into the manifest; its path.
///
/// # Errors
///
/// Those of writing.
pub fn write_matrix(
    folder: &mut StudyFolder,
    name: &str,
    n: usize,
    values: Vec<f64>,
) -> Result<String> {
    let path = matrix_path(name);
    write_npy(folder.root.join(&path), &NpzArray::f64(&[n, n], values))?;
    folder.adopt(&path)?;
    Ok(path)
}

/// `labels.parquet`: a row per row of the matrices.
///
/// # Errors
///
/// Those of [`Table::to_bytes`].
pub fn labels(study: &Study, members: &[Member]) -> Result<Vec<u8>> {
    let plan = |m: &Member| &study.populations[m.population];
    Table::default()
        .integers("row", (0..members.len()).map(|i| i as i64))
        .integers("network", members.iter().map(|m| m.index as i64))
        .text("population", members.iter().map(|m| plan(m).label.clone()))
        .integers(
            "network_in_population",
            members.iter().map(|m| m.network as i64),
        )
        .text(
            "cell",
            members.iter().map(|m| plan(m).cell_name().to_owned()),
        )
        .text(
            "activation",
            members.iter().map(|m| plan(m).activation.clone()),
        )
        .integers("units", members.iter().map(|m| plan(m).units as i64))
        .text(
            "group",
            members
                .iter()
                .map(|m| plan(m).group.clone().unwrap_or_default()),
        )
        .flags("untrained", members.iter().map(|m| m.untrained))
        .numbers("loss", members.iter().map(|m| m.loss.unwrap_or(f64::NAN)))
        .to_bytes()
}

/// `pairs.parquet`: a row per pair, a column per figure; NaN where a measure does not compare the two.
///
/// # Errors
///
/// Those of [`Table::to_bytes`].
pub fn pairs(study: &Study, members: &[Member], measured: &[Measured]) -> Result<Vec<u8>> {
    let n = members.len();
    let places = || (0..n).flat_map(move |i| (i + 1..n).map(move |j| (i, j)));
    let index = |k: usize| members[k].index as i64;
    let label = |k: usize| study.populations[members[k].population].label.clone();
    let mut table = Table::default()
        .integers("network_a", places().map(|(i, _)| index(i)))
        .integers("network_b", places().map(|(_, j)| index(j)))
        .text("population_a", places().map(|(i, _)| label(i)))
        .text("population_b", places().map(|(_, j)| label(j)));
    for m in measured {
        for (c, name) in m.columns.iter().enumerate() {
            table = table.numbers(name, m.figures.chunks(m.columns.len()).map(|row| row[c]));
        }
    }
    table.to_bytes()
}

/// The statistics of a folder, where it has them.
///
/// # Errors
///
/// [`StudyError::Damaged`].
pub fn read_statistics(folder: &StudyFolder) -> Result<Option<Comparison>> {
    if !folder.manifest.files.contains_key(STATISTICS) {
        return Ok(None);
    }
    serde_json::from_slice(&folder.read(STATISTICS)?)
        .map(Some)
        .map_err(|e| StudyError::Damaged {
            file: folder.root.join(STATISTICS),
            message: e.to_string(),
        })
}

/// A matrix of a folder, `[member][member]`.
///
/// # Errors
///
/// [`StudyError::Damaged`].
pub fn read_matrix(folder: &StudyFolder, name: &str, n: usize) -> Result<Vec<f64>> {
    let path = matrix_path(name);
    folder.read(&path)?;
    let array = read_npy(folder.root.join(&path))?;
    if array.shape == [n, n] {
        return Ok(array.to_f64());
    }
    Err(StudyError::Damaged {
        file: folder.root.join(&path),
        message: format!("shape {:?}; needed: [{n}, {n}]", array.shape),
    })
}
