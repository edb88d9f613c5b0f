//! From a boundary between attractors to the saddle on it.
//!
//! `j + 1` states that end on `j + 1` different attractors span a simplex; halving its longest edge again and again keeps
//! the ends different and closes in on a place where `j + 1` basins meet. Its trajectory runs to a saddle with `j`
//! unstable directions (for `j = 1` this is edge tracking, Skufca, Yorke and Eckhardt 2006). Rounding grows along the way:
//! whenever the simplex has grown it is halved again where it then is.

use super::closure::complete;
use super::directions::sphere;
use super::flow::{Flow, distance};
use super::graph::NodeKind;
use super::manifold::{Manifold, Points};
use super::simplex::{TRIES, Vertex, candidates, centre, combine, diameter, edges, flatness};
use super::unstable::orthonormalise;
use chiliad_tasks::random::Stream;
use std::collections::BTreeSet;

/// Largest edge of a simplex that is advanced, relative to its distance from where it started, and how much it may grow
/// before it is halved again (project defaults).
const SMALL: f64 = 0.02;
const GROWN: f64 = 10.0;
/// Share of a saddle's distance to the nearest other point within which a simplex has arrived (project default).
const ARRIVED: f64 = 0.1;
/// Halvings after which a simplex is spanned anew, for each of its edges.
const HALVINGS: usize = 12;
/// Height over base below which a simplex counts as flat, and states around its centre among which another is sought.
const FLAT: f64 = 0.1;
const AROUND: usize = 24;
/// Purpose word of the directions around a flat simplex.
const AGAIN: u32 = 0x381;

/// Follows boundaries of one unstable manifold.
pub(crate) struct Tracker<'a, 'b> {
    pub(crate) flow: &'a mut Flow<'b>,
    pub(crate) points: &'a Points<'a>,
    pub(crate) from: usize,
    pub(crate) k: usize,
    pub(crate) steps_max: usize,
    /// Simplices that were tracked, by their directions.
    pub(crate) tried: BTreeSet<Vec<usize>>,
    /// Pairs that were left behind where a third end turned up between two states.
    pub(crate) split: Vec<Vec<Vertex>>,
}

impl Tracker<'_, '_> {
    /// Saddles on the boundaries of attractors that neighbouring directions end on, many attractors first.
    pub(crate) fn all_levels(
        &mut self,
        directions: &[Vec<f64>],
        vertices: &[Vertex],
        known: &[Manifold],
        found: &mut Manifold,
    ) {
        found.unresolved = 0;
        for level in (1..self.k).rev() {
            if level + 2 == self.k && !self.closes(known, found) {
                self.complete(directions, vertices, known, found);
            }
            for (ends, simplices) in candidates(directions, vertices, level) {
                if self.closes(known, found) {
                    return;
                }
                // A saddle already found between these attractors accounts for their boundary.
                let explained = found
                    .links
                    .iter()
                    .any(|l| ends.iter().all(|e| known[*l].ends.contains(e)));
                if explained {
                    continue;
                }
                let saddle = simplices
                    .into_iter()
                    .find_map(|simplex| self.track_new(simplex, vertices));
                match saddle {
                    Some(saddle) => _ = found.links.insert(saddle),
                    // More than two basins need not meet anywhere; two neighbours do have a boundary.
                    None => found.unresolved += usize::from(level == 1),
                }
            }
        }
        self.closes(known, found);
    }

    /// Whether no link can be missing, those added that the others ask for.
    fn closes(&self, known: &[Manifold], found: &mut Manifold) -> bool {
        let is_point = |a: usize| self.flow.attractors[a].kind == NodeKind::Stable;
        complete(self.from, found, known, self.points.unstable, &is_point)
    }

    /// Tracks a simplex of some vertices, unless it was tracked before: it would fail again.
    fn track_new(&mut self, simplex: Vec<usize>, vertices: &[Vertex]) -> Option<usize> {
        let mut states = simplex.iter().map(|&i| vertices[i].clone()).collect();
        if self.tried.insert(simplex) {
            self.track(&mut states)
        } else {
            None
        }
    }

    /// A saddle with one unstable direction less, between attractors that are all among the ends here, is sought once more
    /// where no link to it was found: among the directions that end on its attractors alone.
    fn complete(
        &mut self,
        directions: &[Vec<f64>],
        vertices: &[Vertex],
        known: &[Manifold],
        found: &mut Manifold,
    ) {
        for (b, of_b) in known.iter().enumerate() {
            let missing = self.points.unstable[b] + 1 == self.k
                && !found.links.contains(&b)
                && of_b.ends.is_subset(&found.ends);
            if !missing {
                continue;
            }
            let (near, ends): (Vec<Vec<f64>>, Vec<Vertex>) = directions
                .iter()
                .zip(vertices)
                .filter(|(_, v)| of_b.ends.contains(&v.1))
                .map(|(d, v)| (d.clone(), v.clone()))
                .unzip();
            let simplices = candidates(&near, &ends, self.k - 1);
            for simplex in simplices.iter().flat_map(|s| &s.1) {
                let mut states = simplex.iter().map(|&i| ends[i].clone()).collect();
                found.links.extend(self.track(&mut states));
                if found.links.contains(&b) {
                    break;
                }
            }
        }
    }

    /// The saddle to which the place runs where the basins of the vertices' attractors meet; the simplex is then near it.
    pub(crate) fn track(&mut self, simplex: &mut Vec<Vertex>) -> Option<usize> {
        if self.flow.spent() {
            return None;
        }
        let level = simplex.len() - 1;
        let home = &self.points.states[self.from];
        let closest = self
            .points
            .nearest
            .iter()
            .fold(self.flow.scale, |m, d| m.min(*d));
        let (mut taken, mut left) = (0, false);
        while taken < self.steps_max {
            let away = distance(&centre(simplex), home);
            let small = SMALL * away.min(0.5 * ARRIVED * closest / SMALL);
            let mut again = 0;
            while self.shrink(simplex, small).is_none() {
                again += 1;
                if again > TRIES || self.flow.spent() || !self.span_anew(simplex) {
                    return None;
                }
            }
            if flatness(simplex) < FLAT {
                self.span_anew(simplex);
            }
            while diameter(simplex).0 <= GROWN * small && taken < self.steps_max {
                for (state, _) in simplex.iter_mut() {
                    self.flow.step(state);
                }
                taken += 1;
                let centre = centre(simplex);
                left |= distance(&centre, home) > 2.0 * ARRIVED * self.points.nearest[self.from];
                if let Some(saddle) = self.arrived(&centre, level, left) {
                    return Some(saddle);
                }
            }
        }
        None
    }

    /// Halves the longest edge until none is longer than `small`; none where that does not come to an end. Where the middle
    /// of the edge belongs to a third vertex, the basins meet beyond the edge: that vertex is mirrored in the middle.
    fn shrink(&mut self, simplex: &mut [Vertex], small: f64) -> Option<()> {
        let n = simplex.len();
        for _ in 0..HALVINGS * n * (n - 1) / 2 {
            let (length, a, b) = diameter(simplex);
            if length <= small {
                return Some(());
            }
            let middle = centre(&[simplex[a].clone(), simplex[b].clone()]);
            let end = self.flow.end(&middle);
            match (0..n).find(|&v| simplex[v].1 == end) {
                Some(third) if third != a && third != b => {
                    let mirrored: Vec<f64> = middle
                        .iter()
                        .zip(&simplex[third].0)
                        .map(|(m, x)| 2.0 * m - x)
                        .collect();
                    let beyond = self.flow.end(&mirrored);
                    match (0..n).find(|&v| simplex[v].1 == beyond) {
                        Some(same) if same != third => {
                            simplex[same] = (mirrored, beyond);
                            simplex[third] = (middle, end);
                        }
                        _ => simplex[third] = (mirrored, beyond),
                    }
                }
                Some(v) => simplex[v] = (middle, end),
                None => {
                    let left = std::mem::replace(&mut simplex[a], (middle, end));
                    if n == 2 {
                        self.split.push(vec![left, simplex[a].clone()]);
                    }
                }
            }
        }
        None
    }

    /// Replaces a simplex by one of states on a sphere around its centre, in the space that it spans; false where no such
    /// states have different enough ends. A halving that goes in circles ends so, and a simplex that has become flat:
    /// directions in which the flow grows slowly are lost among those in which it grows fast.
    fn span_anew(&mut self, simplex: &mut Vec<Vertex>) -> bool {
        let level = simplex.len() - 1;
        if level < 2 {
            return false;
        }
        let mut plane = edges(simplex);
        orthonormalise(&mut plane, simplex[0].0.len());
        let (radius, centre) = (0.5 * diameter(simplex).0, centre(simplex));
        let around = sphere(
            level,
            AROUND,
            &mut Stream::new(0, AGAIN).draws(level as u32),
        );
        let starts: Vec<Vec<f64>> = around
            .iter()
            .map(|d| combine(&centre, radius, d, &plane))
            .collect();
        let ends = self.flow.ends(&starts);
        let vertices: Vec<Vertex> = starts.into_iter().zip(ends).collect();
        let mut ends: Vec<usize> = simplex.iter().map(|v| v.1).collect();
        ends.sort_unstable();
        let sets = candidates(&around, &vertices, level);
        let same = sets.iter().find(|s| s.0 == ends);
        let Some((_, tightest)) = same.or(sets.first()) else {
            return false;
        };
        *simplex = tightest[0].iter().map(|&i| vertices[i].clone()).collect();
        true
    }

    /// The saddle near which a state is and to which Newton's method takes it.
    fn arrived(&mut self, state: &[f64], level: usize, left: bool) -> Option<usize> {
        let p = (0..self.points.states.len()).find(|&p| {
            let index = self.points.unstable[p];
            let may = (1..=level).contains(&index) && index < self.k || (p == self.from && left);
            may && distance(&self.points.states[p], state) <= ARRIVED * self.points.nearest[p]
        })?;
        let point = self.flow.newton(state)?;
        (distance(&point, &self.points.states[p]) <= 0.01 * self.points.nearest[p]).then_some(p)
    }
}
