//! The unstable manifold of a point: where its directions end, and which saddles lie on the boundaries between them.
//!
//! A boundary between attractors has measure zero, so no direction drawn at random meets the saddle on it. `j + 1` states
//! that end on `j + 1` different attractors span a simplex; halving its longest edge again and again keeps the ends
//! different and closes in on a place where `j + 1` basins meet. Its trajectory runs to a saddle with `j`
//! unstable directions (for `j = 1` this is edge tracking, Skufca, Yorke and Eckhardt 2006). Rounding grows along the way:
//! whenever the simplex has grown it is halved again where it then is.

use super::Options;
use super::flow::{Flow, distance};
use super::unstable::{orthonormalise, unstable_basis};
use chiliad_engine::linearise::{modulus, spectrum};
use chiliad_tasks::random::{Draws, Stream};
use faer::Mat;
use faer::prelude::Solve;
use std::collections::{BTreeMap, BTreeSet};
use std::f64::consts::TAU;

/// Largest edge of a simplex that is advanced, relative to its distance from where it started, and how much it may grow
/// before it is halved again (project defaults).
const SMALL: f64 = 0.02;
const GROWN: f64 = 10.0;
/// Share of a saddle's distance to the nearest other point within which a simplex has arrived (project default).
const ARRIVED: f64 = 0.1;
/// Simplices that are tried for one set of attractors, and times that one is spanned anew (project default).
const TRIES: usize = 3;
/// Halvings after which a simplex is spanned anew, for each of its edges.
const HALVINGS: usize = 12;
/// Height over base below which a simplex counts as flat, and states around its centre among which another is sought.
const FLAT: f64 = 0.1;
const AROUND: usize = 24;
/// Directions of an unstable sphere at most.
const DIRECTIONS_MAX: usize = 1024;
/// Times from which even directions are taken back, and the natural logarithm of the thinnest wedge that is looked into
/// (project defaults).
const LEVELS: usize = 8;
const WEDGE: f64 = 30.0;
/// Purpose word of the directions around a flat simplex.
const AGAIN: u32 = 0x381;

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

type Vertex = (Vec<f64>, usize);

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
    let (directions, even) = directions(&jacobian, &basis, stream, from, options);
    let vertices: Vec<Vertex> = directions
        .iter()
        .map(|d| {
            let state = combine(home, amplitude, d, &basis);
            let end = flow.end(&state);
            (state, end)
        })
        .collect();
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
    };
    if k == 2 {
        // On a circle every boundary lies between two neighbours.
        let mut order: Vec<usize> = (0..vertices.len()).collect();
        let angle = |i: usize| directions[i][1].atan2(directions[i][0]);
        order.sort_by(|&a, &b| angle(a).total_cmp(&angle(b)));
        for (place, &i) in order.iter().enumerate() {
            let pair = [&vertices[i], &vertices[order[(place + 1) % order.len()]]];
            if pair[0].1 != pair[1].1 {
                match tracker.track(pair.map(Clone::clone).to_vec()) {
                    Some(saddle) => _ = found.links.insert(saddle),
                    None => found.unresolved += 1,
                }
            }
        }
        return found;
    }
    for level in (1..k).rev() {
        if level + 2 == k {
            tracker.complete(&directions, &vertices, known, &mut found);
        }
        for (ends, simplices) in candidates(&directions, &vertices, level) {
            // A saddle already found between these attractors accounts for their boundary.
            let explained = found
                .links
                .iter()
                .any(|l| ends.iter().all(|e| known[*l].ends.contains(e)));
            if explained {
                continue;
            }
            let saddle = simplices.into_iter().find_map(|simplex| {
                tracker.track(simplex.iter().map(|&i| vertices[i].clone()).collect())
            });
            match saddle {
                Some(saddle) => _ = found.links.insert(saddle),
                // More than two basins need not meet anywhere; two neighbours do have a boundary.
                None => found.unresolved += usize::from(level == 1),
            }
        }
    }
    found
}

/// Unit vectors on the unstable sphere of a point, in terms of the basis, and how many of them, from the first on, are
/// spread evenly.
///
/// Where one direction grows faster than another, whatever it meets first decides the end of almost all directions, and
/// what the slow one could reach is left to a thin wedge. The vectors that follow are even ones taken back along the
/// linear flow: they are even at the time when the slowest direction has grown to the size of the attractors.
fn directions(
    jacobian: &[f64],
    basis: &[Vec<f64>],
    stream: &Stream,
    point: usize,
    options: &Options,
) -> (Vec<Vec<f64>>, usize) {
    let (k, n) = (basis.len(), basis[0].len());
    let even = options
        .directions
        .max(4)
        .saturating_mul(1 << (2 * k.saturating_sub(2)).min(10))
        .min(DIRECTIONS_MAX.max(options.directions));
    let mut draws = stream.draws(point as u32);
    let mut all = sphere(k, even, &mut draws);
    let even = all.len();
    let within = Mat::<f64>::from_fn(k, k, |i, j| {
        let image = |a: usize| -> f64 {
            let row = jacobian[a * n..(a + 1) * n].iter();
            row.zip(&basis[j]).map(|(x, y)| x * y).sum()
        };
        (0..n).map(|a| basis[i][a] * image(a)).sum()
    });
    let entries: Vec<f64> = (0..k * k).map(|e| within[(e / k, e % k)]).collect();
    let growth: Vec<f64> = spectrum(&entries, k).map_or_else(Vec::new, |s| {
        s.eigenvalues.iter().map(|v| modulus(*v).ln()).collect()
    });
    let (Some(fastest), Some(slowest)) = (growth.first(), growth.last()) else {
        return (all, even);
    };
    if k < 2 || fastest - slowest < 1e-6 {
        return (all, even);
    }
    let steps = (options.amplitude.recip().ln() / slowest).min(WEDGE / (fastest - slowest));
    let back = within.partial_piv_lu();
    for level in 1..=LEVELS {
        let mut vectors = sphere(k, even.div_ceil(8), &mut draws);
        for vector in &mut vectors {
            for _ in 0..(steps * level as f64 / LEVELS as f64).ceil() as usize {
                let column = Mat::<f64>::from_fn(k, 1, |i, _| vector[i]);
                let before = back.solve(&column);
                let length = (0..k).map(|i| before[(i, 0)].powi(2)).sum::<f64>().sqrt();
                (0..k).for_each(|i| vector[i] = before[(i, 0)] / length);
            }
        }
        all.extend(
            vectors
                .into_iter()
                .filter(|v| v.iter().all(|x| x.is_finite())),
        );
    }
    (all, even)
}

/// Unit vectors: both for one dimension, `n` evenly spaced ones on a circle, else `n` drawn at random.
fn sphere(k: usize, n: usize, draws: &mut Draws) -> Vec<Vec<f64>> {
    match k {
        1 => vec![vec![1.0], vec![-1.0]],
        2 => {
            let phase = f64::from(draws.uniform());
            (0..n)
                .map(|i| TAU * (i as f64 + phase) / n as f64)
                .map(|angle| vec![angle.cos(), angle.sin()])
                .collect()
        }
        _ => (0..n)
            .map(|_| {
                let d: Vec<f64> = (0..k).map(|_| f64::from(draws.normal())).collect();
                let length = d.iter().map(|x| x * x).sum::<f64>().sqrt().max(1e-12);
                d.into_iter().map(|x| x / length).collect()
            })
            .collect(),
    }
}

/// For every set of `level + 1` attractors on which neighbouring directions end: the tightest simplices of such directions,
/// tightest sets first.
/// Around each direction they are gathered outwards until the ends are different enough.
fn candidates(
    directions: &[Vec<f64>],
    vertices: &[Vertex],
    level: usize,
) -> Vec<(Vec<usize>, Vec<Vec<usize>>)> {
    let mut sets: BTreeMap<Vec<usize>, Vec<(f64, Vec<usize>)>> = BTreeMap::new();
    for (i, centre) in directions.iter().enumerate() {
        let mut others: Vec<(f64, usize)> = directions
            .iter()
            .enumerate()
            .map(|(j, d)| (distance(centre, d), j))
            .collect();
        others.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        let mut simplex = vec![i];
        for (size, j) in others {
            if simplex.iter().all(|&s| vertices[s].1 != vertices[j].1) {
                simplex.push(j);
            }
            if simplex.len() == level + 1 {
                let mut ends: Vec<usize> = simplex.iter().map(|&s| vertices[s].1).collect();
                ends.sort_unstable();
                sets.entry(ends).or_default().push((size, simplex));
                break;
            }
        }
    }
    let mut sets: Vec<(f64, Vec<usize>, Vec<Vec<usize>>)> = sets
        .into_iter()
        .map(|(ends, mut simplices)| {
            simplices.sort_by(|a, b| a.0.total_cmp(&b.0));
            let size = simplices[0].0;
            let tightest = simplices.into_iter().take(TRIES).map(|s| s.1);
            (size, ends, tightest.collect())
        })
        .collect();
    sets.sort_by(|a, b| a.0.total_cmp(&b.0).then_with(|| a.1.cmp(&b.1)));
    sets.into_iter().map(|s| (s.1, s.2)).collect()
}

struct Tracker<'a, 'b> {
    flow: &'a mut Flow<'b>,
    points: &'a Points<'a>,
    from: usize,
    k: usize,
    steps_max: usize,
}

impl Tracker<'_, '_> {
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
                let states = simplex.iter().map(|&i| ends[i].clone()).collect();
                found.links.extend(self.track(states));
                if found.links.contains(&b) {
                    break;
                }
            }
        }
    }

    /// The saddle to which the place runs where the basins of the vertices' attractors meet.
    fn track(&mut self, mut simplex: Vec<Vertex>) -> Option<usize> {
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
            let away = distance(&centre(&simplex), home);
            let small = SMALL * away.min(0.5 * ARRIVED * closest / SMALL);
            let mut again = 0;
            while self.shrink(&mut simplex, small).is_none() {
                again += 1;
                if again > TRIES || self.flow.spent() || !self.span_anew(&mut simplex) {
                    return None;
                }
            }
            if flatness(&simplex) < FLAT {
                self.span_anew(&mut simplex);
            }
            while diameter(&simplex).0 <= GROWN * small && taken < self.steps_max {
                for (state, _) in &mut simplex {
                    self.flow.step(state);
                }
                taken += 1;
                let centre = centre(&simplex);
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
                None => simplex[a] = (middle, end),
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
        let vertices: Vec<Vertex> = around
            .iter()
            .map(|d| {
                let state = combine(&centre, radius, d, &plane);
                let end = self.flow.end(&state);
                (state, end)
            })
            .collect();
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

/// `home + length * sum of shares times basis`.
fn combine(home: &[f64], length: f64, shares: &[f64], basis: &[Vec<f64>]) -> Vec<f64> {
    let mut state = home.to_vec();
    for (share, q) in shares.iter().zip(basis) {
        state
            .iter_mut()
            .zip(q)
            .for_each(|(x, y)| *x += length * share * y);
    }
    state
}

/// Edges from the first vertex.
fn edges(simplex: &[Vertex]) -> Vec<Vec<f64>> {
    simplex[1..]
        .iter()
        .map(|(state, _)| {
            state
                .iter()
                .zip(&simplex[0].0)
                .map(|(x, y)| x - y)
                .collect()
        })
        .collect()
}

/// Smallest over largest singular value of the edges; 1 for a simplex of one edge.
fn flatness(simplex: &[Vertex]) -> f64 {
    let edges = edges(simplex);
    if edges.len() < 2 {
        return 1.0;
    }
    let matrix = Mat::<f64>::from_fn(edges[0].len(), edges.len(), |i, j| edges[j][i]);
    match matrix.singular_values() {
        Ok(values) => match (values.first(), values.last()) {
            (Some(most), Some(least)) if *most > 0.0 => least / most,
            _ => 0.0,
        },
        Err(_) => 0.0,
    }
}

fn centre(simplex: &[Vertex]) -> Vec<f64> {
    let mut sum = vec![0.0; simplex[0].0.len()];
    for (state, _) in simplex {
        sum.iter_mut()
            .zip(state)
            .for_each(|(s, x)| *s += x / simplex.len() as f64);
    }
    sum
}

/// Longest edge and its vertices.
fn diameter(simplex: &[Vertex]) -> (f64, usize, usize) {
    let mut longest = (0.0, 0, 0);
    for a in 0..simplex.len() {
        for b in 0..a {
            let length = distance(&simplex[a].0, &simplex[b].0);
            if length > longest.0 {
                longest = (length, a, b);
            }
        }
    }
    longest
}
