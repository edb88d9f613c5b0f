//! The condition grids of trainRNNbrain (Tolmachev and Engel 2025), held by sums measured on its own task classes.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use chiliad_tasks::{Task, Trials};

/// Sum, and sum of a[c, t, k] ((c + 1) + 0.01 (t + 1) + 0.0001 (k + 1)), which depends on the order of everything.
fn sums(trials: &Trials, array: &[f32], channels: usize) -> (f64, f64) {
    let (mut plain, mut weighted) = (0.0, 0.0);
    for (at, x) in array.iter().enumerate() {
        let (c, t, k) = (
            at % channels,
            at / channels % trials.n_steps,
            at / channels / trials.n_steps,
        );
        plain += f64::from(*x);
        weighted +=
            f64::from(*x) * ((c + 1) as f64 + 0.01 * (t + 1) as f64 + 0.0001 * (k + 1) as f64);
    }
    (plain, weighted)
}

/// Mean and variance of the targets that count.
fn masked(trials: &Trials) -> (f64, f64) {
    let pairs = || {
        trials
            .targets
            .iter()
            .zip(&trials.mask)
            .map(|(x, w)| (f64::from(*x), f64::from(*w)))
    };
    let weight: f64 = pairs().map(|(_, w)| w).sum();
    let mean = pairs().map(|(x, w)| x * w).sum::<f64>() / weight;
    (
        mean,
        pairs().map(|(x, w)| w * (x - mean).powi(2)).sum::<f64>() / weight,
    )
}

/// Within what rounding values to f32 can do: 6e-8 of each sum.
fn close(found: f64, published: f64, digits: i32) {
    let tolerance = published.abs() * 6e-8 + 0.5 * 10_f64.powi(-digits);
    assert!(
        (found - published).abs() <= tolerance,
        "{found} for {published}"
    );
}

#[test]
fn cddm_grids_are_the_published_ones() {
    let task = Task::builtin("cddm").unwrap();
    for (variant, n, inputs, targets) in [
        (
            "grid",
            450,
            (315_900.0, 1_588_648.545),
            (42_420.0, 170_636.571),
        ),
        (
            "grid-98",
            98,
            (68_796.0, 344_761.540_2),
            (8484.0, 33_977.995_8),
        ),
        (
            "analysis",
            50,
            (35_100.0, 175_814.505),
            (4040.0, 16_170.302),
        ),
    ] {
        let trials = task.sample_all(variant, 0).unwrap();
        assert_eq!(
            (
                trials.n_trials,
                trials.n_steps,
                trials.n_inputs,
                trials.n_outputs
            ),
            (n, 300, 6, 2)
        );
        let digits = if n == 98 { 4 } else { 3 };
        for (found, published) in [
            (sums(&trials, &trials.inputs, 6), inputs),
            (sums(&trials, &trials.targets, 2), targets),
        ] {
            close(found.0, published.0, digits);
            close(found.1, published.1, digits);
        }
        let (mean, variance) = masked(&trials);
        if n == 450 {
            close(mean, 0.233_333, 6);
            close(variance, 0.178_889, 6);
        } else if n == 98 {
            close(mean, 0.214_286, 6);
            close(variance, 0.168_367, 6);
        }
    }
}

#[test]
fn go_no_go_grid_is_the_published_one() {
    let task = Task::builtin("go_no_go").unwrap();
    let trials = task.sample_all("grid", 0).unwrap();
    assert_eq!(
        (
            trials.n_trials,
            trials.n_steps,
            trials.n_inputs,
            trials.n_outputs
        ),
        (256, 60, 3, 1)
    );
    let (inputs, targets) = (
        sums(&trials, &trials.inputs, 3),
        sums(&trials, &trials.targets, 1),
    );
    close(inputs.0, 30_720.0, 3);
    close(inputs.1, 80_069.248, 3);
    close(targets.0, 3840.0, 3);
    close(targets.1, 5661.12, 3);
    let (mean, variance) = masked(&trials);
    close(mean, 0.25, 6);
    close(variance, 0.1875, 6);
    assert_eq!(task.sample_all("analysis", 0).unwrap().n_trials, 11);
}

/// No sums were measured for this one; timing, order and the published mean square of the masked targets (0.1336) hold it.
#[test]
fn memory_number_grid_is_as_published() {
    let task = Task::builtin("memory_number").unwrap();
    for (variant, n) in [("grid", 256), ("analysis", 11)] {
        let trials = task.sample_all(variant, 0).unwrap();
        assert_eq!((trials.n_trials, trials.n_steps), (n, 120));
        for k in 0..n {
            let value = (k as f64 / (n - 1) as f64) as f32;
            for t in 0..120 {
                assert_eq!(
                    trials.input(k, t, 0),
                    if (20..30).contains(&t) { value } else { 0.0 }
                );
                assert_eq!(trials.input(k, t, 1), f32::from(u8::from(t >= 60)));
                assert_eq!(trials.input(k, t, 2), 1.0);
                assert_eq!(trials.target(k, t, 0), if t >= 60 { value } else { 0.0 });
                assert_eq!(
                    trials.mask[k * 120 + t],
                    f32::from(u8::from(!(60..80).contains(&t)))
                );
            }
        }
        if n == 256 {
            let (mean, variance) = masked(&trials);
            close(variance + mean * mean, 0.1336, 4);
        }
    }
    let drawn = task.sample("train", 400, 3).unwrap();
    for trial in 0..400 {
        let on: Vec<usize> = (0..120)
            .filter(|t| drawn.input(trial, *t, 0) != 0.0)
            .collect();
        assert!(on.is_empty() || (on.len() == 10 && on[9] == on[0] + 9 && on[0] < 40));
    }
}
