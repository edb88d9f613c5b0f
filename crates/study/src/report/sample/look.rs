//! A network looked at closely.

use super::Draw;
use crate::report::data::*;

/// A skewed cube: corners stable, edges, faces and centre with 1, 2 and 3 unstable directions.
pub(super) fn look(draw: &mut Draw, population: usize, network: usize) -> Look {
    let skew: Vec<f64> = (0..9).map(|_| 0.7 * (draw.next() - 0.5)).collect();
    let place = |c: [f64; 3]| {
        [
            2.6 * c[0] + skew[0] * c[1] + skew[1] * c[2],
            2.1 * c[1] + skew[2] * c[0] + skew[3] * c[2],
            1.7 * c[2] + skew[4] * c[0] + skew[5] * c[1],
        ]
    };
    let mut points = Vec::new();
    for k in 0..27 {
        let corner = [k % 3, k / 3 % 3, k / 9].map(|d| d as f64 - 1.0);
        let free: Vec<usize> = (0..3).filter(|a| corner[*a] == 0.0).collect();
        let end = |axis: usize, s: f64| {
            let mut c = corner;
            c[axis] += 0.22 * s;
            place(c)
        };
        let eigenvalues = (0..32).map(|e| {
            if e < free.len() {
                return [1.04 + 0.3 * draw.next(), 0.0];
            }
            let (radius, angle) = (0.95 * draw.next().sqrt(), 3.0 * (draw.next() - 0.5));
            [
                radius * angle.cos(),
                if e % 3 == 0 {
                    0.0
                } else {
                    radius * angle.sin()
                },
            ]
        });
        points.push(LookPoint {
            label: corner
                .iter()
                .map(|c| {
                    if *c > 0.0 {
                        '+'
                    } else if *c < 0.0 {
                        '-'
                    } else {
                        '0'
                    }
                })
                .collect(),
            unstable: free.len(),
            reached: free.is_empty(),
            at: place(corner),
            eigenvalues: eigenvalues.collect(),
            directions: free.iter().map(|a| [end(*a, -1.0), end(*a, 1.0)]).collect(),
        });
    }
    let trials: Vec<TrialTrace> = (0..3).map(|_| trial(draw)).collect();
    let trajectories = (0..8)
        .map(|_| {
            trial(draw)
                .outputs
                .iter()
                .map(|o| place([o[0], o[1], o[2]]))
                .collect()
        })
        .collect();
    let why = format!(
        "medoid of {}",
        ["vanilla", "ugrnn", "gru", "lstm"][population]
    );
    Look {
        network,
        population,
        why,
        n_components: 3,
        variance_explained: vec![0.44, 0.29, 0.2],
        trajectories,
        points,
        trials,
        removal: Some(Removal {
            horizon: 64,
            asked: 12,
            curves: (0..12)
                .map(|n| RemovalCurve {
                    network: network + n,
                    channel: n % 3,
                    output: n % 3,
                    points: 8,
                    curve: (0..=32)
                        .map(|k| 1.0 - (-0.4 * f64::from(k)).exp() * (0.5 + draw.next()))
                        .collect(),
                })
                .collect(),
        }),
    }
}

fn trial(draw: &mut Draw) -> TrialTrace {
    let (mut trace, mut bits, mut state) = (TrialTrace::default(), [0.0f64; 3], [0.0f64; 3]);
    for t in 0..64 {
        let mut pulse = [0.0; 3];
        for b in 0..3 {
            if t == 0 || draw.next() < 0.1 {
                pulse[b] = if draw.next() < 0.5 { -1.0 } else { 1.0 };
                bits[b] = pulse[b];
            }
            state[b] += 0.75 * (bits[b] - state[b]) + 0.03 * (draw.next() - 0.5);
        }
        trace.inputs.push(pulse.to_vec());
        trace.targets.push(bits.to_vec());
        trace.outputs.push(state.to_vec());
        trace.predicted.push(bits.to_vec());
    }
    trace
}
