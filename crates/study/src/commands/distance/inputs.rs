//! Networks as a measure wants them: from npy files, or from folders, run on the same trials.

use super::super::numbers::array;
use super::super::refuse;
use super::metric::Metric;
use super::options::DistanceArguments;
use super::{Label, Named};
use chiliad::engine_calls;
use chiliad::fixed_points_plan::FixedPointsPlan;
use chiliad::manifest::StudyFolder;
use chiliad::population_folder::{self, Found};
use chiliad_analysis::distances::dsa::{Driven, Operator};
use chiliad_analysis::distances::{Recording, Samples};
use chiliad_analysis::pathways;
use chiliad_engine::executor::Trajectories;
use chiliad_tasks::{NpzArray, read_npy};
use std::path::Path;

/// States of every network, moment by moment.
pub(super) fn samples(a: &DistanceArguments) -> anyhow::Result<Named<Samples>> {
    let mut all = Vec::new();
    for network in recorded(a, Seen::States)? {
        let (label, shape, values, from_file) = network.flat();
        let [rows, units] = shape;
        let name = label.name();
        // A file is as its author made it; a trained network may well have silent units, and says how many.
        let (label, samples) = if from_file {
            (label, Samples::new(&name, rows, units, &values)?)
        } else {
            let samples = Samples::with_silent_units(&name, rows, units, &values)?;
            let silent_units = Some(samples.silent_units().len());
            (
                Label {
                    silent_units,
                    ..label
                },
                samples,
            )
        };
        all.push((label, samples));
    }
    Ok(all.into_iter().unzip())
}

/// Outputs of every network, moment by moment.
pub(super) fn outputs(a: &DistanceArguments) -> anyhow::Result<Named<Samples>> {
    let mut all = Vec::new();
    for network in recorded(a, Seen::Outputs)? {
        let (label, [rows, units], values, _) = network.flat();
        let samples = Samples::with_silent_units(&label.name(), rows, units, &values)?;
        all.push((label, samples));
    }
    Ok(all.into_iter().unzip())
}

/// States of every network, trial by trial.
pub(super) fn recordings(a: &DistanceArguments) -> anyhow::Result<Named<Recording>> {
    let mut all = Vec::new();
    for network in recorded(a, Seen::States)? {
        let shape = match network.shape[..] {
            [trials, steps, units] => [trials, steps, units],
            // One trial.
            [steps, units] => [1, steps, units],
            _ => return network.refuse("[trial, time, unit]"),
        };
        let name = network.label.name();
        // A file is as its author made it; a trained network may well have silent units.
        let recording = match network.label.network {
            None => Recording::new(&name, shape, network.values)?,
            Some(_) => Recording::with_silent_units(&name, shape, network.values)?,
        };
        all.push((network.label, recording));
    }
    Ok(all.into_iter().unzip())
}

/// The same with the inputs that drove them.
pub(super) fn driven(a: &DistanceArguments) -> anyhow::Result<Named<Driven>> {
    let (labels, states) = recordings(a)?;
    let (shape, values) = match (&a.inputs, are_files(a)?) {
        (Some(file), true) => {
            let array = read_npy(file)?;
            (array.shape.clone(), array.to_f64())
        }
        (Some(_), false) => return refuse("--inputs: folders are run on --trials".into()),
        (None, true) => {
            return refuse("dsa-input: --inputs F.npy is missing, [trial, time, channel]".into());
        }
        (None, false) => {
            let found = populations(a)?;
            let probe = probe(a, &found)?;
            (probe.shape.clone(), probe.to_f64())
        }
    };
    let shape = match shape[..] {
        [trials, steps, channels] => [trials, steps, channels],
        [steps, channels] => [1, steps, channels],
        _ => return refuse(format!("inputs {shape:?}; allowed: [trial, time, channel]")),
    };
    let inputs = Recording::with_silent_units("inputs", shape, values)?;
    let with_inputs = |states| Driven {
        states,
        inputs: inputs.clone(),
    };
    Ok((labels, states.into_iter().map(with_inputs).collect()))
}

/// Recurrent weights of every network, or square matrices as they are.
pub(super) fn matrices(a: &DistanceArguments) -> anyhow::Result<Named<Operator>> {
    let mut all = Vec::new();
    if are_files(a)? {
        for path in &a.paths {
            let array = read_npy(path)?;
            let label = Label::file(path);
            let operator = Operator::new(&label.name(), &array.shape, &array.to_f64())?;
            all.push((label, operator));
        }
        return Ok(all.into_iter().unzip());
    }
    for found in populations(a)? {
        for network in 0..found.population.n_networks {
            let w = pathways::Weights::of(&found.population, network, a.gate.as_deref())?;
            let label = Label::network(&found, network);
            let operator = Operator {
                name: label.name(),
                matrix: w.recurrent,
                singular_values: Vec::new(),
            };
            all.push((label, operator));
        }
    }
    Ok(all.into_iter().unzip())
}

impl Label {
    fn file(path: &Path) -> Self {
        Self {
            population: path.display().to_string(),
            network: None,
            silent_units: None,
        }
    }

    fn network(found: &Found, network: usize) -> Self {
        Self {
            population: found.folder.display().to_string(),
            network: Some(network),
            silent_units: None,
        }
    }

    fn name(&self) -> String {
        match self.network {
            Some(n) => format!("{}, network {n}", self.population),
            None => self.population.clone(),
        }
    }
}

/// What of a network is looked at.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Seen {
    States,
    Outputs,
}

/// What one network did, in the shape it came.
struct Recorded {
    label: Label,
    shape: Vec<usize>,
    values: Vec<f64>,
}

impl Recorded {
    /// All moments one below the other, and whether it came from a file.
    fn flat(self) -> (Label, [usize; 2], Vec<f64>, bool) {
        let units = self.shape.last().copied().unwrap_or(0);
        let rows = self.shape[..self.shape.len().saturating_sub(1)]
            .iter()
            .product();
        let from_file = self.label.network.is_none();
        (self.label, [rows, units], self.values, from_file)
    }

    fn refuse<T>(&self, allowed: &str) -> anyhow::Result<T> {
        refuse(format!(
            "{} has shape {:?}; allowed: {allowed}",
            self.label.name(),
            self.shape
        ))
    }
}

/// Refuses networks that take more memory than is allowed: so many moments of so many units each, once as they are and once
/// made ready; dissimilarities are a figure for every two moments.
fn fit(a: &DistanceArguments, networks: &[[usize; 2]]) -> anyhow::Result<()> {
    let of = |&[moments, units]: &[usize; 2]| {
        let ready = match a.metric {
            Metric::Rsa => moments * moments.saturating_sub(1) / 2,
            _ => moments * units,
        };
        8.0 * (moments * units + ready) as f64
    };
    let needed = networks.iter().map(of).sum::<f64>() / 1e9;
    if needed <= a.memory_gb {
        return Ok(());
    }
    let largest = networks.iter().max_by_key(|[m, u]| m * u);
    refuse(format!(
        "--memory-gb {}: {} networks of up to {:?} (moments, units) take {needed:.3} GB for `{}`; allowed: a larger bound, fewer trials (--n-trials) or fewer networks",
        a.memory_gb,
        networks.len(),
        largest.unwrap_or(&[0, 0]),
        a.metric
    ))
}

fn recorded(a: &DistanceArguments, seen: Seen) -> anyhow::Result<Vec<Recorded>> {
    if are_files(a)? {
        let mut all: Vec<Recorded> = Vec::new();
        let mut sizes = Vec::new();
        for path in &a.paths {
            let one = from_file(path)?;
            let units = one.shape.last().copied().unwrap_or(0);
            sizes.push([one.values.len() / units.max(1), units]);
            fit(a, &sizes)?;
            all.push(one);
        }
        return Ok(all);
    }
    let found = populations(a)?;
    let probe = probe(a, &found)?;
    let moments = probe.shape[0] * probe.shape[1];
    let sizes = found.iter().flat_map(|f| {
        let one = &f.population;
        let fields = if a.all_states {
            one.architecture.cell.states.len()
        } else {
            1
        };
        std::iter::repeat_n([moments, fields * one.architecture.units], one.n_networks)
    });
    fit(a, &sizes.collect::<Vec<_>>())?;
    let device = engine_calls::open("cpu", None, 0.0)?;
    let mut all = Vec::new();
    for one in &found {
        let t = engine_calls::roll_out(
            &*device.executor,
            &one.population,
            &probe.to_f32(),
            probe.shape[0],
            probe.shape[1],
        )?;
        for network in 0..t.n_networks {
            let (width, values) = part(&t, network, seen, a.all_states);
            all.push(Recorded {
                label: Label::network(one, network),
                shape: vec![t.n_trials, t.n_steps, width],
                values,
            });
        }
    }
    Ok(all)
}

/// Width and values of one network, `[trial, time, unit]`; fields of the state side by side.
fn part(t: &Trajectories, network: usize, seen: Seen, all_states: bool) -> (usize, Vec<f64>) {
    let fields: Vec<(&[f32], usize)> = match seen {
        Seen::Outputs => vec![(&t.outputs, t.n_outputs)],
        Seen::States => {
            let n = if all_states { t.states.len() } else { 1 };
            let fields = t.states.iter().take(n);
            fields.map(|s| (&s[..], t.n_units)).collect()
        }
    };
    let moments = t.n_trials * t.n_steps;
    let width = fields.iter().map(|f| f.1).sum();
    let mut values = Vec::with_capacity(moments * width);
    for moment in network * moments..(network + 1) * moments {
        for (field, n) in &fields {
            values.extend(
                field[moment * n..(moment + 1) * n]
                    .iter()
                    .map(|x| f64::from(*x)),
            );
        }
    }
    (width, values)
}

fn from_file(path: &Path) -> anyhow::Result<Recorded> {
    let array = read_npy(path)?;
    let recorded = Recorded {
        label: Label::file(path),
        shape: array.shape.clone(),
        values: array.to_f64(),
    };
    if matches!(recorded.shape.len(), 2 | 3) {
        return Ok(recorded);
    }
    recorded.refuse("[sample, unit] or [trial, time, unit]")
}

/// Whether all paths are files; some of each are refused, and what is not there.
fn are_files(a: &DistanceArguments) -> anyhow::Result<bool> {
    if let Some(missing) = a.paths.iter().find(|p| !p.exists()) {
        return refuse(format!(
            "{}: not there; allowed: npy files, or folders of populations",
            missing.display()
        ));
    }
    let folders = a.paths.iter().filter(|p| p.is_dir()).count();
    if folders == 0 {
        return match &a.population {
            None => Ok(true),
            Some(label) => refuse(format!(
                "--population {label}: {} is a file; allowed with folders of studies",
                a.paths[0].display()
            )),
        };
    }
    if folders == a.paths.len() {
        return Ok(false);
    }
    refuse(
        "files and folders cannot be mixed; allowed: npy files, or folders of populations".into(),
    )
}

fn populations(a: &DistanceArguments) -> anyhow::Result<Vec<Found>> {
    let mut all = Vec::new();
    for path in &a.paths {
        // A study means all its populations, where none is named.
        let of_study = a.population.is_none() && !path.join(population_folder::WEIGHTS).exists();
        if of_study && path.join("manifest.json").exists() {
            for plan in StudyFolder::load(path)?.study()?.populations {
                all.push(population_folder::open(path, Some(&plan.label))?);
            }
        } else {
            all.push(population_folder::open(path, a.population.as_deref())?);
        }
    }
    Ok(all)
}

/// Inputs that all networks are run on, `[trial, time, channel]`.
fn probe(a: &DistanceArguments, found: &[Found]) -> anyhow::Result<NpzArray> {
    let channels = found
        .first()
        .map_or(0, |f| f.population.architecture.inputs);
    for other in found {
        if other.population.architecture.inputs != channels {
            return refuse(format!(
                "{} has {} inputs, {} has {channels}; allowed: networks of one task",
                other.folder.display(),
                other.population.architecture.inputs,
                found[0].folder.display()
            ));
        }
    }
    if let Some(file) = &a.trials {
        return array(file, "inputs", "[trial, time, channel]", 3, channels);
    }
    let Some(folder) = found.iter().find_map(|f| f.study.as_ref()) else {
        return refuse(
            "--trials is missing: these populations stand in no study whose task could give them"
                .into(),
        );
    };
    let study = folder.study()?;
    let plan = FixedPointsPlan {
        driven: a.n_trials,
        ..FixedPointsPlan::default()
    };
    let trials = engine_calls::driven_trials(&study.task.load()?, &plan, study.seed)?;
    if trials.n_inputs != channels {
        return refuse(format!(
            "the study's task has {} inputs, the networks {channels}; name --trials",
            trials.n_inputs
        ));
    }
    Ok(NpzArray::f32(
        &[trials.n_trials, trials.n_steps, trials.n_inputs],
        trials.inputs,
    ))
}
