//! Pathways along a trajectory: what an input m steps ago does to the output now, through the network as it really was.

use super::energy;
use chiliad_engine::error::EngineError;
use chiliad_engine::map::Map;
use faer::Mat;

/// Hops along trajectories.
#[derive(Clone, Debug)]
pub struct Driven {
    /// `dy_T / dx_{T-m}` for m = 0, 1, ..., `[output, channel]` each: mean over trials.
    pub hops: Vec<Mat<f64>>,
    /// Mean over trials of the sum of absolute values of each: signs that differ between trials do not cancel here.
    pub energy: Vec<f64>,
}

/// `C J_T ... J_{T-m+1} B_{T-m}` for m < `length` at the last step of every trial. `inputs` is `[trial, time, channel]`,
/// trials of `n_steps` steps from the state `start`; `map` is left at the last input.
///
/// # Errors
///
/// Those of [`Map::change_input`], and [`EngineError::Shape`] for a start or inputs of the wrong length.
pub fn driven(
    map: &mut Map,
    start: &[f64],
    inputs: &[f32],
    n_steps: usize,
    length: usize,
) -> Result<Driven, EngineError> {
    let (n, channels) = (map.n_state(), map.n_inputs());
    let per_trial = n_steps * channels;
    if start.len() != n
        || per_trial == 0
        || !inputs.len().is_multiple_of(per_trial)
        || inputs.is_empty()
    {
        return Err(EngineError::Shape {
            operation: "driven pathways",
            what: "the start or the inputs".into(),
            found: format!("{} coordinates, {} values", start.len(), inputs.len()),
            expected: format!(
                "{n} coordinates, whole trials of {n_steps} steps and {channels} channels"
            ),
        });
    }
    let length = length.min(n_steps);
    let n_trials = inputs.len() / per_trial;
    let mut scratch = map.scratch();
    let mut hops = vec![Mat::<f64>::zeros(map.n_outputs(), channels); length];
    let mut profile = vec![0.0; length];
    for trial in inputs.chunks(per_trial) {
        // State before each step.
        let mut before = vec![start.to_vec()];
        for input in trial.chunks(channels) {
            map.change_input(input)?;
            let mut next = vec![0.0; n];
            map.step(&mut scratch, &before[before.len() - 1], &mut next);
            before.push(next);
        }
        // The product grows from the left: only the rows of the outputs are ever carried.
        let rows = map.readout_jacobian(&mut scratch, &before[n_steps]);
        let mut carried = Mat::from_fn(map.n_outputs(), n, |o, i| rows[o * n + i]);
        for m in 0..length {
            let t = n_steps - 1 - m;
            map.change_input(&trial[t * channels..][..channels])?;
            let b = map.input_jacobian(&mut scratch, &before[t]);
            let hop = &carried * Mat::from_fn(n, channels, |i, k| b[i * channels + k]);
            profile[m] += energy(&hop) / n_trials as f64;
            hops[m] += faer::Scale(1.0 / n_trials as f64) * hop;
            let j = map.jacobian(&mut scratch, &before[t]);
            carried = carried * Mat::from_fn(n, n, |i, k| j[i * n + k]);
        }
    }
    Ok(Driven {
        hops,
        energy: profile,
    })
}
