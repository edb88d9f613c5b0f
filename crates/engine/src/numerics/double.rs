//! `tanh` and `sigmoid` in f64 by formulas that vectorise: a library's are called one value at a time, which made them most of
//! the cost of a step in f64. The same bits everywhere, since every operation is exactly rounded.

use std::f64::consts::LOG2_E;

/// `exp(x) - 1` as `2^k` and `exp(r) - 1`, with `x = k ln 2 + r` and `|r|` at most half of ln 2; for |x| up to 708.
#[inline(always)]
fn reduced(x: f64) -> (f64, f64) {
    // Adding 1.5 * 2^52 rounds to the nearest integer and leaves it in the low bits.
    const ROUND: f64 = 6_755_399_441_055_744.0;
    // ln 2 in two parts: k times the first is exact for the k that occur.
    const LN2_HIGH: f64 = 6.931_471_803_691_238e-1;
    const LN2_LOW: f64 = 1.908_214_929_270_588e-10;
    let shifted = x.mul_add(LOG2_E, ROUND);
    let k = shifted - ROUND;
    let r = k.mul_add(-LN2_LOW, k.mul_add(-LN2_HIGH, x));
    // Taylor's series to r^13: what is left out is below 4e-18.
    let p = 1.605_904_383_682_161_5e-10_f64;
    let p = p.mul_add(r, 2.087_675_698_786_81e-9);
    let p = p.mul_add(r, 2.505_210_838_544_172e-8);
    let p = p.mul_add(r, 2.755_731_922_398_589e-7);
    let p = p.mul_add(r, 2.755_731_922_398_589_3e-6);
    let p = p.mul_add(r, 2.480_158_730_158_73e-5);
    let p = p.mul_add(r, 1.984_126_984_126_984e-4);
    let p = p.mul_add(r, 1.388_888_888_888_889e-3);
    let p = p.mul_add(r, 8.333_333_333_333_333e-3);
    let p = p.mul_add(r, 4.166_666_666_666_666_4e-2);
    let p = p.mul_add(r, 1.666_666_666_666_666_6e-1);
    let p = p.mul_add(r, 0.5);
    let power = f64::from_bits((shifted.to_bits() << 52).wrapping_add(1023 << 52));
    (power, p.mul_add(r * r, r))
}

/// tanh(x), absolute and relative error below 5e-16; exact sign and zero, never above 1, NaN for NaN.
#[inline(always)]
pub fn tanh(x: f64) -> f64 {
    let a = x.abs();
    // Beyond 20 the result rounds to 1. A comparison with NaN is false, so NaN goes on.
    let a = if a > 20.0 { 20.0 } else { a };
    let (power, small) = reduced(a + a);
    let growth = power.mul_add(small, power - 1.0);
    (growth / (growth + 2.0)).copysign(x)
}

/// 1 / (1 + exp(-x)), relative error below 6e-16 above -708, absolute below 4e-308 under it; NaN for NaN.
#[inline(always)]
pub fn sigmoid(x: f64) -> f64 {
    let a = x.abs();
    let a = if a > 708.0 { 708.0 } else { a };
    let (power, small) = reduced(-a);
    let e = power.mul_add(small, power);
    (if x < 0.0 { e } else { 1.0 }) / (1.0 + e)
}

#[cfg(test)]
mod tests {
    use super::super::exact;
    use super::*;

    /// Every f64 whose upper 32 bits are a multiple of a prime, and the neighbourhood of zero and one.
    fn arguments() -> impl Iterator<Item = f64> {
        (0..=u32::MAX)
            .step_by(997)
            .map(|high| f64::from_bits(u64::from(high) << 32 | 0x9e37_79b9))
            .chain((-40_000..40_000).map(|i| f64::from(i) * 1.000_3e-3))
            .filter(|x| x.is_finite())
    }

    #[test]
    fn numerics_double_tanh_and_sigmoid_within_bound() {
        let (mut of_tanh, mut of_sigmoid) = (0.0_f64, 0.0_f64);
        for x in arguments() {
            let (truth, y) = (x.tanh(), tanh(x));
            assert!(y.abs() <= 1.0 && y.is_sign_negative() == x.is_sign_negative());
            if truth.abs() > 1e-300 {
                of_tanh = of_tanh.max(((y - truth) / truth).abs());
            }
            let (truth, y) = (exact::sigmoid(x), sigmoid(x));
            if x > -708.0 {
                of_sigmoid = of_sigmoid.max(((y - truth) / truth).abs());
            } else {
                assert!((0.0..4e-308).contains(&y), "{x}: {y}");
            }
        }
        println!("relative: tanh {of_tanh:.2e}, sigmoid {of_sigmoid:.2e}");
        assert!(of_tanh < 5e-16, "{of_tanh:e}");
        assert!(of_sigmoid < 6e-16, "{of_sigmoid:e}");
        assert!(tanh(f64::NAN).is_nan() && sigmoid(f64::NAN).is_nan());
        assert!(tanh(0.0) == 0.0 && sigmoid(0.0) == 0.5);
    }
}
