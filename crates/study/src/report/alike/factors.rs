//! The factor table: level x factor, with effect, interval, p and n.

use super::super::data::{Effect, ReportData};
use super::super::text::{escape, number};
use super::{between, optional};

/// The table; nothing where no factor was varied.
pub(in super::super) fn section(data: &ReportData) -> String {
    let effects = data.alike.as_ref().map_or(&[][..], |a| &a.effects);
    if effects.is_empty() {
        return String::new();
    }
    let rows: String = effects.iter().map(row).collect();
    format!(
        r#"<section id="factors"><h2>What tells them apart</h2>
<p class="caption">Effect: mean distance of pairs of different levels over that of pairs of one level, with its 95 % bootstrap interval over networks; 1 where the factor does nothing. Alike: share of pairs of different levels at distance 0. R²: share of the squared distances that the levels account for, with its permutation p (PERMANOVA). k-NN: balanced accuracy of naming the level from the k nearest networks, its interval over the networks named, chance, and the same before training. Given loss: rank correlation of the distance with being of different levels, differences of the loss held fixed (partial Mantel).</p>
<div class="scroll"><table><thead><tr><th>level</th><th>measure</th><th>factor</th><th class="n">n</th><th class="n">effect</th><th class="n">alike</th><th class="n">R²</th><th class="n">p</th><th class="n">k-NN (chance)</th><th class="n">untrained</th><th class="n">silhouette</th><th class="n">given loss (p)</th></tr></thead><tbody>{rows}</tbody></table></div></section>"#
    )
}

fn row(e: &Effect) -> String {
    let with = |i: Option<&super::Interval>| {
        i.map_or("–".to_owned(), |i| {
            format!("{} <small>{}</small>", number(i.value), between(i))
        })
    };
    let accuracy = e.accuracy.as_ref().map_or("–".to_owned(), |(a, chance)| {
        format!(
            "{} ({}) <small>{}, k = {}</small>",
            number(a.value),
            number(*chance),
            between(a),
            e.neighbours.unwrap_or_default()
        )
    });
    let given = e.given_loss.map_or("–".to_owned(), |(r, p)| {
        format!("{} ({})", number(r), number(p))
    });
    format!(
        r#"<tr><td class="keep">{}</td><td class="keep">{}</td><td>{}</td><td class="n">{}</td><td class="n">{}</td><td class="n">{}</td><td class="n">{}</td><td class="n">{}</td><td class="n">{accuracy}</td><td class="n">{}</td><td class="n">{}</td><td class="n">{given}</td></tr>"#,
        escape(&e.level),
        escape(&e.measure),
        escape(&e.factor),
        e.n,
        with(e.ratio.as_ref()),
        with(e.alike.as_ref()),
        optional(e.explained.map(|x| x.0)),
        optional(e.explained.map(|x| x.1)),
        optional(e.untrained),
        optional(e.silhouette),
    )
}
