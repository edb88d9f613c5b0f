//! Teacher forcing of a block: states moved to the signal, and what the backward pass needs of the states as they were.

use super::arena::BLOCK;
use super::block::Block;
use super::lines::Lines;
use crate::executor::forcing::Teacher;

impl Teacher {
    /// Moves the states after step t of a block to its signal.
    pub(crate) fn force(&self, block: &mut Block, signal: &[f32], n_steps: usize, t: usize) {
        let (share, units) = (self.share.at(t), self.units.len());
        if share == 0.0 || units == 0 {
            return;
        }
        let (array, width) = (block.states[self.field], block.width);
        let rows = block.arena.at_mut(array, t + 1).chunks_exact_mut(width);
        for (row, s) in rows.zip(signal.chunks_exact(n_steps * units)) {
            for (&unit, s) in self.units.iter().zip(&s[t * units..]) {
                row[unit] = if share == 1.0 {
                    *s
                } else {
                    (1.0 - share) * row[unit] + share * s
                };
            }
        }
    }
}

/// States as they were before they were forced, kept for the backward pass.
#[derive(Debug)]
pub(super) struct Unforced {
    field: usize,
    /// `[time][trial, padded unit]`
    states: Lines,
    /// Whether the state after a step was forced, `[time]`.
    forced: Vec<bool>,
}

impl Block {
    /// Moves the states after step t to the signal, and keeps what they were.
    pub(super) fn force(&mut self, teacher: &Teacher, signal: &[f32], n_steps: usize, t: usize) {
        let len = self.arena.len;
        let unforced = self.unforced.get_or_insert_with(|| Unforced {
            field: teacher.field,
            states: Lines::zeros(0),
            forced: Vec::new(),
        });
        if t == 0 {
            if unforced.states.len() < n_steps * len {
                unforced.states = Lines::zeros(n_steps * len);
            }
            unforced.forced.clear();
        }
        unforced.field = teacher.field;
        let forced = teacher.share.at(t) != 0.0 && t + 1 < n_steps;
        unforced.forced.push(forced);
        if forced {
            let states = self.arena.at(self.states[teacher.field], t + 1);
            unforced.states[t * len..][..len].copy_from_slice(states);
            teacher.force(self, signal, n_steps, t);
        }
    }

    /// Scales the adjoint of forced states after step t to that of the states as they were.
    pub(super) fn unforce_adjoint(&mut self, teacher: &Teacher, t: usize) {
        if !self.was_forced(t) {
            return;
        }
        let rest = 1.0 - teacher.share.at(t);
        let (array, width) = (self.adjoint_states[teacher.field], self.width);
        for row in self
            .arena
            .at_mut(array, t)
            .chunks_exact_mut(width)
            .take(BLOCK)
        {
            for &unit in &teacher.units {
                row[unit] *= rest;
            }
        }
    }

    /// Exchanges the states after step t, where they were forced, with what they were: the adjoint of the step reads those, weight
    /// gradients of the next step the others.
    pub(super) fn exchange_forced(&mut self, t: usize) {
        if !self.was_forced(t) {
            return;
        }
        let len = self.arena.len;
        if let Some(unforced) = &mut self.unforced {
            let array = self.states[unforced.field];
            self.arena
                .at_mut(array, t + 1)
                .swap_with_slice(&mut unforced.states[t * len..][..len]);
        }
    }

    fn was_forced(&self, t: usize) -> bool {
        let forced = self.unforced.as_ref().and_then(|u| u.forced.get(t));
        forced.copied().unwrap_or(false)
    }

    /// What the readout saw after step t.
    pub(super) fn seen(&self, t: usize) -> &[f32] {
        match &self.unforced {
            Some(unforced) if self.was_forced(t) => {
                &unforced.states[t * self.arena.len..][..self.arena.len]
            }
            _ => self.arena.at(self.output, t),
        }
    }
}
