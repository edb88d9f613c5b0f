//! Small dense linear algebra in f64, row-major with padded rows, written so that it vectorises inside a dispatch.

/// Columns per vector block; rows are padded to a multiple of it.
pub(crate) const LANES: usize = 8;

/// Row length that holds `n` columns.
pub(crate) fn stride(n: usize) -> usize {
    n.div_ceil(LANES) * LANES
}

/// `to += factor * from`, both of the same padded length.
#[inline(always)]
pub(crate) fn add_scaled(to: &mut [f64], factor: f64, from: &[f64]) {
    for (x, y) in to.chunks_exact_mut(LANES).zip(from.chunks_exact(LANES)) {
        for k in 0..LANES {
            x[k] = factor.mul_add(y[k], x[k]);
        }
    }
}

/// Solves `a x = b` in place (`b` becomes `x`, `a` is destroyed) and returns the sign of det a.
///
/// `None` where a pivot is below `1e-14` of the largest entry, or anything is not finite. Elimination with partial
/// pivoting; the right-hand side goes along, so the lower factor is never kept and whole vector blocks can be updated.
#[inline(always)]
pub(crate) fn solve(a: &mut [f64], b: &mut [f64], n: usize, stride: usize) -> Option<f64> {
    let mut largest = 0.0_f64;
    let mut sum = 0.0_f64;
    for row in a.chunks_exact(stride).take(n) {
        for &x in &row[..n] {
            largest = largest.max(x.abs());
            sum += x;
        }
    }
    if !sum.is_finite() || b[..n].iter().any(|x| !x.is_finite()) {
        return None;
    }
    let least = largest * 1e-14;
    let mut sign = 1.0;
    for k in 0..n {
        let mut best = a[k * stride + k].abs();
        let mut at = k;
        for i in k + 1..n {
            let x = a[i * stride + k].abs();
            if x > best {
                best = x;
                at = i;
            }
        }
        if best.is_nan() || best <= least {
            return None;
        }
        let start = k / LANES * LANES;
        let (top, below) = a.split_at_mut((k + 1) * stride);
        let pivot_row = &mut top[k * stride..];
        if at != k {
            pivot_row[start..]
                .swap_with_slice(&mut below[(at - k - 1) * stride + start..][..stride - start]);
            b.swap(k, at);
            sign = -sign;
        }
        let pivot = pivot_row[k];
        if pivot < 0.0 {
            sign = -sign;
        }
        let inverse = 1.0 / pivot;
        let b_k = b[k];
        for (row, b_i) in below.chunks_exact_mut(stride).zip(&mut b[k + 1..n]) {
            let factor = -row[k] * inverse;
            *b_i = factor.mul_add(b_k, *b_i);
            add_scaled(&mut row[start..], factor, &pivot_row[start..]);
        }
    }
    for k in (0..n).rev() {
        let x = b[k] / a[k * stride + k];
        b[k] = x;
        for i in 0..k {
            b[i] = a[i * stride + k].mul_add(-x, b[i]);
        }
    }
    b[..n].iter().all(|x| x.is_finite()).then_some(sign)
}

/// `out = a^T a + shift I` and `gradient = a^T r`.
#[inline(always)]
pub(crate) fn normal_equations(
    a: &[f64],
    r: &[f64],
    shift: f64,
    n: usize,
    stride: usize,
    out: &mut [f64],
    gradient: &mut [f64],
) {
    out[..n * stride].fill(0.0);
    gradient[..stride].fill(0.0);
    for (row, &r_k) in a.chunks_exact(stride).zip(r).take(n) {
        for (i, to) in out.chunks_exact_mut(stride).enumerate().take(n) {
            add_scaled(to, row[i], row);
        }
        add_scaled(&mut gradient[..stride], r_k, row);
    }
    for i in 0..n {
        out[i * stride + i] += shift;
    }
}

/// `out += left right`; `left` is `[n, n]`, all with the same padded rows.
#[inline(always)]
pub(crate) fn add_product(out: &mut [f64], left: &[f64], right: &[f64], n: usize, stride: usize) {
    for (to, row) in out
        .chunks_exact_mut(stride)
        .zip(left.chunks_exact(stride))
        .take(n)
    {
        let mut block = 0;
        // Four vectors of the result stay in registers along the whole sum.
        while block < stride {
            let width = (stride - block).min(4 * LANES);
            if width == 4 * LANES {
                let mut sum = [0.0; 4 * LANES];
                for (j, &factor) in row.iter().enumerate().take(n) {
                    let from = &right[j * stride + block..][..4 * LANES];
                    for k in 0..4 * LANES {
                        sum[k] = factor.mul_add(from[k], sum[k]);
                    }
                }
                for (x, s) in to[block..block + 4 * LANES].iter_mut().zip(sum) {
                    *x += s;
                }
            } else {
                for (j, &factor) in row.iter().enumerate().take(n) {
                    add_scaled(
                        &mut to[block..block + width],
                        factor,
                        &right[j * stride + block..][..width],
                    );
                }
            }
            block += width;
        }
    }
}
