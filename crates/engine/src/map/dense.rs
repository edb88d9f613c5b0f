//! Small dense products in f64, row-major with padded rows, one vector register at a time.
//!
//! Every number of a result is one chain of fused multiply-adds in a fixed order, so that it does not depend on the
//! width of the registers.

use pulp::Simd;

/// Rows are padded to a multiple of it, which holds whole vectors of every width.
pub(crate) const LANES: usize = 8;

/// Row length that holds `n` columns.
pub(crate) fn stride(n: usize) -> usize {
    n.div_ceil(LANES) * LANES
}

/// `to += factor * from`, both of the same padded length.
#[inline(always)]
pub(crate) fn add_scaled<S: Simd>(simd: S, to: &mut [f64], factor: f64, from: &[f64]) {
    let factor = simd.splat_f64s(factor);
    let (to, from) = (S::as_mut_simd_f64s(to).0, S::as_simd_f64s(from).0);
    for (x, &y) in to.iter_mut().zip(from) {
        *x = simd.mul_add_f64s(factor, y, *x);
    }
}

/// `out += sum over columns of factor * column`, columns as long as `out`, padded.
#[inline(always)]
pub(crate) fn add_columns<S: Simd>(simd: S, out: &mut [f64], factors: &[f64], columns: &[f64]) {
    const WIDE: usize = 4;
    let stride = out.len();
    let out = S::as_mut_simd_f64s(out).0;
    for first in (0..out.len()).step_by(WIDE) {
        // Four sums stay in registers; where fewer are left the last is done again.
        let at: [usize; WIDE] = std::array::from_fn(|i| (first + i).min(out.len() - 1));
        let mut sum = at.map(|i| out[i]);
        for (column, &factor) in columns.chunks_exact(stride).zip(factors) {
            let column = S::as_simd_f64s(column).0;
            let factor = simd.splat_f64s(factor);
            for (sum, i) in sum.iter_mut().zip(at) {
                *sum = simd.mul_add_f64s(factor, column[i], *sum);
            }
        }
        for (i, sum) in at.into_iter().zip(sum) {
            out[i] = sum;
        }
    }
}

/// Rows of the normal equations whose sums stay in registers together, two vectors each.
const TOGETHER: usize = LANES;

/// `out = a^T a + shift I` and `gradient = a^T r`.
#[inline(always)]
pub(crate) fn normal_equations<S: Simd>(
    simd: S,
    a: &[f64],
    r: &[f64],
    shift: f64,
    n: usize,
    stride: usize,
    out: &mut [f64],
    gradient: &mut [f64],
) {
    let a = &a[..n * stride];
    gradient[..stride].fill(0.0);
    for (row, &r_k) in a.chunks_exact(stride).zip(r) {
        add_scaled(simd, &mut gradient[..stride], r_k, row);
    }
    for i in (0..n).step_by(TOGETHER) {
        let vectors = stride / S::F64_LANES;
        // From the diagonal on; the odd vector at the end is done twice rather than on its own.
        for v in (i / S::F64_LANES..vectors).step_by(2) {
            let w = (v + 1).min(vectors - 1);
            let mut sum = [[simd.splat_f64s(0.0); 2]; TOGETHER];
            for row in a.chunks_exact(stride) {
                let all = S::as_simd_f64s(row).0;
                for (sum, &factor) in sum.iter_mut().zip(&row[i..i + TOGETHER]) {
                    let factor = simd.splat_f64s(factor);
                    sum[0] = simd.mul_add_f64s(factor, all[v], sum[0]);
                    sum[1] = simd.mul_add_f64s(factor, all[w], sum[1]);
                }
            }
            for (to, sum) in out[i * stride..n * stride]
                .chunks_exact_mut(stride)
                .zip(sum)
            {
                let to = S::as_mut_simd_f64s(to).0;
                (to[v], to[w]) = (sum[0], sum[1]);
            }
        }
    }
    for i in 0..n {
        for j in 0..i / TOGETHER * TOGETHER {
            out[i * stride + j] = out[j * stride + i];
        }
        out[i * stride + i] += shift;
    }
}

/// `out += left right`; `left` is `[n, n]`, all with the same padded rows.
#[inline(always)]
pub(crate) fn add_product<S: Simd>(
    simd: S,
    out: &mut [f64],
    left: &[f64],
    right: &[f64],
    n: usize,
    stride: usize,
) {
    const ROWS: usize = 4;
    let (out, left) = (&mut out[..n * stride], &left[..n * stride]);
    let mut to = out.chunks_exact_mut(ROWS * stride);
    let mut from = left.chunks_exact(ROWS * stride);
    for (to, from) in (&mut to).zip(&mut from) {
        add_product_of_rows::<S, ROWS>(simd, to, from, right, n, stride);
    }
    let rest = to.into_remainder().chunks_exact_mut(stride);
    for (to, from) in rest.zip(from.remainder().chunks_exact(stride)) {
        add_product_of_rows::<S, 1>(simd, to, from, right, n, stride);
    }
}

/// Some rows of [`add_product`]: their sums stay in registers along the whole sum, two vectors each.
#[inline(always)]
fn add_product_of_rows<S: Simd, const ROWS: usize>(
    simd: S,
    out: &mut [f64],
    left: &[f64],
    right: &[f64],
    n: usize,
    stride: usize,
) {
    let vectors = stride / S::F64_LANES;
    for v in (0..vectors).step_by(2) {
        let w = (v + 1).min(vectors - 1);
        let mut sum = [[simd.splat_f64s(0.0); 2]; ROWS];
        for (j, row) in right.chunks_exact(stride).enumerate().take(n) {
            let all = S::as_simd_f64s(row).0;
            for (sum, left) in sum.iter_mut().zip(left.chunks_exact(stride)) {
                let factor = simd.splat_f64s(left[j]);
                sum[0] = simd.mul_add_f64s(factor, all[v], sum[0]);
                sum[1] = simd.mul_add_f64s(factor, all[w], sum[1]);
            }
        }
        for (to, sum) in out.chunks_exact_mut(stride).zip(sum) {
            let to = S::as_mut_simd_f64s(to).0;
            to[v] = simd.add_f64s(to[v], sum[0]);
            if w != v {
                to[w] = simd.add_f64s(to[w], sum[1]);
            }
        }
    }
}
