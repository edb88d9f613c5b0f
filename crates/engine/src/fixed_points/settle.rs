//! Many states of one network go on at a constant input until they rest.

use crate::map::{Block, Map};

/// Steps between two looks at whether a block rests.
const LOOK: usize = 16;
/// Looks in a row at which every state of a block must rest.
const QUIET: usize = 3;

/// Where every state (`[field, unit]`) is after `steps` steps in f32, or once its whole block rests: no coordinate moves by
/// more than `speed` in a step.
pub(crate) fn settle(map: &Map, states: &[Vec<f64>], steps: usize, speed: f32) -> Vec<Vec<f64>> {
    let mut block = Block::<f32>::new(map);
    let mut ends = Vec::with_capacity(states.len());
    for chunk in states.chunks(Block::<f32>::ROWS) {
        for (row, state) in chunk.iter().enumerate() {
            block.put(row, state);
        }
        let mut quiet = 0;
        let mut done = 0;
        while done < steps && quiet < QUIET {
            let now = LOOK.min(steps - done);
            let moved = block.advance(chunk.len(), now);
            done += now;
            quiet = if moved <= f64::from(speed) {
                quiet + 1
            } else {
                0
            };
            if moved.is_nan() {
                break;
            }
        }
        for row in 0..chunk.len() {
            let mut end = vec![0.0; map.n_state()];
            block.take(row, &mut end);
            ends.push(end);
        }
    }
    ends
}
