//! The closing table of a run, and one network in numbers.

use super::{answer, refuse};
use crate::terminal::say;
use chiliad::gather::read_census;
use chiliad::manifest::StudyFolder;
use chiliad::population_folder;
use chiliad::report::data::{Census, Certificate};
use chiliad::report::median;
use chiliad::results::{NetworkResult, Outcome, results_of};
use chiliad::tables::Table;
use serde_json::json;
use std::path::Path;

/// A row per population, and where the report is.
pub(super) fn study(folder: &StudyFolder, json: bool) -> anyhow::Result<()> {
    let study = folder.study()?;
    let (mut rows, mut lines) = (Vec::new(), Vec::new());
    let expected = study
        .populations
        .first()
        .and_then(|p| chiliad::points::expected(&study.task.name, p.outputs));
    let labels = study.populations.iter().map(|p| p.label.len());
    let width = labels.max().unwrap_or(0).max(26);
    let attractors = expected.map_or("as expected".to_owned(), |n| format!("exactly {n}"));
    lines.push(format!(
        "{:width$} {:>9} {:>6} {:>9} {:>12}  {:30} certificate",
        "", "converged", "steps", "loss", attractors, "points with 0, 1, 2, 3, 4+ unstable"
    ));
    for plan in &study.populations {
        let path = format!("populations/{}/networks.parquet", plan.label);
        let results = results_of(&Table::from_bytes(
            folder.read(&path)?,
            &folder.root.join(&path),
        )?);
        let n = results.len();
        let converged = results
            .iter()
            .filter(|r| r.1.outcome == Outcome::Converged)
            .count();
        let elsewhere = results
            .first()
            .map(|r| r.1.outcome)
            .filter(|o| matches!(o, Outcome::Imported | Outcome::Untrained));
        let trained = elsewhere.map_or(format!("{converged}/{n}"), |o| o.name().to_owned());
        // Of the networks that converged, as in the report; of all where none was trained here, or none converged.
        let counted =
            |r: &&(usize, NetworkResult)| converged == 0 || r.1.outcome == Outcome::Converged;
        let of = |value: fn(&NetworkResult) -> f64| {
            median(results.iter().filter(counted).map(|r| value(&r.1))).unwrap_or(f64::NAN)
        };
        let steps = of(|r| r.steps as f64);
        let loss = of(|r| f64::from(r.best_loss));
        let census: Vec<Census> = read_census(folder, plan)?
            .networks
            .into_iter()
            .filter_map(|n| Some(n.conditions.into_iter().next()?.census))
            .collect();
        let complete = census.iter().filter(|c| c.complete == Some(true)).count();
        let judged = if census.iter().any(|c| c.complete.is_some()) {
            format!("{complete} of {}", census.len())
        } else {
            "-".into()
        };
        let points: Vec<String> = (0..5)
            .map(|k| spread(&census.iter().map(|c| c.counts[k]).collect::<Vec<_>>()))
            .collect();
        let verdicts: Vec<(&str, usize)> = Certificate::ALL
            .into_iter()
            .map(|v| {
                (
                    v.words(),
                    census.iter().filter(|c| c.certificate == v).count(),
                )
            })
            .filter(|v| v.1 > 0)
            .collect();
        let words: Vec<String> = verdicts.iter().map(|(v, k)| format!("{v} {k}")).collect();
        lines.push(format!(
            "{:width$} {:>9} {steps:>6} {loss:>9.2e} {:>12}  {:30} {}",
            plan.label,
            trained,
            judged,
            points.join("  "),
            words.join(", ")
        ));
        rows.push(json!({"label": plan.label, "networks": n, "converged": converged, "not_trained": elsewhere.map(Outcome::name), "median_steps": steps, "median_loss": loss, "complete": complete, "searched": census.len(), "points": points,
            "certificate": verdicts.iter().map(|(v, k)| ((*v).to_owned(), json!(k))).collect::<serde_json::Map<_, _>>()}));
    }
    let report = folder.root.join("report.html");
    lines.push(if report.exists() {
        format!(
            "{:.0} s in all; report: {}",
            folder.seconds(),
            report.display()
        )
    } else {
        format!(
            "{:.0} s in all; `chiliad merge` makes the report of all parts",
            folder.seconds()
        )
    });
    answer(
        json,
        &json!({"out": folder.root.display().to_string(), "device": folder.manifest.device, "seconds": folder.seconds(), "populations": rows, "report": report.exists().then(|| report.display().to_string())}),
        &lines.join("\n"),
    );
    Ok(())
}

/// The median, and the range where there is one.
fn spread(values: &[usize]) -> String {
    match (values.iter().min(), values.iter().max()) {
        (Some(low), Some(high)) if low == high => low.to_string(),
        (Some(low), Some(high)) => {
            let middle = median(values.iter().map(|v| *v as f64)).unwrap_or(f64::NAN);
            format!("{middle} ({low}-{high})")
        }
        _ => "-".into(),
    }
}

/// Everything about one network.
pub(super) fn inspect(
    dir: &Path,
    label: Option<&str>,
    network: usize,
    json: bool,
) -> anyhow::Result<()> {
    let found = population_folder::open(dir, label)?;
    let table = |name: &str| -> anyhow::Result<Option<Table>> {
        let file = found.folder.join(name);
        Ok(if file.exists() {
            Some(Table::from_bytes(std::fs::read(&file)?, &file)?)
        } else {
            None
        })
    };
    let networks = table("networks.parquet")?;
    let place = match &networks {
        Some(t) => t
            .integer("network")
            .iter()
            .position(|n| *n == network as i64),
        None => (network < found.population.n_networks).then_some(network),
    };
    let Some(place) = place else {
        return refuse(format!(
            "--network {network}: `{}` has {} networks, from 0",
            found.label, found.population.n_networks
        ));
    };
    let layout = &found.population.layout;
    let tensors: Vec<serde_json::Value> = layout
        .tensors
        .iter()
        .map(|t| {
            let values = &found.population.network(place)[t.range()];
            let norm = values
                .iter()
                .map(|x| f64::from(*x).powi(2))
                .sum::<f64>()
                .sqrt();
            json!({"name": t.name, "shape": t.shape, "norm": norm})
        })
        .collect();
    let result = networks
        .as_ref()
        .and_then(|t| results_of(t).into_iter().nth(place))
        .map(|r| r.1);
    let curve: Vec<(i64, f64)> = table("curves.parquet")?.map_or_else(Vec::new, |t| {
        let steps = t.integer("step").iter().zip(t.number("loss"));
        t.integer("network")
            .iter()
            .zip(steps)
            .filter(|(n, _)| **n == network as i64)
            .map(|(_, (s, l))| (*s, *l))
            .collect()
    });
    let census = std::fs::read(found.folder.join("census.json"))
        .ok()
        .and_then(|b| serde_json::from_slice::<chiliad::points::CensusFile>(&b).ok());
    let census = census.and_then(|c| c.networks.into_iter().find(|n| n.network == network));
    let value = json!({"population": found.label, "network": network, "cell": found.population.architecture.cell.name, "activation": found.population.architecture.cell.activation.name,
        "units": found.population.architecture.units, "seeds": found.population.seeds[place], "constants": found.population.network_constants(place), "training": result, "curve": curve, "census": census, "tensors": tensors});
    say(&if json {
        value.to_string()
    } else {
        serde_json::to_string_pretty(&value)?
    });
    Ok(())
}
