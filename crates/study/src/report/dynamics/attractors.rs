//! What states end on, and how a command becomes a rhythm.

use super::super::data::{AttractorKind, AttractorKinds, Dynamics, ReportData};
use super::super::palette::Palette;
use super::super::text::{count, escape, percent};
use super::{key, spread, table};

/// Kinds of attractors by population, and, where the inputs are a command, circles and their slopes.
pub(super) fn part(data: &ReportData, palette: &Palette, dynamics: &Dynamics) -> String {
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
        let row = |(i, k): (usize, &AttractorKind)| {
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
