//! One network of a population, looked at closely: trajectories in principal components, points, trials.

use super::modes::{self, Directions};
use super::read_table;
use crate::engine_calls;
use crate::error::Result;
use crate::known_points::KnownPoints;
use crate::manifest::StudyFolder;
use crate::report::data::{Look, LookPoint, NetworkReport, Outcome, PopulationReport, TrialTrace};
use crate::study::{PopulationPlan, Study};
use crate::topology::predicted;
use chiliad_engine::executor::{Executor, Trajectories};
use chiliad_engine::files::own;
use chiliad_engine::population::{Population, Role};
use chiliad_tasks::{NpzArray, Trials, read_npz};

/// Trials that span the components, and those of them that are drawn.
const TRIALS: usize = 32;
const DRAWN: usize = 8;
const TRACES: usize = 3;
/// Half the length of a drawn unstable direction, as a share of the spread of the trajectories.
const SEGMENT: f64 = 0.15;

/// The network with the median number of steps among those that converged, or were imported, with the most common census.
pub(super) fn medoid(
    folder: &StudyFolder,
    executor: &dyn Executor,
    study: &Study,
    report: &PopulationReport,
    index: usize,
    evaluation: &Trials,
) -> Result<Option<Look>> {
    let plan = &study.populations[index];
    let counts = |n: &NetworkReport| n.census.as_ref().map(|c| c.counts);
    let converged: Vec<&NetworkReport> = report
        .networks
        .iter()
        .filter(|n| matches!(n.outcome, Outcome::Converged | Outcome::Imported))
        .collect();
    let agree = |n: &&NetworkReport| converged.iter().filter(|o| counts(o) == counts(n)).count();
    let most = converged.iter().map(agree).max().unwrap_or(0);
    let mut typical: Vec<&NetworkReport> = converged
        .iter()
        .copied()
        .filter(|n| agree(n) == most)
        .collect();
    typical.sort_by_key(|n| (n.steps, n.index));
    let Some(chosen) = typical.get(typical.len() / 2) else {
        return Ok(None);
    };
    let first = report.networks.first().map_or(0, |n| n.index);
    let place = report
        .networks
        .iter()
        .position(|n| n.index == chosen.index)
        .unwrap_or(0);
    let network = chosen.index - first;

    let weights = format!("populations/{}/weights.safetensors", plan.label);
    folder.read(&weights)?;
    let whole = own::load(&folder.root.join(&weights))?;
    let population = whole.select(&[place]);
    let trials = evaluation.select(&(0..TRIALS.min(evaluation.n_trials)).collect::<Vec<_>>())?;
    let t = engine_calls::roll_out(
        executor,
        &population,
        &trials.inputs,
        trials.n_trials,
        trials.n_steps,
    )?;
    let states = states(&t);
    let components = Components::of(&states);
    let trajectories = states
        .chunks(t.n_steps)
        .take(DRAWN)
        .map(|trial| trial.iter().map(|s| components.project(s)).collect())
        .collect();
    let known = KnownPoints::of_study(folder, plan, &whole)?;
    let unstable = known
        .iter()
        .find(|k| (k.network, k.condition) == (network, 0))
        .map(|k| modes::unstable_directions(&population, k))
        .transpose()?
        .unwrap_or_default();
    let points = points(folder, plan, network, &population, &components, &unstable)?;
    Ok(Some(Look {
        network: chosen.index,
        population: index,
        why: format!(
            "median steps among the {most} converged networks of {} with the most common census",
            report.label
        ),
        n_components: components.axes.len(),
        variance_explained: components.share.clone(),
        trajectories,
        points,
        trials: traces(
            folder,
            study,
            plan,
            (network, place),
            &population,
            (&trials, &t),
        )?,
        removal: modes::removal(&whole, report, first, &known),
    }))
}

/// `[trial * time][state]`, the fields one after the other.
fn states(t: &Trajectories) -> Vec<Vec<f64>> {
    let row = |i: usize| {
        t.states
            .iter()
            .flat_map(|field| &field[i * t.n_units..][..t.n_units])
            .map(|x| f64::from(*x))
            .collect()
    };
    (0..t.n_trials * t.n_steps).map(row).collect()
}

/// The first trials, with what the network's graph predicts of their pulses where there is one.
fn traces(
    folder: &StudyFolder,
    study: &Study,
    plan: &PopulationPlan,
    (network, place): (usize, usize),
    population: &Population,
    (trials, t): (&Trials, &Trajectories),
) -> Result<Vec<TrialTrace>> {
    let file = super::topology::read(folder, plan, "topology.json")?;
    let of_network = file.and_then(|f| f.networks.into_iter().find(|n| n.network == network));
    let predicted = match (&study.topology, of_network) {
        (Some(how), Some(found)) => {
            let all = crate::topology::landscapes(folder, plan)?;
            match all.get(place) {
                Some(own) => predicted(population, &found.graph, own, trials, t, how)?,
                None => None,
            }
        }
        _ => None,
    };
    let trace = |k: usize| TrialTrace {
        predicted: predicted.as_ref().map_or_else(Vec::new, |p| p[k].clone()),
        ..trace(trials, t, k)
    };
    Ok((0..TRACES.min(trials.n_trials)).map(trace).collect())
}

fn trace(trials: &Trials, t: &Trajectories, k: usize) -> TrialTrace {
    let rows = |data: &[f32], width: usize| {
        data[k * trials.n_steps * width..][..trials.n_steps * width]
            .chunks(width)
            .map(|row| row.iter().map(|x| f64::from(*x)).collect())
            .collect()
    };
    TrialTrace {
        inputs: rows(&trials.inputs, trials.n_inputs),
        targets: rows(&trials.targets, trials.n_outputs),
        outputs: rows(&t.outputs, trials.n_outputs),
        predicted: Vec::new(),
    }
}

fn points(
    folder: &StudyFolder,
    plan: &PopulationPlan,
    network: usize,
    population: &Population,
    components: &Components,
    unstable: &Directions,
) -> Result<Vec<LookPoint>> {
    let npz = format!("populations/{}/fixed_points.npz", plan.label);
    if !folder.manifest.files.contains_key(&npz) {
        return Ok(Vec::new());
    }
    folder.read(&npz)?;
    let arrays = read_npz(folder.root.join(&npz))?;
    let values = |name: &str| arrays.get(name).map_or_else(Vec::new, NpzArray::to_f64);
    let (state, eigenvalues) = (values("state"), values("eigenvalues"));
    let table = read_table(folder, plan, "fixed_points.parquet")?;
    let n = components.mean.len();
    let wanted = |row: &usize| {
        table.integer("network")[*row] == network as i64
            && table.integer("condition")[*row] == 0
            && table.words("kind")[*row] == "fixed"
    };
    let point = |row: usize| {
        let at = &state[row * n..][..n];
        LookPoint {
            label: pattern(population, at)
                .unwrap_or_else(|| table.integer("point")[row].to_string()),
            unstable: table.integer("unstable")[row] as usize,
            reached: table.flag("reached")[row],
            at: components.project(at),
            directions: unstable
                .get(&(table.integer("point")[row] as usize))
                .into_iter()
                .flatten()
                .map(|axis| components.segment(at, axis))
                .collect(),
            eigenvalues: eigenvalues[row * 2 * n..][..2 * n]
                .chunks(2)
                .map(|e| [e[0], e[1]])
                .collect(),
        }
    };
    Ok((0..table.n_rows()).filter(wanted).map(point).collect())
}

/// Signs of the readout of field 0 where every output is within 0.25 of +-1.
fn pattern(population: &Population, state: &[f64]) -> Option<String> {
    population
        .architecture
        .cell
        .plain_output()
        .filter(|f| *f == 0)?;
    let params = population.network(0);
    let (weights, bias) = (
        population.layout.find(Role::Readout)?,
        population.layout.find(Role::ReadoutBias)?,
    );
    let units = population.architecture.units;
    let output = |o: usize| {
        f64::from(params[bias.range()][o])
            + params[weights.range()][o * units..][..units]
                .iter()
                .zip(state)
                .map(|(w, h)| f64::from(*w) * h)
                .sum::<f64>()
    };
    (0..population.architecture.outputs)
        .map(|o| {
            Some(output(o))
                .filter(|y| (y.abs() - 1.0).abs() <= 0.25)
                .map(|y| if y > 0.0 { '+' } else { '-' })
        })
        .collect()
}

/// The first three principal components of some states.
struct Components {
    mean: Vec<f64>,
    axes: Vec<Vec<f64>>,
    share: Vec<f64>,
    /// Root mean square distance of the states from their mean.
    spread: f64,
}

impl Components {
    fn of(states: &[Vec<f64>]) -> Self {
        let (n, rows) = (
            states.first().map_or(0, Vec::len),
            states.len().max(1) as f64,
        );
        let mean: Vec<f64> = (0..n)
            .map(|i| states.iter().map(|s| s[i]).sum::<f64>() / rows)
            .collect();
        let mut covariance = vec![0.0; n * n];
        for s in states {
            for i in 0..n {
                let d = s[i] - mean[i];
                for j in 0..n {
                    covariance[i * n + j] += d * (s[j] - mean[j]) / rows;
                }
            }
        }
        let total: f64 = (0..n)
            .map(|i| covariance[i * n + i])
            .sum::<f64>()
            .max(f64::MIN_POSITIVE);
        let (mut axes, mut share): (Vec<Vec<f64>>, Vec<f64>) = (Vec::new(), Vec::new());
        for k in 0..n.min(3) {
            let (axis, value) = leading(&covariance, n, k);
            for i in 0..n {
                for j in 0..n {
                    covariance[i * n + j] -= value * axis[i] * axis[j];
                }
            }
            share.push((value / total).clamp(0.0, 1.0));
            axes.push(axis);
        }
        Self {
            mean,
            axes,
            share,
            spread: total.sqrt(),
        }
    }

    /// A short line through a state, along a unit vector.
    fn segment(&self, at: &[f64], axis: &[f64]) -> [[f64; 3]; 2] {
        [-SEGMENT, SEGMENT].map(|share| {
            let moved: Vec<f64> = at
                .iter()
                .zip(axis)
                .map(|(h, a)| h + share * self.spread * a)
                .collect();
            self.project(&moved)
        })
    }

    fn project(&self, state: &[f64]) -> [f64; 3] {
        let mut at = [0.0; 3];
        for (a, axis) in at.iter_mut().zip(&self.axes) {
            *a = axis
                .iter()
                .zip(state)
                .zip(&self.mean)
                .map(|((v, s), m)| v * (s - m))
                .sum();
        }
        at
    }
}

/// Leading eigenvector and eigenvalue of a symmetric matrix, by power iteration from a fixed start.
fn leading(matrix: &[f64], n: usize, k: usize) -> (Vec<f64>, f64) {
    let mut v: Vec<f64> = (0..n)
        .map(|i| 1.0 + ((i * (k + 3)) % 7) as f64 / 7.0)
        .collect();
    let mut value = 0.0;
    for _ in 0..500 {
        let w: Vec<f64> = (0..n)
            .map(|i| {
                matrix[i * n..][..n]
                    .iter()
                    .zip(&v)
                    .map(|(m, x)| m * x)
                    .sum()
            })
            .collect();
        let norm = w.iter().map(|x| x * x).sum::<f64>().sqrt();
        if norm < 1e-300 {
            return (vec![0.0; n], 0.0);
        }
        v = w.into_iter().map(|x| x / norm).collect();
        value = norm;
    }
    (v, value)
}
