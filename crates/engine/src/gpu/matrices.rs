//! Matrix programs: what penalties and restrictions do with whole matrices, as lists of products and entrywise steps that one
//! kernel carries out, a workgroup per network (`shared/matrices.wgsl`).
//!
//! `constraint` writes the programs of restrictions, `penalty` those of penalties, `passes` runs them.

mod constraint;
mod passes;
mod penalty;

pub(super) use passes::{Passes, Programs};

use crate::executor::TrainOptions;
use crate::population::Population;
use crate::recipe::Penalty;

/// Words of a step.
const STEP_WORDS: usize = 13;
/// Words of a network's head: first word and number of steps of three programs.
const HEAD_WORDS: usize = 6;

/// What a step does; `matrices.wgsl` has the same numbers.
#[derive(Clone, Copy, Debug)]
enum What {
    Product = 0,
    Copy = 1,
    Sign = 2,
    Absolute = 3,
    /// `1 / sqrt(a)`, 0 where a is not above 0.
    InverseRoot = 4,
    Times = 5,
    Zero = 6,
}

/// Where a matrix lies, and how it is read.
#[derive(Clone, Copy, Debug)]
struct Operand {
    at: usize,
    in_data: bool,
    transposed: bool,
}

impl Operand {
    fn work(at: usize) -> Self {
        Self {
            at,
            in_data: false,
            transposed: false,
        }
    }

    fn data(at: usize) -> Self {
        Self {
            at,
            in_data: true,
            transposed: false,
        }
    }

    fn transposed(self) -> Self {
        Self {
            transposed: !self.transposed,
            ..self
        }
    }
}

/// One network's program as it is written.
#[derive(Clone, Debug)]
struct Program {
    steps: Vec<u32>,
    /// First free word of the network's work space.
    top: usize,
    /// The same, at its highest.
    most: usize,
    gate: Option<(usize, f32)>,
}

impl Program {
    fn new(params: usize) -> Self {
        Self {
            steps: Vec::new(),
            top: 4 * params,
            most: 4 * params,
            gate: None,
        }
    }

    /// Room for a matrix, whose entries may be anything.
    fn room(&mut self, entries: usize) -> usize {
        self.top += entries;
        self.most = self.most.max(self.top);
        self.top - entries
    }

    /// `to = scale a b + keep to`; shapes are those of the product, `[rows, inner, columns]`.
    fn product(
        &mut self,
        to: usize,
        (a, b): (Operand, Operand),
        shape: [usize; 3],
        (scale, keep): (f32, f32),
    ) {
        self.step(What::Product, to, (a, b), shape, (scale, keep));
    }

    /// `to = scale f(a) + keep to`, entry by entry.
    fn each(
        &mut self,
        what: What,
        to: usize,
        a: Operand,
        [rows, columns]: [usize; 2],
        factors: (f32, f32),
    ) {
        self.step(what, to, (a, a), [rows, 0, columns], factors);
    }

    /// `to = scale a b + keep to`, entry by entry.
    fn times(
        &mut self,
        to: usize,
        operands: (Operand, Operand),
        [rows, columns]: [usize; 2],
        factors: (f32, f32),
    ) {
        self.step(What::Times, to, operands, [rows, 0, columns], factors);
    }

    /// The steps that `write` adds are taken only where the scalar at `place` is above `value`.
    fn gated(&mut self, place: usize, value: f32, write: impl FnOnce(&mut Self)) {
        let before = self.gate.replace((place, value));
        write(self);
        self.gate = before;
    }

    fn step(
        &mut self,
        what: What,
        to: usize,
        (a, b): (Operand, Operand),
        shape: [usize; 3],
        (scale, keep): (f32, f32),
    ) {
        let flags = [a.transposed, b.transposed, a.in_data, b.in_data];
        let flags = (0..).zip(flags).map(|(bit, on)| u32::from(on) << bit);
        let (gate, value) = self.gate.map_or((0, 0.0), |(at, v)| (at + 1, v));
        let places = [what as usize, to, a.at, b.at, shape[0], shape[1], shape[2]];
        self.steps.extend(places.map(|p| p as u32));
        self.steps.extend([
            flags.sum(),
            scale.to_bits(),
            keep.to_bits(),
            gate as u32,
            value.to_bits(),
            0,
        ]);
    }
}

/// The programs of a population.
pub(super) struct Matrices {
    /// Words that all networks share.
    shared: Vec<f32>,
    /// Words of a network's own data.
    own: usize,
    /// Words of a network's work space.
    work: usize,
    /// `[network][program]`
    programs: Vec<[Vec<u32>; 3]>,
}

impl Matrices {
    /// `None` where a recipe needs no whole matrix.
    pub(super) fn new(population: &Population, options: &TrainOptions) -> Option<Self> {
        let of_matrices = |p: &Penalty| {
            matches!(
                p,
                Penalty::InputOrthogonality
                    | Penalty::Resolvent { .. }
                    | Penalty::Communicability { .. }
            )
        };
        let restricted = options
            .constraint
            .as_ref()
            .is_some_and(|c| !c.is_elementwise());
        if !restricted && !options.regularisers.iter().any(|r| of_matrices(&r.penalty)) {
            return None;
        }
        let shared = penalty::Shared::new(population, &options.regularisers);
        let params = population.layout.n_params;
        let mut work = 0;
        let programs = (0..population.n_networks).map(|network| {
            let restriction = options.constraint.as_deref();
            let written = [
                constraint::link(&population.layout, restriction, network, shared.len()),
                penalty::gradient(population, &options.regularisers, network, &shared),
                constraint::adjoint(&population.layout, restriction, network, shared.len()),
            ];
            written.map(|program| {
                work = work.max(program.most);
                program.steps
            })
        });
        let programs = programs.collect();
        let own = options.constraint.as_ref().map_or(0, |c| {
            (0..population.n_networks)
                .filter_map(|n| c.space(n))
                .map(|(origin, basis)| origin.len() + basis.len())
                .max()
                .unwrap_or(0)
        });
        Some(Self {
            shared: shared.words(),
            own,
            work: work.max(4 * params),
            programs,
        })
    }

    /// Words of the largest of a network's buffers, and of all of them.
    pub(super) fn sizes(&self) -> (usize, usize) {
        let steps = self
            .programs
            .iter()
            .map(|p| HEAD_WORDS + p.iter().map(Vec::len).sum::<usize>())
            .max()
            .unwrap_or(0);
        let own = self.own + self.shared.len();
        (self.work.max(own).max(steps), self.work + own + steps)
    }

    /// `WORK`, `MATRIX_SHARED` and `MATRIX_OWN` of the kernels.
    pub(super) fn strides(&self) -> [usize; 3] {
        [self.work, self.shared.len(), self.own]
    }

    /// Heads and steps of some networks, `steps` of the kernels.
    fn words(&self, networks: std::ops::Range<usize>) -> Vec<u32> {
        let programs = &self.programs[networks];
        let mut words = vec![0; programs.len() * HEAD_WORDS];
        for (network, three) in programs.iter().enumerate() {
            for (k, steps) in three.iter().enumerate() {
                let at = network * HEAD_WORDS + 2 * k;
                words[at] = words.len() as u32;
                words[at + 1] = (steps.len() / STEP_WORDS) as u32;
                words.extend(steps);
            }
        }
        words
    }

    /// Data of some networks, `matrix_data` of the kernels: the origin and basis of a subspace.
    fn data(&self, options: &TrainOptions, networks: std::ops::Range<usize>) -> Vec<f32> {
        let mut data = self.shared.clone();
        for network in networks {
            let end = data.len() + self.own;
            if let Some((origin, basis)) =
                options.constraint.as_ref().and_then(|c| c.space(network))
            {
                data.extend_from_slice(origin);
                data.extend_from_slice(basis);
            }
            data.resize(end, 0.0);
        }
        // A binding holds something.
        if data.is_empty() {
            data.push(0.0);
        }
        data
    }
}
