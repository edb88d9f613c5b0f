//! A study from its plan to a finished folder, stage by stage; what is finished is not done again.

pub mod benchmark;
pub(crate) mod criterion;
pub mod distances;
mod dynamics;
mod search;
mod topology;
mod train;
mod tune;

use crate::engine_calls::{self, Device};
use crate::error::{Result, StudyError};
use crate::folder;
use crate::manifest::{Shard, StudyFolder};
use crate::study::{Origin, PopulationPlan, Study};
use chiliad_engine::executor::Memory;
use chiliad_tasks::Task;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

/// How a run is made; none of it changes a result.
#[derive(Clone, Debug)]
pub struct RunOptions {
    /// The study file, for errors.
    pub file: PathBuf,
    /// The folder.
    pub out: PathBuf,
    /// `auto`, `cpu`, `gpu` or a name.
    pub device: String,
    /// Part of the study.
    pub shard: Option<Shard>,
    /// Seconds between checkpoints.
    pub checkpoint_secs: f64,
    /// Seconds after which the run ends at the next evaluation, to be taken up again.
    pub time_limit_secs: Option<u64>,
}

/// Who is told how far a run is.
pub trait Events {
    /// Something worth a line.
    fn note(&mut self, text: &str);
    /// A stage begins.
    fn begin(&mut self, stage: &str, population: &str);
    /// Share done, 0 to 1, and a few words.
    fn progress(&mut self, share: f64, words: &str);
    /// The stage is over.
    fn end(&mut self);
}

/// Everything a stage needs.
struct Run<'a> {
    study: &'a Study,
    task: Arc<Task>,
    device: Device,
    options: &'a RunOptions,
    folder: StudyFolder,
    events: &'a mut dyn Events,
    started: Instant,
}

/// Goes through all stages; `text` is the study as written.
///
/// # Errors
///
/// What can be wrong with the study, the folder, the device and the disk. What was finished stays finished.
pub fn run(
    study: &Study,
    text: &str,
    options: &RunOptions,
    events: &mut dyn Events,
) -> Result<StudyFolder> {
    let there = StudyFolder::check(&options.out, study, options.shard)?;
    let recorded = there.as_ref().map(|f| f.manifest.executor.clone());
    let task = Arc::new(study.task.load()?);
    crate::distances::memory::check(study, &task)?;
    let device = engine_calls::open(
        &options.device,
        recorded.as_deref(),
        engine_calls::work(study, &task)?,
    )?;
    events.note(&format!("device: {} ({})", device.words, device.reason));
    // What the device cannot take is refused here, before there is a folder.
    let sizes = sizes(study, &task, &device)?;
    accepted(study, &device, (text, &options.file), options.shard)?;
    let folder = StudyFolder::open(
        &options.out,
        study,
        text,
        options.shard,
        (device.kind, &device.words, &device.reason),
    )?;
    let _lock = folder::lock(&options.out)?;
    events.note(&sizes);
    if there.is_some() {
        events.note(&format!("going on in {}", options.out.display()));
    }
    folder::clear_parts(&options.out);
    let mut run = Run {
        study,
        task,
        device,
        options,
        folder,
        events,
        started: Instant::now(),
    };
    let tuned = run.tune()?;
    // From here on, whatever is trained, beside the study too, has the step size that was chosen.
    let study = tuned.as_ref().unwrap_or(study);
    run = Run { study, ..run };
    for plan in run.order() {
        run.train(plan)?;
    }
    for beside in study.companions() {
        run.train(&beside.plan)?;
    }
    if let Some(search) = &study.fixed_points {
        for plan in &study.populations {
            run.search(plan, search)?;
        }
        if let Some(how) = &study.topology {
            for plan in &study.populations {
                run.topology(plan, search, how)?;
            }
        }
    }
    for plan in &study.populations {
        run.dynamics(plan)?;
    }
    if options.shard.is_none() {
        run.compare()?;
        run.benchmark()?;
        run.report()?;
    }
    Ok(run.folder)
}

/// Networks and memory, in a line.
fn sizes(study: &Study, task: &Task, device: &Device) -> Result<String> {
    let memory = study
        .all_plans()
        .map(|plan| engine_calls::memory(&*device.executor, plan, task))
        .collect::<Result<Vec<Memory>>>()?;
    let per_network = memory.iter().map(|m| m.per_network);
    let each = match (per_network.clone().min(), per_network.max()) {
        (Some(low), Some(high)) if low < high => format!("{low} to {high}"),
        (low, _) => low.unwrap_or(0).to_string(),
    };
    // One population after the other.
    let most = |of: fn(&Memory) -> usize| memory.iter().map(of).max().unwrap_or(0) as f64 / 1e6;
    Ok(format!(
        "{} networks: {each} bytes per network for weights and moments; at most {:.1} MB at once, {:.1} MB of it history",
        study.n_networks(),
        most(|m| m.total),
        most(|m| m.history)
    ))
}

/// Networks of a population that belong to a part of the study.
fn indices(plan: &PopulationPlan, shard: Option<Shard>) -> Vec<usize> {
    let all = 0..plan.networks.len();
    all.filter(|n| shard.is_none_or(|s| s.holds(*n))).collect()
}

/// Refuses what restrictions and device do not take of a part of the study `text` of `file`, before there is a folder.
///
/// # Errors
///
/// [`StudyError::Spec`] with the field that is refused.
pub fn accepted(
    study: &Study,
    device: &Device,
    (text, file): (&str, &Path),
    shard: Option<Shard>,
) -> Result<()> {
    for plan in &study.populations {
        let Some((field, why)) = engine_calls::refused(device, plan, &indices(plan, shard))? else {
            continue;
        };
        let path = [&plan.entry[..], &field].join(".");
        let file = file.display().to_string();
        return Err(crate::resolve::refuse(
            text,
            &file,
            path.trim_end_matches('.'),
            why,
        ));
    }
    Ok(())
}

impl<'a> Run<'a> {
    /// Populations whose stop rule waits for another one's loss come last.
    fn order(&self) -> Vec<&'a PopulationPlan> {
        let waits = |p: &PopulationPlan| matches!(&p.origin, Origin::Train(t) if matches!(t.until, crate::spec::Until::LossOf(_)));
        let (late, early): (Vec<_>, Vec<_>) = self.study.populations.iter().partition(|p| waits(p));
        early.into_iter().chain(late).collect()
    }

    /// Networks of a population that belong to this part of the study.
    fn indices(&self, plan: &PopulationPlan) -> Vec<usize> {
        indices(plan, self.options.shard)
    }

    fn path(plan: &PopulationPlan, file: &str) -> String {
        format!("populations/{}/{file}", plan.label)
    }

    fn absolute(&self, path: &str) -> PathBuf {
        self.folder.root.join(path)
    }

    fn out_of_time(&self) -> Option<StudyError> {
        let seconds = self.options.time_limit_secs?;
        (self.started.elapsed().as_secs() >= seconds).then_some(StudyError::TimeLimit { seconds })
    }

    /// Only a whole study has all pairs.
    fn compare(&mut self) -> Result<()> {
        let (started, limit) = (self.started, self.options.time_limit_secs);
        let stop = move || {
            let seconds = limit?;
            (started.elapsed().as_secs() >= seconds).then_some(StudyError::TimeLimit { seconds })
        };
        distances::compare(&mut self.folder, self.study, &self.task, self.events, &stop)
    }

    /// As [`Run::compare`].
    fn benchmark(&mut self) -> Result<()> {
        benchmark::benchmark(
            &mut self.folder,
            self.study,
            &self.task,
            &*self.device.executor,
            self.events,
        )
    }

    fn report(&mut self) -> Result<()> {
        let start = Instant::now();
        self.events.begin("report", "");
        let files = write_report(&mut self.folder, &*self.device.executor)?;
        self.folder
            .finish("report", files, start.elapsed().as_secs_f64())?;
        self.events.end();
        Ok(())
    }
}

/// Draws the report of a folder anew; its files.
///
/// # Errors
///
/// [`StudyError::Damaged`] where a file has changed, and those of writing.
pub fn write_report(
    folder: &mut StudyFolder,
    executor: &dyn chiliad_engine::executor::Executor,
) -> Result<Vec<String>> {
    let data = crate::gather::report_data(folder, executor)?;
    let mut files = vec!["report.html".to_owned()];
    folder.write("report.html", crate::report::render(&data).as_bytes())?;
    for (name, svg) in crate::report::figures(&data) {
        let path = format!("figures/{name}");
        folder.write(&path, svg.as_bytes())?;
        files.push(path);
    }
    Ok(files)
}

/// Where a study goes when nobody says: `results/<name of the file>`.
#[must_use]
pub fn default_folder(study: &Path) -> PathBuf {
    Path::new("results").join(study.file_stem().unwrap_or_default())
}
