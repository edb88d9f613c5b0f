//! What a study names: its task, a variant of it, a cell.

use super::Resolver;
use crate::error::{Result, StudyError};
use crate::folder::sha256;
use crate::spec::TaskSpec;
use crate::study::TaskPlan;
use chiliad_engine::cell::Cell;
use chiliad_tasks::Task;
use chiliad_tasks::suggestion::suggest;
use std::sync::Arc;

impl Resolver<'_> {
    pub(super) fn task(&self, spec: &TaskSpec) -> Result<(Task, TaskPlan)> {
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
    pub(super) fn cell(
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

    /// A variant of the task by its name, with or without `ood-`.
    pub(super) fn variant(&self, task: &Task, name: &str, path: &str) -> Result<String> {
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
}
