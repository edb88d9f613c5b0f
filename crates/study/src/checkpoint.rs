//! Training half done, in one npz file that appears whole or not at all.

use crate::error::{Result, StudyError};
use chiliad_engine::executor::OptimiserState;
use chiliad_engine::train::{Outcome, Snapshot, Trained};
use chiliad_tasks::{NpzArray, NpzData, read_npz, write_npz};
use std::collections::BTreeMap;
use std::path::Path;

/// Outcomes in the order of their codes in the file.
const OUTCOMES: [Outcome; 6] = [
    Outcome::Running,
    Outcome::Converged,
    Outcome::BudgetSpent,
    Outcome::Diverged,
    Outcome::DivergedOnEvaluation,
    Outcome::FailedCanary,
];

/// Writes a checkpoint.
///
/// # Errors
///
/// Those of [`write_npz`].
pub fn save(trained: &Trained, path: &Path) -> Result<()> {
    let n = trained.outcomes.len();
    let p = trained.best_params.len() / n.max(1);
    let s = &trained.optimiser;
    let long = |values: Vec<i64>| NpzArray::i64(&[values.len()], values);
    let float = |values: Vec<f32>| NpzArray::f32(&[values.len()], values);
    let matrix = |values: &[f32]| NpzArray::f32(&[n, p], values.to_vec());
    let curve = || {
        trained
            .curves
            .iter()
            .enumerate()
            .flat_map(|(n, c)| c.iter().map(move |point| (n, point.0, point.1)))
    };
    let snapshots = &trained.snapshots;
    let arrays = [
        ("step", long(vec![s.step as i64])),
        ("params", matrix(&s.params)),
        ("first", matrix(&s.first)),
        ("second", matrix(&s.second)),
        (
            "active",
            long(s.active.iter().map(|a| i64::from(*a)).collect()),
        ),
        (
            "diverged_at",
            long(
                s.diverged_at
                    .iter()
                    .map(|d| d.map_or(-1, |d| d as i64))
                    .collect(),
            ),
        ),
        ("alpha", float(s.alpha.clone())),
        (
            "outcome",
            long(
                trained
                    .outcomes
                    .iter()
                    .map(|o| OUTCOMES.iter().position(|k| k == o).unwrap_or(0) as i64)
                    .collect(),
            ),
        ),
        (
            "steps",
            long(trained.steps.iter().map(|s| *s as i64).collect()),
        ),
        ("best_params", matrix(&trained.best_params)),
        ("best_loss", float(trained.best_loss.clone())),
        (
            "best_step",
            long(trained.best_step.iter().map(|s| *s as i64).collect()),
        ),
        ("curve_network", long(curve().map(|c| c.0 as i64).collect())),
        ("curve_step", long(curve().map(|c| c.1 as i64).collect())),
        ("curve_loss", float(curve().map(|c| c.2).collect())),
        (
            "accuracy",
            float(trained.accuracy.iter().flatten().copied().collect()),
        ),
        (
            "snapshot_network",
            long(snapshots.iter().map(|s| s.network as i64).collect()),
        ),
        (
            "snapshot_at_loss",
            float(snapshots.iter().map(|s| s.at_loss).collect()),
        ),
        (
            "snapshot_step",
            long(snapshots.iter().map(|s| s.step as i64).collect()),
        ),
        (
            "snapshot_loss",
            float(snapshots.iter().map(|s| s.loss).collect()),
        ),
        (
            "snapshot_params",
            NpzArray::f32(
                &[snapshots.len(), p],
                snapshots.iter().flat_map(|s| &s.params).copied().collect(),
            ),
        ),
    ];
    Ok(write_npz(path, &arrays)?)
}

/// Reads a checkpoint of `n` networks with `p` parameters.
///
/// # Errors
///
/// [`StudyError::Damaged`], and those of [`read_npz`].
pub fn load(path: &Path, n: usize, p: usize) -> Result<Trained> {
    let file = Arrays {
        path,
        arrays: read_npz(path)?,
    };
    let outcome = |code: i64| {
        usize::try_from(code)
            .ok()
            .and_then(|c| OUTCOMES.get(c).copied())
            .ok_or_else(|| file.damaged(format!("outcome {code} is none")))
    };
    let steps = |name: &str, len: usize| -> Result<Vec<u64>> {
        Ok(file
            .long(name, Some(len))?
            .into_iter()
            .map(|s| s as u64)
            .collect())
    };
    let mut curves = vec![Vec::new(); n];
    let curve_network = file.long("curve_network", None)?;
    let (curve_step, curve_loss) = (
        steps("curve_step", curve_network.len())?,
        file.float("curve_loss", curve_network.len())?,
    );
    for (i, network) in curve_network.iter().enumerate() {
        let curve: &mut Vec<(u64, f32)> = curves
            .get_mut(*network as usize)
            .ok_or_else(|| file.damaged(format!("network {network} is none of {n}")))?;
        curve.push((curve_step[i], curve_loss[i]));
    }
    // One entry per point of a curve, or none at all.
    let held = file.get("accuracy", None)?.to_f32();
    let mut rest = held.as_slice();
    let mut accuracy = Vec::new();
    if !held.is_empty() {
        for curve in &curves {
            let (own, others) = rest
                .split_at_checked(curve.len())
                .ok_or_else(|| file.damaged("array `accuracy` is too short".into()))?;
            accuracy.push(own.to_vec());
            rest = others;
        }
    }
    let taken = file.long("snapshot_network", None)?;
    let (at_loss, at_step) = (
        file.float("snapshot_at_loss", taken.len())?,
        steps("snapshot_step", taken.len())?,
    );
    let (loss, params) = (
        file.float("snapshot_loss", taken.len())?,
        file.float("snapshot_params", taken.len() * p)?,
    );
    let snapshot = |(i, network): (usize, &i64)| Snapshot {
        network: *network as usize,
        at_loss: at_loss[i],
        step: at_step[i],
        loss: loss[i],
        params: params[i * p..][..p].to_vec(),
    };
    Ok(Trained {
        optimiser: OptimiserState {
            step: steps("step", 1)?[0],
            params: file.float("params", n * p)?,
            first: file.float("first", n * p)?,
            second: file.float("second", n * p)?,
            active: file
                .long("active", Some(n))?
                .iter()
                .map(|a| *a != 0)
                .collect(),
            diverged_at: file
                .long("diverged_at", Some(n))?
                .iter()
                .map(|d| u64::try_from(*d).ok())
                .collect(),
            alpha: file.get("alpha", None)?.to_f32(),
        },
        outcomes: file
            .long("outcome", Some(n))?
            .into_iter()
            .map(outcome)
            .collect::<Result<_>>()?,
        steps: steps("steps", n)?,
        best_params: file.float("best_params", n * p)?,
        best_loss: file.float("best_loss", n)?,
        best_step: steps("best_step", n)?,
        curves,
        accuracy,
        snapshots: taken.iter().enumerate().map(snapshot).collect(),
    })
}

struct Arrays<'a> {
    path: &'a Path,
    arrays: BTreeMap<String, NpzArray>,
}

impl Arrays<'_> {
    fn damaged(&self, message: String) -> StudyError {
        StudyError::Damaged {
            file: self.path.to_owned(),
            message,
        }
    }

    fn get(&self, name: &str, len: Option<usize>) -> Result<&NpzArray> {
        match self.arrays.get(name) {
            Some(a) if len.is_none_or(|l| a.shape.iter().product::<usize>() == l) => Ok(a),
            _ => Err(self.damaged(format!("array `{name}` is missing or of the wrong size"))),
        }
    }

    fn float(&self, name: &str, len: usize) -> Result<Vec<f32>> {
        self.get(name, Some(len)).map(NpzArray::to_f32)
    }

    fn long(&self, name: &str, len: Option<usize>) -> Result<Vec<i64>> {
        match &self.get(name, len)?.data {
            NpzData::I64(values) => Ok(values.clone()),
            _ => Err(self.damaged(format!("array `{name}` is not of int64"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checkpoint_comes_back() {
        let trained = Trained {
            optimiser: OptimiserState {
                step: 50,
                params: vec![1.0, 2.0, 3.0, f32::NAN],
                first: vec![0.0; 4],
                second: vec![0.5; 4],
                active: vec![true, false],
                diverged_at: vec![None, Some(7)],
                alpha: vec![0.5, 1.0],
            },
            outcomes: vec![Outcome::Running, Outcome::Diverged],
            steps: vec![50, 7],
            best_params: vec![1.0; 4],
            best_loss: vec![0.1, f32::INFINITY],
            best_step: vec![25, 0],
            curves: vec![vec![(0, 1.0), (25, 0.1)], vec![(0, 1.0)]],
            accuracy: vec![vec![0.5, 0.75], vec![0.25]],
            snapshots: vec![Snapshot {
                network: 0,
                at_loss: 0.5,
                step: 25,
                loss: 0.1,
                params: vec![9.0, 8.0],
            }],
        };
        let path =
            std::env::temp_dir().join(format!("chiliad-checkpoint-{}.npz", std::process::id()));
        save(&trained, &path).unwrap();
        let back = load(&path, 2, 2).unwrap();
        assert_eq!(format!("{back:?}"), format!("{trained:?}"));
        assert!(load(&path, 3, 2).is_err());
        std::fs::remove_file(&path).unwrap();
    }
}
