//! Threefry-2x32-20 (Salmon et al. 2011) and streams of numbers keyed by seed and purpose.
//!
//! The counter says *what* is drawn, never when or where: the number behind a counter is the same whatever was drawn
//! before it, on whichever thread, in whichever batch.

use std::f64::consts::TAU;

const ROTATIONS: [u32; 8] = [13, 15, 26, 6, 17, 29, 16, 24];
const PARITY: u32 = 0x1BD1_1BDA;
const ROUNDS: usize = 20;

/// Twenty rounds of Threefry-2x32: two words of `counter`, scrambled under two words of `key`.
///
/// Word for word the Random123 reference, and the function of the same name in WGSL.
#[must_use]
#[inline(always)]
pub fn threefry2x32(key: [u32; 2], counter: [u32; 2]) -> [u32; 2] {
    let schedule = [key[0], key[1], PARITY ^ key[0] ^ key[1]];
    let mut x = [
        counter[0].wrapping_add(schedule[0]),
        counter[1].wrapping_add(schedule[1]),
    ];
    for round in 0..ROUNDS {
        x[0] = x[0].wrapping_add(x[1]);
        x[1] = x[1].rotate_left(ROTATIONS[round % 8]) ^ x[0];
        if round % 4 == 3 {
            let injection = round / 4 + 1;
            x[0] = x[0].wrapping_add(schedule[injection % 3]);
            x[1] = x[1]
                .wrapping_add(schedule[(injection + 1) % 3])
                .wrapping_add(injection as u32);
        }
    }
    x
}

/// [`threefry2x32`] at N counters `[low words, high words]` at once, in loops that become vectors.
#[must_use]
#[inline(always)]
pub fn threefry2x32_lanes<const N: usize>(key: [u32; 2], counters: [[u32; N]; 2]) -> [[u32; N]; 2] {
    let schedule = [key[0], key[1], PARITY ^ key[0] ^ key[1]];
    let [mut a, mut b] = counters;
    for l in 0..N {
        a[l] = a[l].wrapping_add(schedule[0]);
        b[l] = b[l].wrapping_add(schedule[1]);
    }
    for round in 0..ROUNDS {
        let by = ROTATIONS[round % 8];
        for l in 0..N {
            a[l] = a[l].wrapping_add(b[l]);
            b[l] = b[l].rotate_left(by) ^ a[l];
        }
        if round % 4 == 3 {
            let injection = round / 4 + 1;
            let (first, second) = (
                schedule[injection % 3],
                schedule[(injection + 1) % 3].wrapping_add(injection as u32),
            );
            for l in 0..N {
                a[l] = a[l].wrapping_add(first);
                b[l] = b[l].wrapping_add(second);
            }
        }
    }
    [a, b]
}

/// What a stream is for: the same seed under two purposes gives unrelated numbers.
///
/// This crate owns 0 to 0xff; crates above it number theirs from 0x100.
pub mod purpose {
    /// Trials asked for by name and seed.
    pub const TRIALS: u32 = 1;
    /// The fixed trials on which stop rules are decided.
    pub const EVALUATION: u32 = 2;
    /// The seed of each generation of a trial bank.
    pub const BANK: u32 = 3;
    /// Which trial of the bank a network sees ([`crate::pick`]).
    pub const PICK: u32 = 4;
    /// The trials that are looked at before a task file is accepted.
    pub const LOOK: u32 = 5;
    /// Trials of one network alone; the seed is its data seed.
    pub const FRESH: u32 = 6;
}

/// Random access to the numbers of one seed and one purpose.
///
/// The key is `threefry2x32(key: [low word of seed, high word of seed], counter: [purpose, 0])`, so that neighbouring
/// seeds and purposes share nothing. Every method below draws at a counter under that key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stream {
    key: [u32; 2],
}

impl Stream {
    /// The stream of `seed` for `purpose`.
    #[must_use]
    pub fn new(seed: u64, purpose: u32) -> Self {
        Self {
            key: threefry2x32([seed as u32, (seed >> 32) as u32], [purpose, 0]),
        }
    }

    /// The key itself, for a kernel that draws from the same stream.
    #[must_use]
    pub fn key(&self) -> [u32; 2] {
        self.key
    }

    /// The two words at counter `[a, b]`.
    #[must_use]
    pub fn words(&self, a: u32, b: u32) -> [u32; 2] {
        threefry2x32(self.key, [a, b])
    }

    /// Uniform in [0, 1): the upper 24 bits of the first word at `[a, b]`, exact in f32 and identical in WGSL.
    #[must_use]
    pub fn uniform_at(&self, a: u32, b: u32) -> f32 {
        unit_interval(self.words(a, b)[0])
    }

    /// Standard normal at `[a, b]`: Box-Muller in f64 over both words, then rounded. Rust only.
    #[must_use]
    pub fn normal_at(&self, a: u32, b: u32) -> f32 {
        box_muller(self.words(a, b))
    }

    /// A stream of its own for the pair `[a, b]`: its key is the words at that counter.
    #[must_use]
    pub fn child(&self, a: u32, b: u32) -> Self {
        Self {
            key: self.words(a, b),
        }
    }

    /// A sequence of draws of its own for `index`, for instance one per trial: it uses the counters `[index, 0]`,
    /// `[index, 1]`, ... and so shares nothing with the sequence of another index.
    #[must_use]
    pub fn draws(&self, index: u32) -> Draws {
        Draws {
            stream: *self,
            index,
            block: 0,
            spare: None,
        }
    }
}

/// A cursor over the words of one index of a [`Stream`].
#[derive(Clone, Debug)]
pub struct Draws {
    stream: Stream,
    index: u32,
    block: u32,
    spare: Option<u32>,
}

impl Draws {
    fn block(&mut self) -> [u32; 2] {
        let words = self.stream.words(self.index, self.block);
        self.block = self.block.wrapping_add(1);
        words
    }

    /// The next 32 random bits.
    pub fn word(&mut self) -> u32 {
        if let Some(word) = self.spare.take() {
            return word;
        }
        let [first, second] = self.block();
        self.spare = Some(second);
        first
    }

    /// Uniform in [0, 1), 24 bits.
    pub fn uniform(&mut self) -> f32 {
        unit_interval(self.word())
    }

    /// Standard normal, from a fresh block of two words.
    pub fn normal(&mut self) -> f32 {
        box_muller(self.block())
    }

    /// Two independent standard normals from one fresh block, the first of them what [`Draws::normal`] would give.
    pub(crate) fn normal_pair(&mut self) -> [f64; 2] {
        let [radius, angle] = polar(self.block());
        let (sin, cos) = angle.sin_cos();
        [radius * cos, radius * sin]
    }

    /// An integer in 0 .. `n`; 0 where `n` is 0. One word per call, so a probability is off by less than n / 2^32.
    pub fn below(&mut self, n: u32) -> u32 {
        ((u64::from(self.word()) * u64::from(n)) >> 32) as u32
    }

    /// -1 or 1 with equal probability.
    pub fn sign(&mut self) -> f32 {
        if self.word() >> 31 == 0 { 1.0 } else { -1.0 }
    }
}

fn unit_interval(word: u32) -> f32 {
    (word >> 8) as f32 * (1.0 / 16_777_216.0)
}

fn box_muller(words: [u32; 2]) -> f32 {
    let [radius, angle] = polar(words);
    (radius * angle.cos()) as f32
}

/// Radius and angle of a point of the plane whose coordinates are standard normal.
fn polar([radius, angle]: [u32; 2]) -> [f64; 2] {
    // One is added so that the logarithm never sees zero; the largest normal is then sqrt(64 ln 2), about 6.7.
    let radius = (-2.0 * ((f64::from(radius) + 1.0) / 4_294_967_296.0).ln()).sqrt();
    [radius, TAU * f64::from(angle) / 4_294_967_296.0]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threefry_known_answers() {
        assert_eq!(threefry2x32([0, 0], [0, 0]), [0x6b20_0159, 0x99ba_4efe]);
        assert_eq!(
            threefry2x32([u32::MAX; 2], [u32::MAX; 2]),
            [0x1cb9_96fc, 0xbb00_2be7]
        );
        let (key, counter) = ([0x1319_8a2e, 0x0370_7344], [0x243f_6a88, 0x85a3_08d3]);
        assert_eq!(threefry2x32(key, counter), [0xc492_3a9c, 0x483d_f7a0]);
        let lanes = threefry2x32_lanes(key, [[counter[0], 1, 2], [counter[1], 3, 4]]);
        for (l, counter) in [counter, [1, 3], [2, 4]].into_iter().enumerate() {
            assert_eq!([lanes[0][l], lanes[1][l]], threefry2x32(key, counter));
        }
    }

    #[test]
    fn stream_separates_seed_and_purpose() {
        let seen = [(0, 1), (1, 1), (0, 2), (1 << 32, 1), (u64::MAX, 1)]
            .map(|(s, p)| Stream::new(s, p).words(0, 0));
        for (i, words) in seen.iter().enumerate() {
            assert!(seen[i + 1..].iter().all(|other| other != words));
        }
    }

    #[test]
    fn draws_are_the_words_of_their_index() {
        let stream = Stream::new(7, 9);
        let mut draws = stream.draws(3);
        let words: Vec<u32> = (0..4).map(|_| draws.word()).collect();
        assert_eq!(words, [stream.words(3, 0), stream.words(3, 1)].concat());
        assert_eq!(stream.draws(5).uniform(), stream.uniform_at(5, 0));
        assert_eq!(stream.draws(5).normal(), stream.normal_at(5, 0));
    }

    /// Five standard errors per bound: a correct generator fails one of the six with probability below 4e-6, and the
    /// seed is fixed, so that it never fails twice.
    #[test]
    fn draws_have_the_moments_they_claim() {
        const N: u32 = 200_000;
        let mut draws = Stream::new(11, 1).draws(0);
        let n = f64::from(N);
        let (mut uniform, mut normal, mut square, mut sign) = (0.0, 0.0, 0.0, 0.0);
        let mut counts = [0.0_f64; 3];
        for _ in 0..N {
            uniform += f64::from(draws.uniform());
            let z = f64::from(draws.normal());
            normal += z;
            square += z * z;
            sign += f64::from(draws.sign());
            counts[draws.below(3) as usize] += 1.0;
        }
        let root = n.sqrt();
        assert!((uniform / n - 0.5).abs() < 5.0 * (1.0 / 12.0_f64).sqrt() / root);
        assert!((normal / n).abs() < 5.0 / root);
        assert!((square / n - 1.0).abs() < 5.0 * 2.0_f64.sqrt() / root);
        assert!((sign / n).abs() < 5.0 / root);
        for count in counts {
            assert!((count / n - 1.0 / 3.0).abs() < 5.0 * (2.0 / 9.0_f64).sqrt() / root);
        }
        assert_eq!(draws.below(0), 0);
    }
}
