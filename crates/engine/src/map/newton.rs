//! One Newton step of a map, and one Levenberg-Marquardt step where Newton's matrix is singular.
//!
//! State fields that no drive reads (the LSTM's c) enter the linear system only pointwise: they are eliminated unit by
//! unit before the dense solve, which is then `[unit, unit]` per field that is read.

use super::eliminate::solve;
use super::jacobian::{Assembly, Evaluated};
use super::{Map, Scratch, dense};

/// Buffers of the linear systems.
#[derive(Clone, Debug)]
pub(crate) struct Buffers {
    pub(crate) assembly: Assembly,
    /// Per gate, `[unit]`.
    pub(crate) coefficients: Vec<Vec<f64>>,
    pub(crate) present: Vec<bool>,
    /// Fields that a drive reads, then the others.
    kept: Vec<usize>,
    eliminated: Vec<usize>,
    /// `[field][state fields then gates]`, `[unit]`; presence beside it.
    rows: Vec<Vec<Vec<f64>>>,
    row_present: Vec<Vec<bool>>,
    rhs: Vec<f64>,
    matrix: Vec<f64>,
    /// For the whole state: `I - J`, its normal equations, their right-hand side.
    full: Vec<f64>,
    normal: Vec<f64>,
    gradient: Vec<f64>,
    pointwise: Vec<Vec<f64>>,
}

impl Buffers {
    pub(crate) fn new(map: &Map) -> Self {
        let fields = map.cell.states.len();
        let gates = map.gates.len();
        let read =
            |f: usize| (0..map.cell.stages.len()).any(|s| map.step.drive.by_state[s][f].is_some());
        let mut kept: Vec<usize> = (0..fields).filter(|&f| read(f)).collect();
        if kept.is_empty() {
            kept.push(0);
        }
        let eliminated: Vec<usize> = (0..fields).filter(|f| !kept.contains(f)).collect();
        let size = kept.len() * map.n_units;
        let whole = map.n_state();
        let targets = &map.target.outer;
        let row_present = (0..fields)
            .map(|f| {
                targets.by_state[f]
                    .iter()
                    .chain(&targets.by_gate[f])
                    .map(Option::is_some)
                    .collect()
            })
            .collect();
        Self {
            assembly: Assembly::new(map),
            coefficients: vec![vec![0.0; map.stride]; gates],
            present: vec![false; gates],
            rows: vec![vec![vec![0.0; map.stride]; fields + gates]; fields],
            row_present,
            rhs: vec![0.0; dense::stride(whole)],
            matrix: vec![0.0; size * dense::stride(size)],
            full: vec![0.0; whole * dense::stride(whole)],
            normal: vec![0.0; whole * dense::stride(whole)],
            gradient: vec![0.0; dense::stride(whole)],
            pointwise: vec![vec![0.0; map.stride]; gates],
            kept,
            eliminated,
        }
    }
}

impl Map {
    /// `(I - J)^-1 residual` for the target just evaluated with partials at the state the residual belongs to; adding it
    /// to the state is a Newton step. `None` where the matrix is singular.
    pub(crate) fn newton_step(
        &self,
        scratch: &mut Scratch,
        residual: &[f64],
        step: &mut [f64],
    ) -> Option<()> {
        self.arch.dispatch(NewtonStep {
            map: self,
            scratch,
            residual,
            step,
        })
    }

    /// Forms `I - J` of the target just evaluated with partials, for [`Map::damped_step`].
    pub(crate) fn prepare_damped(&self, scratch: &mut Scratch) {
        let size = self.n_state();
        let stride = dense::stride(size);
        let mut full = std::mem::take(&mut scratch.newton.full);
        self.full_jacobian(&self.target, scratch, &mut full, stride);
        for (i, row) in full.chunks_mut(stride).enumerate() {
            for x in row.iter_mut() {
                *x = -*x;
            }
            row[i] += 1.0;
        }
        scratch.newton.full = full;
    }

    /// `(A^T A + shift |A|^2 I)^-1 A^T residual` with `A = I - J`, and `|A^T residual| / (|A| |residual|)`.
    pub(crate) fn damped_step(
        &self,
        scratch: &mut Scratch,
        residual: &[f64],
        shift: f64,
        step: &mut [f64],
    ) -> Option<f64> {
        self.arch.dispatch(DampedStep {
            n: self.n_state(),
            buffers: &mut scratch.newton,
            residual,
            shift,
            step,
        })
    }

    /// Sign of det(I - J) of `F` at a state, 0 where it cannot be told from zero.
    pub(crate) fn index_sign(&self, scratch: &mut Scratch, state: &[f64]) -> i32 {
        let size = self.n_state();
        let stride = dense::stride(size);
        let mut full = vec![0.0; size * stride];
        self.evaluate(&self.step, true, scratch, state);
        self.full_jacobian(&self.step, scratch, &mut full, stride);
        for (i, row) in full.chunks_mut(stride).enumerate() {
            row.iter_mut().for_each(|x| *x = -*x);
            row[i] += 1.0;
        }
        let mut rhs = vec![0.0; size];
        self.arch
            .dispatch(Solve {
                a: &mut full,
                b: &mut rhs,
                n: size,
                stride,
            })
            .map_or(0, |sign| sign as i32)
    }
}

struct NewtonStep<'a> {
    map: &'a Map,
    scratch: &'a mut Scratch,
    residual: &'a [f64],
    step: &'a mut [f64],
}

impl pulp::WithSimd for NewtonStep<'_> {
    type Output = Option<()>;

    #[inline(always)]
    fn with_simd<S: pulp::Simd>(self, simd: S) -> Self::Output {
        newton_step(simd, self.map, self.scratch, self.residual, self.step)
    }
}

struct DampedStep<'a> {
    n: usize,
    buffers: &'a mut Buffers,
    residual: &'a [f64],
    shift: f64,
    step: &'a mut [f64],
}

impl pulp::WithSimd for DampedStep<'_> {
    type Output = Option<f64>;

    #[inline(always)]
    fn with_simd<S: pulp::Simd>(self, simd: S) -> Self::Output {
        let Self {
            n,
            buffers,
            residual,
            shift,
            step,
        } = self;
        let stride = dense::stride(n);
        let Buffers {
            full,
            normal,
            gradient,
            ..
        } = buffers;
        let norm2: f64 = full.iter().map(|x| x * x).sum();
        dense::normal_equations(
            simd,
            full,
            residual,
            shift * norm2 / n as f64,
            n,
            stride,
            normal,
            gradient,
        );
        let length2: f64 = residual.iter().map(|x| x * x).sum();
        let slope = gradient.iter().map(|x| x * x).sum::<f64>().sqrt()
            / (norm2 * length2).sqrt().max(f64::MIN_POSITIVE);
        solve(simd, normal, gradient, n, stride)?;
        step.copy_from_slice(&gradient[..n]);
        Some(slope)
    }
}

struct Solve<'a> {
    a: &'a mut [f64],
    b: &'a mut [f64],
    n: usize,
    stride: usize,
}

impl pulp::WithSimd for Solve<'_> {
    type Output = Option<f64>;

    #[inline(always)]
    fn with_simd<S: pulp::Simd>(self, simd: S) -> Self::Output {
        solve(simd, self.a, self.b, self.n, self.stride)
    }
}

#[inline(always)]
fn newton_step<S: pulp::Simd>(
    simd: S,
    map: &Map,
    scratch: &mut Scratch,
    residual: &[f64],
    step: &mut [f64],
) -> Option<()> {
    let (n, stride, fields) = (map.n_units, map.stride, map.cell.states.len());
    let storage = &scratch.workspace.storage;
    let Buffers {
        assembly,
        coefficients,
        present,
        kept,
        eliminated,
        rows,
        row_present,
        rhs,
        matrix,
        pointwise,
        ..
    } = &mut scratch.newton;
    let form = &map.target;
    let evaluated = Evaluated { map, form, storage };
    assembly.drives(simd, evaluated, coefficients);
    rhs[..n * fields].copy_from_slice(residual);
    for (f, row) in rows.iter_mut().enumerate() {
        let sources = form.outer.by_state[f].iter().chain(&form.outer.by_gate[f]);
        for (c, (to, from)) in row.iter_mut().zip(sources).enumerate() {
            row_present[f][c] = from.is_some();
            match from {
                Some(at) => to.copy_from_slice(&storage[*at]),
                None => to.fill(0.0),
            }
        }
    }

    // Pointwise elimination: afterwards every field's row is in terms of the kept fields alone.
    for &e in eliminated.iter() {
        for i in 0..n {
            let inverse = 1.0 / (1.0 - rows[e][e][i]);
            rhs[e * n + i] *= inverse;
            for (c, column) in rows[e].iter_mut().enumerate() {
                if c != e {
                    column[i] *= inverse;
                }
            }
        }
        for f in 0..fields {
            if f == e || !row_present[f][e] {
                continue;
            }
            for i in 0..n {
                let factor = rows[f][e][i];
                rhs[f * n + i] += factor * rhs[e * n + i];
                for c in 0..rows[f].len() {
                    if c != e {
                        rows[f][c][i] += factor * rows[e][c][i];
                    }
                }
            }
            let from = row_present[e].clone();
            row_present[f]
                .iter_mut()
                .zip(from)
                .for_each(|(to, from)| *to |= from);
        }
    }

    let size = kept.len() * n;
    let wide = dense::stride(size);
    for (row_block, &f) in kept.iter().enumerate() {
        for (g, p) in present.iter_mut().enumerate() {
            *p = row_present[f][fields + g];
        }
        for (column_block, &k) in kept.iter().enumerate() {
            assembly.block(simd, evaluated, &rows[f][fields..], present, k);
            for i in 0..n {
                let to = &mut matrix[(row_block * n + i) * wide + column_block * n..][..n];
                for (x, y) in to
                    .iter_mut()
                    .zip(&assembly.block[i * stride..i * stride + n])
                {
                    *x = -y;
                }
                to[i] += f64::from(u8::from(f == k)) - rows[f][k][i];
            }
        }
        step[row_block * n..(row_block + 1) * n].copy_from_slice(&rhs[f * n..(f + 1) * n]);
    }
    solve(simd, matrix, &mut step[..size], size, wide)?;
    if eliminated.is_empty() {
        return Some(());
    }

    // Change of every gate along the step, then of the eliminated fields.
    let solved: Vec<f64> = step[..size].to_vec();
    let field_step = |k: usize| {
        kept.iter()
            .position(|&f| f == k)
            .map(|b| &solved[b * n..(b + 1) * n])
    };
    for s in 0..map.cell.stages.len() {
        let drive = &mut coefficients[0];
        drive.fill(0.0);
        for (k, by) in form.drive.by_state[s].iter().enumerate() {
            if let (Some(at), Some(delta)) = (by, field_step(k)) {
                for i in 0..n {
                    drive[i] += storage[*at][i] * delta[i];
                }
            }
        }
        for (g, by) in form.drive.by_gate[s].iter().enumerate() {
            if let Some(at) = by {
                for i in 0..n {
                    drive[i] += storage[*at][i] * pointwise[g][i];
                }
            }
        }
        for (g, gate) in map
            .gates
            .iter()
            .enumerate()
            .filter(|(_, gate)| gate.stage == s)
        {
            pointwise[g].fill(0.0);
            dense::add_columns(simd, &mut pointwise[g], drive, &gate.columns);
        }
    }
    for (block, &k) in kept.iter().enumerate() {
        step[k * n..(k + 1) * n].copy_from_slice(&solved[block * n..(block + 1) * n]);
    }
    for &e in eliminated.iter() {
        for i in 0..n {
            let mut delta = rhs[e * n + i];
            for &k in kept.iter() {
                delta += rows[e][k][i] * field_step(k).map_or(0.0, |d| d[i]);
            }
            for (g, change) in pointwise.iter().enumerate() {
                delta += rows[e][fields + g][i] * change[i];
            }
            step[e * n + i] = delta;
        }
    }
    step.iter().all(|x| x.is_finite()).then_some(())
}
