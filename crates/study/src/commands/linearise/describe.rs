//! One network at one constant input: figures for `result.json`, rows for the npz.

use chiliad::known_points::KnownPoints;
use chiliad_analysis::linearised::{Complex, Linearised, Mode, removal};
use chiliad_analysis::slow_set;
use chiliad_engine::error::EngineError;
use chiliad_engine::executor::Trajectories;
use chiliad_engine::linearise::{modulus, rotation, time_constant};
use chiliad_engine::map::Map;
use chiliad_engine::population::Population;
use serde_json::{Value, json};

/// What is asked of every network.
pub(super) struct Asked<'a> {
    pub(super) population: &'a Population,
    pub(super) removal: removal::Options,
    pub(super) slow_set: slow_set::Options,
    /// Time constant of a slow mode.
    pub(super) slow: f64,
    /// Speed of a slow state, as a share of the state scale.
    pub(super) slow_speed: f64,
    /// Steps before a visited state is looked at.
    pub(super) relax: usize,
    /// Modes whose vectors are kept.
    pub(super) modes: usize,
}

/// One point in the npz.
pub(super) struct Row {
    pub(super) network: usize,
    pub(super) condition: usize,
    pub(super) point: usize,
    pub(super) eigenvalues: Vec<f64>,
    pub(super) right: Vec<f64>,
    pub(super) left: Vec<f64>,
    pub(super) participation: Vec<f64>,
    pub(super) input: Vec<f64>,
    pub(super) readout: Vec<f64>,
}

/// One network at one constant input.
pub(super) struct Description {
    pub(super) value: Value,
    pub(super) rows: Vec<Row>,
}

/// Visited states looked at, at most: spread evenly over trials and time.
const VISITED: usize = 2000;

impl Asked<'_> {
    pub(super) fn n_state(&self) -> usize {
        let architecture = &self.population.architecture;
        architecture.cell.states.len() * architecture.units
    }

    pub(super) fn describe(
        &self,
        known: &KnownPoints,
        visited: Option<(&Trajectories, usize)>,
    ) -> Result<Description, EngineError> {
        let map = Map::new(self.population, known.network, &known.input)?;
        let mut scratch = map.scratch();
        let (mut systems, mut points, mut rows) = (Vec::new(), Vec::new(), Vec::new());
        for point in &known.points {
            let Some(system) = Linearised::at(&map, &mut scratch, &point.state) else {
                points.push(json!({"point": point.point, "kind": point.kind, "failed": "a derivative is not finite, or the eigenvalues do not converge"}));
                continue;
            };
            points.push(self.figures(point.point, &point.kind, &system));
            rows.push(self.row([known.network, known.condition, point.point], &system));
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
            value: json!({
                "condition": known.condition, "input": known.input, "points": points,
                "mode_removal": curves, "state_scale": scale,
                "slow_states": {"looked_at": seen.len(), "slow": states.len() - known.points.len()},
                "slow_set": slow,
            }),
            rows,
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

    fn row(&self, [network, condition, point]: [usize; 3], system: &Linearised) -> Row {
        let modes = &system.modes.modes;
        let kept = || modes.iter().take(self.modes);
        Row {
            network,
            condition,
            point,
            eigenvalues: modes.iter().flat_map(|m| m.eigenvalue).collect(),
            right: kept().flat_map(|m| pairs(&m.right)).flatten().collect(),
            left: kept().flat_map(|m| pairs(&m.left)).flatten().collect(),
            participation: kept().flat_map(Mode::participation).collect(),
            input: system.input.clone(),
            readout: system.readout.clone(),
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
