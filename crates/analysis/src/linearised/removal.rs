//! Mode removal: how much of the linear response to a constant input is left when only the slowest K modes are kept
//! (Maheswaranathan et al. 2019, Fig. 3f).
//!
//! `J_K = sum_{a <= K} lambda_a r_a l_a^T`, modes by falling modulus, a complex pair kept or dropped together; one unit of a
//! channel for T steps; `y_K = c . sum_{t < T} J_K^t b`. The published horizon and normalisation are not known: both are
//! options, and their defaults are this project's.

use super::{Complex, Linearised};
use chiliad_engine::linearise::modulus;

/// How curves of several points become one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Normalisation {
    /// Mean of `y_K` over points, divided by mean of `y_N` (project default): a point that hardly responds does not count
    /// more for it.
    RatioOfMeans,
    /// Mean over points of `y_K / y_N`.
    MeanOfRatios,
    /// Mean of `y_K`, in output units.
    None,
}

/// How the response is computed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Options {
    /// Steps T of constant input (project default 64).
    pub horizon: usize,
    /// Points where a mode grows by more than this factor within the horizon are left out (project default 10): the
    /// response there is a departure, not an integration.
    pub growth_max: f64,
    /// Project default: ratio of means.
    pub normalisation: Normalisation,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            horizon: 64,
            growth_max: 10.0,
            normalisation: Normalisation::RatioOfMeans,
        }
    }
}

/// Largest difference, relative to the sum of all terms, between the sum over modes and the iterated system.
const CONSISTENT: f64 = 1e-6;
/// Responses below this share of their terms are zero: a ratio to them says nothing.
const RESPONDS: f64 = 1e-9;

/// `y_K` for K = 0 to N; at a K that would split a complex pair, that of K - 1. `None` where the modes do not add up to
/// the system (a defective matrix), or anything is not finite.
pub fn response(
    system: &Linearised,
    channel: usize,
    output: usize,
    horizon: usize,
) -> Option<Vec<f64>> {
    let n = system.modes.size;
    if channel >= system.n_inputs || output >= system.n_outputs {
        return None;
    }
    let b: Vec<f64> = (0..n)
        .map(|i| system.input[i * system.n_inputs + channel])
        .collect();
    let c = &system.readout[output * n..][..n];
    let direct: f64 = c.iter().zip(&b).map(|(c, b)| c * b).sum();
    let direct = if horizon == 0 { 0.0 } else { direct };
    let mut curve = vec![direct];
    let (mut sum, mut size, mut unpaired) = (Complex::new(direct, 0.0), direct.abs(), 0_i64);
    for mode in &system.modes.modes {
        let [re, im] = mode.eigenvalue;
        let seen: Complex = mode.right.iter().zip(c).map(|(r, c)| *r * *c).sum();
        let driven: Complex = mode.left.iter().zip(&b).map(|(l, b)| *l * *b).sum();
        let term = seen * driven * powers(Complex::new(re, im), horizon);
        sum += term;
        size += term.norm();
        unpaired += i64::from(im > 0.0) - i64::from(im < 0.0);
        let last = curve[curve.len() - 1];
        curve.push(if unpaired == 0 { sum.re } else { last });
    }
    let whole = iterated(system, &b, c, horizon);
    let adds_up = (sum.re - whole).abs() <= CONSISTENT * size.max(f64::MIN_POSITIVE);
    (adds_up && curve.iter().all(|y| y.is_finite())).then_some(curve)
}

/// `sum_{t=1}^{T-1} lambda^t`.
fn powers(lambda: Complex, horizon: usize) -> Complex {
    (1..horizon).fold(Complex::new(0.0, 0.0), |s, _| {
        lambda * (s + Complex::new(1.0, 0.0))
    })
}

/// `c . sum_{t < T} J^t b`, without modes.
fn iterated(system: &Linearised, b: &[f64], c: &[f64], horizon: usize) -> f64 {
    let n = system.modes.size;
    let mut state = vec![0.0; n];
    for _ in 0..horizon {
        state = system
            .jacobian
            .chunks(n.max(1))
            .zip(b)
            .map(|(row, b)| b + row.iter().zip(&state).map(|(j, x)| j * x).sum::<f64>())
            .collect();
    }
    c.iter().zip(&state).map(|(c, x)| c * x).sum()
}

/// The curve of several points.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Curve {
    /// Input channel that is on.
    pub channel: usize,
    /// Output that is read.
    pub output: usize,
    /// For K = 0 to N modes kept; empty where no point can be used or none responds.
    pub curve: Vec<f64>,
    /// Mean response of the whole system, in output units.
    pub response: f64,
    /// Points averaged.
    pub points: usize,
    /// Points left out: a mode grows too much, or the matrix is defective.
    pub left_out: usize,
}

/// Averages over points (of one network, say: fixed and slow ones along a line attractor).
pub fn curve(systems: &[Linearised], channel: usize, output: usize, options: &Options) -> Curve {
    let grows = |s: &Linearised| {
        let largest = s.modes.modes.first().map_or(0.0, |m| modulus(m.eigenvalue));
        largest.powf(options.horizon as f64) > options.growth_max
    };
    let curves: Vec<Vec<f64>> = systems
        .iter()
        .filter(|s| !grows(s))
        .filter_map(|s| response(s, channel, output, options.horizon))
        .collect();
    let points = curves.len();
    let length = curves.iter().map(Vec::len).min().unwrap_or(0);
    let mean =
        |f: &dyn Fn(&[f64]) -> f64| curves.iter().map(|c| f(c)).sum::<f64>() / points.max(1) as f64;
    let whole = mean(&|c| c[length - 1]);
    let largest = curves.iter().flatten().fold(0.0_f64, |m, y| m.max(y.abs()));
    let zero = |y: f64| y.abs() <= RESPONDS * largest || y == 0.0;
    let curve = match options.normalisation {
        Normalisation::None => (0..length).map(|k| mean(&|c| c[k])).collect(),
        Normalisation::RatioOfMeans if zero(whole) => Vec::new(),
        Normalisation::RatioOfMeans => (0..length).map(|k| mean(&|c| c[k]) / whole).collect(),
        Normalisation::MeanOfRatios if curves.iter().any(|c| zero(c[length - 1])) => Vec::new(),
        Normalisation::MeanOfRatios => (0..length)
            .map(|k| mean(&|c| c[k] / c[length - 1]))
            .collect(),
    };
    Curve {
        channel,
        output,
        curve,
        response: if points == 0 { 0.0 } else { whole },
        points,
        left_out: systems.len() - points,
    }
}
