//! Snapshots of all parts.

use super::join::join;
use crate::error::Result;
use crate::manifest::StudyFolder;
use crate::results::{SnapshotRow, snapshots_table};
use crate::study::{Origin, PopulationPlan};
use crate::tables::Table;
use chiliad_engine::files::own;

/// `snapshots/<loss>.safetensors` and `snapshots.parquet` of all parts; the files written.
pub(super) fn snapshots(
    parts: &[StudyFolder],
    whole: &mut StudyFolder,
    plan: &PopulationPlan,
) -> Result<Vec<String>> {
    let Origin::Train(train) = &plan.origin else {
        return Ok(Vec::new());
    };
    let path = |file: &str| format!("populations/{}/{file}", plan.label);
    let table = path("snapshots.parquet");
    let holders: Vec<(&StudyFolder, Table)> = parts
        .iter()
        .filter(|p| p.manifest.files.contains_key(&table))
        .map(|p| {
            let rows = Table::from_bytes(p.read(&table)?, &p.root.join(&table))?;
            Ok((p, rows))
        })
        .collect::<Result<_>>()?;
    let (mut files, mut rows) = (Vec::new(), Vec::new());
    for loss in &train.snapshots {
        let file = path(&format!("snapshots/{loss}.safetensors"));
        let (mut held, mut tables) = (Vec::new(), Vec::new());
        for (part, table) in &holders {
            let at_loss = Snapshots::of(table, *loss);
            if !at_loss.network.is_empty() {
                held.push(*part);
                tables.push(Table::default().integers("network", at_loss.network.iter().copied()));
                rows.extend(at_loss.rows(*loss));
            }
        }
        if held.is_empty() {
            continue;
        }
        whole.write(&file, &own::to_bytes(&join(&held, &tables, &file)?)?)?;
        files.push(file);
    }
    if !files.is_empty() {
        // Rows of a loss by network, as one run has them.
        let place = |loss: f64| train.snapshots.iter().position(|l| *l == loss);
        rows.sort_by_key(|r: &SnapshotRow| (place(r.at_loss), r.network));
        let mut last = None;
        let mut row = 0;
        for r in &mut rows {
            row = if last == Some(r.at_loss) { row + 1 } else { 0 };
            (last, r.row) = (Some(r.at_loss), row);
        }
        whole.write(&table, &snapshots_table(&rows)?)?;
        files.push(table);
    }
    Ok(files)
}

/// Rows of `snapshots.parquet` at one loss.
struct Snapshots {
    network: Vec<i64>,
    step: Vec<i64>,
    loss: Vec<f64>,
}

impl Snapshots {
    fn of(table: &Table, at_loss: f64) -> Self {
        let chosen: Vec<usize> = table
            .number("at_loss")
            .iter()
            .enumerate()
            .filter(|(_, l)| **l == at_loss)
            .map(|(i, _)| i)
            .collect();
        Self {
            network: chosen
                .iter()
                .map(|&i| table.integer("network")[i])
                .collect(),
            step: chosen.iter().map(|&i| table.integer("step")[i]).collect(),
            loss: chosen.iter().map(|&i| table.number("loss")[i]).collect(),
        }
    }

    fn rows(&self, at_loss: f64) -> impl Iterator<Item = SnapshotRow> {
        (0..self.network.len()).map(move |i| SnapshotRow {
            network: self.network[i],
            at_loss,
            row: 0,
            step: self.step[i],
            loss: self.loss[i],
        })
    }
}
