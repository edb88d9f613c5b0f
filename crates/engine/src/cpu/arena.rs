//! Where the arrays of a cell's programs lie for one block of trials: a ring of time slots each.

use super::lines::Lines;
use super::product::padded;
use crate::cell::Cell;
use crate::cell::evaluate::{self, Place};
use crate::cell::graph::Leaf;
use crate::cell::program::{Array, Program};
use crate::population::Architecture;
use pulp::{Simd, WithSimd};
use std::collections::BTreeMap;

/// Trials per block: the unit of the canonical order of summation.
pub(crate) const BLOCK: usize = 16;

/// Steps whose weight gradients are summed in one go, while their adjoints are in cache.
pub(crate) const CHUNK: usize = 4;

/// Position of an array: at time t it is in slot `(t + shift) % slots` of its storage.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Timed {
    pub(crate) storage: usize,
    shift: usize,
    slots: usize,
}

/// Storage for one block of trials of one network.
#[derive(Debug)]
pub(crate) struct Arena {
    pub(crate) storage: Vec<Lines>,
    index: BTreeMap<Array, Timed>,
    /// Values of one array at one time: trials x padded units.
    pub(crate) len: usize,
    history: usize,
}

impl Arena {
    /// `history` is the number of steps the backward pass goes back over; 0 when there is none.
    pub(crate) fn new(architecture: &Architecture, history: usize) -> Self {
        Self {
            storage: Vec::new(),
            index: BTreeMap::new(),
            len: BLOCK * padded(architecture.units),
            history,
        }
    }

    /// Position of an array, made on first use.
    pub(crate) fn array(&mut self, cell: &Cell, array: Array) -> Timed {
        if let Some(&known) = self.index.get(&array) {
            return known;
        }
        let past = self.history.max(1);
        let (key, shift, slots) = match array {
            Array::Leaf(Leaf::State(f)) => {
                (Array::Leaf(Leaf::State(f)), 0, self.history.max(1) + 1)
            }
            Array::StateNext(f) => (Array::Leaf(Leaf::State(f)), 1, self.history.max(1) + 1),
            Array::Leaf(Leaf::Gate(s, g)) => (
                array,
                0,
                if cell.programs.taped_gates.contains(&(s, g)) {
                    past
                } else {
                    1
                },
            ),
            Array::Leaf(Leaf::Noise(i)) => (
                array,
                0,
                if cell.programs.taped_noise.contains(&i) {
                    past
                } else {
                    1
                },
            ),
            Array::Drive(s) => match cell.plain_drive(usize::from(s)) {
                Some(f) => (
                    Array::Leaf(Leaf::State(f as u8)),
                    0,
                    self.history.max(1) + 1,
                ),
                None => (array, 0, past),
            },
            Array::Output => match cell.plain_output() {
                Some(f) => (
                    Array::Leaf(Leaf::State(f as u8)),
                    1,
                    self.history.max(1) + 1,
                ),
                None => (array, 0, past),
            },
            Array::Tape(_) => (array, 0, past),
            Array::Leaf(Leaf::AdjointGate(..)) => (array, 0, CHUNK),
            Array::Leaf(Leaf::AdjointState(f)) => (Array::AdjointPrevious(f), 1, 2),
            Array::AdjointPrevious(_) => (array, 0, 2),
            _ => (array, 0, 1),
        };
        let storage = match self.index.get(&key) {
            Some(known) => known.storage,
            None => {
                let fill = match key {
                    Array::Literal(bits) => f64::from_bits(bits) as f32,
                    _ => 0.0,
                };
                self.storage.push(Lines::filled(fill, slots * self.len));
                let storage = self.storage.len() - 1;
                let base = match key {
                    Array::Leaf(Leaf::State(_)) | Array::AdjointPrevious(_) => Timed {
                        storage,
                        shift: 0,
                        slots,
                    },
                    _ => Timed {
                        storage,
                        shift,
                        slots,
                    },
                };
                self.index.insert(key, base);
                storage
            }
        };
        let timed = Timed {
            storage,
            shift,
            slots,
        };
        self.index.insert(array, timed);
        timed
    }

    /// First element of an array at a time.
    pub(crate) fn offset(&self, array: Timed, t: usize) -> usize {
        (t + array.shift) % array.slots * self.len
    }

    /// An array at a time.
    pub(crate) fn at(&self, array: Timed, t: usize) -> &[f32] {
        &self.storage[array.storage][self.offset(array, t)..][..self.len]
    }

    /// An array at a time, to write.
    pub(crate) fn at_mut(&mut self, array: Timed, t: usize) -> &mut [f32] {
        let (offset, len) = (self.offset(array, t), self.len);
        &mut self.storage[array.storage][offset..][..len]
    }
}

/// A program with the positions of its arrays.
#[derive(Debug)]
pub(crate) struct Placed {
    program: Program,
    arrays: Vec<Timed>,
    places: Vec<Place>,
}

impl Placed {
    pub(crate) fn new(
        arena: &mut Arena,
        cell: &Cell,
        program: &Program,
        scratch: &mut Vec<Timed>,
    ) -> Self {
        // Temporaries are shared by all programs: none outlives its program.
        let arrays: Vec<Timed> = program
            .arrays
            .iter()
            .map(|&a| match a {
                Array::Scratch(i) => {
                    while scratch.len() <= usize::from(i) {
                        let storage = arena.storage.len();
                        arena.storage.push(Lines::zeros(arena.len));
                        scratch.push(Timed {
                            storage,
                            shift: 0,
                            slots: 1,
                        });
                    }
                    scratch[usize::from(i)]
                }
                other => arena.array(cell, other),
            })
            .collect();
        let places = vec![Place::default(); arrays.len()];
        Self {
            program: program.clone(),
            arrays,
            places,
        }
    }

    /// Whether there is nothing to run.
    pub(crate) fn is_empty(&self) -> bool {
        self.program.is_empty()
    }

    /// Runs the program at a time.
    #[inline(always)]
    pub(crate) fn run<S: Simd>(&mut self, simd: S, arena: &mut Arena, t: usize) {
        for (place, array) in self.places.iter_mut().zip(&self.arrays) {
            *place = Place {
                storage: array.storage,
                offset: arena.offset(*array, t),
            };
        }
        simd.vectorize(Interpret {
            program: &self.program,
            storage: &mut arena.storage,
            places: &self.places,
            len: arena.len,
        });
    }
}

/// A program run as an operation of its own, so that the interpreter is compiled once per SIMD level.
struct Interpret<'a> {
    program: &'a Program,
    storage: &'a mut [Lines],
    places: &'a [Place],
    len: usize,
}

impl WithSimd for Interpret<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        evaluate::run(self.program, self.storage, self.places, self.len);
    }
}
