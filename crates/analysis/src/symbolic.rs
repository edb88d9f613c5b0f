//! Symbolic code of a piecewise linear map: which linear regions an orbit visits, how often, and what follows what.
//!
//! A fixed point is a constant sequence of symbols, a cycle a periodic one (Brenner et al. 2024).

use chiliad_engine::piecewise::{Pattern, PiecewiseLinear};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The code of one orbit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Code {
    /// Regions visited, most visits first, then by pattern.
    pub regions: Vec<Pattern>,
    /// Visits of each.
    pub visits: Vec<usize>,
    /// Number of steps from region to region, `[from][to]`.
    pub transitions: Vec<Vec<usize>>,
    /// The region at every time, as an index.
    pub sequence: Vec<usize>,
}

impl Code {
    /// The code of an orbit, `[time][coordinate]`.
    #[must_use]
    pub fn of(map: &PiecewiseLinear, orbit: &[Vec<f64>]) -> Self {
        let patterns: Vec<Pattern> = orbit.iter().map(|state| map.pattern(state)).collect();
        let mut counts: BTreeMap<&Pattern, usize> = BTreeMap::new();
        for pattern in &patterns {
            *counts.entry(pattern).or_default() += 1;
        }
        let mut by_visits: Vec<(&Pattern, usize)> = counts.into_iter().collect();
        by_visits.sort_by_key(|&(_, visits)| std::cmp::Reverse(visits));
        let index: BTreeMap<&Pattern, usize> = by_visits
            .iter()
            .enumerate()
            .map(|(i, (pattern, _))| (*pattern, i))
            .collect();
        let sequence: Vec<usize> = patterns.iter().map(|p| index[p]).collect();
        let mut transitions = vec![vec![0; by_visits.len()]; by_visits.len()];
        for pair in sequence.windows(2) {
            transitions[pair[0]][pair[1]] += 1;
        }
        Self {
            regions: by_visits.iter().map(|(p, _)| (*p).clone()).collect(),
            visits: by_visits.iter().map(|(_, n)| *n).collect(),
            transitions,
            sequence,
        }
    }

    /// Share of the steps out of a region that go to each, `[from][to]`; a row of zeros where the orbit ends on its only visit.
    #[must_use]
    pub fn transition_matrix(&self) -> Vec<Vec<f64>> {
        let share = |row: &Vec<usize>| {
            let total = row.iter().sum::<usize>().max(1) as f64;
            row.iter().map(|&n| n as f64 / total).collect()
        };
        self.transitions.iter().map(share).collect()
    }
}

/// A pattern as text, kinks in order: `1` where it is passed.
#[must_use]
pub fn text(pattern: &[bool]) -> String {
    pattern.iter().map(|&p| if p { '1' } else { '0' }).collect()
}
