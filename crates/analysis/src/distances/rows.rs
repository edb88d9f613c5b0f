//! Small dense algebra in f64: matrices row by row, rows and their number padded with zeros to whole vectors of any width.

use faer::MatRef;
use pulp::Simd;

/// What lengths are padded to: whole vectors of every width.
pub(crate) const LANES: usize = 8;

/// Padded length.
pub(crate) fn padded(n: usize) -> usize {
    n.div_ceil(LANES) * LANES
}

/// A square matrix with padded rows, `[padded(n), padded(n)]`.
pub(crate) fn rows_of(matrix: MatRef<'_, f64>) -> Vec<f64> {
    let (n, stride) = (matrix.nrows(), padded(matrix.nrows()));
    let mut rows = vec![0.0; stride * stride];
    for j in 0..n {
        for i in 0..n {
            rows[i * stride + j] = matrix[(i, j)];
        }
    }
    rows
}

/// The transpose of a square matrix with padded rows.
#[inline(always)]
pub(crate) fn transpose(out: &mut [f64], from: &[f64], n: usize) {
    let stride = padded(n);
    for (j, to) in out.chunks_exact_mut(stride).take(n).enumerate() {
        for (x, row) in to.iter_mut().zip(from.chunks_exact(stride)) {
            *x = row[j];
        }
    }
}

/// `out = left right`, or `out += left right`; all square with padded rows.
#[inline(always)]
pub(crate) fn product<S: Simd, const ADD: bool>(
    simd: S,
    out: &mut [f64],
    left: &[f64],
    right: &[f64],
    n: usize,
) {
    let stride = padded(n);
    let right = &right[..n * stride];
    let vectors = stride / S::F64_LANES;
    for (out, left) in out
        .chunks_exact_mut(LANES * stride)
        .zip(left.chunks_exact(LANES * stride))
    {
        for v in (0..vectors).step_by(2) {
            // Where the number of vectors is odd, the last is done twice.
            let w = (v + 1).min(vectors - 1);
            let mut sum = [[simd.splat_f64s(0.0); 2]; LANES];
            for (k, row) in right.chunks_exact(stride).enumerate() {
                let row = S::as_simd_f64s(row).0;
                for (sum, left) in sum.iter_mut().zip(left.chunks_exact(stride)) {
                    let factor = simd.splat_f64s(left[k]);
                    sum[0] = simd.mul_add_f64s(factor, row[v], sum[0]);
                    sum[1] = simd.mul_add_f64s(factor, row[w], sum[1]);
                }
            }
            for (to, sum) in out.chunks_exact_mut(stride).zip(sum) {
                let to = S::as_mut_simd_f64s(to).0;
                let before = if ADD {
                    [to[v], to[w]]
                } else {
                    [simd.splat_f64s(0.0); 2]
                };
                to[v] = simd.add_f64s(before[0], sum[0]);
                to[w] = simd.add_f64s(before[1], sum[1]);
            }
        }
    }
}

/// Sum of products; both of one padded length.
#[inline(always)]
pub(crate) fn dot<S: Simd>(simd: S, a: &[f64], b: &[f64]) -> f64 {
    let (a, b) = (S::as_simd_f64s(a).0, S::as_simd_f64s(b).0);
    let mut sum = [simd.splat_f64s(0.0); 4];
    for (a, b) in a.chunks(4).zip(b.chunks(4)) {
        for ((sum, &x), &y) in sum.iter_mut().zip(a).zip(b) {
            *sum = simd.mul_add_f64s(x, y, *sum);
        }
    }
    let [p, q, r, s] = sum;
    simd.reduce_sum_f64s(simd.add_f64s(simd.add_f64s(p, q), simd.add_f64s(r, s)))
}

/// `to += factor * from`; both of one padded length.
#[inline(always)]
pub(crate) fn add_scaled<S: Simd>(simd: S, to: &mut [f64], factor: f64, from: &[f64]) {
    let factor = simd.splat_f64s(factor);
    let (to, from) = (S::as_mut_simd_f64s(to).0, S::as_simd_f64s(from).0);
    for (x, &y) in to.iter_mut().zip(from) {
        *x = simd.mul_add_f64s(factor, y, *x);
    }
}

/// `to *= factor`, of padded length.
#[inline(always)]
pub(crate) fn scale<S: Simd>(simd: S, to: &mut [f64], factor: f64) {
    let factor = simd.splat_f64s(factor);
    for x in S::as_mut_simd_f64s(to).0 {
        *x = simd.mul_f64s(factor, *x);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chiliad_tasks::Stream;
    use faer::Mat;

    struct Products<'a>(&'a mut [f64], &'a [f64], &'a [f64], usize);

    impl pulp::WithSimd for Products<'_> {
        type Output = f64;

        /// `left right + left right^T`, and `<left, right>`.
        fn with_simd<S: Simd>(self, simd: S) -> f64 {
            let Self(out, left, right, n) = self;
            let mut turned = vec![0.0; right.len()];
            transpose(&mut turned, right, n);
            product::<S, false>(simd, out, left, right, n);
            product::<S, true>(simd, out, left, &turned, n);
            dot(simd, left, right)
        }
    }

    #[test]
    fn products_are_those_of_whole_matrices() {
        for n in [1, 2, 7, 8, 9, 15, 16, 17, 24, 40] {
            let drawn = |k: u64| {
                let stream = Stream::new(k, 0x9f1);
                Mat::from_fn(n, n, |i, j| f64::from(stream.normal_at(i as u32, j as u32)))
            };
            let (left, right) = (drawn(1), drawn(2));
            let (a, b) = (rows_of(left.as_ref()), rows_of(right.as_ref()));
            // What was there before must not matter.
            let mut out = vec![9.0; a.len()];
            let inner = pulp::Arch::new().dispatch(Products(&mut out, &a, &b, n));
            let found = Mat::from_fn(n, n, |i, j| out[i * padded(n) + j]);
            let apart = found - (&left * &right + &left * right.transpose());
            assert!(apart.norm_max() < 1e-13, "{n}: {}", apart.norm_max());
            let known = (left.transpose() * &right).diagonal().column_vector().sum();
            assert!((inner - known).abs() < 1e-11, "{n}: {inner} for {known}");
        }
    }
}
