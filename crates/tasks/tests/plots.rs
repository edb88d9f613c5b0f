//! The picture of a trial.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use chiliad_tasks::plot::trial_svg;
use chiliad_tasks::{ChannelNames, Task, Trials, builtin_names};

fn names(trials: &Trials) -> ChannelNames {
    ChannelNames::numbered(trials.shape())
}

#[test]
fn a_plot_is_whole_and_labelled() {
    for name in builtin_names() {
        let task = Task::builtin(name).unwrap();
        let trials = task.sample("train", 3, 1).unwrap();
        let svg = trial_svg(
            &trials,
            2,
            "a < b & \"c\"",
            &task.channel_names("train").unwrap(),
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
    assert!(trial_svg(&trials, 1, "t", &names(&trials), &[]).contains("No trial 1: there are 1."));
    let text = "(summary: \"\", source: \"\", generator: FlipFlop(bits: 11, steps: 1, pulse_probability: 0, force_first_pulse: false, input_noise: 0))";
    let trials = Task::from_ron(text, "one.ron")
        .unwrap()
        .sample("train", 1, 1)
        .unwrap();
    let svg = trial_svg(&trials, 0, "t", &names(&trials), &[]);
    assert!(!svg.contains("NaN") && svg.contains("and 3 more"));
}

#[test]
fn channels_have_the_names_of_the_task_file() {
    let names = |task: &str| Task::builtin(task).unwrap().channel_names("train").unwrap();
    let cddm = names("cddm");
    let inputs = [
        "context 0",
        "context 1",
        "motion 0",
        "motion 1",
        "colour 0",
        "colour 1",
    ];
    assert_eq!(cddm.inputs, inputs);
    assert_eq!(cddm.outputs, ["choice 0", "choice 1"]);
    assert_eq!(
        names("memory_number").inputs,
        ["value", "recall", "constant"]
    );
    assert_eq!(names("flip_flop").inputs, ["input 0", "input 1", "input 2"]);
    let task = Task::builtin("cddm").unwrap();
    let trials = task.sample("train", 1, 1).unwrap();
    let svg = trial_svg(&trials, 0, "t", &cddm, &[]);
    assert!(svg.contains(">motion 1</text>") && svg.contains(">choice 0</text>"));
    // One name per component, whatever the generator and the number of copies.
    for name in builtin_names() {
        let task = Task::builtin(name).unwrap();
        let (shape, found) = (task.shape("train").unwrap(), names(name));
        assert_eq!(
            (shape.n_inputs, shape.n_outputs),
            (found.inputs.len(), found.outputs.len()),
            "{name}"
        );
    }
}
