//! Parts of a study joined into the whole.

mod join;
mod snapshots;

use crate::dynamics::FiguresFile;
use crate::error::{Result, StudyError};
use crate::manifest::StudyFolder;
use crate::points::CensusFile;
use crate::study::{DynamicsMeasure, Origin, PopulationPlan, Study};
use crate::tables::Table;
use crate::topology::TopologyFile;
use chiliad_engine::files::own;
use chiliad_tasks::write_npz;
use join::{join, join_arrays};
use serde::de::DeserializeOwned;
use serde_json::Value;
use snapshots::snapshots;
use std::path::{Path, PathBuf};

/// Joins the parts in `folders` into `out`; every file but the manifest is what one run would have written.
///
/// # Errors
///
/// [`StudyError::Input`] where parts are missing, unfinished, or of different studies.
pub fn merge(folders: &[PathBuf], out: &Path) -> Result<StudyFolder> {
    let mut parts = folders
        .iter()
        .map(|f| StudyFolder::load(f))
        .collect::<Result<Vec<_>>>()?;
    parts.sort_by_key(|p| p.manifest.shard.map_or(0, |s| s.index));
    let refuse = |message: String| Err(StudyError::Input(message));
    let Some(first) = parts.first() else {
        return refuse("nothing to merge".into());
    };
    let count = first.manifest.shard.map_or(0, |s| s.count);
    for part in &parts {
        if part.manifest.study != first.manifest.study {
            return refuse(format!(
                "{} and {} hold different studies",
                part.root.display(),
                first.root.display()
            ));
        }
        if part.manifest.executor != first.manifest.executor {
            return refuse(format!(
                "{} ran on {}, {} on {}: the networks would not be comparable to the last bit",
                part.root.display(),
                part.manifest.executor,
                first.root.display(),
                first.manifest.executor
            ));
        }
    }
    if let Some(whole) = parts.iter().find(|p| p.manifest.shard.is_none()) {
        return refuse(format!(
            "{}: holds a whole study, not a part of one (made with --shard I/N)",
            whole.root.display()
        ));
    }
    let held: Vec<usize> = parts
        .iter()
        .filter_map(|p| p.manifest.shard)
        .filter(|s| s.count == count)
        .map(|s| s.index)
        .collect();
    if count == 0 || held != (1..=count).collect::<Vec<_>>() {
        return refuse(format!(
            "parts {held:?} were given; needed: each of 1 to {count}, once"
        ));
    }
    let study = first.study()?;
    let text = String::from_utf8_lossy(&first.read("study.ron")?).into_owned();
    let m = &first.manifest;
    let mut whole = StudyFolder::open(
        out,
        &study,
        &text,
        None,
        (&m.executor, &m.device, &m.device_reason),
    )?;
    for plan in &study.populations {
        // Every part has trained the same pilots.
        let stage = format!("tune/{}", plan.label);
        if let Some(tuned) = first.manifest.stages.get(&stage) {
            for file in &tuned.files {
                whole.write(file, &first.read(file)?)?;
            }
            whole.finish(&stage, tuned.files.clone(), tuned.seconds)?;
        }
    }
    for plan in study.all_plans() {
        population(&parts, &mut whole, &study, plan)?;
    }
    Ok(whole)
}

/// One population, stage by stage.
fn population(
    parts: &[StudyFolder],
    whole: &mut StudyFolder,
    study: &Study,
    plan: &PopulationPlan,
) -> Result<()> {
    // What is trained beside goes through no other stage.
    let own = study.populations.iter().any(|p| p.label == plan.label);
    for name in study
        .stages()
        .into_iter()
        .take(if own { usize::MAX } else { 1 })
    {
        let stage = format!("{name}/{}", plan.label);
        let mut seconds = 0.0;
        for part in parts {
            if !part.finished(&stage) {
                return Err(StudyError::Input(format!(
                    "{}: stage `{stage}` is not finished; run that part again",
                    part.root.display()
                )));
            }
            seconds += part.manifest.stages[&stage].seconds;
        }
        let measure = DynamicsMeasure::ALL.into_iter().find(|m| m.name() == name);
        let mut joined = Joined { parts, whole, plan };
        let files = match (name, measure) {
            (_, Some(measure)) => joined.dynamics(measure),
            ("fixed_points", _) => joined.fixed_points(),
            ("topology", _) => joined.topology(),
            _ => joined.training(),
        }?;
        whole.finish(&stage, files, seconds)?;
    }
    Ok(())
}

/// A population of all parts and of the whole; every method joins the files of a stage and returns their paths.
struct Joined<'a> {
    parts: &'a [StudyFolder],
    whole: &'a mut StudyFolder,
    plan: &'a PopulationPlan,
}

impl Joined<'_> {
    fn path(&self, file: &str) -> String {
        format!("populations/{}/{file}", self.plan.label)
    }

    fn tables(&self, file: &str) -> Result<Vec<Table>> {
        let path = self.path(file);
        self.parts
            .iter()
            .map(|p| Table::from_bytes(p.read(&path)?, &p.root.join(&path)))
            .collect()
    }

    /// The rows of all parts by network.
    fn table(&mut self, file: &str) -> Result<String> {
        let path = self.path(file);
        let joined = Table::merged(&self.tables(file)?, "network");
        self.whole.write(&path, &joined.to_bytes()?)?;
        Ok(path)
    }

    /// A JSON file of every part.
    fn json<T: DeserializeOwned>(&self, path: &str) -> Result<Vec<T>> {
        let one = |part: &StudyFolder| {
            serde_json::from_slice(&part.read(path)?).map_err(|e| StudyError::Damaged {
                file: part.root.join(path),
                message: e.to_string(),
            })
        };
        self.parts.iter().map(one).collect()
    }

    fn training(&mut self) -> Result<Vec<String>> {
        let networks = self.tables("networks.parquet")?;
        let weights = self.path("weights.safetensors");
        let held: Vec<&StudyFolder> = self.parts.iter().collect();
        let joined = own::to_bytes(&join(&held, &networks, &weights)?)?;
        self.whole.write(&weights, &joined)?;
        let mut files = vec![
            weights,
            self.table("networks.parquet")?,
            self.table("curves.parquet")?,
        ];
        files.extend(snapshots(self.parts, self.whole, self.plan)?);
        Ok(files)
    }

    fn fixed_points(&mut self) -> Result<Vec<String>> {
        let rows = self.tables("fixed_points.parquet")?;
        let table = self.table("fixed_points.parquet")?;
        let [npz, json] = ["fixed_points.npz", "census.json"].map(|f| self.path(f));
        let arrays = join_arrays(self.parts, &rows, &npz)?;
        write_npz(self.whole.root.join(&npz), &arrays)?;
        self.whole.adopt(&npz)?;
        let files: Vec<CensusFile> = self.json(&json)?;
        let mut census = CensusFile {
            networks: files.into_iter().flat_map(|f| f.networks).collect(),
        };
        census.networks.sort_by_key(|n| n.network);
        self.whole.write(&json, &census.to_json()?)?;
        Ok(vec![table, npz, json])
    }

    fn topology(&mut self) -> Result<Vec<String>> {
        let mut names = vec!["topology.json".to_owned()];
        if let Origin::Train(train) = &self.plan.origin {
            let at = |loss: &f64| format!("snapshots/{loss}.topology.json");
            names.extend(train.snapshots.iter().map(at));
        }
        let mut files = Vec::new();
        for name in &names {
            let file = self.path(name);
            if let Some(joined) = graphs(self.parts, &file)? {
                self.whole.write(&file, &joined.to_json()?)?;
                files.push(file);
            }
        }
        Ok(files)
    }

    fn dynamics(&mut self, measure: DynamicsMeasure) -> Result<Vec<String>> {
        let path = self.path(&format!("{}.json", measure.name()));
        let files: Vec<FiguresFile> = self.json(&path)?;
        let mut networks: Vec<Value> = files.into_iter().flat_map(|f| f.networks).collect();
        networks.sort_by_key(|n| n["network"].as_u64());
        self.whole
            .write(&path, &FiguresFile { networks }.to_json()?)?;
        let mut files = vec![path];
        for table in measure.tables() {
            files.push(self.table(table)?);
        }
        Ok(files)
    }
}

/// The graphs of all parts that have such a file, classes numbered anew.
fn graphs(parts: &[StudyFolder], file: &str) -> Result<Option<TopologyFile>> {
    let mut joined = TopologyFile::default();
    for part in parts.iter().filter(|p| p.manifest.files.contains_key(file)) {
        let one: TopologyFile =
            serde_json::from_slice(&part.read(file)?).map_err(|e| StudyError::Damaged {
                file: part.root.join(file),
                message: e.to_string(),
            })?;
        joined.networks.extend(one.networks);
    }
    if joined.networks.is_empty() {
        return Ok(None);
    }
    joined.networks.sort_by_key(|n| n.network);
    joined.classify();
    Ok(Some(joined))
}
