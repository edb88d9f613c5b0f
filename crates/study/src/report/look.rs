//! One network, looked at: where its states go, its fixed points, their spectra, and three trials.

mod projection;
mod removal;
mod spectrum;
mod trials;

use super::data::{Look, NetworkReport, ReportData};
use super::palette::{Palette, unstable_class, unstable_name};
use super::summary::{class_name, networks};
use super::svg::{Svg, mark_path};
use super::text::{count, escape, number, percent};

/// Picker and one block per network; without scripts all blocks show.
pub(super) fn section(data: &ReportData, palette: &Palette) -> String {
    if data.looks.is_empty() {
        return String::new();
    }
    let options: String = data
        .looks
        .iter()
        .map(|look| format!("<option>{}</option>", escape(&name(data, look))))
        .collect();
    let blocks: String = data
        .looks
        .iter()
        .enumerate()
        .map(|(k, look)| block(data, palette, k, look))
        .collect();
    format!(
        r#"<section id="look"><h2>One network, looked at</h2>
<div class="pick"><label for="picker">Network</label><select id="picker" hidden>{options}</select></div>
{}{blocks}{}</section>"#,
        legend(),
        removal::block(data, palette)
    )
}

/// One drawing per network.
pub(super) fn figures(data: &ReportData, palette: &Palette) -> Vec<(String, Svg)> {
    let figure = |(k, look): (usize, &Look)| {
        let rows = [
            space(look),
            spectrum::panels(look),
            removal::panel(data, palette, look).into_iter().collect(),
            trials::panels(look, palette.class(look.population)),
        ];
        let rows: Vec<Svg> = rows
            .iter()
            .filter(|row| !row.is_empty())
            .map(|row| Svg::grid(row, row.len(), ""))
            .collect();
        // The position keeps names unique should a network be looked at twice.
        (
            format!("look_{k}_network_{}", look.network),
            Svg::grid(&rows, 1, &name(data, look)),
        )
    };
    data.looks.iter().enumerate().map(figure).collect()
}

fn network<'a>(data: &'a ReportData, look: &Look) -> Option<&'a NetworkReport> {
    networks(data)
        .map(|(_, n)| n)
        .find(|n| n.index == look.network)
}

fn name(data: &ReportData, look: &Look) -> String {
    let population = data
        .populations
        .get(look.population)
        .map_or("", |p| p.label.as_str());
    let why = if look.why.is_empty() {
        String::new()
    } else {
        format!(" ({})", look.why)
    };
    format!("{population}, network {}{why}", look.network)
}

/// Trajectories with fixed points, in as many planes as there are components.
fn space(look: &Look) -> Vec<Svg> {
    match look.n_components {
        0 | 1 => vec![projection::against_time(look)],
        2 => vec![projection::plane(look, 0, 1)],
        _ => vec![projection::plane(look, 0, 1), projection::plane(look, 0, 2)],
    }
}

fn block(data: &ReportData, palette: &Palette, k: usize, look: &Look) -> String {
    let mut panels: String = space(look).iter().map(Svg::inline).collect();
    if look.n_components >= 3 {
        panels += &format!(
            r#"<svg class="view3d" data-look="{k}" viewBox="0 0 320 300" style="max-width:320px" role="img" aria-label="Trajectories and fixed points in three principal components, drag to turn"></svg>"#
        );
    }
    let spectra: String = spectrum::panels(look).iter().map(Svg::inline).collect();
    let traces: String = trials::panels(look, palette.class(look.population))
        .iter()
        .map(Svg::inline)
        .collect();
    let predicted = look.trials.iter().any(|t| !t.predicted.is_empty());
    let trials_head = match (traces.is_empty(), predicted) {
        (true, _) => "",
        (_, false) => {
            "<h3>Trials: output (solid) against target (dashed) and input (grey), in task units</h3>"
        }
        (_, true) => {
            "<h3>Trials: output (solid) against target (dashed) and input (grey), in task units; broad: what the graph predicts of the pulses alone, rounded to -1, 0 or 1</h3>"
        }
    };
    format!(
        r#"<div class="look {}"><p class="facts"><i class="key"></i><b>{}</b>. {}</p>
<h3>State space: a few trials and every fixed point</h3><div class="multiples">{panels}</div>
<h3>Eigenvalues of one step at every fixed point</h3><p class="caption">Colour: unstable directions of the point. Outside the unit circle a mode grows (large dots). Time constant: steps in which a mode falls or grows e-fold.</p><div class="multiples spectra">{spectra}</div>
{trials_head}<div class="multiples">{traces}</div></div>"#,
        palette.class(look.population),
        escape(&name(data, look)),
        summary(data, look)
    )
}

fn summary(data: &ReportData, look: &Look) -> String {
    let reached = look.points.iter().filter(|p| p.reached).count();
    let mut parts = vec![format!(
        "{} drawn, {reached} reached",
        count(look.points.len(), "fixed point")
    )];
    if let Some(network) = network(data, look) {
        if let Some(census) = &network.census {
            parts.push(format!(
                "census {} (0/1/2/… unstable directions), certificate {}",
                class_name(&census.counts),
                census.certificate.words()
            ));
        }
        parts.push(format!("loss {}", number(network.loss)));
    }
    let explained: Vec<String> = look
        .variance_explained
        .iter()
        .enumerate()
        .map(|(k, v)| format!("PC{} {}", k + 1, percent(*v)))
        .collect();
    if !explained.is_empty() {
        parts.push(format!("variance explained: {}", explained.join(", ")));
    }
    format!("{}.", escape(&parts.join("; ")))
}

fn legend() -> String {
    let mark = |unstable: usize, reached: &str| {
        format!(
            r#"<svg viewBox="0 0 14 14"><path class="point {} {reached}" d="{}"/></svg>"#,
            unstable_class(unstable),
            mark_path(unstable, 7.0, 7.0, 4.0)
        )
    };
    let kinds: String = (0..5)
        .map(|u| {
            let word = match u {
                0 => "stable".to_owned(),
                1 => "1 unstable direction".to_owned(),
                _ => unstable_name(u).to_owned(),
            };
            format!(
                "<span>{}{word}</span>",
                mark(u, if u == 0 { "reached" } else { "" })
            )
        })
        .collect();
    format!(
        r#"<div class="legend">{kinds}<span>filled: driven states end there</span><span>hollow: never visited</span><span>bars: unstable directions</span></div>"#
    )
}

/// What a fixed point says of itself on hover.
pub(super) fn point_tip(point: &super::data::LookPoint) -> String {
    let reached = if point.reached {
        "reached"
    } else {
        "never visited"
    };
    let directions = count(point.unstable, "unstable direction");
    let modulus = point
        .eigenvalues
        .iter()
        .map(|l| l[0].hypot(l[1]))
        .fold(0.0, f64::max);
    format!(
        "{}: {directions}, {reached}, largest |λ| {}",
        point.label,
        number(modulus)
    )
}
