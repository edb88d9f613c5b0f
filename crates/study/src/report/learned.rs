//! Who learned: a learning curve per network, a row per population, and who is left out.

use super::data::{CurvePoint, NetworkReport, Outcome, PopulationReport, ReportData};
use super::decisions;
use super::palette::Palette;
use super::scale::Scale;
use super::summary::{converged, finished, median, networks, range};
use super::svg::{Plot, Svg, line_path, text};
use super::text::{count, escape, number};

const SIZE: (f64, f64) = (236.0, 200.0);
/// Decades drawn at most: one diverging network must not flatten the others.
const MAX_DECADES: f64 = 8.0;

/// Curves, table, and the networks left out.
pub(super) fn section(data: &ReportData, palette: &Palette) -> String {
    let panels: String = panels(data, palette).iter().map(Svg::inline).collect();
    let left_out = left_out(data);
    format!(
        r#"<section id="learned"><h2>Who learned</h2>
<p class="caption">Evaluation loss along training, a line per network; a dot where the criterion (dashed) was first met, a cross where a network ended without it. All panels share their axes.{}</p>
<div class="multiples four">{panels}</div>
<h3>By population</h3><div class="scroll">{}</div>{left_out}{}</section>"#,
        leaves_range(data),
        table(data, palette),
        decisions::part(data, palette)
    )
}

/// All panels as one drawing.
pub(super) fn figure(data: &ReportData, palette: &Palette) -> Svg {
    Svg::grid(
        &panels(data, palette),
        4,
        "Evaluation loss along training, a line per network",
    )
}

/// Loss range and last step drawn, common to all panels.
fn ranges(data: &ReportData) -> ((f64, f64), f64) {
    let points = || networks(data).flat_map(|(_, n)| &n.curve);
    let criteria = data.populations.iter().filter_map(|p| p.criterion);
    let positive = points()
        .map(|p| p.loss)
        .chain(criteria)
        .filter(|v| *v > 0.0);
    let (low, high) = range(positive).unwrap_or((1e-3, 1.0));
    // Ten times the median start holds every healthy curve; what lies beyond has diverged, or an unbounded cell began there.
    let starts = networks(data)
        .filter_map(|(_, n)| n.curve.first())
        .map(|p| p.loss);
    let start = median(starts).unwrap_or(high);
    let high = if start > 0.0 {
        high.min(10.0 * start)
    } else {
        high
    };
    let low = low.max(high * 10f64.powf(-MAX_DECADES)) * 0.8;
    let high = high.max(10.0 * low);
    let last = points().map(|p| p.step).max().unwrap_or(1);
    ((low, high * 1.25), last as f64)
}

fn leaves_range(data: &ReportData) -> String {
    let ((_, high), _) = ranges(data);
    let n = networks(data)
        .filter(|(_, n)| n.curve.iter().any(|p| p.loss.is_nan() || p.loss > high))
        .count();
    if n == 0 {
        String::new()
    } else {
        format!(
            " Above the drawn range or not finite at some step: {}.",
            count(n, "curve")
        )
    }
}

fn panels(data: &ReportData, palette: &Palette) -> Vec<Svg> {
    let (losses, last) = ranges(data);
    // Fewer points a curve when there are many, so that a thousand networks stay a small page.
    let max_points = if networks(data).count() > 200 {
        60
    } else {
        160
    };
    let panel = |(p, population): (usize, &PopulationReport)| {
        let [left, top, right, bottom] = Plot::area(SIZE);
        let x = Scale::linear((0.0, last), (left, right));
        let y = Scale::log(losses, (bottom, top));
        let mut plot = Plot::new(
            SIZE,
            &population.label,
            (x, "training step"),
            (y, "evaluation loss (MSE, log)"),
        );
        let curves: String = population
            .networks
            .iter()
            .map(|n| curve(&plot, population, n, max_points))
            .collect();
        plot.draw(&format!(r#"<g class="{}">{curves}</g>"#, palette.class(p)));
        if let Some(place) = population
            .criterion
            .filter(|c| y.holds(*c))
            .and_then(|c| y.at(c))
        {
            plot.draw(&format!(
                r#"<path class="rule" d="M{left} {place:.1}H{right}"/>"#
            ));
            plot.draw(&text(
                "note",
                left + 4.0,
                place - 4.0,
                &format!(
                    "criterion {}",
                    number(population.criterion.unwrap_or(f64::NAN))
                ),
            ));
        }
        plot.finish(&format!("Learning curves of {}", population.label))
    };
    data.populations.iter().enumerate().map(panel).collect()
}

fn curve(
    plot: &Plot,
    population: &PopulationReport,
    network: &NetworkReport,
    max_points: usize,
) -> String {
    let place = |p: &CurvePoint| plot.at(p.step as f64, p.loss);
    let path = line_path(
        thinned(&network.curve, max_points)
            .into_iter()
            .map(|p| place(&p)),
    );
    let index = network.index;
    let mut marks = format!(r#"<path class="curve" data-n="{index}" d="{path}"/>"#);
    let met = |p: &&CurvePoint| population.criterion.is_some_and(|c| p.loss <= c);
    if finished(population, network) {
        if let Some((x, y)) = network.curve.iter().find(met).and_then(place) {
            marks += &format!(
                r#"<circle class="dot" data-n="{index}" cx="{x:.1}" cy="{y:.1}" r="2.4"/>"#
            );
        }
    } else if let Some((x, y)) = network.curve.iter().rev().find_map(place) {
        marks += &format!(
            r#"<path class="cross" data-n="{index}" d="M{:.1} {:.1}l6 6m0-6l-6 6"/>"#,
            x - 3.0,
            y - 3.0
        );
    }
    marks
}

/// At most about `max_points` points: lowest and highest of each stretch, so that spikes stay visible.
fn thinned(curve: &[CurvePoint], max_points: usize) -> Vec<CurvePoint> {
    if curve.len() <= max_points {
        return curve.to_vec();
    }
    let stretch = (2 * curve.len()).div_ceil(max_points);
    let extremes = |part: &[CurvePoint]| {
        let order = |a: &&CurvePoint, b: &&CurvePoint| a.loss.total_cmp(&b.loss);
        let mut both: Vec<_> = part
            .iter()
            .min_by(order)
            .into_iter()
            .chain(part.iter().max_by(order))
            .copied()
            .collect();
        both.sort_by_key(|p| p.step);
        both.dedup_by_key(|p| p.step);
        both
    };
    curve.chunks(stretch).flat_map(extremes).collect()
}

/// The outcome that all networks of a population share which was not trained here.
fn not_trained(population: &PopulationReport) -> Option<Outcome> {
    let first = population.networks.first()?.outcome;
    matches!(first, Outcome::Imported | Outcome::Untrained).then_some(first)
}

fn table(data: &ReportData, palette: &Palette) -> String {
    let row = |(p, population): (usize, &PopulationReport)| {
        let of = |value: fn(&NetworkReport) -> f64| {
            let met = || {
                population
                    .networks
                    .iter()
                    .filter(|n| finished(population, n))
                    .map(value)
            };
            match (median(met()), range(met())) {
                (Some(middle), Some((low, high))) if low < high => {
                    format!(
                        "{} <small>{}…{}</small>",
                        number(middle),
                        number(low),
                        number(high)
                    )
                }
                (Some(only), _) => number(only),
                _ => "–".to_owned(),
            }
        };
        format!(
            r#"<tr><td class="keep"><i class="key {}"></i>{}</td><td>{}</td><td class="n">{}</td><td class="n">{}</td><td class="n">{}</td><td class="n">{}</td><td class="n">{}</td><td class="n">{}</td></tr>"#,
            palette.class(p),
            escape(&population.cell),
            escape(&population.activation),
            population.units,
            population.n_parameters,
            not_trained(population).map_or_else(
                || format!("{} of {}", converged(population), population.networks.len()),
                |outcome| format!("{} ({})", outcome.words(), population.networks.len()),
            ),
            of(|n| n.steps as f64),
            of(|n| n.loss),
            of(|n| n.normalised_error),
        )
    };
    let rows: String = data.populations.iter().enumerate().map(row).collect();
    format!(
        r#"<table><thead><tr><th>cell</th><th>activation</th><th class="n">units</th><th class="n">parameters</th><th class="n">converged</th><th class="n">steps</th><th class="n">final loss</th><th class="n">normalised error</th></tr></thead><tbody>{rows}</tbody></table><p class="caption">Steps, loss and normalised error (loss over the variance of the target): median and range over the networks counted as converged.</p>"#
    )
}

fn left_out(data: &ReportData) -> String {
    let out: Vec<_> = networks(data)
        .filter(|(p, n)| !finished(&data.populations[*p], n))
        .collect();
    if networks(data).next().is_none() {
        return r#"<p class="facts">No network was trained.</p>"#.to_owned();
    }
    if out.is_empty() {
        return r#"<p class="facts">No network is left out.</p>"#.to_owned();
    }
    let row = |(p, n): &(usize, &NetworkReport)| {
        let population = &data.populations[*p].label;
        let (index, outcome) = (n.index, n.outcome.words());
        format!(
            r#"<tr data-n="{index}"><td class="n">{index}</td><td>{}</td><td>{outcome}</td><td class="n">{}</td><td class="n">{}</td><td class="n">{} / {} / {}</td></tr>"#,
            escape(population),
            n.steps,
            number(n.loss),
            n.init_seed,
            n.data_seed,
            n.noise_seed
        )
    };
    format!(
        r#"<h3>Left out: {}</h3><div class="scroll"><table><thead><tr><th class="n">network</th><th>population</th><th>outcome</th><th class="n">steps</th><th class="n">best loss</th><th class="n">seeds: weights / data / noise</th></tr></thead><tbody>{}</tbody></table></div>"#,
        count(out.len(), "network"),
        out.iter().map(row).collect::<String>()
    )
}
