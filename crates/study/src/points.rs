//! Fixed points as files: a row per point, their states and eigenvalues, and a census per network and condition.

use crate::error::{Result, StudyError};
use crate::report::data::{Attractor, Census, Certificate};
use crate::tables::Table;
use chiliad_engine::fixed_points::{FixedPoints, Verdict};
use chiliad_tasks::NpzArray;
use serde::{Deserialize, Serialize};

/// `census.json`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct CensusFile {
    /// A row per network.
    pub networks: Vec<NetworkCensus>,
}

/// One network.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct NetworkCensus {
    /// Its place in the population.
    pub network: usize,
    /// A census per constant input.
    pub conditions: Vec<ConditionCensus>,
}

/// One network at one constant input.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ConditionCensus {
    /// Index of the condition.
    pub condition: usize,
    /// The constant input, `[channel]`.
    pub input: Vec<f32>,
    /// Number of points when those closer than each relative tolerance are one: (tolerance, number).
    pub at_tolerance: Vec<(f64, usize)>,
    /// Seeds in all rounds.
    pub seeds: usize,
    /// The census.
    #[serde(flatten)]
    pub census: Census,
}

/// The attractors a task asks for: one per sign pattern of the outputs.
#[must_use]
pub fn expected(task: &str, n_outputs: usize) -> Option<usize> {
    (task == "flip_flop" && n_outputs < 16).then(|| 1 << n_outputs)
}

/// `fixed_points.parquet`: a row per fixed or slow point, in the order of `found`; `indices` are the networks' places.
///
/// # Errors
///
/// Those of [`Table::to_bytes`].
pub fn table(indices: &[usize], found: &[Vec<FixedPoints>]) -> Result<Vec<u8>> {
    struct Row(
        i64,
        i64,
        i64,
        &'static str,
        bool,
        f64,
        f64,
        i64,
        f64,
        i64,
        i64,
    );
    let mut rows = Vec::new();
    for (network, conditions) in indices.iter().zip(found) {
        for (c, f) in conditions.iter().enumerate() {
            for (i, p) in f.points.iter().enumerate() {
                let reached = f.reached.attractors.iter().any(|a| a.point == i);
                rows.push(Row(
                    *network as i64,
                    c as i64,
                    i as i64,
                    "fixed",
                    reached,
                    p.q,
                    p.newton_step,
                    p.spectrum.n_unstable as i64,
                    p.spectrum.radius,
                    i64::from(p.index_sign),
                    p.provenance.n_hits() as i64,
                ));
            }
            for (i, p) in f.slow.iter().enumerate() {
                rows.push(Row(
                    *network as i64,
                    c as i64,
                    (f.points.len() + i) as i64,
                    "slow",
                    false,
                    p.q,
                    f64::NAN,
                    p.spectrum.n_unstable as i64,
                    p.spectrum.radius,
                    0,
                    p.hits as i64,
                ));
            }
        }
    }
    Table::default()
        .integers("network", rows.iter().map(|r| r.0))
        .integers("condition", rows.iter().map(|r| r.1))
        .integers("point", rows.iter().map(|r| r.2))
        .text("kind", rows.iter().map(|r| r.3))
        .flags("reached", rows.iter().map(|r| r.4))
        .numbers("q", rows.iter().map(|r| r.5))
        .numbers("newton_step", rows.iter().map(|r| r.6))
        .integers("unstable", rows.iter().map(|r| r.7))
        .numbers("spectral_radius", rows.iter().map(|r| r.8))
        .integers("index_sign", rows.iter().map(|r| r.9))
        .integers("hits", rows.iter().map(|r| r.10))
        .to_bytes()
}

/// `fixed_points.npz`, rows as in [`table`]: `state` `[point, state]` (fields one after the other, units within), and
/// `eigenvalues` `[point, state, 2]`, real and imaginary part, largest modulus first.
#[must_use]
pub fn arrays(found: &[Vec<FixedPoints>], n_state: usize) -> Vec<(&'static str, NpzArray)> {
    let (mut state, mut eigenvalues, mut n) = (Vec::new(), Vec::new(), 0);
    for f in found.iter().flatten() {
        let points = f
            .points
            .iter()
            .map(|p| (&p.state, &p.spectrum))
            .chain(f.slow.iter().map(|p| (&p.state, &p.spectrum)));
        for (s, spectrum) in points {
            n += 1;
            state.extend_from_slice(s);
            let known = spectrum
                .eigenvalues
                .iter()
                .copied()
                .chain(std::iter::repeat([f64::NAN; 2]));
            eigenvalues.extend(known.take(n_state).flatten());
        }
    }
    vec![
        ("state", NpzArray::f64(&[n, n_state], state)),
        ("eigenvalues", NpzArray::f64(&[n, n_state, 2], eigenvalues)),
    ]
}

/// The census of every network.
#[must_use]
pub fn census(
    indices: &[usize],
    found: &[Vec<FixedPoints>],
    expected: Option<usize>,
) -> CensusFile {
    let condition = |(c, f): (usize, &FixedPoints)| ConditionCensus {
        condition: c,
        input: f.input.clone(),
        at_tolerance: f.census.clone(),
        seeds: f.seeds,
        census: one(f, expected),
    };
    let network = |(n, f): (&usize, &Vec<FixedPoints>)| NetworkCensus {
        network: *n,
        conditions: f.iter().enumerate().map(condition).collect(),
    };
    CensusFile {
        networks: indices.iter().zip(found).map(network).collect(),
    }
}

impl CensusFile {
    /// As it stands in the file.
    ///
    /// # Errors
    ///
    /// None that a census can cause.
    pub fn to_json(&self) -> Result<Vec<u8>> {
        let mut text = serde_json::to_vec_pretty(self)
            .map_err(|e| StudyError::Input(format!("census.json: {e}")))?;
        text.push(b'\n');
        Ok(text)
    }
}

fn one(f: &FixedPoints, expected: Option<usize>) -> Census {
    let mut counts = [0; 5];
    for p in &f.points {
        counts[p.spectrum.n_unstable.min(4)] += 1;
    }
    let name = |pattern: &[i8]| {
        pattern
            .iter()
            .map(|s| if *s > 0 { '+' } else { '-' })
            .collect::<String>()
    };
    let label = |a: &chiliad_engine::fixed_points::Attractor| {
        a.pattern.as_deref().map_or_else(|| "none".to_owned(), name)
    };
    let reached = &f.reached;
    let total = reached.states.max(1) as f64;
    let mut attractors: Vec<Attractor> = reached
        .attractors
        .iter()
        .map(|a| Attractor {
            label: label(a),
            share: a.share,
        })
        .collect();
    attractors.extend(reached.other.iter().map(|e| Attractor {
        label: e.name.clone(),
        share: e.states as f64 / total,
    }));
    attractors.sort_by(|a, b| b.share.total_cmp(&a.share));
    let mut patterns: Vec<String> = reached
        .attractors
        .iter()
        .filter_map(|a| a.pattern.as_deref().map(name))
        .collect();
    patterns.sort();
    patterns.dedup();
    let driven = reached.states > 0;
    let all_patterned = patterns.len() == reached.attractors.len() && reached.other.is_empty();
    let mut ended_on = vec![format!(
        "{} fixed points with {} sign patterns",
        reached.attractors.len(),
        patterns.len()
    )];
    ended_on.extend(
        reached
            .other
            .iter()
            .map(|e| format!("{} states {}", e.states, e.name)),
    );
    let certificate = &f.certificate;
    let (verdict, has_sum) = match certificate.verdict {
        Verdict::Held => (Certificate::Held, true),
        Verdict::Open => (Certificate::Open, true),
        Verdict::Degenerate => (Certificate::Degenerate, false),
        Verdict::NotApplicable => (Certificate::NotApplicable, false),
    };
    Census {
        counts,
        certificate: verdict,
        index_sum: has_sum.then_some(certificate.index_sum),
        rounds: certificate.rounds,
        closed: certificate.closed,
        hit_once: certificate.hit_once,
        dropped: f.rejected,
        slow: f.slow.len(),
        at_least: Some(certificate.at_least_within),
        attractors,
        fixed_reached: reached.attractors.len(),
        complete: expected
            .filter(|_| driven)
            .map(|e| all_patterned && patterns.len() == e),
        ended_on: if driven {
            ended_on.join(", ")
        } else {
            String::new()
        },
        stable_never_reached: reached.never.len(),
    }
}
