//! Counts of what a fixed-point search found: one network, then many.

use chiliad_engine::fixed_points::{Ending, FixedPoints, SeedKind, Verdict};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What a search found in one network at one constant input.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Census {
    /// Index of the network in its population.
    pub network: usize,
    /// The constant input, `[channel]`.
    pub input: Vec<f32>,
    /// Number of fixed points with 0, 1, 2, ... unstable directions.
    pub by_unstable: Vec<usize>,
    /// Slow points.
    pub slow: usize,
    /// Slow points that drift less than 1 % of the state scale in ten trial lengths.
    pub slow_lasting: usize,
    /// Seeds that ended on neither.
    pub rejected: usize,
    /// Seeds in all rounds.
    pub seeds: usize,
    /// Stable points that driven states reach.
    pub reached: usize,
    /// Sign patterns of the readout among them: each with its share of the driven states.
    pub patterns: BTreeMap<String, f64>,
    /// Share of the driven states that end on a point without a sign pattern.
    pub share_without_pattern: f64,
    /// What other driven states end on.
    pub other: Vec<Ending>,
    /// Stable points that driven states never reach.
    pub never_reached: usize,
    /// Whether every driven state ends on a stable point with a sign pattern, one point per pattern, all `2^outputs` of
    /// them.
    pub reached_is_the_cube: bool,
    /// Verdict of the certificate.
    pub verdict: Verdict,
    /// Sum of the signs of det(I - J).
    pub index_sum: i64,
    /// Rounds run.
    pub rounds: usize,
    /// Rounds in a row, at the end, without a new point.
    pub quiet_rounds: usize,
    /// Points that a single seed found.
    pub hit_once: usize,
    /// Chao's lower bounds, from hits and from kinds of seeds: there are at least this many points.
    pub at_least: (f64, f64),
    /// (relative tolerance, number of points at it).
    pub at_tolerances: Vec<(f64, usize)>,
    /// Points that each kind of seed hit.
    pub by_kind: BTreeMap<SeedKind, usize>,
    /// Largest modulus among the eigenvalues of stable points; 0 without one.
    pub slowest_stable: f64,
}

impl Census {
    /// Counts what a search found.
    pub fn of(found: &FixedPoints) -> Self {
        let most = found.points.iter().map(|p| p.spectrum.n_unstable).max();
        let by_unstable: Vec<usize> = most.map_or_else(Vec::new, |most| {
            (0..=most)
                .map(|k| {
                    found
                        .points
                        .iter()
                        .filter(|p| p.spectrum.n_unstable == k)
                        .count()
                })
                .collect()
        });
        let mut patterns: BTreeMap<String, f64> = BTreeMap::new();
        let mut share_without_pattern = 0.0;
        for attractor in &found.reached.attractors {
            match &attractor.pattern {
                Some(signs) => *patterns.entry(pattern_name(signs)).or_default() += attractor.share,
                None => share_without_pattern += attractor.share,
            }
        }
        let outputs = found.points.first().map_or(0, |p| p.readout.len());
        let corners = u32::try_from(outputs)
            .ok()
            .and_then(|n| 2_usize.checked_pow(n));
        let reached = found.reached.attractors.len();
        let mut by_kind = BTreeMap::new();
        for (kind, _) in found.points.iter().flat_map(|p| &p.provenance.hits) {
            *by_kind.entry(*kind).or_default() += 1;
        }
        let certificate = &found.certificate;
        Self {
            network: found.network,
            input: found.input.clone(),
            by_unstable,
            slow: found.slow.len(),
            slow_lasting: found.slow.iter().filter(|s| s.lasting).count(),
            rejected: found.rejected,
            seeds: found.seeds,
            reached,
            reached_is_the_cube: outputs > 0
                && share_without_pattern == 0.0
                && found.reached.other.is_empty()
                && Some(patterns.len()) == corners
                && patterns.len() == reached,
            patterns,
            share_without_pattern,
            other: found.reached.other.clone(),
            never_reached: found.reached.never.len(),
            verdict: certificate.verdict,
            index_sum: certificate.index_sum,
            rounds: certificate.rounds,
            quiet_rounds: certificate.quiet_rounds,
            hit_once: certificate.hit_once,
            at_least: (certificate.at_least_within, certificate.at_least_across),
            at_tolerances: found.census.clone(),
            by_kind,
            slowest_stable: found
                .points
                .iter()
                .filter(|p| p.is_stable())
                .map(|p| p.spectrum.radius)
                .fold(0.0, f64::max),
        }
    }

    /// Number of fixed points.
    pub fn n_points(&self) -> usize {
        self.by_unstable.iter().sum()
    }
}

/// Signs as text, `+-+`.
fn pattern_name(signs: &[i8]) -> String {
    signs
        .iter()
        .map(|s| if *s < 0 { '-' } else { '+' })
        .collect()
}

/// Censuses of several networks (say, all of one cell) in one row.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// Censuses counted.
    pub networks: usize,
    /// How many have each list of counts by unstable directions, most frequent first: `([8, 12, 6, 1], 14)`.
    pub kinds: Vec<(Vec<usize>, usize)>,
    /// Mean number of points with 0, 1, 2, ... unstable directions.
    pub mean_by_unstable: Vec<f64>,
    /// How many have each number of attractors reached, by number.
    pub reached: BTreeMap<usize, usize>,
    /// Networks whose driven states end on exactly one stable point per sign pattern.
    pub cubes: usize,
    /// Verdicts: held, open, degenerate, not applicable.
    pub verdicts: Verdicts,
    /// Networks with stable points that no driven state reaches.
    pub with_points_never_reached: usize,
    /// Slow points in all networks.
    pub slow: usize,
    /// What driven states ended on other than stable points, over all networks.
    pub other: BTreeMap<String, usize>,
}

/// Number of networks per verdict.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdicts {
    /// Index sum +1 and closed.
    pub held: usize,
    /// Something is missing, merged or spurious, or the search was stopped early.
    pub open: usize,
    /// A degenerate point.
    pub degenerate: usize,
    /// No box.
    pub not_applicable: usize,
}

impl Summary {
    /// Sums up censuses; the order they come in does not matter.
    pub fn of<'a>(censuses: impl IntoIterator<Item = &'a Census>) -> Self {
        let mut summary = Self::default();
        let mut kinds: BTreeMap<Vec<usize>, usize> = BTreeMap::new();
        for census in censuses {
            summary.networks += 1;
            *kinds.entry(census.by_unstable.clone()).or_default() += 1;
            if summary.mean_by_unstable.len() < census.by_unstable.len() {
                summary
                    .mean_by_unstable
                    .resize(census.by_unstable.len(), 0.0);
            }
            for (sum, n) in summary.mean_by_unstable.iter_mut().zip(&census.by_unstable) {
                *sum += *n as f64;
            }
            *summary.reached.entry(census.reached).or_default() += 1;
            summary.cubes += usize::from(census.reached_is_the_cube);
            summary.with_points_never_reached += usize::from(census.never_reached > 0);
            summary.slow += census.slow;
            for ending in &census.other {
                *summary.other.entry(ending.name.clone()).or_default() += ending.states;
            }
            match census.verdict {
                Verdict::Held => summary.verdicts.held += 1,
                Verdict::Open => summary.verdicts.open += 1,
                Verdict::Degenerate => summary.verdicts.degenerate += 1,
                Verdict::NotApplicable => summary.verdicts.not_applicable += 1,
            }
        }
        let n = summary.networks.max(1) as f64;
        summary
            .mean_by_unstable
            .iter_mut()
            .for_each(|sum| *sum /= n);
        summary.kinds = kinds.into_iter().collect();
        summary
            .kinds
            .sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        summary
    }
}
