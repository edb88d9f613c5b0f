//! What the built-in tasks promise, held on their trials.

#![expect(
    clippy::unwrap_used,
    reason = "a test helper that fails is a test that fails"
)]

use chiliad_tasks::{Task, Trials, builtin_names};

fn task(name: &str) -> Task {
    Task::builtin(name).unwrap()
}

/// Every trial as (inputs, targets) by step, `[time][channel]`.
fn steps(trials: &Trials, trial: usize) -> impl Iterator<Item = (&[f32], &[f32])> {
    let inputs = trials
        .inputs
        .chunks_exact(trials.n_inputs)
        .skip(trial * trials.n_steps);
    let targets = trials
        .targets
        .chunks_exact(trials.n_outputs)
        .skip(trial * trials.n_steps);
    inputs.zip(targets).take(trials.n_steps)
}

#[test]
fn every_builtin_variant_samples_what_its_shape_says() {
    let complete: Vec<_> = builtin_names()
        .take_while(|n| *n != "angle_integration")
        .collect();
    assert_eq!(
        complete,
        [
            "flip_flop",
            "sine",
            "context_integration",
            "integration",
            "cddm",
            "go_no_go",
            "memory_number",
            "delayed_discrimination",
            "path_integration",
            "path_integration_3d",
            "delayed_match",
        ]
    );
    for name in complete {
        let task = task(name);
        assert!(task.census.is_some(), "{name}");
        assert_eq!(task.name, name);
        assert!(!task.summary.is_empty() && !task.source.is_empty());
        assert_eq!(task.variants().next(), Some("train"));
        assert!(
            task.variants().filter(|v| v.starts_with("ood-")).count() >= 2,
            "{name}"
        );
        for variant in task.variants() {
            let trials = task.sample(variant, 5, 3).unwrap();
            assert_eq!(
                (trials.n_trials, trials.shape()),
                (5, task.shape(variant).unwrap()),
                "{name} {variant}"
            );
            let checked = trials.clone();
            Trials::new(
                5,
                checked.shape(),
                checked.inputs,
                checked.targets,
                checked.mask,
                checked.condition,
            )
            .unwrap();
        }
        for condition in task.conditions() {
            assert_eq!(condition.input.len(), task.shape("train").unwrap().n_inputs);
        }
    }
}

#[test]
fn trials_do_not_depend_on_the_split_or_the_thread() {
    for name in builtin_names() {
        let task = task(name);
        let whole = task.sample("train", 40, 9).unwrap();
        std::thread::scope(|scope| {
            for (first, n) in [(0, 1), (1, 6), (7, 33), (39, 1)] {
                let (task, whole) = (&task, &whole);
                scope.spawn(move || {
                    let indices: Vec<usize> = (first..first + n).collect();
                    let range = task.sample_range("train", first, n, 9).unwrap();
                    assert!(range == whole.select(&indices).unwrap(), "{name}");
                });
            }
        });
        // One task has nothing to draw.
        if name != "oscillation" {
            assert!(task.sample("train", 40, 10).unwrap() != whole, "{name}");
            assert!(task.evaluation(40, 9).unwrap() != whole, "{name}");
        }
        assert_eq!(
            task.evaluation(40, 9).unwrap(),
            task.evaluation(40, 9).unwrap()
        );
    }
}

/// Five standard deviations of the binomial: a correct generator fails one of the two bounds with probability 1.2e-6
/// each, and the seed is fixed.
#[test]
fn flip_flop_pulses_at_its_rate_with_fair_signs() {
    for (variant, probability) in [("train", 0.1), ("sparse", 0.05), ("ood-dense", 0.5)] {
        let trials = task("flip_flop").sample(variant, 2000, 4).unwrap();
        let (mut n, mut pulses, mut positive) = (0.0_f64, 0.0, 0.0);
        for trial in 0..trials.n_trials {
            for (input, _) in steps(&trials, trial).skip(1) {
                for x in input {
                    n += 1.0;
                    pulses += f64::from(x.abs());
                    positive += f64::from(u8::from(*x > 0.0));
                }
            }
        }
        assert!(
            (pulses - n * probability).abs() < 5.0 * (n * probability * (1.0 - probability)).sqrt(),
            "{variant}"
        );
        assert!(
            (positive - pulses / 2.0).abs() < 5.0 * (pulses / 4.0).sqrt(),
            "{variant}"
        );
    }
}

#[test]
fn flip_flop_target_is_the_last_pulse_and_the_first_is_forced() {
    let trials = task("flip_flop").sample("train", 300, 5).unwrap();
    assert_eq!(
        (trials.n_steps, trials.n_inputs, trials.n_outputs),
        (64, 3, 3)
    );
    assert!(trials.mask.iter().all(|w| *w == 1.0));
    for trial in 0..trials.n_trials {
        let mut held = [0.0; 3];
        for (step, (input, target)) in steps(&trials, trial).enumerate() {
            for bit in 0..3 {
                assert!([-1.0, 0.0, 1.0].contains(&input[bit]));
                assert!(step > 0 || input[bit] != 0.0);
                if input[bit] != 0.0 {
                    held[bit] = input[bit];
                }
            }
            assert_eq!(target, held);
        }
    }
    let longer = task("flip_flop")
        .sample("ood-double_length", 300, 5)
        .unwrap();
    assert_eq!(
        longer.inputs[..64 * 3],
        trials.inputs[..64 * 3],
        "a longer trial begins with the shorter one"
    );
}

#[test]
fn sine_values_input_and_mask() {
    let task = task("sine");
    let trials = task.sample_all("analysis", 0).unwrap();
    assert_eq!((trials.n_trials, trials.n_steps), (51, 256));
    assert_eq!(trials.condition, (0..51).collect::<Vec<i32>>());
    let conditions = task.conditions();
    assert_eq!(conditions.len(), 51);
    for (j, condition) in conditions.iter().enumerate() {
        let omega = 0.04 + 0.16 * j as f64 / 50.0;
        for t in 0..256 {
            assert!((f64::from(trials.target(j, t, 0)) - (omega * t as f64).sin()).abs() < 1e-6);
            assert!((f64::from(trials.input(j, t, 0)) - (j as f64 / 51.0 + 0.25)).abs() < 1e-7);
        }
        assert_eq!(condition.input, [trials.input(j, 0, 0)]);
        assert!(trials.mask[j * 256..][..16].iter().all(|w| *w == 0.0));
        assert!(
            trials.mask[j * 256 + 16..(j + 1) * 256]
                .iter()
                .all(|w| *w == 1.0)
        );
    }
    assert_eq!(task.shape("ood-long").unwrap().n_steps, 1024);
    assert_eq!(
        (
            task.grid_size("train").unwrap(),
            task.grid_size("analysis").unwrap()
        ),
        (None, Some(51))
    );
    assert!(
        task.sample_all("train", 0)
            .unwrap_err()
            .to_string()
            .contains("say how many")
    );
    // Each of 51 frequencies drawn 51,000 times in all: 5 sigma of the binomial, 3e-5 for all 51 bounds together.
    let drawn = task.sample("train", 51_000, 1).unwrap();
    for j in 0..51 {
        let count = drawn.condition.iter().filter(|c| **c == j).count() as f64;
        assert!(
            (count - 1000.0).abs() < 5.0 * (1000.0_f64 * 50.0 / 51.0).sqrt(),
            "{j}: {count}"
        );
    }
}

#[test]
fn context_target_is_the_running_sum_of_the_attended_stream() {
    let trials = task("context_integration")
        .sample("train", 2000, 6)
        .unwrap();
    assert_eq!(
        (trials.n_steps, trials.n_inputs, trials.n_outputs),
        (100, 4, 1)
    );
    let (mut square, mut n, mut between) = (0.0, 0.0, 0.0);
    for trial in 0..trials.n_trials {
        let context = trials.condition[trial] as usize;
        let mut sum = 0.0;
        for (input, target) in steps(&trials, trial) {
            assert_eq!(input[2 + context], 1.0);
            assert_eq!(input[3 - context], 0.0);
            sum += f64::from(input[context]);
            assert_eq!(target, [(sum / 2.0) as f32]);
        }
        for stream in 0..2 {
            let mean = steps(&trials, trial)
                .map(|(input, _)| f64::from(input[stream]))
                .sum::<f64>()
                / 100.0;
            square += steps(&trials, trial)
                .map(|(input, _)| (f64::from(input[stream]) - mean).powi(2))
                .sum::<f64>();
            n += 99.0;
            between += mean * mean;
        }
    }
    // Five standard errors of a variance (relative sqrt(2 / n)) and of the share of contexts: at most 6e-7 each.
    let (noise, mean) = (square / n, between / 4000.0);
    assert!(
        (noise / 0.125_f64.powi(2) - 1.0).abs() < 5.0 * (2.0 / n).sqrt(),
        "{noise}"
    );
    let expected = 0.02_f64.powi(2) + 0.125_f64.powi(2) / 100.0;
    assert!(
        (mean / expected - 1.0).abs() < 5.0 * (2.0 / 4000.0_f64).sqrt(),
        "{mean}"
    );
    let ones = trials.condition.iter().sum::<i32>();
    assert!(
        (f64::from(ones) - 1000.0).abs() < 5.0 * 500.0_f64.sqrt(),
        "{ones}"
    );
    let conditions: Vec<_> = task("context_integration")
        .conditions()
        .into_iter()
        .map(|c| c.input)
        .collect();
    assert_eq!(conditions, [[0.0, 0.0, 1.0, 0.0], [0.0, 0.0, 0.0, 1.0]]);
}

#[test]
fn requests_that_cannot_be_met_are_refused() {
    let task = task("flip_flop");
    for (n, says) in [
        (0, "at least one"),
        (usize::MAX, "numbered up to"),
        (1 << 31, "ask for ranges"),
    ] {
        let error = task.sample("train", n, 0).unwrap_err().to_string();
        assert!(error.contains(says), "{error}");
    }
    let error = task.sample("spars", 1, 0).unwrap_err().to_string();
    assert!(error.contains("did you mean `sparse`?"), "{error}");
    let error = Task::find("flipflop").unwrap_err().to_string();
    assert!(error.contains("did you mean `flip_flop`?"), "{error}");
    assert!(
        Task::find("nowhere.ron")
            .unwrap_err()
            .to_string()
            .contains("nowhere.ron")
    );
    assert!(
        Task::find("nowhere.npz")
            .unwrap_err()
            .to_string()
            .contains("nowhere.npz")
    );
}
