//! One network's state put into another, through the affine map that fits their states best.

use super::{Run, run};
use chiliad_engine::error::EngineError;
use chiliad_engine::map::Map;
use chiliad_engine::population::Population;
use chiliad_tasks::Trials;
use faer::Mat;

/// `x -> mean_to + M (x - mean_from)`.
#[derive(Clone, Debug)]
pub struct Affine {
    mean_from: Vec<f64>,
    mean_to: Vec<f64>,
    /// `[from, to]`
    matrix: Mat<f64>,
}

/// Directions in which the donor's states vary by less than this share of the largest are not used (project default):
/// what the recipient makes of them would be noise, enlarged.
const RANK: f64 = 1e-6;

impl Affine {
    /// Least squares over pairs of states, of least norm; `None` without pairs, or where a value is not finite.
    pub fn fit(from: &[Vec<f64>], to: &[Vec<f64>]) -> Option<Self> {
        let rows = from.len().min(to.len());
        let (n, m) = (from.first()?.len(), to.first()?.len());
        if from.iter().chain(to).flatten().any(|x| !x.is_finite()) {
            return None;
        }
        let mean = |all: &[Vec<f64>], width: usize| -> Vec<f64> {
            (0..width)
                .map(|i| all[..rows].iter().map(|x| x[i]).sum::<f64>() / rows as f64)
                .collect()
        };
        let (mean_from, mean_to) = (mean(from, n), mean(to, m));
        let x = Mat::from_fn(rows, n, |r, i| from[r][i] - mean_from[i]);
        let y = Mat::from_fn(rows, m, |r, i| to[r][i] - mean_to[i]);
        let svd = x.thin_svd().ok()?;
        let rank = rows.min(n);
        let largest = svd.S().column_vector()[0];
        let weights = Mat::from_fn(n, rank, |i, k| {
            let s = svd.S().column_vector()[k];
            if s > RANK * largest {
                svd.V()[(i, k)] / s
            } else {
                0.0
            }
        });
        Some(Self {
            matrix: weights * (svd.U().transpose() * y),
            mean_from,
            mean_to,
        })
    }

    /// The recipient's state that goes with a donor's.
    pub fn apply(&self, state: &[f64]) -> Vec<f64> {
        self.mean_to
            .iter()
            .enumerate()
            .map(|(j, mean)| {
                mean + state
                    .iter()
                    .zip(&self.mean_from)
                    .enumerate()
                    .map(|(i, (x, m))| (x - m) * self.matrix[(i, j)])
                    .sum::<f64>()
            })
            .collect()
    }
}

/// What a transplant did. The map is fitted on the first half of the trials, everything here is about the second half and
/// the steps after the transplant.
#[derive(Clone, Debug)]
pub struct Transplant {
    /// Step after which the state was replaced.
    pub step: usize,
    /// Loss of the recipient left alone.
    pub loss_intact: f64,
    /// Loss with the donor's mapped state of the same trial.
    pub loss_transplanted: f64,
    /// Loss with the donor's mapped state of the next trial: what the loss is when the state carries the wrong content.
    pub loss_other_trial: f64,
    /// Share of the variance of the recipient's states that the map explains, on the second half.
    pub explained: f64,
    /// The recipient's run with the transplant, all trials.
    pub run: Run,
    /// The map.
    pub map: Affine,
}

/// Puts the donor's state after `step` into the recipient, on the same trials.
///
/// # Errors
///
/// [`EngineError::Shape`] where trials and networks do not fit, where there are fewer than four trials, or where no target
/// counts after the step.
pub fn transplant(
    donor: (&Population, usize),
    recipient: (&Population, usize),
    trials: &Trials,
    step: usize,
) -> Result<Transplant, EngineError> {
    let refuse = |what: &str, found: String, expected: &str| EngineError::Shape {
        operation: "transplant",
        what: what.into(),
        found,
        expected: expected.into(),
    };
    let (n, length) = (trials.n_trials, trials.n_steps);
    if n < 4 {
        return Err(refuse(
            "the trials",
            format!("{n} trials"),
            "at least 4: half of them fit the map",
        ));
    }
    if step + 1 >= length {
        return Err(refuse(
            "the step",
            step.to_string(),
            &format!("less than {}, so that a step follows", length - 1),
        ));
    }
    let untouched = &mut |_: usize, _: usize, _: &mut [f64]| {};
    let given = run(donor.0, donor.1, trials, untouched)?;
    let own = run(recipient.0, recipient.1, trials, untouched)?;
    let half = n / 2 * length;
    let map = Affine::fit(&given.states[..half], &own.states[..half]).ok_or_else(|| {
        refuse(
            "the states",
            "values that are not finite".into(),
            "finite states",
        )
    })?;
    let replaced = |shift: usize| {
        run(recipient.0, recipient.1, trials, &mut |trial, t, state| {
            if t == step && trial >= n / 2 {
                // Within the second half, so that the map has seen neither.
                let of = n / 2 + (trial - n / 2 + shift) % (n - n / 2);
                state.copy_from_slice(&map.apply(&given.states[of * length + t]));
            }
        })
    };
    let (with, other) = (replaced(0)?, replaced(1)?);
    let loss = |r: &Run| {
        r.loss(trials, n / 2..n, step + 1..length).ok_or_else(|| {
            refuse(
                "the mask",
                "no weight after the step".into(),
                "some target that counts",
            )
        })
    };
    let (mut error, mut variance) = (0.0, 0.0);
    for (x, y) in given.states[half..].iter().zip(&own.states[half..]) {
        for ((p, y), m) in map.apply(x).iter().zip(y).zip(&map.mean_to) {
            error += (p - y).powi(2);
            variance += (y - m).powi(2);
        }
    }
    Ok(Transplant {
        step,
        loss_intact: loss(&own)?,
        loss_transplanted: loss(&with)?,
        loss_other_trial: loss(&other)?,
        explained: 1.0 - error / variance,
        run: with,
        map,
    })
}

/// Signs of a readout; none where an output is near 0.
pub type Signs = Option<Vec<i8>>;

/// A donor's fixed points put into the recipient, which then goes on for `steps` steps at its map's input: for each, the
/// signs of the donor's readout and of the recipient's at the end, `None` where an output is within 0.25 of 0.
pub fn nodes(
    donor: &Map,
    recipient: &Map,
    through: &Affine,
    points: &[Vec<f64>],
    steps: usize,
) -> Vec<(Signs, Signs)> {
    let signs = |readout: Vec<f64>| -> Signs {
        readout
            .into_iter()
            .map(|y| (y.abs() > 0.25).then_some(if y > 0.0 { 1 } else { -1 }))
            .collect()
    };
    let (mut here, mut there) = (donor.scratch(), recipient.scratch());
    points
        .iter()
        .map(|point| {
            let mut state = through.apply(point);
            let mut next = state.clone();
            for _ in 0..steps {
                recipient.step(&mut there, &state, &mut next);
                std::mem::swap(&mut state, &mut next);
            }
            (
                signs(donor.readout(&mut here, point)),
                signs(recipient.readout(&mut there, &state)),
            )
        })
        .collect()
}
