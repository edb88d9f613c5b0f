//! Fixed points as files: a row per point, their states and eigenvalues, and a census per network and condition.

use crate::error::{Result, StudyError};
use crate::report::data::{Attractor, Census, Certificate};
use crate::tables::Table;
use chiliad_engine::fixed_points::{FixedPoints, Provenance, Verdict};
use chiliad_engine::linearise::Spectrum;
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
    /// Root mean square norm of the visited states; 0 in files that do not say it.
    #[serde(default)]
    pub state_scale: f64,
    /// The census.
    #[serde(flatten)]
    pub census: Census,
}

/// The attractors a task asks for: one per sign pattern of the outputs.
#[must_use]
pub fn expected(task: &str, n_outputs: usize) -> Option<usize> {
    (task == "flip_flop" && n_outputs < 16).then(|| 1 << n_outputs)
}

/// A row of `fixed_points.parquet`.
struct Row<'a> {
    network: usize,
    condition: usize,
    point: usize,
    reached: bool,
    q: f64,
    newton_step: f64,
    spectrum: &'a Spectrum,
    index_sign: i32,
    hits: usize,
    provenance: Option<&'a Provenance>,
}

/// Rows of a table of points, fixed ones first.
fn rows<'a>(indices: &[usize], found: &'a [Vec<FixedPoints>]) -> Vec<Row<'a>> {
    let mut rows = Vec::new();
    for (&network, conditions) in indices.iter().zip(found) {
        for (condition, f) in conditions.iter().enumerate() {
            rows.extend(f.points.iter().enumerate().map(|(point, p)| Row {
                network,
                condition,
                point,
                reached: f.reached.attractors.iter().any(|a| a.point == point),
                q: p.q,
                newton_step: p.newton_step,
                spectrum: &p.spectrum,
                index_sign: p.index_sign,
                hits: p.provenance.n_hits(),
                provenance: Some(&p.provenance),
            }));
            rows.extend(f.slow.iter().enumerate().map(|(i, p)| Row {
                network,
                condition,
                point: f.points.len() + i,
                reached: false,
                q: p.q,
                newton_step: f64::NAN,
                spectrum: &p.spectrum,
                index_sign: 0,
                hits: p.hits,
                provenance: None,
            }));
        }
    }
    rows
}

/// `fixed_points.parquet`: a row per fixed or slow point, in the order of `found`; `indices` are the networks' places.
/// Columns from `found_by` on say how a fixed point was found; for a slow one they are empty, -1 or NaN.
///
/// # Errors
///
/// Those of [`Table::to_bytes`].
pub fn table(indices: &[usize], found: &[Vec<FixedPoints>]) -> Result<Vec<u8>> {
    let rows = rows(indices, found);
    let hits_by = |p: &Provenance| {
        let kinds = p.hits.iter().map(|(k, n)| format!("{}:{n}", k.name()));
        kinds.collect::<Vec<_>>().join(" ")
    };
    let text = |of: &dyn Fn(&Provenance) -> String| -> Vec<String> {
        rows.iter()
            .map(|r| r.provenance.map_or_else(String::new, of))
            .collect()
    };
    let number = |of: &dyn Fn(&Provenance) -> f64| -> Vec<f64> {
        rows.iter()
            .map(|r| r.provenance.map_or(f64::NAN, of))
            .collect()
    };
    let integer = |of: &dyn Fn(&Provenance) -> usize| -> Vec<i64> {
        rows.iter()
            .map(|r| r.provenance.map_or(-1, |p| of(p) as i64))
            .collect()
    };
    let kind = |r: &Row| {
        if r.provenance.is_some() {
            "fixed"
        } else {
            "slow"
        }
    };
    Table::default()
        .integers("network", rows.iter().map(|r| r.network as i64))
        .integers("condition", rows.iter().map(|r| r.condition as i64))
        .integers("point", rows.iter().map(|r| r.point as i64))
        .text("kind", rows.iter().map(kind))
        .flags("reached", rows.iter().map(|r| r.reached))
        .numbers("q", rows.iter().map(|r| r.q))
        .numbers("newton_step", rows.iter().map(|r| r.newton_step))
        .integers(
            "unstable",
            rows.iter().map(|r| r.spectrum.n_unstable as i64),
        )
        .numbers("spectral_radius", rows.iter().map(|r| r.spectrum.radius))
        .integers("index_sign", rows.iter().map(|r| i64::from(r.index_sign)))
        .integers("hits", rows.iter().map(|r| r.hits as i64))
        .text("found_by", text(&|p| p.kind.name().to_owned()))
        .integers("round", integer(&|p| p.round))
        .integers("steps", integer(&|p| p.steps))
        .numbers("residual_before", number(&|p| p.residual_before))
        .numbers("residual_after", number(&|p| p.residual_after))
        .text("hits_by", text(&hits_by))
        .to_bytes()
}

/// `fixed_points.npz`, rows as in [`table`]: `state` `[point, state]` (fields one after the other, units within),
/// `eigenvalues` `[point, state, 2]`, real and imaginary part, largest modulus first, and `seed` `[point, state]`, from
/// where the run came that was polished; NaN for a slow point.
#[must_use]
pub fn arrays(found: &[Vec<FixedPoints>], n_state: usize) -> Vec<(&'static str, NpzArray)> {
    let (mut state, mut eigenvalues, mut seed, mut n) = (Vec::new(), Vec::new(), Vec::new(), 0);
    for f in found.iter().flatten() {
        let points = f
            .points
            .iter()
            .map(|p| (&p.state, &p.spectrum, p.provenance.seed.as_slice()))
            .chain(f.slow.iter().map(|p| (&p.state, &p.spectrum, &[][..])));
        for (s, spectrum, from) in points {
            n += 1;
            state.extend_from_slice(s);
            let known = spectrum
                .eigenvalues
                .iter()
                .copied()
                .chain(std::iter::repeat([f64::NAN; 2]));
            eigenvalues.extend(known.take(n_state).flatten());
            seed.extend(
                from.iter()
                    .copied()
                    .chain(std::iter::repeat(f64::NAN))
                    .take(n_state),
            );
        }
    }
    vec![
        ("state", NpzArray::f64(&[n, n_state], state)),
        ("eigenvalues", NpzArray::f64(&[n, n_state, 2], eigenvalues)),
        ("seed", NpzArray::f64(&[n, n_state], seed)),
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
        state_scale: f.state_scale,
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
