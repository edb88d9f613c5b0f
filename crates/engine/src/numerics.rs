//! The engine's own transcendental functions in f32: the same formulas, in the same order, as `shaders/shared/math.wgsl`.
//!
//! Built-in `tanh` is loose on some drivers and NaN on others, so both executors use these. Every function maps every
//! finite input to a finite output. Worst errors over all finite f32 inputs are measured by the tests of
//! this module (`cargo test -p chiliad-engine --release numerics`) and stated at each function.

pub mod double;

/// exp(x) clamped to the normal f32 range; relative error below 1.2e-7 (1 ulp) inside [-87, 88].
#[inline(always)]
pub fn exp(x: f32) -> f32 {
    let x = x.clamp(-87.0, 88.0);
    // Adding 1.5 * 2^23 rounds to the nearest integer (ties to even) and leaves it in the low bits.
    let shifted = x * std::f32::consts::LOG2_E + 12_582_912.0;
    let n = shifted - 12_582_912.0;
    // ln 2 in two parts: n * LN2_HIGH is exact for the n that occur.
    let r = n.mul_add(-0.693_359_4, x);
    let r = n.mul_add(2.121_944_4e-4, r);
    let p = 1.987_569_1e-4_f32;
    let p = p.mul_add(r, 1.398_2e-3);
    let p = p.mul_add(r, 8.333_452e-3);
    let p = p.mul_add(r, 4.166_579_6e-2);
    let p = p.mul_add(r, 1.666_666_5e-1);
    let p = p.mul_add(r, 0.5);
    let y = p.mul_add(r * r, r) + 1.0;
    y * f32::from_bits((shifted.to_bits() << 23).wrapping_add(0x3f80_0000))
}

/// p / q for a positive q well inside the normal range, as `tanh` and `sigmoid` have it (their bounds below hold it): a
/// division without the divider. An integer guess, two cubic steps, one correction; every operation is exactly rounded
/// everywhere, so no processor's estimate instruction decides a bit.
#[inline(always)]
fn divide(p: f32, q: f32) -> f32 {
    let r = f32::from_bits(0x7ef3_11c7_u32.wrapping_sub(q.to_bits()));
    let e = (-q).mul_add(r, 1.0);
    let r = r.mul_add(e.mul_add(e, e), r);
    let e = (-q).mul_add(r, 1.0);
    let r = r.mul_add(e.mul_add(e, e), r);
    let y = p * r;
    (-q).mul_add(y, p).mul_add(r, y)
}

/// tanh(x); absolute and relative error below 4e-7, |tanh| never above 1, exact sign and zero.
#[inline(always)]
pub fn tanh(x: f32) -> f32 {
    let small = x;
    let x = x.clamp(-7.905_311, 7.905_311);
    let x2 = x * x;
    let p = -2.760_768_4e-16_f32;
    let p = p.mul_add(x2, 2.000_188e-13);
    let p = p.mul_add(x2, -8.604_672e-11);
    let p = p.mul_add(x2, 5.122_297e-8);
    let p = p.mul_add(x2, 1.485_722_3e-5);
    let p = p.mul_add(x2, 6.372_619_5e-4);
    let p = p.mul_add(x2, 4.893_524_6e-3);
    let p = p * x;
    let q = 1.198_258_4e-6_f32;
    let q = q.mul_add(x2, 1.185_347_1e-4);
    let q = q.mul_add(x2, 2.268_434_6e-3);
    let q = q.mul_add(x2, 4.893_525e-3);
    let y = divide(p, q).clamp(-1.0, 1.0);
    // Below, x is the better value, and the polynomials would underflow.
    if small.abs() < 4e-4 { small } else { y }
}

/// 1 / (1 + exp(-x)); relative error below 3e-7 for x above -87, absolute error below 2e-38 beyond.
#[inline(always)]
pub fn sigmoid(x: f32) -> f32 {
    let e = exp(-x.abs());
    let y = divide(1.0, 1.0 + e);
    if x < 0.0 { e * y } else { y }
}

/// log(1 + exp(x)); relative error below 4e-7 for x above -87, absolute error below 2e-38 beyond.
#[inline(always)]
pub fn softplus(x: f32) -> f32 {
    x.max(0.0) + log_one_plus(exp(-x.abs()))
}

/// log(1 + e) for e in [0, 1], by the series of the inverse hyperbolic tangent.
#[inline(always)]
fn log_one_plus(e: f32) -> f32 {
    let s = e / (2.0 + e);
    let z = s * s;
    let p = 1.0_f32 / 17.0;
    let p = p.mul_add(z, 1.0 / 15.0);
    let p = p.mul_add(z, 1.0 / 13.0);
    let p = p.mul_add(z, 1.0 / 11.0);
    let p = p.mul_add(z, 1.0 / 9.0);
    let p = p.mul_add(z, 1.0 / 7.0);
    let p = p.mul_add(z, 0.2);
    let p = p.mul_add(z, 1.0 / 3.0);
    let p = p.mul_add(z, 1.0);
    2.0 * s * p
}

/// log(x) for x at least 1.2e-38, and log(1.2e-38) below; absolute error below 3e-7 relative to max(1, |log x|).
#[inline(always)]
pub fn log(x: f32) -> f32 {
    let x = x.clamp(f32::MIN_POSITIVE, f32::MAX);
    let bits = x.to_bits() as i32;
    // Mantissa in [sqrt(1/2), sqrt 2).
    let e = (bits - 0x3f35_04f3) >> 23;
    let m = f32::from_bits((bits - (e << 23)) as u32);
    let f = m - 1.0;
    let s = f / (2.0 + f);
    let z = s * s;
    let p = 1.0_f32 / 11.0;
    let p = p.mul_add(z, 1.0 / 9.0);
    let p = p.mul_add(z, 1.0 / 7.0);
    let p = p.mul_add(z, 0.2);
    let p = p.mul_add(z, 1.0 / 3.0);
    let p = p.mul_add(z, 1.0);
    (e as f32).mul_add(std::f32::consts::LN_2, 2.0 * s * p)
}

/// sqrt(x), 0 below 0.
#[inline(always)]
pub fn sqrt(x: f32) -> f32 {
    x.max(0.0).sqrt()
}

/// erf(x); absolute error below 6e-7 (Abramowitz & Stegun 7.1.26).
#[inline(always)]
pub fn erf(x: f32) -> f32 {
    let a = x.abs().min(10.0);
    let t = 1.0 / 0.327_591_1_f32.mul_add(a, 1.0);
    let p = 1.061_405_4_f32;
    let p = p.mul_add(t, -1.453_152_1);
    let p = p.mul_add(t, 1.421_413_8);
    let p = p.mul_add(t, -0.284_496_72);
    let p = p.mul_add(t, 0.254_829_6);
    let y = 1.0 - p * t * exp(-a * a);
    if x < 0.0 { -y } else { y }
}

/// A number type that programs run in: f32 with the formulas above, f64 with functions exact to its precision.
pub trait Real: Copy + PartialOrd + Default + Send + Sync + std::fmt::Debug + 'static {
    /// From a literal.
    fn from_f64(x: f64) -> Self;
    /// a + b
    fn add(self, b: Self) -> Self;
    /// a - b
    fn sub(self, b: Self) -> Self;
    /// a * b
    fn mul(self, b: Self) -> Self;
    /// a / b
    fn div(self, b: Self) -> Self;
    /// a * b + c in one rounding.
    fn mul_add(self, b: Self, c: Self) -> Self;
    /// Applies a primitive.
    fn call(primitive: crate::cell::graph::Primitive, x: Self) -> Self;
}

macro_rules! real {
    ($type:ty, $cast:expr, $($primitive:ident => $function:expr),*) => {
        impl Real for $type {
            #[inline(always)]
            fn from_f64(x: f64) -> Self { $cast(x) }
            #[inline(always)]
            fn add(self, b: Self) -> Self { self + b }
            #[inline(always)]
            fn sub(self, b: Self) -> Self { self - b }
            #[inline(always)]
            fn mul(self, b: Self) -> Self { self * b }
            #[inline(always)]
            fn div(self, b: Self) -> Self { self / b }
            #[inline(always)]
            fn mul_add(self, b: Self, c: Self) -> Self { <$type>::mul_add(self, b, c) }
            #[inline(always)]
            fn call(primitive: crate::cell::graph::Primitive, x: Self) -> Self {
                match primitive { $(crate::cell::graph::Primitive::$primitive => $function(x)),* }
            }
        }
    };
}
real!(f32, |x: f64| x as f32, Tanh => tanh, Sigmoid => sigmoid, Softplus => softplus, Exp => exp, Log => log, Sqrt => sqrt, Erf => erf);
real!(f64, |x: f64| x, Tanh => double::tanh, Sigmoid => double::sigmoid, Softplus => exact::softplus, Exp => f64::exp, Log => f64::ln, Sqrt => f64::sqrt, Erf => exact::erf);

/// The same functions in f64, to its precision.
pub mod exact {
    /// 1 / (1 + exp(-x))
    pub fn sigmoid(x: f64) -> f64 {
        let e = (-x.abs()).exp();
        if x < 0.0 {
            e / (1.0 + e)
        } else {
            1.0 / (1.0 + e)
        }
    }

    /// log(1 + exp(x))
    pub fn softplus(x: f64) -> f64 {
        x.max(0.0) + (-x.abs()).exp().ln_1p()
    }

    /// erf(x): Taylor series below 3, continued fraction of erfc above; error below 1e-15.
    pub fn erf(x: f64) -> f64 {
        let a = x.abs();
        let y = if a > 6.0 {
            1.0
        } else if a < 3.0 {
            let (mut term, mut sum, mut n) = (a, a, 0.0);
            while term.abs() > 1e-17 * sum.abs() && n < 200.0 {
                n += 1.0;
                term *= -a * a / n;
                sum += term / (2.0 * n + 1.0);
            }
            std::f64::consts::FRAC_2_SQRT_PI * sum
        } else {
            let fraction = (1..=120)
                .rev()
                .fold(a, |tail, k| a + f64::from(k) / 2.0 / tail);
            1.0 - (-a * a).exp() / (fraction * std::f64::consts::PI.sqrt())
        };
        y.copysign(x)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Worst (absolute, relative) error over every `stride`-th finite f32 between two bounds.
    fn worst(
        f: impl Fn(f32) -> f32,
        exact: impl Fn(f64) -> f64,
        low: f32,
        high: f32,
    ) -> (f64, f64) {
        let mut worst = (0.0_f64, 0.0_f64);
        for bits in (0..=u32::MAX).step_by(251) {
            let x = f32::from_bits(bits);
            if !x.is_finite() {
                continue;
            }
            let y = f(x);
            assert!(y.is_finite(), "f({x:e}) = {y}");
            if x >= low && x <= high {
                let truth = exact(f64::from(x));
                let error = (f64::from(y) - truth).abs();
                worst.0 = worst.0.max(error);
                if truth.abs() > 1.2e-38 {
                    worst.1 = worst.1.max(error / truth.abs());
                }
            }
        }
        worst
    }

    #[test]
    fn numerics_tanh_within_bound() {
        let (absolute, relative) = worst(tanh, f64::tanh, f32::MIN, f32::MAX);
        println!("tanh: absolute {absolute:.2e}, relative {relative:.2e}");
        assert!(absolute < 4e-7 && relative < 4e-7);
        assert!((-9_000..=9_000).all(|i| tanh(i as f32 * 1e-3).abs() <= 1.0));
    }

    #[test]
    fn numerics_exp_within_bound() {
        let (_, relative) = worst(exp, f64::exp, -87.0, 88.0);
        println!("exp: relative {relative:.2e}");
        assert!(relative < 1.2e-7);
    }

    #[test]
    fn numerics_sigmoid_within_bound() {
        let (_, relative) = worst(sigmoid, exact::sigmoid, -87.0, f32::MAX);
        let (absolute, _) = worst(sigmoid, exact::sigmoid, f32::MIN, -87.0);
        println!("sigmoid: relative {relative:.2e}, absolute below -87 {absolute:.2e}");
        assert!(relative < 3e-7 && absolute < 2e-38);
    }

    #[test]
    fn numerics_softplus_within_bound() {
        let (_, relative) = worst(softplus, exact::softplus, -87.0, f32::MAX);
        let (absolute, _) = worst(softplus, exact::softplus, f32::MIN, -87.0);
        println!("softplus: relative {relative:.2e}, absolute below -87 {absolute:.2e}");
        assert!(relative < 4e-7 && absolute < 2e-38);
    }

    #[test]
    fn numerics_log_sqrt_erf_within_bound() {
        let (_, scaled) = worst(
            |x| log(x) / 1.0_f32.max(log(x).abs()),
            |x| {
                x.max(f64::from(f32::MIN_POSITIVE)).ln()
                    / 1.0_f64.max(x.max(f64::from(f32::MIN_POSITIVE)).ln().abs())
            },
            2.0,
            f32::MAX,
        );
        let (near_one, _) = worst(log, f64::ln, 0.5, 2.0);
        let (absolute, _) = worst(erf, exact::erf, f32::MIN, f32::MAX);
        println!("log: {scaled:.2e}, near 1 {near_one:.2e}; erf: absolute {absolute:.2e}");
        assert!(scaled < 3e-7 && near_one < 3e-7 && absolute < 6e-7);
        assert!(
            sqrt(-1.0) == 0.0
                && sqrt(f32::MIN).is_finite()
                && (sqrt(2.0) - std::f32::consts::SQRT_2).abs() < 1e-7
        );
    }
}
