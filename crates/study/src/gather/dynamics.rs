//! Attractors, exponents and slow sets of the whole study, from their tables.

use super::read_table;
use crate::dynamics::{FiguresFile, Rhythm};
use crate::error::{Result, StudyError};
use crate::manifest::StudyFolder;
use crate::report::data::{
    AttractorKind, AttractorKinds, Dynamics, LinearOf, LinearPoint, SlowSetOf, SpectraOf, Spectrum,
};
use crate::spec::DriveSpec;
use crate::study::{PopulationPlan, Study};
use crate::tables::Table;
use std::collections::{BTreeMap, BTreeSet};

/// None where the study measures none of them.
pub(super) fn dynamics(folder: &StudyFolder, study: &Study) -> Result<Option<Dynamics>> {
    let how = &study.dynamics;
    if how.is_empty() {
        return Ok(None);
    }
    let mut found = Dynamics::default();
    let mut first = 0;
    for (population, plan) in study.populations.iter().enumerate() {
        if let Some(attractors) = &how.attractors {
            let asked = [attractors.driven, attractors.uniform];
            let kinds = kinds(folder, plan, population, asked)?;
            found.attractors.push(kinds);
        }
        if let Some(lyapunov) = &how.lyapunov {
            let drive = match lyapunov.drive {
                DriveSpec::Constant => "constant input".to_owned(),
                DriveSpec::Trials(n) => format!("along {n} trials"),
            };
            let spectra = spectra(&read_table(folder, plan, "lyapunov.parquet")?, first);
            found.exponents.push(SpectraOf {
                population,
                drive,
                spectra,
            });
        }
        if how.linearise.is_some() {
            found.linear.push(LinearOf {
                population,
                points: points(&read_table(folder, plan, "linear_points.parquet")?),
                sets: sets(&read_table(folder, plan, "slow_sets.parquet")?, first),
            });
        }
        first += plan.networks.len();
    }
    Ok(Some(found))
}

fn place(x: i64) -> usize {
    usize::try_from(x).unwrap_or(0)
}

fn kinds(
    folder: &StudyFolder,
    plan: &PopulationPlan,
    population: usize,
    asked: [usize; 2],
) -> Result<AttractorKinds> {
    let table = read_table(folder, plan, "attractors.parquet")?;
    let (network, condition) = (table.integer("network"), table.integer("condition"));
    let states = [table.integer("driven"), table.integer("uniform")];
    let mut kinds: BTreeMap<&str, (AttractorKind, BTreeSet<i64>)> = BTreeMap::new();
    for (row, kind) in table.words("kind").iter().enumerate() {
        let (of_kind, networks) = kinds.entry(kind).or_default();
        of_kind.kind.clone_from(kind);
        of_kind.attractors += 1;
        for (total, column) in of_kind.states.iter_mut().zip(states) {
            *total += place(column[row]);
        }
        networks.insert(network[row]);
    }
    let mut kinds: Vec<AttractorKind> = kinds
        .into_values()
        .map(|(kind, networks)| AttractorKind {
            networks: networks.len(),
            ..kind
        })
        .collect();
    kinds.sort_by(|a, b| b.states.cmp(&a.states).then_with(|| a.kind.cmp(&b.kind)));
    let runs: BTreeSet<(i64, i64)> = network
        .iter()
        .copied()
        .zip(condition.iter().copied())
        .collect();
    let rhythms = rhythms(folder, plan)?;
    let counts = |f: fn(&Rhythm) -> usize| rhythms.iter().map(f).sum::<usize>();
    Ok(AttractorKinds {
        population,
        networks: plan.networks.len(),
        conditions: runs.iter().map(|r| r.1).collect::<BTreeSet<i64>>().len(),
        states: asked.map(|n| n * runs.len()),
        kinds,
        circles: (!rhythms.is_empty()).then(|| {
            [
                counts(|r| r.one_circle_around_one_point),
                counts(|r| r.conditions),
            ]
        }),
        slopes: rhythms
            .iter()
            .filter_map(|r| Some([r.rotation?.slope, r.leading_angle?.slope]))
            .collect(),
    })
}

/// Rhythms of the networks whose inputs are a command.
fn rhythms(folder: &StudyFolder, plan: &PopulationPlan) -> Result<Vec<Rhythm>> {
    let path = format!("populations/{}/attractors.json", plan.label);
    let damaged = |message: String| StudyError::Damaged {
        file: folder.root.join(&path),
        message,
    };
    let file: FiguresFile =
        serde_json::from_slice(&folder.read(&path)?).map_err(|e| damaged(e.to_string()))?;
    let rhythm = |network: &serde_json::Value| Some(network.get("rhythm")?.clone());
    file.networks
        .iter()
        .filter_map(rhythm)
        .map(|r| serde_json::from_value(r).map_err(|e| damaged(e.to_string())))
        .collect()
}

fn spectra(table: &Table, first: usize) -> Vec<Spectrum> {
    let exponents: Vec<&[f64]> = (0..)
        .map(|k| table.number(&format!("exponent_{k}")))
        .take_while(|column| !column.is_empty())
        .collect();
    let rows = table.integer("network").iter().enumerate();
    rows.map(|(row, network)| Spectrum {
        network: first + place(*network),
        exponents: exponents.iter().map(|column| column[row]).collect(),
        standard_error: table.number("standard_error_0")[row],
        kaplan_yorke: table.number("kaplan_yorke")[row],
    })
    .collect()
}

fn points(table: &Table) -> Vec<LinearPoint> {
    let rows = table.integer("unstable").iter().enumerate();
    rows.map(|(row, unstable)| LinearPoint {
        unstable: place(*unstable),
        slowest: table.number("slowest")[row],
        henrici: table.number("henrici_relative")[row],
        gain: table.number("one_step_gain")[row],
    })
    .collect()
}

fn sets(table: &Table, first: usize) -> Vec<SlowSetOf> {
    let rows = table.integer("network").iter().enumerate();
    rows.map(|(row, network)| SlowSetOf {
        network: first + place(*network),
        condition: place(table.integer("condition")[row]),
        shape: table.words("shape")[row].clone(),
        dimension: table.number("dimension_local")[row],
        dimension_linear: table.number("dimension_linear")[row],
        drift: table.number("drift_median")[row],
    })
    .collect()
}
