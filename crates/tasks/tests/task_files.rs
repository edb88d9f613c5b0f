//! Task files: what is refused, and how the error says so.

#![expect(
    clippy::unwrap_used,
    reason = "a test helper that fails is a test that fails"
)]

use chiliad_tasks::Task;
use proptest::prelude::*;

const FLIP_FLOP: &str = include_str!("../../../tasks/flip_flop.ron");
const SINE: &str = include_str!("../../../tasks/sine.ron");
const CONTEXT: &str = include_str!("../../../tasks/context_integration.ron");

fn error(text: &str, from: &str, to: &str) -> String {
    assert!(text.contains(from), "{from}");
    let error = Task::from_ron(&text.replacen(from, to, 1), "mine/task.ron")
        .unwrap_err()
        .to_string();
    assert!(error.starts_with("mine/task.ron"), "{error}");
    error
}

#[test]
fn an_unknown_field_names_line_column_and_the_nearest() {
    let message = error(
        FLIP_FLOP,
        "FlipFlop(bits: 3, steps",
        "FlipFlop(bits: 3, step",
    );
    assert!(message.starts_with("mine/task.ron:5:34: "), "{message}");
    assert!(
        message.contains("no field `step`") && message.contains("did you mean `steps`?"),
        "{message}"
    );
    let message = error(FLIP_FLOP, "summary:", "sumary:");
    assert!(message.contains("did you mean `summary`?"), "{message}");
    let message = error(FLIP_FLOP, "generator: FlipFlop", "generator: FlipFlip");
    assert!(
        message.starts_with("mine/task.ron:5:") && message.contains("did you mean `FlipFlop`?"),
        "{message}"
    );
    let message = error(SINE, "order: Grid", "order: grid");
    assert!(message.contains("did you mean `Grid`?"), "{message}");
}

#[test]
fn a_value_out_of_range_names_the_path_of_its_field() {
    for (text, from, to, says) in [
        (
            CONTEXT,
            "recipe: (",
            "recipe: (curriculum: [(variant: \"ood-lang\", until: 0.1)], ",
            "recipe.curriculum[0].variant = ood-lang: must be",
        ),
        (
            CONTEXT,
            "recipe: (",
            "recipe: (curriculum: [(variant: \"train\", until: 0.1), (variant: \"train\", until: -1.0)], ",
            "recipe.curriculum[1].until = -1",
        ),
        (
            FLIP_FLOP,
            "bits: 3",
            "bits: 0",
            "generator.bits = 0: must be a whole number from 1",
        ),
        (FLIP_FLOP, "steps: 64", "steps: 0", "generator.steps = 0"),
        (
            FLIP_FLOP,
            "pulse_probability: 0.1",
            "pulse_probability: 1.5",
            "generator.pulse_probability = 1.5: must lie between 0 and 1",
        ),
        (
            FLIP_FLOP,
            "pulse_probability: 0.05",
            "pulse_probability: -1",
            "variants[\"sparse\"].pulse_probability = -1",
        ),
        (
            FLIP_FLOP,
            "input_noise: 0.0",
            "input_noise: NaN",
            "generator.input_noise = NaN",
        ),
        (FLIP_FLOP, "bits: 3, ", "", "generator.bits = (missing)"),
        (
            FLIP_FLOP,
            "steps: 128",
            "bits: 4",
            "variants[\"sparse\"] = 4 inputs, 4 outputs: must be 3 inputs",
        ),
        (
            FLIP_FLOP,
            "FlipFlop(steps: 128)",
            "Sine(steps: 128)",
            "variants[\"ood-double_length\"] = Sine: must be FlipFlop too",
        ),
        (
            SINE,
            "loss_from: 16",
            "loss_from: 256",
            "generator.loss_from = 256: must be below steps = 256",
        ),
        (
            SINE,
            "omega_min: 0.04",
            "omega_min: 0.3",
            "generator.omega_min = 0.3: must not be above omega_max",
        ),
        (
            CONTEXT,
            "noise: 0.125",
            "noise: inf",
            "generator.noise = inf",
        ),
    ] {
        let message = error(text, from, to);
        assert!(message.contains(says), "{message}");
    }
    for (from, to) in [
        ("\"sparse\"", "\"train\""),
        ("\"sparse\"", "\"ood-dense\""),
        ("\"sparse\"", "\"a/b\""),
        ("bits: 3", "bits: -3"),
    ] {
        let message = error(FLIP_FLOP, from, to);
        assert!(message.starts_with("mine/task.ron:"), "{message}");
        assert!(
            message
                .split(':')
                .nth(1)
                .is_some_and(|line| line.parse::<u32>().is_ok()),
            "{message}"
        );
    }
}

proptest! {
    #[test]
    fn random_text_is_refused_without_a_panic(text in any::<String>()) {
        let error = Task::from_ron(&text, "t.ron").unwrap_err().to_string();
        prop_assert!(error.starts_with("t.ron:"));
    }

    #[test]
    fn tokens_in_any_order_are_refused_without_a_panic(
        tokens in prop::collection::vec(prop::sample::select(vec![
            "(", ")", "{", "}", "[", "]", ",", ":", "\"", "summary", "generator", "variants", "FlipFlop", "Sine", "bits",
            "steps", "1", "-1e400", "0x", "true", "Some", "//", "/*", "r#", "'", "\n", "inf", "#![enable(", "18446744073709551616",
        ]), 0..60),
    ) {
        prop_assert!(Task::from_ron(&tokens.concat(), "t.ron").is_err());
    }

    /// A task file with a piece replaced: a task that samples, or an error that names the file.
    #[test]
    fn a_mutated_task_file_never_panics(
        which in 0..3_usize, at in any::<prop::sample::Index>(), cut in 0..12_usize, insert in "[-0-9a-zA-Z_:.,(){}\"]{0,6}",
    ) {
        let text: Vec<char> = [FLIP_FLOP, SINE, CONTEXT][which].chars().collect();
        let at = at.index(text.len());
        let mutated: String =
            text[..at].iter().copied().chain(insert.chars()).chain(text[(at + cut).min(text.len())..].iter().copied()).collect();
        match Task::from_ron(&mutated, "t.ron") {
            Err(error) => prop_assert!(error.to_string().starts_with("t.ron")),
            Ok(task) => {
                let shape = task.shape("train").unwrap();
                if shape.n_steps * shape.n_inputs < 100_000 {
                    prop_assert!(task.sample("train", 2, 1).is_ok());
                }
            }
        }
    }
}
