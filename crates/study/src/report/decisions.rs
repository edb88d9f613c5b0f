//! Psychometric curves: how often networks decide for the first alternative, by the evidence for it.

use super::data::{PopulationReport, ReportData};
use super::palette::Palette;
use super::scale::Scale;
use super::summary::{finished, range};
use super::svg::{Plot, Svg, line_path};

const SIZE: (f64, f64) = (236.0, 200.0);

/// Curves under "Who learned"; nothing where the task asks for no decision.
pub(super) fn part(data: &ReportData, palette: &Palette) -> String {
    let panels: String = panels(data, palette).iter().map(Svg::inline).collect();
    if panels.is_empty() {
        return String::new();
    }
    format!(
        r#"<h3>What they decide</h3><p class="caption">Psychometric curves on a grid of conditions, or on new trials where the task has none: share of trials in which a network decides for the first alternative, a line per network counted as converged. Dashed: no evidence, and chance.</p><div class="multiples four">{panels}</div>"#
    )
}

/// All panels as one drawing.
pub(super) fn figure(data: &ReportData, palette: &Palette) -> Option<Svg> {
    let panels = panels(data, palette);
    (!panels.is_empty()).then(|| Svg::grid(&panels, 4, "Psychometric curves, a line per network"))
}

fn panels(data: &ReportData, palette: &Palette) -> Vec<Svg> {
    let points = data.populations.iter().flat_map(|p| &p.psychometric);
    let Some(evidence) = range(points.flatten().map(|d| d.evidence)) else {
        return Vec::new();
    };
    let panel = |(p, population): (usize, &PopulationReport)| {
        let [left, top, right, bottom] = Plot::area(SIZE);
        let x = Scale::linear(evidence, (left, right));
        let y = Scale::linear((0.0, 1.0), (bottom, top));
        let mut plot = Plot::new(
            SIZE,
            &population.label,
            (x, "evidence for the first alternative"),
            (y, "share decided for it"),
        );
        let mut marks = String::new();
        if let Some(half) = y.at(0.5) {
            marks += &format!(r#"<path class="rule" d="M{left} {half:.1}H{right}"/>"#);
        }
        if let Some(none) = x.at(0.0).filter(|_| x.holds(0.0)) {
            marks += &format!(r#"<path class="rule" d="M{none:.1} {top}V{bottom}"/>"#);
        }
        marks += &format!(r#"<g class="{}">"#, palette.class(p));
        let counted = population.networks.iter().zip(&population.psychometric);
        for (network, curve) in counted.filter(|(n, _)| finished(population, n)) {
            let path = line_path(curve.iter().map(|d| plot.at(d.evidence, d.first)));
            marks += &format!(
                r#"<path class="curve" data-n="{}" d="{path}"/>"#,
                network.index
            );
        }
        marks += "</g>";
        plot.draw(&marks);
        plot.finish(&format!("Psychometric curves of {}", population.label))
    };
    data.populations.iter().enumerate().map(panel).collect()
}
