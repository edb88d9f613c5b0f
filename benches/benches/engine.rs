//! Criterion benches: a training step, a roll-out, a fixed-point search, and the descent of a search on a GPU. Run once as tests, so that they cannot rot.

use chiliad_engine::cell::Cell;
use chiliad_engine::cpu::CpuExecutor;
use chiliad_engine::executor::{Executor, TrainOptions};
use chiliad_engine::fixed_points::{Options, Visited, find};
use chiliad_engine::gpu::{Choice, GpuExecutor, LimitsChoice, list};
use chiliad_engine::population::{Architecture, Population, Seeds, initialise::initialise};
use chiliad_tasks::{Task, Trials};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use std::hint::black_box;
use std::sync::Arc;

fn networks(cell: &str, units: usize, n: u64) -> Population {
    let cell = Arc::new(Cell::builtin(cell, "tanh").expect("a cell of the library"));
    initialise(
        &Architecture {
            cell,
            units,
            inputs: 3,
            outputs: 3,
        },
        &(0..n).map(Seeds::all).collect::<Vec<_>>(),
    )
}

fn bank() -> Trials {
    Task::builtin("flip_flop")
        .and_then(|t| t.sample("train", 1024, 0))
        .expect("a task of the library")
}

fn training(c: &mut Criterion) {
    let (cpu, bank) = (CpuExecutor::new(None).expect("threads"), bank());
    let mut group = c.benchmark_group("training_step");
    group.sample_size(10);
    for (cell, units, n) in [
        ("vanilla", 64, 32),
        ("vanilla", 32, 32),
        ("gru", 32, 32),
        ("lstm", 32, 32),
    ] {
        let population = networks(cell, units, n);
        let mut session = cpu
            .train(&population, &TrainOptions::new(n as usize), None)
            .expect("fits");
        group.throughput(Throughput::Elements(n * 64 * 64));
        group.bench_function(format!("{cell}_{units}_units"), |b| {
            b.iter(|| session.advance(&bank, 1).expect("trains"));
        });
    }
    group.finish();
}

fn roll_out(c: &mut Criterion) {
    let (cpu, bank) = (CpuExecutor::new(None).expect("threads"), bank());
    let population = networks("gru", 32, 8);
    let mut group = c.benchmark_group("roll_out");
    group.sample_size(10);
    group.bench_function("gru_32_units", |b| {
        b.iter(|| {
            black_box(
                cpu.roll_out(&population, &bank.inputs, bank.n_trials, bank.n_steps)
                    .expect("fits"),
            )
        });
    });
    group.finish();
}

fn search(c: &mut Criterion) {
    let cpu = CpuExecutor::new(None).expect("threads");
    let trials = bank()
        .select(&(0..64).collect::<Vec<_>>())
        .expect("64 trials");
    let mut group = c.benchmark_group("fixed_points");
    group.sample_size(10);
    for cell in ["vanilla", "gru"] {
        let mut population = networks(cell, 32, 1);
        // Twice the gain of the initial weights: a network with several fixed points, without training one here.
        population.params.iter_mut().for_each(|w| *w *= 2.0);
        let rolled = cpu
            .roll_out(&population, &trials.inputs, trials.n_trials, trials.n_steps)
            .expect("fits");
        let visited = Visited::of(&rolled, 0);
        group.bench_function(format!("{cell}_32_units"), |b| {
            b.iter(|| {
                black_box(find(
                    &population,
                    0,
                    &[0.0; 3],
                    0,
                    &visited,
                    &Options::default(),
                ))
            });
        });
    }
    group.finish();
}

/// The descent that a search on a GPU begins with; on a software adapter the time says nothing about a real one.
fn descent(c: &mut Criterion) {
    let Some(adapter) = list().into_iter().next() else {
        #[expect(clippy::print_stderr, reason = "what is left out is said")]
        {
            eprintln!("SKIPPED descent: no adapter");
        }
        return;
    };
    let gpu = GpuExecutor::open(&Choice::Named(adapter.name.clone()), LimitsChoice::Adapter)
        .expect("the adapter opens");
    let (n, n_seeds) = (4, 256);
    let mut group = c.benchmark_group(format!("descent on {}", adapter.name));
    group.sample_size(10);
    for cell in ["vanilla", "gru"] {
        let population = networks(cell, 32, n);
        let seeds: Vec<f32> = (0..n as usize * n_seeds * 32)
            .map(|i| ((i * i) as f32 * 0.013).sin())
            .collect();
        group.throughput(Throughput::Elements(n * n_seeds as u64));
        group.bench_function(format!("{cell}_32_units"), |b| {
            b.iter(|| {
                black_box(Executor::descend(
                    &gpu,
                    &population,
                    &[0.0; 3],
                    &seeds,
                    n_seeds,
                ))
            });
        });
    }
    group.finish();
}

criterion_group!(benches, training, roll_out, search, descent);
criterion_main!(benches);
