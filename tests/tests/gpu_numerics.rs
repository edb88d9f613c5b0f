//! Random words and transcendental functions: WGSL against Rust.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod gpu_adapter;

use chiliad_engine::gpu::{Buffer, Gpu, Named, link_plain};
use chiliad_engine::numerics;
use chiliad_tasks::random::{Stream, threefry2x32};

/// Runs a test kernel over `input`, its output pre-filled with NaN.
fn run<I: bytemuck::Pod, O: bytemuck::Pod>(
    gpu: &Gpu,
    name: &str,
    names: [&str; 2],
    input: &[I],
    n_out: usize,
) -> Vec<O> {
    let kernel = gpu.kernel(&link_plain(name).unwrap()).unwrap();
    let from = Buffer::with(gpu, names[0], input).unwrap();
    let to: Buffer<O> = Buffer::new(gpu, names[1], n_out).unwrap();
    to.poison(gpu).unwrap();
    let bound = kernel
        .bind(
            gpu,
            &[Named::new(names[0], &from), Named::new(names[1], &to)],
        )
        .unwrap();
    kernel
        .run(gpu, &bound, [input.len().div_ceil(64) as u32, 1])
        .unwrap();
    to.read(gpu, 0, n_out).unwrap()
}

#[test]
fn threefry_words_are_those_of_rust() {
    let Some(executor) = gpu_adapter::open("threefry_words_are_those_of_rust") else {
        return;
    };
    let mut counters: Vec<[u32; 4]> = vec![
        [0; 4],
        [u32::MAX; 4],
        [0x1319_8a2e, 0x0370_7344, 0x243f_6a88, 0x85a3_08d3],
    ];
    let stream = Stream::new(3, 0x901);
    counters.extend((0..100_000).map(|i| {
        let [a, b] = stream.words(i, 0);
        let [c, d] = stream.words(i, 1);
        [a, b, c, d]
    }));
    let words: Vec<[u32; 4]> = run(
        &executor.gpu().unwrap(),
        "threefry_words",
        ["counters", "words"],
        &counters,
        counters.len(),
    );
    assert_eq!([words[0][0], words[0][1]], [0x6b20_0159, 0x99ba_4efe]);
    assert_eq!([words[1][0], words[1][1]], [0x1cb9_96fc, 0xbb00_2be7]);
    assert_eq!([words[2][0], words[2][1]], [0xc492_3a9c, 0x483d_f7a0]);
    let mut worst = 0.0_f64;
    for (counter, found) in counters.iter().zip(&words) {
        let expected = threefry2x32([counter[0], counter[1]], [counter[2], counter[3]]);
        assert_eq!([found[0], found[1]], expected);
        assert_eq!(
            f32::from_bits(found[2]).to_bits(),
            ((expected[0] >> 8) as f32 / 16_777_216.0).to_bits()
        );
        let radius = (-2.0 * ((f64::from(expected[0]) + 1.0) / 4_294_967_296.0).ln()).sqrt();
        let normal =
            radius * (std::f64::consts::TAU * f64::from(expected[1]) / 4_294_967_296.0).cos();
        worst =
            worst.max((f64::from(f32::from_bits(found[3])) - normal).abs() / (1.0 + normal.abs()));
    }
    println!("normal: worst error {worst:.2e} (1 + |normal|)");
    assert!(worst < 2e-6);
}

#[test]
fn math_values_are_those_of_rust() {
    let Some(executor) = gpu_adapter::open("math_values_are_those_of_rust") else {
        return;
    };
    let mut points: Vec<f32> = (0..u32::MAX)
        .step_by(65_521)
        .map(f32::from_bits)
        .filter(|x| x.is_finite())
        .collect();
    points.extend([
        0.0,
        -0.0,
        f32::MAX,
        f32::MIN,
        f32::INFINITY,
        f32::NEG_INFINITY,
        f32::NAN,
    ]);
    let values: Vec<f32> = run(
        &executor.gpu().unwrap(),
        "math_values",
        ["points", "values"],
        &points,
        points.len() * 8,
    );
    type Function = (&'static str, fn(f32) -> f32, f32);
    // Both sides are within their stated bounds; a driver may contract or divide otherwise, so a few ulp remain between them.
    let functions: [Function; 7] = [
        ("tanh", numerics::tanh, 5e-7),
        ("sigmoid", numerics::sigmoid, 5e-7),
        ("softplus", numerics::softplus, 5e-7),
        ("exp", numerics::exp, 3e-7),
        ("log", numerics::log, 5e-7),
        ("sqrt", numerics::sqrt, 3e-7),
        ("erf", numerics::erf, 1e-6),
    ];
    let mut failed = false;
    for (k, (name, function, bound)) in functions.into_iter().enumerate() {
        let mut worst = (0.0_f32, 0.0_f32);
        for (x, values) in points
            .iter()
            .zip(values.chunks(8))
            .filter(|p| p.0.is_finite())
        {
            let (expected, found) = (function(*x), values[k]);
            assert!(found.is_finite(), "{name}({x:e}) = {found}");
            // Denormal results may be flushed; the error function and the logarithm are bounded absolutely near 0.
            let scale = if matches!(name, "erf" | "log") {
                expected.abs().max(1.0)
            } else {
                expected.abs().max(1.2e-38)
            };
            if expected.abs() > 1e-37 {
                let error = (found - expected).abs() / scale;
                if error > worst.0 {
                    worst = (error, *x);
                }
            }
        }
        println!("{name}: {:.1e} at {:e}", worst.0, worst.1);
        failed |= worst.0 >= bound;
    }
    assert!(!failed, "a function is beyond its bound, see above");
    for (x, values) in points.iter().zip(values.chunks(8)) {
        assert_eq!(values[7] == 1.0, !x.is_finite(), "not_finite({x})");
    }
}
