//! Title, claims and four tiles: the answer before the evidence.

use super::data::{Claim, ReportData, Verdict};
use super::summary::{censuses, classes, converged};
use super::text::{escape, number};

/// The top of the page.
pub(super) fn section(data: &ReportData) -> String {
    let header = &data.header;
    let mut html = format!("<header><h1>{}</h1>", escape(&header.title));
    if !header.subtitle.is_empty() {
        html += &format!(r#"<p class="subtitle">{}</p>"#, escape(&header.subtitle));
    }
    if !header.claims.is_empty() {
        html += &format!(
            r#"<ul class="claims">{}</ul>"#,
            header.claims.iter().map(claim).collect::<String>()
        );
    }
    html += &format!(r#"<div class="tiles">{}</div>"#, tiles(data));
    if !header.notes.is_empty() {
        let notes: String = header
            .notes
            .iter()
            .map(|n| format!("<li>{}</li>", escape(n)))
            .collect();
        html += &format!(r#"<ul class="notes">{notes}</ul>"#);
    }
    html + "</header>"
}

fn claim(claim: &Claim) -> String {
    let (class, words) = match claim.verdict {
        Verdict::Yes => ("yes", "✓ yes"),
        Verdict::No => ("no", "✗ no"),
        Verdict::Undecided => ("undecided", "? undecided"),
    };
    format!(
        r#"<li><span class="verdict {class}">{words}</span><span>{} <span class="quiet">{}</span></span></li>"#,
        escape(&claim.sentence),
        escape(&claim.numbers)
    )
}

fn tiles(data: &ReportData) -> String {
    let trained: usize = data.populations.iter().map(|p| p.networks.len()).sum();
    let met: usize = data.populations.iter().map(converged).sum();
    let searched = censuses(data).count();
    let closed = censuses(data).filter(|(_, _, c)| c.closed).count();
    let (n_classes, of_what) = match data.header.topology_classes {
        Some(n) => (n, "of topology"),
        None => (
            classes(data).len(),
            "of census (points by unstable directions)",
        ),
    };
    let class_word = if n_classes == 1 { "class" } else { "classes" };
    let minutes = data.header.minutes;
    let time = if minutes < 1.0 {
        format!("{} s", number((minutes * 60.0).round()))
    } else {
        format!("{} min", number(minutes))
    };
    let criterion = data.populations.iter().any(|p| p.criterion.is_some());
    let trained_how = if criterion {
        "networks met the criterion"
    } else {
        "networks trained to the end"
    };
    let device = match data.header.device.as_str() {
        "" => "device not recorded".to_owned(),
        name => format!("on {name}"),
    };
    [
        tile(&format!("{met} of {trained}"), trained_how),
        tile(
            &format!("{closed} of {searched}"),
            "censuses closed (two rounds added nothing)",
        ),
        tile(&format!("{n_classes} {class_word}"), of_what),
        tile(&time, &device),
    ]
    .concat()
}

fn tile(value: &str, what: &str) -> String {
    format!(
        r#"<div class="tile"><b>{}</b><span>{}</span></div>"#,
        escape(value),
        escape(what)
    )
}
