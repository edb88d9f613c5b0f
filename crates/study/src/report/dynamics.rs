//! How they move: attractors of every kind, Lyapunov exponents, time constants and slow sets, a row per population.

mod attractors;
mod exponents;
mod linear;

use super::data::ReportData;
use super::palette::Palette;
use super::summary::{median, range};
use super::svg::Svg;
use super::text::{escape, number};

/// Of a panel.
const SIZE: (f64, f64) = (236.0, 200.0);

/// Nothing where none of the three was measured.
pub(super) fn section(data: &ReportData, palette: &Palette) -> String {
    let Some(dynamics) = &data.dynamics else {
        return String::new();
    };
    let parts = [
        attractors::part(data, palette, dynamics),
        exponents::part(data, palette, dynamics),
        linear::part(data, palette, dynamics),
    ];
    format!(
        r#"<section id="dynamics"><h2>How they move</h2>{}</section>"#,
        parts.concat()
    )
}

/// The drawings: spectra of every population, and drift against dimension of slow sets.
pub(super) fn figures(data: &ReportData, palette: &Palette) -> Vec<(String, Svg)> {
    let Some(dynamics) = &data.dynamics else {
        return Vec::new();
    };
    let spectra = exponents::panels(data, palette, dynamics);
    let sets = linear::panels(data, palette, dynamics);
    let named = [
        (
            "lyapunov_spectra",
            spectra,
            "Lyapunov spectra, a line per network and constant input",
        ),
        (
            "slow_sets",
            sets,
            "Drift in a trial against dimension, a dot per slow set",
        ),
    ];
    named
        .into_iter()
        .filter(|(_, panels, _)| !panels.is_empty())
        .map(|(name, panels, label)| (name.to_owned(), Svg::grid(&panels, 4, label)))
        .collect()
}

fn label(data: &ReportData, population: usize) -> &str {
    data.populations
        .get(population)
        .map_or("", |p| p.label.as_str())
}

/// The first cell of a row.
fn key(data: &ReportData, palette: &Palette, population: usize) -> String {
    format!(
        r#"<td class="keep"><i class="key {}"></i>{}</td>"#,
        palette.class(population),
        escape(label(data, population))
    )
}

fn table(heads: &[&str], rows: &str) -> String {
    let heads: String = heads
        .iter()
        .map(|h| format!(r#"<th class="n">{h}</th>"#))
        .collect();
    format!(
        r#"<div class="scroll"><table><thead><tr><th>population</th>{heads}</tr></thead><tbody>{rows}</tbody></table></div>"#
    )
}

/// Median and range of what is finite.
fn spread(values: impl Iterator<Item = f64> + Clone) -> String {
    match (median(values.clone()), range(values)) {
        (Some(middle), Some((low, high))) if low < high => format!(
            r#"<td class="n">{} <small>{} to {}</small></td>"#,
            number(middle),
            number(low),
            number(high)
        ),
        (Some(only), _) => format!(r#"<td class="n">{}</td>"#, number(only)),
        _ => r#"<td class="n">–</td>"#.to_owned(),
    }
}
