//! The register tile behind all products: 8 rows x 2 vectors of accumulators, one broadcast and one vector operand.
//!
//! `W h`, `W^T delta` and `delta^T h` are the same loop, `out[r][j] += sum_k x[r, k] w[k][j]`, with rows of `out` and `w`
//! contiguous in j; only the layout of `x` differs, so nothing is ever transposed. Every element is summed over
//! k in order by fused multiply-adds: its bits do not depend on the tile or on the SIMD width.

use pulp::{Simd, WithSimd};

/// Elements per padded row: the widest SIMD register in f32.
pub(crate) const LANES: usize = 16;

/// Summands per turn of the inner loop of a tile of R rows: its counters would else take issue slots from the
/// multiply-adds. A tile of 8 rows reads 8 pointers; more than one summand a turn spilled registers.
const fn unroll(rows: usize) -> usize {
    if rows <= 4 { 4 } else { 2 }
}

/// n rounded up to whole registers.
pub(crate) fn padded(n: usize) -> usize {
    n.div_ceil(LANES) * LANES
}

/// One summand `x w` of a product.
#[derive(Clone, Copy)]
pub(crate) struct Term<'a> {
    /// Broadcast operand, contiguous along one axis, `stride` apart along the other.
    pub(crate) x: &'a [f32],
    pub(crate) stride: usize,
    pub(crate) along: Along,
    /// Vector operand: row k at `w[k * width..]`.
    pub(crate) w: &'a [f32],
    /// Number of k.
    pub(crate) depth: usize,
}

/// The axis along which a broadcast operand is contiguous.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Along {
    /// Element (r, k) at `x[r * stride + k]`: a state times a matrix.
    Depth,
    /// Element (r, k) at `x[k * stride + r]`: a weight gradient.
    Rows,
}

/// `out[r][j] = start + sum over terms`, for all rows, `width` a multiple of [`LANES`].
pub(crate) struct Product<'a> {
    pub(crate) out: &'a mut [f32],
    pub(crate) rows: usize,
    pub(crate) width: usize,
    pub(crate) start: Start<'a>,
    pub(crate) terms: &'a [Term<'a>],
}

/// What a sum starts from.
#[derive(Clone, Copy)]
pub(crate) enum Start<'a> {
    Zero,
    /// The same row for all.
    Row(&'a [f32]),
    /// What is there.
    Out,
}

impl WithSimd for Product<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        let mut j = 0;
        // Of 32 registers 16 hold sums, of 16 registers 8: no tile spills, and every operand serves twice or more.
        if S::F32_LANES >= 16 {
            while j + 4 * S::F32_LANES <= self.width {
                self.columns::<S, 4>(simd, j);
                j += 4 * S::F32_LANES;
            }
        }
        while j + 2 * S::F32_LANES <= self.width {
            self.columns::<S, 2>(simd, j);
            j += 2 * S::F32_LANES;
        }
        while j < self.width {
            self.columns::<S, 1>(simd, j);
            j += S::F32_LANES;
        }
    }
}

impl Product<'_> {
    #[inline(always)]
    fn columns<S: Simd, const C: usize>(&mut self, simd: S, j: usize) {
        let mut r = 0;
        if C == 1 || (C == 2 && S::F32_LANES >= 16) {
            while r + 8 <= self.rows {
                self.tile::<S, 8, C>(simd, r, j);
                r += 8;
            }
        }
        while r + 4 <= self.rows {
            self.tile::<S, 4, C>(simd, r, j);
            r += 4;
        }
        while r + 2 <= self.rows {
            self.tile::<S, 2, C>(simd, r, j);
            r += 2;
        }
        if r < self.rows {
            self.tile::<S, 1, C>(simd, r, j);
        }
    }

    #[inline(always)]
    fn tile<S: Simd, const R: usize, const C: usize>(&mut self, simd: S, r: usize, j: usize) {
        let lanes = S::F32_LANES;
        let mut acc = [[simd.splat_f32s(0.0); C]; R];
        match self.start {
            Start::Zero => {}
            Start::Row(row) => {
                let row = &row[j..j + C * lanes];
                for (c, chunk) in row.chunks_exact(lanes).enumerate().take(C) {
                    let value = load(simd, chunk);
                    for line in &mut acc {
                        line[c] = value;
                    }
                }
            }
            Start::Out => {
                for (i, line) in acc.iter_mut().enumerate() {
                    let row = &self.out[(r + i) * self.width + j..][..C * lanes];
                    for (value, chunk) in line.iter_mut().zip(row.chunks_exact(lanes)) {
                        *value = load(simd, chunk);
                    }
                }
            }
        }
        for term in self.terms.iter().filter(|term| term.depth > 0) {
            let (depth, stride) = (term.depth, term.stride);
            let last = (depth - 1) * self.width;
            let w = &term.w[j..][..last + C * lanes];
            match term.along {
                Along::Depth => {
                    let rows: [&[f32]; R] =
                        std::array::from_fn(|i| &term.x[(r + i) * stride..][..depth]);
                    let mut k = 0;
                    while k + unroll(R) <= depth {
                        let w = &w[k * self.width..][..(unroll(R) - 1) * self.width + C * lanes];
                        let x: [&[f32]; R] = std::array::from_fn(|i| &rows[i][k..k + unroll(R)]);
                        for u in 0..unroll(R) {
                            let w = operands::<S, C>(&w[u * self.width..]);
                            add_outer(simd, &mut acc, std::array::from_fn(|i| x[i][u]), w);
                        }
                        k += unroll(R);
                    }
                    while k < depth {
                        let w = operands::<S, C>(&w[k * self.width..]);
                        add_outer(simd, &mut acc, std::array::from_fn(|i| rows[i][k]), w);
                        k += 1;
                    }
                }
                Along::Rows => {
                    let x = &term.x[r..][..(depth - 1) * stride + R];
                    let mut k = 0;
                    while k + unroll(R) <= depth {
                        let w = &w[k * self.width..][..(unroll(R) - 1) * self.width + C * lanes];
                        let x = &x[k * stride..][..(unroll(R) - 1) * stride + R];
                        for u in 0..unroll(R) {
                            let x = &x[u * stride..][..R];
                            let w = operands::<S, C>(&w[u * self.width..]);
                            add_outer(simd, &mut acc, std::array::from_fn(|i| x[i]), w);
                        }
                        k += unroll(R);
                    }
                    while k < depth {
                        let x = &x[k * stride..][..R];
                        let w = operands::<S, C>(&w[k * self.width..]);
                        add_outer(simd, &mut acc, std::array::from_fn(|i| x[i]), w);
                        k += 1;
                    }
                }
            }
        }
        for (i, line) in acc.iter().enumerate() {
            let row = &mut self.out[(r + i) * self.width + j..][..C * lanes];
            let (head, _) = S::as_mut_simd_f32s(row);
            for (to, value) in head.iter_mut().zip(line) {
                *to = *value;
            }
        }
    }
}

/// Adds the products of R broadcast values with C vectors.
#[inline(always)]
fn add_outer<S: Simd, const R: usize, const C: usize>(
    simd: S,
    acc: &mut [[S::f32s; C]; R],
    x: [f32; R],
    w: [S::f32s; C],
) {
    for (line, x) in acc.iter_mut().zip(x) {
        let x = simd.splat_f32s(x);
        for (sum, w) in line.iter_mut().zip(w) {
            *sum = simd.mul_add_f32s(x, w, *sum);
        }
    }
}

/// The C vectors at the start of a row.
#[inline(always)]
fn operands<S: Simd, const C: usize>(row: &[f32]) -> [S::f32s; C] {
    let (head, _) = S::as_simd_f32s(&row[..C * S::F32_LANES]);
    std::array::from_fn(|c| head[c])
}

#[inline(always)]
fn load<S: Simd>(simd: S, chunk: &[f32]) -> S::f32s {
    let (head, _) = S::as_simd_f32s(chunk);
    head.first()
        .copied()
        .unwrap_or_else(|| simd.splat_f32s(0.0))
}

/// The readout of one block: `y[trial * stride + o] = bias[o] + sum_j seen[trial][j] w[o][j]`.
pub(crate) struct Readout<'a> {
    pub(crate) seen: &'a [f32],
    pub(crate) w: &'a [f32],
    pub(crate) bias: &'a [f32],
    pub(crate) width: usize,
    pub(crate) y: &'a mut [f32],
    pub(crate) stride: usize,
}

impl WithSimd for Readout<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        for (row, y) in self
            .seen
            .chunks_exact(self.width)
            .zip(self.y.chunks_mut(self.stride))
        {
            for ((value, w), bias) in y
                .iter_mut()
                .zip(self.w.chunks_exact(self.width))
                .zip(self.bias)
            {
                *value = dot(simd, row, w) + bias;
            }
        }
    }
}

/// `sum_j a[j] b[j]`: 16 partial sums whatever the SIMD width, folded 8, 4, 2, 1.
#[inline(always)]
fn dot<S: Simd>(simd: S, a: &[f32], b: &[f32]) -> f32 {
    let registers = LANES / S::F32_LANES;
    let mut acc = [simd.splat_f32s(0.0); LANES];
    for (x, y) in a.chunks_exact(LANES).zip(b.chunks_exact(LANES)) {
        let (x, _) = S::as_simd_f32s(x);
        let (y, _) = S::as_simd_f32s(y);
        for i in 0..registers {
            acc[i] = simd.mul_add_f32s(x[i], y[i], acc[i]);
        }
    }
    let mut sums = [0.0; LANES];
    let (parts, _) = S::as_mut_simd_f32s(&mut sums);
    parts[..registers].copy_from_slice(&acc[..registers]);
    fold(sums)
}

/// The sum of 16 lanes in the canonical order.
#[inline(always)]
pub(crate) fn fold(mut sums: [f32; LANES]) -> f32 {
    let mut half = LANES / 2;
    while half > 0 {
        for l in 0..half {
            sums[l] += sums[l + half];
        }
        half /= 2;
    }
    sums[0]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cpu::Level;

    #[test]
    fn product_is_the_same_at_every_level() {
        let (rows, depth, width) = (13, 37, 48);
        let x: Vec<f32> = (0..rows * depth)
            .map(|i| ((i * 37 % 101) as f32 - 50.0) / 17.0)
            .collect();
        let w: Vec<f32> = (0..depth * width)
            .map(|i| ((i * 53 % 89) as f32 - 44.0) / 13.0)
            .collect();
        let run = |level: Level| {
            let mut out = vec![f32::NAN; rows * width];
            let terms = [Term {
                x: &x,
                stride: depth,
                along: Along::Depth,
                w: &w,
                depth,
            }];
            level.dispatch(Product {
                out: &mut out,
                rows,
                width,
                start: Start::Zero,
                terms: &terms,
            });
            out
        };
        let wide = run(Level::Detected);
        for (r, line) in wide.chunks(width).enumerate() {
            for (j, value) in line.iter().enumerate() {
                let exact: f64 = (0..depth)
                    .map(|k| f64::from(x[r * depth + k]) * f64::from(w[k * width + j]))
                    .sum();
                assert!((f64::from(*value) - exact).abs() < 1e-3 * exact.abs().max(1.0));
            }
        }
        assert_eq!(wide, run(Level::Narrow));
        assert_eq!(wide, run(Level::Scalar));
    }
}
