//! Three drawings of one measure: matrix, picture, distributions.

use super::super::data::{Alike, Measure};
use super::super::palette::Palette;
use super::super::scale::Scale;
use super::super::svg::{Plot, Svg, line_path, text};
use super::super::text::number;

const SIZE: (f64, f64) = (290.0, 270.0);
/// Rows drawn of a matrix; with more networks than that, neighbours are drawn as their mean.
const MOST_ROWS: usize = 96;
/// Shades of a matrix.
const SHADES: usize = 12;
/// Bins of a distribution.
const BINS: usize = 36;

/// The three.
pub(super) fn all(alike: &Alike, m: &Measure, palette: &Palette) -> Vec<Svg> {
    vec![
        matrix(alike, m, palette),
        picture(alike, m, palette),
        distributions(alike, m),
    ]
}

fn matrix(alike: &Alike, m: &Measure, palette: &Palette) -> Svg {
    let n = alike.networks.len();
    let [left, top] = [26.0, 26.0];
    let side = SIZE.1 - 38.0 - top;
    let bin = n.div_ceil(MOST_ROWS).max(1);
    let rows = n.div_ceil(bin);
    let cell = side / rows.max(1) as f64;
    let largest = m
        .matrix
        .iter()
        .copied()
        .filter(|d| d.is_finite())
        .fold(0.0, f64::max);
    let mut body = text("title", left, 15.0, "All pairs");
    for i in 0..rows {
        let (population, index) = alike.networks[i * bin];
        let y = top + i as f64 * cell;
        let hover = if bin == 1 {
            format!(r#" data-n="{index}""#)
        } else {
            String::new()
        };
        body += &format!(
            r#"<g class="matrix-row"{hover}><rect class="row-back" x="{:.1}" y="{y:.2}" width="{:.1}" height="{cell:.2}"/>"#,
            left - 8.0,
            side + 8.0
        );
        let colour = palette.class(population);
        body += &format!(
            r#"<rect class="swatch {colour}" x="{:.1}" y="{y:.2}" width="5" height="{cell:.2}"/>"#,
            left - 7.0
        );
        body += &shades(m, n, bin, i, rows, largest, (left, y, cell));
        body += "</g>";
        body += &format!(
            r#"<rect class="swatch {colour}" x="{:.2}" y="{:.1}" width="{cell:.2}" height="5"/>"#,
            left + i as f64 * cell,
            top - 7.0
        );
    }
    let bottom = top + side;
    let scale = format!("page colour 0, strongest {}", number(largest));
    body += &text("axis-label mid", left + 0.5 * side, bottom + 14.0, &scale);
    let drawn = if bin == 1 {
        "a row per network".to_owned()
    } else {
        format!("a row per {bin} networks")
    };
    body += &text("axis-label mid", left + 0.5 * side, bottom + 30.0, &drawn);
    Svg {
        width: SIZE.0,
        height: SIZE.1,
        label: format!("Distances of all pairs by {}", m.name),
        body,
    }
}

/// Cells of one row, those of one shade together.
fn shades(
    m: &Measure,
    n: usize,
    bin: usize,
    i: usize,
    rows: usize,
    largest: f64,
    (left, y, cell): (f64, f64, f64),
) -> String {
    let mut paths = vec![String::new(); SHADES + 1];
    for j in 0..rows {
        let (mut sum, mut count) = (0.0, 0_usize);
        for a in i * bin..n.min((i + 1) * bin) {
            for b in j * bin..n.min((j + 1) * bin) {
                if let Some(d) = m.matrix.get(a * n + b).filter(|d| d.is_finite()) {
                    sum += d;
                    count += 1;
                }
            }
        }
        if count == 0 || largest <= 0.0 {
            continue;
        }
        let share = (sum / count as f64 / largest).clamp(0.0, 1.0);
        let shade = (share * SHADES as f64).round() as usize;
        paths[shade] += &format!(
            "M{:.1} {y:.1}h{cell:.2}v{cell:.2}h-{cell:.2}z",
            left + j as f64 * cell
        );
    }
    let drawn = paths
        .iter()
        .enumerate()
        .skip(1)
        .filter(|(_, p)| !p.is_empty());
    drawn
        .map(|(k, p)| {
            format!(
                r#"<path class="shade" fill-opacity="{:.2}" d="{p}"/>"#,
                k as f64 / SHADES as f64
            )
        })
        .collect()
}

fn picture(alike: &Alike, m: &Measure, palette: &Palette) -> Svg {
    let [left, top, right, bottom] = Plot::area(SIZE);
    let title = m.stress.map_or("No picture".to_owned(), |s| {
        format!("In the plane, stress {}", number(s))
    });
    let places = || m.picture.iter().map(|(_, at)| *at);
    let ends = |k: usize| {
        places().fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), at| {
            (a.min(at[k]), b.max(at[k]))
        })
    };
    // One scale for both axes: what is near in the picture is near in both directions.
    let (x, y) = (ends(0), ends(1));
    let half = 0.55 * ((x.1 - x.0) / (right - left)).max((y.1 - y.0) / (bottom - top));
    let around = |(low, high): (f64, f64), length: f64| {
        let middle = 0.5 * (low + high);
        (middle - half * length, middle + half * length)
    };
    let x_scale = Scale::linear(around(x, right - left), (left, right));
    let y_scale = Scale::linear(around(y, bottom - top), (bottom, top));
    let mut plot = Plot::new(
        SIZE,
        &title,
        (x_scale, "first direction"),
        (y_scale, "second direction"),
    );
    for (row, [a, b]) in &m.picture {
        let Some(((population, index), (cx, cy))) = alike.networks.get(*row).zip(plot.at(*a, *b))
        else {
            continue;
        };
        let hollow =
            if alike.level.get(*row).is_some_and(Option::is_some) || alike.factor.is_empty() {
                ""
            } else {
                " hollow"
            };
        plot.draw(&format!(
            r#"<g class="{}"><circle class="dot{hollow}" data-n="{index}" cx="{cx:.1}" cy="{cy:.1}" r="3.4"/></g>"#,
            palette.class(*population)
        ));
    }
    if m.picture.is_empty() {
        plot.draw(&text(
            "note mid",
            0.5 * (left + right),
            0.5 * (top + bottom),
            "not drawn: see below",
        ));
    }
    plot.finish(&format!("Networks in the plane by {}", m.name))
}

/// Distances of pairs within a level, and between levels.
fn split(alike: &Alike, m: &Measure) -> [Vec<f64>; 2] {
    let n = alike.networks.len();
    let mut both = [Vec::new(), Vec::new()];
    for i in 0..n {
        for j in 0..i {
            let d = m.matrix.get(i * n + j).copied().unwrap_or(f64::NAN);
            if !d.is_finite() {
                continue;
            }
            match (alike.level[i], alike.level[j]) {
                (Some(a), Some(b)) => both[usize::from(a != b)].push(d),
                _ if alike.factor.is_empty() => both[0].push(d),
                _ => {}
            }
        }
    }
    both
}

fn distributions(alike: &Alike, m: &Measure) -> Svg {
    let [left, top, right, bottom] = Plot::area(SIZE);
    let both = split(alike, m);
    let controls = m
        .halves
        .iter()
        .flatten()
        .chain(&m.untrained)
        .chain(&m.shuffled);
    let largest = both
        .iter()
        .flatten()
        .chain(controls)
        .copied()
        .filter(|d| d.is_finite())
        .fold(0.0, f64::max);
    let largest = if largest > 0.0 { largest } else { 1.0 };
    let counted = |distances: &[f64]| -> Vec<f64> {
        let mut bins = vec![0.0; BINS];
        for d in distances {
            bins[((d.max(0.0) / largest * BINS as f64) as usize).min(BINS - 1)] += 1.0;
        }
        bins.iter()
            .map(|b| 100.0 * b / distances.len().max(1) as f64)
            .collect()
    };
    let bins = both.each_ref().map(|d| counted(d));
    let highest = bins.iter().flatten().copied().fold(1.0, f64::max);
    let x = Scale::linear((0.0, largest), (left, right));
    let y = Scale::linear((0.0, 1.08 * highest), (bottom, top));
    let mut plot = Plot::new(
        SIZE,
        "Within and between",
        (x, "distance"),
        (y, "pairs (%)"),
    );
    if let Some([low, high]) = m.halves.map(|h| h.map(|d| x.at(d).unwrap_or(left))) {
        plot.draw(&format!(
            r#"<rect class="floor" x="{low:.1}" y="{top}" width="{:.1}" height="{:.1}"><title>two halves of the trials</title></rect>"#,
            (high - low).max(1.5),
            bottom - top
        ));
    }
    for (value, name) in [(m.untrained, "u"), (m.shuffled, "s")] {
        if let Some(place) = value.and_then(|v| x.at(v)) {
            plot.draw(&format!(
                r#"<path class="frame" d="M{place:.1} {top}V{bottom}"/>"#
            ));
            plot.draw(&text("note mid", place, top - 3.0, name));
        }
    }
    for ((percent, class), distances) in bins.iter().zip(["within", "between"]).zip(&both) {
        if distances.is_empty() {
            continue;
        }
        let step = |(k, p): (usize, &f64)| {
            let at = |edge: usize| plot.at(largest * edge as f64 / BINS as f64, *p);
            [at(k), at(k + 1)]
        };
        let path = line_path(percent.iter().enumerate().flat_map(step));
        plot.draw(&format!(r#"<path class="pairs {class}" d="{path}"/>"#));
    }
    plot.finish(&format!(
        "Distances by {} within and between levels",
        m.name
    ))
}
