//! Every task of the library can be learned from: a few steps of training bring the loss on new trials down.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use chiliad_engine::cell::Cell;
use chiliad_engine::cpu::CpuExecutor;
use chiliad_engine::executor::TrainOptions;
use chiliad_engine::population::{Architecture, Seeds, initialise::initialise};
use chiliad_engine::train::{StopRule, train};
use chiliad_tasks::{Task, TrialBank, builtin_names};
use std::sync::Arc;

/// Share of the first loss, and of the variance of the targets, that is left at most after [`STEPS`] steps.
const LEFT: f32 = 0.9;
const STEPS: u64 = 150;

#[test]
fn the_loss_of_every_task_falls() {
    let cpu = CpuExecutor::new(None).unwrap();
    let mut stuck = Vec::new();
    for name in builtin_names() {
        let task = Arc::new(Task::builtin(name).unwrap());
        // Where a recipe has lessons, its first.
        let lesson = task.recipe.curriculum.first();
        let variant = lesson.map_or("train", |l| l.variant.as_str());
        let shape = task.shape(variant).unwrap();
        let architecture = Architecture {
            cell: Arc::new(Cell::builtin("gru", "tanh").unwrap()),
            units: 32,
            inputs: shape.n_inputs,
            outputs: shape.n_outputs,
        };
        let seeds: Vec<Seeds> = (0..2).map(Seeds::all).collect();
        let population = initialise(&architecture, &seeds);
        let mut options = TrainOptions::new(2);
        options.batch = 32;
        options.learning_rate = vec![0.005; 2];
        let stop = StopRule {
            loss: None,
            max_steps: STEPS,
            evaluate_every: STEPS,
            snapshots: Vec::new(),
        };
        let bank = TrialBank::new(Arc::clone(&task), variant, 0, 256, 32).unwrap();
        let evaluation = task.sample(variant, 64, u64::MAX).unwrap();
        let trained = train(
            &cpu,
            &population,
            &options,
            &stop,
            &bank,
            &evaluation,
            None,
            &mut |_| true,
        )
        .unwrap();
        for (network, curve) in trained.curves.iter().enumerate() {
            let (first, last) = (curve[0], curve[curve.len() - 1]);
            assert_eq!((first.0, last.0), (0, STEPS), "{name}");
            // Better than at first, and better than the best constant answer.
            let most = first.1.min(evaluation.masked_variance() as f32);
            if last.1.is_nan() || last.1 > LEFT * most {
                stuck.push(format!("{name}, network {network}: {} to {}", most, last.1));
            }
        }
    }
    assert!(stuck.is_empty(), "{stuck:#?}");
}
