//! Losses, penalties and constraints through the whole network: gradients against differences in f64 on the CPU, the GPU
//! against the CPU, and one population that sweeps settings against its networks alone.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod gpu_adapter;

use chiliad_engine::cpu::CpuExecutor;
use chiliad_engine::executor::{Executor, TrainOptions};
use chiliad_engine::population::{Population, Role, Seeds, initialise::initialise};
use chiliad_engine::recipe::{
    Constraint, Form, Loss, Optimiser, Part, Penalty, Regulariser, Schedule,
};
use chiliad_tasks::Trials;
use chiliad_tests::reference::Reference;
use std::sync::Arc;

const UNITS: usize = 6;

fn population(cell: &str, n: u64) -> Population {
    let architecture = gpu_adapter::architecture(cell, "tanh", UNITS, 2, 3);
    let seeds: Vec<Seeds> = (1..=n).map(Seeds::all).collect();
    let mut population = initialise(&architecture, &seeds);
    // No weight near 0, where |w| and max(w, 0) have their kinks.
    for p in &mut population.params {
        *p += 0.1_f32.copysign(*p);
    }
    population
}

/// Trials whose targets are probabilities, so that every loss is defined on them.
fn trials(n: usize) -> Trials {
    let mut trials = gpu_adapter::trials(n, 5, 2, 3);
    for row in trials.targets.chunks_exact_mut(3) {
        let sum: f32 = row.iter().map(|t| t.abs() + 0.1).sum();
        row.iter_mut().for_each(|t| *t = (t.abs() + 0.1) / sum);
    }
    trials
}

fn regulariser(penalty: Penalty, strength: f32, n: usize) -> Regulariser {
    Regulariser {
        penalty,
        strength: vec![strength; n],
    }
}

/// Loss and penalties of activity in f64, straight from their definitions.
fn objective(options: &TrainOptions, reference: &Reference, trials: &Trials) -> f64 {
    let run = reference.run(trials);
    let (mut sum, mut weight) = (0.0, 0.0);
    for (trial, rows) in run.iter().enumerate() {
        for (t, [_, y]) in rows.iter().enumerate() {
            let at = (trial * trials.n_steps + t) * 3;
            let mask: Vec<f64> = (0..3).map(|o| f64::from(trials.mask[at + o])).collect();
            let target: Vec<f64> = (0..3).map(|o| f64::from(trials.targets[at + o])).collect();
            let squares = (0..3).map(|o| mask[o] * (y[o] - target[o]).powi(2));
            match options.loss {
                Loss::MaskedMean => {
                    sum += squares.sum::<f64>();
                    weight += mask.iter().sum::<f64>();
                }
                Loss::AllMean => {
                    sum += squares.sum::<f64>();
                    weight += 3.0;
                }
                Loss::CrossEntropy => {
                    let partition: f64 = y.iter().map(|v| v.exp()).sum();
                    for (target, y) in target.iter().zip(y) {
                        sum -= mask[0] * target * (y - partition.ln());
                    }
                    weight += mask[0];
                }
            }
        }
    }
    let mut value = sum / weight;
    let seen: Vec<&Vec<f64>> = run.iter().flatten().map(|[seen, _]| seen).collect();
    let count = (seen.len() * UNITS) as f64;
    let all = || seen.iter().flat_map(|row| row.iter().copied());
    for r in &options.regularisers {
        let penalty = match r.penalty {
            Penalty::Rate => all().map(|y| y * y).sum::<f64>() / count,
            Penalty::RateCap { cap } => {
                all()
                    .map(|y| (y.abs() - f64::from(cap)).max(0.0).powi(2))
                    .sum::<f64>()
                    / count
            }
            Penalty::EffectiveDimension => {
                let n = seen.len() as f64;
                let mean = |i: usize| seen.iter().map(|row| row[i]).sum::<f64>() / n;
                let covariance = |i: usize, j: usize| {
                    let products = seen.iter().map(|row| row[i] * row[j]);
                    products.sum::<f64>() / n - mean(i) * mean(j)
                };
                let trace: f64 = (0..UNITS).map(|i| covariance(i, i)).sum();
                let squares: f64 = (0..UNITS)
                    .flat_map(|i| (0..UNITS).map(move |j| (i, j)))
                    .map(|(i, j)| covariance(i, j).powi(2))
                    .sum();
                trace * trace / squares
            }
            _ => 0.0,
        };
        value += f64::from(r.strength[0]) * penalty;
    }
    value
}

/// Worst error of the CPU's gradient by parameters as trained, relative to its largest entry.
fn worst(options: &TrainOptions, start: &Population, trials: &Trials) -> f64 {
    let mut population = start.clone();
    population.params = options.raw(&start.params);
    let found = CpuExecutor::new(Some(1))
        .unwrap()
        .objective(&population, options, trials)
        .unwrap();
    let value = |raw: &[f32]| {
        let mut effective = population.clone();
        effective.params = options.effective(raw).into_owned();
        objective(options, &Reference::new(&effective, 0), trials)
    };
    let here = value(&population.params);
    assert!(
        (f64::from(found.loss[0]) - here).abs() < 2e-6 * here.abs(),
        "value {} against {here}",
        found.loss[0]
    );
    let largest = found
        .gradient
        .iter()
        .fold(0.0_f64, |m, g| m.max(f64::from(g.abs())));
    assert!(largest > 1e-4, "no gradient, so nothing would be compared");
    let frozen = |p: usize| {
        let tensor = population
            .layout
            .tensors
            .iter()
            .find(|t| t.range().contains(&p))
            .unwrap();
        tensor.role == Role::ReadoutBias && options.constraint.is_some()
    };
    let mut worst = 0.0_f64;
    let mut plain = Reference::new(&population, 0);
    for p in (0..population.params.len()).filter(|p| !frozen(*p)) {
        let difference = if options.constraint.is_none() {
            let h = 1e-5;
            let [up, down] = [h, -h].map(|by| {
                plain.params[p] += by;
                let value = objective(options, &plain, trials);
                plain.params[p] -= by;
                value
            });
            (up - down) / (2.0 * h)
        } else {
            // Constraints work in f32: a fourth-order difference may step so far that their rounding does not matter.
            let h = 2.0_f32.powi(-7);
            let at = |s: f32| {
                let mut raw = population.params.clone();
                raw[p] += s;
                value(&raw)
            };
            (at(-2.0 * h) - 8.0 * at(-h) + 8.0 * at(h) - at(2.0 * h)) / (12.0 * f64::from(h))
        };
        worst = worst.max((difference - f64::from(found.gradient[p])).abs() / largest);
    }
    worst
}

/// Restrictions by name, one per network; the readout's bias is frozen in all of them.
fn constraints(start: &Population) -> Vec<(&'static str, Constraint)> {
    let n = start.n_networks;
    let signs = [1.0, 1.0, 1.0, 1.0, -1.0, -1.0];
    let every = |build: &dyn Fn(&mut Constraint, usize)| {
        let mut constraint = Constraint::new(&start.layout, n);
        for network in 0..n {
            constraint.freeze(network, |r| r == Role::ReadoutBias);
            build(&mut constraint, network);
        }
        constraint
    };
    let mut low_rank = every(&|_, _| {});
    low_rank.low_rank(&vec![Some(2); n]).unwrap();
    let mut subspace = every(&|_, _| {});
    subspace
        .subspace(&vec![Some(7); n], &start.params, &vec![3; n])
        .unwrap();
    vec![
        (
            "Dale by |w|, excitatory readout",
            every(&|c, k| {
                c.dale(k, &signs, Form::Absolute).unwrap();
                c.read_out_from(k, &signs.map(|s| s > 0.0)).unwrap();
            }),
        ),
        (
            "Dale by max(w, 0), no autapses",
            every(&|c, k| {
                c.dale(k, &signs, Form::Rectified).unwrap();
                c.no_autapses(k);
            }),
        ),
        (
            "Dale by projection, inputs not negative",
            every(&|c, k| {
                c.dale(k, &signs, Form::Free).unwrap();
                c.non_negative(k, |r| matches!(r, Role::Input(..)));
            }),
        ),
        (
            "sparse, gains",
            every(&|c, k| {
                c.sparse(k, 0.6, 4).unwrap();
                c.gains(k, &[1.0, 0.5, 2.0, 0.0, 1.0, 1.5]).unwrap();
            }),
        ),
        ("rank 2", low_rank),
        ("7 random dimensions", subspace),
    ]
}

fn activity() -> Vec<(&'static str, Vec<Regulariser>)> {
    vec![
        ("none", Vec::new()),
        ("rate", vec![regulariser(Penalty::Rate, 0.7, 1)]),
        (
            "rate and cap",
            vec![
                regulariser(Penalty::Rate, 0.2, 1),
                regulariser(Penalty::RateCap { cap: 0.3 }, 0.9, 1),
            ],
        ),
        (
            "effective dimension",
            vec![regulariser(Penalty::EffectiveDimension, 0.1, 1)],
        ),
    ]
}

#[test]
fn gradients_of_losses_and_penalties_match_finite_differences() {
    for cell in ["vanilla", "gru", "lstm", "rate_current"] {
        let start = population(cell, 1);
        // Two blocks of trials, the second one not full.
        let trials = trials(19);
        for loss in [Loss::MaskedMean, Loss::AllMean, Loss::CrossEntropy] {
            for (name, regularisers) in activity() {
                let options = TrainOptions {
                    loss,
                    regularisers,
                    ..TrainOptions::new(1)
                };
                let worst = worst(&options, &start, &trials);
                println!("{cell:14} {loss:?} {name:20} {worst:.1e}");
                assert!(worst < 2e-5, "{cell} {loss:?} {name}: {worst}");
            }
        }
    }
}

#[test]
fn gradients_through_constraints_match_finite_differences() {
    let trials = trials(4);
    for cell in ["vanilla", "gru"] {
        let start = population(cell, 1);
        for (name, constraint) in constraints(&start) {
            let options = TrainOptions {
                constraint: Some(Arc::new(constraint)),
                regularisers: vec![regulariser(Penalty::Rate, 0.5, 1)],
                ..TrainOptions::new(1)
            };
            let worst = worst(&options, &start, &trials);
            println!("{cell:8} {name:40} {worst:.1e}");
            assert!(worst < 3e-5, "{cell} {name}: {worst}");
        }
    }
}

/// What the GPU has, in combinations; the CPU is held against differences above. The epsilons are large: where a gradient is
/// nothing but rounding, dividing by its own size would compare rounding.
fn recipes(start: &Population) -> Vec<(String, TrainOptions)> {
    let n = start.n_networks;
    let base = || TrainOptions {
        batch: 6,
        ..TrainOptions::new(n)
    };
    let spread = |from: f32, by: f32| (0..n).map(|k| from + by * k as f32).collect::<Vec<f32>>();
    let mut all = Vec::new();
    for optimiser in [
        Optimiser::AdamW {
            beta1: 0.8,
            beta2: 0.95,
            epsilon: 1e-2,
        },
        Optimiser::Sgd { momentum: 0.9 },
        Optimiser::RmsProp {
            decay: 0.9,
            epsilon: 1e-2,
        },
        Optimiser::RAdam {
            beta1: 0.9,
            beta2: 0.7,
            epsilon: 1e-2,
        },
    ] {
        let mut options = base();
        options.optimiser = optimiser;
        options.weight_decay = spread(0.0, 0.05);
        options.schedule = Schedule::Exponential {
            factor: 0.5,
            every: 2,
        };
        all.push((optimiser.name().to_owned(), options));
    }
    for loss in [Loss::AllMean, Loss::CrossEntropy] {
        let mut options = base();
        options.loss = loss;
        options.clip_value = 0.02;
        options.clip_norm = f32::INFINITY;
        all.push((format!("{loss:?}, clip by value"), options));
    }
    for loss in [Loss::MaskedMean, Loss::AllMean] {
        let mut options = base();
        options.loss = loss;
        options.regularisers = vec![
            Regulariser {
                penalty: Penalty::L1 {
                    on: vec![Part::Recurrent],
                },
                strength: spread(0.01, 0.01),
            },
            Regulariser {
                penalty: Penalty::L2 {
                    on: vec![Part::Input, Part::Readout, Part::Bias],
                },
                strength: spread(0.0, 0.1),
            },
            Regulariser {
                penalty: Penalty::Rate,
                strength: spread(0.3, 0.2),
            },
            Regulariser {
                penalty: Penalty::RateCap { cap: 0.4 },
                strength: spread(0.0, 1.0),
            },
        ];
        all.push((format!("penalties, {loss:?}"), options));
    }
    for (name, constraint) in constraints(start).into_iter().take(4) {
        let mut options = base();
        options.constraint = Some(Arc::new(constraint));
        options.train_initial_state = true;
        all.push((name.into(), options));
    }
    all
}

#[test]
fn optimise_of_every_recipe_agrees_with_the_cpu() {
    let Some(gpu) = gpu_adapter::open("optimise_of_every_recipe_agrees_with_the_cpu") else {
        return;
    };
    let cpu = CpuExecutor::new(Some(1)).unwrap();
    let start = population("gru", 3);
    let bank = trials(11);
    for (name, options) in recipes(&start) {
        let run = |executor: &dyn Executor| {
            let mut training = executor.train(&start, &options, None).unwrap();
            training.advance(&bank, 2).unwrap();
            training.set_rate_factors(&[1.0, 0.5, 0.25]).unwrap();
            training.advance(&bank, 2).unwrap();
            let losses = training.evaluate(&bank).unwrap();
            (training.state().unwrap(), losses)
        };
        let ((ours, our_losses), (known, losses)) = (run(&gpu), run(&cpu));
        assert_ne!(known.params, options.raw(&start.params), "{name}");
        let scale = known.params.iter().fold(0.0_f32, |m, p| m.max(p.abs()));
        let worst = ours
            .params
            .iter()
            .zip(&known.params)
            .fold(0.0_f32, |m, (a, b)| m.max((a - b).abs()))
            / scale;
        println!("{name:44} {worst:.1e}");
        assert!(worst < 2e-5, "{name}: {worst}");
        for (a, b) in our_losses.iter().zip(&losses) {
            assert!((a - b).abs() < 2e-5 * b.abs(), "{name}: loss {a} {b}");
        }
    }
}

#[test]
fn noise_of_inputs_is_the_same_on_both_executors() {
    let Some(gpu) = gpu_adapter::open("noise_of_inputs_is_the_same_on_both_executors") else {
        return;
    };
    let cpu = CpuExecutor::new(Some(1)).unwrap();
    let start = population("rate", 2);
    let options = TrainOptions {
        batch: 5,
        noise: vec![0.1, 0.0],
        input_noise: vec![0.2, 0.3],
        noise_schedule: Schedule::Step {
            at: vec![2],
            factor: 0.5,
        },
        ..TrainOptions::new(2)
    };
    let run = |executor: &dyn Executor, options: &TrainOptions| {
        let mut training = executor.train(&start, options, None).unwrap();
        training.advance(&trials(9), 4).unwrap();
        training.state().unwrap().params
    };
    let (ours, known) = (run(&gpu, &options), run(&cpu, &options));
    // Normals pass through transcendentals, so single bits differ; without the noise the weights differ far more.
    let quiet = TrainOptions {
        input_noise: Vec::new(),
        ..options.clone()
    };
    let apart = |a: &[f32], b: &[f32]| {
        a.iter()
            .zip(b)
            .fold(0.0_f32, |m, (a, b)| m.max((a - b).abs()))
    };
    assert!(apart(&ours, &known) < 1e-5, "{}", apart(&ours, &known));
    assert!(apart(&run(&cpu, &quiet), &known) > 1e-3);
}

#[test]
fn a_population_that_sweeps_settings_is_its_networks_alone_bit_for_bit() {
    let cpu = CpuExecutor::new(Some(2)).unwrap();
    let start = population("rate", 24);
    let n = start.n_networks;
    let pick = |values: &[f32], by: usize| -> Vec<f32> {
        (0..n).map(|k| values[k / by % values.len()]).collect()
    };
    let options = TrainOptions {
        batch: 7,
        learning_rate: pick(&[0.01, 0.003], 1),
        noise: pick(&[0.0, 0.1], 2),
        regularisers: vec![
            Regulariser {
                penalty: Penalty::L1 {
                    on: Part::WEIGHTS.to_vec(),
                },
                strength: pick(&[0.0, 1e-3, 1e-2], 4),
            },
            Regulariser {
                penalty: Penalty::L2 {
                    on: Part::WEIGHTS.to_vec(),
                },
                strength: pick(&[0.0, 1e-2], 12),
            },
        ],
        ..TrainOptions::new(n)
    };
    let bank = trials(40);
    let run = |start: &Population, options: &TrainOptions| {
        let mut training = cpu.train(start, options, None).unwrap();
        training.advance(&bank, 20).unwrap();
        training.state().unwrap().params
    };
    let together = run(&start, &options);
    for k in 0..n {
        let alone = TrainOptions {
            learning_rate: vec![options.learning_rate[k]],
            noise: vec![options.noise[k]],
            regularisers: options
                .regularisers
                .iter()
                .map(|r| Regulariser {
                    penalty: r.penalty.clone(),
                    strength: vec![r.strength[k]],
                })
                .collect(),
            ..options.clone()
        };
        let params = run(&start.select(&[k]), &alone);
        let p = start.layout.n_params;
        assert_eq!(
            gpu_adapter::bits(&params),
            gpu_adapter::bits(&together[k * p..][..p]),
            "network {k}"
        );
    }
}

#[test]
fn what_the_gpu_lacks_is_refused_by_name() {
    let Some(gpu) = gpu_adapter::open("what_the_gpu_lacks_is_refused_by_name") else {
        return;
    };
    let start = population("vanilla", 1);
    let refused =
        |options: TrainOptions| gpu.train(&start, &options, None).err().unwrap().to_string();
    let nuclear = TrainOptions {
        regularisers: vec![regulariser(Penalty::Nuclear { proximal: true }, 0.1, 1)],
        ..TrainOptions::new(1)
    };
    assert!(refused(nuclear).contains("penalty `nuclear`"));
    let negative = TrainOptions {
        regularisers: vec![regulariser(Penalty::Rate, -0.1, 1)],
        ..TrainOptions::new(1)
    };
    assert!(refused(negative).contains("-0.1"));
}
