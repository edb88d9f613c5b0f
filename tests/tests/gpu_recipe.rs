//! Recipes beyond rules of single weights, GPU against CPU: teacher forcing, a user's own penalty, penalties and restrictions of
//! whole matrices.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod gpu_adapter;

use chiliad_engine::cpu::CpuExecutor;
use chiliad_engine::executor::{Executor, OptimiserState, TrainOptions, Training as _};
use chiliad_engine::gpu::{Fault, GpuExecutor};
use chiliad_engine::population::{Population, Role};
use chiliad_engine::recipe::{
    Constraint, Forcing, JacobianNorm, Loss, OwnPenalty, Part, Penalty, Regulariser,
};
use std::sync::Arc;

/// Odd numbers of everything: 3 networks of 7 units, 2 inputs, 3 outputs.
fn population(cell: &str) -> Population {
    gpu_adapter::population(cell, 3, 7)
}

fn options() -> TrainOptions {
    TrainOptions {
        batch: 6,
        learning_rate: vec![0.01, 0.02, 0.005],
        ..TrainOptions::new(3)
    }
}

fn regulariser(penalty: Penalty) -> Regulariser {
    Regulariser {
        penalty,
        strength: vec![0.0, 0.02, 0.05],
    }
}

/// The same for penalties whose gradients are small beside the loss's.
fn strong(penalty: Penalty) -> Regulariser {
    Regulariser {
        penalty,
        strength: vec![0.0, 0.5, 1.0],
    }
}

/// Largest difference of the parameters after four steps, relative to the largest of them, and of the losses, to themselves.
/// What is set must move the weights, or nothing would be compared.
fn apart(gpu: &dyn Executor, start: &Population, set: &TrainOptions, unset: &TrainOptions) -> f32 {
    let cpu = CpuExecutor::new(Some(1)).unwrap();
    let bank = gpu_adapter::trials(11, 5, 2, 3);
    let run = |executor: &dyn Executor, options: &TrainOptions| {
        let mut training = executor.train(start, options, None).unwrap();
        training.advance(&bank, 2).unwrap();
        training.advance(&bank, 2).unwrap();
        let losses = training.evaluate(&bank).unwrap();
        (training.state().unwrap(), losses)
    };
    let largest = |a: &[f32], b: &[f32]| {
        let pairs = a.iter().zip(b);
        pairs.fold(0.0_f32, |m, (a, b)| m.max((a - b).abs()))
    };
    let ((ours, our_losses), (known, losses)) = (run(gpu, set), run(&cpu, set));
    let (plain, _) = run(&cpu, unset);
    let scale = known.params.iter().fold(0.0_f32, |m, p| m.max(p.abs()));
    let moved = largest(&plain.params, &known.params) / scale;
    assert!(moved > 1e-3, "what is set moves weights by {moved} only");
    assert!(known.diverged_at.iter().all(Option::is_none));
    assert_eq!(ours.diverged_at, known.diverged_at);
    assert_eq!(ours.alpha.len(), known.alpha.len());
    let of_weights = largest(&ours.params, &known.params) / scale;
    let of_losses = our_losses.iter().zip(&losses);
    of_losses.fold(
        of_weights.max(largest(&ours.alpha, &known.alpha)),
        |m, (a, b)| m.max((a / b - 1.0).abs()),
    )
}

/// Estimated before the first and the third of four steps.
fn annealed(norm: JacobianNorm) -> Forcing {
    Forcing::Annealed {
        norm,
        every: 2,
        keep: 0.5,
    }
}

#[test]
fn forced_training_agrees_with_the_cpu() {
    let Some(gpu) = gpu_adapter::open("forced_training_agrees_with_the_cpu") else {
        return;
    };
    for cell in ["vanilla", "gru", "lstm", "rate", "plrnn", "shplrnn"] {
        let mut start = population(cell);
        // Not fewer: of four units one of these readouts is nearly singular, and its inverse magnifies rounding.
        if let Some(latent) = start
            .architecture
            .cell
            .constants
            .iter()
            .position(|c| c.0 == "latent")
        {
            let n = start.architecture.cell.constants.len();
            start
                .constants
                .chunks_exact_mut(n)
                .for_each(|c| c[latent] = 6.0);
        }
        for forcing in [
            Forcing::Sparse {
                every: vec![2, 1, 3],
            },
            Forcing::Generalised {
                alpha: vec![0.3, 0.0, 1.0],
            },
            annealed(JacobianNorm::GeometricMean),
            annealed(JacobianNorm::MeanJacobian),
            annealed(if cell.contains("plrnn") {
                JacobianNorm::ParameterBound
            } else {
                JacobianNorm::BatchMax
            }),
        ] {
            // Units 2 and 0 are what the last two outputs should be; else the readout is inverted.
            for observed in [vec![2, 0], vec![]] {
                let unset = options();
                let set = TrainOptions {
                    forcing: Some(forcing.clone()),
                    observed: observed.clone(),
                    ..options()
                };
                let worst = apart(&gpu, &start, &set, &unset);
                println!("{cell:14} {} {observed:?}: {worst:.1e}", forcing.name());
                assert!(worst < 2e-5, "{cell} {forcing:?} {observed:?}: {worst}");
            }
        }
    }
}

#[test]
fn own_penalty_agrees_with_the_cpu() {
    let Some(gpu) = gpu_adapter::open("own_penalty_agrees_with_the_cpu") else {
        return;
    };
    let file = std::env::temp_dir().join(format!("chiliad_own_{}.wgsl", std::process::id()));
    let wgsl = "fn penalty(w: f32) -> f32 { let far = max(abs(w) - 0.1, 0.0); return far * far + tanh(w) * w; }";
    std::fs::write(&file, wgsl).unwrap();
    let function = OwnPenalty::from_file(&file);
    std::fs::remove_file(&file).unwrap();
    let function = function.unwrap();
    let start = population("gru");
    for on in [vec![Part::Recurrent, Part::Bias], vec![Part::Readout]] {
        let set = TrainOptions {
            regularisers: vec![regulariser(Penalty::Own {
                function: function.clone(),
                on,
            })],
            ..options()
        };
        let worst = apart(&gpu, &start, &set, &options());
        println!("own penalty: {worst:.1e}");
        assert!(worst < 2e-5, "{worst}");
    }
}

/// Restrictions of whole matrices; the networks differ in rank and dimensions, and one of them is free.
fn restrictions(start: &Population) -> Vec<(&'static str, Constraint)> {
    let new = || Constraint::new(&start.layout, 3);
    let mut low_rank = new();
    low_rank.low_rank(&[Some(2), None, Some(3)]).unwrap();
    let mut antisymmetric = new();
    antisymmetric.antisymmetric(&[true, false, true]).unwrap();
    let mut subspace = new();
    // Coordinates lie where frozen weights would.
    subspace.freeze(0, |r| matches!(r, Role::Recurrent(..)));
    let dimensions = [Some(9), None, Some(20)];
    subspace
        .subspace(&dimensions, &start.params, &[0x480, 0x481, 0x482])
        .unwrap();
    let mut both = new();
    both.freeze(2, |r| r == Role::ReadoutBias);
    both.scale(1, 0.5, |r| r == Role::Readout);
    both.low_rank(&[Some(1), Some(2), None]).unwrap();
    both.subspace(
        &[None, Some(11), Some(5)],
        &both.raw_all(&start.params),
        &[1, 2, 3],
    )
    .unwrap();
    vec![
        ("low rank", low_rank),
        ("antisymmetric", antisymmetric),
        ("subspace", subspace),
        ("low rank in a subspace", both),
    ]
}

#[test]
fn restrictions_of_matrices_agree_with_the_cpu() {
    let Some(gpu) = gpu_adapter::open("restrictions_of_matrices_agree_with_the_cpu") else {
        return;
    };
    for cell in ["vanilla", "gru"] {
        let start = population(cell);
        for (name, constraint) in restrictions(&start) {
            let set = TrainOptions {
                constraint: Some(Arc::new(constraint)),
                train_initial_state: true,
                regularisers: vec![regulariser(Penalty::L2 {
                    on: Part::WEIGHTS.to_vec(),
                })],
                ..options()
            };
            let worst = apart(&gpu, &start, &set, &options());
            println!("{cell:8} {name:24} {worst:.1e}");
            assert!(worst < 2e-5, "{cell} {name}: {worst}");
        }
    }
}

#[test]
fn penalties_of_matrices_agree_with_the_cpu() {
    let Some(gpu) = gpu_adapter::open("penalties_of_matrices_agree_with_the_cpu") else {
        return;
    };
    let resolvent = |per_hop, length| Penalty::Resolvent {
        alpha: 0.8,
        length,
        per_hop,
    };
    let positions = (0..7).map(|i| [f64::from(i % 3), f64::from(i / 3), 0.0]);
    let communicability = Penalty::Communicability {
        positions: positions.collect(),
    };
    let all = [
        ("input orthogonality", vec![Penalty::InputOrthogonality]),
        ("resolvent", vec![resolvent(false, 4)]),
        ("resolvent per hop", vec![resolvent(true, 3)]),
        ("resolvent of one hop", vec![resolvent(false, 1)]),
        ("communicability", vec![communicability.clone()]),
        (
            "all of them",
            vec![
                communicability,
                resolvent(true, 2),
                Penalty::InputOrthogonality,
            ],
        ),
    ];
    for cell in ["vanilla", "gru"] {
        let mut start = population(cell);
        // Weights of one network so large that the exponential must be halved.
        let n = start.layout.n_params;
        start.params[n..2 * n].iter_mut().for_each(|p| *p *= 3.0);
        let mut rank = Constraint::new(&start.layout, 3);
        rank.low_rank(&[Some(3), None, None]).unwrap();
        let rank = Arc::new(rank);
        for (name, penalties) in &all {
            for constraint in [None, Some(Arc::clone(&rank))] {
                let unset = TrainOptions {
                    constraint,
                    ..options()
                };
                let set = TrainOptions {
                    regularisers: penalties.iter().cloned().map(strong).collect(),
                    ..unset.clone()
                };
                let worst = apart(&gpu, &start, &set, &unset);
                println!("{cell:8} {name:24} {worst:.1e}");
                assert!(worst < 2e-5, "{cell} {name}: {worst}");
            }
        }
    }
}

/// Products large enough for tiles, whose last ones are not full: 37 units.
#[test]
fn products_by_tiles_agree_with_the_cpu() {
    let Some(gpu) = gpu_adapter::open("products_by_tiles_agree_with_the_cpu") else {
        return;
    };
    let start = gpu_adapter::population("vanilla", 3, 37);
    let positions = (0..37).map(|i| [f64::from(i % 6), f64::from(i / 6), 0.0]);
    let mut rank = Constraint::new(&start.layout, 3);
    rank.low_rank(&[Some(17), None, Some(18)]).unwrap();
    let unset = TrainOptions {
        constraint: Some(Arc::new(rank)),
        ..options()
    };
    let set = TrainOptions {
        regularisers: vec![strong(Penalty::Communicability {
            positions: positions.collect(),
        })],
        ..unset.clone()
    };
    let worst = apart(&gpu, &start, &set, &unset);
    println!("37 units: {worst:.1e}");
    assert!(worst < 2e-5, "{worst}");
}

/// The shares of annealed forcing go on as they were: in one go, in two sessions, in small waves, and on another device.
#[test]
fn annealed_training_goes_on_with_the_same_bits() {
    let Some(gpu) = gpu_adapter::open("annealed_training_goes_on_with_the_same_bits") else {
        return;
    };
    let (start, bank) = (population("plrnn"), gpu_adapter::trials(11, 5, 2, 3));
    let options = TrainOptions {
        forcing: Some(annealed(JacobianNorm::GeometricMean)),
        ..options()
    };
    let run = |executor: &GpuExecutor, from: Option<OptimiserState>, steps: u64| {
        let mut training = executor.training(&start, &options, from).unwrap();
        training.advance(&bank, steps).unwrap();
        training.state().unwrap()
    };
    let whole = run(&gpu, None, 7);
    println!("shares: {:?}", whole.alpha);
    assert!(whole.alpha.iter().all(|a| (0.0..1.0).contains(a)));
    let first = run(&gpu, None, 3);
    assert_ne!(first.alpha, whole.alpha);
    assert_eq!(run(&gpu, Some(first.clone()), 4), whole);
    assert_eq!(run(&gpu.clone().with_budget(1e-12), None, 7), whole);
    let fragile = gpu_adapter::open("annealed_training_goes_on_with_the_same_bits").unwrap();
    let fragile = fragile.with_budget(1e-12);
    fragile.gpu().unwrap().inject(Arc::new(LoseAt(20)));
    assert_eq!(run(&fragile, None, 7), whole);
    assert!(fragile.gpu_as_held().is_lost());
    // Without the shares of a checkpoint, training would begin again at 1.
    let bare = OptimiserState {
        alpha: Vec::new(),
        ..first
    };
    let refused = gpu.training(&start, &options, Some(bare)).err().unwrap();
    assert!(refused.to_string().contains("alpha"), "{refused}");
}

struct LoseAt(u64);

impl Fault for LoseAt {
    fn loses_device(&self, submission: u64) -> bool {
        submission == self.0
    }
}

/// Networks that rest, and networks that see trials of their own.
#[test]
fn annealed_shares_are_each_networks_own() {
    let Some(gpu) = gpu_adapter::open("annealed_shares_are_each_networks_own") else {
        return;
    };
    let cpu = CpuExecutor::new(Some(1)).unwrap();
    let start = population("gru");
    let options = TrainOptions {
        forcing: Some(annealed(JacobianNorm::MeanJacobian)),
        observed: vec![2, 0],
        ..options()
    };
    let bank = gpu_adapter::trials(11, 5, 2, 3);
    let mut other = bank.clone();
    other.targets.iter_mut().for_each(|t| *t *= 0.5);
    let run = |executor: &dyn Executor| {
        let mut training = executor.train(&start, &options, None).unwrap();
        let banks = [&bank, &other];
        training.advance_each(&banks, &[0, 1, 0], 3).unwrap();
        let before = training.state().unwrap();
        training.freeze(&[true, true, false]).unwrap();
        training.advance_each(&banks, &[0, 1, 1], 4).unwrap();
        let after = training.state().unwrap();
        assert_eq!(before.alpha[2], after.alpha[2]);
        assert_ne!(before.alpha[1], after.alpha[1]);
        after
    };
    let (ours, known) = (run(&gpu), run(&cpu));
    assert_eq!((ours.step, &ours.active), (known.step, &known.active));
    for (a, b) in ours.alpha.iter().zip(&known.alpha) {
        assert!((a - b).abs() < 2e-5, "{a} {b}");
    }
}

#[test]
fn effective_dimension_agrees_with_the_cpu() {
    let Some(gpu) = gpu_adapter::open("effective_dimension_agrees_with_the_cpu") else {
        return;
    };
    let dimension = || strong(Penalty::EffectiveDimension);
    // One tile that is not full, and three tiles of which the last is not; noise must be the same in both passes.
    for (batch, cells) in [
        (6, &["vanilla", "lstm"][..]),
        (70, &["gru", "rate_current", "shplrnn"]),
    ] {
        for cell in cells {
            let unset = TrainOptions {
                batch,
                noise: vec![0.1, 0.0, 0.2],
                ..options()
            };
            let alone = TrainOptions {
                regularisers: vec![dimension()],
                ..unset.clone()
            };
            let with_others = TrainOptions {
                regularisers: vec![
                    dimension(),
                    regulariser(Penalty::RateCap { cap: 0.2 }),
                    dimension(),
                ],
                loss: Loss::AllMean,
                ..unset.clone()
            };
            let sets = if *cell == "gru" || *cell == "vanilla" {
                vec![alone, with_others]
            } else {
                vec![alone]
            };
            for set in sets {
                let worst = apart(&gpu, &population(cell), &set, &unset);
                println!(
                    "{cell:14} {batch:3} {}: {worst:.1e}",
                    set.regularisers.len()
                );
                assert!(worst < 2e-5, "{cell} {batch}: {worst}");
            }
        }
    }
}

/// In portions and in small waves the same bits, and as many bytes as planned.
#[test]
fn effective_dimension_is_the_same_in_all_waves() {
    let Some(gpu) = gpu_adapter::open("effective_dimension_is_the_same_in_all_waves") else {
        return;
    };
    let (start, bank) = (population("gru"), gpu_adapter::trials(11, 5, 2, 3));
    let options = TrainOptions {
        batch: 70,
        regularisers: vec![strong(Penalty::EffectiveDimension)],
        ..options()
    };
    let run = |executor: &GpuExecutor, portions: &[u64]| {
        let mut training = executor.training(&start, &options, None).unwrap();
        portions
            .iter()
            .for_each(|n| training.advance(&bank, *n).unwrap());
        training.state().unwrap()
    };
    let whole = run(&gpu, &[3]);
    assert_eq!(run(&gpu, &[1, 2]), whole);
    assert_eq!(run(&gpu.clone().with_budget(1e-12), &[3]), whole);
    let before = gpu.gpu().unwrap().stats().bytes_allocated;
    let mut training = gpu.training(&start, &options, None).unwrap();
    training.advance(&bank, 1).unwrap();
    let allocated = gpu.gpu().unwrap().stats().bytes_allocated - before;
    let planned = training.plan(bank.n_steps).unwrap();
    let bank_bytes = 4 * (bank.inputs.len() + 2 * bank.targets.len() + bank.n_trials);
    // Twelve buffers, each rounded up to 16 bytes.
    let surplus = allocated as i64 - (planned.bytes + bank_bytes) as i64;
    assert!((0..192).contains(&surplus), "{surplus}: {planned}");
}

/// Two dispatches beside the three of every step for matrices, one for an inverted readout, and two for the effective dimension,
/// whatever the population.
#[test]
fn dispatches_of_a_step_are_a_small_constant() {
    let Some(gpu) = gpu_adapter::open("dispatches_of_a_step_are_a_small_constant") else {
        return;
    };
    let gpu = gpu.with_budget(100.0);
    for (n, steps) in [(1, 5), (65, 5), (3, 24)] {
        let start = gpu_adapter::population("vanilla", n, 7);
        let mut constraint = Constraint::new(&start.layout, n);
        constraint.antisymmetric(&vec![true; n]).unwrap();
        let options = TrainOptions {
            batch: 6,
            constraint: Some(Arc::new(constraint)),
            forcing: Some(Forcing::Generalised {
                alpha: vec![0.5; n],
            }),
            ..TrainOptions::new(n)
        };
        let dimension = TrainOptions {
            regularisers: vec![Regulariser {
                penalty: Penalty::EffectiveDimension,
                strength: vec![0.5; n],
            }],
            forcing: None,
            ..options.clone()
        };
        for (options, per_step) in [(options, 6), (dimension, 7)] {
            let mut training = gpu.training(&start, &options, None).unwrap();
            let before = gpu.gpu().unwrap().stats().dispatches;
            training
                .advance(&gpu_adapter::trials(9, steps, 2, 3), 4)
                .unwrap();
            let after = gpu.gpu().unwrap().stats().dispatches;
            assert_eq!(
                after - before,
                per_step * 4,
                "{n} networks, {steps} time steps"
            );
        }
    }
}

#[test]
fn what_stays_on_the_cpu_is_refused_by_name() {
    let Some(gpu) = gpu_adapter::open("what_stays_on_the_cpu_is_refused_by_name") else {
        return;
    };
    let start = population("vanilla");
    let refused =
        |options: TrainOptions| gpu.train(&start, &options, None).err().unwrap().to_string();
    for (penalty, name) in [
        (Penalty::Nuclear { proximal: true }, "nuclear"),
        (Penalty::SpectralRadius { bound: 1.0 }, "spectral_radius"),
    ] {
        let set = TrainOptions {
            regularisers: vec![regulariser(penalty)],
            ..options()
        };
        assert!(refused(set).contains(&format!("penalty `{name}`")));
    }
    let wrong = TrainOptions {
        forcing: Some(Forcing::Generalised {
            alpha: vec![1.5; 3],
        }),
        ..options()
    };
    let message = refused(wrong);
    assert!(
        message.contains("GPU") && message.contains("alpha"),
        "{message}"
    );
}
