//! Modes, selection vectors and mode removal where the answer is known.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use chiliad_analysis::linearised::removal::{self, Normalisation, Options};
use chiliad_analysis::linearised::{Linearised, Modes};
use chiliad_engine::cell::Cell;
use chiliad_engine::linearise::{modulus, rotation, time_constant};
use chiliad_engine::map::Map;
use chiliad_engine::population::{Architecture, Population, Seeds, initialise::initialise};
use chiliad_tasks::random::Stream;
use std::sync::Arc;

#[track_caller]
fn near(a: f64, b: f64, tolerance: f64) {
    assert!((a - b).abs() <= tolerance, "{a} against {b}");
}

fn random(n: usize, seed: u64) -> Vec<f64> {
    let mut draws = Stream::new(seed, 0x911).draws(0);
    (0..n).map(|_| f64::from(draws.normal())).collect()
}

/// An orthogonal matrix, `[row, column]`: random vectors, each made orthogonal to those before, twice.
fn orthogonal(n: usize, seed: u64) -> Vec<Vec<f64>> {
    let raw = random(n * n, seed);
    let mut rows: Vec<Vec<f64>> = Vec::new();
    for row in raw.chunks(n) {
        let mut v = row.to_vec();
        for _ in 0..2 {
            for r in &rows {
                let along: f64 = v.iter().zip(r).map(|(a, b)| a * b).sum();
                v.iter_mut().zip(r).for_each(|(a, b)| *a -= along * b);
            }
        }
        let norm = v.iter().map(|x| x * x).sum::<f64>().sqrt();
        rows.push(v.into_iter().map(|x| x / norm).collect());
    }
    rows
}

/// `Q^T B Q` with B block-diagonal: real eigenvalues, then pairs `r e^{+-i theta}`.
fn normal_matrix(real: &[f64], pairs: &[(f64, f64)], seed: u64) -> (Vec<f64>, usize) {
    let n = real.len() + 2 * pairs.len();
    let q = orthogonal(n, seed);
    let mut b = vec![vec![0.0; n]; n];
    real.iter().enumerate().for_each(|(i, x)| b[i][i] = *x);
    for (k, (r, theta)) in pairs.iter().enumerate() {
        let i = real.len() + 2 * k;
        b[i][i] = r * theta.cos();
        b[i + 1][i + 1] = r * theta.cos();
        b[i][i + 1] = -r * theta.sin();
        b[i + 1][i] = r * theta.sin();
    }
    let entry = |i: usize, j: usize| -> f64 {
        (0..n)
            .flat_map(|k| (0..n).map(move |l| (k, l)))
            .map(|(k, l)| q[k][i] * b[k][l] * q[l][j])
            .sum()
    };
    let flat = (0..n * n).map(|k| entry(k / n, k % n)).collect();
    (flat, n)
}

/// J, one channel b, one output c.
fn system(j: &[f64], b: &[f64], c: &[f64]) -> Linearised {
    Linearised::of(j.to_vec(), b.to_vec(), c.to_vec(), [b.len(), 1, 1]).unwrap()
}

#[test]
fn selection_vector_of_the_non_normal_integrator() {
    let modes = Modes::of(&[1.0, 0.5, 0.0, 0.5], 2).unwrap();
    let first = &modes.modes[0];
    assert_eq!(first.eigenvalue, [1.0, 0.0]);
    near(modes.modes[1].eigenvalue[0], 0.5, 1e-14);
    for (r, expected) in first.right.iter().zip([1.0, 0.0]) {
        near(r.re, expected, 1e-12);
    }
    for (l, expected) in first.left.iter().zip([1.0, 1.0]) {
        near(l.re, expected, 1e-12);
    }
    // Pulses (0, 1), (1, 0), (1, -1) are held as 1, 1, 0 along r_1: what the iterated map ends on.
    for (pulse, held) in [([0.0, 1.0], 1.0), ([1.0, 0.0], 1.0), ([1.0, -1.0], 0.0)] {
        let selected: f64 = first.left.iter().zip(pulse).map(|(l, p)| l.re * p).sum();
        near(selected, held, 1e-12);
        let mut h = pulse;
        for _ in 0..100 {
            h = [h[0] + 0.5 * h[1], 0.5 * h[1]];
        }
        near(h[0], held, 1e-12);
        near(h[1], 0.0, 1e-12);
    }
    assert!(modes.modes.iter().all(|m| m.regular) && !modes.defective);
}

#[test]
fn modes_rebuild_the_matrix_and_are_biorthogonal() {
    let n = 24;
    let matrix: Vec<f64> = random(n * n, 5)
        .iter()
        .map(|x| x / (n as f64).sqrt())
        .collect();
    let modes = Modes::of(&matrix, n).unwrap();
    assert!(
        modes
            .modes
            .windows(2)
            .all(|w| { modulus(w[0].eigenvalue) >= modulus(w[1].eigenvalue) - 1e-14 })
    );
    for i in 0..n {
        for j in 0..n {
            let (mut re, mut im) = (0.0, 0.0);
            for m in &modes.modes {
                let [x, y] = m.eigenvalue;
                let p = m.right[i] * m.left[j];
                re += x * p.re - y * p.im;
                im += x * p.im + y * p.re;
            }
            near(re, matrix[i * n + j], 1e-12);
            near(im, 0.0, 1e-12);
        }
    }
    for (a, m) in modes.modes.iter().enumerate() {
        near(
            m.right
                .iter()
                .map(chiliad_analysis::linearised::Complex::norm_sqr)
                .sum(),
            1.0,
            1e-12,
        );
        near(m.participation().iter().sum(), 1.0, 1e-12);
        assert!(m.participants() >= 1.0 && m.participants() <= n as f64 + 1e-9);
        for (b, other) in modes.modes.iter().enumerate() {
            let (mut re, mut im) = (0.0, 0.0);
            for (l, r) in m.left.iter().zip(&other.right) {
                re += (*l * *r).re;
                im += (*l * *r).im;
            }
            near(re, f64::from(u8::from(a == b)), 1e-10);
            near(im, 0.0, 1e-10);
        }
        let largest = m.right.iter().map(|r| r.norm()).fold(0.0, f64::max);
        assert!(
            m.right
                .iter()
                .any(|r| r.im == 0.0 && r.re >= largest * (1.0 - 1e-8))
        );
    }
}

/// Rotation is the argument: of `tanh(rho R(theta) h)` at 0 it is theta itself, where the imaginary part is off by 5 to 16 %.
#[test]
fn rotation_is_the_argument() {
    for (rho, theta) in [(1.05, 0.2), (1.1, 0.3)] {
        let (c, s) = (rho * f64::cos(theta), rho * f64::sin(theta));
        let modes = Modes::of(&[c, -s, s, c], 2).unwrap();
        let lambda = modes.modes[0].eigenvalue;
        near(rotation(lambda), theta, 1e-14);
        near(modulus(lambda), rho, 1e-14);
        assert!((lambda[1] - theta).abs() / theta > 0.04);
        // h' = R h turns counter-clockwise: the transposed matrix has the modes in the other sense.
        let turned = Modes::of(&[c, s, -s, c], 2).unwrap();
        let sense = |m: &Modes| (m.modes[0].right[1] / m.modes[0].right[0]).im;
        near(sense(&modes), -1.0, 1e-12);
        near(sense(&turned), 1.0, 1e-12);
    }
}

/// The whole state of an LSTM: eigenvalues known to nine digits, weights rounded to f32.
#[test]
fn lstm_modes_are_of_h_and_c() {
    let architecture = Architecture {
        cell: Arc::new(Cell::builtin("lstm", "tanh").unwrap()),
        units: 2,
        inputs: 1,
        outputs: 1,
    };
    let mut population = Population::zeros(architecture, 1);
    for (k, gate) in ["f", "i", "o", "g"].into_iter().enumerate() {
        let (x, forget) = (k as f64, f64::from(u8::from(k == 0)));
        let tensors = [
            ("w_in", vec![0.3 + 0.1 * x, -0.2 + 0.05 * x]),
            (
                "w_rec",
                vec![0.6 - 0.2 * x, 0.4 + 0.1 * x, -0.5 + 0.15 * x, 0.8 - 0.1 * x],
            ),
            ("bias", vec![0.05 * x + forget, -0.1 + 0.02 * x + forget]),
        ];
        for (name, values) in tensors {
            let range = population
                .layout
                .named(&format!("{name}.{gate}"))
                .unwrap()
                .range();
            for (p, v) in population.params[range].iter_mut().zip(values) {
                *p = v as f32;
            }
        }
    }
    let map = Map::new(&population, 0, &[0.7]).unwrap();
    let s = Linearised::at(&map, &mut map.scratch(), &[0.25, -0.4, 0.1, -0.6]).unwrap();
    assert_eq!(s.modes.size, 4);
    for (m, known) in
        s.modes
            .modes
            .iter()
            .zip([0.816_736_353, 0.559_537_133, 0.074_205_723, 0.017_906_996])
    {
        near(modulus(m.eigenvalue), known, 2e-7);
    }
    assert!(s.modes.modes.iter().all(|m| m.regular));
}

#[test]
fn time_constants_known() {
    for (lambda, tau, omega) in [
        ([0.5, 0.0], std::f64::consts::LOG2_E, 0.0),
        ([0.9, 0.0], 9.491_221_581, 0.0),
        ([0.99, 0.0], 99.499_162_473, 0.0),
        ([0.999, 0.0], 999.499_916_625, 0.0),
        (
            [0.9 * 0.2_f64.cos(), 0.9 * 0.2_f64.sin()],
            9.491_221_581,
            0.2,
        ),
        ([1.02, 0.0], 50.498_349_792, 0.0),
        ([-0.9, 0.0], 9.491_221_581, std::f64::consts::PI),
    ] {
        near(time_constant(lambda), tau, 1e-8);
        near(rotation(lambda), omega, 1e-12);
    }
}

#[test]
fn non_normality_of_known_matrices() {
    let (j, n) = normal_matrix(&[0.95, -0.3], &[(0.9, 0.4)], 7);
    let normal = system(&j, &vec![1.0; n], &vec![1.0; n]).non_normality;
    near(normal.henrici, 0.0, 1e-6);
    near(normal.eigenvector_condition, 1.0, 1e-9);
    near(normal.one_step_gain, 0.95, 1e-12);
    near(normal.numerical_abscissa, 0.95 - 1.0, 1e-12);
    // [[1, a], [0, 1/2]]: |J|_F^2 = 1.25 + a^2, so Henrici's departure is |a|; eigenvectors (1, 0) and (-2a, 1).
    let a = 3.0_f64;
    let shear = system(&[1.0, a, 0.0, 0.5], &[1.0, 1.0], &[1.0, 1.0]).non_normality;
    near(shear.henrici, a, 1e-12);
    near(shear.henrici_relative, a / (1.25 + a * a).sqrt(), 1e-12);
    let cosine = 2.0 * a / (1.0 + 4.0 * a * a).sqrt();
    near(
        shear.eigenvector_condition,
        ((1.0 + cosine) / (1.0 - cosine)).sqrt(),
        1e-9,
    );
    near(
        shear.numerical_abscissa,
        0.75 + (0.0625 + a * a / 4.0).sqrt() - 1.0,
        1e-12,
    );
}

#[test]
fn defective_matrix_is_flagged_and_finite() {
    // A Jordan block beside a simple eigenvalue: only the block is irregular.
    let modes = Modes::of(&[0.9, 1.0, 0.0, 0.0, 0.9, 0.0, 0.0, 0.0, 0.5], 3).unwrap();
    assert!(modes.defective);
    assert_eq!(
        modes.modes.iter().map(|m| m.regular).collect::<Vec<_>>(),
        [false, false, true]
    );
    assert!(
        modes
            .modes
            .iter()
            .all(|m| m.left.iter().all(|l| l.re.is_finite() && l.im.is_finite()))
    );
    near(modes.modes[2].left[2].re, 1.0, 1e-12);
    let jordan = system(&[0.9, 1.0, 0.0, 0.9], &[0.0, 1.0], &[1.0, 0.0]);
    assert!(removal::response(&jordan, 0, 0, 20).is_none());
    let curve = removal::curve(&[jordan], 0, 0, &Options::default());
    assert_eq!((curve.points, curve.left_out, curve.curve.len()), (0, 1, 0));
    assert!(Modes::of(&[f64::NAN], 1).is_none() && Modes::of(&[1.0], 2).is_none());
    assert_eq!(Modes::of(&[], 0).unwrap().modes.len(), 0);
}

#[test]
fn mode_removal_of_the_non_normal_integrator() {
    // y = first coordinate, input on the second: after T steps of (0, 1), mode 1 has integrated T - 1 of them, and mode 2
    // takes away r_2 = (-1, 1)/sqrt 2 times its own sum; the direct term is c . b = 0.
    let t = 40;
    let s = system(&[1.0, 0.5, 0.0, 0.5], &[0.0, 1.0], &[1.0, 0.0]);
    let y = removal::response(&s, 0, 0, t).unwrap();
    let fading: f64 = (1..t).map(|k| 0.5_f64.powi(k as i32)).sum();
    assert_eq!(y.len(), 3);
    near(y[0], 0.0, 1e-15);
    near(y[1], (t - 1) as f64, 1e-11);
    near(y[2], (t - 1) as f64 - fading, 1e-11);
    let options = Options {
        horizon: t,
        ..Options::default()
    };
    let curve = removal::curve(&[s.clone(), s.clone()], 0, 0, &options);
    near(
        curve.curve[1],
        (t - 1) as f64 / ((t - 1) as f64 - fading),
        1e-12,
    );
    near(curve.curve[2], 1.0, 1e-12);
    // A growing point is left out; an output that hears nothing gives no ratio.
    let growing = system(&[1.2, 0.0, 0.0, 0.5], &[1.0, 1.0], &[1.0, 0.0]);
    let mixed = removal::curve(&[s, growing], 0, 0, &options);
    assert_eq!((mixed.points, mixed.left_out), (1, 1));
    let deaf = system(&[0.9, 0.0, 0.0, 0.5], &[1.0, 0.0], &[0.0, 1.0]);
    assert!(removal::curve(&[deaf], 0, 0, &options).curve.is_empty());
}

#[test]
fn mode_removal_of_a_normal_matrix() {
    let (j, n) = normal_matrix(&[0.98, 0.4, -0.7], &[(0.9, 0.5), (0.6, 2.0)], 11);
    let (b, c) = (random(n, 12), random(n, 13));
    let s = system(&j, &b, &c);
    let t = 30;
    let y = removal::response(&s, 0, 0, t).unwrap();
    // Orthogonal projections: the same curve without eigenvectors, by iterating the projected system. The order of
    // moduli is 0.98, pair 0.9, -0.7, pair 0.6, 0.4, so K = 2 and K = 5 would split a pair.
    assert_eq!(y[2], y[1]);
    assert_eq!(y[5], y[4]);
    let whole = |j: &dyn Fn(usize, usize) -> f64| {
        let mut h = vec![0.0; n];
        for _ in 0..t {
            h = (0..n)
                .map(|i| b[i] + (0..n).map(|k| j(i, k) * h[k]).sum::<f64>())
                .collect();
        }
        h.iter().zip(&c).map(|(h, c)| h * c).sum::<f64>()
    };
    near(y[n], whole(&|i, k| j[i * n + k]), 1e-10);
    near(y[0], whole(&|_, _| 0.0), 1e-12);
    let kept = |count: usize| {
        let modes = &s.modes.modes[..count];
        let j: Vec<f64> = (0..n * n)
            .map(|k| {
                modes
                    .iter()
                    .map(|m| {
                        // r l^T of a normal matrix is r r^H.
                        let p = m.right[k / n] * m.right[k % n].conj();
                        m.eigenvalue[0] * p.re - m.eigenvalue[1] * p.im
                    })
                    .sum()
            })
            .collect();
        whole(&|i, k| j[i * n + k])
    };
    for count in [1, 3, 4, 6, 7] {
        near(y[count], kept(count), 1e-10);
    }
    let each = Options {
        normalisation: Normalisation::MeanOfRatios,
        horizon: t,
        ..Options::default()
    };
    near(
        *removal::curve(std::slice::from_ref(&s), 0, 0, &each)
            .curve
            .last()
            .unwrap(),
        1.0,
        1e-12,
    );
    let plain = Options {
        normalisation: Normalisation::None,
        ..each
    };
    near(removal::curve(&[s], 0, 0, &plain).curve[1], y[1], 1e-12);
}

#[test]
fn linearised_predicts_a_small_step_of_every_cell() {
    for name in chiliad_engine::cell::names() {
        let architecture = Architecture {
            cell: Arc::new(Cell::builtin(name, "tanh").unwrap()),
            units: 6,
            inputs: 2,
            outputs: 2,
        };
        let population: Population = initialise(&architecture, &[Seeds::all(2)]);
        let mut map = Map::new(&population, 0, &[0.0, 0.0]).unwrap();
        let mut scratch = map.scratch();
        let n = map.n_state();
        let state: Vec<f64> = random(n, 21).iter().map(|x| 0.3 * x).collect();
        let s = Linearised::at(&map, &mut scratch, &state).unwrap();
        let pulse = 2.0_f32.powi(-12);
        let [mut at, mut moved] = [vec![0.0; n], vec![0.0; n]];
        map.step(&mut scratch, &state, &mut at);
        map.change_input(&[0.0, pulse]).unwrap();
        map.step(&mut scratch, &state, &mut moved);
        // l_a . (F(h, u) - F(h, 0)) is the effective input of mode a.
        for (mode, effective) in s.modes.modes.iter().zip(s.effective_input()) {
            let (mut re, mut im) = (0.0, 0.0);
            for ((l, x), y) in mode.left.iter().zip(&moved).zip(&at) {
                re += l.re * (x - y) / f64::from(pulse);
                im += l.im * (x - y) / f64::from(pulse);
            }
            near(re, effective[1].re, 1e-3 * mode.condition);
            near(im, effective[1].im, 1e-3 * mode.condition);
        }
        // C = sum_a (C r_a) l_a^T.
        let loading = s.loading();
        for i in 0..n {
            let rebuilt: f64 = s
                .modes
                .modes
                .iter()
                .zip(&loading)
                .map(|(m, c)| (m.left[i] * c[0]).re)
                .sum();
            near(rebuilt, s.readout[i], 1e-9);
        }
        assert!(s.slow_modes(0.0).len() == n && s.slow_modes(f64::INFINITY).len() <= n);
    }
}
