//! The unstable manifold of a point: where its directions end, and which saddles lie on the boundaries between them.
//!
//! A boundary between attractors has measure zero, so no direction drawn at random meets the saddle on it: it is tracked.

use super::Options;
use super::circle::boundaries;
use super::closure::{implied, missing};
use super::directions::{directions, sphere};
use super::flow::Flow;
use super::graph::NodeKind;
use super::simplex::{Vertex, combine};
use super::tracking::Tracker;
use super::unstable::unstable_basis;
use chiliad_tasks::random::Stream;
use std::collections::{BTreeMap, BTreeSet};

/// Rounds of further directions, as many again each, where the index rule says that links are missing (project default).
const MORE: u32 = 1;
/// Purpose of these directions within the stream of a network.
const AGAIN: u32 = 0x394;

/// What is known about the fixed points of one network at one constant input.
pub(crate) struct Points<'a> {
    pub(crate) states: &'a [Vec<f64>],
    pub(crate) unstable: &'a [usize],
    /// Distance to the nearest other point, at most the state scale.
    pub(crate) nearest: Vec<f64>,
}

/// What the unstable manifold of one point does.
#[derive(Clone, Debug, Default)]
pub(crate) struct Manifold {
    /// Attractor -> share of the directions, drawn evenly, that end there.
    pub(crate) shares: BTreeMap<usize, f64>,
    /// Attractors on which any direction ends, the thinnest wedges included.
    pub(crate) ends: BTreeSet<usize>,
    /// Points on the boundaries between them.
    pub(crate) links: BTreeSet<usize>,
    /// Boundaries that led to no known saddle.
    pub(crate) unresolved: usize,
}

/// Follows the unstable manifold of point `from`; `known` holds the manifolds of all points with fewer unstable directions.
pub(crate) fn follow(
    flow: &mut Flow,
    points: &Points,
    from: usize,
    known: &[Manifold],
    stream: &Stream,
    options: &Options,
) -> Manifold {
    let mut found = Manifold::default();
    let (home, k) = (&points.states[from], points.unstable[from]);
    let jacobian = flow.map.jacobian(&mut flow.scratch, home);
    let basis = unstable_basis(&jacobian, home.len(), k).filter(|_| !flow.spent());
    let Some(basis) = basis else {
        found.unresolved = 1;
        return found;
    };
    let amplitude = options.amplitude * points.nearest[from];
    let (mut directions, even) = directions(&jacobian, &basis, stream, options);
    let starts: Vec<Vec<f64>> = directions
        .iter()
        .map(|d| combine(home, amplitude, d, &basis))
        .collect();
    let ends = flow.ends(&starts);
    let mut vertices: Vec<Vertex> = starts.into_iter().zip(ends).collect();
    for (_, end) in &vertices[..even] {
        *found.shares.entry(*end).or_default() += 1.0 / even as f64;
    }
    found.ends = vertices.iter().map(|v| v.1).collect();
    if k < 2 || found.ends.len() < 2 {
        return found;
    }
    let mut tracker = Tracker {
        flow,
        points,
        from,
        k,
        steps_max: options.steps_max,
        tried: BTreeSet::new(),
        split: Vec::new(),
    };
    if k == 2 {
        // On a circle every boundary lies between two neighbours.
        let angles = directions.iter().map(|d| d[1].atan2(d[0]));
        let around = angles.zip(vertices).collect();
        boundaries(&mut tracker, &basis, amplitude, around, known, &mut found);
        return found;
    }
    for round in 0..=MORE {
        tracker.all_levels(&directions, &vertices, known, &mut found);
        let is_point = |a: usize| tracker.flow.attractors[a].kind == NodeKind::Stable;
        let open = missing(from, &found, known, points.unstable, &is_point).is_some_and(|m| m > 0);
        if !open || round == MORE || tracker.flow.spent() {
            break;
        }
        let mut draws = stream.child(AGAIN, round).draws(0);
        let more = sphere(k, directions.len(), &mut draws);
        let starts: Vec<Vec<f64>> = more
            .iter()
            .map(|d| combine(home, amplitude, d, &basis))
            .collect();
        let ends = tracker.flow.ends(&starts);
        found.ends.extend(&ends);
        directions.extend(more);
        vertices.extend(starts.into_iter().zip(ends));
    }
    // What a link's own links are is said there.
    let implied = implied(&found, known);
    found.links.retain(|l| !implied.contains(l));
    found
}
