//! Linear systems as arrays and tables.

use super::{Description, Row};
use crate::tables::Table;
use chiliad_analysis::slow_set::{SlowSet, Spread};
use chiliad_engine::linearise::time_constant;
use chiliad_engine::population::Architecture;
use chiliad_tasks::NpzArray;

/// A row per point: which it is, all eigenvalues, the vectors of at most so many of the slowest modes, dF/du and dy/dh.
#[must_use]
pub fn arrays(
    architecture: &Architecture,
    modes: usize,
    rows: &[&Row],
) -> Vec<(&'static str, NpzArray)> {
    let n = architecture.cell.states.len() * architecture.units;
    let (channels, outputs) = (architecture.inputs, architecture.outputs);
    let (p, modes) = (rows.len(), modes.min(n));
    let index =
        |f: fn(&Row) -> usize| NpzArray::i64(&[p], rows.iter().map(|r| f(r) as i64).collect());
    let numbers = |shape: &[usize], f: fn(&Row) -> &Vec<f64>| {
        NpzArray::f64(shape, rows.iter().flat_map(|r| f(r)).copied().collect())
    };
    vec![
        ("network", index(|r| r.network)),
        ("condition", index(|r| r.condition)),
        ("point", index(|r| r.point)),
        ("eigenvalues", numbers(&[p, n, 2], |r| &r.eigenvalues)),
        ("right", numbers(&[p, modes, n, 2], |r| &r.right)),
        ("left", numbers(&[p, modes, n, 2], |r| &r.left)),
        (
            "participation",
            numbers(&[p, modes, n], |r| &r.participation),
        ),
        ("input_jacobian", numbers(&[p, n, channels], |r| &r.input)),
        (
            "readout_jacobian",
            numbers(&[p, outputs, n], |r| &r.readout),
        ),
    ]
}

/// `linear_points.parquet`: a row per point, in the order of network, condition and point. `slowest` is the longest time
/// constant of a mode, growing ones included.
#[must_use]
pub fn points(described: &[Vec<Description>]) -> Table {
    let rows: Vec<&Row> = described.iter().flatten().flat_map(|d| &d.rows).collect();
    let moduli = |r: &Row| -> Vec<f64> {
        let pairs = r.eigenvalues.chunks_exact(2);
        pairs.map(|e| e[0].hypot(e[1])).collect()
    };
    let slowest = |r: &&Row| {
        let pairs = r.eigenvalues.chunks_exact(2);
        pairs
            .map(|e| time_constant([e[0], e[1]]))
            .fold(0.0, f64::max)
    };
    let integers =
        |f: &dyn Fn(&Row) -> usize| -> Vec<i64> { rows.iter().map(|r| f(r) as i64).collect() };
    let numbers = |f: &dyn Fn(&Row) -> f64| -> Vec<f64> { rows.iter().map(|r| f(r)).collect() };
    Table::default()
        .integers("network", integers(&|r| r.network))
        .integers("condition", integers(&|r| r.condition))
        .integers("point", integers(&|r| r.point))
        .text("kind", rows.iter().map(|r| r.kind.as_str()))
        .integers(
            "unstable",
            integers(&|r| moduli(r).iter().filter(|m| **m > 1.0).count()),
        )
        .numbers(
            "spectral_radius",
            numbers(&|r| moduli(r).into_iter().fold(0.0, f64::max)),
        )
        .numbers("slowest", rows.iter().map(slowest))
        .integers("slow_modes", integers(&|r| r.slow_modes))
        .numbers("henrici", numbers(&|r| r.non_normality.henrici))
        .numbers(
            "henrici_relative",
            numbers(&|r| r.non_normality.henrici_relative),
        )
        .numbers(
            "eigenvector_condition",
            numbers(&|r| r.non_normality.eigenvector_condition),
        )
        .numbers("one_step_gain", numbers(&|r| r.non_normality.one_step_gain))
        .numbers(
            "numerical_abscissa",
            numbers(&|r| r.non_normality.numerical_abscissa),
        )
        .flags("defective", rows.iter().map(|r| r.defective))
}

/// `slow_sets.parquet`: a row per network and condition with slow states. Drifts are per trial, relative to the extent.
#[must_use]
pub fn slow_sets(described: &[Vec<Description>]) -> Table {
    let rows: Vec<(&Description, &SlowSet)> = described
        .iter()
        .flatten()
        .filter_map(|d| Some((d, d.slow_set.as_ref()?)))
        .collect();
    let integers = |f: &dyn Fn(&Description, &SlowSet) -> usize| -> Vec<i64> {
        rows.iter().map(|(d, s)| f(d, s) as i64).collect()
    };
    let numbers =
        |f: &dyn Fn(&SlowSet) -> f64| -> Vec<f64> { rows.iter().map(|(_, s)| f(s)).collect() };
    let of = |spread: Option<Spread>, f: fn(Spread) -> f64| spread.map_or(f64::NAN, f);
    Table::default()
        .integers("network", integers(&|d, _| d.network))
        .integers("condition", integers(&|d, _| d.condition))
        .text("shape", rows.iter().map(|(_, s)| s.shape.as_str()))
        .integers("states", integers(&|_, s| s.states))
        .integers("landmarks", integers(&|_, s| s.landmarks))
        .numbers("extent", numbers(&|s| s.extent))
        .numbers("diameter", numbers(&|s| s.diameter))
        .numbers("dimension_linear", numbers(&|s| s.dimension_linear))
        .numbers(
            "dimension_local",
            numbers(&|s| s.dimension_local.unwrap_or(f64::NAN)),
        )
        .integers("betti_0", integers(&|_, s| s.betti_0))
        .integers("betti_1", integers(&|_, s| s.betti_1))
        .numbers("drift_median", numbers(&|s| of(s.drift, |d| d.median)))
        .numbers("drift_max", numbers(&|s| of(s.drift, |d| d.max)))
        .numbers(
            "drift_along_median",
            numbers(&|s| of(s.drift_along, |d| d.median)),
        )
        .numbers(
            "drift_across_median",
            numbers(&|s| of(s.drift_across, |d| d.median)),
        )
}
