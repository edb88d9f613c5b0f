//! The graph of each class of topology, drawn once: nodes where the readout puts them, edges along unstable manifolds.

use super::data::{ReportData, TopologyClass};
use super::palette::{Palette, unstable_class};
use super::summary::class_letter;
use super::svg::{Svg, mark_path, text};
use super::text::{count, escape};

const SIZE: (f64, f64) = (250.0, 230.0);
/// Classes drawn; the strip shows the rest.
const DRAWN: usize = 6;
/// Nodes closer than this, in the drawing, cannot be told apart.
const CLOSE: f64 = 9.0;

/// Cards of the largest classes.
pub(super) fn cards(data: &ReportData, palette: &Palette) -> String {
    let Some(topology) = &data.topology else {
        return String::new();
    };
    let card = |(c, class): (usize, &TopologyClass)| {
        let shares: String = class
            .members
            .iter()
            .enumerate()
            .filter(|(_, (n, _))| *n > 0)
            .filter_map(|(p, (n, of))| {
                Some(format!(
                    r#"<span class="{}"><i class="key"></i>{} {n} of {of}</span> "#,
                    palette.class(p),
                    escape(&data.populations.get(p)?.label)
                ))
            })
            .collect();
        format!(
            r#"<div class="graph-card">{}<p class="caption">{shares}</p></div>"#,
            drawing(class, c).inline()
        )
    };
    let cards: String = topology
        .classes
        .iter()
        .take(DRAWN)
        .enumerate()
        .map(card)
        .collect();
    let rest = topology.classes.len().saturating_sub(DRAWN);
    let more = if rest == 0 {
        String::new()
    } else {
        format!(r#"<p class="caption">Rarer classes, in the strip only: {rest}.</p>"#)
    };
    format!(
        r#"<div class="graphs"><h3>The graph of each class</h3><p class="caption">Nodes where the readout puts them (outputs 1 and 2 across and up, output 3 aslant), or in rows by unstable directions where that would hide some; lines run from points with more unstable directions to points with fewer. Filled: driven states end there, or on all it leads to; hollow: never visited.</p><div class="multiples">{cards}</div>{more}</div>"#
    )
}

/// All of them as one drawing.
pub(super) fn figure(data: &ReportData) -> Option<Svg> {
    let topology = data.topology.as_ref()?;
    let parts: Vec<Svg> = topology
        .classes
        .iter()
        .take(DRAWN)
        .enumerate()
        .map(|(c, class)| drawing(class, c))
        .collect();
    Some(Svg::grid(&parts, 3, "The graph of each class of topology"))
}

fn drawing(class: &TopologyClass, c: usize) -> Svg {
    let places = places(class);
    let networks: usize = class.members.iter().map(|m| m.0).sum();
    let points = class
        .points
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>();
    let title = format!(
        "{} · {} · {}",
        class_letter(c),
        points.join("/"),
        count(networks, "network")
    );
    let mut body = text("title", 6.0, 14.0, &title);
    for (from, to) in &class.edges {
        if let (Some(a), Some(b)) = (places.get(*from), places.get(*to)) {
            body += &format!(
                r#"<path class="link" d="M{:.1} {:.1}L{:.1} {:.1}"/>"#,
                a.0, a.1, b.0, b.1
            );
        }
    }
    for (node, (x, y)) in class.nodes.iter().zip(&places) {
        let reached = if node.reached { " reached" } else { "" };
        // What is no fixed point has a cross.
        let mark = if node.fixed { node.unstable.min(3) } else { 4 };
        let kind = if node.fixed { "" } else { ", no fixed point" };
        body += &format!(
            r#"<path class="point {}{reached}" d="{}" data-tip="{}"/>"#,
            unstable_class(node.unstable),
            mark_path(mark, *x, *y, 4.0),
            escape(&format!(
                "{}: {}{kind}",
                node.label,
                count(node.unstable, "unstable direction")
            ))
        );
    }
    for (x, name) in [
        (0.2, "output 1 →"),
        (0.5, "output 2 ↑"),
        (0.8, "output 3 ↗"),
    ] {
        body += &text("axis-label mid", x * SIZE.0, SIZE.1 - 4.0, name);
    }
    Svg {
        width: SIZE.0,
        height: SIZE.1,
        label: format!("Graph of class {}", class_letter(c)),
        body,
    }
}

/// By readout where no two nodes fall together, else in rows by unstable directions.
fn places(class: &TopologyClass) -> Vec<(f64, f64)> {
    let flat: Vec<Option<(f64, f64)>> = class
        .nodes
        .iter()
        .map(|n| {
            let y = |k: usize| n.readout.get(k).copied().unwrap_or(0.0);
            let known = !n.readout.is_empty() && n.readout.iter().all(|y| y.is_finite());
            known.then(|| (y(0) + 0.42 * y(2), y(1) + 0.32 * y(2)))
        })
        .collect();
    let largest = flat
        .iter()
        .flatten()
        .fold(1e-9_f64, |m, (x, y)| m.max(x.abs()).max(y.abs()));
    let (middle, half) = ((0.5 * SIZE.0, 0.5 * SIZE.1), 0.5 * SIZE.1 - 26.0);
    let placed: Option<Vec<(f64, f64)>> = flat
        .iter()
        .map(|p| p.map(|(x, y)| (middle.0 + half * x / largest, middle.1 - half * y / largest)))
        .collect();
    let apart = |places: &[(f64, f64)]| {
        (0..places.len()).all(|i| {
            (0..i).all(|j| (places[i].0 - places[j].0).hypot(places[i].1 - places[j].1) > CLOSE)
        })
    };
    match placed.filter(|p| apart(p)) {
        Some(places) => places,
        None => rows(class),
    }
}

fn rows(class: &TopologyClass) -> Vec<(f64, f64)> {
    let row = |n: &super::data::ClassNode| n.unstable;
    let most = class.nodes.iter().map(row).max().unwrap_or(0);
    let mut taken = vec![0.0; most + 1];
    class
        .nodes
        .iter()
        .map(|n| {
            let of = class.nodes.iter().filter(|o| row(o) == row(n)).count();
            taken[row(n)] += 1.0;
            let x = 10.0 + (SIZE.0 - 20.0) * taken[row(n)] / (of as f64 + 1.0);
            let y = SIZE.1 - 34.0 - (SIZE.1 - 66.0) * row(n) as f64 / most.max(1) as f64;
            (x, y)
        })
        .collect()
}
