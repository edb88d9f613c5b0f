//! The heat strip: a row per network, its points by number of unstable directions. A wall of identical rows
//! is universality; exceptions stand at the foot.

use super::data::{Census, Certificate, NetworkReport, ReportData};
use super::palette::{Palette, unstable_name};
use super::summary::{censuses, groups};
use super::svg::{Svg, text, text_up};

const WIDTH: f64 = 400.0;
const ROW: f64 = 13.0;
const COLUMN: f64 = 38.0;
/// Left edges: cell band, first heat column, certificate, class.
const X: [f64; 4] = [52.0, 62.0, 268.0, 286.0];
/// Height of the heading below its colour legend.
const HEAD: f64 = 56.0;

/// The rows' heading, drawn apart so that the page can keep it in view while the rows scroll.
pub(super) fn head(palette: &Palette) -> Svg {
    let mut body = String::new();
    let (mut x, mut y) = (X[0], 5.0);
    for (class, name) in palette.legend() {
        let wide = 24.0 + 6.0 * name.chars().count() as f64;
        if x > X[0] && x + wide > WIDTH {
            (x, y) = (X[0], y + 13.0);
        }
        body += &format!(
            r#"<rect class="swatch {class}" x="{x:.1}" y="{y}" width="8" height="8" rx="2"/>"#
        );
        body += &text("note", x + 12.0, y + 8.0, name);
        x += wide;
    }
    let head = y + HEAD;
    body += &text(
        "axis-label mid",
        X[1] + 2.5 * COLUMN,
        head - 30.0,
        "unstable directions of a point (count)",
    );
    for unstable in 0..5 {
        body += &text(
            "tick mid",
            column(unstable) + 0.5 * COLUMN,
            head - 8.0,
            unstable_name(unstable),
        );
    }
    body += &text("axis-label end", X[0] - 5.0, head - 8.0, "network");
    body += &text("axis-label mid", X[2], head - 8.0, "cert.");
    body += &text("axis-label", X[3] + 6.0, head - 8.0, "class, networks");
    Svg {
        width: WIDTH,
        height: head,
        label: "Heading of the census strip".to_owned(),
        body,
    }
}

/// The rows, by class (largest first), within a class by population.
pub(super) fn rows(data: &ReportData, palette: &Palette) -> Svg {
    let most = censuses(data)
        .flat_map(|(_, _, c)| c.counts)
        .max()
        .unwrap_or(0)
        .max(1) as f64;
    let (mut body, mut y) = (String::new(), 2.0);
    for (class, members) in groups(data) {
        let top = y;
        let size = members.len();
        for (p, network, census) in members {
            body += &row(network, census, palette.class(p), y, most);
            y += ROW;
        }
        body += &format!(
            r#"<path class="frame" d="M{0} {1:.1}h4V{2:.1}h-4"/>"#,
            X[3] - 4.0,
            top + 1.0,
            y - 1.0
        );
        let name = format!("{class} · {size}");
        body += &text("number-class", X[3] + 6.0, top + ROW - 3.0, &name);
        y += 3.0;
    }
    if y < 10.0 {
        body += &text(
            "note",
            X[1],
            18.0,
            "No network was searched for fixed points.",
        );
        y = 28.0;
    }
    let height = y + 2.0;
    if height > 60.0 {
        body += &text_up(
            "axis-label mid",
            11.0,
            height.min(400.0) * 0.5,
            "network, sorted by class",
        );
    }
    Svg {
        width: WIDTH,
        height,
        label: "Census strip: points of every network by number of unstable directions".to_owned(),
        body,
    }
}

/// Heading and rows as one drawing.
pub(super) fn figure(data: &ReportData, palette: &Palette) -> Svg {
    Svg::grid(
        &[head(palette), rows(data, palette)],
        1,
        "Points of every network by number of unstable directions",
    )
}

fn column(unstable: usize) -> f64 {
    X[1] + COLUMN * unstable as f64
}

fn row(network: &NetworkReport, census: &Census, colour: &str, y: f64, most: f64) -> String {
    let index = network.index;
    let baseline = y + ROW - 3.2;
    let mut row = format!(
        r#"<g class="row {colour}" data-n="{index}"><rect class="row-back" x="18" y="{y:.1}" width="262" height="{ROW}"/>"#
    );
    row += &text("tick end", X[0] - 5.0, baseline, &index.to_string());
    row += &format!(
        r#"<rect class="swatch" x="{}" y="{y:.1}" width="6" height="{ROW}"/>"#,
        X[0]
    );
    for (unstable, &n) in census.counts.iter().enumerate() {
        let (x, middle) = (column(unstable), column(unstable) + 0.5 * COLUMN);
        if n == 0 {
            row += &text("number zero", middle, baseline, "·");
            continue;
        }
        // Pale enough that the number stays readable in light and dark.
        let strength = 0.08 + 0.42 * (n as f64 / most).sqrt();
        row += &format!(
            r#"<rect class="heat" x="{:.1}" y="{:.1}" width="{}" height="{}" fill-opacity="{strength:.2}"/>"#,
            x + 0.5,
            y + 0.5,
            COLUMN - 1.0,
            ROW - 1.0
        );
        row += &text("number", middle, baseline, &n.to_string());
    }
    let class = if census.certificate == Certificate::Held {
        "number"
    } else {
        "number axis-label"
    };
    row += &text(class, X[2], baseline, census.certificate.glyph());
    row + "</g>"
}
