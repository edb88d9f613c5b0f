//! Lyapunov exponents: a row and a panel of spectra per population.

use super::super::data::{Dynamics, ReportData, SpectraOf};
use super::super::palette::Palette;
use super::super::scale::Scale;
use super::super::summary::range;
use super::super::svg::{Plot, Svg, line_path};
use super::super::text::escape;
use super::{SIZE, key, label, spread, table};

/// Exponents below this are drawn along the edge: such a direction is gone after a step or two.
const LEAST: f64 = -5.0;

/// Leading exponents, dimensions, and all spectra.
pub(super) fn part(data: &ReportData, palette: &Palette, dynamics: &Dynamics) -> String {
    let Some(first) = dynamics.exponents.first() else {
        return String::new();
    };
    let row = |s: &SpectraOf| {
        let leading = s
            .spectra
            .iter()
            .filter_map(|x| x.exponents.first().copied());
        let positive = s.spectra.iter().filter(|x| {
            let leading = x.exponents.first().copied().unwrap_or(f64::NAN);
            leading > 3.0 * x.standard_error
        });
        let diverged = leading.clone().filter(|x| x.is_nan()).count();
        format!(
            r#"<tr>{}{}<td class="n">{} of {}</td>{}<td class="n">{diverged}</td></tr>"#,
            key(data, palette, s.population),
            spread(leading),
            positive.count(),
            s.spectra.len(),
            spread(s.spectra.iter().map(|x| x.kaplan_yorke))
        )
    };
    let panels: String = panels(data, palette, dynamics)
        .iter()
        .map(Svg::inline)
        .collect();
    format!(
        r#"<h3>Lyapunov exponents</h3><p class="caption">Per step, {}; median and range over networks and constant inputs. Positive: above three standard errors of 20 batches. The Kaplan–Yorke dimension is that of the attractor as the exponents see it, 0 at rest.</p>{}<div class="multiples four">{panels}</div>"#,
        escape(&first.drive),
        table(
            &[
                "leading exponent",
                "positive",
                "Kaplan–Yorke dimension",
                "ran off"
            ],
            &dynamics.exponents.iter().map(row).collect::<String>()
        )
    )
}

/// A panel per population, all on the same axes.
pub(super) fn panels(data: &ReportData, palette: &Palette, dynamics: &Dynamics) -> Vec<Svg> {
    let all = || dynamics.exponents.iter().flat_map(|s| &s.spectra);
    let values = all().flat_map(|s| s.exponents.iter().copied());
    let (low, high) = range(values.map(|x| x.max(LEAST))).unwrap_or((-1.0, 0.0));
    let last = all().map(|s| s.exponents.len()).max().unwrap_or(1).max(2);
    let panel = |of: &SpectraOf| {
        let [left, top, right, bottom] = Plot::area(SIZE);
        let x = Scale::linear((1.0, last as f64), (left, right));
        let y = Scale::linear(
            (low, high.max(0.0) + 0.05 * (high.max(0.0) - low)),
            (bottom, top),
        );
        let mut plot = Plot::new(
            SIZE,
            label(data, of.population),
            (x, "number of the exponent"),
            (y, "Lyapunov exponent (per step)"),
        );
        if let Some(zero) = y.at(0.0) {
            plot.draw(&format!(
                r#"<path class="rule" d="M{left} {zero:.1}H{right}"/>"#
            ));
        }
        let lines: String = of
            .spectra
            .iter()
            .map(|s| {
                let places = s.exponents.iter().enumerate();
                let drawn = |e: f64| if e.is_nan() { e } else { e.max(LEAST) };
                let path = line_path(places.map(|(k, e)| plot.at((k + 1) as f64, drawn(*e))));
                format!(r#"<path class="curve" data-n="{}" d="{path}"/>"#, s.network)
            })
            .collect();
        plot.draw(&format!(
            r#"<g class="{}">{lines}</g>"#,
            palette.class(of.population)
        ));
        plot.finish(&format!(
            "Lyapunov spectra of {}",
            label(data, of.population)
        ))
    };
    dynamics.exponents.iter().map(panel).collect()
}
