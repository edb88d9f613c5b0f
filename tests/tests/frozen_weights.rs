//! What is frozen stays exactly where it was, on both executors, whatever else moves: weights beside those trained in a random
//! subspace, with decay that the moments see.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod gpu_adapter;

use chiliad_engine::cpu::CpuExecutor;
use chiliad_engine::executor::{Executor, TrainOptions};
use chiliad_engine::population::{Population, Role};
use chiliad_engine::recipe::Constraint;
use std::sync::Arc;

fn is_recurrent(role: Role) -> bool {
    matches!(role, Role::Recurrent(..))
}

/// Recurrent weights are trained, the others frozen: in a subspace of 9 dimensions, and as they are. In the last network it is the
/// recurrent weights that are frozen, in the places of which its 20 coordinates lie.
fn restricted(start: &Population) -> Constraint {
    let mut constraint = Constraint::new(&start.layout, 3);
    for network in 0..2 {
        constraint.freeze(network, |r| !is_recurrent(r));
    }
    constraint.freeze(2, is_recurrent);
    let dimensions = [Some(9), None, Some(20)];
    constraint
        .subspace(&dimensions, &start.params, &[0x480, 0x481, 0x482])
        .unwrap();
    constraint
}

fn check(executor: &dyn Executor) {
    let start = gpu_adapter::population("gru", 3, 7);
    let options = |decay: f32| TrainOptions {
        batch: 6,
        constraint: Some(Arc::new(restricted(&start))),
        weight_decay: vec![decay; 3],
        learning_rate: vec![0.03; 3],
        ..TrainOptions::new(3)
    };
    let run = |options: &TrainOptions| {
        let mut training = executor.train(&start, options, None).unwrap();
        training
            .advance(&gpu_adapter::trials(11, 5, 2, 3), 4)
            .unwrap();
        training.state().unwrap().params
    };
    let decayed = options(0.5);
    let (with, without) = (run(&decayed), run(&options(0.0)));
    let used = decayed.effective(&with);
    let n = start.layout.n_params;
    for network in 0..3 {
        for tensor in &start.layout.tensors {
            let range = network * n + tensor.offset..network * n + tensor.range().end;
            let (now, before) = (&used[range.clone()], &start.params[range]);
            let frozen = is_recurrent(tensor.role) == (network == 2);
            let moved = now.iter().zip(before).any(|(a, b)| a != b);
            if frozen {
                assert_eq!(
                    gpu_adapter::bits(now),
                    gpu_adapter::bits(before),
                    "network {network}, {:?}",
                    tensor.role
                );
            } else {
                let start = matches!(tensor.role, Role::InitialState(_));
                assert!(moved || start, "network {network}, {:?}", tensor.role);
            }
        }
    }
    // Coordinates move and decay, though they lie where frozen weights would; what is no coordinate stays 0.
    for (network, dimensions) in [(0, 9), (2, 20)] {
        let (with, without) = (&with[network * n..][..n], &without[network * n..][..n]);
        let pairs = with.iter().zip(without).take(dimensions);
        assert!(pairs.clone().all(|(a, b)| *a != 0.0 && a != b), "{network}");
        let size = |z: &[f32]| z[..dimensions].iter().map(|z| z * z).sum::<f32>();
        assert!(size(with) < size(without), "{network}");
        assert!(with[dimensions..].iter().all(|z| *z == 0.0), "{network}");
    }
}

#[test]
fn what_is_frozen_beside_a_subspace_stays_under_decay() {
    check(&CpuExecutor::new(Some(1)).unwrap());
    if let Some(gpu) = gpu_adapter::open("what_is_frozen_beside_a_subspace_stays_under_decay") {
        check(&gpu);
    }
}
