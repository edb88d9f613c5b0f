//! Assembles matrices from pointwise partial derivatives and weights.

use super::form::Form;
use super::{Map, Scratch, dense};
use pulp::Simd;

/// A form just evaluated with its partials.
#[derive(Clone, Copy)]
pub(crate) struct Evaluated<'a> {
    pub(crate) map: &'a Map,
    pub(crate) form: &'a Form,
    pub(crate) storage: &'a [Vec<f64>],
}

/// `[row, column]` blocks of a form's derivative and the buffers to make them.
#[derive(Clone, Debug)]
pub(crate) struct Assembly {
    /// Weighted sum of gate matrices.
    weighted: Vec<f64>,
    /// Per stage and state field: derivative of the drive, where it is not diagonal.
    drives: Vec<Vec<Vec<f64>>>,
    /// One block.
    pub(crate) block: Vec<f64>,
}

impl Assembly {
    pub(crate) fn new(map: &Map) -> Self {
        let size = map.n_units * map.stride;
        let dense_drive = |s: usize| map.step.drive.by_gate[s].iter().any(Option::is_some);
        let fields = map.cell.states.len();
        let drives = (0..map.cell.stages.len())
            .map(|s| {
                if dense_drive(s) {
                    vec![vec![0.0; size]; fields]
                } else {
                    Vec::new()
                }
            })
            .collect();
        Self {
            weighted: vec![0.0; size],
            drives,
            block: vec![0.0; size],
        }
    }

    /// Derivatives of the drives of later stages, which depend on gates of earlier ones.
    #[inline(always)]
    pub(crate) fn drives<S: Simd>(
        &mut self,
        simd: S,
        at: Evaluated<'_>,
        coefficients: &mut [Vec<f64>],
    ) {
        let Evaluated { map, form, storage } = at;
        let (n, stride) = (map.n_units, map.stride);
        for s in 0..self.drives.len() {
            if self.drives[s].is_empty() || !used(map, form, s) {
                continue;
            }
            for (gate, by) in form.drive.by_gate[s].iter().enumerate() {
                match by {
                    Some(at) => coefficients[gate].copy_from_slice(&storage[*at]),
                    None => coefficients[gate].fill(0.0),
                }
            }
            let present: Vec<bool> = form.drive.by_gate[s].iter().map(Option::is_some).collect();
            for field in 0..self.drives[s].len() {
                self.block(simd, at, coefficients, &present, field);
                std::mem::swap(&mut self.block, &mut self.drives[s][field]);
                if let Some(at) = form.drive.by_state[s][field] {
                    let diagonal = self.drives[s][field].iter_mut().step_by(stride + 1);
                    diagonal.zip(&storage[at][..n]).for_each(|(x, d)| *x += d);
                }
            }
        }
    }

    /// `block = sum over gates of diag(coefficients[gate]) dP_gate / d state field`.
    #[inline(always)]
    pub(crate) fn block<S: Simd>(
        &mut self,
        simd: S,
        at: Evaluated<'_>,
        coefficients: &[Vec<f64>],
        present: &[bool],
        field: usize,
    ) {
        let Evaluated { map, form, storage } = at;
        let (n, stride) = (map.n_units, map.stride);
        self.block.fill(0.0);
        for s in 0..self.drives.len() {
            let slope = form.drive.by_state[s][field];
            let full = !self.drives[s].is_empty();
            let mut any = false;
            for (g, gate) in map.gates.iter().enumerate() {
                if gate.stage != s
                    || !present[g]
                    || gate.rows.is_empty()
                    || (slope.is_none() && !full)
                {
                    continue;
                }
                if !any {
                    self.weighted.fill(0.0);
                    any = true;
                }
                for ((to, from), &c) in self
                    .weighted
                    .chunks_exact_mut(stride)
                    .zip(gate.rows.chunks_exact(stride))
                    .zip(&coefficients[g])
                {
                    dense::add_scaled(simd, to, c, from);
                }
            }
            if !any {
                continue;
            }
            if full {
                dense::add_product(
                    simd,
                    &mut self.block,
                    &self.weighted,
                    &self.drives[s][field],
                    n,
                    stride,
                );
            } else if let Some(at) = slope {
                let slope = &storage[at];
                for (to, from) in self
                    .block
                    .chunks_exact_mut(stride)
                    .zip(self.weighted.chunks_exact(stride))
                {
                    for ((x, w), d) in to.iter_mut().zip(from).zip(slope) {
                        *x = w.mul_add(*d, *x);
                    }
                }
            }
        }
    }
}

/// Whether any gate of a stage is computed.
fn used(map: &Map, form: &Form, stage: usize) -> bool {
    map.gates
        .iter()
        .zip(&form.used)
        .any(|(gate, &u)| gate.stage == stage && u)
}

impl Map {
    /// The Jacobian of `F` at a state, `[to, from]` over `[field, unit]`, not padded.
    pub fn jacobian(&self, scratch: &mut Scratch, state: &[f64]) -> Vec<f64> {
        let size = self.n_state();
        let mut out = vec![0.0; size * size];
        self.jacobian_into(scratch, state, &mut out);
        out
    }

    /// [`Map::jacobian`] into a buffer of its size.
    pub fn jacobian_into(&self, scratch: &mut Scratch, state: &[f64], out: &mut [f64]) {
        self.evaluate(&self.step, true, scratch, state);
        self.full_jacobian(&self.step, scratch, out, self.n_state());
    }

    /// The derivative of the candidate at a state (of `F` where the cell has none), as [`Map::jacobian`].
    pub(crate) fn candidate_jacobian(&self, scratch: &mut Scratch, state: &[f64]) -> Vec<f64> {
        let size = self.n_state();
        let mut out = vec![0.0; size * size];
        self.evaluate(&self.target, true, scratch, state);
        self.full_jacobian(&self.target, scratch, &mut out, size);
        out
    }

    /// The derivative of a form just evaluated with its partials, rows `row_stride` apart.
    pub(crate) fn full_jacobian(
        &self,
        form: &Form,
        scratch: &mut Scratch,
        out: &mut [f64],
        row_stride: usize,
    ) {
        self.arch.dispatch(FullJacobian {
            map: self,
            form,
            scratch,
            out,
            row_stride,
        });
    }
}

struct FullJacobian<'a> {
    map: &'a Map,
    form: &'a Form,
    scratch: &'a mut Scratch,
    out: &'a mut [f64],
    row_stride: usize,
}

impl pulp::WithSimd for FullJacobian<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        full_jacobian(simd, self);
    }
}

#[inline(always)]
fn full_jacobian<S: Simd>(simd: S, at: FullJacobian<'_>) {
    let FullJacobian {
        map,
        form,
        scratch,
        out,
        row_stride,
    } = at;
    let (n, stride, fields) = (map.n_units, map.stride, map.cell.states.len());
    let storage = &scratch.workspace.storage;
    let evaluated = Evaluated { map, form, storage };
    let buffers = &mut scratch.newton;
    buffers
        .assembly
        .drives(simd, evaluated, &mut buffers.coefficients);
    for row_field in 0..fields {
        for (gate, by) in form.outer.by_gate[row_field].iter().enumerate() {
            match by {
                Some(at) => buffers.coefficients[gate].copy_from_slice(&storage[*at]),
                None => buffers.coefficients[gate].fill(0.0),
            }
            buffers.present[gate] = by.is_some();
        }
        for field in 0..fields {
            buffers.assembly.block(
                simd,
                evaluated,
                &buffers.coefficients,
                &buffers.present,
                field,
            );
            for i in 0..n {
                let to = &mut out[(row_field * n + i) * row_stride + field * n..][..n];
                to.copy_from_slice(&buffers.assembly.block[i * stride..i * stride + n]);
                if let Some(at) = form.outer.by_state[row_field][field] {
                    to[i] += storage[at][i];
                }
            }
        }
    }
}
