//! Restrictions that make matrices of matrices: a random subspace, low rank, antisymmetric weights, and their adjoints.

use super::{Operand, Program, What};
use crate::population::{Layout, Role};
use crate::recipe::Constraint;

/// (first parameter, units) of every recurrent matrix.
fn recurrent(layout: &Layout) -> impl Iterator<Item = (usize, usize)> + '_ {
    let tensors = layout.tensors.iter();
    tensors
        .filter(|t| matches!(t.role, Role::Recurrent(..)))
        .map(|t| (t.offset, t.shape[0]))
}

/// Parameters as trained, at `linked` on entry, to `expanded` (in the coordinates of the weights) and `linked` (matrices made).
pub(super) fn link(
    layout: &Layout,
    constraint: Option<&Constraint>,
    network: usize,
    shared: usize,
) -> Program {
    let params = layout.n_params;
    let (linked, expanded) = (0, params);
    let mut program = Program::new(params);
    let Some(constraint) = constraint else {
        return program;
    };
    let all = [1, params];
    match constraint.space(network) {
        Some((_, basis)) => {
            let d = basis.len() / params;
            let (origin, basis) = (Operand::data(shared), Operand::data(shared + params));
            program.each(What::Copy, expanded, origin, all, (1.0, 0.0));
            let coordinates = Operand::work(linked);
            program.product(expanded, (coordinates, basis), [1, d, params], (1.0, 1.0));
            program.each(What::Copy, linked, Operand::work(expanded), all, (1.0, 0.0));
        }
        None => program.each(What::Copy, expanded, Operand::work(linked), all, (1.0, 0.0)),
    }
    for (at, n) in recurrent(layout) {
        let (to, from) = (linked + at, Operand::work(expanded + at));
        if let Some(rank) = constraint.rank(network) {
            let right = Operand::work(expanded + at + n * rank).transposed();
            program.product(to, (from, right), [n, rank, n], (1.0, 0.0));
        }
        if constraint.is_antisymmetric(network) {
            program.each(What::Copy, to, from.transposed(), [n, n], (-1.0, 1.0));
        }
    }
    program
}

/// The gradient by what `link` made to that by what it was given, in place.
pub(super) fn adjoint(
    layout: &Layout,
    constraint: Option<&Constraint>,
    network: usize,
    shared: usize,
) -> Program {
    let params = layout.n_params;
    let (expanded, gradient) = (params, 3 * params);
    let mut program = Program::new(params);
    let Some(constraint) = constraint else {
        return program;
    };
    let before = program.top;
    for (at, n) in recurrent(layout) {
        program.top = before;
        let to = gradient + at;
        let copy = program.room(n * n);
        let by = Operand::work(copy);
        program.each(What::Copy, copy, Operand::work(to), [n, n], (1.0, 0.0));
        if let Some(rank) = constraint.rank(network) {
            let left = Operand::work(expanded + at);
            let right = Operand::work(expanded + at + n * rank);
            program.each(What::Zero, to, by, [n, n], (1.0, 0.0));
            program.product(to, (by, right), [n, n, rank], (1.0, 0.0));
            let second = to + n * rank;
            program.product(second, (by.transposed(), left), [n, n, rank], (1.0, 0.0));
        }
        if constraint.is_antisymmetric(network) {
            program.each(What::Copy, to, by.transposed(), [n, n], (-1.0, 1.0));
        }
    }
    program.top = before;
    if let Some((_, basis)) = constraint.space(network) {
        let d = basis.len() / params;
        let basis = Operand::data(shared + params);
        let by = program.room(d);
        program.product(
            by,
            (basis, Operand::work(gradient)),
            [d, params, 1],
            (1.0, 0.0),
        );
        program.each(
            What::Zero,
            gradient,
            Operand::work(by),
            [1, params],
            (1.0, 0.0),
        );
        program.each(What::Copy, gradient, Operand::work(by), [1, d], (1.0, 0.0));
    }
    program
}
