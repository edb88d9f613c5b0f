//! `Train(...)`: its axes multiplied.

use super::Resolver;
use super::check::{above_zero, label, positive, within};
use crate::error::Result;
use crate::spec::{LessonSpec, Match, OneOrMany, TrainSpec, Until, defaults};
use crate::study::{NetworkPlan, Origin, PopulationPlan, TrainPlan};
use chiliad_engine::cell::Cell;
use chiliad_engine::files::header::CellText;
use chiliad_engine::population::{Architecture, Layout, Role, Seeds, Tensor};
use chiliad_tasks::{Task, TaskShape};
use std::sync::Arc;

/// Most units of a network.
const MOST_UNITS: usize = 4096;
/// Most networks of an entry.
const MOST_NETWORKS: u64 = 1_000_000;

/// Trials at most: of a step, of an evaluation, and of a bank (kernels number them in the 24 bits of an f32).
const MOST_BATCH: usize = 65_536;
const MOST_EVALUATED: usize = 1_048_576;
const MOST_BANK: usize = (1 << 24) - 1;

impl Resolver<'_> {
    /// One population per cell, activation and number of units; the other axes are data of its networks.
    pub(super) fn train(
        &self,
        spec: &TrainSpec,
        task: &Task,
        path: &str,
    ) -> Result<Vec<PopulationPlan>> {
        let at = |field: &str| format!("{path}.{field}");
        let shape = task
            .shape(&spec.variant)
            .map_err(|e| self.refuse(&at("variant"), e.to_string()))?;
        let trials = [
            ("batch", spec.batch, MOST_BATCH),
            ("eval_trials", spec.eval_trials, MOST_EVALUATED),
            ("bank_trials", spec.bank_trials, MOST_BANK),
        ];
        for (field, n, most) in trials {
            positive(n as u64).map_err(|m| self.refuse(&at(field), m))?;
            if n > most {
                let message = format!("{n} trials; allowed: 1 to {most}");
                return Err(self.refuse(&at(field), message));
            }
            if !task.is_external() {
                task.can_sample(&spec.variant, n)
                    .map_err(|e| self.refuse(&at(field), e.to_string()))?;
            }
        }
        let seeds = self.seeds(spec, path)?;
        let learning_rates = self.learning_rates(spec, path)?;
        let tuning = self.tuning(spec, &seeds, path)?;
        for (i, noise) in spec.noise.values().iter().enumerate() {
            within(*noise, 0.0, f64::INFINITY)
                .map_err(|m| self.refuse(&at(&spec.noise.path("noise", i)), m))?;
        }
        let mut populations = Vec::new();
        // The cell whose number of parameters the others match.
        let mut reference: Option<Arc<Cell>> = None;
        for (c, cell_name) in spec.cell.values().iter().enumerate() {
            for (a, activation) in spec.activation.values().iter().enumerate() {
                let (cell_path, activation_path) = (
                    at(&spec.cell.path("cell", c)),
                    at(&spec.activation.path("activation", a)),
                );
                let cell = self.cell(cell_name, activation, &cell_path, &activation_path)?;
                let cell = Arc::new(cell);
                reference.get_or_insert_with(|| Arc::clone(&cell));
                if cell.noise.is_empty() && spec.noise.values().iter().any(|n| *n > 0.0) {
                    return Err(self.refuse(
                        &at("noise"),
                        format!(
                            "cell `{}` takes no noise (it has no `struct Noise`); allowed: 0",
                            cell.name
                        ),
                    ));
                }
                for (u, &units) in spec.units.values().iter().enumerate() {
                    if units == 0 || units > MOST_UNITS {
                        return Err(self.refuse(
                            &at(&spec.units.path("units", u)),
                            format!("{units} units; allowed: 1 to {MOST_UNITS}"),
                        ));
                    }
                    let units = match (spec.matched, &reference) {
                        (Match::Parameters, Some(first)) => {
                            let wanted = parameters(first, units, &shape);
                            matched_units(&cell, wanted, &shape)
                        }
                        _ => units,
                    };
                    self.observed(spec, units, shape.n_outputs, path)?;
                    let mut plan =
                        self.train_plan(spec, &cell, units, (task, shape.n_outputs), path)?;
                    plan.tuning.clone_from(&tuning);
                    let n_trained = trained(spec, &layout(&cell, units, &shape));
                    if n_trained == 0 {
                        return Err(self.refuse(
                            &at("constrain.frozen"),
                            "nothing is left to train; allowed: leave one of them out, or Untrained(...) networks",
                        ));
                    }
                    let settings = self.settings(spec, units, n_trained, path)?;
                    let mut networks = Vec::new();
                    for constants in self.constants(spec, &cell, path)? {
                        for &learning_rate in &learning_rates {
                            for &noise in spec.noise.values() {
                                for settings in &settings {
                                    networks.extend(seeds.iter().map(|&seeds| NetworkPlan {
                                        seeds,
                                        learning_rate,
                                        noise,
                                        constants: constants.clone(),
                                        settings: settings.clone(),
                                    }));
                                }
                            }
                        }
                    }
                    if networks.len() as u64 > MOST_NETWORKS {
                        return Err(self.refuse(
                            path,
                            format!(
                                "{} networks in one population; allowed: {MOST_NETWORKS}",
                                networks.len()
                            ),
                        ));
                    }
                    populations.push(PopulationPlan {
                        label: label(spec.name.as_deref(), &cell, units),
                        entry: path.to_owned(),
                        group: spec.name.clone(),
                        cell: CellText::of(&cell),
                        activation: activation.clone(),
                        units,
                        inputs: shape.n_inputs,
                        outputs: shape.n_outputs,
                        constants: cell.constants.iter().map(|c| c.0.clone()).collect(),
                        networks,
                        origin: Origin::Train(plan),
                    });
                }
            }
        }
        Ok(populations)
    }

    fn train_plan(
        &self,
        spec: &TrainSpec,
        cell: &Cell,
        units: usize,
        (task, outputs): (&Task, usize),
        path: &str,
    ) -> Result<TrainPlan> {
        let at = |field: &str| format!("{path}.{field}");
        for (field, value) in [
            ("max_steps", spec.max_steps),
            ("eval_every", spec.eval_every),
        ] {
            positive(value).map_err(|m| self.refuse(&at(field), m))?;
        }
        above_zero(spec.clip_norm, true).map_err(|m| self.refuse(&at("clip_norm"), m))?;
        match spec.until {
            Until::Loss(loss) | Until::NormalisedError(loss) => {
                above_zero(loss, false).map_err(|m| self.refuse(&at("until.0"), m))?;
            }
            Until::Held { loss, evaluations } => {
                above_zero(loss, false).map_err(|m| self.refuse(&at("until.loss"), m))?;
                positive(evaluations as u64)
                    .map_err(|m| self.refuse(&at("until.evaluations"), m))?;
            }
            Until::Accuracy { at_least, mean_of } => {
                above_zero(at_least, false)
                    .and_then(|()| {
                        if at_least <= 1.0 {
                            Ok(())
                        } else {
                            Err(format!("{at_least}; allowed: above 0, at most 1"))
                        }
                    })
                    .map_err(|m| self.refuse(&at("until.at_least"), m))?;
                positive(mean_of as u64).map_err(|m| self.refuse(&at("until.mean_of"), m))?;
                if outputs < 2 {
                    return Err(self.refuse(
                        &at("until"),
                        format!("Accuracy of {outputs} output; allowed: tasks with two outputs or more, of which the largest decides"),
                    ));
                }
            }
            Until::LossOf(_) | Until::Steps => {}
        }
        for (i, loss) in spec.snapshots.iter().enumerate() {
            above_zero(*loss, false)
                .map_err(|m| self.refuse(&at(&format!("snapshots[{i}]")), m))?;
        }
        Ok(TrainPlan {
            variant: spec.variant.clone(),
            curriculum: self.curriculum(spec, task, path)?,
            batch: spec.batch,
            bank_trials: spec.bank_trials,
            recipe: Box::new(self.recipe(spec, cell, units, (task, outputs), path)?),
            clip_norm: spec.clip_norm,
            until: spec.until.clone(),
            max_steps: spec.max_steps,
            eval_every: spec.eval_every,
            eval_trials: spec.eval_trials,
            snapshots: spec.snapshots.clone(),
            train_initial_state: spec.train_initial_state,
            ntk: spec.ntk,
            tuning: None,
        })
    }

    /// Lessons by the whole names of their variants.
    fn curriculum(&self, spec: &TrainSpec, task: &Task, path: &str) -> Result<Vec<LessonSpec>> {
        let lesson = |(i, lesson): (usize, &LessonSpec)| {
            let at = |name: &str| format!("{path}.curriculum[{i}].{name}");
            above_zero(lesson.until, false).map_err(|m| self.refuse(&at("until"), m))?;
            Ok(LessonSpec {
                variant: self.variant(task, &lesson.variant, &at("variant"))?,
                until: lesson.until,
            })
        };
        spec.curriculum.iter().enumerate().map(lesson).collect()
    }

    fn seeds(&self, spec: &TrainSpec, path: &str) -> Result<Vec<Seeds>> {
        let numbers: Vec<u64> = match &spec.seeds {
            OneOrMany::One(0) => {
                return Err(self.refuse(
                    &format!("{path}.seeds"),
                    "0; allowed: a number of networks, 1 or more, or a list of seeds",
                ));
            }
            OneOrMany::One(count) if *count > MOST_NETWORKS => {
                return Err(self.refuse(
                    &format!("{path}.seeds"),
                    format!("{count} networks; allowed: 1 to {MOST_NETWORKS}"),
                ));
            }
            OneOrMany::One(count) => (0..*count).collect(),
            OneOrMany::Many(list) => list.clone(),
        };
        if let Some(i) = (0..numbers.len()).find(|&i| {
            matches!(spec.seeds, OneOrMany::Many(_)) && numbers[..i].contains(&numbers[i])
        }) {
            return Err(self.refuse(
                &format!("{path}.seeds[{i}]"),
                format!(
                    "seed {} is there already: the two networks would be one",
                    numbers[i]
                ),
            ));
        }
        Ok(numbers
            .into_iter()
            .map(|n| Seeds {
                init: spec.init_seed.unwrap_or(n),
                data: spec.data_seed.unwrap_or(n),
                noise: spec.noise_seed.unwrap_or(n),
            })
            .collect())
    }

    fn learning_rates(&self, spec: &TrainSpec, path: &str) -> Result<Vec<f64>> {
        let inside = spec.optimiser.learning_rate();
        if let Some(tune) = &spec.tune {
            // Until one is chosen.
            return Ok(tune.learning_rate.iter().take(1).copied().collect());
        }
        let (field, rates) = match (&spec.learning_rate, inside) {
            (Some(_), Some(_)) => {
                return Err(self.refuse(
                    &format!("{path}.learning_rate"),
                    "also given in `optimiser`; once is enough",
                ));
            }
            (Some(rates), None) => ("learning_rate", rates.clone()),
            (None, Some(rates)) => ("optimiser.learning_rate", rates.clone()),
            (None, None) => ("learning_rate", OneOrMany::One(defaults::LEARNING_RATE)),
        };
        for (i, rate) in rates.values().iter().enumerate() {
            above_zero(*rate, false)
                .map_err(|m| self.refuse(&format!("{path}.{}", rates.path(field, i)), m))?;
        }
        Ok(rates.values().to_vec())
    }

    /// Every combination of the constants' axes, in the order of the cell's constants.
    fn constants(&self, spec: &TrainSpec, cell: &Cell, path: &str) -> Result<Vec<Vec<f64>>> {
        let mut combinations: Vec<Vec<(String, f64)>> = vec![Vec::new()];
        for (name, values) in &spec.constants {
            combinations = combinations
                .iter()
                .flat_map(|given| {
                    values
                        .values()
                        .iter()
                        .map(move |v| given.iter().cloned().chain([(name.clone(), *v)]).collect())
                })
                .collect();
        }
        combinations
            .iter()
            .map(|given| {
                let checked = cell
                    .constants_with(given)
                    .map_err(|e| self.refuse(&format!("{path}.constants"), e.to_string()))?;
                // As written where it is written: 0.1 is not 0.10000000149.
                let default = |i: usize| cell.constants[i].1;
                Ok((0..checked.len())
                    .map(|i| {
                        given
                            .iter()
                            .find(|g| g.0 == cell.constants[i].0)
                            .map_or_else(|| default(i), |g| g.1)
                    })
                    .collect())
            })
            .collect()
    }
}

fn layout(cell: &Arc<Cell>, units: usize, shape: &TaskShape) -> Layout {
    Layout::new(&Architecture {
        cell: Arc::clone(cell),
        units,
        inputs: shape.n_inputs,
        outputs: shape.n_outputs,
    })
}

fn parameters(cell: &Arc<Cell>, units: usize, shape: &TaskShape) -> usize {
    layout(cell, units, shape).n_params
}

/// Parameters that are not kept as they are.
fn trained(spec: &TrainSpec, layout: &Layout) -> usize {
    let of = |tensor: &Tensor| {
        let still = match tensor.role {
            Role::InitialState(_) => !spec.train_initial_state,
            role => spec.constrain.frozen.iter().any(|p| p.holds(role)),
        };
        // The last outputs read units as they are.
        let each = match tensor.role {
            Role::Readout => tensor.shape[1],
            Role::ReadoutBias => 1,
            _ => 0,
        };
        if still {
            0
        } else {
            tensor.len() - each * spec.observe.len()
        }
    };
    layout.tensors.iter().map(of).sum()
}

/// The number of units whose number of parameters is nearest to `wanted`; the smaller of two.
fn matched_units(cell: &Arc<Cell>, wanted: usize, shape: &TaskShape) -> usize {
    let from = (1..MOST_UNITS).find(|&n| parameters(cell, n + 1, shape) > wanted);
    let below = from.unwrap_or(MOST_UNITS);
    let miss = |n: usize| parameters(cell, n, shape).abs_diff(wanted);
    if below < MOST_UNITS && miss(below + 1) < miss(below) {
        below + 1
    } else {
        below
    }
}
