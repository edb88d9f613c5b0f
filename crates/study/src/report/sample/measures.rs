//! Measures over all networks.

use super::Draw;
use crate::report::data::*;

/// One class, a cube.
pub(super) fn topology(per_cell: usize) -> Topology {
    let place = |k: usize| [k % 3, k / 3 % 3, k / 9].map(|d| d as f64 - 1.0);
    let free = |p: &[f64; 3]| p.iter().filter(|x| **x == 0.0).count();
    let nodes: Vec<ClassNode> = (0..27)
        .map(|k| ClassNode {
            unstable: free(&place(k)),
            fixed: true,
            reached: k != 13,
            label: format!("{:?}", place(k)),
            readout: place(k).to_vec(),
        })
        .collect();
    let near = |a: [f64; 3], b: [f64; 3]| (0..3).map(|i| (a[i] - b[i]).abs()).sum::<f64>() == 1.0;
    let edges = (0..27)
        .flat_map(|a| (0..27).map(move |b| (a, b)))
        .filter(|(a, b)| near(place(*a), place(*b)) && free(&place(*a)) > free(&place(*b)))
        .collect();
    Topology {
        classes: vec![TopologyClass {
            drawn: 0,
            points: vec![8, 12, 6, 1],
            members: vec![(per_cell, per_cell); 4],
            nodes,
            edges,
        }],
        of_network: (0..4 * per_cell).map(|n| (n, 0)).collect(),
        universality: vec![("all points, all pairs".to_owned(), interval())],
        fidelity: vec!["vanilla tanh 32: median 0.993, 0.98 to 0.999, 16 networks".to_owned()],
    }
}

fn interval() -> Interval {
    Interval {
        value: 0.81,
        low: 0.7,
        high: 0.9,
        n: 64,
    }
}

pub(super) fn benchmark() -> Benchmark {
    let of = |value: f64| Interval {
        value,
        low: 0.8 * value,
        high: 1.3 * value,
        n: 16,
    };
    let row = |(population, label): (usize, &str)| Benchmarked {
        population,
        label: format!("{label} tanh 32"),
        units: 32,
        n_parameters: 1283,
        learning_rate: [0.01, 0.01],
        tuned_from: vec![0.003, 0.01],
        criterion: 1e-3,
        succeeded: [15, 16],
        share: of(0.75),
        steps: of(400.0),
        loss: of(9e-4),
        noise: vec![(0.05, of(2e-3)), (0.1, of(1e-2)), (0.2, of(0.1))],
        silenced: vec![(0.05, of(4e-3)), (0.1, of(f64::NAN))],
        longer: Some(of(1.1e-3)),
        operations: 2.3e7,
        seconds: 1.7e-3,
        device: "CPU".to_owned(),
    };
    Benchmark {
        rows: ["vanilla", "gru"]
            .into_iter()
            .enumerate()
            .map(row)
            .collect(),
        trials: 256,
        relative: true,
        draws: 8,
        longer: Some(("ood-double_length".to_owned(), 2.0)),
    }
}

pub(super) fn robustness() -> Robustness {
    Robustness {
        tolerances: vec![Tolerances {
            population: "vanilla tanh 32".to_owned(),
            at: [1e-6, 1e-5, 1e-4].map(|t| (t, [25, 27, 29])).to_vec(),
            same: 15,
            searched: 16,
        }],
        snapshots: [Some(0.01), None]
            .map(|at_loss| Snapshot {
                population: "vanilla tanh 32".to_owned(),
                at_loss,
                networks: 16,
                classes: 2,
                as_at_the_end: 14,
            })
            .to_vec(),
        worst_left_out: vec![("all networks".to_owned(), interval())],
    }
}

/// Networks in four clouds.
pub(super) fn alike(draw: &mut Draw, per_cell: usize) -> Alike {
    let n = 4 * per_cell;
    let mut at = || [draw.next(), draw.next()];
    let places: Vec<[f64; 2]> = (0..n)
        .map(|i| {
            let [a, b] = at();
            [
                a + 2.0 * (i / per_cell % 2) as f64,
                b + 2.0 * (i / per_cell / 2) as f64,
            ]
        })
        .collect();
    let matrix = (0..n * n).map(|k| {
        let (p, q) = (places[k / n], places[k % n]);
        (p[0] - q[0]).hypot(p[1] - q[1])
    });
    Alike {
        networks: (0..n).map(|i| (i / per_cell.max(1), i)).collect(),
        level: (0..n).map(|i| Some(i / per_cell.max(1))).collect(),
        factor: "cell".to_owned(),
        how: "64 networks on the same 16 trials".to_owned(),
        left_out: vec!["diverged, not converged: 53".to_owned()],
        failed: vec![("dsa".to_owned(), "rank 400; allowed: 1 to 320".to_owned())],
        measures: vec![Measure {
            level: "geometry".to_owned(),
            name: "svcca".to_owned(),
            words: "1 - mean canonical correlation of 20 principal components".to_owned(),
            matrix: matrix.collect(),
            picture: places.iter().copied().enumerate().collect(),
            stress: Some(0.08),
            halves: Some([0.1, 0.25]),
            split: Some(0.02),
            twins: Some([0.3, 0.6]),
            permuted: Some(1e-15),
            shuffled: Some(2.9),
            untrained: Some(1.6),
            mean: Some(interval()),
            accuracy: Some((interval(), 0.25)),
            neighbours: Some(5),
            remarks: vec!["Minimum certain for 4 % of pairs".to_owned()],
        }],
        effects: vec![Effect {
            level: "geometry".to_owned(),
            measure: "svcca".to_owned(),
            factor: "cell".to_owned(),
            n: 64,
            ratio: Some(interval()),
            alike: None,
            explained: Some((0.6, 0.001)),
            accuracy: Some((interval(), 0.25)),
            neighbours: Some(5),
            untrained: Some(0.31),
            silhouette: Some(0.4),
            given_loss: Some((0.7, 0.001)),
        }],
        elsewhere: vec![(
            "ood-double_length".to_owned(),
            "gru tanh 32".to_owned(),
            0.004,
            Some(interval()),
        )],
        neighbouring: vec![(
            "dsa_delays8_rank12".to_owned(),
            Some(interval()),
            Some((0.98, 0.001)),
        )],
        worst_left_out: vec![("svcca".to_owned(), interval(), interval())],
    }
}

/// Rest, a circle where the fourth cell turns, spectra below zero, lines and rings.
pub(super) fn dynamics(draw: &mut Draw, per_cell: usize) -> Dynamics {
    let mut all = Dynamics::default();
    for population in 0..4 {
        let networks = population * per_cell..(population + 1) * per_cell;
        let kind = |kind: &str, networks: usize, share: usize| AttractorKind {
            kind: kind.to_owned(),
            attractors: 8 * networks,
            networks,
            states: [share * networks, share * networks],
        };
        let mut kinds = vec![kind("fixed point", per_cell, 480)];
        if population == 3 {
            kinds.push(kind("invariant circle", per_cell / 4, 32));
        }
        all.attractors.push(AttractorKinds {
            population,
            networks: per_cell,
            conditions: 1,
            states: [512 * per_cell, 512 * per_cell],
            kinds,
            circles: (population == 3).then_some([per_cell / 4, per_cell]),
            slopes: vec![[1.01, 1.3]; per_cell / 4],
        });
        let spectra = networks.clone().map(|network| {
            let mut exponent = -0.2 * draw.next();
            Spectrum {
                network,
                exponents: (0..8)
                    .map(|_| {
                        exponent -= draw.next();
                        exponent
                    })
                    .collect(),
                standard_error: 1e-3,
                kaplan_yorke: 0.0,
            }
        });
        all.exponents.push(SpectraOf {
            population,
            drive: "constant input".to_owned(),
            spectra: spectra.collect(),
        });
        let points = (0..27 * per_cell).map(|k| LinearPoint {
            unstable: k % 4,
            slowest: 40.0 * draw.next(),
            henrici: draw.next(),
            gain: 1.0 + draw.next(),
        });
        let points = points.collect();
        let sets = networks.map(|network| SlowSetOf {
            network,
            condition: 0,
            shape: ["line", "ring", "pieces"][network % 3].to_owned(),
            dimension: 1.0 + draw.next(),
            dimension_linear: 1.0 + 2.0 * draw.next(),
            drift: 0.05 + draw.next(),
        });
        all.linear.push(LinearOf {
            population,
            points,
            sets: sets.collect(),
        });
    }
    all
}
