//! Trajectories and fixed points in a plane of principal components.

use super::super::data::{Look, LookPoint};
use super::super::palette::unstable_class;
use super::super::scale::Scale;
use super::super::summary::range;
use super::super::svg::{Plot, Svg, line_path, mark_path};
use super::super::text::{escape, percent};
use super::point_tip;

const SIZE: (f64, f64) = (320.0, 300.0);

/// Components `i` and `j`, in the same units on both axes.
pub(super) fn plane(look: &Look, i: usize, j: usize) -> Svg {
    let [left, top, right, bottom] = Plot::area(SIZE);
    let (mut a, mut b) = (extent(look, i), extent(look, j));
    // One unit has one length: the axis with room to spare is widened around its middle.
    let unit = f64::max((a.1 - a.0) / (right - left), (b.1 - b.0) / (bottom - top));
    a = widened(a, unit * (right - left));
    b = widened(b, unit * (bottom - top));
    let x = Scale::linear(a, (left, right));
    let y = Scale::linear(b, (bottom, top));
    let title = format!("PC{} and PC{}", i + 1, j + 1);
    let mut plot = Plot::new(
        SIZE,
        &title,
        (x, &component(look, i)),
        (y, &component(look, j)),
    );
    for trial in &look.trajectories {
        let path = line_path(trial.iter().map(|s| plot.at(s[i], s[j])));
        plot.draw(&format!(r#"<path class="trajectory" d="{path}"/>"#));
    }
    for point in &look.points {
        for [from, to] in &point.directions {
            let path = line_path([plot.at(from[i], from[j]), plot.at(to[i], to[j])]);
            plot.draw(&format!(
                r#"<path class="direction {}" d="{path}"/>"#,
                unstable_class(point.unstable)
            ));
        }
    }
    // Saddles first: the attractors, which matter most, lie on top.
    let mut order: Vec<&LookPoint> = look.points.iter().collect();
    order.sort_by_key(|p| std::cmp::Reverse(p.unstable));
    for point in order {
        if let Some(place) = plot.at(point.at[i], point.at[j]) {
            plot.draw(&mark(point, place));
        }
    }
    plot.finish(&format!("{title}: trajectories and fixed points"))
}

/// A state of one dimension: its value along time, fixed points at the right edge.
pub(super) fn against_time(look: &Look) -> Svg {
    let [left, top, right, bottom] = Plot::area(SIZE);
    let steps = look.trajectories.iter().map(Vec::len).max().unwrap_or(1);
    let x = Scale::linear((0.0, steps.max(2) as f64), (left, right));
    let y = Scale::linear(extent(look, 0), (bottom, top));
    let mut plot = Plot::new(
        SIZE,
        "The state along time",
        (x, "time (steps)"),
        (y, &component(look, 0)),
    );
    for trial in &look.trajectories {
        let path = line_path(
            trial
                .iter()
                .enumerate()
                .map(|(t, s)| plot.at(t as f64, s[0])),
        );
        plot.draw(&format!(r#"<path class="trajectory" d="{path}"/>"#));
    }
    for point in &look.points {
        if let Some((_, place)) = plot.at(0.0, point.at[0]) {
            plot.draw(&mark(point, (right, place)));
        }
    }
    plot.finish("The state along time, with its fixed points")
}

fn mark(point: &LookPoint, (x, y): (f64, f64)) -> String {
    let reached = if point.reached { " reached" } else { "" };
    let class = unstable_class(point.unstable);
    format!(
        r#"<path class="point {class}{reached}" data-tip="{}" d="{}"/>"#,
        escape(&point_tip(point)),
        mark_path(point.unstable, x, y, 4.0)
    )
}

fn component(look: &Look, k: usize) -> String {
    let share = look
        .variance_explained
        .get(k)
        .map(|v| format!(", {} of variance", percent(*v)))
        .unwrap_or_default();
    format!("PC{} (state units{share})", k + 1)
}

/// Range of one component over trajectories, points and directions, with a margin.
fn extent(look: &Look, k: usize) -> (f64, f64) {
    let states = look.trajectories.iter().flatten().map(|s| s[k]);
    let points = look.points.iter().map(|p| p.at[k]);
    let ends = look.points.iter().flat_map(|p| &p.directions).flatten();
    let ends = ends.map(|end| end[k]);
    let (low, high) = range(states.chain(points).chain(ends)).unwrap_or((-1.0, 1.0));
    let margin = 0.06 * (high - low).max(1e-6);
    (low - margin, high + margin)
}

fn widened((low, high): (f64, f64), length: f64) -> (f64, f64) {
    let middle = 0.5 * (low + high);
    (middle - 0.5 * length, middle + 0.5 * length)
}
