//! What a training step costs on the test adapter; prints, asserts nothing but finite numbers. Run with `--ignored --nocapture`.

mod gpu_adapter;

use chiliad_engine::executor::{Executor as _, TrainOptions};
use std::time::Instant;

#[test]
#[ignore = "a measurement"]
fn speed_of_a_training_step() {
    let Some(executor) = gpu_adapter::open("speed_of_a_training_step") else {
        return;
    };
    let (n, units, steps, batch) = (8, 64, 50, 32);
    for (cell, gates) in [("vanilla", 1.0), ("gru", 3.0), ("lstm", 4.0)] {
        let population = gpu_adapter::population(cell, n, units);
        let mut options = TrainOptions::new(n);
        options.batch = batch;
        let bank = gpu_adapter::trials(64, steps, 2, 3);
        let started = Instant::now();
        let mut training = executor.train(&population, &options, None).unwrap();
        training.advance(&bank, 1).unwrap();
        let first = started.elapsed().as_secs_f64();
        let started = Instant::now();
        training.advance(&bank, 2).unwrap();
        let secs = started.elapsed().as_secs_f64() / 2.0;
        let h = units as f64;
        let flops = 3.0
            * (n * batch * steps) as f64
            * (gates * (2.0 * h * h + 2.0 * h * 2.0) + 2.0 * 3.0 * h);
        println!(
            "{cell}: first call {first:.1} s, step {secs:.3} s, {:.2} GFLOP/s, {:?}",
            flops / secs * 1e-9,
            executor.gpu().unwrap().stats()
        );
        assert!(
            training
                .state()
                .unwrap()
                .params
                .iter()
                .all(|p| p.is_finite())
        );
    }
}
