//! From a study as written to a [`Study`]: axes multiplied, defaults explicit, impossible values refused.

mod axes;
mod benchmark;
mod check;
mod companions;
mod distances;
mod dynamics;
mod forcing;
mod optimiser;
mod penalties;
mod recipe;
mod restriction;
mod train;

use crate::error::{Result, StudyError};
use crate::fixed_points_plan::FixedPointsPlan;
use crate::folder::sha256;
use crate::locate;
use crate::spec::{
    ImportSpec, MeasureSpec, NetworksSpec, StudySpec, TaskSpec, Until, UntrainedSpec, defaults,
};
use crate::study::{NetworkPlan, Origin, PopulationPlan, SUMMATION, Study, TaskPlan, TopologyPlan};
use check::{label, positive};
use chiliad_engine::cell::Cell;
use chiliad_engine::files::header::CellText;
use chiliad_engine::files::{FileLayout, own, pytorch};
use chiliad_engine::population::Seeds;
use chiliad_tasks::suggestion::suggest;
use chiliad_tasks::{Task, task::TRAIN};
use std::path::{Path, PathBuf};
use std::sync::Arc;

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
        let places = locate::places(self.text);
        let byte = locate::nearest(&places, path).map_or(0, |p| p.start);
        let (line, column) = locate::line_column(self.text, byte);
        StudyError::Spec {
            file: self.file.to_owned(),
            line,
            column,
            field: format!("{path}: "),
            message: message.into(),
        }
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

    fn task(&self, spec: &TaskSpec) -> Result<(Task, TaskPlan)> {
        let named = |e: chiliad_tasks::TaskError| self.refuse("task", e.to_string());
        let (name, file) = match spec {
            TaskSpec::Named(name) if !name.ends_with(".ron") && !name.ends_with(".npz") => {
                (name, None)
            }
            TaskSpec::Named(name) | TaskSpec::External(name) => (name, Some(self.beside(name))),
        };
        let (task, hash) = match &file {
            None => {
                let task = Task::builtin(name).map_err(named)?;
                let hash = sha256(task.ron.as_bytes());
                (task, hash)
            }
            Some(path) => {
                let task = match spec {
                    TaskSpec::External(_) => Task::external(path),
                    TaskSpec::Named(_) => Task::find(&path.display().to_string()),
                };
                (
                    task.map_err(named)?,
                    sha256(&std::fs::read(path).map_err(StudyError::read(path))?),
                )
            }
        };
        let plan = TaskPlan {
            name: task.name.clone(),
            file,
            sha256: hash,
        };
        Ok((task, plan))
    }

    /// A cell by name or by path relative to the study file; an error stands at the line of its name.
    fn cell(
        &self,
        name: &str,
        activation: &str,
        cell_path: &str,
        activation_path: &str,
    ) -> Result<Arc<Cell>> {
        if !chiliad_engine::cell::activations().any(|a| a == activation) {
            let known: Vec<&str> = chiliad_engine::cell::activations().collect();
            return Err(self.refuse(
                activation_path,
                format!(
                    "unknown activation `{activation}`: {}",
                    suggest(activation, &known)
                ),
            ));
        }
        let found = if name.ends_with(".wgsl") {
            Cell::from_file(&self.beside(name), activation)
        } else if chiliad_engine::cell::names().any(|c| c == name) {
            Cell::builtin(name, activation)
        } else {
            let known: Vec<&str> = chiliad_engine::cell::names().collect();
            return Err(self.refuse(
                cell_path,
                format!(
                    "unknown cell `{name}`: {}; or the path of a .wgsl file",
                    suggest(name, &known)
                ),
            ));
        };
        found
            .map(Arc::new)
            .map_err(|e| self.refuse(cell_path, e.to_string()))
    }

    fn import(&self, spec: &ImportSpec, task: &Task, path: &str) -> Result<PopulationPlan> {
        let at = |field: &str| format!("{path}.{field}");
        let cell = self.cell(&spec.cell, &spec.activation, &at("cell"), &at("activation"))?;
        let file = self.beside(&spec.file);
        let constants: Vec<(String, f64)> = spec
            .constants
            .iter()
            .map(|(k, v)| (k.clone(), *v))
            .collect();
        cell.constants_with(&constants)
            .map_err(|e| self.refuse(&at("constants"), e.to_string()))?;
        let imported = match spec.layout {
            FileLayout::Chiliad => own::import(&file, &cell, &constants),
            FileLayout::PyTorch => pytorch::import(&file, &cell, &constants),
        };
        let population = imported
            .map_err(|e| self.refuse(&at("file"), e.to_string()))?
            .population;
        let architecture = &population.architecture;
        let shape = task.shape(TRAIN)?;
        if (architecture.inputs, architecture.outputs) != (shape.n_inputs, shape.n_outputs) {
            let found = format!(
                "{} inputs and {} outputs",
                architecture.inputs, architecture.outputs
            );
            return Err(self.refuse(
                &at("file"),
                format!(
                    "{found}; task `{}` has {} and {}",
                    task.name, shape.n_inputs, shape.n_outputs
                ),
            ));
        }
        let networks = (0..population.n_networks)
            .map(|n| NetworkPlan {
                seeds: population.seeds[n],
                learning_rate: defaults::LEARNING_RATE,
                noise: 0.0,
                constants: population
                    .network_constants(n)
                    .iter()
                    .map(|c| f64::from(*c))
                    .collect(),
                settings: crate::recipe::Settings::new(),
            })
            .collect();
        let sha256 = sha256(&std::fs::read(&file).map_err(StudyError::read(&file))?);
        Ok(PopulationPlan {
            label: label(spec.name.as_deref(), &cell, architecture.units),
            group: spec.name.clone(),
            constants: cell.constants.iter().map(|c| c.0.clone()).collect(),
            cell: CellText::of(&cell),
            activation: spec.activation.clone(),
            units: architecture.units,
            inputs: architecture.inputs,
            outputs: architecture.outputs,
            networks,
            origin: Origin::Import {
                file,
                sha256,
                layout: spec.layout,
            },
        })
    }

    fn untrained(
        &self,
        spec: &UntrainedSpec,
        earlier: &[PopulationPlan],
        path: &str,
    ) -> Result<Vec<PopulationPlan>> {
        let like: Vec<&PopulationPlan> = earlier
            .iter()
            .filter(|p| p.group.as_deref() == Some(&spec.like))
            .collect();
        if like.is_empty() {
            return Err(self.refuse(
                &format!("{path}.like"),
                format!(
                    "no entry above is called `{}`; {}",
                    spec.like,
                    suggest(&spec.like, &groups(earlier))
                ),
            ));
        }
        let name = spec
            .name
            .clone()
            .unwrap_or_else(|| format!("untrained-{}", spec.like));
        like.into_iter()
            .map(|p| {
                let cell = p.compile()?;
                let mut networks = p.networks.clone();
                for (n, network) in networks.iter_mut().enumerate() {
                    network.seeds = Seeds::all(n as u64);
                }
                Ok(PopulationPlan {
                    label: label(Some(&name), &cell, p.units),
                    group: Some(name.clone()),
                    networks,
                    origin: Origin::Untrained {
                        like: p.label.clone(),
                    },
                    ..p.clone()
                })
            })
            .collect()
    }

    /// A variant of the task by its name, with or without `ood-`.
    fn variant(&self, task: &Task, name: &str, path: &str) -> Result<String> {
        let known = |name: &str| task.variants().any(|v| v == name);
        let long = format!("ood-{name}");
        let variant = if !known(name) && known(&long) {
            long
        } else {
            name.to_owned()
        };
        task.shape(&variant)
            .map_err(|e| self.refuse(path, e.to_string()))?;
        Ok(variant)
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
                return Err(self.refuse(
                    &path,
                    format!(
                        "no entry is called `{name}`; {}",
                        suggest(name, &groups(populations))
                    ),
                ));
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

fn groups(populations: &[PopulationPlan]) -> Vec<&str> {
    let mut names: Vec<&str> = populations
        .iter()
        .filter_map(|p| p.group.as_deref())
        .collect();
    names.dedup();
    names
}
