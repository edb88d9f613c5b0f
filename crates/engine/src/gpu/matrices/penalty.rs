//! Penalties of whole matrices: strength times their gradient is added to the gradient by weights as used. Twins: the files of
//! the same names in `recipe::penalty`, which say where the formulas come from.

use super::{Operand, Program, What};
use crate::population::{Layout, Population, Role};
use crate::recipe::{Penalty, Regulariser};

/// Halvings before the exponential's series that a program has room for: a norm up to 2^15.
const HALVINGS: i32 = 16;
/// Terms of the series, enough in f32 for a norm of at most 1/2.
const TERMS: usize = 9;
/// What communicability adds to the strength of a unit, as on the CPU.
const EPSILON: f32 = 1e-12;

/// Matrices that all networks share.
pub(super) struct Shared {
    words: Vec<f32>,
    /// As many ones as the longest side.
    ones: Operand,
    /// As many epsilons as units.
    epsilons: Operand,
    /// `[column][column]` of inputs: 0 on the diagonal, else 1.
    off_inputs: Operand,
    /// The same of units.
    off_units: Operand,
    identity: Operand,
    /// Distances of the units, of each penalty that has them.
    distances: Vec<Operand>,
}

impl Shared {
    pub(super) fn new(population: &Population, regularisers: &[Regulariser]) -> Self {
        let (n, m) = (
            population.architecture.units,
            population.architecture.inputs,
        );
        let mut words = Vec::new();
        let mut place = |values: Vec<f32>| {
            let at = words.len();
            words.extend(values);
            Operand::data(at)
        };
        let square = |n: usize, f: &dyn Fn(usize, usize) -> f32| {
            (0..n * n).map(|e| f(e / n, e % n)).collect::<Vec<f32>>()
        };
        let off = |i: usize, j: usize| f32::from(u8::from(i != j));
        let ones = place(vec![1.0; n.max(m)]);
        let epsilons = place(vec![EPSILON; n]);
        let off_inputs = place(square(m, &off));
        let off_units = place(square(n, &off));
        let identity = place(square(n, &|i, j| 1.0 - off(i, j)));
        let distances = regularisers.iter().filter_map(|r| match &r.penalty {
            Penalty::Communicability { positions } => Some(positions),
            _ => None,
        });
        let distances = distances.map(|positions| {
            let apart = |i: usize, j: usize| {
                let squares = (0..3).map(|k| (positions[i][k] - positions[j][k]).powi(2));
                squares.sum::<f64>().sqrt() as f32
            };
            square(n, &apart)
        });
        let distances = distances.collect::<Vec<_>>().into_iter().map(place);
        let distances = distances.collect();
        Self {
            words,
            ones,
            epsilons,
            off_inputs,
            off_units,
            identity,
            distances,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.words.len()
    }

    pub(super) fn words(self) -> Vec<f32> {
        self.words
    }
}

/// A program, the layout it is written for, and where strengths go.
struct Writer<'a> {
    program: Program,
    layout: &'a Layout,
    shared: &'a Shared,
    strength: f32,
}

/// The program of one network's penalties.
pub(super) fn gradient(
    population: &Population,
    regularisers: &[Regulariser],
    network: usize,
    shared: &Shared,
) -> Program {
    let mut writer = Writer {
        program: Program::new(population.layout.n_params),
        layout: &population.layout,
        shared,
        strength: 0.0,
    };
    let bottom = writer.program.top;
    let mut distances = shared.distances.iter();
    for r in regularisers {
        writer.strength = r.strength[network];
        let distances = match r.penalty {
            Penalty::Communicability { .. } => distances.next(),
            _ => None,
        };
        if writer.strength <= 0.0 {
            continue;
        }
        for tensor in &population.layout.tensors {
            writer.program.top = bottom;
            let shape = [tensor.shape[0], tensor.shape.last().copied().unwrap_or(1)];
            match (&r.penalty, tensor.role) {
                (Penalty::InputOrthogonality, Role::Input(..)) => {
                    writer.orthogonality(tensor.offset, shape);
                }
                (
                    Penalty::Resolvent {
                        alpha,
                        length,
                        per_hop,
                    },
                    Role::Recurrent(s, g),
                ) => writer.resolvent((s, g), *alpha as f32, (*length).max(1), *per_hop),
                (Penalty::Communicability { .. }, Role::Recurrent(..)) => {
                    if let Some(distances) = distances {
                        writer.communicability(tensor.offset, shape[0], *distances);
                    }
                }
                _ => {}
            }
        }
    }
    writer.program
}

impl Writer<'_> {
    /// A tensor of the weights as used.
    fn used(&self, at: usize) -> Operand {
        Operand::work(2 * self.layout.n_params + at)
    }

    fn gradient(&self, at: usize) -> usize {
        3 * self.layout.n_params + at
    }

    fn orthogonality(&mut self, at: usize, [n, m]: [usize; 2]) {
        let (w, to, strength) = (self.used(at), self.gradient(at), self.strength);
        let (ones, off) = (self.shared.ones, self.shared.off_inputs);
        let p = &mut self.program;
        let [squares, over, b, by, along] = [n * m; 5].map(|size| p.room(size));
        let (row, scalar, overlap) = (p.room(m), p.room(2), p.room(m * m));
        let at = Operand::work;
        // B: columns over their lengths; a column of zeros is orthogonal to all.
        p.times(squares, (w, w), [n, m], (1.0, 0.0));
        p.product(row, (ones, at(squares)), [1, n, m], (1.0, 0.0));
        p.each(What::InverseRoot, row, at(row), [1, m], (1.0, 0.0));
        p.product(over, (ones, at(row)), [n, 1, m], (1.0, 0.0));
        p.times(b, (w, at(over)), [n, m], (1.0, 0.0));
        p.product(overlap, (at(b).transposed(), at(b)), [m, n, m], (1.0, 0.0));
        p.times(overlap, (at(overlap), off), [m, m], (1.0, 0.0));
        p.product(
            scalar,
            (at(overlap), at(overlap)),
            [1, m * m, 1],
            (1.0, 0.0),
        );
        p.each(
            What::InverseRoot,
            scalar + 1,
            at(scalar),
            [1, 1],
            (1.0, 0.0),
        );
        // By B: 2 B O / |O|; then through the normalisation.
        p.product(squares, (at(b), at(overlap)), [n, m, m], (2.0, 0.0));
        p.product(by, (at(squares), at(scalar + 1)), [n * m, 1, 1], (1.0, 0.0));
        p.times(squares, (at(by), at(b)), [n, m], (1.0, 0.0));
        p.product(row, (ones, at(squares)), [1, n, m], (1.0, 0.0));
        p.product(along, (ones, at(row)), [n, 1, m], (1.0, 0.0));
        p.times(by, (at(along), at(b)), [n, m], (-1.0, 1.0));
        p.times(to, (at(by), at(over)), [n, m], (strength, 1.0));
    }

    fn resolvent(&mut self, (s, g): (usize, usize), alpha: f32, length: usize, per_hop: bool) {
        let find = |role| self.layout.find(role).map(|t| (t.offset, t.shape.clone()));
        let (Some((w, _)), Some((u, of_u)), Some((v, of_v))) = (
            find(Role::Recurrent(s, g)),
            find(Role::Input(s, g)),
            find(Role::Readout),
        ) else {
            return;
        };
        let (n, m, q) = (of_u[0], of_u[1], of_v[0]);
        let [to_w, to_u, to_v] = [w, u, v].map(|at| self.gradient(at));
        let [w, u, v] = [w, u, v].map(|at| self.used(at));
        let strength = self.strength;
        let p = &mut self.program;
        let at = Operand::work;
        // X_0 = a^2 U, X_(k+1) = a W X_k.
        let states: Vec<usize> = (0..length).map(|_| p.room(n * m)).collect();
        p.each(What::Copy, states[0], u, [n, m], (alpha * alpha, 0.0));
        for k in 1..length {
            p.product(states[k], (w, at(states[k - 1])), [n, n, m], (alpha, 0.0));
        }
        // Signs of every hop, or of their sum.
        let (total, mut signs) = (p.room(q * m), Vec::new());
        for (k, x) in states.iter().enumerate() {
            let keep = f32::from(u8::from(k > 0 && !per_hop));
            p.product(total, (v, at(*x)), [q, n, m], (1.0, keep));
            if per_hop || k + 1 == length {
                signs.push(p.room(q * m));
                let to = signs[signs.len() - 1];
                p.each(What::Sign, to, at(total), [q, m], (1.0, 0.0));
            }
        }
        let sign = |k: usize| at(signs[if per_hop { k } else { 0 }]);
        for (k, x) in states.iter().enumerate() {
            p.product(
                to_v,
                (sign(k), at(*x).transposed()),
                [q, m, n],
                (strength, 1.0),
            );
        }
        let [mut adjoint, mut next] = [n * m; 2].map(|size| p.room(size));
        p.product(
            adjoint,
            (v.transposed(), sign(length - 1)),
            [n, q, m],
            (1.0, 0.0),
        );
        for k in (0..length - 1).rev() {
            let x = at(states[k]).transposed();
            p.product(to_w, (at(adjoint), x), [n, m, n], (strength * alpha, 1.0));
            p.product(next, (v.transposed(), sign(k)), [n, q, m], (1.0, 0.0));
            p.product(next, (w.transposed(), at(adjoint)), [n, n, m], (alpha, 1.0));
            std::mem::swap(&mut adjoint, &mut next);
        }
        let scale = strength * alpha * alpha;
        p.each(What::Copy, to_u, at(adjoint), [n, m], (scale, 1.0));
    }

    /// With A = |W|^T (row = source), s its row sums, B = s_i^-1/2 A s_j^-1/2, C = exp(B) without diagonal: `sum A D C`.
    fn communicability(&mut self, at_w: usize, n: usize, distances: Operand) {
        let (w, to, strength) = (self.used(at_w), self.gradient(at_w), self.strength);
        let shared = self.shared;
        let (ones, off) = (shared.ones, shared.off_units);
        let p = &mut self.program;
        let at = Operand::work;
        let nn = [n, n];
        let [a, roots, b, by_b, c, gradient] = [n * n; 6].map(|size| p.room(size));
        let [strengths, root, by_s] = [n; 3].map(|size| p.room(size));
        p.each(What::Absolute, a, w.transposed(), nn, (1.0, 0.0));
        p.each(What::Copy, strengths, shared.epsilons, [n, 1], (1.0, 0.0));
        p.product(strengths, (at(a), ones), [n, n, 1], (1.0, 1.0));
        p.each(What::InverseRoot, root, at(strengths), [n, 1], (1.0, 0.0));
        p.product(roots, (at(root), at(root)), [n, 1, n], (1.0, 0.0));
        p.times(b, (at(a), at(roots)), nn, (1.0, 0.0));
        // exp at B^T in the direction of dL/dC = A D: C^T, and dL/dB, for the derivative's adjoint is that at the transpose.
        p.each(What::Copy, c, at(b).transposed(), nn, (1.0, 0.0));
        p.times(by_b, (at(a), distances), nn, (1.0, 0.0));
        exponential(p, (c, by_b), n, shared.identity);
        p.times(gradient, (at(c).transposed(), off), nn, (1.0, 0.0));
        p.times(gradient, (at(gradient), distances), nn, (1.0, 0.0));
        p.times(gradient, (at(by_b), at(roots)), nn, (1.0, 1.0));
        // By s_i, through row i and column i of B.
        p.times(c, (at(by_b), at(b)), nn, (1.0, 0.0));
        p.product(by_s, (at(c), ones), [n, n, 1], (-0.5, 0.0));
        p.product(by_s, (at(c).transposed(), ones), [n, n, 1], (-0.5, 1.0));
        p.times(by_s, (at(by_s), at(root)), [n, 1], (1.0, 0.0));
        p.times(by_s, (at(by_s), at(root)), [n, 1], (1.0, 0.0));
        p.product(gradient, (at(by_s), ones), [n, 1, n], (1.0, 1.0));
        p.each(What::Sign, c, w, nn, (1.0, 0.0));
        p.times(to, (at(c), at(gradient).transposed()), nn, (strength, 1.0));
    }
}

/// `(exp(a), derivative at a in direction e)` in place of `(a, e)`, n x n: scaling and squaring of a Taylor series.
fn exponential(p: &mut Program, (a, e): (usize, usize), n: usize, identity: Operand) {
    let at = Operand::work;
    let (nn, cube) = ([n, n], [n; 3]);
    let norm = p.room(1);
    let [term, slope, sum, by, spare] = [n * n; 5].map(|size| p.room(size));
    p.product(norm, (at(a), at(a)), [1, n * n, 1], (1.0, 0.0));
    // One halving for every doubling of the norm beyond 1/2.
    let beyond = |k: i32| 0.25 * 4.0_f32.powi(k);
    for k in 0..HALVINGS {
        p.gated(norm, beyond(k), |p| {
            p.each(What::Copy, a, at(a), nn, (0.5, 0.0));
            p.each(What::Copy, e, at(e), nn, (0.5, 0.0));
        });
    }
    p.each(What::Copy, term, identity, nn, (1.0, 0.0));
    p.each(What::Copy, sum, identity, nn, (1.0, 0.0));
    p.each(What::Zero, slope, identity, nn, (1.0, 0.0));
    p.each(What::Zero, by, identity, nn, (1.0, 0.0));
    for k in 1..=TERMS {
        let over = 1.0 / k as f32;
        p.product(spare, (at(slope), at(a)), cube, (over, 0.0));
        p.product(spare, (at(term), at(e)), cube, (over, 1.0));
        p.each(What::Copy, slope, at(spare), nn, (1.0, 0.0));
        p.product(spare, (at(term), at(a)), cube, (over, 0.0));
        p.each(What::Copy, term, at(spare), nn, (1.0, 0.0));
        p.each(What::Copy, sum, at(term), nn, (1.0, 1.0));
        p.each(What::Copy, by, at(slope), nn, (1.0, 1.0));
    }
    for k in 0..HALVINGS {
        p.gated(norm, beyond(k), |p| {
            p.product(spare, (at(by), at(sum)), cube, (1.0, 0.0));
            p.product(spare, (at(sum), at(by)), cube, (1.0, 1.0));
            p.each(What::Copy, by, at(spare), nn, (1.0, 0.0));
            p.product(spare, (at(sum), at(sum)), cube, (1.0, 0.0));
            p.each(What::Copy, sum, at(spare), nn, (1.0, 0.0));
        });
    }
    p.each(What::Copy, a, at(sum), nn, (1.0, 0.0));
    p.each(What::Copy, e, at(by), nn, (1.0, 0.0));
}
