//! Whether the links of a saddle can be all, and when they are: rules on the closure of its unstable manifold.

use super::manifold::Manifold;
use std::collections::{BTreeMap, BTreeSet};

/// By how many points the closure of a point's unstable manifold misses the index rule; none where the rule does not apply.
///
/// Where every point on it is met once, the closure is a ball of `k` dimensions, one for each unstable direction of its
/// centre, and its boundary is cut by the unstable manifolds of the points on it into cells: their numbers, by
/// dimension and with alternating sign, sum to the Euler characteristic of a sphere, `1 + (-1)^(k - 1)`. A link that was
/// not found leaves its saddle out of the sum. The rule does not apply where attractors are no fixed points, where
/// both sides of a point on the boundary end on the same attractor, and where a link leads back to the point itself.
pub(crate) fn missing(
    from: usize,
    manifold: &Manifold,
    known: &[Manifold],
    unstable: &[usize],
    is_point: &dyn Fn(usize) -> bool,
) -> Option<usize> {
    let mut attractors = manifold.ends.clone();
    let mut saddles = BTreeSet::new();
    let mut open: Vec<usize> = manifold.links.iter().copied().collect();
    if attractors.len() < 2 || manifold.links.contains(&from) {
        return None;
    }
    while let Some(saddle) = open.pop() {
        if saddles.insert(saddle) {
            let of_saddle = &known[saddle];
            if of_saddle.ends.len() < 2 {
                return None;
            }
            attractors.extend(&of_saddle.ends);
            open.extend(&of_saddle.links);
        }
    }
    if !attractors.iter().all(|a| is_point(*a)) {
        return None;
    }
    let sign = |k: usize| if k.is_multiple_of(2) { 1 } else { -1 };
    let sum: i64 = saddles.iter().map(|s| sign(unstable[*s])).sum();
    let sphere = 1 + sign(unstable[from] + 1);
    usize::try_from((sum + attractors.len() as i64 - sphere).abs()).ok()
}

/// Whether links found of a point with three or more unstable directions are all there can be, so that none needs to be sought.
///
/// The boundary of the closure is a sphere, cut into cells of one dimension less, the unstable manifolds of links with one
/// unstable direction less. Cells that are whole themselves and of which every ridge (a link of theirs, with two less) belongs to
/// exactly two make a closed surface; a closed surface within a sphere of its own dimension is the sphere. Applies where
/// [`missing`] does, and asks more: its sum can come out right by chance.
pub(crate) fn closed(
    from: usize,
    found: &Manifold,
    known: &[Manifold],
    unstable: &[usize],
    is_point: &dyn Fn(usize) -> bool,
) -> bool {
    let k = unstable[from];
    let cells: Vec<usize> = found
        .links
        .iter()
        .copied()
        .filter(|l| unstable[*l] + 1 == k)
        .collect();
    let whole = |c: &usize| missing(*c, &known[*c], known, unstable, is_point) == Some(0);
    if k < 3 || cells.is_empty() || !cells.iter().all(whole) {
        return false;
    }
    let mut ridges: BTreeMap<usize, usize> = BTreeMap::new();
    let mut ends = BTreeSet::new();
    for of_cell in cells.iter().map(|c| &known[*c]) {
        ends.extend(&of_cell.ends);
        for ridge in of_cell.links.iter().filter(|r| unstable[**r] + 2 == k) {
            *ridges.entry(*ridge).or_default() += 1;
        }
    }
    let met_twice = !ridges.is_empty() && ridges.values().all(|n| *n == 2);
    met_twice && ends == found.ends && missing(from, found, known, unstable, is_point) == Some(0)
}

/// Adds the links that the closure of a point with three or more unstable directions cannot do without.
///
/// On the sphere that bounds it every ridge belongs to exactly two cells (see [`closed`]). A ridge of which one cell is known
/// therefore has another; where one whole point alone can be it, it is. Nothing is added unless the surface closes so; whether
/// it does.
pub(crate) fn complete(
    from: usize,
    found: &mut Manifold,
    known: &[Manifold],
    unstable: &[usize],
    is_point: &dyn Fn(usize) -> bool,
) -> bool {
    let k = unstable[from];
    if k < 3 {
        return false;
    }
    let cells: Vec<usize> = (0..known.len())
        .filter(|c| unstable[*c] + 1 == k)
        .filter(|c| missing(*c, &known[*c], known, unstable, is_point) == Some(0))
        .collect();
    // First among the cells that join nothing but what directions have ended on.
    let among = |c: &usize| known[*c].ends.is_subset(&found.ends);
    let near: Vec<usize> = cells.iter().copied().filter(among).collect();
    let known_cell = found.links.iter().any(|l| unstable[*l] + 1 == k);
    for (cells, begins) in [(&near, !known_cell), (&cells, false)] {
        // Without any cell known, every one may be the first: there must be only one surface.
        let firsts = cells.iter().map(|c| Some(*c)).filter(|_| begins);
        let mut surfaces: Vec<Manifold> = Vec::new();
        for first in firsts.chain((!begins).then_some(None)) {
            let mut whole = found.clone();
            whole.links.extend(first);
            while let Some(cell) = forced(&whole, k, cells, known, unstable) {
                whole.links.insert(cell);
                whole.ends.extend(&known[cell].ends);
            }
            let new = surfaces.iter().all(|s| s.links != whole.links);
            if new && closed(from, &whole, known, unstable, is_point) {
                surfaces.push(whole);
            }
        }
        if let [surface] = &mut surfaces[..] {
            surface.unresolved = 0;
            *found = surface.clone();
            return true;
        }
    }
    false
}

/// The only one of some cells that can be the second at a ridge of which one is known.
fn forced(
    found: &Manifold,
    k: usize,
    cells: &[usize],
    known: &[Manifold],
    unstable: &[usize],
) -> Option<usize> {
    let ridges = |c: usize| {
        let links = known[c].links.iter().copied();
        links.filter(|r| unstable[*r] + 2 == k)
    };
    let mut met: BTreeMap<usize, usize> = BTreeMap::new();
    for &cell in found.links.iter().filter(|l| unstable[**l] + 1 == k) {
        ridges(cell).for_each(|r| *met.entry(r).or_default() += 1);
    }
    met.iter().filter(|m| *m.1 == 1).find_map(|(ridge, _)| {
        let mut others = cells
            .iter()
            .filter(|c| !found.links.contains(c) && ridges(**c).any(|r| r == *ridge));
        match (others.next(), others.next()) {
            (Some(only), None) => Some(*only),
            _ => None,
        }
    })
}

/// Links of links: points that the closure has because it has a greater one.
pub(crate) fn implied(found: &Manifold, known: &[Manifold]) -> BTreeSet<usize> {
    let mut all = BTreeSet::new();
    let mut open: Vec<usize> = found.links.iter().copied().collect();
    while let Some(link) = open.pop() {
        for &below in &known[link].links {
            if all.insert(below) {
                open.push(below);
            }
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The closure of a point with three unstable directions whose boundary is that of a cube: corners are attractors 0 to 7,
    /// edges points 0 to 11, faces 12 to 17, the centre 18.
    fn cube() -> (Vec<Manifold>, Vec<usize>) {
        let corners: Vec<[i32; 3]> = (0..8).map(|c| [c & 1, c >> 1 & 1, c >> 2 & 1]).collect();
        let of = |fixed: &dyn Fn(&[i32; 3]) -> bool| -> BTreeSet<usize> {
            (0..8).filter(|&c| fixed(&corners[c])).collect()
        };
        let mut edges = Vec::new();
        let mut faces = Vec::new();
        for axis in 0..3 {
            for side in 0..2 {
                faces.push(of(&|c| c[axis] == side));
                for other in 0..2 {
                    let (u, v) = ((axis + 1) % 3, (axis + 2) % 3);
                    edges.push(of(&|c| c[u] == side && c[v] == other));
                }
            }
        }
        let manifold = |ends: BTreeSet<usize>, links: BTreeSet<usize>| Manifold {
            ends,
            links,
            ..Manifold::default()
        };
        let within = |face: &BTreeSet<usize>| -> BTreeSet<usize> {
            (0..12).filter(|&e| edges[e].is_subset(face)).collect()
        };
        let mut all: Vec<Manifold> = edges
            .iter()
            .map(|e| manifold(e.clone(), BTreeSet::new()))
            .collect();
        all.extend(faces.iter().map(|f| manifold(f.clone(), within(f))));
        all.push(manifold((0..8).collect(), (12..18).collect()));
        let unstable = (0..19).map(|p| [1, 2, 3][usize::from(p > 11) + usize::from(p > 17)]);
        (all, unstable.collect())
    }

    #[test]
    fn a_cube_is_complete_and_every_link_left_out_is_counted() {
        let (mut all, unstable) = cube();
        let of = |p: usize, all: &[Manifold]| missing(p, &all[p], all, &unstable, &|_| true);
        for p in 0..19 {
            assert_eq!(of(p, &all), Some(0), "point {p}");
        }
        let mut without_an_edge = all.clone();
        without_an_edge[12].links.pop_first();
        assert_eq!(of(12, &without_an_edge), Some(1));
        // Two opposite faces: every edge is still on another one.
        for left_out in 1..=2 {
            all[18].links.pop_last();
            assert_eq!(of(18, &all), Some(left_out));
        }
        assert_eq!(missing(18, &all[18], &all, &unstable, &|a| a != 3), None);
    }
    #[test]
    fn a_cube_is_closed_with_its_six_faces_and_with_no_fewer() {
        let (mut all, unstable) = cube();
        let links: Vec<usize> = all[18].links.iter().copied().collect();
        for chosen in 0_u32..1 << 6 {
            let some = links.iter().enumerate();
            all[18].links = some
                .filter(|(i, _)| chosen >> i & 1 == 1)
                .map(|(_, l)| *l)
                .collect();
            let found = closed(18, &all[18], &all, &unstable, &|_| true);
            assert_eq!(found, chosen == 0b11_1111, "{chosen:06b}");
        }
        // Three faces around a corner satisfy the sum, and are not closed.
        let around: BTreeSet<usize> = [0_usize, 1, 2, 3, 4, 5]
            .iter()
            .map(|i| links[*i])
            .filter(|f| all[*f].ends.contains(&0))
            .collect();
        assert_eq!(around.len(), 3);
        all[18].links = around;
        assert_eq!(missing(18, &all[18], &all, &unstable, &|_| true), Some(0));
        assert!(!closed(18, &all[18], &all, &unstable, &|_| true));
        // An attractor that no face has: something is missing after all.
        all[18].links = links.into_iter().collect();
        all[18].ends.insert(8);
        assert!(!closed(18, &all[18], &all, &unstable, &|_| true));
    }
}
