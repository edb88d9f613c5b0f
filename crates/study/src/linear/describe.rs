//! One network at one constant input: all figures, and rows for arrays and tables.

use super::LinearPlan;
use crate::known_points::KnownPoints;
use chiliad_analysis::linearised::{Complex, Linearised, Mode, NonNormality, removal};
use chiliad_analysis::slow_set::{self, SlowSet};
use chiliad_engine::error::EngineError;
use chiliad_engine::executor::Trajectories;
use chiliad_engine::linearise::{modulus, rotation, time_constant};
use chiliad_engine::map::Map;
use chiliad_engine::population::Population;
use serde_json::{Value, json};

/// One point.
pub struct Row {
    /// Network.
    pub network: usize,
    /// Index of the constant input.
    pub condition: usize,
    /// Index among the points of network and condition.
    pub point: usize,
    /// `fixed` or `slow`.
    pub kind: String,
    /// Largest modulus first, `[state, 2]`.
    pub eigenvalues: Vec<f64>,
    /// Right vectors of the slowest modes, `[mode, state, 2]`.
    pub right: Vec<f64>,
    /// Left vectors of the slowest modes, `[mode, state, 2]`.
    pub left: Vec<f64>,
    /// `[mode, state]`
    pub participation: Vec<f64>,
    /// dF/du, `[state, channel]`.
    pub input: Vec<f64>,
    /// dy/dh, `[output, state]`.
    pub readout: Vec<f64>,
    /// Modes that count as slow.
    pub slow_modes: usize,
    /// How far from normal.
    pub non_normality: NonNormality,
    /// Whether eigenvectors are nearly parallel.
    pub defective: bool,
}

/// One network at one constant input.
pub struct Description {
    /// Network.
    pub network: usize,
    /// Index of the constant input.
    pub condition: usize,
    /// All figures, as in `result.json`.
    pub value: Value,
    /// A row per point.
    pub rows: Vec<Row>,
    /// The slow set; none without states in it.
    pub slow_set: Option<SlowSet>,
}

/// Visited states looked at, at most: spread evenly over trials and time.
const VISITED: usize = 2000;

impl LinearPlan {
    /// The network at `place` of a population, at the points known of it; `visited` are its states on trials.
    pub(super) fn describe(
        &self,
        population: &Population,
        place: usize,
        known: &KnownPoints,
        visited: Option<(&Trajectories, usize)>,
    ) -> Result<Description, EngineError> {
        let map = Map::new(population, place, &known.input)?;
        let mut scratch = map.scratch();
        let (mut systems, mut points, mut rows) = (Vec::new(), Vec::new(), Vec::new());
        for point in &known.points {
            let Some(system) = Linearised::at(&map, &mut scratch, &point.state) else {
                points.push(json!({"point": point.point, "kind": point.kind, "failed": "a derivative is not finite, or the eigenvalues do not converge"}));
                continue;
            };
            points.push(self.figures(point.point, &point.kind, &system));
            let at = [known.network, known.condition, point.point];
            rows.push(self.row(at, &point.kind, &system));
            systems.push(system);
        }
        let (channels, outputs) = (map.n_inputs(), map.n_outputs());
        let curves: Vec<removal::Curve> = (0..channels)
            .flat_map(|k| (0..outputs).map(move |o| (k, o)))
            .map(|(k, o)| removal::curve(&systems, k, o, &self.removal))
            .collect();
        let mut states: Vec<Vec<f64>> = known.points.iter().map(|p| p.state.clone()).collect();
        let seen = visited.map_or_else(Vec::new, |(t, place)| visited_states(t, place));
        let scale = root_mean_square(if seen.is_empty() { &states } else { &seen });
        states.extend(slow_set::slow_states(
            &map,
            &seen,
            self.relax,
            self.slow_speed * scale,
        ));
        let slow = slow_set::describe(&map, &states, &self.slow_set);
        Ok(Description {
            network: known.network,
            condition: known.condition,
            value: json!({
                "condition": known.condition, "input": known.input, "points": points,
                "mode_removal": curves, "state_scale": scale,
                "slow_states": {"looked_at": seen.len(), "slow": states.len() - known.points.len()},
                "slow_set": slow,
            }),
            rows,
            slow_set: slow,
        })
    }

    fn figures(&self, point: usize, kind: &str, system: &Linearised) -> Value {
        let modes = &system.modes.modes;
        let each = |f: fn(&Mode) -> f64| modes.iter().map(f).collect::<Vec<f64>>();
        let (effective, loading) = (system.effective_input(), system.loading());
        let slow: Vec<Value> = system
            .slow_modes(self.slow)
            .into_iter()
            .map(|a| {
                json!({
                    "mode": a,
                    "time_constant": time_constant(modes[a].eigenvalue),
                    "effective_input": pairs(&effective[a]),
                    "loading": pairs(&loading[a]),
                    "selection": pairs(&modes[a].left),
                })
            })
            .collect();
        json!({
            "point": point, "kind": kind,
            "unstable": modes.iter().filter(|m| modulus(m.eigenvalue) > 1.0).count(),
            "eigenvalues": modes.iter().map(|m| m.eigenvalue).collect::<Vec<_>>(),
            "time_constants": each(|m| time_constant(m.eigenvalue)),
            "rotations": each(|m| rotation(m.eigenvalue)),
            "participants": each(Mode::participants),
            "condition_numbers": each(|m| m.condition),
            "non_normality": system.non_normality,
            "defective": system.modes.defective,
            "slow_modes": slow,
        })
    }

    fn row(&self, [network, condition, point]: [usize; 3], kind: &str, system: &Linearised) -> Row {
        let modes = &system.modes.modes;
        let kept = || modes.iter().take(self.modes);
        Row {
            network,
            condition,
            point,
            kind: kind.to_owned(),
            eigenvalues: modes.iter().flat_map(|m| m.eigenvalue).collect(),
            right: kept().flat_map(|m| pairs(&m.right)).flatten().collect(),
            left: kept().flat_map(|m| pairs(&m.left)).flatten().collect(),
            participation: kept().flat_map(Mode::participation).collect(),
            input: system.input.clone(),
            readout: system.readout.clone(),
            slow_modes: system.slow_modes(self.slow).len(),
            non_normality: system.non_normality,
            defective: system.modes.defective,
        }
    }
}

fn pairs(values: &[Complex]) -> Vec<[f64; 2]> {
    values.iter().map(|x| [x.re, x.im]).collect()
}

fn root_mean_square(states: &[Vec<f64>]) -> f64 {
    let squares: f64 = states.iter().flatten().map(|x| x * x).sum();
    (squares / states.len().max(1) as f64).sqrt()
}

/// States of one network along trials, `[field, unit]` each.
fn visited_states(t: &Trajectories, place: usize) -> Vec<Vec<f64>> {
    let rows = t.n_trials * t.n_steps;
    let every = rows.div_ceil(VISITED).max(1);
    (0..rows)
        .step_by(every)
        .map(|row| {
            t.states
                .iter()
                .flat_map(|field| &field[(place * rows + row) * t.n_units..][..t.n_units])
                .map(|x| f64::from(*x))
                .collect()
        })
        .collect()
}
