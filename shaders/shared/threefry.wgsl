// Threefry-2x32-20 (Salmon et al. 2011): two words of counter scrambled under two words of key.
// Twin: chiliad_tasks::threefry2x32, word for word.

fn threefry_round(x: vec2<u32>, turn: u32) -> vec2<u32> {
    let a = x.x + x.y;
    return vec2<u32>(a, ((x.y << turn) | (x.y >> (32u - turn))) ^ a);
}

fn threefry_rounds_a(x: vec2<u32>) -> vec2<u32> {
    return threefry_round(threefry_round(threefry_round(threefry_round(x, 13u), 15u), 26u), 6u);
}

fn threefry_rounds_b(x: vec2<u32>) -> vec2<u32> {
    return threefry_round(threefry_round(threefry_round(threefry_round(x, 17u), 29u), 16u), 24u);
}

fn threefry(key: vec2<u32>, counter: vec2<u32>) -> vec2<u32> {
    let parity = 0x1BD11BDAu ^ key.x ^ key.y;
    var x = counter + key;
    x = threefry_rounds_a(x) + vec2<u32>(key.y, parity + 1u);
    x = threefry_rounds_b(x) + vec2<u32>(parity, key.x + 2u);
    x = threefry_rounds_a(x) + vec2<u32>(key.x, key.y + 3u);
    x = threefry_rounds_b(x) + vec2<u32>(key.y, parity + 4u);
    x = threefry_rounds_a(x) + vec2<u32>(parity, key.x + 5u);
    return x;
}

// Uniform in [0, 1): the upper 24 bits, exact in f32.
fn threefry_uniform(word: u32) -> f32 {
    return f32(word >> 8u) * 0x1p-24;
}

// Standard normal by Box-Muller over both words: within 2e-6 (1 + |normal|) of `Stream::normal_at`, which takes the same
// words through f64. Words are reduced as integers, so that neither end of the interval loses bits; sine and cosine are
// polynomials of the reduced angle, since WGSL leaves the error of its own open.
fn threefry_normal(words: vec2<u32>) -> f32 {
    // u = (word + 1) / 2^32; above one half through 1 - u.
    let low = math_log(f32(words.x + 1u) * 0x1p-32);
    let high = math_log_one_plus(-f32(~words.x) * 0x1p-32);
    let radius = math_sqrt(-2.0 * select(low, high, words.x >= 0x80000000u));
    let quarter = (words.y + 0x20000000u) >> 30u;
    let angle = f32(bitcast<i32>(words.y - (quarter << 30u))) * (6.2831853 * 0x1p-32);
    let z = angle * angle;
    let cosine = fma(fma(fma(fma(fma(-2.7557319e-7, z, 2.4801587e-5), z, -1.3888889e-3), z, 4.1666667e-2), z, -0.5), z, 1.0);
    let sine = angle * fma(fma(fma(fma(2.7557319e-6, z, -1.9841270e-4), z, 8.3333333e-3), z, -0.16666667), z, 1.0);
    let by_quarter = vec4<f32>(cosine, -sine, -cosine, sine);
    let folded = select(select(by_quarter.w, by_quarter.z, quarter == 2u), select(by_quarter.y, by_quarter.x, quarter == 0u), quarter < 2u);
    return radius * folded;
}
