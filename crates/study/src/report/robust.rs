//! Would it break: the same findings at other tolerances, at other losses, and without the worst-trained tenth.

use super::data::{Alike, Interval, ReportData, Snapshot, Tolerances};
use super::text::{escape, number, percent};

/// A table per way to break a finding; nothing where no network was searched or compared.
pub(super) fn section(data: &ReportData) -> String {
    let points = data.robustness.as_ref().map_or(String::new(), |robust| {
        [
            tolerances(&robust.tolerances),
            snapshots(&robust.snapshots),
            worst(&robust.worst_left_out, data.topology.is_some()),
        ]
        .concat()
    });
    let distances = data.alike.as_ref().map_or(String::new(), |alike| {
        better_trained(alike) + &neighbouring(alike)
    });
    if points.is_empty() && distances.is_empty() {
        return String::new();
    }
    format!(r#"<section id="robust"><h2>Would it break</h2>{points}{distances}</section>"#)
}

fn accuracy(i: &Interval) -> String {
    format!(
        "{} <small>{} to {}</small>",
        number(i.value),
        number(i.low),
        number(i.high)
    )
}

/// Naming the level with and without the worst-trained tenth.
fn better_trained(alike: &Alike) -> String {
    if alike.worst_left_out.is_empty() {
        return String::new();
    }
    let row = |(name, all, kept): &(String, Interval, Interval)| {
        format!(
            r#"<tr><td class="keep">{}</td><td class="n">{}</td><td class="n">{}</td></tr>"#,
            escape(name),
            accuracy(all),
            accuracy(kept)
        )
    };
    format!(
        r#"<h3>Naming the {} without the worst-trained tenth</h3><div class="scroll"><table><thead><tr><th>measure</th><th class="n">all networks</th><th class="n">without the tenth</th></tr></thead><tbody>{}</tbody></table></div>"#,
        escape(&alike.factor),
        alike.worst_left_out.iter().map(row).collect::<String>()
    )
}

/// The same distances at other settings.
fn neighbouring(alike: &Alike) -> String {
    type Setting = (String, Option<Interval>, Option<(f64, f64)>);
    if alike.neighbouring.is_empty() {
        return String::new();
    }
    let row = |(name, named, order): &Setting| {
        let (r, p) = order.map_or(("–".to_owned(), "–".to_owned()), |(r, p)| {
            (number(r), number(p))
        });
        format!(
            r#"<tr><td class="keep">{}</td><td class="n">{}</td><td class="n">{r}</td><td class="n">{p}</td></tr>"#,
            escape(name),
            named.as_ref().map_or("–".to_owned(), accuracy)
        )
    };
    format!(
        r#"<h3>Neighbouring settings</h3><p class="caption">Accuracy of naming the {}, and the rank correlation of the distances with those at the setting asked for (Mantel).</p><div class="scroll"><table><thead><tr><th>setting</th><th class="n">accuracy</th><th class="n">same order, r</th><th class="n">p</th></tr></thead><tbody>{}</tbody></table></div>"#,
        escape(&alike.factor),
        alike.neighbouring.iter().map(row).collect::<String>()
    )
}

fn tolerances(rows: &[Tolerances]) -> String {
    let Some(first) = rows.first() else {
        return String::new();
    };
    let heads: String = first
        .at
        .iter()
        .map(|(t, _)| format!(r#"<th class="n">{}</th>"#, number(*t)))
        .collect();
    let row = |t: &Tolerances| {
        let counts: String =
            t.at.iter()
                .map(|(_, [low, middle, high])| {
                    let range = if low == high {
                        String::new()
                    } else {
                        format!(" <small>{low} to {high}</small>")
                    };
                    format!(r#"<td class="n">{middle}{range}</td>"#)
                })
                .collect();
        format!(
            r#"<tr><td class="keep">{}</td>{counts}<td class="n">{} of {}</td></tr>"#,
            escape(&t.population),
            t.same,
            t.searched
        )
    };
    format!(
        r#"<h3>Number of points at three tolerances</h3><p class="caption">Median and range over networks of the number of fixed points when those closer than the tolerance (of the state scale) are one.</p><div class="scroll"><table><thead><tr><th>population</th>{heads}<th class="n">the same at all</th></tr></thead><tbody>{}</tbody></table></div>"#,
        rows.iter().map(row).collect::<String>()
    )
}

fn snapshots(rows: &[Snapshot]) -> String {
    let title = "<h3>Classes at the losses on the way</h3>";
    if rows.is_empty() {
        return format!(
            r#"{title}<p class="caption">No weights were kept on the way; <code>snapshots: [0.01, 0.003]</code> in <code>Train(…)</code>, with <code>Topology()</code>, keeps and compares them.</p>"#
        );
    }
    let row = |s: &Snapshot| {
        let at = s.at_loss.map_or("the end".to_owned(), number);
        let share = s.as_at_the_end as f64 / s.networks.max(1) as f64;
        format!(
            r#"<tr><td class="keep">{}</td><td class="n">{at}</td><td class="n">{}</td><td class="n">{}</td><td class="n">{} ({})</td></tr>"#,
            escape(&s.population),
            s.networks,
            s.classes,
            s.as_at_the_end,
            percent(share)
        )
    };
    format!(
        r#"{title}<p class="caption">Networks at the first evaluation whose loss was at most the one named; how many are then in the class that is most common at the end.</p><div class="scroll"><table><thead><tr><th>population</th><th class="n">loss</th><th class="n">networks</th><th class="n">classes</th><th class="n">in the final class</th></tr></thead><tbody>{}</tbody></table></div>"#,
        rows.iter().map(row).collect::<String>()
    )
}

fn worst(rows: &[(String, Interval)], measured: bool) -> String {
    let title = "<h3>Without the worst-trained tenth</h3>";
    if rows.is_empty() {
        let why = if measured {
            "Fewer than two trained networks: no pair to compare."
        } else {
            "Graphs were not made; <code>Topology()</code> in <code>measure</code> makes them."
        };
        return format!(r#"{title}<p class="caption">{why}</p>"#);
    }
    format!(
        r#"{title}<p class="caption">Universality index on all points (share of pairs of networks in one class), 95 % bootstrap interval over networks.</p>{}"#,
        index_table(rows)
    )
}

/// Estimates with interval and number of networks.
pub(super) fn index_table(rows: &[(String, Interval)]) -> String {
    let row = |(name, e): &(String, Interval)| {
        format!(
            r#"<tr><td class="keep">{}</td><td class="n">{:.3}</td><td class="n">{:.3} to {:.3}</td><td class="n">{}</td></tr>"#,
            escape(name),
            e.value,
            e.low,
            e.high,
            e.n
        )
    };
    format!(
        r#"<div class="scroll"><table><thead><tr><th>universality index</th><th class="n">value</th><th class="n">95 % interval</th><th class="n">networks</th></tr></thead><tbody>{}</tbody></table></div>"#,
        rows.iter().map(row).collect::<String>()
    )
}
