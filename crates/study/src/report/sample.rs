//! A made-up study for the tests: the shape of a 3-bit flip-flop result, from a fixed sequence of numbers.

use super::data::*;

/// A repeatable stream of numbers in [0, 1).
struct Draw(u64);

impl Draw {
    fn next(&mut self) -> f64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1u64 << 53) as f64
    }
}

/// Four cells with `per_cell` networks each.
pub(super) fn study(per_cell: usize) -> ReportData {
    let mut draw = Draw(7);
    let cells = [
        ("vanilla", 371.0, 1059),
        ("ugrnn", 534.0, 2179),
        ("gru", 495.0, 3299),
        ("lstm", 374.0, 4419),
    ];
    let mut populations = Vec::new();
    for (p, (cell, steps, n_parameters)) in cells.into_iter().enumerate() {
        populations.push(PopulationReport {
            label: format!("{cell} tanh 32"),
            cell: cell.to_owned(),
            activation: "tanh".to_owned(),
            units: 32,
            n_parameters,
            criterion: Some(1e-3),
            expected_attractors: Some("8 fixed points, one per sign pattern".to_owned()),
            networks: (0..per_cell)
                .map(|n| network(&mut draw, p, p * per_cell + n, steps, p == 3 && n == 5))
                .collect(),
            psychometric: (0..per_cell).map(|_| decisions(&mut draw)).collect(),
        });
    }
    let looks = if per_cell == 0 {
        Vec::new()
    } else {
        (0..4)
            .map(|p| look(&mut draw, p, p * per_cell + per_cell / 3))
            .collect()
    };
    ReportData {
        header: header(),
        populations,
        looks,
        topology: Some(topology(per_cell)),
        dynamics: Some(dynamics(&mut draw, per_cell)),
        alike: Some(alike(&mut draw, per_cell)),
        benchmark: Some(benchmark()),
        robustness: Some(robustness()),
        methods: methods(),
    }
}

/// A logistic curve with a bias and a slope of its own.
fn decisions(draw: &mut Draw) -> Vec<Decision> {
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

fn network(
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

/// A skewed cube: corners stable, edges, faces and centre with 1, 2 and 3 unstable directions.
fn look(draw: &mut Draw, population: usize, network: usize) -> Look {
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
    }
    trace
}

/// One class, a cube.
fn topology(per_cell: usize) -> Topology {
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

fn benchmark() -> Benchmark {
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

fn robustness() -> Robustness {
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

fn header() -> Header {
    let claim = |sentence: &str, verdict, numbers: &str| Claim {
        sentence: sentence.to_owned(),
        verdict,
        numbers: numbers.to_owned(),
    };
    Header {
        title: "Is the scaffold of 3-bit memory universal?".to_owned(),
        subtitle: "flip_flop, 3 bits, 64 steps; 4 cells × 16 networks".to_owned(),
        claims: vec![
            claim(
                "Geometry tells cells apart",
                Verdict::Yes,
                "k-NN 0.97 [0.93, 0.99], chance 0.25, n = 63",
            ),
            claim(
                "The scaffold does not",
                Verdict::Undecided,
                "agreement 0.86 [0.77, 0.92], asked at least 0.8, n = 63",
            ),
        ],
        topology_classes: None,
        device: "CPU, 2 threads, AVX-512".to_owned(),
        minutes: 1.43,
        notes: vec!["Trials come from a bank of 65,536; none was seen more than twice.".to_owned()],
    }
}

fn methods() -> Methods {
    let constant = |name: &str, value: &str, project_default| Constant {
        name: name.to_owned(),
        value: value.to_owned(),
        project_default,
    };
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    Methods {
        paragraphs: vec![
            "We trained 64 recurrent networks (vanilla, UGRNN, GRU and LSTM with tanh, 16 each, 32 units) on a 3-bit flip-flop (64 steps, pulse probability 0.1 per channel and step) by back-propagation through time with Adam (learning rate 0.01, global-norm clip 1, 64 trials per step) until the mean squared error on 512 fixed trials was at most 0.001.".to_owned(),
            "Fixed points at zero input were searched from 1,024 seeds of five kinds per network by damped Newton in double precision, and in rounds from combinations of the points found until two rounds added none.".to_owned(),
        ],
        constants: vec![
            constant("train.learning_rate", "0.01", false),
            constant("train.clip", "1 (global norm)", true),
            constant("fixed_points.seeds", "1,024 per condition", true),
            constant("fixed_points.newton_step", "1e-8 of the state scale", true),
        ],
        provenance: vec![pair("chiliad", "0.1.0"), pair("seed", "0"), pair("resolved.ron", &"9f2c4e1b".repeat(8))],
        load_tables: "import pandas as pd\nnetworks = pd.read_parquet(\"networks.parquet\")".to_owned(),
    }
}

/// Networks in four clouds.
fn alike(draw: &mut Draw, per_cell: usize) -> Alike {
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
fn dynamics(draw: &mut Draw, per_cell: usize) -> Dynamics {
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
