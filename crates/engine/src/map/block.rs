//! Many states of one network at a constant input go on together, in f32 or f64.
//!
//! A row's numbers depend on nothing but that row: neither on how many others there are nor on its place among them.

use super::{Map, dense};
use crate::cell::evaluate::Workspace;
use crate::cell::graph::Leaf;
use crate::cell::program::Array;
use crate::map::form::Form;
use crate::numerics::Real;

/// Units per vector.
const LANES: usize = 16;
/// Rows whose products share their loads of the weights: as many as there are, else half as many, else one.
const TOGETHER: usize = 8;
const FEWER: usize = 4;
/// Vectors that go through a product together where there is one row: sums that do not wait for each other.
const WIDE: usize = 2 * LANES;

/// States of one network, `[row, unit]` with padded rows, up to [`Block::ROWS`] of them.
pub struct Block<'a, T> {
    map: &'a Map,
    arch: pulp::Arch,
    form: Form,
    workspace: Workspace<T>,
    /// Per gate: `[from, to]`, rows padded; empty without a recurrent term.
    weights: Vec<Vec<T>>,
    constants: Vec<Vec<T>>,
    padded: usize,
    before: Vec<Vec<T>>,
    drive: Vec<T>,
    product: Vec<T>,
}

impl<'a, T: Real + Into<f64>> Block<'a, T> {
    /// States that go on together at most.
    pub const ROWS: usize = 16;

    /// Room for states of a map's network.
    #[must_use]
    pub fn new(map: &'a Map) -> Self {
        let (n, cell) = (map.n_units(), map.cell());
        let padded = n.div_ceil(LANES) * LANES;
        let size = Self::ROWS * padded;
        let mut workspace = Workspace::new(size);
        let mut wide = map.template();
        let leaves = (0..cell.constants.len())
            .map(|i| Leaf::Constant(i as u8))
            .chain((0..cell.unit_params.len()).map(|i| Leaf::UnitParam(i as u8)))
            .chain([Leaf::UnitCount, Leaf::UnitIndex]);
        for leaf in leaves {
            let (from, to) = (
                wide.array(Array::Leaf(leaf)),
                workspace.array(Array::Leaf(leaf)),
            );
            for row in workspace.storage[to].chunks_mut(padded.max(1)) {
                narrow(row, &wide.storage[from][..n]);
                // Padding computes with the numbers of a unit: with zeros it could divide by one.
                let first = row[0];
                row[n..].fill(first);
            }
        }
        let next: Vec<_> = cell
            .next
            .iter()
            .enumerate()
            .map(|(f, &node)| (Array::StateNext(f as u8), node))
            .collect();
        let form = Form::new(cell, &next, &mut workspace);
        let from = dense::stride(n);
        let narrowed = |rows: &[f64]| {
            let mut all = vec![T::default(); rows.len() / from.max(1) * padded];
            for (to, row) in all.chunks_mut(padded.max(1)).zip(rows.chunks(from.max(1))) {
                narrow(to, &row[..n]);
            }
            all
        };
        let gates = map.weights();
        Self {
            weights: gates.iter().map(|g| narrowed(&g.columns)).collect(),
            constants: gates.iter().map(|g| narrowed(&g.constant)).collect(),
            before: vec![vec![T::default(); size]; cell.states.len()],
            drive: vec![T::default(); size],
            product: vec![T::default(); size],
            arch: pulp::Arch::new(),
            map,
            form,
            workspace,
            padded,
        }
    }

    /// Writes a state, `[field, unit]`, into a row.
    pub fn put(&mut self, row: usize, state: &[f64]) {
        let n = self.map.n_units();
        for (&at, field) in self.form.states.iter().zip(state.chunks(n.max(1))) {
            let to = &mut self.workspace.storage[at][row * self.padded..][..self.padded];
            narrow(to, field);
            to[n..].fill(T::default());
        }
    }

    /// Reads the state of a row, `[field, unit]`.
    pub fn take(&self, row: usize, state: &mut [f64]) {
        let n = self.map.n_units();
        for (&at, field) in self.form.states.iter().zip(state.chunks_mut(n.max(1))) {
            let from = &self.workspace.storage[at][row * self.padded..];
            field.iter_mut().zip(from).for_each(|(y, &x)| *y = x.into());
        }
    }

    /// Overwrites row `to` by row `from`.
    pub fn copy(&mut self, from: usize, to: usize) {
        for &at in &self.form.states {
            let from = from * self.padded;
            self.workspace.storage[at].copy_within(from..from + self.padded, to * self.padded);
        }
    }

    /// Takes steps with the first `rows` rows; the largest change of a coordinate in the last one, NaN where a state is not
    /// finite.
    pub fn advance(&mut self, rows: usize, steps: usize) -> f64 {
        let arch = self.arch;
        arch.dispatch(Advance {
            len: rows.min(Self::ROWS) * self.padded,
            block: self,
            steps,
        })
    }

    #[inline(always)]
    fn step(&mut self, len: usize) {
        let n = self.map.n_units();
        for (s, section) in self.form.values.iter().enumerate() {
            section.run(&mut self.workspace.storage, len);
            let Some(&at) = self.form.drives.get(s) else {
                continue;
            };
            self.drive[..len].copy_from_slice(&self.workspace.storage[at][..len]);
            for (g, gate) in self.map.weights().iter().enumerate() {
                if gate.stage == s && self.form.used[g] {
                    let (weights, constants) = (&self.weights[g], &self.constants[g]);
                    let whole = |len: usize, rows: usize| {
                        let tile = (rows * self.padded).max(1);
                        len / tile * tile
                    };
                    let many = whole(len, TOGETHER);
                    let fewer = many + whole(len - many, FEWER);
                    let (out, drive) = (&mut self.product[..len], &self.drive[..len]);
                    let (out, single) = out.split_at_mut(fewer);
                    let (many_out, fewer_out) = out.split_at_mut(many);
                    let (w, c, p) = (weights, constants, self.padded);
                    product::<T, TOGETHER, LANES>(many_out, &drive[..many], w, c, n, p);
                    product::<T, FEWER, LANES>(fewer_out, &drive[many..fewer], w, c, n, p);
                    product::<T, 1, WIDE>(single, &drive[fewer..], w, c, n, p);
                    self.workspace.storage[self.form.gates[g]][..len]
                        .copy_from_slice(&self.product[..len]);
                }
            }
        }
        for (&from, &to) in self.form.results.iter().zip(&self.form.states) {
            let [from, to] = match self.workspace.storage.get_disjoint_mut([from, to]) {
                Ok(pair) => pair,
                Err(_) => continue,
            };
            to[..len].copy_from_slice(&from[..len]);
        }
    }
}

// A closure would not do: its call is a function of its own, without the instructions that were detected.
struct Advance<'a, 'b, T> {
    block: &'a mut Block<'b, T>,
    len: usize,
    steps: usize,
}

impl<T: Real + Into<f64>> pulp::WithSimd for Advance<'_, '_, T> {
    type Output = f64;

    #[inline(always)]
    fn with_simd<S: pulp::Simd>(self, _: S) -> f64 {
        let (block, len) = (self.block, self.len);
        for k in 0..self.steps {
            if k + 1 == self.steps {
                for (to, &at) in block.before.iter_mut().zip(&block.form.states) {
                    to[..len].copy_from_slice(&block.workspace.storage[at][..len]);
                }
            }
            block.step(len);
        }
        let (mut moved, mut sum) = (0.0_f64, 0.0);
        for (before, &at) in block.before.iter().zip(&block.form.states) {
            for (a, b) in before[..len].iter().zip(&block.workspace.storage[at]) {
                let change: f64 = a.sub(*b).into();
                moved = moved.max(change.abs());
                sum += change;
            }
        }
        if sum.is_finite() { moved } else { f64::NAN }
    }
}

fn narrow<T: Real>(to: &mut [T], from: &[f64]) {
    to.iter_mut()
        .zip(from)
        .for_each(|(x, &y)| *x = T::from_f64(y));
}

/// `out = constant + drive weights`, some rows by some units at a time, what is left by [`LANES`]. Every sum runs over the units in
/// order, whatever the tile.
#[inline(always)]
fn product<T: Real, const ROWS: usize, const UNITS: usize>(
    out: &mut [T],
    drive: &[T],
    weights: &[T],
    constant: &[T],
    n: usize,
    padded: usize,
) {
    if padded == 0 {
        return;
    }
    for (out, drive) in out
        .chunks_exact_mut(ROWS * padded)
        .zip(drive.chunks_exact(ROWS * padded))
    {
        let mut j = 0;
        while j + UNITS <= padded {
            tile::<T, ROWS, UNITS>(out, drive, weights, constant, n, padded, j);
            j += UNITS;
        }
        while j + LANES <= padded {
            tile::<T, ROWS, LANES>(out, drive, weights, constant, n, padded, j);
            j += LANES;
        }
    }
}

/// Units `j..j + UNITS` of [`product`].
#[inline(always)]
fn tile<T: Real, const ROWS: usize, const UNITS: usize>(
    out: &mut [T],
    drive: &[T],
    weights: &[T],
    constant: &[T],
    n: usize,
    padded: usize,
    j: usize,
) {
    let mut sum = [[T::default(); UNITS]; ROWS];
    for row in &mut sum {
        row.copy_from_slice(&constant[j..j + UNITS]);
    }
    let drives: [&[T]; ROWS] = std::array::from_fn(|r| &drive[r * padded..(r + 1) * padded]);
    for (k, from) in weights.chunks_exact(padded).enumerate().take(n) {
        let w = &from[j..j + UNITS];
        for r in 0..ROWS {
            let d = drives[r][k];
            for l in 0..UNITS {
                sum[r][l] = d.mul_add(w[l], sum[r][l]);
            }
        }
    }
    for (r, row) in sum.iter().enumerate() {
        out[r * padded + j..][..UNITS].copy_from_slice(row);
    }
}
