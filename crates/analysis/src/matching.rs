//! Two sets of fixed points of the same network, matched one to one.

use chiliad_engine::fixed_points::FixedPoints;
use serde::Serialize;

/// How two sets match.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Matching {
    /// Points that have a partner.
    pub pairs: usize,
    /// Points of the first set without one.
    pub only_first: usize,
    /// Points of the second set without one.
    pub only_second: usize,
    /// Largest distance of partners, in state units.
    pub farthest: f64,
}

impl Matching {
    /// Whether the two sets are the same.
    pub fn is_complete(&self) -> bool {
        self.only_first == 0 && self.only_second == 0
    }
}

/// Matches points at most `within` apart (Euclidean, in state units), the closest first. Fixed points only: a slow point
/// is a minimum of q, whose place is known far less well.
pub fn matching(first: &FixedPoints, second: &FixedPoints, within: f64) -> Matching {
    let distance = |a: &[f64], b: &[f64]| {
        let squares = a.iter().zip(b).map(|(x, y)| (x - y).powi(2));
        squares.sum::<f64>().sqrt()
    };
    let mut candidates = Vec::new();
    for (i, p) in first.points.iter().enumerate() {
        for (j, q) in second.points.iter().enumerate() {
            let apart = distance(&p.state, &q.state);
            if apart <= within {
                candidates.push((apart, i, j));
            }
        }
    }
    candidates.sort_by(|a, b| a.0.total_cmp(&b.0).then((a.1, a.2).cmp(&(b.1, b.2))));
    let (mut left, mut right) = (
        vec![true; first.points.len()],
        vec![true; second.points.len()],
    );
    let mut result = Matching::default();
    for (apart, i, j) in candidates {
        if left[i] && right[j] {
            (left[i], right[j]) = (false, false);
            result.pairs += 1;
            result.farthest = apart;
        }
    }
    let free = |side: &[bool]| side.iter().filter(|free| **free).count();
    (result.only_first, result.only_second) = (free(&left), free(&right));
    result
}
