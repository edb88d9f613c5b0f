//! Recipes beyond rules of single weights, GPU against CPU: teacher forcing, a user's own penalty, penalties and restrictions of
//! whole matrices.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod gpu_adapter;

use chiliad_engine::cpu::CpuExecutor;
use chiliad_engine::executor::{Executor, TrainOptions, Training as _};
use chiliad_engine::population::{Population, Role};
use chiliad_engine::recipe::{
    Constraint, Forcing, JacobianNorm, OwnPenalty, Part, Penalty, Regulariser,
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
    let of_losses = our_losses.iter().zip(&losses);
    of_losses.fold(largest(&ours.params, &known.params) / scale, |m, (a, b)| {
        m.max((a / b - 1.0).abs())
    })
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

/// Two dispatches beside the three of every step, and one for an inverted readout, whatever the population.
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
        let mut training = gpu.training(&start, &options, None).unwrap();
        let before = gpu.gpu().unwrap().stats().dispatches;
        training
            .advance(&gpu_adapter::trials(9, steps, 2, 3), 4)
            .unwrap();
        let after = gpu.gpu().unwrap().stats().dispatches;
        assert_eq!(after - before, 6 * 4, "{n} networks, {steps} time steps");
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
    let annealed = TrainOptions {
        forcing: Some(Forcing::Annealed {
            norm: JacobianNorm::GeometricMean,
            every: 5,
            keep: 0.9,
        }),
        ..options()
    };
    assert!(refused(annealed).contains("annealed teacher forcing"));
    for (penalty, name) in [
        (Penalty::Nuclear { proximal: true }, "nuclear"),
        (Penalty::SpectralRadius { bound: 1.0 }, "spectral_radius"),
        (Penalty::EffectiveDimension, "effective_dimension"),
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
