//! Standard normals in f32 from two random words: the formula of `threefry_normal` in `shaders/shared/threefry.wgsl`, without a
//! branch, so that a loop over units becomes vectors.

use super::{log, log_one_plus, sqrt};

/// Box-Muller over both words; within 2e-6 (1 + |normal|) of [`chiliad_tasks::random::Stream::normal_at`], which takes the same
/// words through f64.
#[inline(always)]
pub fn normal(words: [u32; 2]) -> f32 {
    const ULP: f32 = 1.0 / 4_294_967_296.0;
    // u = (word + 1) / 2^32; above one half through 1 - u.
    let low = log(words[0].wrapping_add(1) as f32 * ULP);
    let high = log_one_plus(-(!words[0] as f32) * ULP);
    let radius = sqrt(-2.0 * if words[0] >= 0x8000_0000 { high } else { low });
    // Words are reduced as integers: neither end of the interval loses bits.
    let quarter = words[1].wrapping_add(0x2000_0000) >> 30;
    let angle = words[1].wrapping_sub(quarter << 30) as i32 as f32 * (std::f32::consts::TAU * ULP);
    let z = angle * angle;
    let cosine = (-2.755_732e-7_f32)
        .mul_add(z, 2.480_158_7e-5)
        .mul_add(z, -1.388_888_9e-3)
        .mul_add(z, 4.166_666_7e-2)
        .mul_add(z, -0.5)
        .mul_add(z, 1.0);
    let sine = angle
        * 2.755_732e-6_f32
            .mul_add(z, -1.984_127e-4)
            .mul_add(z, 8.333_333e-3)
            .mul_add(z, -0.166_666_67)
            .mul_add(z, 1.0);
    let folded = if quarter & 1 == 0 { cosine } else { sine };
    // cos of the whole angle: + cosine, - sine, - cosine, + sine by quarter.
    let negative = quarter == 1 || quarter == 2;
    radius * if negative { -folded } else { folded }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chiliad_tasks::random::Stream;

    #[test]
    fn normals_are_those_of_the_stream() {
        let stream = Stream::new(11, 0x9ff);
        let (mut sum, mut squares, mut worst) = (0.0_f64, 0.0_f64, 0.0_f64);
        let n = 1_000_000;
        for i in 0..n {
            let exact = f64::from(stream.normal_at(i, 3));
            let found = f64::from(normal(stream.words(i, 3)));
            worst = worst.max((found - exact).abs() / (1.0 + exact.abs()));
            sum += found;
            squares += found * found;
        }
        println!("worst {worst:.1e}");
        assert!(worst < 2e-6, "{worst}");
        // Standard errors of a million draws: 0.001 and 0.0014.
        assert!((sum / f64::from(n)).abs() < 0.005);
        assert!((squares / f64::from(n) - 1.0).abs() < 0.007);
        // The ends of both words.
        for a in [0, 1, 0x7fff_ffff, 0x8000_0000, u32::MAX - 1, u32::MAX] {
            for b in [0, 0x1fff_ffff, 0x2000_0000, 0x8000_0000, u32::MAX] {
                assert!(normal([a, b]).is_finite(), "{a:x} {b:x}");
            }
        }
    }
}
