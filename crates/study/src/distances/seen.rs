//! What a measure may look at of one network: what it did on the probe trials, its recurrent weights, its fixed points.

use super::members::Member;
use crate::engine_calls;
use crate::error::{Result, StudyError};
use crate::manifest::StudyFolder;
use crate::spec::DistanceSpec;
use crate::study::{ComparePlan, Origin, Study};
use chiliad_analysis::distances::dsa::Operator;
use chiliad_analysis::distances::geometry::Labelled;
use chiliad_analysis::distances::{DistanceError, Recording, Samples};
use chiliad_analysis::pathways::Weights;
use chiliad_engine::executor::{Executor, Trajectories};
use chiliad_engine::files::own;
use chiliad_engine::population::Population;
use chiliad_tasks::{Task, Trials};

/// One network.
#[derive(Clone, Debug)]
pub struct Seen {
    /// For messages.
    pub name: String,
    /// Trials, steps and units.
    pub shape: [usize; 3],
    /// `[trial, time, unit]`
    pub states: Vec<f64>,
    /// Outputs.
    pub n_outputs: usize,
    /// `[trial, time, output]`
    pub outputs: Vec<f64>,
    /// Recurrent weights, or why there are none.
    pub weights: std::result::Result<Operator, String>,
    /// Fixed points, all conditions; none where they were not sought.
    pub points: Option<Labelled>,
}

/// Probe trials are sampled with a seed of their own: no network was trained on them.
const PROBE: u64 = 0x0070_726f_6265;

/// All networks that are compared, ready to be run.
pub struct Networks<'a> {
    executor: &'a dyn Executor,
    probe: Trials,
    all_states: bool,
    gate: Option<String>,
    labels: Vec<String>,
    /// Who they are.
    pub members: Vec<Member>,
    trained: Vec<Population>,
    initial: Vec<Option<Population>>,
    points: Vec<Vec<Labelled>>,
}

impl<'a> Networks<'a> {
    /// Reads weights, and fixed points where a measure wants them.
    ///
    /// # Errors
    ///
    /// [`StudyError::Damaged`] where a file has changed, and those of the task.
    pub fn open(
        folder: &StudyFolder,
        study: &Study,
        task: &Task,
        plan: &ComparePlan,
        executor: &'a dyn Executor,
        members: Vec<Member>,
    ) -> Result<Self> {
        let mut networks = Self {
            executor,
            probe: probe(task, plan, study.seed)?,
            all_states: plan.how.all_states,
            gate: plan.distances.iter().find_map(|d| match d {
                DistanceSpec::WeightPermutation(w) => w.gate.clone(),
                _ => None,
            }),
            labels: study.populations.iter().map(|p| p.label.clone()).collect(),
            members,
            trained: Vec::new(),
            initial: Vec::new(),
            points: Vec::new(),
        };
        let wants_points = plan
            .distances
            .iter()
            .any(|d| matches!(d, DistanceSpec::Configuration(_)));
        for population in &study.populations {
            let path = format!("populations/{}/weights.safetensors", population.label);
            folder.read(&path)?;
            networks.trained.push(own::load(&folder.root.join(&path))?);
            let all: Vec<usize> = (0..population.networks.len()).collect();
            networks.initial.push(match &population.origin {
                Origin::Train(train) => {
                    Some(engine_calls::untrained(population, Some(train), &all)?)
                }
                _ => None,
            });
            networks.points.push(if wants_points {
                points(folder, population)?
            } else {
                Vec::new()
            });
        }
        Ok(networks)
    }

    /// How many.
    #[must_use]
    pub fn len(&self) -> usize {
        self.members.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// Units of a member.
    #[must_use]
    pub fn units(&self, member: usize) -> usize {
        self.trained[self.members[member].population]
            .architecture
            .units
    }

    /// Whether a member has initial weights that it was trained from.
    #[must_use]
    pub fn was_trained(&self, member: usize) -> bool {
        self.initial[self.members[member].population].is_some()
    }

    /// Some members, with their weights or with those that they were trained from.
    ///
    /// # Errors
    ///
    /// Those of the executor, and a member without initial weights.
    pub fn look(&self, members: &[usize], trained: bool) -> Result<Vec<Seen>> {
        members.iter().map(|&m| self.one(m, trained)).collect()
    }

    fn one(&self, member: usize, trained: bool) -> Result<Seen> {
        let who = &self.members[member];
        let p = who.population;
        let whole = if trained {
            Some(&self.trained[p])
        } else {
            self.initial[p].as_ref()
        };
        let Some(whole) = whole else {
            return Err(StudyError::Input(format!(
                "{} was not trained here and has no initial weights",
                self.labels[p]
            )));
        };
        let part = whole.select(&[who.network]);
        let t = engine_calls::roll_out(
            self.executor,
            &part,
            &self.probe.inputs,
            self.probe.n_trials,
            self.probe.n_steps,
        )?;
        let name = format!("{}, network {}", self.labels[p], who.network);
        let fields = if self.all_states { t.states.len() } else { 1 };
        let weights = Weights::of(&part, 0, self.gate.as_deref())
            .map(|w| Operator {
                name: name.clone(),
                matrix: w.recurrent,
                singular_values: Vec::new(),
            })
            .map_err(|e| e.to_string());
        Ok(Seen {
            shape: [t.n_trials, t.n_steps, fields * t.n_units],
            states: side_by_side(&t, fields),
            n_outputs: t.n_outputs,
            outputs: t.outputs.iter().map(|x| f64::from(*x)).collect(),
            weights,
            points: trained
                .then(|| self.points[p].get(who.network).cloned())
                .flatten(),
            name,
        })
    }
}

/// The first fields of the state, unit by unit, at every moment.
fn side_by_side(t: &Trajectories, fields: usize) -> Vec<f64> {
    let n = t.n_units;
    let moments = t.n_trials * t.n_steps;
    let mut values = Vec::with_capacity(moments * fields * n);
    for moment in 0..moments {
        for field in t.states.iter().take(fields) {
            let row = &field[moment * n..(moment + 1) * n];
            values.extend(row.iter().map(|x| f64::from(*x)));
        }
    }
    values
}

/// The trials that all networks are run on.
///
/// # Errors
///
/// Those of the task.
pub fn probe(task: &Task, plan: &ComparePlan, seed: u64) -> Result<Trials> {
    let (variant, n) = (&plan.how.variant, plan.how.trials);
    let n = task.grid_size(variant)?.map_or(n, |all| n.min(all));
    Ok(task.sample(variant, n, seed ^ PROBE)?)
}

/// Fixed points of every network of a population; a label is a condition and whether the point is stable.
fn points(folder: &StudyFolder, plan: &crate::study::PopulationPlan) -> Result<Vec<Labelled>> {
    let landscapes = crate::topology::landscapes(folder, plan)?;
    let one = |(n, conditions): (usize, &Vec<chiliad_analysis::topology::Landscape>)| {
        let mut found = Labelled {
            name: format!("fixed points of {}, network {n}", plan.label),
            points: Vec::new(),
            labels: Vec::new(),
        };
        for (c, landscape) in conditions.iter().enumerate() {
            for (point, unstable) in landscape.points.iter().zip(&landscape.unstable) {
                found.points.push(point.clone());
                found.labels.push(2 * c + usize::from(*unstable > 0));
            }
        }
        found
    };
    Ok(landscapes.iter().enumerate().map(one).collect())
}

impl Seen {
    /// States moment by moment.
    ///
    /// # Errors
    ///
    /// [`DistanceError`] for states that are not finite or never change.
    pub fn samples(&self) -> std::result::Result<Samples, DistanceError> {
        let [trials, steps, units] = self.shape;
        Samples::with_silent_units(&self.name, trials * steps, units, &self.states)
    }

    /// States trial by trial.
    ///
    /// # Errors
    ///
    /// As [`Seen::samples`].
    pub fn recording(&self) -> std::result::Result<Recording, DistanceError> {
        Recording::with_silent_units(&self.name, self.shape, self.states.clone())
    }

    /// Outputs moment by moment.
    ///
    /// # Errors
    ///
    /// As [`Seen::samples`].
    pub fn answers(&self) -> std::result::Result<Samples, DistanceError> {
        let [trials, steps, _] = self.shape;
        Samples::with_silent_units(&self.name, trials * steps, self.n_outputs, &self.outputs)
    }

    /// Recurrent weights.
    ///
    /// # Errors
    ///
    /// [`DistanceError::Array`] where the cell does not say which are meant.
    pub fn recurrent(&self) -> std::result::Result<Operator, DistanceError> {
        self.weights.clone().map_err(|what| DistanceError::Array {
            name: self.name.clone(),
            shape: Vec::new(),
            what,
            allowed: "a cell with recurrent weights, `gate` naming which".into(),
        })
    }

    /// Fixed points.
    ///
    /// # Errors
    ///
    /// [`DistanceError::Array`] where they were not sought.
    pub fn fixed_points(&self) -> std::result::Result<Labelled, DistanceError> {
        self.points.clone().ok_or_else(|| DistanceError::Array {
            name: self.name.clone(),
            shape: Vec::new(),
            what: "no fixed points were sought".into(),
            allowed: "networks that were searched".into(),
        })
    }
}
