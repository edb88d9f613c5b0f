//! Eigenvalues at the fixed points: in the complex plane, and as time constants in steps.

use super::super::data::Look;
use super::super::palette::{unstable_class, unstable_name};
use super::super::scale::Scale;
use super::super::svg::{Plot, Svg, text};

const PLANE: (f64, f64) = (320.0, 320.0);
const STRIP: (f64, f64) = (620.0, 320.0);
/// Least and greatest half-width of the drawn part of the complex plane.
const HALF_WIDTH: (f64, f64) = (1.15, 2.0);
/// Drawn time constants at most, in steps: after a fifth of a step nothing is left; 10,000 outlast any trial.
const STEPS: (f64, f64) = (0.2, 1e4);

/// Both panels.
pub(super) fn panels(look: &Look) -> Vec<Svg> {
    vec![plane(look), time_constants(look)]
}

/// `(class of unstable directions, eigenvalue)` of all points, finite ones only.
fn eigenvalues(look: &Look) -> impl Iterator<Item = (usize, [f64; 2])> {
    let finite = |l: &[f64; 2]| l[0].is_finite() && l[1].is_finite();
    look.points.iter().flat_map(move |p| {
        p.eigenvalues
            .iter()
            .copied()
            .filter(finite)
            .map(|l| (p.unstable.min(4), l))
    })
}

fn plane(look: &Look) -> Svg {
    let [left, top, right, bottom] = Plot::area(PLANE);
    let largest = eigenvalues(look)
        .map(|(_, l)| l[0].abs().max(l[1].abs()))
        .fold(0.0, f64::max);
    let half = (1.05 * largest).clamp(HALF_WIDTH.0, HALF_WIDTH.1);
    // The area is as wide as it is high within a few pixels; the unit circle must be a circle.
    let tall = half * (bottom - top) / (right - left);
    let x = Scale::linear((-half, half), (left, right));
    let y = Scale::linear((-tall, tall), (bottom, top));
    let mut plot = Plot::new(
        PLANE,
        "Complex plane",
        (x, "real part (per step)"),
        (y, "imaginary part (per step)"),
    );
    let radius = 0.5 * (right - left) / half;
    if let Some((cx, cy)) = plot.at(0.0, 0.0) {
        plot.draw(&format!(
            r#"<circle class="circle" cx="{cx:.1}" cy="{cy:.1}" r="{radius:.1}"/>"#
        ));
    }
    let inside = |l: &[f64; 2]| x.holds(l[0]) && y.holds(l[1]);
    for unstable in 0..5 {
        let drawn: Vec<_> = eigenvalues(look)
            .filter(|(u, l)| *u == unstable && inside(l))
            .map(|(_, l)| l)
            .collect();
        for (grows, class) in [(false, "cloud"), (true, "cloud grows")] {
            let places = drawn
                .iter()
                .filter(|l| (l[0].hypot(l[1]) > 1.0) == grows)
                .filter_map(|l| plot.at(l[0], l[1]));
            let path = dots(places);
            plot.draw(&format!(
                r#"<path class="{class} {}" d="{path}"/>"#,
                unstable_class(unstable)
            ));
        }
    }
    let all = eigenvalues(look).count();
    let outside = eigenvalues(look).filter(|(_, l)| !inside(l)).count();
    plot.draw(&text(
        "note end",
        right,
        15.0,
        &format!("{outside} of {all} outside the range"),
    ));
    plot.finish("Eigenvalues of all fixed points in the complex plane")
}

/// Time constant of a mode: 1 / |ln |lambda||, the steps in which it falls (or grows) e-fold.
pub(in super::super) fn time_constant(eigenvalue: [f64; 2]) -> f64 {
    1.0 / eigenvalue[0].hypot(eigenvalue[1]).ln().abs()
}

fn time_constants(look: &Look) -> Svg {
    let [left, top, right, bottom] = Plot::area(STRIP);
    let slowest = eigenvalues(look)
        .map(|(_, l)| time_constant(l))
        .filter(|tau| tau.is_finite());
    let last = slowest.fold(0.0, f64::max).clamp(50.0, STEPS.1);
    let x = Scale::log((STEPS.0, last * 1.2), (left, right));
    let y = Scale::linear((0.0, 5.0), (top, bottom));
    let rows: Vec<_> = (0..5)
        .filter_map(|u| Some((y.at(u as f64 + 0.5)?, unstable_name(u).to_owned())))
        .collect();
    let mut plot = Plot::with_ticks(
        STRIP,
        "Time constants",
        (x, "time constant (steps, log)"),
        &x.ticks(5),
        (y, "unstable directions of the point"),
        &rows,
    );
    let all: Vec<_> = eigenvalues(look)
        .map(|(u, l)| (u, l[0].hypot(l[1]) > 1.0, time_constant(l)))
        .collect();
    for unstable in 0..5 {
        for (grows, class) in [(false, "cloud"), (true, "cloud grows")] {
            let row: Vec<f64> = all
                .iter()
                .filter(|m| m.0 == unstable && m.1 == grows && x.holds(m.2))
                .map(|m| m.2)
                .collect();
            // Growing modes lie above the middle of the row, fading ones spread below it.
            let aside = |k: usize| {
                if grows {
                    -0.3
                } else {
                    -0.1 + 0.45 * (k % 7) as f64 / 6.0
                }
            };
            let path = dots(
                row.iter()
                    .enumerate()
                    .filter_map(|(k, tau)| plot.at(*tau, unstable as f64 + 0.5 + aside(k))),
            );
            plot.draw(&format!(
                r#"<path class="{class} {}" d="{path}"/>"#,
                unstable_class(unstable)
            ));
        }
    }
    let outside = all.iter().filter(|m| !x.holds(m.2)).count();
    plot.draw(&text(
        "note end",
        right,
        15.0,
        &format!("{outside} of {} outside the range", all.len()),
    ));
    plot.finish("Time constants of all fixed points by number of unstable directions")
}

/// Path data of many dots: lines of no length, made round by the style. Ten bytes a dot.
fn dots(places: impl Iterator<Item = (f64, f64)>) -> String {
    places.map(|(x, y)| format!("M{x:.1} {y:.1}h0")).collect()
}
