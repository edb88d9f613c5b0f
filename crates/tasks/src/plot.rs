//! One trial as SVG: inputs above, targets below, against time in steps. Follows the reader's light or dark scheme.

use std::fmt::{self, Write};

use crate::generators::Span;
use crate::trials::{ChannelNames, Trials};

const WIDTH: f32 = 760.0;
const LEFT: f32 = 64.0;
const RIGHT: f32 = 640.0;
const PANEL: f32 = 150.0;
const TOPS: [f32; 2] = [56.0, 240.0];
const HEIGHT: f32 = 438.0;
/// Beyond it a legend says how many there are, and colours repeat.
const LEGEND: usize = 8;

/// Okabe and Ito's palette, told apart by colour-blind readers, less the two that vanish on white or on black.
const STYLE: &str = "<style>
svg { font: 12px system-ui, sans-serif; color-scheme: light dark; }
.page { fill: #ffffff; } text { fill: #222222; } .title { font-size: 14px; font-weight: 600; }
.axis { stroke: #888888; fill: none; } .grid { stroke: #888888; stroke-opacity: 0.25; } .idle { fill: #888888; }
.epoch { stroke: #888888; stroke-dasharray: 3 3; fill: none; } .name { font-size: 10.5px; }
.line { fill: none; stroke-width: 1.6; stroke-linejoin: round; }
.c0 { stroke: #0072b2; } .c1 { stroke: #d55e00; } .c2 { stroke: #009e73; } .c3 { stroke: #cc79a7; }
.c4 { stroke: #e69f00; } .c5 { stroke: #56b4e9; } .c6 { stroke: #888888; } .c7 { stroke: #8a63d2; }
@media (prefers-color-scheme: dark) { .page { fill: #16181c; } text { fill: #e6e6e6; } .c0 { stroke: #4aa3df; } }
</style>
";

/// Draws trial `trial` under `title`, its channels by their names, its epochs marked by lines and names. Steps that do not
/// count in the loss are shaded in the lower panel, lightly where they count for less. A trial that is not there gives a
/// picture that says so; a channel without a name has a number.
#[must_use]
pub fn trial_svg(
    trials: &Trials,
    trial: usize,
    title: &str,
    names: &ChannelNames,
    spans: &[Span],
) -> String {
    let mut svg = String::new();
    // Writing to a string cannot fail.
    let _ = draw(&mut svg, trials, trial, title, names, spans);
    svg
}

fn draw(
    svg: &mut String,
    trials: &Trials,
    trial: usize,
    title: &str,
    names: &ChannelNames,
    spans: &[Span],
) -> fmt::Result {
    let title = escape(title);
    writeln!(
        svg,
        r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" role="img" aria-label="{title}">"#
    )?;
    svg.push_str(STYLE);
    writeln!(
        svg,
        r#"<rect class="page" width="{WIDTH}" height="{HEIGHT}"/><text class="title" x="{LEFT}" y="26">{title}</text>"#
    )?;
    if trial >= trials.n_trials {
        writeln!(
            svg,
            r#"<text x="{LEFT}" y="60">No trial {trial}: there are {}.</text></svg>"#,
            trials.n_trials
        )?;
        return Ok(());
    }
    let row = |array, channels| channel_rows(array, trial, trials.n_steps, channels);
    let inputs = Panel::new(TOPS[0], row(&trials.inputs, trials.n_inputs));
    let targets = Panel::new(TOPS[1], row(&trials.targets, trials.n_outputs));
    shade(svg, &row(&trials.mask, trials.n_outputs), trials.n_steps)?;
    mark_epochs(svg, spans, trials.n_steps)?;
    inputs.draw(svg, "inputs", &names.inputs)?;
    targets.draw(svg, "targets", &names.outputs)?;
    let (middle, below) = ((LEFT + RIGHT) / 2.0, TOPS[1] + PANEL + 36.0);
    writeln!(
        svg,
        r#"<text x="{middle}" y="{below}" text-anchor="middle">time (steps)</text></svg>"#
    )
}

/// `[channel][time]` of one trial of a `[trial, time, channel]` array.
fn channel_rows(array: &[f32], trial: usize, n_steps: usize, channels: usize) -> Vec<Vec<f32>> {
    let trial = &array[trial * n_steps * channels..][..n_steps * channels];
    (0..channels)
        .map(|c| trial.iter().skip(c).step_by(channels).copied().collect())
        .collect()
}

fn x_of(step: f32, n_steps: usize) -> f32 {
    LEFT + (RIGHT - LEFT) * step / (n_steps.max(2) - 1) as f32
}

/// Grey behind the targets where the loss does not look, one rectangle per run of equal weight.
fn shade(svg: &mut String, mask: &[Vec<f32>], n_steps: usize) -> fmt::Result {
    let weight: Vec<f32> = (0..n_steps)
        .map(|t| mask.iter().map(|c| c[t]).sum())
        .collect();
    let most = weight.iter().copied().fold(f32::MIN_POSITIVE, f32::max);
    let mut start = 0;
    while start < n_steps {
        let run = weight[start..]
            .iter()
            .take_while(|w| **w == weight[start])
            .count();
        let opacity = 0.3 * (1.0 - weight[start] / most);
        if opacity > 0.0 {
            let from = x_of(start as f32 - 0.5, n_steps).max(LEFT);
            let width = x_of((start + run) as f32 - 0.5, n_steps).min(RIGHT) - from;
            writeln!(
                svg,
                r#"<rect class="idle" x="{from:.1}" y="{}" width="{width:.1}" height="{PANEL}" fill-opacity="{opacity:.2}"><title>weight in the loss {}</title></rect>"#,
                TOPS[1], weight[start]
            )?;
        }
        start += run;
    }
    if weight.iter().any(|w| *w < most) {
        let y = TOPS[1] + PANEL + 36.0;
        writeln!(
            svg,
            r#"<text x="{RIGHT}" y="{y}" text-anchor="end">grey: little or no weight in the loss</text>"#
        )?;
    }
    Ok(())
}

/// A line where each epoch but the first begins, its name above the inputs; a name without room is left to the line's
/// tooltip.
fn mark_epochs(svg: &mut String, spans: &[Span], n_steps: usize) -> fmt::Result {
    let mut free_from = LEFT;
    for span in spans.iter().filter(|span| span.to > span.from) {
        let edge = |step: usize| x_of(step as f32 - 0.5, n_steps).clamp(LEFT, RIGHT);
        let (from, to) = (edge(span.from), edge(span.to));
        let (name, until) = (escape(&span.name), span.to);
        if span.from > 0 {
            writeln!(
                svg,
                r#"<path class="epoch" d="M{from:.1} {}V{}M{from:.1} {}V{}"><title>{name}: steps {} to {until}</title></path>"#,
                TOPS[0],
                TOPS[0] + PANEL,
                TOPS[1],
                TOPS[1] + PANEL,
                span.from
            )?;
        }
        // About 5.6 pixels a letter.
        let (middle, half) = ((from + to) / 2.0, 2.8 * span.name.len() as f32);
        if middle - half >= free_from {
            let y = TOPS[0] - 5.0;
            writeln!(
                svg,
                r#"<text class="name" x="{middle:.1}" y="{y}" text-anchor="middle">{name}</text>"#
            )?;
            free_from = middle + half + 4.0;
        }
    }
    Ok(())
}

struct Panel {
    top: f32,
    channels: Vec<Vec<f32>>,
    low: f32,
    high: f32,
}

impl Panel {
    fn new(top: f32, channels: Vec<Vec<f32>>) -> Self {
        // Zero is always in view, and no range is empty.
        let (low, high) = channels
            .iter()
            .flatten()
            .fold((0.0_f32, 0.0_f32), |(l, h), x| (l.min(*x), h.max(*x)));
        let margin = if high > low { 0.06 * (high - low) } else { 1.0 };
        Self {
            top,
            channels,
            low: low - margin,
            high: high + margin,
        }
    }

    fn y_of(&self, value: f32) -> f32 {
        self.top + PANEL * (self.high - value) / (self.high - self.low)
    }

    fn draw(&self, svg: &mut String, what: &str, names: &[String]) -> fmt::Result {
        let (top, bottom, width) = (self.top, self.top + PANEL, RIGHT - LEFT);
        for tick in ticks(self.low, self.high) {
            let (y, text) = (self.y_of(tick as f32), LEFT - 8.0);
            writeln!(
                svg,
                r#"<path class="grid" d="M{LEFT} {y:.1}H{RIGHT}"/><text x="{text}" y="{:.1}" text-anchor="end">{tick}</text>"#,
                y + 4.0
            )?;
        }
        let n_steps = self.channels.first().map_or(0, Vec::len);
        for tick in ticks(0.0, (n_steps.max(2) - 1) as f32) {
            let (x, text) = (x_of(tick as f32, n_steps), bottom + 18.0);
            writeln!(
                svg,
                r#"<path class="axis" d="M{x:.1} {bottom}v4"/><text x="{x:.1}" y="{text}" text-anchor="middle">{tick}</text>"#
            )?;
        }
        writeln!(
            svg,
            r#"<rect class="axis" x="{LEFT}" y="{top}" width="{width}" height="{PANEL}"/>"#
        )?;
        let middle = top + PANEL / 2.0;
        writeln!(
            svg,
            r#"<text transform="translate(18 {middle}) rotate(-90)" text-anchor="middle">{what}</text>"#
        )?;
        for (channel, values) in self.channels.iter().enumerate() {
            let (points, colour) = (self.points(channel, values), channel % LEGEND);
            let name = names
                .get(channel)
                .map_or_else(|| format!("{what} {channel}"), |name| escape(name));
            writeln!(
                svg,
                r#"<polyline class="line c{colour}" points="{points}"><title>{name}</title></polyline>"#
            )?;
            if channel < LEGEND {
                let (x, y) = (RIGHT + 12.0, top + 10.0 + 17.0 * channel as f32);
                let (text, base) = (x + 26.0, y + 4.0);
                writeln!(
                    svg,
                    r#"<path class="line c{colour}" d="M{x} {y}h20"/><text x="{text}" y="{base}">{name}</text>"#
                )?;
            }
        }
        let more = self.channels.len().saturating_sub(LEGEND);
        if more > 0 {
            let (x, y) = (RIGHT + 12.0, top + 14.0 + 17.0 * LEGEND as f32);
            writeln!(svg, r#"<text x="{x}" y="{y}">and {more} more</text>"#)?;
        }
        Ok(())
    }

    /// A channel that mostly holds its value is drawn as steps, each as wide as its time step, and moved by a pixel or two,
    /// so that equal channels do not hide each other; any other as a line from value to value.
    fn points(&self, channel: usize, values: &[f32]) -> String {
        let n_steps = values.len();
        let held = values.windows(2).filter(|pair| pair[0] == pair[1]).count();
        let mut points = String::new();
        for (step, value) in values.iter().enumerate() {
            let (step, y) = (step as f32, self.y_of(*value));
            // Writing to a string cannot fail.
            let _ = if 2 * held >= n_steps {
                let apart = 1.8
                    * ((channel % LEGEND) as f32
                        - (self.channels.len().min(LEGEND) - 1) as f32 / 2.0);
                let (from, to) = (
                    x_of(step - 0.5, n_steps).max(LEFT),
                    x_of(step + 0.5, n_steps).min(RIGHT),
                );
                write!(points, "{from:.1},{0:.1} {to:.1},{0:.1} ", y + apart)
            } else {
                write!(points, "{:.1},{y:.1} ", x_of(step, n_steps))
            };
        }
        points
    }
}

/// Multiples of 1, 2 or 5 times a power of ten, about five of them.
fn ticks(low: f32, high: f32) -> Vec<f64> {
    let (low, high) = (f64::from(low), f64::from(high));
    let rough = (high - low) / 5.0;
    let power = 10_f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0]
        .map(|m| m * power)
        .into_iter()
        .find(|s| *s >= rough)
        .unwrap_or(rough);
    let (first, last) = ((low / step).ceil() as i64, (high / step).floor() as i64);
    // Rounded to the step's own digits, so that 0.3 is not written 0.30000000000000004.
    let digits = 10_f64.powf((-step.log10().floor()).max(0.0));
    (first..=last.min(first.saturating_add(20)))
        .map(|k| (k as f64 * step * digits).round() / digits)
        .collect()
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}
