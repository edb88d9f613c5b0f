//! Training on the device: what must not change a bit, what is counted, what is refused, what is survived.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod gpu_adapter;

use chiliad_engine::cpu::CpuExecutor;
use chiliad_engine::error::EngineError;
use chiliad_engine::executor::{Executor, OptimiserState, TrainOptions, Training as _};
use chiliad_engine::gpu::{Fault, Geometry, Gpu, GpuExecutor, LimitsChoice};
use chiliad_engine::population::Population;
use gpu_adapter::bits;
use std::sync::Arc;

fn options(n: usize) -> TrainOptions {
    TrainOptions {
        batch: 5,
        ..TrainOptions::new(n)
    }
}

/// Trains 7-unit networks in the given portions of steps.
fn trained(
    executor: &dyn Executor,
    population: &Population,
    options: &TrainOptions,
    portions: &[u64],
) -> OptimiserState {
    let bank = gpu_adapter::trials(9, 6, 2, 3);
    let mut training = executor.train(population, options, None).unwrap();
    portions
        .iter()
        .for_each(|n| training.advance(&bank, *n).unwrap());
    training.state().unwrap()
}

fn assert_same(a: &OptimiserState, b: &OptimiserState) {
    assert_eq!(bits(&a.params), bits(&b.params));
    assert_eq!(bits(&a.first), bits(&b.first));
    assert_eq!(bits(&a.second), bits(&b.second));
    assert_eq!(
        (a.step, &a.active, &a.diverged_at),
        (b.step, &b.active, &b.diverged_at)
    );
}

#[test]
fn train_step_portions_and_waves_change_no_bit() {
    let Some(executor) = gpu_adapter::open("train_step_portions_and_waves_change_no_bit") else {
        return;
    };
    for (n, cell) in [(1, "vanilla"), (65, "vanilla")] {
        let population = gpu_adapter::population(cell, n, 7);
        let one = trained(&executor, &population, &options(n), &[6]);
        assert!(one.params.iter().all(|p| p.is_finite()) && one.params != population.params);
        assert_same(
            &one,
            &trained(&executor, &population, &options(n), &[1, 2, 3]),
        );
        // A budget of nothing: one item per wave, one dispatch per submission.
        let hurried = executor.clone().with_budget(1e-12);
        let before = executor.gpu().unwrap().stats();
        assert_same(&one, &trained(&hurried, &population, &options(n), &[6]));
        assert!(executor.gpu().unwrap().stats().submissions - before.submissions >= 6 * n as u64);
    }
}

#[test]
fn train_step_dispatches_are_a_small_constant() {
    let Some(executor) = gpu_adapter::open("train_step_dispatches_are_a_small_constant") else {
        return;
    };
    let executor = executor.with_budget(100.0);
    let mut per_step = Vec::new();
    for (n, trials, steps) in [(1, 5, 6), (65, 5, 6), (3, 40, 6), (3, 5, 24)] {
        let population = gpu_adapter::population("vanilla", n, 7);
        let options = TrainOptions {
            batch: trials,
            ..TrainOptions::new(n)
        };
        let mut training = executor.training(&population, &options, None).unwrap();
        println!("{}", training.plan(steps).unwrap());
        let bank = gpu_adapter::trials(9, steps, 2, 3);
        let before = executor.gpu().unwrap().stats();
        training.advance(&bank, 4).unwrap();
        let after = executor.gpu().unwrap().stats();
        assert_eq!(after.submissions - before.submissions, 1);
        per_step.push((after.dispatches - before.dispatches) as f64 / 4.0);
    }
    assert_eq!(per_step, [3.0; 4]);
}

/// What a step moves, by its bindings, against what any step must move. Beyond the floor there are the activations kept
/// beside the states (an LSTM keeps four per state), weights laid out for the products, and partial gradients.
#[test]
fn train_step_bytes_stay_near_the_floor() {
    let Some(executor) = gpu_adapter::open("train_step_bytes_stay_near_the_floor") else {
        return;
    };
    let executor = executor.with_budget(1e3);
    for (cell, units, allowed) in [
        ("vanilla", 64, 3.0),
        ("vanilla", 32, 3.0),
        ("ugrnn", 32, 6.0),
        ("gru", 32, 6.0),
        ("lstm", 32, 6.0),
    ] {
        let (n, batch, n_steps, bank_trials) = (1, 64, 50, 64);
        let population = gpu_adapter::population(cell, n, units);
        let options = TrainOptions {
            batch,
            ..TrainOptions::new(n)
        };
        let bank = gpu_adapter::trials(bank_trials, n_steps, 2, 3);
        let geometry = Geometry::new(&population.architecture, &population.layout, batch, true);
        let mut training = executor.training(&population, &options, None).unwrap();
        let before = executor.gpu().unwrap().stats();
        training.advance(&bank, 1).unwrap();
        let moved = executor.gpu().unwrap().stats().bytes_moved - before.bytes_moved;
        let floor = geometry.floor_bytes(n, batch, n_steps, bank_trials);
        let ratio = moved as f64 / floor as f64;
        println!(
            "{cell}, {n} network x {units} units x {batch} trials x {n_steps} steps: {:.2} MB moved per step, floor {:.2} MB, {ratio:.2} times",
            moved as f64 / 1e6,
            floor as f64 / 1e6
        );
        assert!((1.0..allowed).contains(&ratio), "{cell}: {ratio}");
    }
}

/// The number that `run --dry` prints is the number of bytes that are asked for.
#[test]
fn memory_plan_is_what_is_allocated() {
    let Some(executor) = gpu_adapter::open("memory_plan_is_what_is_allocated") else {
        return;
    };
    for (cell, n, units, batch, n_steps) in [("vanilla", 65, 7, 5, 6), ("lstm", 3, 33, 40, 24)] {
        let population = gpu_adapter::population(cell, n, units);
        let options = TrainOptions {
            batch,
            ..TrainOptions::new(n)
        };
        let planned = executor
            .memory(&population.architecture, n, batch, n_steps)
            .unwrap();
        let bank = gpu_adapter::trials(9, n_steps, 2, 3);
        let bank_bytes = 4 * (bank.inputs.len() + 2 * bank.targets.len() + bank.n_trials);
        let before = executor.gpu().unwrap().stats();
        let mut training = executor.training(&population, &options, None).unwrap();
        training.advance(&bank, 1).unwrap();
        let allocated = executor.gpu().unwrap().stats().bytes_allocated - before.bytes_allocated;
        println!(
            "{cell}: {allocated} bytes allocated, planned {planned:?} and a bank of {bank_bytes}"
        );
        // Ten buffers, each rounded up to 16 bytes.
        let surplus = allocated as i64 - (planned.total + bank_bytes) as i64;
        assert!((0..160).contains(&surplus), "{cell}: {surplus}");
    }
}

#[test]
fn optimise_diverged_network_touches_no_neighbour() {
    let test = "optimise_diverged_network_touches_no_neighbour";
    let Some(gpu) = gpu_adapter::open(test) else {
        return;
    };
    let cpu = CpuExecutor::new(Some(2)).unwrap();
    // relu lets the wild network's activity grow without bound.
    let seeds: Vec<_> = (1..4).map(chiliad_engine::population::Seeds::all).collect();
    let population = chiliad_engine::population::initialise::initialise(
        &gpu_adapter::architecture("vanilla", "relu", 7, 2, 3),
        &seeds,
    );
    let n = population.layout.n_params;
    for executor in [&gpu as &dyn Executor, &cpu] {
        let calm = trained(executor, &population, &options(3), &[12]);
        let mut wild_options = options(3);
        wild_options.learning_rate[1] = 1e6;
        let wild = trained(executor, &population, &wild_options, &[12]);
        for network in [0, 2] {
            assert_eq!(
                bits(&calm.params[network * n..(network + 1) * n]),
                bits(&wild.params[network * n..(network + 1) * n])
            );
        }
        assert_eq!(calm.diverged_at, [None; 3]);
        let at = wild.diverged_at[1].expect("a learning rate of 1e6 diverges");
        println!("{}: diverged at step {at}", executor.describe());
        assert_eq!((wild.diverged_at[0], wild.diverged_at[2]), (None, None));
        // Frozen at that step: training on changes nothing of it.
        let longer = trained(executor, &population, &wild_options, &[12, 3]);
        assert_eq!(longer.diverged_at[1], Some(at));
        assert_eq!(bits(&wild.params[n..2 * n]), bits(&longer.params[n..2 * n]));
    }
    let mut wild_options = options(3);
    wild_options.learning_rate[1] = 1e6;
    let longer = trained(&gpu, &population, &wild_options, &[12, 3]);
    assert_eq!(longer.active, [true, false, true]);
}

#[test]
fn optimise_frozen_network_stays() {
    let Some(executor) = gpu_adapter::open("optimise_frozen_network_stays") else {
        return;
    };
    let population = gpu_adapter::population("vanilla", 3, 7);
    let bank = gpu_adapter::trials(9, 6, 2, 3);
    let mut training = executor.training(&population, &options(3), None).unwrap();
    training.advance(&bank, 2).unwrap();
    let before = training.state().unwrap();
    training.freeze(&[true, false, true]).unwrap();
    training.advance(&bank, 2).unwrap();
    let after = training.state().unwrap();
    let n = population.layout.n_params;
    assert_eq!(
        bits(&before.params[n..2 * n]),
        bits(&after.params[n..2 * n])
    );
    assert_ne!(before.params[..n], after.params[..n]);
    // From the checkpoint, on another session: the same bits.
    let mut resumed = executor
        .training(&population, &options(3), Some(before))
        .unwrap();
    resumed.freeze(&[true, false, true]).unwrap();
    resumed.advance(&bank, 2).unwrap();
    assert_same(&after, &resumed.state().unwrap());
}

/// Adam learns something: the loss on the bank falls, and `evaluate` is the loss that `gradient` gives.
#[test]
fn train_lowers_the_loss() {
    let Some(executor) = gpu_adapter::open("train_lowers_the_loss") else {
        return;
    };
    let population = gpu_adapter::population("vanilla", 2, 7);
    let bank = gpu_adapter::trials(9, 6, 2, 3);
    let mut training = executor.training(&population, &options(2), None).unwrap();
    let before = training.evaluate(&bank).unwrap();
    let given = executor.gradient(&population, &bank).unwrap().loss;
    before
        .iter()
        .zip(&given)
        .for_each(|(a, b)| assert!((a - b).abs() < 1e-6 * b));
    training.advance(&bank, 60).unwrap();
    let after = training.evaluate(&bank).unwrap();
    assert!(
        after.iter().zip(&before).all(|(a, b)| *a < 0.9 * b),
        "{before:?} -> {after:?}"
    );
}

/// The same bits under WebGPU's default limits and under the adapter's own.
#[test]
fn limits_change_no_bit() {
    let Some(default) = gpu_adapter::open_with("limits_change_no_bit", LimitsChoice::WebGpuDefault)
    else {
        return;
    };
    let Some(adapter) = gpu_adapter::open_with("limits_change_no_bit", LimitsChoice::Adapter)
    else {
        return;
    };
    assert_eq!(
        default.gpu().unwrap().limits(),
        &wgpu::Limits {
            ..wgpu::Limits::default()
        }
    );
    let population = gpu_adapter::population("vanilla", 3, 7);
    assert_same(
        &trained(&default, &population, &options(3), &[3]),
        &trained(&adapter, &population, &options(3), &[3]),
    );
}

struct LoseAt(u64);

impl Fault for LoseAt {
    fn loses_device(&self, submission: u64) -> bool {
        submission == self.0
    }
}

/// A device lost in the middle: a new one, the last host state, the same bits.
#[test]
fn device_lost_is_survived() {
    let Some(executor) = gpu_adapter::open("device_lost_is_survived") else {
        return;
    };
    let population = gpu_adapter::population("vanilla", 3, 7);
    let undisturbed = trained(&executor, &population, &options(3), &[2, 3]);
    let fragile = gpu_adapter::open("device_lost_is_survived")
        .unwrap()
        .with_budget(1e-12);
    fragile.gpu().unwrap().inject(Arc::new(LoseAt(13)));
    assert_same(
        &undisturbed,
        &trained(&fragile, &population, &options(3), &[2, 3]),
    );
    // Five submissions a step: the loss came in the third, and the executor's device is still the lost one.
    assert_eq!(fragile.gpu_as_held().stats().submissions, 14);
    // The executor opens another device by itself.
    let trials = gpu_adapter::trials(5, 6, 2, 3);
    assert_eq!(
        executor.gradient(&population, &trials).unwrap(),
        fragile.gradient(&population, &trials).unwrap()
    );
}

/// The future of a native device is ready at once.
fn ready<T>(future: impl Future<Output = T>) -> T {
    match std::pin::pin!(future).poll(&mut std::task::Context::from_waker(std::task::Waker::noop()))
    {
        std::task::Poll::Ready(value) => value,
        std::task::Poll::Pending => panic!("not ready"),
    }
}

/// A device of the embedding program, with bindings of 24 KiB: the population is cut into chunks and waves, and no bit
/// changes. Lost, it cannot be opened again here, and the error says so.
#[test]
fn fleet_in_chunks_on_an_embedders_device() {
    let Some(executor) = gpu_adapter::open("fleet_in_chunks_on_an_embedders_device") else {
        return;
    };
    let name = executor.gpu().unwrap().adapter().name;
    let instance = wgpu::Instance::new(wgpu::InstanceDescriptor::new_without_display_handle());
    let adapter = ready(instance.enumerate_adapters(wgpu::Backends::all()))
        .into_iter()
        .find(|a| a.get_info().name == name)
        .unwrap();
    let required_limits = wgpu::Limits {
        max_storage_buffer_binding_size: 24 << 10,
        ..wgpu::Limits::default()
    };
    let (device, queue) = ready(adapter.request_device(&wgpu::DeviceDescriptor {
        required_limits,
        ..Default::default()
    }))
    .unwrap();
    let small = GpuExecutor::new(Gpu::from_device(device, queue, adapter.get_info()));
    small.gpu().unwrap().poison_new_buffers();
    let population = gpu_adapter::population("vanilla", 65, 7);
    let plan = small
        .training(&population, &options(65), None)
        .unwrap()
        .plan(6)
        .unwrap();
    println!("{plan}");
    assert!(plan.chunk < 65 && plan.slots < plan.chunk);
    assert_same(
        &trained(&executor, &population, &options(65), &[3]),
        &trained(&small, &population, &options(65), &[3]),
    );
    let trials = gpu_adapter::trials(9, 6, 2, 3);
    assert_eq!(
        executor.gradient(&population, &trials).unwrap(),
        small.gradient(&population, &trials).unwrap()
    );
    assert_eq!(
        executor
            .roll_out(&population, &trials.inputs, 9, 6)
            .unwrap(),
        small.roll_out(&population, &trials.inputs, 9, 6).unwrap()
    );
    let long = small
        .roll_out(&population, &vec![0.0; 4000], 1, 2000)
        .unwrap_err()
        .to_string();
    assert!(
        long.contains("2000 time steps") && long.contains("24576"),
        "{long}"
    );
    small
        .gpu()
        .unwrap()
        .inject(Arc::new(LoseAt(small.gpu().unwrap().stats().submissions)));
    let mut training = small.training(&population, &options(65), None).unwrap();
    let lost = training.advance(&trials, 1).unwrap_err();
    assert!(matches!(lost, EngineError::DeviceLost { .. }), "{lost}");
    assert!(matches!(
        small.gradient(&population, &trials),
        Err(EngineError::DeviceLost { .. })
    ));
}

/// Noise is drawn by counter: the same bits whatever the rhythm, others for another seed, none where the level is 0.
#[test]
fn train_step_noise_is_drawn_by_counter() {
    let Some(executor) = gpu_adapter::open("train_step_noise_is_drawn_by_counter") else {
        return;
    };
    let mut population = gpu_adapter::population("rate", 3, 7);
    let mut noisy = options(3);
    noisy.noise = vec![0.5, 0.0, 0.5];
    let one = trained(&executor, &population, &noisy, &[4]);
    assert_same(
        &one,
        &trained(
            &executor.clone().with_budget(1e-12),
            &population,
            &noisy,
            &[1, 3],
        ),
    );
    let quiet = trained(&executor, &population, &options(3), &[4]);
    population.seeds[2].noise = 99;
    let other = trained(&executor, &population, &noisy, &[4]);
    let n = population.layout.n_params;
    let differ = |a: &OptimiserState, b: &OptimiserState, network: usize| {
        a.params[network * n..][..n] != b.params[network * n..][..n]
    };
    assert_eq!(
        [0, 1, 2].map(|k| differ(&one, &quiet, k)),
        [true, false, true]
    );
    assert_eq!(
        [0, 1, 2].map(|k| differ(&one, &other, k)),
        [false, false, true]
    );
}

/// Networks with banks of their own, of different lengths: each trains as if it were alone.
#[test]
fn banks_of_their_own_change_no_bit() {
    let Some(executor) = gpu_adapter::open("banks_of_their_own_change_no_bit") else {
        return;
    };
    let population = gpu_adapter::population("vanilla", 3, 7);
    let banks = [
        gpu_adapter::trials(9, 6, 2, 3),
        gpu_adapter::trials(5, 4, 2, 3),
    ];
    let of = [1, 0, 1];
    let mut together = executor.train(&population, &options(3), None).unwrap();
    together
        .advance_each(&[&banks[0], &banks[1]], &of, 3)
        .unwrap();
    let together = together.state().unwrap();
    assert_eq!((together.step, &together.active[..]), (3, &[true; 3][..]));
    let size = together.params.len() / 3;
    for (n, bank) in of.into_iter().enumerate() {
        let one = population.select(&[n]);
        let mut alone = executor.train(&one, &options(1), None).unwrap();
        alone.advance(&banks[bank], 3).unwrap();
        let alone = alone.state().unwrap();
        assert_eq!(
            bits(&together.params[n * size..][..size]),
            bits(&alone.params)
        );
    }
}
