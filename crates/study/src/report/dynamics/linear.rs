//! Linear systems at the points and the slow sets they form: a row of each per population, and drift against dimension.

use super::super::data::{Dynamics, LinearOf, LinearPoint, ReportData, SlowSetOf};
use super::super::palette::Palette;
use super::super::scale::Scale;
use super::super::svg::{Plot, Svg};
use super::super::text::escape;
use super::{SIZE, key, label, spread, table};
use std::collections::BTreeMap;

/// Drawn drifts, of the extent: what moves less stays for a thousand trials, what moves more is no slow set.
const DRIFTS: (f64, f64) = (1e-3, 10.0);

/// Time constants, departure from normality, shapes, dimensions and drifts.
pub(super) fn part(data: &ReportData, palette: &Palette, dynamics: &Dynamics) -> String {
    if dynamics.linear.is_empty() {
        return String::new();
    }
    let points = |l: &LinearOf| {
        let stable = |wanted: bool| {
            let chosen = l.points.iter().filter(move |p| (p.unstable == 0) == wanted);
            chosen.map(|p| p.slowest)
        };
        let of = |f: fn(&LinearPoint) -> f64| spread(l.points.iter().map(f));
        format!(
            r#"<tr>{}<td class="n">{}</td>{}{}{}{}</tr>"#,
            key(data, palette, l.population),
            l.points.len(),
            spread(stable(true)),
            spread(stable(false)),
            of(|p| p.henrici),
            of(|p| p.gain)
        )
    };
    let sets = |l: &LinearOf| {
        let mut shapes: BTreeMap<&str, usize> = BTreeMap::new();
        for set in &l.sets {
            *shapes.entry(set.shape.as_str()).or_default() += 1;
        }
        let shapes: Vec<String> = shapes.iter().map(|(s, n)| format!("{s} {n}")).collect();
        let of = |f: fn(&SlowSetOf) -> f64| spread(l.sets.iter().map(f));
        format!(
            r#"<tr>{}<td class="n">{}</td><td class="n">{}</td>{}{}{}</tr>"#,
            key(data, palette, l.population),
            l.sets.len(),
            escape(&shapes.join(", ")),
            of(|s| s.dimension),
            of(|s| s.dimension_linear),
            of(|s| s.drift)
        )
    };
    let rows = |f: &dyn Fn(&LinearOf) -> String| dynamics.linear.iter().map(f).collect::<String>();
    let panels: String = panels(data, palette, dynamics)
        .iter()
        .map(Svg::inline)
        .collect();
    format!(
        r#"<h3>Linear systems at the points</h3><p class="caption">Longest time constant of a mode (1 / |ln |λ||, steps), at stable and at unstable points; departure from normality (Henrici, share of the norm; 0: orthogonal modes); largest growth of a deviation in one step. Median and range over points.</p>{}<h3>Slow sets</h3><p class="caption">Points and relaxed states that hardly move, a set per network and constant input: intrinsic and linear dimension, and the median drift in a trial relative to the set's extent. A line that drifts little is a line attractor for the length of a trial.</p>{}<div class="multiples four">{panels}</div>"#,
        table(
            &[
                "points",
                "slowest, stable",
                "slowest, unstable",
                "departure",
                "one-step gain"
            ],
            &rows(&points)
        ),
        table(
            &[
                "sets",
                "shapes",
                "dimension",
                "linear dimension",
                "drift per trial"
            ],
            &rows(&sets)
        )
    )
}

/// A panel per population: drift against dimension, a dot per set that has both.
pub(super) fn panels(data: &ReportData, palette: &Palette, dynamics: &Dynamics) -> Vec<Svg> {
    let drawn = |s: &&SlowSetOf| s.dimension.is_finite() && !s.drift.is_nan();
    let all = || dynamics.linear.iter().flat_map(|l| &l.sets).filter(drawn);
    let most = all().map(|s| s.dimension).fold(2.0, f64::max);
    if all().next().is_none() {
        return Vec::new();
    }
    let panel = |of: &LinearOf| {
        let [left, top, right, bottom] = Plot::area(SIZE);
        let x = Scale::linear((0.0, most.ceil()), (left, right));
        let y = Scale::log(DRIFTS, (bottom, top));
        let mut plot = Plot::new(
            SIZE,
            label(data, of.population),
            (x, "local dimension"),
            (y, "drift per trial (of extent, log)"),
        );
        let dot = |s: &SlowSetOf| {
            let drift = s.drift.clamp(DRIFTS.0, DRIFTS.1);
            let (x, y) = plot.at(s.dimension, drift)?;
            let tip = format!("network {}, input {}: {}", s.network, s.condition, s.shape);
            Some(format!(
                r#"<circle class="dot" data-n="{}" data-tip="{}" cx="{x:.1}" cy="{y:.1}" r="2.4"/>"#,
                s.network,
                escape(&tip)
            ))
        };
        let dots: String = of.sets.iter().filter(drawn).filter_map(dot).collect();
        plot.draw(&format!(
            r#"<g class="{}">{dots}</g>"#,
            palette.class(of.population)
        ));
        plot.finish(&format!("Slow sets of {}", label(data, of.population)))
    };
    dynamics.linear.iter().map(panel).collect()
}
