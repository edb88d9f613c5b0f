//! Networks, what they decided, and their censuses.

use super::Draw;
use crate::report::data::*;

/// A logistic curve with a bias and a slope of its own.
pub(super) fn decisions(draw: &mut Draw) -> Vec<Decision> {
    let (bias, slope) = (0.2 * (draw.next() - 0.5), 4.0 + 8.0 * draw.next());
    let point = |k: i32| {
        let evidence = f64::from(k) / 7.0;
        Decision {
            evidence,
            first: 1.0 / (1.0 + (-slope * (evidence - bias)).exp()),
            trials: 30,
        }
    };
    (-7..=7).map(point).collect()
}

pub(super) fn network(
    draw: &mut Draw,
    p: usize,
    index: usize,
    median_steps: f64,
    diverges: bool,
) -> NetworkReport {
    let steps = ((median_steps * (0.85 + 0.35 * draw.next())) / 25.0).round() as u64 * 25;
    let fall = (0.33f64 / (0.0007 + 0.0003 * draw.next())).ln();
    let mut curve: Vec<CurvePoint> = (0..=steps / 25)
        .map(|k| {
            let t = 25.0 * k as f64 / steps as f64;
            CurvePoint {
                step: 25 * k,
                loss: 0.33
                    * (-fall * t.powf(0.8) + 0.25 * (draw.next() - 0.5) * t.min(1.0 - t) * 4.0)
                        .exp(),
            }
        })
        .collect();
    let mut outcome = Outcome::Converged;
    if diverges {
        curve.truncate(9);
        curve.push(CurvePoint {
            step: 225,
            loss: 4e5,
        });
        curve.push(CurvePoint {
            step: 250,
            loss: f64::INFINITY,
        });
        outcome = Outcome::Diverged;
    }
    let loss = curve.iter().map(|c| c.loss).fold(f64::INFINITY, f64::min);
    NetworkReport {
        index,
        init_seed: index as u64,
        data_seed: index as u64,
        noise_seed: index as u64,
        outcome,
        steps: if diverges { 250 } else { steps },
        best_step: steps,
        loss,
        normalised_error: loss / 0.93,
        curve,
        census: (!diverges).then(|| census(draw, p, index)),
    }
}

fn census(draw: &mut Draw, p: usize, index: usize) -> Census {
    let chance = draw.next();
    let (counts, certificate, sum) = match p {
        1 if chance < 0.08 => ([8, 13, 6, 1, 0], Certificate::Open, 0),
        2 if chance < 0.12 => ([7, 8, 1, 0, 0], Certificate::Held, 1),
        2 if chance < 0.2 => ([9, 13, 6, 1, 0], Certificate::Held, 1),
        3 if chance < 0.15 => ([8, 13, 7, 1, 0], Certificate::Held, 1),
        3 if chance < 0.22 => ([10, 16, 8, 1, 0], Certificate::Degenerate, 1),
        _ => ([8, 12, 6, 1, 0], Certificate::Held, 1),
    };
    let seven = counts[0] == 7;
    let mut attractors: Vec<Attractor> = (0..if seven { 7u32 } else { 8 })
        .map(|bits| {
            let sign = |bit: u32| if (bits >> bit) & 1 == 1 { '+' } else { '-' };
            Attractor {
                label: [sign(2), sign(1), sign(0)].iter().collect(),
                share: 0.09 + 0.07 * draw.next(),
            }
        })
        .collect();
    if seven {
        attractors.push(Attractor {
            label: "period 2".to_owned(),
            share: 0.1,
        });
    }
    let total: f64 = attractors.iter().map(|a| a.share).sum();
    attractors.iter_mut().for_each(|a| a.share /= total);
    Census {
        counts,
        certificate,
        index_sum: Some(sum),
        rounds: 2 + index % 3,
        closed: certificate != Certificate::Open,
        hit_once: usize::from(index.is_multiple_of(13)),
        dropped: index % 2,
        slow: usize::from(index.is_multiple_of(17)),
        at_least: Some(
            counts.iter().sum::<usize>() as f64 + f64::from(u8::from(index.is_multiple_of(13))),
        ),
        fixed_reached: if seven { 7 } else { 8 },
        complete: Some(!seven),
        ended_on: if seven {
            "7 fixed points (+++ missing), one orbit of period 2"
        } else {
            "8 fixed points"
        }
        .to_owned(),
        stable_never_reached: counts[0].saturating_sub(8),
        attractors,
    }
}
