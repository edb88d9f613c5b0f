//! Benchmark: who succeeds, how fast, how robustly and at what cost, a row per population and a figure.

use super::data::{Benchmark, Benchmarked, Interval, ReportData};
use super::palette::Palette;
use super::scale::Scale;
use super::svg::{Plot, Svg, line_path};
use super::text::{escape, number, percent};

const SIZE: (f64, f64) = (236.0, 220.0);

/// Figure and table; nothing where nothing was benchmarked.
pub(super) fn section(data: &ReportData, palette: &Palette) -> String {
    let Some(found) = &data.benchmark else {
        return String::new();
    };
    let panels: String = panels(found, palette).iter().map(Svg::inline).collect();
    let longer = found.longer.as_ref().map_or(String::new(), |(v, times)| {
        format!(
            " Longer trials: variant {}, {} times as long.",
            escape(v),
            number(*times)
        )
    });
    format!(
        r#"<section id="benchmark"><h2>Benchmark</h2>
<p class="caption">Success: evaluation loss at most the criterion at some evaluation, with Wilson's 95 % interval. Steps: median over all networks, those that never got there counted as infinite; losses: median over the networks that succeeded; both with the distribution-free 95 % interval where there are six values or more. {} new trials per test. Noise: white, into every state after each step, standard deviation {}. Silenced: units that nobody hears, mean over {} random choices.{longer}</p>
<div class="multiples four">{panels}</div><div class="scroll">{}</div>{}</section>"#,
        found.trials,
        if found.relative {
            "in units of the root mean square of the states"
        } else {
            "as given"
        },
        found.draws,
        table(found, palette),
        cost(found, palette)
    )
}

/// All panels as one drawing.
pub(super) fn figure(data: &ReportData, palette: &Palette) -> Option<Svg> {
    let found = data.benchmark.as_ref()?;
    Some(Svg::grid(
        &panels(found, palette),
        4,
        "Benchmark: success, steps, noise, silenced units",
    ))
}

fn panels(found: &Benchmark, palette: &Palette) -> Vec<Svg> {
    let levels = |of: fn(&Benchmarked) -> &Vec<(f64, Interval)>| {
        move |row: &Benchmarked| {
            let mut all = vec![(0.0, row.loss)];
            all.extend(of(row).iter().copied());
            all
        }
    };
    vec![
        by_population(found, palette, "Success", "share of networks", false, |r| {
            r.share
        }),
        by_population(
            found,
            palette,
            "Steps to criterion",
            "steps (log)",
            true,
            |r| r.steps,
        ),
        by_level(
            found,
            palette,
            ("Noise in the states", "standard deviation"),
            levels(|r| &r.noise),
        ),
        by_level(
            found,
            palette,
            ("Units silenced", "share of units"),
            levels(|r| &r.silenced),
        ),
    ]
}

/// Lowest and highest of the numbers above 0 that are finite, a little widened for a logarithmic axis.
fn log_range(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let (low, high) = values
        .filter(|v| v.is_finite() && *v > 0.0)
        .fold((f64::INFINITY, 0.0), |(a, b), v| (v.min(a), v.max(b)));
    if low <= high {
        (low / 1.3, high * 1.3)
    } else {
        (0.1, 1.0)
    }
}

/// An estimate with its interval for each population, side by side.
fn by_population(
    found: &Benchmark,
    palette: &Palette,
    title: &str,
    label: &str,
    log: bool,
    of: fn(&Benchmarked) -> Interval,
) -> Svg {
    let [left, top, right, bottom] = Plot::area(SIZE);
    let n = found.rows.len();
    let x = Scale::linear((0.0, n.max(1) as f64), (left, right));
    let y = if log {
        let ends = |r: &Benchmarked| [of(r).value, of(r).low, of(r).high];
        Scale::log(log_range(found.rows.iter().flat_map(ends)), (bottom, top))
    } else {
        Scale::linear((0.0, 1.0), (bottom, top))
    };
    let place = |k: usize| x.at(k as f64 + 0.5);
    let short = |r: &Benchmarked| r.label.split(' ').next().unwrap_or_default().to_owned();
    // Names where there is room for them; the colours say the same.
    let names: Vec<(f64, String)> = if n <= 5 {
        let name = |(k, r): (usize, &Benchmarked)| Some((place(k)?, short(r)));
        found.rows.iter().enumerate().filter_map(name).collect()
    } else {
        Vec::new()
    };
    let mut plot = Plot::with_ticks(
        SIZE,
        title,
        (x, "population"),
        &names,
        (y, label),
        &y.ticks(4),
    );
    for (k, row) in found.rows.iter().enumerate() {
        let (estimate, class) = (of(row), palette.class(row.population));
        let Some(x) = place(k) else { continue };
        if let (Some(low), Some(high)) = (y.at(estimate.low), y.at(estimate.high)) {
            plot.draw(&format!(
                r#"<path class="band wide {class}" d="M{x:.1} {low:.1}V{high:.1}"/>"#
            ));
        }
        if let Some(y) = y.at(estimate.value) {
            plot.draw(&format!(
                r#"<circle class="dot {class}" cx="{x:.1}" cy="{y:.1}" r="3.4"/>"#
            ));
        }
    }
    plot.finish(&format!("{title} of each population"))
}

/// Median loss along the levels of a test, a line per population.
fn by_level(
    found: &Benchmark,
    palette: &Palette,
    (title, label): (&str, &str),
    of: impl Fn(&Benchmarked) -> Vec<(f64, Interval)>,
) -> Svg {
    let [left, top, right, bottom] = Plot::area(SIZE);
    let all = || found.rows.iter().flat_map(&of);
    let most = all().map(|l| l.0).fold(0.0, f64::max);
    let x = Scale::linear((0.0, most), (left + 4.0, right - 4.0));
    let y = Scale::log(log_range(all().map(|l| l.1.value)), (bottom, top));
    let mut plot = Plot::new(SIZE, title, (x, label), (y, "median loss (log)"));
    for row in &found.rows {
        let class = palette.class(row.population);
        let places: Vec<Option<(f64, f64)>> = of(row)
            .iter()
            .map(|(level, loss)| plot.at(*level, loss.value))
            .collect();
        let mut marks = format!(
            r#"<path class="output" d="{}"/>"#,
            line_path(places.iter().copied())
        );
        for (x, y) in places.iter().flatten() {
            marks += &format!(r#"<circle class="dot" cx="{x:.1}" cy="{y:.1}" r="2.4"/>"#);
        }
        plot.draw(&format!(r#"<g class="{class}">{marks}</g>"#));
    }
    plot.finish(&format!("{title}: median loss of each population"))
}

fn estimate(i: &Interval) -> String {
    if i.low.is_nan() || i.high.is_nan() {
        return number(i.value);
    }
    format!(
        "{} <small>{} to {}</small>",
        number(i.value),
        number(i.low),
        number(i.high)
    )
}

fn name(row: &Benchmarked, palette: &Palette) -> String {
    format!(
        r#"<td class="keep"><i class="key {}"></i>{}</td>"#,
        palette.class(row.population),
        escape(&row.label)
    )
}

fn table(found: &Benchmark, palette: &Palette) -> String {
    let Some(first) = found.rows.first() else {
        return String::new();
    };
    let head = |words: &str| format!(r#"<th class="n">{words}</th>"#);
    let mut heads = ["success", "steps to criterion", "loss"].map(head).concat();
    for (level, _) in &first.noise {
        heads += &head(&format!("noise {}", number(*level)));
    }
    for (share, _) in &first.silenced {
        heads += &head(&format!("{} silenced", percent(*share)));
    }
    if first.longer.is_some() {
        heads += &head("longer trials");
    }
    let row = |row: &Benchmarked| {
        let [k, n] = row.succeeded;
        let mut cells = format!(
            r#"<td class="n">{k} of {n} <small>{} to {}</small></td>"#,
            percent(row.share.low),
            percent(row.share.high)
        );
        let losses = row.noise.iter().chain(&row.silenced).map(|l| &l.1);
        for i in [&row.steps, &row.loss]
            .into_iter()
            .chain(losses)
            .chain(&row.longer)
        {
            cells += &format!(r#"<td class="n">{}</td>"#, estimate(i));
        }
        format!("<tr>{}{cells}</tr>", name(row, palette))
    };
    format!(
        r#"<table><thead><tr><th>population</th>{heads}</tr></thead><tbody>{}</tbody></table>"#,
        found.rows.iter().map(row).collect::<String>()
    )
}

fn cost(found: &Benchmark, palette: &Palette) -> String {
    let row = |row: &Benchmarked| {
        let [low, high] = row.learning_rate;
        let mut rate = number(low);
        if high > low {
            rate = format!("{rate} to {}", number(high));
        }
        if !row.tuned_from.is_empty() {
            let from: Vec<String> = row.tuned_from.iter().map(|r| number(*r)).collect();
            rate += &format!(" <small>of {}</small>", from.join(", "));
        }
        format!(
            r#"<tr>{}<td class="n">{}</td><td class="n">{}</td><td class="n">{rate}</td><td class="n">{}</td><td class="n">{}</td><td>{}</td></tr>"#,
            name(row, palette),
            row.units,
            row.n_parameters,
            number(row.operations),
            number(row.seconds),
            escape(&row.device)
        )
    };
    format!(
        r#"<h3>What it takes</h3><p class="caption">Step size, with what pilots on other seeds chose it from. Of one training step of one network: operations counted from the products and the cell's instructions, seconds measured with all networks of the population in training.</p><div class="scroll"><table><thead><tr><th>population</th><th class="n">units</th><th class="n">parameters</th><th class="n">step size</th><th class="n">operations</th><th class="n">seconds</th><th>measured on</th></tr></thead><tbody>{}</tbody></table></div>"#,
        found.rows.iter().map(row).collect::<String>()
    )
}
