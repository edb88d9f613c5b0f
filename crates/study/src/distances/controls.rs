//! What a distance between two networks is to be held against: the same network changed in ways that should make no
//! difference, or all the difference.

use super::seen::Seen;
use chiliad_tasks::{Draws, Stream};
use serde::{Deserialize, Serialize};

/// Purposes of random numbers.
const PERMUTED: u32 = 0x440;
const SHUFFLED: u32 = 0x441;

/// A spread of distances.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Spread {
    /// Least.
    pub least: f64,
    /// Middle one.
    pub median: f64,
    /// Largest.
    pub most: f64,
    /// Mean.
    pub mean: f64,
    /// How many.
    pub n: usize,
}

impl Spread {
    /// Of some distances; none without any, or where one is not a number.
    #[must_use]
    pub fn of(mut distances: Vec<f64>) -> Option<Self> {
        if distances.is_empty() || !distances.iter().all(|d| d.is_finite()) {
            return None;
        }
        distances.sort_by(f64::total_cmp);
        let n = distances.len();
        Some(Self {
            least: distances[0],
            median: distances[n / 2],
            most: distances[n - 1],
            mean: distances.iter().sum::<f64>() / n as f64,
            n,
        })
    }
}

/// Distances that belong to one measure; none where it makes no sense, or was not asked for.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Controls {
    /// A network and itself with its units in another order: nothing should be left.
    pub permuted: Option<Spread>,
    /// A network in the first and in the second half of the trials: the floor of what networks are told apart by.
    pub halves: Option<Spread>,
    /// Where moments are matched: how far the distance of two networks in the first half of the trials is from that in the
    /// second. Differences between distances that are smaller than this say nothing.
    #[serde(default)]
    pub split: Option<Spread>,
    /// A network and one trained from the same initial weights in another order of trials.
    #[serde(default)]
    pub twins: Option<Spread>,
    /// A network and another whose moments are in a random order (weights: entries; fixed points: labels).
    pub shuffled: Option<Spread>,
}

/// The same network with its units in another order.
#[must_use]
pub fn permuted(seen: &Seen, seed: u64, member: usize) -> Seen {
    let mut draws = Stream::new(seed, PERMUTED).draws(member as u32);
    let units = seen.shape[2];
    let order = random_order(units, &mut draws);
    let turn = |row: &[f64]| order.iter().map(|&u| row[u]).collect::<Vec<f64>>();
    let mut other = seen.clone();
    other.states = seen.states.chunks(units.max(1)).flat_map(turn).collect();
    if let Ok(w) = &mut other.weights {
        let n = w.matrix.nrows();
        let order = random_order(n, &mut draws);
        w.matrix = faer::Mat::from_fn(n, n, |i, j| w.matrix[(order[i], order[j])]);
    }
    if let Some(p) = &mut other.points {
        let width = p.points.first().map_or(0, Vec::len);
        let order = random_order(width, &mut draws);
        for point in &mut p.points {
            *point = order.iter().map(|&u| point[u]).collect();
        }
    }
    other
}

/// The same network with its moments in a random order, outputs alike.
#[must_use]
pub fn shuffled(seen: &Seen, seed: u64, member: usize) -> Seen {
    let mut draws = Stream::new(seed, SHUFFLED).draws(member as u32);
    let [trials, steps, units] = seen.shape;
    let order = random_order(trials * steps, &mut draws);
    let rows = |values: &[f64], width: usize| -> Vec<f64> {
        let row = |&m: &usize| values[m * width..(m + 1) * width].to_vec();
        order.iter().flat_map(row).collect()
    };
    let mut other = seen.clone();
    other.states = rows(&seen.states, units);
    other.outputs = rows(&seen.outputs, seen.n_outputs);
    if let Ok(w) = &mut other.weights {
        let n = w.matrix.nrows();
        let order = random_order(n * n, &mut draws);
        let whole = w.matrix.clone();
        w.matrix = faer::Mat::from_fn(n, n, |i, j| {
            let from = order[i * n + j];
            whole[(from / n, from % n)]
        });
    }
    if let Some(p) = &mut other.points {
        let order = random_order(p.labels.len(), &mut draws);
        p.labels = order.iter().map(|&k| p.labels[k]).collect();
    }
    other
}

/// The network in the first and in the second half of the trials; none for fewer than two.
#[must_use]
pub fn halves(seen: &Seen) -> Option<[Seen; 2]> {
    let [trials, steps, units] = seen.shape;
    let half = trials / 2;
    let part = |from: usize| {
        let cut = |values: &[f64], width: usize| {
            values[from * steps * width..(from + half) * steps * width].to_vec()
        };
        Seen {
            shape: [half, steps, units],
            states: cut(&seen.states, units),
            outputs: cut(&seen.outputs, seen.n_outputs),
            ..seen.clone()
        }
    };
    (half > 0).then(|| [part(0), part(half)])
}

fn random_order(n: usize, draws: &mut Draws) -> Vec<usize> {
    let mut order: Vec<usize> = (0..n).collect();
    for k in (1..n).rev() {
        order.swap(k, draws.below(k as u32 + 1) as usize);
    }
    order
}
