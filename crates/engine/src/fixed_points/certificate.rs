//! How complete a set of fixed points is.

use super::{Point, SeedKind};
use serde::{Deserialize, Serialize};

/// The verdict in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Verdict {
    /// The indices add up to +1 and the set is closed. Errors that cancel remain possible.
    Held,
    /// Something is missing, merged or spurious, or the search was stopped early.
    Open,
    /// Some point is degenerate: its index means nothing.
    Degenerate,
    /// The cell has no box that the map sends into itself.
    NotApplicable,
}

/// How complete a set of fixed points is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Certificate {
    /// In one word.
    pub verdict: Verdict,
    /// Sum of the signs of det(I - J); +1 for a complete set inside a box.
    pub index_sum: i64,
    /// Rounds run, the first included.
    pub rounds: usize,
    /// Rounds in a row, at the end, that added nothing.
    pub quiet_rounds: usize,
    /// Whether enough rounds in a row added nothing.
    pub closed: bool,
    /// Points that a single seed found.
    pub hit_once: usize,
    /// Degenerate points.
    pub degenerate: usize,
    /// Chao's lower bound from hits: there are at least this many points.
    pub at_least_within: f64,
    /// Chao's lower bound from the kinds of seeds that found each point: at least this many.
    pub at_least_across: f64,
}

impl Certificate {
    pub(crate) fn of(
        points: &[Point],
        has_box: bool,
        rounds: usize,
        quiet_rounds: usize,
        closed: bool,
    ) -> Self {
        let index_sum = points.iter().map(|p| i64::from(p.index_sign)).sum();
        let degenerate = points
            .iter()
            .filter(|p| p.degenerate || p.index_sign == 0)
            .count();
        let hits: Vec<usize> = points.iter().map(|p| p.provenance.n_hits()).collect();
        let kinds: Vec<usize> = points.iter().map(|p| p.provenance.hits.len()).collect();
        let mut seen: Vec<SeedKind> = points
            .iter()
            .flat_map(|p| p.provenance.hits.iter().map(|h| h.0))
            .collect();
        seen.sort_unstable();
        seen.dedup();
        let m = seen.len().max(1) as f64;
        let verdict = match (has_box, degenerate) {
            (false, _) => Verdict::NotApplicable,
            (true, 1..) => Verdict::Degenerate,
            (true, 0) if index_sum == 1 && closed => Verdict::Held,
            _ => Verdict::Open,
        };
        Self {
            verdict,
            index_sum,
            rounds,
            quiet_rounds,
            closed,
            hit_once: hits.iter().filter(|&&h| h == 1).count(),
            degenerate,
            at_least_within: chao(&hits, 1.0),
            at_least_across: chao(&kinds, (m - 1.0) / m),
        }
    }
}

/// `S + factor f1^2 / (2 f2)`, or its bias-corrected form where nothing was seen twice.
fn chao(counts: &[usize], factor: f64) -> f64 {
    let times = |k: usize| counts.iter().filter(|&&c| c == k).count() as f64;
    let (once, twice) = (times(1), times(2));
    let unseen = if twice > 0.0 {
        once * once / (2.0 * twice)
    } else {
        once * (once - 1.0) / 2.0
    };
    counts.len() as f64 + factor * unseen
}
