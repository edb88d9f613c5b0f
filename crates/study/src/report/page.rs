//! The page around the sections: style, data for the script, script. Nothing is fetched.

use super::data::{Look, NetworkReport, PopulationReport, ReportData};
use super::look::point_tip;
use super::summary::{class_name, networks};
use super::svg::FIGURE_CSS;
use super::text::{escape, number, script_json};
use serde::Serialize;
use std::collections::BTreeMap;

const PAGE_CSS: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// The whole page.
pub(super) fn assemble(data: &ReportData, sections: &[String]) -> String {
    let title = escape(&data.header.title);
    let (json, body) = (script_json(&PageData::of(data)), sections.concat());
    format!(
        r#"<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
{FIGURE_CSS}{PAGE_CSS}</style></head>
<body><main>
{body}
</main><div id="tip" role="status"></div>
<script type="application/json" id="data">{json}</script>
<script>
{SCRIPT}</script></body></html>
"#
    )
}

/// What the script needs beyond the drawings.
#[derive(Serialize)]
struct PageData {
    /// Name of a network on hover, by its index in the study.
    networks: BTreeMap<usize, String>,
    looks: Vec<View>,
}

/// The turning view of one network; coordinates in thousandths of the largest one.
#[derive(Serialize)]
struct View {
    network: usize,
    trajectories: Vec<Vec<[i32; 3]>>,
    points: Vec<ViewPoint>,
}

#[derive(Serialize)]
struct ViewPoint {
    at: [i32; 3],
    kind: usize,
    reached: bool,
    tip: String,
    directions: Vec<[[i32; 3]; 2]>,
}

impl PageData {
    fn of(data: &ReportData) -> Self {
        let name =
            |(p, n): (usize, &NetworkReport)| Some((n.index, hover(data.populations.get(p)?, n)));
        Self {
            networks: networks(data).filter_map(name).collect(),
            looks: data.looks.iter().map(View::of).collect(),
        }
    }
}

fn hover(population: &PopulationReport, network: &NetworkReport) -> String {
    let census = network.census.as_ref().map_or(String::new(), |c| {
        format!(", points {}", class_name(&c.counts))
    });
    format!(
        "{}, network {} (seed {}): {} after {} steps, loss {}{census}",
        population.label,
        network.index,
        network.init_seed,
        network.outcome.words(),
        network.steps,
        number(network.loss)
    )
}

impl View {
    fn of(look: &Look) -> Self {
        let states = look
            .trajectories
            .iter()
            .flatten()
            .chain(look.points.iter().map(|p| &p.at));
        let largest = states
            .flatten()
            .filter(|v| v.is_finite())
            .fold(1e-12, |most: f64, v| most.max(v.abs()));
        // A float-to-integer cast saturates and makes NaN 0: the script always gets a number.
        let place = |state: &[f64; 3]| {
            state.map(|v| (1000.0 * v / largest).round().clamp(-4000.0, 4000.0) as i32)
        };
        let point = |p: &super::data::LookPoint| ViewPoint {
            at: place(&p.at),
            kind: p.unstable.min(4),
            reached: p.reached,
            tip: point_tip(p),
            directions: p
                .directions
                .iter()
                .map(|[a, b]| [place(a), place(b)])
                .collect(),
        };
        Self {
            network: look.network,
            trajectories: look
                .trajectories
                .iter()
                .map(|t| t.iter().map(place).collect())
                .collect(),
            points: look.points.iter().map(point).collect(),
        }
    }
}
