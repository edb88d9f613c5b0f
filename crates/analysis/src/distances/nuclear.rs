//! Sum of the singular values of a small matrix, without the singular values.
//!
//! The matrix is brought to bidiagonal form by reflections from both sides (Golub & Kahan 1965), every column passing through
//! the processor once per reflection (Howell et al. 2008), and the sum is taken by [`super::quadrature`].

use crate::distances::quadrature;
use crate::distances::rows::{LANES, add_scaled, dot, padded, scale};
use faer::MatRef;
use pulp::{Simd, WithSimd};

/// Sum of the singular values; not a number where an entry is not finite.
pub(crate) fn nuclear_norm(matrix: MatRef<'_, f64>) -> f64 {
    let tall = if matrix.nrows() < matrix.ncols() {
        matrix.transpose()
    } else {
        matrix
    };
    let (rows, columns) = tall.shape();
    let stride = padded(rows);
    let mut entries = vec![0.0; stride * (columns + TOGETHER - 1)];
    for (j, column) in entries.chunks_exact_mut(stride).enumerate().take(columns) {
        for (x, y) in column.iter_mut().zip(tall.col(j).iter()) {
            *x = *y;
        }
    }
    pulp::Arch::new().dispatch(Nuclear(&mut entries, [rows, columns]))
}

struct Nuclear<'a>(&'a mut [f64], [usize; 2]);

impl WithSimd for Nuclear<'_> {
    type Output = f64;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> f64 {
        let Self(entries, shape) = self;
        let mut unit = 1.0;
        let square = dot(simd, entries, entries);
        // Where squares would vanish or overflow, entries are brought up or down to 1.
        if !(1e-200..1e200).contains(&square) {
            unit = entries.iter().fold(0.0, |most: f64, x| most.max(x.abs()));
            if square.is_nan() || unit == 0.0 || unit.is_infinite() {
                return square;
            }
            entries.iter_mut().for_each(|x| *x /= unit);
        }
        let squares = bidiagonalised(simd, entries, shape);
        unit * quadrature::sum_of_singular_values(simd, &squares)
    }
}

/// Columns that pass together.
const TOGETHER: usize = 4;
/// Columns and rows shorter than this count as zero, the whole being 1e-100 or more.
const NOTHING: f64 = 1e-140;

/// Squares `[diagonal, right of it]` of the bidiagonal form of a matrix with at least as many rows as columns, given column
/// by column with padded rows and `TOGETHER - 1` columns of zeros at the end.
#[inline(always)]
fn bidiagonalised<S: Simd>(
    simd: S,
    entries: &mut [f64],
    [rows, columns]: [usize; 2],
) -> Vec<[f64; 2]> {
    let stride = padded(rows);
    let mut squares = vec![[0.0; 2]; columns];
    // What the last reflections have still to do to the columns to come: a_j -= p_j u + q_j w.
    let mut last = Update {
        u: vec![0.0; stride],
        w: vec![0.0; stride],
        p: vec![0.0; columns + TOGETHER],
        q: vec![0.0; columns + TOGETHER],
    };
    let mut next = last.clone();
    for k in 0..columns {
        // Whole vectors; what is above row k in them meets zeros of u and w.
        let from = k / LANES * LANES;
        let (first, rest) = entries[k * stride..].split_at_mut(stride);
        add_scaled(simd, &mut first[from..], -last.p[k], &last.u[from..]);
        add_scaled(simd, &mut first[from..], -last.q[k], &last.w[from..]);
        first[from..k].fill(0.0);
        let length = dot(simd, &first[from..], &first[from..]).sqrt();
        squares[k][0] = length * length;
        next.u[from..].copy_from_slice(&first[from..]);
        let beta = reflector(&mut next.u[k], length);
        next.w[from..].fill(0.0);
        // Of the row k after the reflection from the left: its square, and its product with A^T u.
        let (mut square, mut along) = (0.0, 0.0);
        for (group, group_columns) in rest.chunks_exact_mut(TOGETHER * stride).enumerate() {
            let j = k + 1 + group * TOGETHER;
            let x = last.apply(simd, group_columns, [j, from], &next.u);
            let top: [f64; TOGETHER] = std::array::from_fn(|c| group_columns[c * stride + k]);
            for (c, x) in x.into_iter().enumerate() {
                let r = (-beta * next.u[k]).mul_add(x, top[c]);
                square += r * r;
                along += x * r;
                (next.p[j + c], next.q[j + c]) = (beta * x, r);
            }
            add_columns(simd, &mut next.w, group_columns, &next.q[j..], from);
        }
        if k + 1 < columns {
            let length = square.sqrt();
            squares[k][1] = length * length;
            let before = next.q[k + 1];
            let gamma = reflector(&mut next.q[k + 1], length);
            let head = next.q[k + 1] - before;
            // w = gamma (A - beta u x^T) v, v being the row with `head` added to its first.
            add_scaled(simd, &mut next.w[from..], head, &rest[from..stride]);
            let along = beta.mul_add(along, head * next.p[k + 1]);
            add_scaled(simd, &mut next.w[from..], -along, &next.u[from..]);
            scale(simd, &mut next.w[from..], gamma);
            next.w[from..=k].fill(0.0);
        }
        std::mem::swap(&mut last, &mut next);
    }
    squares
}

/// Makes the first entry of a vector of this length that of its reflector v, and gives 2 / |v|^2; 0 for no vector.
#[inline(always)]
fn reflector(first: &mut f64, length: f64) -> f64 {
    if length < NOTHING {
        return 0.0;
    }
    *first += length.copysign(*first);
    1.0 / (length * first.abs())
}

/// The first few numbers, each in all places of a vector. (Not by `from_fn`: what runs inside a closure is compiled without
/// the instructions that were detected.)
#[inline(always)]
fn splat<S: Simd>(simd: S, numbers: &[f64]) -> [S::f64s; TOGETHER] {
    let mut vectors = [simd.splat_f64s(0.0); TOGETHER];
    for (vector, &x) in vectors.iter_mut().zip(numbers) {
        *vector = simd.splat_f64s(x);
    }
    vectors
}

#[derive(Clone)]
struct Update {
    u: Vec<f64>,
    w: Vec<f64>,
    p: Vec<f64>,
    q: Vec<f64>,
}

impl Update {
    /// Brings columns from the `j`-th on up to date, and gives their products with `other`.
    #[inline(always)]
    fn apply<S: Simd>(
        &self,
        simd: S,
        columns: &mut [f64],
        [j, from]: [usize; 2],
        other: &[f64],
    ) -> [f64; TOGETHER] {
        let stride = other.len();
        let [u, w, other] = [&self.u, &self.w, other].map(|x| S::as_simd_f64s(&x[from..]).0);
        let (p, q) = (splat(simd, &self.p[j..]), splat(simd, &self.q[j..]));
        let mut each = columns.chunks_exact_mut(stride);
        let each: [&mut [S::f64s]; TOGETHER] = std::array::from_fn(|_| {
            &mut S::as_mut_simd_f64s(&mut each.next().unwrap_or_default()[from..]).0[..u.len()]
        });
        let mut sum = [simd.splat_f64s(0.0); TOGETHER];
        for (v, ((&u, &w), &other)) in u.iter().zip(w).zip(other).enumerate() {
            for c in 0..TOGETHER {
                let x = simd.negate_mul_add_f64s(p[c], u, each[c][v]);
                let x = simd.negate_mul_add_f64s(q[c], w, x);
                each[c][v] = x;
                sum[c] = simd.mul_add_f64s(x, other, sum[c]);
            }
        }
        let mut products = [0.0; TOGETHER];
        for (product, sum) in products.iter_mut().zip(sum) {
            *product = simd.reduce_sum_f64s(sum);
        }
        products
    }
}

/// `out += sum of factor * column`, from a row on.
#[inline(always)]
fn add_columns<S: Simd>(simd: S, out: &mut [f64], columns: &[f64], factors: &[f64], from: usize) {
    let mut each = columns.chunks_exact(out.len());
    let each: [&[S::f64s]; TOGETHER] =
        std::array::from_fn(|_| S::as_simd_f64s(&each.next().unwrap_or_default()[from..]).0);
    let factors = splat(simd, factors);
    let out = S::as_mut_simd_f64s(&mut out[from..]).0;
    let each = each.map(|column| &column[..out.len()]);
    for (v, out) in out.iter_mut().enumerate() {
        let mut sum = *out;
        for c in 0..TOGETHER {
            sum = simd.mul_add_f64s(factors[c], each[c][v], sum);
        }
        *out = sum;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::distances::orthogonal::random;
    use chiliad_tasks::Stream;
    use faer::Mat;

    /// `U diag(s) V^T` with random U and V, `[rows, columns]`.
    fn with_singular_values(s: &[f64], [rows, columns]: [usize; 2]) -> Mat<f64> {
        let stream = Stream::new(1, 0x9f2);
        let (u, v) = (
            random(rows, &stream, 0, false),
            random(columns, &stream, 1, false),
        );
        Mat::from_fn(rows, columns, |i, j| {
            s.iter()
                .enumerate()
                .map(|(k, s)| u[(i, k)] * s * v[(j, k)])
                .sum()
        })
    }

    #[test]
    fn sums_of_known_singular_values_are_found_to_rounding() {
        let spectra: [fn(usize) -> f64; 7] = [
            |_| 1.0,
            |k| 10.0_f64.powi(-(k as i32)),
            |k| if k == 0 { 1e8 } else { 0.0 },
            |k| if k % 2 == 0 { k as f64 + 1.0 } else { 0.0 },
            |k| 1e-200 / (k as f64 + 1.0),
            |k| 1e250 * (k as f64 + 1.0),
            |k| if k == 3 { 1.0 } else { 1e-9 },
        ];
        for shape in [
            [1, 1],
            [2, 2],
            [5, 3],
            [3, 5],
            [8, 8],
            [9, 8],
            [20, 9],
            [15, 17],
            [64, 64],
        ] {
            for (which, spectrum) in spectra.iter().enumerate() {
                let s: Vec<f64> = (0..shape[0].min(shape[1])).map(spectrum).collect();
                let found = nuclear_norm(with_singular_values(&s, shape).as_ref());
                let off = found / s.iter().sum::<f64>() - 1.0;
                assert!(
                    off.abs() < 3e-14,
                    "{shape:?}, spectrum {which}: off by {off:.1e}"
                );
            }
        }
    }

    #[test]
    fn random_matrices_have_the_sum_that_the_library_gives() {
        let stream = Stream::new(2, 0x9f3);
        for (rows, columns) in [(4, 4), (7, 12), (53, 54), (100, 30), (130, 130)] {
            let matrix = Mat::from_fn(rows, columns, |i, j| {
                f64::from(stream.normal_at(i as u32, j as u32))
            });
            let known: f64 = matrix.singular_values().unwrap_or_default().iter().sum();
            let off = nuclear_norm(matrix.as_ref()) / known - 1.0;
            assert!(off.abs() < 1e-13, "{rows} x {columns}: off by {off:.1e}");
        }
    }

    #[test]
    fn zeros_have_none_and_what_is_not_finite_stays_so() {
        let mut matrix = Mat::<f64>::zeros(9, 4);
        assert_eq!(nuclear_norm(matrix.as_ref()), 0.0);
        // A column and a row of zeros among others.
        matrix[(2, 1)] = 3.0;
        matrix[(5, 3)] = -4.0;
        assert!((nuclear_norm(matrix.as_ref()) - 7.0).abs() < 1e-14);
        for wrong in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            matrix[(8, 0)] = wrong;
            assert!(!nuclear_norm(matrix.as_ref()).is_finite(), "{wrong}");
        }
    }
}
