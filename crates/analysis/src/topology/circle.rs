//! Boundaries on the circle of directions of a point with two unstable ones.
//!
//! Next to a boundary states end where the unstable manifold of the saddle on it ends. Where two neighbouring directions end
//! elsewhere, there are further ends between them: a thin wedge, which is cut up until it is met. Wedges are thin where one
//! direction grows faster than the other, and need not lie at the axes, since the manifold is curved.

use super::manifold::Manifold;
use super::simplex::{Vertex, combine};
use super::tracking::Tracker;

/// Directions between two neighbours, and how often an arc is cut up so (project defaults): 16^10 is the resolution of f64.
const BETWEEN: usize = 15;
const DEPTH: usize = 10;
/// Pairs that are followed for one arc (project default).
const SPLIT: usize = 32;

/// A place on the circle.
pub(crate) type Place = (f64, Vertex);

/// Links and further ends, from places around the circle.
pub(crate) fn boundaries(
    tracker: &mut Tracker,
    basis: &[Vec<f64>],
    amplitude: f64,
    mut around: Vec<Place>,
    known: &[Manifold],
    found: &mut Manifold,
) {
    around.sort_by(|a, b| a.0.total_cmp(&b.0));
    if let Some((angle, first)) = around.first().cloned() {
        around.push((angle + std::f64::consts::TAU, first));
    }
    let mut arcs: Vec<([Place; 2], usize)> = differing(&around).map(|arc| (arc, 0)).collect();
    while let Some((arc, depth)) = arcs.pop() {
        let [a, b] = &arc;
        // What is too thin to be met on the circle may be met where the flow has spread it.
        tracker.split = vec![vec![a.1.clone(), b.1.clone()]];
        let (mut accounted, mut followed) = (true, 0);
        while let Some(mut pair) = tracker.split.pop() {
            if followed == SPLIT {
                accounted = false;
                break;
            }
            followed += 1;
            let saddle = tracker.track(&mut pair);
            found.links.extend(saddle);
            found.ends.extend(pair.iter().map(|v| v.1));
            accounted &= saddle.is_some_and(|s| {
                let ends = &known[s].ends;
                ends.len() < 2 || pair.iter().all(|v| ends.contains(&v.1))
            });
        }
        if accounted {
            continue;
        }
        if depth == DEPTH || tracker.flow.spent() {
            found.unresolved += 1;
            continue;
        }
        let home = &tracker.points.states[tracker.from];
        let angles: Vec<f64> = (1..=BETWEEN)
            .map(|i| a.0 + (b.0 - a.0) * i as f64 / (BETWEEN + 1) as f64)
            .collect();
        let states: Vec<Vec<f64>> = angles
            .iter()
            .map(|angle| combine(home, amplitude, &[angle.cos(), angle.sin()], basis))
            .collect();
        let ends = tracker.flow.ends(&states);
        found.ends.extend(&ends);
        let between = angles.into_iter().zip(states.into_iter().zip(ends));
        let all: Vec<Place> = [a.clone()]
            .into_iter()
            .chain(between)
            .chain([b.clone()])
            .collect();
        arcs.extend(differing(&all).map(|arc| (arc, depth + 1)));
    }
}

/// Neighbours that end differently.
fn differing(around: &[Place]) -> impl Iterator<Item = [Place; 2]> + '_ {
    around
        .windows(2)
        .filter(|pair| pair[0].1.1 != pair[1].1.1)
        .map(|pair| [pair[0].clone(), pair[1].clone()])
}
