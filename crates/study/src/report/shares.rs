//! Basin shares: which part of the driven states ended on which attractor, a panel per population.

use super::data::{Attractor, Census, NetworkReport, PopulationReport, ReportData};
use super::palette::Palette;
use super::scale::Scale;
use super::summary::{censuses, median, range};
use super::svg::{Plot, Svg, text};

const SIZE: (f64, f64) = (470.0, 150.0);
/// Attractors drawn per population; flip-flops of up to four bits fit.
const MAX_COLUMNS: usize = 16;
/// Above this many networks, dots would be a blur: range and median alone are drawn.
const MAX_DOTTED: usize = 128;

/// The panel of one population; `None` where nothing was reached. Labels of attractors are common to all
/// panels, so that columns can be compared.
pub(super) fn panel(data: &ReportData, population: &PopulationReport, colour: &str) -> Option<Svg> {
    let labels = labels(data);
    let (shown, hidden) = labels.split_at(labels.len().min(MAX_COLUMNS));
    if shown.is_empty()
        || population
            .networks
            .iter()
            .all(|n| n.census.as_ref().is_none_or(|c| c.attractors.is_empty()))
    {
        return None;
    }
    let [left, top, right, bottom] = Plot::area(SIZE);
    let highest = all_shares(data).fold(0.0, f64::max).clamp(0.05, 1.0);
    let y = Scale::linear((0.0, highest * 105.0), (bottom, top));
    let x = Scale::linear((0.0, 1.0), (left, right));
    let column = (right - left) / shown.len() as f64;
    let middle = |k: usize| left + column * (k as f64 + 0.5);
    let names: Vec<_> = shown
        .iter()
        .enumerate()
        .map(|(k, label)| (middle(k), label.replace('-', "−")))
        .collect();
    let mut plot = Plot::with_ticks(
        SIZE,
        "",
        (x, "attractor reached (signs of the outputs)"),
        &names,
        (y, "driven states (%)"),
        &y.ticks(4),
    );
    for (k, label) in shown.iter().enumerate() {
        let of_network =
            |n: &NetworkReport| Some((n.index, 100.0 * share(n.census.as_ref()?, label)));
        let shares: Vec<(usize, f64)> = population.networks.iter().filter_map(of_network).collect();
        plot.draw(&format!(
            r#"<g class="{colour}">{}</g>"#,
            marks(&shares, &y, middle(k), column)
        ));
    }
    if !hidden.is_empty() {
        plot.draw(&text(
            "note end",
            right,
            top - 6.0,
            &format!("{} rarer attractors not drawn", hidden.len()),
        ));
    }
    Some(plot.finish(&format!("Basin shares of {}", population.label)))
}

/// All panels as one drawing.
pub(super) fn figure(data: &ReportData, palette: &Palette) -> Svg {
    let titled = |(p, population): (usize, &PopulationReport)| {
        let mut svg = panel(data, population, palette.class(p))?;
        svg.body += &text("title", 48.0, 15.0, &population.label);
        Some(svg)
    };
    let panels: Vec<Svg> = data
        .populations
        .iter()
        .enumerate()
        .filter_map(titled)
        .collect();
    Svg::grid(
        &panels,
        2,
        "Share of driven states that ended on each attractor, by population",
    )
}

fn marks(shares: &[(usize, f64)], y: &Scale, middle: f64, column: f64) -> String {
    let half = (0.3 * column).min(12.0);
    let Some((low, high)) = range(shares.iter().map(|s| s.1)) else {
        return String::new();
    };
    // An attractor that nobody here reached is another population's: its column stays empty.
    if high <= 0.0 {
        return String::new();
    }
    let mut marks = String::new();
    if let (Some(a), Some(b)) = (y.at(low), y.at(high)) {
        let wide = if shares.len() > MAX_DOTTED {
            " wide"
        } else {
            ""
        };
        marks += &format!(r#"<path class="band{wide}" d="M{middle:.1} {a:.1}V{b:.1}"/>"#);
    }
    if shares.len() <= MAX_DOTTED {
        for (k, (index, share)) in shares.iter().enumerate() {
            let aside = half * (2.0 * (k as f64 + 0.5) / shares.len() as f64 - 1.0);
            if let Some(place) = y.at(*share) {
                marks += &format!(
                    r#"<circle class="share" data-n="{index}" cx="{:.1}" cy="{place:.1}" r="2.2"/>"#,
                    middle + aside
                );
            }
        }
    }
    if shares.len() < 3 {
        return marks;
    }
    if let Some(place) = median(shares.iter().map(|s| s.1)).and_then(|m| y.at(m)) {
        marks += &format!(
            r#"<path class="median" d="M{:.1} {place:.1}h{:.1}"/>"#,
            middle - half - 2.0,
            2.0 * half + 4.0
        );
    }
    marks
}

/// Names of all attractors: those most networks share first, then by name.
fn labels(data: &ReportData) -> Vec<String> {
    let mut seen = std::collections::BTreeMap::<&str, f64>::new();
    for attractor in attractors(data) {
        *seen.entry(&attractor.label).or_default() += if attractor.share.is_finite() {
            attractor.share
        } else {
            0.0
        };
    }
    let mut by_share: Vec<_> = seen.into_iter().collect();
    by_share.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(b.0)));
    let (kept, rare) = by_share.split_at(by_share.len().min(MAX_COLUMNS));
    let mut kept: Vec<_> = kept.iter().map(|k| k.0.to_owned()).collect();
    kept.sort_by_key(|label| (!label.starts_with(['+', '-', '0']), label.replace('+', "~")));
    kept.extend(rare.iter().map(|r| r.0.to_owned()));
    kept
}

fn attractors(data: &ReportData) -> impl Iterator<Item = &Attractor> {
    censuses(data).flat_map(|(_, _, c)| &c.attractors)
}

fn all_shares(data: &ReportData) -> impl Iterator<Item = f64> {
    attractors(data).map(|a| a.share).filter(|s| s.is_finite())
}

fn share(census: &Census, label: &str) -> f64 {
    census
        .attractors
        .iter()
        .filter(|a| a.label == label && a.share.is_finite())
        .map(|a| a.share)
        .sum()
}
