//! Small-worldness: more clustered than chance, hardly longer paths than chance.

use chiliad_tasks::random::Stream;
use faer::Mat;
use std::collections::VecDeque;

/// Purpose of the streams that rewire.
const REWIRE: u32 = 0x340;

/// `sigma = (C / C_null) / (L / L_null)` (Humphries & Gurney 2008) and its parts.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct SmallWorld {
    /// Above 1: a small world. None where the null has no triangle or no path.
    pub sigma: Option<f64>,
    /// Mean local clustering coefficient (Watts & Strogatz 1998); a unit with fewer than two neighbours has 0.
    pub clustering: f64,
    /// Harmonic mean path length, `1 / mean(1/d)` (Newman 2003): pieces that cannot reach each other do not make it infinite.
    pub path_length: f64,
    /// The same two, averaged over the null graphs.
    pub clustering_null: f64,
    /// Averaged over the null graphs.
    pub path_length_null: f64,
}

/// Neighbours of every unit in the undirected graph of the strongest connections: a share `density` of all pairs, by
/// `max(|W_ij|, |W_ji|)`, of equals the first; never a connection of weight 0.
pub fn strongest(weights: &Mat<f64>, density: f64) -> Vec<Vec<usize>> {
    let n = weights.nrows();
    let mut pairs: Vec<(f64, usize, usize)> = (0..n)
        .flat_map(|i| (0..i).map(move |j| (j, i)))
        .map(|(j, i)| (weights[(i, j)].abs().max(weights[(j, i)].abs()), j, i))
        .filter(|p| p.0 > 0.0)
        .collect();
    pairs.sort_by(|a, b| b.0.total_cmp(&a.0).then((a.1, a.2).cmp(&(b.1, b.2))));
    let wanted = (density.clamp(0.0, 1.0) * (n * n.saturating_sub(1) / 2) as f64).round();
    let mut neighbours = vec![Vec::new(); n];
    for (_, i, j) in pairs.into_iter().take(wanted as usize) {
        neighbours[i].push(j);
        neighbours[j].push(i);
    }
    neighbours.iter_mut().for_each(|of| of.sort_unstable());
    neighbours
}

/// Of an undirected graph against `nulls` graphs with the same degrees, made by ten swaps of ends per connection (Maslov &
/// Sneppen 2002) from the stream of `seed`.
pub fn small_world(neighbours: &[Vec<usize>], nulls: usize, seed: u64) -> SmallWorld {
    let (clustering, path_length) = (clustering(neighbours), path_length(neighbours));
    let (mut clustering_null, mut path_length_null) = (0.0, 0.0);
    for k in 0..nulls {
        let null = rewired(neighbours, &Stream::new(seed, REWIRE), k as u32);
        clustering_null += self::clustering(&null) / nulls as f64;
        path_length_null += self::path_length(&null) / nulls as f64;
    }
    let sigma = (clustering / clustering_null) / (path_length / path_length_null);
    SmallWorld {
        sigma: Some(sigma).filter(|s| s.is_finite()),
        clustering,
        path_length,
        clustering_null,
        path_length_null,
    }
}

fn clustering(neighbours: &[Vec<usize>]) -> f64 {
    let local = |of: &Vec<usize>| {
        let pairs = of.len() * of.len().saturating_sub(1) / 2;
        let closed = of
            .iter()
            .enumerate()
            .flat_map(|(k, a)| of[..k].iter().map(move |b| (a, b)))
            .filter(|(a, b)| neighbours[**a].binary_search(b).is_ok())
            .count();
        closed as f64 / pairs.max(1) as f64
    };
    neighbours.iter().map(local).sum::<f64>() / neighbours.len().max(1) as f64
}

/// Infinite where no two units are connected.
fn path_length(neighbours: &[Vec<usize>]) -> f64 {
    let n = neighbours.len();
    let mut sum = 0.0;
    for start in 0..n {
        let mut steps = vec![None; n];
        steps[start] = Some(0_u32);
        let mut queue = VecDeque::from([(start, 0)]);
        while let Some((at, d)) = queue.pop_front() {
            for next in &neighbours[at] {
                if steps[*next].is_none() {
                    steps[*next] = Some(d + 1);
                    sum += 1.0 / f64::from(d + 1);
                    queue.push_back((*next, d + 1));
                }
            }
        }
    }
    (n * n.saturating_sub(1)) as f64 / sum
}

fn rewired(neighbours: &[Vec<usize>], stream: &Stream, index: u32) -> Vec<Vec<usize>> {
    let n = neighbours.len();
    let mut connected = vec![vec![false; n]; n];
    let mut edges: Vec<(usize, usize)> = Vec::new();
    for (i, of) in neighbours.iter().enumerate() {
        for j in of {
            connected[i][*j] = true;
            if i < *j {
                edges.push((i, *j));
            }
        }
    }
    let mut draws = stream.draws(index);
    for _ in 0..10 * edges.len() {
        let (e, f) = (
            draws.below(edges.len() as u32) as usize,
            draws.below(edges.len() as u32) as usize,
        );
        let (a, b) = edges[e];
        let (c, d) = if draws.sign() > 0.0 {
            edges[f]
        } else {
            (edges[f].1, edges[f].0)
        };
        if a == d || c == b || connected[a][d] || connected[c][b] {
            continue;
        }
        for (x, y, now) in [(a, b, false), (c, d, false), (a, d, true), (c, b, true)] {
            connected[x][y] = now;
            connected[y][x] = now;
        }
        (edges[e], edges[f]) = ((a, d), (c, b));
    }
    connected
        .iter()
        .map(|row| (0..n).filter(|j| row[*j]).collect())
        .collect()
}
