//! The unstable subspace of a Jacobian, real and orthonormal.

use faer::Mat;

/// Passes of `Q <- orth(J Q)`: they remove what nearly parallel eigenvectors leave.
const PASSES: usize = 8;

/// Orthonormal basis of the span of the `k` eigenvectors of largest modulus of a matrix `[to, from]` (complex ones as real
/// and imaginary part), each vector of length `n`. None where the iteration fails or a pair is cut in two.
///
/// Signs and phases are fixed by sums over units, so that another order of the units gives the same vectors in that order.
pub(crate) fn unstable_basis(jacobian: &[f64], n: usize, k: usize) -> Option<Vec<Vec<f64>>> {
    if k == 0 || k > n || jacobian.iter().any(|x| !x.is_finite()) {
        return None;
    }
    let matrix = Mat::<f64>::from_fn(n, n, |i, j| jacobian[i * n + j]);
    let eigen = matrix.eigen().ok()?;
    let (values, vectors) = (eigen.S().column_vector(), eigen.U());
    let modulus = |j: usize| values[j].re.hypot(values[j].im);
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by(|&a, &b| modulus(b).total_cmp(&modulus(a)));
    let mut basis: Vec<Vec<f64>> = Vec::with_capacity(k);
    for &j in &order[..k] {
        // The conjugate partner contributes the same plane: of each pair one takes the real part, one the imaginary.
        let imaginary = values[j].im < 0.0;
        // The phase at which the sum of squares is real and positive, up to the sign.
        let (mut re, mut im) = (0.0, 0.0);
        for i in 0..n {
            let v = vectors[(i, j)];
            re += v.re * v.re - v.im * v.im;
            im += 2.0 * v.re * v.im;
        }
        let (sin, cos) = (-0.5 * im.atan2(re)).sin_cos();
        let part = |i: usize| {
            let v = vectors[(i, j)];
            if imaginary {
                v.re.mul_add(sin, v.im * cos)
            } else {
                v.re.mul_add(cos, -v.im * sin)
            }
        };
        basis.push((0..n).map(part).collect());
    }
    // A defective matrix has parallel eigenvectors: a coordinate direction takes the place of a vector that is lost.
    orthonormalise(&mut basis, n);
    for _ in 0..PASSES {
        let mut image: Vec<Vec<f64>> = basis
            .iter()
            .map(|q| {
                (0..n)
                    .map(|i| dot(&jacobian[i * n..(i + 1) * n], q))
                    .collect()
            })
            .collect();
        orthonormalise(&mut image, n);
        basis = image;
    }
    for vector in &mut basis {
        if vector.iter().map(|x| x * x * x).sum::<f64>() < 0.0 {
            vector.iter_mut().for_each(|x| *x = -*x);
        }
    }
    Some(basis)
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

/// Gram-Schmidt, twice; what vanishes is replaced by the first coordinate direction that does not.
pub(crate) fn orthonormalise(vectors: &mut [Vec<f64>], n: usize) {
    for i in 0..vectors.len() {
        let (done, rest) = vectors.split_at_mut(i);
        let vector = &mut rest[0];
        let candidates = std::iter::once(None).chain((0..n).map(Some));
        for candidate in candidates {
            if let Some(axis) = candidate {
                vector.fill(0.0);
                vector[axis] = 1.0;
            }
            let before = dot(vector, vector).sqrt();
            for _ in 0..2 {
                for q in done.iter() {
                    let share = dot(q, vector);
                    vector.iter_mut().zip(q).for_each(|(x, y)| *x -= share * y);
                }
            }
            let length = dot(vector, vector).sqrt();
            if length > 1e-10 * before && length > 0.0 {
                vector.iter_mut().for_each(|x| *x /= length);
                break;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    /// `|J Q - Q (Q' J Q)|`, largest entry.
    fn defect(j: &[f64], n: usize, q: &[Vec<f64>]) -> f64 {
        let mut worst = 0.0_f64;
        for v in q {
            let image: Vec<f64> = (0..n).map(|i| dot(&j[i * n..(i + 1) * n], v)).collect();
            let mut rest = image.clone();
            for u in q {
                let share = dot(u, &image);
                rest.iter_mut().zip(u).for_each(|(x, y)| *x -= share * y);
            }
            worst = rest.iter().fold(worst, |w, x| w.max(x.abs()));
        }
        worst
    }

    #[test]
    fn a_complex_pair_a_defective_block_and_close_directions_are_invariant() {
        let rotation = [
            1.1, -0.4, 0.3, 0.0, 0.4, 1.1, -0.2, 0.1, 0.0, 0.0, 0.5, 0.2, 0.0, 0.0, -0.1, 0.3,
        ];
        let jordan = [1.2, 1.0, 0.0, 0.0, 1.2, 0.5, 0.0, 0.0, 0.4];
        let close = [1.2, 1.0, 0.0, 0.0, 1.2 + 1e-9, 0.5, 0.0, 0.0, 0.4];
        for (j, n, k) in [
            (&rotation[..], 4, 2),
            (&jordan[..], 3, 2),
            (&close[..], 3, 2),
        ] {
            let q = unstable_basis(j, n, k).unwrap();
            assert_eq!(q.len(), k);
            assert!(defect(j, n, &q) < 1e-6, "{}", defect(j, n, &q));
        }
        assert!(unstable_basis(&[f64::NAN], 1, 1).is_none());
    }
}
