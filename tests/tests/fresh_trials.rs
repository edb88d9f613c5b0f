//! `data: Fresh`: a stream of trials for every network, by its data seed alone.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod gpu_adapter;

use chiliad_engine::cpu::CpuExecutor;
use chiliad_engine::executor::{Executor, Order, TrainOptions};
use chiliad_engine::population::{Population, Seeds, initialise::initialise};
use chiliad_engine::train::{StopRule, train};
use chiliad_tasks::{Task, TrialBank, Trials};
use std::collections::BTreeSet;
use std::sync::Arc;

const BATCH: usize = 5;
/// Data seeds: the first and the last network share theirs.
const SEEDS: [u64; 3] = [5, 6, 5];

fn task() -> Arc<Task> {
    Arc::new(Task::builtin("flip_flop").unwrap())
}

fn bank(seeds: &[u64]) -> TrialBank {
    TrialBank::fresh(task(), "train", seeds, BATCH).unwrap()
}

/// Inputs of every trial, to the bit.
fn inputs(trials: &Trials) -> Vec<Vec<u32>> {
    let row = |x: &[f32]| x.iter().map(|v| v.to_bits()).collect();
    trials
        .inputs
        .chunks(trials.n_steps * trials.n_inputs)
        .map(row)
        .collect()
}

fn population(seeds: &[u64]) -> Population {
    let architecture = gpu_adapter::architecture("vanilla", "tanh", 7, 3, 3);
    let seeds: Vec<Seeds> = seeds
        .iter()
        .map(|&data| Seeds {
            data,
            ..Seeds::all(1)
        })
        .collect();
    initialise(&architecture, &seeds)
}

fn options(n: usize) -> TrainOptions {
    TrainOptions {
        batch: BATCH,
        order: Order::Own,
        ..TrainOptions::new(n)
    }
}

#[test]
fn a_stream_depends_on_its_data_seed_alone_and_two_seeds_share_no_trial() {
    let together = bank(&SEEDS);
    let (first, second) = (together.generation(0), together.generation(1));
    let own = first.n_trials / SEEDS.len();
    assert_eq!(own as u64, together.refresh_interval() * BATCH as u64);
    let all = inputs(&first);
    assert_eq!(all[..own], all[2 * own..]);
    let sets: Vec<BTreeSet<&Vec<u32>>> = all[..2 * own]
        .chunks(own)
        .map(|c| c.iter().collect())
        .collect();
    // Every trial once, and none in both: 64 steps of three pulses do not repeat by chance.
    assert!(sets.iter().all(|s| s.len() == own) && sets[0].is_disjoint(&sets[1]));
    let later = inputs(&second);
    assert!(later[..own].iter().all(|trial| !sets[0].contains(trial)));
    // Alone, and among so many that a generation serves fewer steps: the same trials at the same steps.
    assert_eq!(inputs(&bank(&[6]).generation(0))[..own], all[own..2 * own]);
    let many: Vec<u64> = (0..2000).collect();
    let crowd = bank(&many);
    assert!(crowd.refresh_interval() < together.refresh_interval());
    let steps = crowd.refresh_interval() as usize;
    let of_six = inputs(&crowd.generation(0))[6 * steps * BATCH..][..steps * BATCH].to_vec();
    assert_eq!(of_six, all[own..][..steps * BATCH]);
}

#[test]
fn a_network_is_the_same_alone_and_among_others() {
    let cpu = CpuExecutor::new(None).unwrap();
    let stop = StopRule {
        loss: None,
        max_steps: 70,
        evaluate_every: 35,
        snapshots: Vec::new(),
    };
    let evaluation = task().evaluation(16, 0).unwrap();
    let weights = |seeds: &[u64]| {
        let population = population(seeds);
        let trained = train(
            &cpu,
            &population,
            &options(seeds.len()),
            &stop,
            &bank(seeds),
            &evaluation,
            None,
            &mut |_| true,
        );
        trained.unwrap().optimiser.params
    };
    let all = weights(&SEEDS);
    let n = all.len() / SEEDS.len();
    assert_eq!(
        gpu_adapter::bits(&all[n..2 * n]),
        gpu_adapter::bits(&weights(&[6]))
    );
    assert_eq!(
        gpu_adapter::bits(&all[..n]),
        gpu_adapter::bits(&all[2 * n..])
    );
    assert_ne!(all[..n], all[n..2 * n]);
}

#[test]
fn the_gpu_takes_the_same_trials() {
    let Some(gpu) = gpu_adapter::open("the_gpu_takes_the_same_trials") else {
        return;
    };
    let cpu = CpuExecutor::new(None).unwrap();
    let trials = bank(&SEEDS).generation(0);
    let population = population(&SEEDS);
    let weights = |executor: &dyn Executor| {
        let options = options(SEEDS.len());
        let mut training = executor.train(&population, &options, None).unwrap();
        training.advance(&trials, 4).unwrap();
        training.state().unwrap().params
    };
    let expected = weights(&cpu);
    // Whole, and one network per wave.
    for executor in [gpu.clone(), gpu.with_budget(1e-12)] {
        for (a, b) in weights(&executor).iter().zip(&expected) {
            assert!((a - b).abs() <= 2e-5, "{a} and {b}");
        }
    }
}

#[test]
fn a_bank_that_does_not_fit_is_refused() {
    let cpu = CpuExecutor::new(None).unwrap();
    let population = population(&SEEDS);
    let options = options(SEEDS.len());
    let mut training = cpu.train(&population, &options, None).unwrap();
    let trials = task().sample("train", 16, 0).unwrap();
    let error = training.advance(&trials, 1).unwrap_err().to_string();
    assert!(
        error.contains("3 networks") && error.contains("16"),
        "{error}"
    );
}
