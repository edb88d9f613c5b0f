//! The picture of a trial.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use chiliad_tasks::plot::trial_svg;
use chiliad_tasks::{Task, builtin_names};

#[test]
fn a_plot_is_whole_and_labelled() {
    for name in builtin_names() {
        let task = Task::builtin(name).unwrap();
        let trials = task.sample("train", 3, 1).unwrap();
        let svg = trial_svg(
            &trials,
            2,
            "a < b & \"c\"",
            &task.spans("train", 2, 1).unwrap(),
        );
        assert!(svg.starts_with("<svg") && svg.trim_end().ends_with("</svg>"));
        assert!(svg.contains("a &lt; b &amp; &quot;c&quot;") && svg.contains("time (steps)"));
        assert!(svg.contains("prefers-color-scheme: dark"));
        assert!(!svg.contains("NaN") && !svg.contains("inf"), "{name}");
        assert_eq!(
            svg.matches("<polyline").count(),
            trials.n_inputs + trials.n_outputs
        );
        let one = trials.select(&[2]).unwrap();
        assert_eq!(
            svg.contains("grey:"),
            one.mask.iter().any(|w| *w != one.mask[0]),
            "{name}"
        );
        if let Ok(folder) = std::env::var("CHILIAD_PLOTS") {
            std::fs::write(format!("{folder}/{name}.svg"), svg).unwrap();
        }
    }
}

#[test]
fn a_missing_trial_a_single_step_and_a_flat_channel_are_drawn() {
    let trials = Task::builtin("sine")
        .unwrap()
        .sample("train", 1, 1)
        .unwrap();
    assert!(trial_svg(&trials, 1, "t", &[]).contains("No trial 1: there are 1."));
    let text = "(summary: \"\", source: \"\", generator: FlipFlop(bits: 11, steps: 1, pulse_probability: 0, force_first_pulse: false, input_noise: 0))";
    let trials = Task::from_ron(text, "one.ron")
        .unwrap()
        .sample("train", 1, 1)
        .unwrap();
    let svg = trial_svg(&trials, 0, "t", &[]);
    assert!(!svg.contains("NaN") && svg.contains("and 3 more"));
}
