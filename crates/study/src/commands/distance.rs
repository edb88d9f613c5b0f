//! `distance`: how far apart two networks' solutions are, from plain files, or all pairs across folders.

mod inputs;
mod metric;
mod options;

use super::{answer, refuse};
use crate::terminal::Progress;
use chiliad::folder;
use chiliad::run::Events;
use chiliad_analysis::distances::{DistanceError, Measure, Pairs, all_pairs, pair};
use chiliad_analysis::statistics::{
    DistanceMatrix, bootstrap, mean_of_pairs, neighbours, permanova, silhouette,
};
use chiliad_tasks::{NpzArray, write_npy};
pub(super) use options::DistanceArguments;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;

pub(super) fn distance(a: &DistanceArguments, json: bool) -> anyhow::Result<()> {
    a.check()?;
    metric::perform(a, json)
}

/// A network among those compared.
#[derive(Clone, Debug, serde::Serialize)]
struct Label {
    /// File, or folder.
    population: String,
    /// Place in the population; none for a file.
    network: Option<usize>,
    /// Units that never changed on these samples, where states are compared.
    #[serde(skip_serializing_if = "Option::is_none")]
    silent_units: Option<usize>,
}

/// Networks made ready for one measure, in order.
type Named<T> = (Vec<Label>, Vec<T>);

/// With `--out` all pairs, else the one pair there is.
fn compare<M: Measure>(
    a: &DistanceArguments,
    json: bool,
    measure: &M,
    (labels, networks): Named<M::Input>,
) -> anyhow::Result<()> {
    if let Some(out) = &a.out {
        return matrix(a, json, measure, &labels, &networks, out);
    }
    let [one, other] = &networks[..] else {
        return refuse(format!(
            "{} networks; allowed: two, or --out F.npy for all pairs",
            networks.len()
        ));
    };
    let found = serde_json::to_value(pair(measure, one, other)?)?;
    let mut value = json!({"metric": a.metric, "between": labels});
    merge(&mut value, found);
    // The figures are the answer, for people too.
    answer(json, &value, &serde_json::to_string_pretty(&value)?);
    Ok(())
}

fn matrix<M: Measure>(
    a: &DistanceArguments,
    json: bool,
    measure: &M,
    labels: &[Label],
    networks: &[M::Input],
    out: &Path,
) -> anyhow::Result<()> {
    let n = networks.len();
    if n < 2 {
        return refuse(format!("{n} network; allowed: 2 or more for all pairs"));
    }
    let work = Pairs::of(n);
    let mut progress = Progress::new(json);
    progress.note(&format!(
        "{n} networks, {} pairs: {} MiB for the matrix, besides one prepared copy of each network's states or weights",
        work.pairs,
        work.bytes.div_ceil(1 << 20)
    ));
    progress.begin("distances", &a.metric.to_string());
    let distances = all_pairs(measure, networks, &mut |done| {
        let share = done as f64 / work.pairs as f64;
        progress.progress(share, &format!("{done}/{}", work.pairs));
    })?;
    progress.end();
    let value = json!({
        "metric": a.metric,
        "options": a.options(),
        "networks": labels,
        "pairs": work.pairs,
        "bytes": work.bytes,
        "degenerate": distances.degenerate(),
        "mean": bootstrap(&distances, a.samples, a.seed, &mean_of_pairs)?,
        "populations": between_populations(a, labels, &distances)?,
    });
    let mut text = serde_json::to_vec_pretty(&value)?;
    text.push(b'\n');
    write_npy(out, &NpzArray::f64(&[n, n], distances.values().to_vec()))?;
    folder::write(&out.with_extension("json"), &text)?;
    let words = format!(
        "{} pairs in {}, labels and statistics in {}",
        work.pairs,
        out.display(),
        out.with_extension("json").display()
    );
    answer(json, &value, &words);
    Ok(())
}

/// Whether the distances tell populations apart; nothing for one population, or for networks that are each their own.
fn between_populations(
    a: &DistanceArguments,
    labels: &[Label],
    distances: &DistanceMatrix,
) -> Result<Option<Value>, DistanceError> {
    let mut numbers: BTreeMap<&str, usize> = BTreeMap::new();
    let classes: Vec<usize> = labels
        .iter()
        .map(|l| {
            let next = numbers.len();
            *numbers.entry(&l.population).or_insert(next)
        })
        .collect();
    if numbers.len() < 2 || numbers.len() == labels.len() || distances.degenerate().is_some() {
        return Ok(None);
    }
    let networks = |of: &str| labels.iter().filter(|l| l.population == of).count();
    let lone = numbers.keys().find(|name| networks(name) == 1);
    let told = match lone {
        None => json!(neighbours(
            distances,
            &classes,
            a.neighbours,
            a.permutations,
            a.seed
        )?),
        Some(name) => json!({"undecided": format!(
            "{name} has a single network, and none of its own is left to name it by"
        )}),
    };
    Ok(Some(json!({
        "names": numbers.keys().collect::<Vec<_>>(),
        "neighbours": told,
        "silhouette": silhouette(distances, &classes)?,
        "permanova": permanova(distances, &classes, a.permutations, a.seed)?,
    })))
}

fn merge(into: &mut Value, more: Value) {
    if let (Value::Object(into), Value::Object(more)) = (into, more) {
        into.extend(more);
    }
}
