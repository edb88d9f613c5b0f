//! The benchmark of a whole study whose networks are trained: `benchmark/`.

mod disturbed;

use super::Events;
use super::criterion::criterion;
use crate::engine_calls;
use crate::error::{Result, StudyError};
use crate::gather::read_table;
use crate::manifest::StudyFolder;
use crate::report::data::{Benchmark, Benchmarked, Interval};
use crate::spec::BenchmarkSpec;
use crate::study::{Origin, PopulationPlan, Study, TrainPlan};
use crate::tables::Table;
use chiliad_analysis::median::Median;
use chiliad_analysis::share::Share;
use chiliad_engine::executor::Executor;
use chiliad_engine::files::own;
use chiliad_tasks::Task;
use disturbed::{Test, Tests};
use std::collections::BTreeMap;
use std::time::Instant;

/// Name of the stage.
pub const STAGE: &str = "benchmark";

/// A row per network and test.
const NETWORKS: &str = "benchmark/networks.parquet";
/// A row per population.
const SUMMARY: &str = "benchmark/summary.json";
/// Seconds, by population: the one file of a study that differs from run to run.
const COST: &str = "benchmark/cost.json";

/// Benchmarks the networks of a study whose training is finished. Tests are made on the CPU whatever trained the networks, so
/// that a run and a merge give the same figures; `executor` is what seconds are measured on.
///
/// # Errors
///
/// Those of files, task and engine.
pub fn benchmark(
    folder: &mut StudyFolder,
    study: &Study,
    task: &Task,
    executor: &dyn Executor,
    events: &mut dyn Events,
) -> Result<()> {
    let Some(spec) = &study.benchmark else {
        return Ok(());
    };
    if folder.finished(STAGE) {
        return Ok(());
    }
    let start = Instant::now();
    events.begin(STAGE, "");
    let trained: Vec<(usize, &PopulationPlan, &TrainPlan)> = study
        .populations
        .iter()
        .enumerate()
        .filter_map(|(p, plan)| match &plan.origin {
            Origin::Train(train) => Some((p, plan, train)),
            _ => None,
        })
        .collect();
    let (mut rows, mut summary, mut cost) = (Rows::default(), Vec::new(), BTreeMap::new());
    for (done, &(p, plan, train)) in trained.iter().enumerate() {
        events.progress(done as f64 / trained.len() as f64, &plan.label);
        summary.push(population(
            folder,
            study,
            task,
            spec,
            (p, plan, train),
            &mut rows,
        )?);
        let seconds = engine_calls::seconds_per_step(executor, plan, train, task, study.seed)?;
        cost.insert(plan.label.clone(), (seconds, executor.describe()));
    }
    let longer = match &spec.longer {
        Some(variant) => {
            let steps = |v: &str| task.shape(v).map(|s| s.n_steps as f64);
            let usual = trained.first().map_or(Ok(1.0), |t| steps(&t.2.variant))?;
            Some((variant.clone(), steps(variant)? / usual))
        }
        None => None,
    };
    let found = Benchmark {
        rows: summary,
        trials: spec.trials,
        relative: spec.relative,
        draws: spec.draws,
        longer,
    };
    let json = |value: serde_json::Result<Vec<u8>>| {
        value.map_err(|e| StudyError::Input(format!("benchmark: {e}")))
    };
    let files = [
        (NETWORKS, rows.table().to_bytes()?),
        (SUMMARY, json(serde_json::to_vec_pretty(&found))?),
        (COST, json(serde_json::to_vec_pretty(&cost))?),
    ];
    for (path, bytes) in &files {
        folder.write(path, bytes)?;
    }
    let names = files.iter().map(|f| f.0.to_owned()).collect();
    folder.finish(STAGE, names, start.elapsed().as_secs_f64())?;
    events.end();
    Ok(())
}

/// The benchmark of a folder, if it has one.
///
/// # Errors
///
/// [`StudyError::Damaged`].
pub fn read(folder: &StudyFolder) -> Result<Option<Benchmark>> {
    if !folder.finished(STAGE) {
        return Ok(None);
    }
    let damaged = |file: &str, e: serde_json::Error| StudyError::Damaged {
        file: folder.root.join(file),
        message: e.to_string(),
    };
    let mut found: Benchmark =
        serde_json::from_slice(&folder.read(SUMMARY)?).map_err(|e| damaged(SUMMARY, e))?;
    let cost: BTreeMap<String, (f64, String)> =
        serde_json::from_slice(&folder.read(COST)?).map_err(|e| damaged(COST, e))?;
    for row in &mut found.rows {
        if let Some((seconds, device)) = cost.get(&row.label) {
            (row.seconds, row.device) = (*seconds, device.clone());
        }
        row.label = row.label.replace('-', " ");
        never(&mut row.steps);
    }
    Ok(Some(found))
}

/// JSON has no infinity: steps that half of the networks never needed are not there, and are infinite again.
fn never(steps: &mut Interval) {
    let with_interval = Median::of((0..steps.n).map(|n| n as f64)).low.is_finite();
    let mut ends = vec![&mut steps.value];
    if with_interval {
        ends.extend([&mut steps.low, &mut steps.high]);
    }
    for end in ends {
        if end.is_nan() && steps.n > 0 {
            *end = f64::INFINITY;
        }
    }
}

/// Rows of `networks.parquet`.
#[derive(Default)]
struct Rows {
    population: Vec<String>,
    network: Vec<i64>,
    succeeded: Vec<bool>,
    steps: Vec<f64>,
    test: Vec<&'static str>,
    level: Vec<f64>,
    loss: Vec<f64>,
}

impl Rows {
    fn table(self) -> Table {
        Table::default()
            .text("population", self.population)
            .integers("network", self.network)
            .flags("succeeded", self.succeeded)
            .numbers("steps_to_criterion", self.steps)
            .text("test", self.test)
            .numbers("level", self.level)
            .numbers("loss", self.loss)
    }
}

fn population(
    folder: &StudyFolder,
    study: &Study,
    task: &Task,
    spec: &BenchmarkSpec,
    (p, plan, train): (usize, &PopulationPlan, &TrainPlan),
    rows: &mut Rows,
) -> Result<Benchmarked> {
    let criterion = match spec.criterion {
        Some(loss) => loss as f32,
        None => criterion(study, folder, train)?.unwrap_or(f32::NAN),
    };
    let steps = steps_to(
        &read_table(folder, plan, "curves.parquet")?,
        plan,
        criterion,
    );
    let succeeded: Vec<usize> = (0..steps.len()).filter(|&n| steps[n].is_finite()).collect();
    let path = format!("populations/{}/weights.safetensors", plan.label);
    folder.read(&path)?;
    let networks = own::load(&folder.root.join(&path))?;
    let tests = Tests::new(task, spec, train, study.seed)?;
    let (mut noise, mut silenced, mut longer) = (Vec::new(), Vec::new(), None);
    let mut undisturbed = Interval::default();
    for test in tests.all() {
        let losses = tests.losses(&networks, &succeeded, test)?;
        let (name, level) = (test.name(), test.level());
        for (&n, loss) in succeeded.iter().zip(&losses) {
            rows.population.push(plan.label.clone());
            rows.network.push(n as i64);
            rows.succeeded.push(true);
            rows.steps.push(steps[n]);
            rows.test.push(name);
            rows.level.push(level);
            rows.loss.push(*loss);
        }
        let of = interval(Median::of(losses));
        match test {
            Test::Undisturbed => undisturbed = of,
            Test::Noise(sd) => noise.push((sd, of)),
            Test::Silenced(share) => silenced.push((share, of)),
            Test::Longer => longer = Some(of),
        }
    }
    for n in (0..steps.len()).filter(|&n| !steps[n].is_finite()) {
        rows.population.push(plan.label.clone());
        rows.network.push(n as i64);
        rows.succeeded.push(false);
        rows.steps.push(f64::INFINITY);
        rows.test.push("none");
        rows.level.push(0.0);
        rows.loss.push(f64::NAN);
    }
    let share = Share::wilson(succeeded.len(), steps.len());
    let rates = || plan.networks.iter().map(|n| n.learning_rate);
    Ok(Benchmarked {
        population: p,
        label: plan.label.clone(),
        units: plan.units,
        n_parameters: networks.layout.n_params,
        learning_rate: [
            rates().fold(f64::INFINITY, f64::min),
            rates().fold(0.0, f64::max),
        ],
        tuned_from: train
            .tuning
            .as_ref()
            .map_or_else(Vec::new, |t| t.rates.clone()),
        criterion: f64::from(criterion),
        succeeded: [succeeded.len(), steps.len()],
        share: Interval {
            value: succeeded.len() as f64 / steps.len().max(1) as f64,
            low: share.low,
            high: share.high,
            n: steps.len(),
        },
        steps: interval(Median::of(steps)),
        loss: undisturbed,
        noise,
        silenced,
        longer,
        operations: engine_calls::operations(plan, train, task)?,
        seconds: f64::NAN,
        device: String::new(),
    })
}

/// Step of the first evaluation whose loss was at most the criterion, infinite where there was none. `[network]`
fn steps_to(curves: &Table, plan: &PopulationPlan, criterion: f32) -> Vec<f64> {
    let mut steps = vec![f64::INFINITY; plan.networks.len()];
    let lessons = match &plan.origin {
        Origin::Train(train) => train.curriculum.len() as i64,
        _ => 0,
    };
    // Where there is a curriculum, only its last lesson is the task.
    let counts = |row: usize| {
        curves
            .integer("lesson")
            .get(row)
            .is_none_or(|l| *l == lessons)
    };
    let points = curves
        .integer("network")
        .iter()
        .zip(curves.integer("step"))
        .zip(curves.number("loss"))
        .enumerate()
        .filter(|p| counts(p.0));
    for (_, ((&network, &step), &loss)) in points {
        if let Some(first) = usize::try_from(network).ok().and_then(|n| steps.get_mut(n)) {
            if loss <= f64::from(criterion) {
                *first = first.min(step as f64);
            }
        }
    }
    steps
}

fn interval(m: Median) -> Interval {
    Interval {
        value: m.value,
        low: m.low,
        high: m.high,
        n: m.n,
    }
}
