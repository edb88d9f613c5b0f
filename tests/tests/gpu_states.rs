//! Roll-out and descent on the device.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod gpu_adapter;

use chiliad_engine::executor::Executor as _;
use chiliad_engine::gpu::DescendOptions;
use chiliad_engine::population::{Population, Role};
use chiliad_tests::reference::Reference;

fn step(
    population: &Population,
    network: usize,
    state: &[Vec<f64>],
    input: &[f64],
) -> Vec<Vec<f64>> {
    Reference::new(population, network).step(state, input, &mut Vec::new())
}

#[test]
fn roll_out_matches_the_graph() {
    let Some(executor) = gpu_adapter::open("roll_out_matches_the_graph") else {
        return;
    };
    let trials = gpu_adapter::trials(5, 12, 2, 3);
    for cell in ["vanilla", "rate_current", "gru", "lstm"] {
        let mut population = gpu_adapter::population(cell, 3, 7);
        let layout = population.layout.clone();
        // An initial state that is not zero.
        let first = layout.find(Role::InitialState(0)).unwrap().offset;
        for network in population.params.chunks_mut(layout.n_params) {
            network[first..]
                .iter_mut()
                .enumerate()
                .for_each(|(i, p)| *p = (i as f32 * 0.37).sin());
        }
        let rolled = executor
            .roll_out(&population, &trials.inputs, 5, 12)
            .unwrap();
        let worst = |a: f64, b: f32| (a - f64::from(b)).abs();
        let mut error = 0.0_f64;
        for network in 0..3 {
            for trial in 0..5 {
                let params = population.network(network);
                let mut state: Vec<Vec<f64>> = (0..rolled.states.len())
                    .map(|f| {
                        params[layout.find(Role::InitialState(f)).unwrap().range()]
                            .iter()
                            .map(|p| f64::from(*p))
                            .collect()
                    })
                    .collect();
                for t in 0..12 {
                    let input: Vec<f64> = (0..2)
                        .map(|i| f64::from(trials.input(trial, t, i)))
                        .collect();
                    state = step(&population, network, &state, &input);
                    let row = (network * 5 + trial) * 12 + t;
                    for (f, values) in state.iter().enumerate() {
                        (0..7).for_each(|u| {
                            error = error.max(worst(values[u], rolled.states[f][row * 7 + u]));
                        });
                    }
                    let outputs = Reference::new(&population, network).outputs(&state, &mut vec![]);
                    for (o, y) in outputs.into_iter().enumerate() {
                        error = error.max(worst(y, rolled.outputs[row * 3 + o]));
                    }
                }
            }
        }
        println!("{cell}: {error:.1e}");
        assert!(error < 2e-6, "{cell}: {error:e}");
    }
}

#[test]
fn descend_matches_f64_adam() {
    let Some(executor) = gpu_adapter::open("descend_matches_f64_adam") else {
        return;
    };
    let mut population = gpu_adapter::population("vanilla", 3, 7);
    let w = population
        .layout
        .find(Role::Recurrent(0, 0))
        .unwrap()
        .range();
    for network in population.params.chunks_mut(population.layout.n_params) {
        network[w.clone()].iter_mut().for_each(|p| *p *= 1.5);
    }
    let n_seeds = 37;
    let seeds: Vec<f32> = (0..3 * n_seeds * 7)
        .map(|i| ((i * i) as f32 * 0.013).sin())
        .collect();
    let options = DescendOptions {
        iterations: 1500,
        half_life: 500.0,
        tolerance: 1e-9,
        ..DescendOptions::default()
    };
    let input = [0.3_f32, -0.2];
    let ended = executor
        .descend(&population, &input, &seeds, n_seeds, &options)
        .unwrap();
    let started = executor
        .descend(
            &population,
            &input,
            &seeds,
            n_seeds,
            &DescendOptions {
                iterations: 0,
                ..options.clone()
            },
        )
        .unwrap();
    assert_eq!(
        gpu_adapter::bits(&started.states),
        gpu_adapter::bits(&seeds)
    );
    // The first Adam step goes down the gradient of q, by the learning rate in every direction.
    let speed = |network: usize, h: &[f64]| {
        let next = step(
            &population,
            network,
            &[h.to_vec()],
            &[f64::from(input[0]), f64::from(input[1])],
        );
        0.5 * next[0]
            .iter()
            .zip(h)
            .map(|(a, b)| (a - b).powi(2))
            .sum::<f64>()
    };
    let one = executor
        .descend(
            &population,
            &input,
            &seeds,
            n_seeds,
            &DescendOptions {
                iterations: 1,
                ..options.clone()
            },
        )
        .unwrap();
    for (k, (after, before)) in one.states.chunks(7).zip(seeds.chunks(7)).enumerate() {
        let h: Vec<f64> = before.iter().map(|x| f64::from(*x)).collect();
        for u in 0..7 {
            let [mut up, mut down] = [h.clone(), h.clone()];
            up[u] += 1e-5;
            down[u] -= 1e-5;
            let slope = (speed(k / n_seeds, &up) - speed(k / n_seeds, &down)) / 2e-5;
            if slope.abs() > 1e-4 {
                let moved = f64::from(after[u]) - h[u];
                assert!(
                    (moved + 0.02 * slope.signum()).abs() < 1e-5,
                    "seed {k} unit {u}: moved {moved}, slope {slope}"
                );
            }
        }
    }
    // The same descent in f64, its gradient by differences.
    for seed in [0, 40, 80, 110] {
        let mut h: Vec<f64> = seeds[seed * 7..(seed + 1) * 7]
            .iter()
            .map(|x| f64::from(*x))
            .collect();
        let (mut m, mut v) = (vec![0.0; 7], vec![0.0; 7]);
        for k in 0..options.iterations {
            if speed(seed / n_seeds, &h) <= f64::from(options.tolerance) {
                break;
            }
            let slope: Vec<f64> = (0..7)
                .map(|u| {
                    let [mut up, mut down] = [h.clone(), h.clone()];
                    up[u] += 1e-6;
                    down[u] -= 1e-6;
                    (speed(seed / n_seeds, &up) - speed(seed / n_seeds, &down)) / 2e-6
                })
                .collect();
            let rate = 0.02 * 0.5_f64.powf((k as f64 / f64::from(options.half_life)).floor());
            for u in 0..7 {
                m[u] = 0.9 * m[u] + 0.1 * slope[u];
                v[u] = 0.999 * v[u] + 0.001 * slope[u] * slope[u];
                let (a, b) = (
                    1.0 - 0.9_f64.powi(k as i32 + 1),
                    1.0 - 0.999_f64.powi(k as i32 + 1),
                );
                h[u] -= rate * (m[u] / a) / ((v[u] / b).sqrt() + 1e-8);
            }
        }
        let (found, expected) = (f64::from(ended.q[seed]), speed(seed / n_seeds, &h));
        println!("seed {seed}: q {found:.3e} on the device, {expected:.3e} in f64");
        assert!(
            (found - expected).abs() < 0.02 * expected + 2e-9,
            "seed {seed}: {found:e}, expected {expected:e}"
        );
    }
    // q is that of the state returned, judged in f64.
    for result in [&started, &ended] {
        for (k, (q, state)) in result.q.iter().zip(result.states.chunks(7)).enumerate() {
            let h: Vec<f64> = state.iter().map(|x| f64::from(*x)).collect();
            let next = step(
                &population,
                k / n_seeds,
                std::slice::from_ref(&h),
                &[f64::from(input[0]), f64::from(input[1])],
            );
            let expected = 0.5
                * next[0]
                    .iter()
                    .zip(&h)
                    .map(|(a, b)| (a - b).powi(2))
                    .sum::<f64>();
            // F is off by a few ulp of its largest terms, and q by that times |F(h) - h|.
            assert!(
                (f64::from(*q) - expected).abs() < (2.0 * expected).sqrt() * 2e-6 + 1e-12,
                "seed {k}: {q:e}, expected {expected:e}"
            );
        }
    }
    let mut sorted = ended.q.clone();
    sorted.sort_by(f32::total_cmp);
    println!(
        "q: quartiles {:.1e} {:.1e} {:.1e}",
        sorted[27], sorted[55], sorted[83]
    );
    assert!(
        ended
            .q
            .iter()
            .zip(&started.q)
            .all(|(after, before)| after < before)
    );
    // The rhythm of dispatches and the other seeds decide nothing.
    let hurried = DescendOptions {
        per_dispatch: 7,
        ..options.clone()
    };
    let again = executor
        .descend(&population, &input, &seeds, n_seeds, &hurried)
        .unwrap();
    assert_eq!(
        gpu_adapter::bits(&again.states),
        gpu_adapter::bits(&ended.states)
    );
    let alone = executor
        .descend(
            &population.select(&[1]),
            &input,
            &seeds[(n_seeds + 3) * 7..(n_seeds + 4) * 7],
            1,
            &options,
        )
        .unwrap();
    assert_eq!(alone.q[0].to_bits(), ended.q[n_seeds + 3].to_bits());
}
