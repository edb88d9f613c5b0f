//! The last stage of a whole study: its networks compared with each other.

use super::Events;
use crate::comparison::Comparison;
use crate::comparison::behaviour::behaviour;
use crate::comparison::row::row;
use crate::distances::blocks::Cache;
use crate::distances::files::{self, STATISTICS};
use crate::distances::job::Job;
use crate::distances::measured::Measured;
use crate::distances::measures::perform;
use crate::distances::members::{Member, members};
use crate::distances::pilots;
use crate::distances::seen::Networks;
use crate::distances::twins::Twins;
use crate::engine_calls;
use crate::error::{Result, StudyError};
use crate::folder::sha256;
use crate::manifest::StudyFolder;
use crate::study::{ComparePlan, Study};
use crate::tables::Table;
use chiliad_engine::files::own;
use chiliad_tasks::Task;
use std::path::PathBuf;
use std::time::Instant;

/// Trials out of distribution have a seed of their own.
const ELSEWHERE: u64 = 0x006f_6f64;

/// Name of the stage.
pub const STAGE: &str = "distances";

/// Compares the networks of a study whose other stages are finished; `stop` is asked between blocks of pairs. On the CPU
/// whatever trained the networks, so that a run and a merge give the same bits.
///
/// # Errors
///
/// Those of files and task, and that of `stop`.
pub fn compare(
    folder: &mut StudyFolder,
    study: &Study,
    task: &Task,
    events: &mut dyn Events,
    stop: &dyn Fn() -> Option<StudyError>,
) -> Result<()> {
    if study.comparison.is_none() || folder.finished(STAGE) {
        return Ok(());
    }
    let start = Instant::now();
    let device = engine_calls::open("cpu", None, 0.0)?;
    let Some(plan) = &pilots::fixed(folder, study, task, &*device.executor)? else {
        return Ok(());
    };
    let (who, left_out) = members(folder, study)?;
    let parts = parts_folder(folder, study, plan)?;
    let mut files = Vec::new();
    let mut found = Comparison {
        left_out,
        how: plan.how.clone(),
        ..Comparison::default()
    };
    let mut measured = crate::distances::graphs::measured(folder, study, &who)?;
    if !plan.distances.is_empty() && who.len() > 1 {
        let cache = Cache::new(&parts)?;
        let networks = Networks::open(folder, study, task, plan, &*device.executor, who.clone())?;
        let twins = Twins::open(folder, study, task, plan, &*device.executor)?;
        for distance in &plan.distances {
            events.begin(STAGE, distance.name());
            let mut progress = |share: f64, words: &str| {
                events.progress(share, words);
                stop().map_or(Ok(()), Err)
            };
            let mut job = Job {
                networks: &networks,
                controls: plan.how.controls,
                twins: Some(&twins),
                seed: study.seed,
                cache: &cache,
                progress: &mut progress,
            };
            match perform(&mut job, distance) {
                Ok(all) => measured.extend(all),
                Err(StudyError::Distance(e)) => {
                    found.failed.push((distance.name().into(), e.to_string()));
                }
                Err(e) => return Err(e),
            }
            events.end();
        }
    }
    crate::folder::make(&folder.root.join("distances"))?;
    events.begin("statistics", "");
    if who.len() > 1 {
        for m in &measured {
            files.push(files::write_matrix(folder, &m.name, m.n, m.matrix())?);
            if let Some(untrained) = &m.untrained {
                let name = format!("{}.untrained", m.name);
                files.push(files::write_matrix(folder, &name, m.n, untrained.clone())?);
            }
            let beside = m
                .neighbour_of
                .as_ref()
                .and_then(|name| measured.iter().find(|o| o.name == *name))
                .map(Measured::matrix);
            found
                .rows
                .push(row(study, &plan.how, &who, m, beside.as_deref()));
            events.progress(found.rows.len() as f64 / measured.len() as f64, &m.name);
        }
    }
    put(
        folder,
        &mut files,
        "distances/labels.parquet",
        files::labels(study, &who)?,
    )?;
    put(
        folder,
        &mut files,
        "distances/pairs.parquet",
        files::pairs(study, &who, &measured)?,
    )?;
    if !plan.out_of_distribution.is_empty() {
        let table = elsewhere(
            folder,
            study,
            task,
            plan,
            &*device.executor,
            &who,
            &mut found,
        )?;
        put(
            folder,
            &mut files,
            "distances/out_of_distribution.parquet",
            table,
        )?;
    }
    found.networks = who;
    put(folder, &mut files, STATISTICS, found.to_json()?)?;
    folder.finish(STAGE, files, start.elapsed().as_secs_f64())?;
    events.end();
    // What is finished needs no parts; a leftover does no harm beyond its size.
    let _ = std::fs::remove_dir_all(parts);
    Ok(())
}

fn put(
    folder: &mut StudyFolder,
    files: &mut Vec<String>,
    path: &str,
    bytes: Vec<u8>,
) -> Result<()> {
    folder.write(path, &bytes)?;
    files.push(path.into());
    Ok(())
}

/// Where finished parts of exactly this comparison of exactly these networks lie.
fn parts_folder(folder: &StudyFolder, study: &Study, plan: &ComparePlan) -> Result<PathBuf> {
    let mut text =
        ron::to_string(plan).map_err(|e| StudyError::Input(format!("comparison: {e}")))?;
    text += &format!("{} {}", study.seed, study.task.sha256);
    for (path, hash) in &folder.manifest.files {
        if path.starts_with("populations/") {
            text += &format!("\n{path} {hash}");
        }
    }
    let key = sha256(text.as_bytes());
    Ok(folder
        .root
        .join("distances")
        .join(format!(".parts-{}", &key[..16])))
}

/// Losses out of distribution: their spread into `found`, and a row per network.
fn elsewhere(
    folder: &StudyFolder,
    study: &Study,
    task: &Task,
    plan: &ComparePlan,
    executor: &dyn chiliad_engine::executor::Executor,
    who: &[Member],
    found: &mut Comparison,
) -> Result<Vec<u8>> {
    let mut rows: Vec<(i64, String, f64)> = Vec::new();
    for ood in &plan.out_of_distribution {
        let n = task
            .grid_size(&ood.variant)?
            .map_or(ood.trials, |all| ood.trials.min(all));
        let trials = task.sample(&ood.variant, n, study.seed ^ ELSEWHERE)?;
        let mut losses = vec![f64::NAN; who.len()];
        for (p, population) in study.populations.iter().enumerate() {
            let own: Vec<usize> = (0..who.len()).filter(|&i| who[i].population == p).collect();
            if own.is_empty() {
                continue;
            }
            let networks: Vec<usize> = own.iter().map(|&i| who[i].network).collect();
            let path = format!("populations/{}/weights.safetensors", population.label);
            let chosen = own::load(&folder.root.join(path))?.select(&networks);
            for (&i, loss) in own
                .iter()
                .zip(engine_calls::losses(executor, &chosen, &trials)?)
            {
                losses[i] = f64::from(loss);
            }
        }
        found.behaviour.extend(behaviour(
            study,
            who,
            &ood.variant,
            &losses,
            plan.how.resamplings,
        ));
        rows.extend(
            who.iter()
                .zip(&losses)
                .map(|(m, l)| (m.index as i64, ood.variant.clone(), *l)),
        );
    }
    Table::default()
        .integers("network", rows.iter().map(|r| r.0))
        .text("variant", rows.iter().map(|r| r.1.clone()))
        .numbers("loss", rows.iter().map(|r| r.2))
        .to_bytes()
}
