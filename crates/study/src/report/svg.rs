//! Drawing: a figure with axes, and the few marks the report needs.

use super::scale::Scale;
use super::text::escape;

/// Colours and fonts of every figure, in the page and in files.
pub(super) const FIGURE_CSS: &str = include_str!("figure.css");

/// A finished drawing.
pub(super) struct Svg {
    pub(super) width: f64,
    pub(super) height: f64,
    /// What it shows, for readers who do not see it. Plain text.
    pub(super) label: String,
    pub(super) body: String,
}

impl Svg {
    /// For the page, whose style sheet holds [`FIGURE_CSS`].
    pub(super) fn inline(&self) -> String {
        let Self {
            width,
            height,
            body,
            ..
        } = self;
        let label = escape(&self.label);
        format!(
            r#"<svg viewBox="0 0 {width} {height}" style="max-width:{width}px" role="img" aria-label="{label}">{body}</svg>"#
        )
    }

    /// As a file of its own.
    pub(super) fn stand_alone(&self) -> String {
        let (w, h, body) = (self.width + 16.0, self.height + 16.0, &self.body);
        let label = escape(&self.label);
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"-8 -8 {w} {h}\" width=\"{w}\" height=\"{h}\" role=\"img\" aria-label=\"{label}\">\n<style>{FIGURE_CSS}</style>\n<rect x=\"-8\" y=\"-8\" width=\"{w}\" height=\"{h}\" class=\"paper\"/>\n{body}</svg>\n"
        )
    }

    /// Several drawings as one, row by row.
    pub(super) fn grid(parts: &[Self], columns: usize, label: &str) -> Self {
        let (mut body, mut width, mut y) = (String::new(), 0f64, 0.0);
        for row in parts.chunks(columns.max(1)) {
            let mut x = 0.0;
            for part in row {
                body += &format!(r#"<g transform="translate({x} {y})">{}</g>"#, part.body);
                x += part.width;
            }
            width = width.max(x);
            y += row.iter().map(|p| p.height).fold(0.0, f64::max);
        }
        Self {
            width: width.max(1.0),
            height: y.max(1.0),
            label: label.to_owned(),
            body,
        }
    }
}

/// Text at a place, with a CSS class.
pub(super) fn text(class: &str, x: f64, y: f64, content: &str) -> String {
    format!(
        r#"<text class="{class}" x="{x:.1}" y="{y:.1}">{}</text>"#,
        escape(content)
    )
}

/// Text that runs upwards.
pub(super) fn text_up(class: &str, x: f64, y: f64, content: &str) -> String {
    format!(
        r#"<text class="{class}" transform="translate({x:.1} {y:.1}) rotate(-90)">{}</text>"#,
        escape(content)
    )
}

/// Path data through the places that exist; a missing one breaks the line.
pub(super) fn line_path(places: impl IntoIterator<Item = Option<(f64, f64)>>) -> String {
    let (mut path, mut pen_down) = (String::new(), false);
    for place in places {
        if let Some((x, y)) = place {
            path += &format!("{}{x:.1} {y:.1}", if pen_down { "L" } else { "M" });
        }
        pen_down = place.is_some();
    }
    path
}

/// Path data of a mark by number of unstable directions: circle, diamond, square, triangle, cross. Shape and
/// colour say the same thing, so that neither is needed.
pub(super) fn mark_path(unstable: usize, x: f64, y: f64, r: f64) -> String {
    let d = r * 1.25;
    match unstable {
        0 => format!(
            "M{:.1} {y:.1}a{r} {r} 0 1 0 {} 0a{r} {r} 0 1 0 {} 0Z",
            x - r,
            2.0 * r,
            -2.0 * r
        ),
        1 => format!("M{x:.1} {:.1}l{d} {d}l{} {d}l{} {}Z", y - d, -d, -d, -d),
        2 => format!(
            "M{:.1} {:.1}h{}v{}h{}Z",
            x - r,
            y - r,
            2.0 * r,
            2.0 * r,
            -2.0 * r
        ),
        3 => format!("M{x:.1} {:.1}l{d} {}h{}Z", y - d, 2.0 * r, -2.0 * d),
        _ => format!(
            "M{:.1} {y:.1}h{}M{x:.1} {:.1}v{}",
            x - d,
            2.0 * d,
            y - d,
            2.0 * d
        ),
    }
}

/// A figure with two axes in the making.
pub(super) struct Plot {
    pub(super) x: Scale,
    pub(super) y: Scale,
    body: String,
    size: (f64, f64),
}

impl Plot {
    /// Left, top, right and bottom of the plotting area in a drawing of `size`: room for labels left and below, a title above.
    pub(super) fn area(size: (f64, f64)) -> [f64; 4] {
        [48.0, 26.0, size.0 - 10.0, size.1 - 38.0]
    }

    /// Draws title, grid, ticks and axis labels.
    pub(super) fn new(size: (f64, f64), title: &str, x: (Scale, &str), y: (Scale, &str)) -> Self {
        Self::with_ticks(size, title, x, &x.0.ticks(4), y, &y.0.ticks(4))
    }

    /// As [`Plot::new`] with ticks of the caller's: an axis of names, or one without ticks.
    pub(super) fn with_ticks(
        size: (f64, f64),
        title: &str,
        (x, x_label): (Scale, &str),
        x_ticks: &[(f64, String)],
        (y, y_label): (Scale, &str),
        y_ticks: &[(f64, String)],
    ) -> Self {
        let [left, top, right, bottom] = Self::area(size);
        let mut body = text("title", left, 15.0, title);
        for (place, label) in x_ticks {
            body += &format!(r#"<path class="grid" d="M{place:.1} {top}V{bottom}"/>"#);
            body += &text("tick mid", *place, bottom + 14.0, label);
        }
        for (place, label) in y_ticks {
            body += &format!(r#"<path class="grid" d="M{left} {place:.1}H{right}"/>"#);
            body += &text("tick end", left - 5.0, place + 3.5, label);
        }
        body += &format!(r#"<path class="frame" d="M{left} {top}V{bottom}H{right}"/>"#);
        body += &text(
            "axis-label mid",
            0.5 * (left + right),
            bottom + 30.0,
            x_label,
        );
        body += &text_up("axis-label mid", 11.0, 0.5 * (top + bottom), y_label);
        Self { x, y, body, size }
    }

    /// The place of a pair of values.
    pub(super) fn at(&self, x: f64, y: f64) -> Option<(f64, f64)> {
        Some((self.x.at(x)?, self.y.at(y)?))
    }

    /// Adds marks.
    pub(super) fn draw(&mut self, marks: &str) {
        self.body += marks;
    }

    /// The drawing.
    pub(super) fn finish(self, label: &str) -> Svg {
        Svg {
            width: self.size.0,
            height: self.size.1,
            label: label.to_owned(),
            body: self.body,
        }
    }
}
