//! Output against target on a few trials, a row per output channel.

use super::super::data::{Look, TrialTrace};
use super::super::scale::Scale;
use super::super::summary::range;
use super::super::svg::{Svg, line_path, text, text_up};

const WIDTH: f64 = 320.0;
const ROW: f64 = 64.0;
const GAP: f64 = 8.0;
const TOP: f64 = 24.0;
const LEFT: f64 = 40.0;
const RIGHT: f64 = 312.0;
/// Channels drawn; more would be thinner than a line.
const MAX_CHANNELS: usize = 6;

/// A panel per trial.
pub(super) fn panels(look: &Look, colour: &str) -> Vec<Svg> {
    let limits = limits(look);
    look.trials
        .iter()
        .enumerate()
        .map(|(k, trial)| panel(trial, k, limits, colour))
        .collect()
}

/// Common range of outputs and targets; outputs of a diverged network do not stretch it beyond thrice the target.
fn limits(look: &Look) -> (f64, f64) {
    let all = |part: fn(&TrialTrace) -> &Vec<Vec<f64>>| {
        range(look.trials.iter().flat_map(part).flatten().copied())
    };
    let (low, high) = all(|t| &t.targets).unwrap_or((-1.0, 1.0));
    let (a, b) = all(|t| &t.outputs).unwrap_or((low, high));
    let reach = (high - low).max(0.1);
    let (low, high) = (low.min(a.max(low - reach)), high.max(b.min(high + reach)));
    let margin = 0.08 * (high - low).max(0.1);
    (low - margin, high + margin)
}

fn panel(trial: &TrialTrace, k: usize, limits: (f64, f64), colour: &str) -> Svg {
    let channels = |part: &Vec<Vec<f64>>| part.iter().map(Vec::len).max().unwrap_or(0);
    let (n_out, n_in) = (
        channels(&trial.targets).max(channels(&trial.outputs)),
        channels(&trial.inputs),
    );
    let n_rows = n_out.min(MAX_CHANNELS);
    let steps = trial
        .inputs
        .len()
        .max(trial.outputs.len())
        .max(trial.targets.len());
    let x = Scale::linear((0.0, steps.max(2) as f64 - 1.0), (LEFT, RIGHT));
    // An input per output shares its row; other inputs share one row below.
    let paired = n_in == n_out;
    let mut rows: Vec<String> = Vec::new();
    for channel in 0..n_rows {
        let top = TOP + (ROW + GAP) * rows.len() as f64;
        let y = Scale::linear(limits, (top + ROW, top));
        let mut row = row_frame(top, &y, &format!("output {}", channel + 1));
        if paired {
            row += &trace("input", &trial.inputs, channel, &x, &y);
        }
        row += &trace("target", &trial.targets, channel, &x, &y);
        row += &trace("output", &trial.outputs, channel, &x, &y);
        row += &trace("predicted", &trial.predicted, channel, &x, &y);
        rows.push(row);
    }
    if !paired && n_in > 0 {
        let top = TOP + (ROW + GAP) * rows.len() as f64;
        let (low, high) = range(trial.inputs.iter().flatten().copied()).unwrap_or((-1.0, 1.0));
        let y = Scale::linear((low.min(0.0), high), (top + ROW, top));
        let lines: String = (0..n_in.min(MAX_CHANNELS))
            .map(|c| trace("input", &trial.inputs, c, &x, &y))
            .collect();
        rows.push(row_frame(top, &y, "input") + &lines);
    }
    let bottom = TOP + (ROW + GAP) * rows.len().max(1) as f64 - GAP;
    let mut body = text("title", LEFT, 13.0, &format!("Trial {}", k + 1));
    if n_out > n_rows {
        body += &text(
            "note end",
            RIGHT,
            13.0,
            &format!("first {n_rows} of {n_out} channels"),
        );
    }
    body += &format!(r#"<g class="{colour}">{}</g>"#, rows.concat());
    for (place, label) in x.ticks(4) {
        body += &text("tick mid", place, bottom + 14.0, &label);
    }
    body += &text(
        "axis-label mid",
        0.5 * (LEFT + RIGHT),
        bottom + 29.0,
        "time (steps)",
    );
    Svg {
        width: WIDTH,
        height: bottom + 36.0,
        label: format!("Output against target, trial {}", k + 1),
        body,
    }
}

fn row_frame(top: f64, y: &Scale, label: &str) -> String {
    let mut frame = format!(
        r#"<path class="frame" d="M{LEFT} {top}V{}H{RIGHT}"/>"#,
        top + ROW
    );
    for (place, tick) in y.ticks(3) {
        frame += &format!(r#"<path class="grid" d="M{LEFT} {place:.1}H{RIGHT}"/>"#);
        frame += &text("tick end", LEFT - 4.0, place + 3.5, &tick);
    }
    frame + &text_up("axis-label mid", 10.0, top + 0.5 * ROW, label)
}

fn trace(class: &str, values: &[Vec<f64>], channel: usize, x: &Scale, y: &Scale) -> String {
    let place = |t: f64, row: &Vec<f64>| Some((x.at(t)?, y.at(*row.get(channel)?)?));
    // An input is a pulse one step wide, not a tent: it is drawn as a staircase.
    let aside: &[f64] = if matches!(class, "input" | "predicted") {
        &[-0.5, 0.5]
    } else {
        &[0.0]
    };
    let places = values
        .iter()
        .enumerate()
        .flat_map(|(t, row)| aside.iter().map(move |dt| place(t as f64 + dt, row)));
    format!(r#"<path class="{class}" d="{}"/>"#, line_path(places))
}
