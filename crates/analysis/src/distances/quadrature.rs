//! Sum of the singular values of a bidiagonal matrix B as an integral:
//!
//! ```text
//! sum of sigma = 2 / pi * integral over u of  t * sum of sigma^2 / (sigma^2 + t^2),   t = exp u
//! ```
//!
//! The integrand is a sum of `sigma / 2 * sech(u - ln sigma)`, so the trapezoid rule of step h is off by `2 exp(-pi^2 / h)` of it.
//! At a node it is t times the derivative of `ln det(s B B^T + t^2)` by s, which the quotient-difference recurrence
//! (Fernando & Parlett 1994) takes along, nothing ever being subtracted. Nodes are independent and fill the vectors.

use pulp::Simd;

/// h; the rule is off by 3e-16.
const STEP: f64 = 0.27;
/// u of the first node, for singular values up to 1. What is above is known from the sums of their second and fourth powers.
const HIGHEST: f64 = 7.5;
/// Nodes that are taken together.
const NODES: usize = 32;
/// What may be left out, for a sum of 1 or more.
const LITTLE: f64 = 1e-17;

/// From the squares `[diagonal, right of it]`, the last of which has none to the right.
#[inline(always)]
pub(crate) fn sum_of_singular_values<S: Simd>(simd: S, squares: &[[f64; 2]]) -> f64 {
    let total: f64 = squares.iter().flatten().sum();
    if total == 0.0 {
        return 0.0;
    }
    // Scaled so that the squares of the singular values add up to 1.
    let scaled: Vec<[f64; 2]> = squares
        .iter()
        .map(|[q, e]| [q / total, e / total])
        .collect();
    let fourth: f64 = scaled
        .iter()
        .map(|[q, e]| (q + e) * (q + e))
        .chain(scaled.windows(2).map(|w| 2.0 * w[0][1] * w[1][0]))
        .sum();
    let count = scaled.len() as f64;
    // Sum of t^power over all nodes beyond one at t, as a multiple of its own.
    let beyond = |power: f64| 1.0 / (power * STEP).exp_m1();
    let top = HIGHEST.exp();
    let mut sum = beyond(1.0) / top - fourth * beyond(3.0) / top.powi(3);
    let mut first = 0;
    loop {
        let t: [f64; NODES] = std::array::from_fn(|k| (HIGHEST - STEP * (first + k) as f64).exp());
        let shares = shares(simd, &scaled, &t);
        sum += t.iter().zip(shares).map(|(t, s)| t * s).sum::<f64>();
        // Below, every singular value but those near 0 counts whole, up to a part that falls as t^2.
        let (t, missing) = (t[NODES - 1], count - shares[NODES - 1]);
        if t * missing * missing < LITTLE || t * count < LITTLE {
            sum += t * (count * beyond(1.0) - missing * beyond(3.0));
            return total.sqrt() * STEP * sum / std::f64::consts::FRAC_PI_2;
        }
        first += NODES;
    }
}

/// Sum of `sigma^2 / (sigma^2 + t^2)` at each node.
#[inline(always)]
fn shares<S: Simd>(simd: S, squares: &[[f64; 2]], t: &[f64; NODES]) -> [f64; NODES] {
    let mut sums = [0.0; NODES];
    let shift = t.map(|t| t * t);
    // The running entry d of the recurrence: the part that comes of the matrix, and the part that comes of t^2.
    let (mut own, mut shifted) = ([squares[0][0]; NODES], shift);
    let one = simd.splat_f64s(1.0);
    let rights = squares.iter().map(|s| s[1]);
    let nexts = squares[1..].iter().map(|s| s[0]).chain([0.0]);
    let shift = S::as_simd_f64s(&shift).0;
    for (e, q) in rights.zip(nexts) {
        let (e, q) = (simd.splat_f64s(e), simd.splat_f64s(q));
        let nodes = S::as_mut_simd_f64s(&mut own).0.iter_mut();
        let nodes = nodes.zip(S::as_mut_simd_f64s(&mut shifted).0);
        let nodes = nodes.zip(S::as_mut_simd_f64s(&mut sums).0).zip(shift);
        for (((own, shifted), sum), &shift) in nodes {
            let d = simd.add_f64s(*own, *shifted);
            let with_right = simd.add_f64s(*own, e);
            let inverse = simd.div_f64s(one, simd.add_f64s(with_right, *shifted));
            *sum = simd.mul_add_f64s(with_right, inverse, *sum);
            let ratio = simd.mul_f64s(q, inverse);
            let part = simd.mul_f64s(*shifted, inverse);
            *own = simd.mul_f64s(ratio, simd.mul_add_f64s(d, part, *own));
            *shifted = simd.mul_add_f64s(simd.mul_f64s(ratio, part), e, shift);
        }
    }
    sums
}
