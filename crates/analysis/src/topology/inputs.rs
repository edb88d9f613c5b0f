//! How inputs move a network from one attractor to another.

use super::flow::Flow;
use super::graph::NodeKind;
use chiliad_engine::error::EngineError;
use chiliad_engine::map::Map;
use chiliad_engine::population::Population;

/// Constant inputs up to which every change from one to another is followed; above it only changes to the next one up and
/// down (project default).
const ALL_PAIRS: usize = 16;

/// (condition, attractor) before and after an input, and the input's name.
pub(crate) struct Move {
    pub(crate) from: (usize, usize),
    pub(crate) to: (usize, usize),
    pub(crate) input: String,
}

/// Name of a unit pulse: `+2` is +1 on channel 2, counted from 0.
pub(crate) fn pulse_name(channel: usize, positive: bool) -> String {
    format!("{}{channel}", if positive { '+' } else { '-' })
}

/// A state of an attractor from which an input can be tried; what does not settle has none that stands for it.
fn representative(flow: &Flow, attractor: usize) -> Option<Vec<f64>> {
    let a = &flow.attractors[attractor];
    matches!(a.kind, NodeKind::Stable | NodeKind::Cycle)
        .then(|| a.orbit.first().cloned())
        .flatten()
}

/// One step of +1 or -1 on every channel on top of the constant input, from every attractor.
pub(crate) fn pulses(
    flow: &mut Flow,
    population: &Population,
    network: usize,
    input: &[f32],
) -> Result<Vec<Move>, EngineError> {
    let mut letters = Vec::new();
    for channel in 0..input.len() {
        for (positive, size) in [(true, 1.0), (false, -1.0)] {
            let mut pulse = input.to_vec();
            pulse[channel] += size;
            letters.push((
                pulse_name(channel, positive),
                Map::new(population, network, &pulse)?,
            ));
        }
    }
    let mut moves = Vec::new();
    // Grows while new attractors turn up.
    let mut attractor = 0;
    while attractor < flow.attractors.len() {
        if let Some(state) = representative(flow, attractor) {
            let pushed: Vec<Vec<f64>> = letters
                .iter()
                .map(|(_, map)| {
                    let mut pushed = vec![0.0; state.len()];
                    map.step(&mut map.scratch(), &state, &mut pushed);
                    pushed
                })
                .collect();
            let ends = flow.ends(&pushed);
            moves.extend(letters.iter().zip(ends).map(|((name, _), end)| Move {
                from: (0, attractor),
                to: (0, end),
                input: name.clone(),
            }));
        }
        attractor += 1;
    }
    Ok(moves)
}

/// From every attractor of every constant input to where it goes under another one.
pub(crate) fn changes(flows: &mut [Flow]) -> Vec<Move> {
    let n = flows.len();
    let mut moves = Vec::new();
    for c in 0..n {
        for to in (0..n).filter(|&to| to != c && (n <= ALL_PAIRS || to.abs_diff(c) == 1)) {
            let (sources, states): (Vec<usize>, Vec<Vec<f64>>) = (0..flows[c].attractors.len())
                .filter_map(|a| Some((a, representative(&flows[c], a)?)))
                .unzip();
            let ends = flows[to].ends(&states);
            moves.extend(sources.into_iter().zip(ends).map(|(attractor, end)| Move {
                from: (c, attractor),
                to: (to, end),
                input: to.to_string(),
            }));
        }
    }
    moves
}
