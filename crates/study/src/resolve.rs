//! From a study as written to a [`Study`]: axes multiplied, defaults explicit, impossible values refused.

mod axes;
mod benchmark;
mod check;
mod claims;
mod companions;
mod distances;
mod dynamics;
mod elsewhere;
mod forcing;
mod named;
mod optimiser;
mod penalties;
mod recipe;
mod restriction;
mod train;

use crate::error::{Result, StudyError};
use crate::fixed_points_plan::FixedPointsPlan;
use crate::locate;
use crate::spec::{MeasureSpec, NetworksSpec, StudySpec, Until};
use crate::study::{Origin, PopulationPlan, SUMMATION, Study, TopologyPlan};
use check::positive;
use chiliad_tasks::suggestion::suggest;
use std::path::{Path, PathBuf};

/// The study of a file, with `settings` (`PATH=VALUE`) applied to its text; also the text.
///
/// # Errors
///
/// [`StudyError::Spec`] with file, line, column, field and what is allowed.
pub fn load(path: &Path, settings: &[String]) -> Result<(Study, String)> {
    let text = std::fs::read_to_string(path).map_err(StudyError::read(path))?;
    let text = crate::settings::apply(&text, settings)?;
    let study = resolve(
        &text,
        &path.display().to_string(),
        path.parent().unwrap_or(Path::new("")),
    )?;
    Ok((study, text))
}

/// The study of a text that errors call `file`; paths in it are relative to `folder`.
///
/// # Errors
///
/// As [`load`].
pub fn resolve(text: &str, file: &str, folder: &Path) -> Result<Study> {
    let spec = StudySpec::from_ron(text, file)?;
    Resolver { text, file, folder }.study(&spec)
}

/// An error about the value at `path` of the study `text` of `file`.
pub(crate) fn refuse(text: &str, file: &str, path: &str, message: impl Into<String>) -> StudyError {
    let places = locate::places(text);
    let byte = locate::nearest(&places, path).map_or(0, |p| p.start);
    let (line, column) = locate::line_column(text, byte);
    StudyError::Spec {
        file: file.to_owned(),
        line,
        column,
        field: format!("{path}: "),
        message: message.into(),
    }
}

/// What errors and paths need.
struct Resolver<'a> {
    text: &'a str,
    file: &'a str,
    folder: &'a Path,
}

/// Letters of a population's label at most: it is the name of a folder.
const MOST_LABEL: usize = 128;

impl Resolver<'_> {
    /// An error about the value at `path`.
    fn refuse(&self, path: &str, message: impl Into<String>) -> StudyError {
        refuse(self.text, self.file, path, message)
    }

    /// A path in the study file, as seen from here.
    fn beside(&self, path: &str) -> PathBuf {
        let joined = self.folder.join(path);
        std::fs::canonicalize(&joined).unwrap_or(joined)
    }

    fn study(&self, spec: &StudySpec) -> Result<Study> {
        let (task, plan) = self.task(&spec.task)?;
        if spec.networks.is_empty() {
            return Err(self.refuse(
                "networks",
                "no networks; at least one of Train(...), Import(...), Untrained(...)",
            ));
        }
        let mut populations: Vec<PopulationPlan> = Vec::new();
        for (i, networks) in spec.networks.iter().enumerate() {
            let path = format!("networks[{i}]");
            let made = match networks {
                NetworksSpec::Train(train) => self.train(train, &task, &path)?,
                NetworksSpec::Import(import) => vec![self.import(import, &task, &path)?],
                NetworksSpec::Untrained(untrained) => {
                    self.untrained(untrained, &populations, &path)?
                }
            };
            for population in made {
                let unnamed = population.group.as_deref() == Some("");
                if unnamed || population.label.len() > MOST_LABEL {
                    return Err(self.refuse(
                        &format!("{path}.name"),
                        format!(
                            "`{}`; allowed: 1 to 64 characters",
                            population.group.as_deref().unwrap_or("")
                        ),
                    ));
                }
                if populations.iter().any(|p| p.label == population.label) {
                    return Err(self.refuse(&path, format!("two populations would be called `{}`; give this entry a `name` of its own", population.label)));
                }
                populations.push(population);
            }
        }
        self.check_references(spec, &populations)?;
        let (fixed_points, topology) = self.measures(spec)?;
        let dynamics = self.dynamics(spec, &task, &populations)?;
        let comparison = self.comparison(spec, &task, &populations)?;
        let benchmark = self.benchmark(spec, &task, &populations)?;
        self.claims(&spec.claims, &populations)?;
        Ok(Study {
            format: 1,
            title: spec.title.clone(),
            task: plan,
            seed: spec.seed,
            summation: SUMMATION.into(),
            populations,
            fixed_points,
            topology,
            dynamics,
            comparison,
            benchmark,
            claims: spec.claims.clone(),
        })
    }

    fn measures(
        &self,
        spec: &StudySpec,
    ) -> Result<(Option<FixedPointsPlan>, Option<TopologyPlan>)> {
        let (mut fixed_points, mut topology) = (None, None);
        for (i, measure) in spec.measure.iter().enumerate() {
            let path = format!("measure[{i}]");
            let at_least_one = |field: &str, n: u64| {
                positive(n).map_err(|m| self.refuse(&format!("{path}.{field}"), m))
            };
            let twice = match measure {
                MeasureSpec::FixedPoints(plan) => {
                    plan.check()
                        .map_err(|(field, m)| self.refuse(&format!("{path}.{field}"), m))?;
                    fixed_points.replace(plan.clone()).map(|_| "FixedPoints")
                }
                MeasureSpec::Topology {
                    directions,
                    amplitude,
                    trials,
                    grace,
                } => {
                    at_least_one("directions", *directions as u64)?;
                    at_least_one("trials", *trials as u64)?;
                    if !(*amplitude > 0.0 && *amplitude <= 0.1) {
                        return Err(self.refuse(
                            &format!("{path}.amplitude"),
                            format!("{amplitude}; allowed: above 0 and at most 0.1"),
                        ));
                    }
                    let plan = TopologyPlan {
                        directions: *directions,
                        amplitude: *amplitude,
                        trials: *trials,
                        grace: *grace,
                    };
                    topology.replace(plan).map(|_| "Topology")
                }
                // Dynamics and distances: their own parts of the plan.
                _ => None,
            };
            if let Some(name) = twice {
                return Err(self.refuse(&path, format!("{name} is there already; once is enough")));
            }
        }
        if topology.is_some() && fixed_points.is_none() {
            return Err(self.refuse(
                "measure",
                "Topology() joins fixed points; add FixedPoints()",
            ));
        }
        Ok((fixed_points, topology))
    }

    /// `LossOf` names a group that does not itself wait for another.
    fn check_references(&self, spec: &StudySpec, populations: &[PopulationPlan]) -> Result<()> {
        for (i, networks) in spec.networks.iter().enumerate() {
            let NetworksSpec::Train(train) = networks else {
                continue;
            };
            let Until::LossOf(name) = &train.until else {
                continue;
            };
            let path = format!("networks[{i}].until");
            let of: Vec<&PopulationPlan> = populations
                .iter()
                .filter(|p| p.group.as_ref() == Some(name))
                .collect();
            if of.is_empty() {
                return Err(self.refuse(&path, unknown_group(name, "entry", populations)));
            }
            if of.iter().any(
                |p| matches!(&p.origin, Origin::Train(t) if matches!(t.until, Until::LossOf(_))),
            ) {
                return Err(self.refuse(&path, format!("`{name}` waits for the loss of another entry itself; name one that does not")));
            }
        }
        Ok(())
    }
}

/// That no population is of a group, and which groups there are.
fn unknown_group(name: &str, what: &str, populations: &[PopulationPlan]) -> String {
    let mut names: Vec<&str> = populations
        .iter()
        .filter_map(|p| p.group.as_deref())
        .collect();
    names.dedup();
    let known = if names.is_empty() {
        format!("none has a `name`; give the one that is meant `name: \"{name}\"`")
    } else {
        suggest(name, &names)
    };
    format!("no {what} is called `{name}`; {known}")
}
