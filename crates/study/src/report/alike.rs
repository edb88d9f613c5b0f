//! How alike: a row per measure with its matrix, its picture and its distributions, all against controls.

mod factors;
mod panels;

use super::data::{Alike, Interval, Measure, ReportData};
use super::palette::Palette;
use super::svg::Svg;
use super::text::{escape, number};

pub(super) use factors::section as factor_section;

/// All measures; nothing where nothing was compared.
pub(super) fn section(data: &ReportData, palette: &Palette) -> String {
    let Some(alike) = &data.alike else {
        return String::new();
    };
    let rows: String = alike
        .measures
        .iter()
        .map(|m| row(alike, m, palette))
        .collect();
    let failed: String = alike
        .failed
        .iter()
        .map(|(name, why)| {
            format!(
                "<li>{} was not measured: {}</li>",
                escape(name),
                escape(why)
            )
        })
        .chain(
            alike
                .left_out
                .iter()
                .map(|l| format!("<li>Not compared: {}</li>", escape(l))),
        )
        .collect();
    let legend: String = palette
        .legend()
        .iter()
        .map(|(class, name)| {
            format!(
                r#"<span class="{class}"><i class="key"></i>{}</span>"#,
                escape(name)
            )
        })
        .collect();
    format!(
        r#"<section id="alike"><h2>How alike</h2>
<p class="caption">{}. Left, distances of all pairs, strong is far, networks in the order of the study; middle, networks in the plane as far apart as that allows; right, how far pairs are apart within a level of {} (line) and between levels (dashed line), over what they are held against: band, a network and itself in two halves of the trials; u, before training; s, moments shuffled.</p>
<div class="legend">{legend}</div>{rows}<ul class="notes">{failed}</ul>{}{}</section>"#,
        escape(&alike.how),
        escape(if alike.factor.is_empty() {
            "no factor"
        } else {
            &alike.factor
        }),
        controls(alike),
        elsewhere(alike)
    )
}

fn row(alike: &Alike, m: &Measure, palette: &Palette) -> String {
    let number = m.accuracy.as_ref().map_or(String::new(), |(a, chance)| {
        format!(
            r#"<b>{} {}</b> <span class="quiet">naming the {} from the {} nearest, chance {}</span>"#,
            number(a.value),
            between(a),
            escape(&alike.factor),
            m.neighbours.unwrap_or_default(),
            number(*chance)
        )
    });
    let remarks: String = m
        .remarks
        .iter()
        .map(|r| format!(" {}.", escape(r)))
        .collect();
    let panels: String = panels::all(alike, m, palette)
        .iter()
        .map(Svg::inline)
        .collect();
    format!(
        r#"<h3>{} · {}</h3><p class="measure">{number}</p><div class="multiples">{panels}</div><p class="caption">{}.{remarks}</p>"#,
        escape(&capital(&m.level)),
        escape(&m.name),
        escape(&capital(&m.words)),
    )
}

/// All matrices and pictures as drawings: name, and the three panels side by side.
pub(super) fn figures(data: &ReportData, palette: &Palette) -> Vec<(String, Svg)> {
    let Some(alike) = &data.alike else {
        return Vec::new();
    };
    let one = |m: &Measure| {
        let panels = panels::all(alike, m, palette);
        let label = format!("Distances by {}", m.name);
        (
            format!("distances_{}", m.name),
            Svg::grid(&panels, 3, &label),
        )
    };
    alike.measures.iter().map(one).collect()
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters
        .next()
        .map_or(String::new(), |c| c.to_uppercase().chain(letters).collect())
}

fn between(i: &Interval) -> String {
    format!("[{}, {}]", number(i.low), number(i.high))
}

fn optional(x: Option<f64>) -> String {
    x.map_or("–".to_owned(), number)
}

fn controls(alike: &Alike) -> String {
    if alike.measures.is_empty() {
        return String::new();
    }
    let row = |m: &Measure| {
        let range = |x: Option<[f64; 2]>| {
            x.map_or("–".to_owned(), |[low, high]| {
                format!("{} to {}", number(low), number(high))
            })
        };
        let (halves, twins) = (range(m.halves), range(m.twins));
        let mean = m.mean.as_ref().map_or("–".to_owned(), |i| {
            format!("{} {}", number(i.value), between(i))
        });
        format!(
            r#"<tr><td class="keep">{}</td><td class="n">{mean}</td><td class="n">{}</td><td class="n">{halves}</td><td class="n">{}</td><td class="n">{twins}</td><td class="n">{}</td><td class="n">{}</td></tr>"#,
            escape(&m.name),
            optional(m.permuted),
            optional(m.split),
            optional(m.untrained),
            optional(m.shuffled)
        )
    };
    format!(
        r#"<h3>Controls</h3><p class="caption">Mean distance of all pairs with its 95 % bootstrap interval over networks. Permuted: largest distance of a network to itself with its units in another order, which should be 0. Halves: least and largest distance of a network to itself in two halves of the trials; not where moments are matched, there between halves: how far the distance of two networks in one half is from that in the other, middle of the pairs. Twins: least and largest distance to a network trained from the same initial weights in another order of trials. Untrained: mean over the same pairs before training. Shuffled: mean distance to networks whose moments (weights: entries; fixed points: labels) are in a random order.</p><div class="scroll"><table><thead><tr><th>measure</th><th class="n">mean of pairs</th><th class="n">permuted</th><th class="n">halves</th><th class="n">between halves</th><th class="n">twins</th><th class="n">untrained</th><th class="n">shuffled</th></tr></thead><tbody>{}</tbody></table></div>"#,
        alike.measures.iter().map(row).collect::<String>()
    )
}

fn elsewhere(alike: &Alike) -> String {
    if alike.elsewhere.is_empty() {
        return String::new();
    }
    let row = |(variant, population, mean, deviation): &(String, String, f64, Option<Interval>)| {
        let (value, range, n) = deviation.as_ref().map_or_else(
            || ("–".to_owned(), "–".to_owned(), 0),
            |i| (number(i.value), between(i), i.n),
        );
        format!(
            r#"<tr><td class="keep">{}</td><td class="keep">{}</td><td class="n">{}</td><td class="n">{value}</td><td class="n">{range}</td><td class="n">{n}</td></tr>"#,
            escape(variant),
            escape(population),
            number(*mean),
        )
    };
    format!(
        r#"<h3>Loss where networks were not trained</h3><p class="caption">Standard deviation over the networks that converged (over n), with its 95 % bootstrap interval; the mean beside it, because a larger loss spreads more.</p><div class="scroll"><table><thead><tr><th>variant</th><th>population</th><th class="n">mean loss</th><th class="n">deviation</th><th class="n">95 % interval</th><th class="n">networks</th></tr></thead><tbody>{}</tbody></table></div>"#,
        alike.elsewhere.iter().map(row).collect::<String>()
    )
}
