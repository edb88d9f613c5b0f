//! How they move: attractors of every kind, Lyapunov exponents, time constants and slow sets, a row per population.

use super::data::{
    AttractorKinds, Dynamics, LinearOf, LinearPoint, ReportData, SlowSetOf, SpectraOf,
};
use super::palette::Palette;
use super::scale::Scale;
use super::summary::{median, range};
use super::svg::{Plot, Svg, line_path};
use super::text::{count, escape, number, percent};
use std::collections::BTreeMap;

const SIZE: (f64, f64) = (236.0, 200.0);
/// Exponents below this are drawn along the edge: such a direction is gone after a step or two.
const LEAST: f64 = -5.0;
/// Drawn drifts, of the extent: what moves less stays for a thousand trials, what moves more is no slow set.
const DRIFTS: (f64, f64) = (1e-3, 10.0);

/// Nothing where none of the three was measured.
pub(super) fn section(data: &ReportData, palette: &Palette) -> String {
    let Some(dynamics) = &data.dynamics else {
        return String::new();
    };
    let parts = [
        attractors(data, palette, dynamics),
        exponents(data, palette, dynamics),
        linear(data, palette, dynamics),
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
    let spectra = spectrum_panels(data, palette, dynamics);
    let sets = slow_panels(data, palette, dynamics);
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

fn attractors(data: &ReportData, palette: &Palette, dynamics: &Dynamics) -> String {
    let Some(first) = dynamics.attractors.first() else {
        return String::new();
    };
    let share = |part: usize, of: usize| {
        if of == 0 {
            "–".to_owned()
        } else {
            percent(part as f64 / of as f64)
        }
    };
    let rows = |a: &AttractorKinds| -> String {
        let row = |(i, k): (usize, &super::data::AttractorKind)| {
            let name = if i == 0 {
                key(data, palette, a.population)
            } else {
                "<td></td>".to_owned()
            };
            format!(
                r#"<tr>{name}<td class="keep">{}</td><td class="n">{}</td><td class="n">{} of {}</td><td class="n">{}</td><td class="n">{}</td></tr>"#,
                escape(&k.kind),
                k.attractors,
                k.networks,
                a.networks,
                share(k.states[0], a.states[0]),
                share(k.states[1], a.states[1])
            )
        };
        a.kinds.iter().enumerate().map(row).collect()
    };
    let rhythm = |a: &AttractorKinds| -> Option<String> {
        let [one, of] = a.circles?;
        let slope = |k: usize| spread(a.slopes.iter().map(move |s| s[k]));
        Some(format!(
            r#"<tr>{}<td class="n">{one} of {of}</td>{}{}</tr>"#,
            key(data, palette, a.population),
            slope(0),
            slope(1)
        ))
    };
    let rhythms: String = dynamics.attractors.iter().filter_map(rhythm).collect();
    let rhythms = if rhythms.is_empty() {
        rhythms
    } else {
        format!(
            r#"<h3>From command to rhythm</h3><p class="caption">Constant inputs under which the one attractor is a circle round one unstable point; over these the slope of the circle's rotation number against the command, and apart from it that of the point's leading angle: median and range over networks.</p>{}"#,
            table(
                &[
                    "one circle, one point",
                    "slope of the rotation",
                    "slope of the leading angle"
                ],
                &rhythms
            )
        )
    };
    format!(
        r#"<h3>What states end on</h3><p class="caption">States of trials, and states uniform in the cell's box, run on at {}; shares over all networks and inputs.</p><div class="scroll"><table><thead><tr><th>population</th><th>kind</th><th class="n">attractors</th><th class="n">networks</th><th class="n">of driven states</th><th class="n">of uniform states</th></tr></thead><tbody>{}</tbody></table></div>{rhythms}"#,
        count(first.conditions, "constant input"),
        dynamics.attractors.iter().map(rows).collect::<String>()
    )
}

fn exponents(data: &ReportData, palette: &Palette, dynamics: &Dynamics) -> String {
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
    let panels: String = spectrum_panels(data, palette, dynamics)
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
fn spectrum_panels(data: &ReportData, palette: &Palette, dynamics: &Dynamics) -> Vec<Svg> {
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

fn linear(data: &ReportData, palette: &Palette, dynamics: &Dynamics) -> String {
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
    let panels: String = slow_panels(data, palette, dynamics)
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
fn slow_panels(data: &ReportData, palette: &Palette, dynamics: &Dynamics) -> Vec<Svg> {
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
