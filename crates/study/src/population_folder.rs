//! A population on disk, alone or inside a study folder.

use crate::error::{Result, StudyError};
use crate::manifest::StudyFolder;
use chiliad_engine::files::own;
use chiliad_engine::population::Population;
use std::path::{Path, PathBuf};

/// The file that makes a folder one of a population.
pub const WEIGHTS: &str = "weights.safetensors";

/// A population that was found.
#[derive(Debug)]
pub struct Found {
    /// Its folder.
    pub folder: PathBuf,
    /// The networks.
    pub population: Population,
    /// The study it stands in, if it does.
    pub study: Option<StudyFolder>,
    /// Its label in the study, or the folder's name.
    pub label: String,
}

/// The population of `path`: a population's folder, or a study's with one population or with `label`.
///
/// # Errors
///
/// [`StudyError::Input`] where none or more than one is meant, [`StudyError::Damaged`] where a file has changed.
pub fn open(path: &Path, label: Option<&str>) -> Result<Found> {
    if path.join(WEIGHTS).exists() {
        let name = path
            .file_name()
            .map_or_else(|| "population".into(), |n| n.to_string_lossy().into_owned());
        if let Some(other) = label.filter(|l| *l != name) {
            return Err(StudyError::Input(format!(
                "--population {other}: {} is a population itself, `{name}`; leave the option out, or name the folder of a study",
                path.display()
            )));
        }
        let study = path
            .parent()
            .filter(|p| p.ends_with("populations"))
            .and_then(Path::parent)
            .and_then(|root| StudyFolder::load(root).ok());
        if let Some(study) = &study {
            study.read(&format!("populations/{name}/{WEIGHTS}"))?;
        }
        return Ok(Found {
            folder: path.to_owned(),
            population: own::load(&path.join(WEIGHTS))?,
            study,
            label: name,
        });
    }
    if !path.join("manifest.json").exists() {
        return Err(StudyError::Input(format!(
            "{}: neither a population (no {WEIGHTS}) nor a study (no manifest.json)",
            path.display()
        )));
    }
    let study = StudyFolder::load(path)?;
    let labels: Vec<String> = study
        .study()?
        .populations
        .iter()
        .map(|p| p.label.clone())
        .collect();
    let known = labels.join(", ");
    let label = match (label, &labels[..]) {
        (Some(label), _) if labels.iter().any(|l| l == label) => label.to_owned(),
        (Some(label), _) => {
            return Err(StudyError::Input(format!(
                "--population {label}: {}",
                chiliad_tasks::suggestion::suggest(label, &labels)
            )));
        }
        (None, [one]) => one.clone(),
        (None, _) => {
            return Err(StudyError::Input(format!(
                "{}: holds several populations, name one with --population; allowed: {known}",
                path.display()
            )));
        }
    };
    let folder = path.join("populations").join(&label);
    if !folder.join(WEIGHTS).exists() {
        return Err(StudyError::Input(format!(
            "{}: population `{label}` is not trained yet; run the study again to go on",
            path.display()
        )));
    }
    study.read(&format!("populations/{label}/{WEIGHTS}"))?;
    Ok(Found {
        population: own::load(&folder.join(WEIGHTS))?,
        folder,
        study: Some(study),
        label,
    })
}
