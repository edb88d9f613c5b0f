//! `f(C) = <A, C B C^T>` over orthogonal C: its value, its gradient, and a step from one C to another.
//!
//! Steps are `C <- cay(Omega) C`, Omega skew, cay the Cayley transform. With `M = C B C^T` the derivative along Omega is
//! `<Omega, A M^T + A^T M>`, so the gradient is the skew part of that. A skew matrix is kept as what is above its diagonal.

use crate::distances::rows::{add_scaled, dot, padded, product, rows_of, scale, transpose};
use faer::Mat;
use pulp::Simd;

/// A and B, and room for what an evaluation needs on the way.
pub(super) struct Objective {
    pub(super) n: usize,
    a: Vec<f64>,
    a_turned: Vec<f64>,
    b: Vec<f64>,
    room: [Vec<f64>; 3],
}

/// One C, row by row, with the value and the gradient there.
#[derive(Clone)]
pub(super) struct Place {
    pub(super) c: Vec<f64>,
    pub(super) value: f64,
    pub(super) gradient: Vec<f64>,
}

impl Objective {
    pub(super) fn new(a: &Mat<f64>, b: &Mat<f64>) -> Self {
        let [rows, b] = [a, b].map(|m| rows_of(m.as_ref()));
        Self {
            n: a.nrows(),
            a_turned: rows_of(a.transpose()),
            room: [(); 3].map(|()| vec![0.0; rows.len()]),
            a: rows,
            b,
        }
    }

    /// Padded length of a gradient.
    pub(super) fn skew_len(&self) -> usize {
        padded(self.n * (self.n - 1) / 2)
    }

    /// At `start`, nothing known of it yet.
    pub(super) fn place(&self, start: &Mat<f64>) -> Place {
        Place {
            c: rows_of(start.as_ref()),
            value: 0.0,
            gradient: vec![0.0; self.skew_len()],
        }
    }

    /// Value and gradient at `place.c`.
    #[inline(always)]
    pub(super) fn evaluate<S: Simd>(&mut self, simd: S, place: &mut Place) {
        let n = self.n;
        let [x, y, m] = &mut self.room;
        product::<S, false>(simd, x, &place.c, &self.b, n);
        transpose(y, &place.c, n);
        product::<S, false>(simd, m, x, y, n);
        place.value = dot(simd, &self.a, m);
        product::<S, false>(simd, x, &self.a_turned, m, n);
        transpose(y, m, n);
        product::<S, true>(simd, x, &self.a, y, n);
        let (stride, mut at) = (padded(n), 0);
        for i in 0..n {
            for j in i + 1..n {
                place.gradient[at] = 0.5 * (x[i * stride + j] - x[j * stride + i]);
                at += 1;
            }
        }
    }

    /// `|A - C B C^T|` where C was evaluated last.
    #[inline(always)]
    pub(super) fn apart<S: Simd>(&mut self, simd: S) -> f64 {
        let m = &mut self.room[2];
        add_scaled(simd, m, -1.0, &self.a);
        dot(simd, m, m).sqrt()
    }

    /// `to = cay(Omega) from = 2 (I - Omega/2)^-1 from - from`. The symmetric part of `I - Omega/2` is I, so that
    /// elimination needs no exchange of rows.
    #[inline(always)]
    pub(super) fn step<S: Simd>(&mut self, simd: S, omega: &[f64], from: &[f64], to: &mut [f64]) {
        let (n, stride) = (self.n, padded(self.n));
        let [w, inverse, _] = &mut self.room;
        let mut at = 0;
        for i in 0..n {
            w[i * stride + i] = 1.0;
            for j in i + 1..n {
                w[i * stride + j] = -0.5 * omega[at];
                w[j * stride + i] = 0.5 * omega[at];
                at += 1;
            }
            w[i * stride + n..(i + 1) * stride].fill(0.0);
        }
        to.copy_from_slice(from);
        for k in 0..n {
            let whole = k / 8 * 8;
            let (top, below) = w.split_at_mut((k + 1) * stride);
            let (done, rest) = to.split_at_mut((k + 1) * stride);
            let (pivot, right) = (&top[k * stride + whole..], &done[k * stride..]);
            inverse[k] = 1.0 / pivot[k - whole];
            let others = below
                .chunks_exact_mut(stride)
                .zip(rest.chunks_exact_mut(stride));
            for (row, side) in others.take(n - k - 1) {
                let factor = -row[k] * inverse[k];
                add_scaled(simd, &mut row[whole..], factor, pivot);
                add_scaled(simd, side, factor, right);
            }
        }
        for k in (0..n).rev() {
            let (above, side) = to.split_at_mut(k * stride);
            let side = &mut side[..stride];
            scale(simd, side, inverse[k]);
            for (i, row) in above.chunks_exact_mut(stride).enumerate() {
                add_scaled(simd, row, -w[i * stride + k], side);
            }
        }
        scale(simd, to, 2.0);
        add_scaled(simd, to, -1.0, from);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::distances::orthogonal::random;
    use chiliad_tasks::Stream;

    /// Values at C and at `cay(epsilon Omega) C`, the slope along Omega as the gradient has it, and how far the latter C is
    /// from orthogonal.
    struct Along<'a>(&'a mut Objective, &'a Mat<f64>, &'a [f64], f64);

    impl pulp::WithSimd for Along<'_> {
        type Output = [f64; 4];

        fn with_simd<S: Simd>(self, simd: S) -> [f64; 4] {
            let Self(objective, start, omega, epsilon) = self;
            let mut here = objective.place(start);
            objective.evaluate(simd, &mut here);
            let mut there = here.clone();
            let short: Vec<f64> = omega.iter().map(|x| epsilon * x).collect();
            objective.step(simd, &short, &here.c, &mut there.c);
            objective.evaluate(simd, &mut there);
            let n = objective.n;
            let c = Mat::from_fn(n, n, |i, j| there.c[i * padded(n) + j]);
            let off = (&c * c.transpose() - Mat::<f64>::identity(n, n)).norm_max();
            let slope = 2.0 * dot(simd, &here.gradient, omega);
            [here.value, there.value, slope, off]
        }
    }

    #[test]
    fn the_gradient_is_the_slope_along_a_step_and_steps_stay_orthogonal() {
        for n in [2, 3, 8, 9, 15, 17] {
            let stream = Stream::new(n as u64, 0x9f4);
            let drawn = |k: u32| {
                Mat::from_fn(n, n, |i, j| {
                    f64::from(stream.normal_at(1000 * k + i as u32, j as u32)) / n as f64
                })
            };
            let mut objective = Objective::new(&drawn(0), &drawn(1));
            let start = random(n, &stream, 7, false);
            let mut omega = vec![0.0; objective.skew_len()];
            for (k, x) in omega.iter_mut().take(n * (n - 1) / 2).enumerate() {
                *x = f64::from(stream.normal_at(5000, k as u32));
            }
            let mut at = |epsilon: f64| {
                pulp::Arch::new().dispatch(Along(&mut objective, &start, &omega, epsilon))
            };
            let [value, ahead, slope, off] = at(1e-4);
            let [_, behind, ..] = at(-1e-4);
            let known = (ahead - behind) / 2e-4;
            assert!(
                (slope - known).abs() < 1e-6 * known.abs().max(1.0),
                "{n}: {slope} for {known}"
            );
            assert!(value.is_finite() && off < 1e-14, "{n}: {off:.1e}");
            // A long step as well.
            assert!(at(1.0)[3] < 1e-13);
        }
    }
}
