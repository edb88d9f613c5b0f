//! What they found: the strip of all networks, attractors reached and certificates by population, exceptions.

use super::data::{Census, Certificate, NetworkReport, PopulationReport, ReportData};
use super::palette::Palette;
use super::summary::{censuses, class_name, classes, median, range};
use super::text::{count, escape, number};
use super::{graphs, robust, shares, strip};

/// Classes named in the table; the strip shows the rest.
const MAX_CLASSES: usize = 12;

/// Strip, cards, totals, exceptions.
pub(super) fn section(data: &ReportData, palette: &Palette) -> String {
    let cards: String = data
        .populations
        .iter()
        .enumerate()
        .map(|(p, population)| card(data, population, palette.class(p)))
        .collect();
    format!(
        r#"<section id="found"><h2>What they found</h2>
<p class="caption">Left, a row per network: its fixed points by number of unstable directions (0: stable), rows of one class together (of topology, where graphs were made, else of census), coloured by cell; certificate ● held, ○ open, ◇ degenerate, – not applicable. Right, what driven states ended on after the input was switched off: a dot per network, a line over their range, a bar at the median.</p>
<div class="split"><div class="strip-scroll"><div class="head">{}</div>{}</div><div class="side">{}{cards}</div></div>
{}{}{}{}</section>"#,
        strip::head(palette).inline(),
        strip::rows(data, palette).inline(),
        graphs::cards(data, palette),
        totals(data),
        universality(data),
        class_table(data, palette),
        exceptions(data)
    )
}

/// How universal the classes are, and whether the graphs explain the outputs.
fn universality(data: &ReportData) -> String {
    let Some(topology) = &data.topology else {
        return String::new();
    };
    let fidelity: String = topology
        .fidelity
        .iter()
        .map(|f| format!("<li>{}</li>", escape(f)))
        .collect();
    format!(
        r#"<h3>How universal</h3><p class="caption">Share of pairs of trained networks whose graphs are isomorphic, with the 95 % bootstrap interval over networks.</p>{}<h3>Does the graph explain the network</h3><p class="caption">Automaton fidelity: share of time steps of new trials at which the graph, fed the same pulses, gives the network's rounded outputs.</p><ul class="notes">{fidelity}</ul>"#,
        robust::index_table(&topology.universality)
    )
}

fn card(data: &ReportData, population: &PopulationReport, colour: &str) -> String {
    let searched: Vec<&Census> = population
        .networks
        .iter()
        .filter_map(|n| n.census.as_ref())
        .collect();
    let mut html = format!(
        r#"<div class="cell-card {colour}"><h3><i class="key"></i>{}</h3>"#,
        escape(&population.label)
    );
    if searched.is_empty() {
        return html + r#"<p class="quiet">No network searched.</p></div>"#;
    }
    let judged = searched.iter().filter(|c| c.complete.is_some()).count();
    if judged > 0 {
        let complete = searched.iter().filter(|c| c.complete == Some(true)).count();
        let expected = population
            .expected_attractors
            .as_deref()
            .unwrap_or("the expected attractors");
        html += &format!(
            r#"<p class="big"><b>{complete} of {judged}</b> reach exactly {}</p>"#,
            escape(expected)
        );
    }
    if let Some((low, high)) = range(searched.iter().map(|c| c.fixed_reached as f64)) {
        let reached = if low < high {
            format!("{low} to {high}")
        } else {
            number(low)
        };
        let never: usize = searched.iter().map(|c| c.stable_never_reached).sum();
        html += &format!(
            r#"<p class="caption">Fixed points reached: {reached}. Stable points never reached: {never} in all.</p>"#
        );
    }
    html += &verdict_bar(&searched);
    if let Some(panel) = shares::panel(data, population, colour) {
        html += &panel.inline();
    }
    html + "</div>"
}

fn tally(searched: &[&Census]) -> Vec<(Certificate, usize)> {
    Certificate::ALL
        .into_iter()
        .map(|v| (v, searched.iter().filter(|c| c.certificate == v).count()))
        .collect()
}

/// "held 15, open 1": verdicts that occur.
fn certificates(searched: &[&Census]) -> String {
    let words = tally(searched)
        .into_iter()
        .filter(|(_, n)| *n > 0)
        .map(|(v, n)| format!("{} {n}", v.words()));
    words.collect::<Vec<_>>().join(", ")
}

fn verdict_bar(searched: &[&Census]) -> String {
    let part = |(verdict, n): (Certificate, usize)| {
        let class = match verdict {
            Certificate::Held => "held",
            Certificate::Open => "open",
            Certificate::Degenerate => "degenerate",
            Certificate::NotApplicable => "none",
        };
        let words = verdict.words();
        if n == 0 {
            String::new()
        } else {
            format!(
                r#"<i class="{class}" style="flex:{n}" data-tip="certificate {words}: {n}"></i>"#
            )
        }
    };
    format!(
        r#"<div class="certificate"><span>Certificate: {}</span><div class="bar">{}</div></div>"#,
        certificates(searched),
        tally(searched).into_iter().map(part).collect::<String>()
    )
}

fn totals(data: &ReportData) -> String {
    let all: Vec<&Census> = censuses(data).map(|(_, _, c)| c).collect();
    if all.is_empty() {
        return r#"<p class="facts">No network was searched for fixed points.</p>"#.to_owned();
    }
    let sum = |value: fn(&Census) -> usize| all.iter().map(|c| value(c)).sum::<usize>();
    let points: usize = sum(|c| c.counts.iter().sum());
    let rounds = || all.iter().map(|c| c.rounds as f64);
    let missing: f64 = all
        .iter()
        .filter_map(|c| Some((c.at_least? - c.counts.iter().sum::<usize>() as f64).max(0.0)))
        .filter(|m| m.is_finite())
        .sum();
    let verdicts: Vec<String> = tally(&all)
        .into_iter()
        .map(|(v, n)| format!("{} <b>{n}</b>", v.words()))
        .collect();
    format!(
        r#"<p class="facts"><b>{points}</b> points in {}. Certificate: {}. Rounds: median <b>{}</b>, at most <b>{}</b>. Points hit by one seed only: <b>{}</b>; the Chao estimate says at least <b>{}</b> more exist. Dropped as spurious: <b>{}</b>. Slow points, not counted: <b>{}</b>.</p>"#,
        count(all.len(), "network"),
        verdicts.join(", "),
        number(median(rounds()).unwrap_or(0.0)),
        number(range(rounds()).map_or(0.0, |r| r.1)),
        sum(|c| c.hit_once),
        number(missing.ceil()),
        sum(|c| c.dropped),
        sum(|c| c.slow),
    )
}

/// How many networks of each population fall into each class: what the strip shows, in numbers.
fn class_table(data: &ReportData, palette: &Palette) -> String {
    let all = classes(data);
    if all.is_empty() {
        return String::new();
    }
    let head = |(p, population): (usize, &PopulationReport)| {
        let (colour, label) = (palette.class(p), escape(&population.label));
        format!(r#"<th class="n"><i class="key {colour}"></i>{label}</th>"#)
    };
    let row = |(counts, size): &([usize; 5], usize)| {
        let in_population = |population: &PopulationReport| {
            let censuses = population.networks.iter().filter_map(|n| n.census.as_ref());
            match censuses.filter(|c| c.counts == *counts).count() {
                0 => r#"<td class="n zero">0</td>"#.to_owned(),
                n => format!(r#"<td class="n">{n}</td>"#),
            }
        };
        let cells: String = data.populations.iter().map(in_population).collect();
        let name = class_name(counts);
        let points: usize = counts.iter().sum();
        format!(
            r#"<tr><td class="keep">{name}</td><td class="n">{points}</td>{cells}<td class="n">{size}</td></tr>"#
        )
    };
    let rest = all.len().saturating_sub(MAX_CLASSES);
    let more = if rest == 0 {
        String::new()
    } else {
        format!(r#"<p class="caption">Rarer classes, in the strip only: {rest}.</p>"#)
    };
    format!(
        r#"<h3>Classes: points with 0/1/2/… unstable directions</h3><div class="scroll"><table><thead><tr><th>class</th><th class="n">points</th>{}<th class="n">all</th></tr></thead><tbody>{}</tbody></table></div>{more}"#,
        data.populations
            .iter()
            .enumerate()
            .map(head)
            .collect::<String>(),
        all.iter().take(MAX_CLASSES).map(row).collect::<String>()
    )
}

/// Networks whose attractors are not the expected set, and what their states ended on instead.
fn exceptions(data: &ReportData) -> String {
    let out: Vec<_> = censuses(data)
        .filter(|(_, _, c)| c.complete == Some(false))
        .collect();
    if out.is_empty() {
        let judged = censuses(data)
            .filter(|(_, _, c)| c.complete.is_some())
            .count();
        return if judged == 0 {
            String::new()
        } else {
            r#"<p class="facts">Every network reaches exactly the expected attractors.</p>"#
                .to_owned()
        };
    }
    let row = |(p, network, census): &(usize, &NetworkReport, &Census)| {
        let index = network.index;
        let sum = census
            .index_sum
            .map_or("–".to_owned(), |s| format!("{s:+}").replace('-', "−"));
        format!(
            r#"<tr data-n="{index}"><td class="n">{index}</td><td class="keep">{}</td><td>{}</td><td class="keep">{}</td><td class="keep">{} ({sum})</td><td class="n">{}</td><td class="n">{}</td></tr>"#,
            escape(&data.populations[*p].label),
            escape(&census.ended_on),
            class_name(&census.counts),
            census.certificate.words(),
            census.stable_never_reached,
            number(network.loss)
        )
    };
    format!(
        r#"<h3>Not the expected attractors: {}</h3><div class="scroll"><table><thead><tr><th class="n">network</th><th>population</th><th>driven states ended on</th><th>points 0/1/2/…</th><th>certificate (sum)</th><th class="n">stable, never reached</th><th class="n">loss</th></tr></thead><tbody>{}</tbody></table></div>"#,
        count(out.len(), "network"),
        out.iter().map(row).collect::<String>()
    )
}
