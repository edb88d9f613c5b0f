//! Networks that are not trained here: imported, or left as they begin.

use super::check::label;
use super::{Resolver, unknown_group};
use crate::error::{Result, StudyError};
use crate::folder::sha256;
use crate::spec::{ImportSpec, UntrainedSpec, defaults};
use crate::study::{NetworkPlan, Origin, PopulationPlan};
use chiliad_engine::files::header::CellText;
use chiliad_engine::files::{FileLayout, own, pytorch};
use chiliad_engine::population::Seeds;
use chiliad_tasks::{Task, task::TRAIN};

impl Resolver<'_> {
    pub(super) fn import(
        &self,
        spec: &ImportSpec,
        task: &Task,
        path: &str,
    ) -> Result<PopulationPlan> {
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
            entry: path.to_owned(),
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

    pub(super) fn untrained(
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
                unknown_group(&spec.like, "entry above", earlier),
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
                    entry: path.to_owned(),
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
}
