// Transcendental functions in f32: the same formulas, in the same order, as `numerics.rs` of the engine.
// Twin: chiliad_engine::numerics, where each function's worst error is stated. No finite input gives a non-finite output.

fn math_exp(input: f32) -> f32 {
    let x = clamp(input, -87.0, 88.0);
    let n = round(x * 1.442695);
    // ln 2 in two parts: n * high is exact for the n that occur. The second product takes n by way of an integer, because a
    // driver that sees n twice may add the two parts first (seen: error 4e-6 at 72, Mesa).
    let k = i32(n);
    let r = fma(f32(k), 2.1219444e-4, fma(n, -0.6933594, x));
    var p = 1.9875691e-4;
    p = fma(p, r, 1.3982e-3);
    p = fma(p, r, 8.333452e-3);
    p = fma(p, r, 4.1665796e-2);
    p = fma(p, r, 1.6666665e-1);
    p = fma(p, r, 0.5);
    let y = fma(p, r * r, r) + 1.0;
    return y * bitcast<f32>(u32(k + 127) << 23u);
}

fn math_tanh(input: f32) -> f32 {
    let x = clamp(input, -7.905311, 7.905311);
    let x2 = x * x;
    var p = -2.7607684e-16;
    p = fma(p, x2, 2.000188e-13);
    p = fma(p, x2, -8.604672e-11);
    p = fma(p, x2, 5.122297e-8);
    p = fma(p, x2, 1.4857223e-5);
    p = fma(p, x2, 6.3726195e-4);
    p = fma(p, x2, 4.8935246e-3);
    p = p * x;
    var q = 1.1982584e-6;
    q = fma(q, x2, 1.1853471e-4);
    q = fma(q, x2, 2.2684346e-3);
    q = fma(q, x2, 4.893525e-3);
    let y = clamp(p / q, -1.0, 1.0);
    // Below, x is the better value, and the polynomials would underflow.
    return select(y, input, abs(input) < 4e-4);
}

fn math_sigmoid(x: f32) -> f32 {
    let e = math_exp(-abs(x));
    let y = 1.0 / (1.0 + e);
    return select(y, e * y, x < 0.0);
}

// log(1 + e) for e in [0, 1], by the series of the inverse hyperbolic tangent.
fn math_log_one_plus(e: f32) -> f32 {
    let s = e / (2.0 + e);
    let z = s * s;
    var p = 1.0 / 17.0;
    p = fma(p, z, 1.0 / 15.0);
    p = fma(p, z, 1.0 / 13.0);
    p = fma(p, z, 1.0 / 11.0);
    p = fma(p, z, 1.0 / 9.0);
    p = fma(p, z, 1.0 / 7.0);
    p = fma(p, z, 0.2);
    p = fma(p, z, 1.0 / 3.0);
    p = fma(p, z, 1.0);
    return 2.0 * s * p;
}

fn math_softplus(x: f32) -> f32 {
    return max(x, 0.0) + math_log_one_plus(math_exp(-abs(x)));
}

fn math_log(input: f32) -> f32 {
    let x = clamp(input, 1.1754944e-38, 3.4028235e38);
    let bits = bitcast<i32>(x);
    // Mantissa in [sqrt(1/2), sqrt 2).
    let e = (bits - 0x3f3504f3) >> 23u;
    let m = bitcast<f32>(bits - (e << 23u));
    let f = m - 1.0;
    let s = f / (2.0 + f);
    let z = s * s;
    var p = 1.0 / 11.0;
    p = fma(p, z, 1.0 / 9.0);
    p = fma(p, z, 1.0 / 7.0);
    p = fma(p, z, 0.2);
    p = fma(p, z, 1.0 / 3.0);
    p = fma(p, z, 1.0);
    return fma(f32(e), 0.6931472, 2.0 * s * p);
}

fn math_sqrt(x: f32) -> f32 {
    return sqrt(max(x, 0.0));
}

fn math_erf(x: f32) -> f32 {
    let a = min(abs(x), 10.0);
    let t = 1.0 / fma(0.3275911, a, 1.0);
    var p = 1.0614054;
    p = fma(p, t, -1.4531521);
    p = fma(p, t, 1.4214138);
    p = fma(p, t, -0.28449672);
    p = fma(p, t, 0.2548296);
    let y = 1.0 - p * t * math_exp(-a * a);
    return select(y, -y, x < 0.0);
}

// Whether the exponent bits are all ones: infinity or NaN. Drivers may assume that neither exists, so bits decide.
fn math_not_finite(x: f32) -> bool {
    return (bitcast<u32>(x) & 0x7f800000u) == 0x7f800000u;
}
