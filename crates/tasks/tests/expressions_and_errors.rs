//! What task files in epochs say, and what they say when something is wrong with them.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use chiliad_tasks::Task;
use proptest::prelude::*;

/// A task whose one output is `value` at every one of four steps.
fn with_target(variables: &str, value: &str) -> String {
    format!(
        "(summary: \"\", source: \"\", generator: Trial(\n inputs: {{\"x\": 2}}, outputs: {{\"y\": 3}},\n variables: {{{variables}}},\n epochs: {{\"a\": 1, \"b\": 3}},\n signals: [(to: \"x\", value: \"i + 1\")],\n targets: [(to: \"y\", value: {value:?})],\n))"
    )
}

/// Targets of the first trial, `[time][output]`.
fn targets(variables: &str, value: &str) -> Vec<f32> {
    let text = with_target(variables, value);
    let task = Task::from_ron(&text, "t.ron").unwrap_or_else(|e| panic!("{value}: {e}"));
    task.sample("train", 1, 0).unwrap().targets
}

#[test]
fn expressions_mean_what_the_page_says() {
    for (value, first) in [
        ("1 + 2 * 3", 7.0),
        ("(1 + 2) * 3", 9.0),
        ("2 ^ 3 ^ 1 - 1", 7.0),
        ("-2 ^ 2", -4.0),
        ("10 - 4 - 3", 3.0),
        ("1e-1 * 10", 1.0),
        ("1 < 2 and not (2 < 1)", 1.0),
        ("not 1 == 2", 1.0),
        ("3 >= 3 or 0", 1.0),
        ("2 > 3", 0.0),
        ("1 != 1", 0.0),
        ("sign(-3) + abs(-3)", 2.0),
        ("min(1, 2) + max(1, 2)", 3.0),
        ("floor(1.7) + round(1.7)", 3.0),
        ("mod(-1, 5)", 4.0),
        ("wrap(3 * pi / 2) * 2 / pi", -1.0),
        ("wrap(-pi) / pi", 1.0),
        ("bump(2 * pi, 1)", 1.0),
        ("exp(log(3)) + sqrt(4) - tanh(0)", 5.0),
        ("cos(0) + sin(0)", 1.0),
        ("if(1 > 2, 10, 20)", 20.0),
        ("pick(2, 5, 6, 7)", 7.0),
        ("pulse(3, 2, 2) + 10 * pulse(4, 2, 2)", 1.0),
        ("n", 3.0),
        ("input(x) + 10 * input(x, 1)", 21.0),
        ("u + v", 3.0),
    ] {
        let found = targets("\"u\": 1, \"v\": \"2 * u\"", value)[0];
        assert!((found - first).abs() < 1e-6, "{value} is {found}");
    }
    assert_eq!(targets("", "i")[..3], [0.0, 1.0, 2.0]);
    let by_step = |value| -> Vec<f32> { targets("", value).into_iter().step_by(3).collect() };
    assert_eq!(by_step("t"), [0.0, 0.0, 1.0, 2.0]);
    assert_eq!(by_step("time"), [0.0, 1.0, 2.0, 3.0]);
    assert_eq!(by_step("total(x, 1)"), [2.0, 4.0, 6.0, 8.0]);
    assert_eq!(by_step("a + 10 * b"), [31.0; 4]);
}

fn refusal(text: &str) -> String {
    Task::from_ron(text, "mine/t.ron").unwrap_err().to_string()
}

#[test]
fn an_error_names_file_line_field_and_what_is_allowed() {
    for (variables, value, says) in [
        ("", "1 +", "mine/t.ron:6:"),
        (
            "",
            "1 +",
            "column 4: the expression ends where a value is expected",
        ),
        ("", "flor(1)", "no function `flor`: did you mean `floor`?"),
        ("", "sin(1, 2)", "`sin` takes 1 arguments, 2 given"),
        ("", "1 $ 2", "column 3: `$` is not expected here"),
        ("", "1..2", "`1..2` is not a finite number"),
        (
            "\"speed\": 1",
            "sped",
            "mine/t.ron:6: generator.targets[0].value = \"sped\": no name `sped` here: did you mean `speed`?",
        ),
        ("", "input(z)", "no input channel `z`"),
        (
            "",
            "1 + uniform(0, 1)",
            "`uniform` draws at random; it must be the whole of a variable",
        ),
        (
            "\"u\": \"v\", \"v\": 1",
            "u",
            "mine/t.ron:3: generator.variables[\"u\"] = \"v\": no name `v` here",
        ),
        (
            "\"u\": \"uniform(2, 1)\"",
            "u",
            "generator.variables[\"u\"]",
        ),
        (
            "\"u\": \"chance(2)\"",
            "u",
            "a probability lies between 0 and 1",
        ),
        (
            "\"u\": \"linspace(0, 1, 0)\"",
            "u",
            "must be a whole number from 1",
        ),
        ("\"u\": \"whole(0.5, 1)\"", "u", "both must be whole"),
        ("\"t\": 1", "t", "the name is taken"),
        ("\"a\": 1", "1", "the name is taken"),
        ("\"u\": 1, \"u\": 2", "1", "`u` is there already"),
        (
            "",
            "1 / (t - 1)",
            "generator.targets = inf: every value must be finite",
        ),
        ("\"u\": inf", "1", "numbers are finite"),
    ] {
        let message = refusal(&with_target(variables, value));
        assert!(message.contains(says), "{variables} {value}: {message}");
    }
    let good = with_target("\"u\": \"choice(0, 1)\"", "u");
    for (from, to, says) in [
        (
            "to: \"y\"",
            "to: \"yy\"",
            "mine/t.ron:6: generator.targets[0].to = \"yy\": did you mean `y`?",
        ),
        ("to: \"x\"", "into: \"x\"", "mine/t.ron:5:"),
        (
            "(to: \"x\"",
            "(during: [\"c\"], to: \"x\"",
            "generator.signals[0].during = \"c\": did you mean `a`?",
        ),
        (
            "\"x\": 2",
            "\"x\": 0",
            "mine/t.ron:2: generator.inputs[\"x\"] = 0: 1 or more components",
        ),
        (
            "\"a\": 1, \"b\": 3",
            "\"a\": -1, \"b\": 3",
            "mine/t.ron:4: generator.epochs[\"a\"] = -1: a duration is 0 or more",
        ),
        ("\"a\": 1, \"b\": 3", "", "generator.epochs = (none)"),
        (
            "\"a\": 1, \"b\": 3",
            "\"a\": \"normal(0, 1)\"",
            "or say `steps`",
        ),
        (
            "\n))",
            "\n order: Grid, copies: 2))",
            "only with `copies: 1`",
        ),
        ("choice(0, 1)", "uniform(0, 1)\", \"w\": \"1", ""),
        ("\n))", "\n mask: [(weight: 0)]))", "some error must count"),
        (
            "\n))",
            "\n conditions: (during: \"a\", at: {\"v\": [1]})))",
            "generator.conditions.at[\"v\"] = no such variable: did you mean `u`?",
        ),
        ("\"i + 1\"", "\"u + 1\"", ""),
    ] {
        assert!(good.contains(from), "{from}");
        let text = good.replacen(from, to, 1);
        if says.is_empty() {
            Task::from_ron(&text, "t.ron").unwrap();
        } else {
            let message = refusal(&text);
            assert!(message.contains(says), "{from} -> {to}: {message}");
        }
    }
    let text = good.replacen("\"i + 1\"", "\"u + 1\"", 1).replacen(
        "\n))",
        "\n conditions: (during: \"a\")))",
        1,
    );
    let message = refusal(&text);
    assert!(
        message.contains("depend on variables whose values are not given"),
        "{message}"
    );
}

#[test]
fn long_and_deep_expressions_are_refused_not_followed() {
    for value in [
        "(".repeat(1500),
        "-".repeat(1500),
        "1+".repeat(900) + "1",
        "not ".repeat(300) + "1",
        "9".repeat(3000),
    ] {
        let text = with_target("", &value);
        if let Err(error) = Task::from_ron(&text, "t.ron") {
            assert!(error.to_string().starts_with("t.ron:6:"), "{error}");
        }
    }
}

/// Expressions that are right by construction.
fn expression() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        (0..100_u32).prop_map(|x| format!("{}", f64::from(x) / 8.0)),
        prop::sample::select(vec![
            "t",
            "time",
            "i",
            "n",
            "angle",
            "pi",
            "u",
            "v",
            "a",
            "b",
            "input(x)",
            "total(x, 1)"
        ])
        .prop_map(str::to_owned),
    ];
    leaf.prop_recursive(4, 24, 3, |inner| {
        prop_oneof![
            (
                inner.clone(),
                prop::sample::select(vec!["+", "-", "*", "<", "<=", "==", "!=", ">", "and", "or"]),
                inner.clone()
            )
                .prop_map(|(a, o, b)| format!("({a} {o} {b})")),
            (
                prop::sample::select(vec![
                    "sin", "cos", "sign", "abs", "tanh", "floor", "round", "wrap", "-", "not "
                ]),
                inner.clone()
            )
                .prop_map(|(f, a)| format!("{f}({a})")),
            (inner.clone(), inner.clone(), inner)
                .prop_map(|(a, b, c)| format!("if({a}, {b}, max({b}, {c}))")),
        ]
    })
}

proptest! {
    #[test]
    fn right_expressions_are_accepted_and_sampled(value in expression()) {
        let text = with_target("\"u\": \"choice(0, 1)\", \"v\": \"uniform(u, 2)\"", &value);
        if value.len() < 1000 {
            let task = Task::from_ron(&text, "t.ron");
            prop_assert!(task.is_ok(), "{}", task.unwrap_err());
            let trials = task.unwrap().sample("train", 8, 1).unwrap();
            prop_assert!(trials.targets.iter().all(|x| x.is_finite()));
        }
    }

    #[test]
    fn any_text_in_place_of_an_expression_is_refused_or_sampled(value in "[-+*/^()<>=!,. a-z0-9]{0,40}") {
        match Task::from_ron(&with_target("\"u\": 1", &value), "t.ron") {
            Ok(task) => prop_assert!(task.sample("train", 2, 1).is_ok()),
            Err(error) => prop_assert!(error.to_string().starts_with("t.ron:"), "{}", error),
        }
    }

    /// Files of the library with a piece replaced: a task that samples, or an error that names file and, but for what is
    /// missing, line.
    #[test]
    fn mutated_files_never_panic(
        which in 0..6_usize, at in any::<prop::sample::Index>(), cut in 0..12_usize, insert in "[-0-9a-zA-Z_:.,(){}\"]{0,6}",
    ) {
        let text: Vec<char> = [
            include_str!("../../../tasks/cddm.ron"), include_str!("../../../tasks/memory_number.ron"),
            include_str!("../../../tasks/delayed_match.ron"), include_str!("../../../tasks/go.ron"),
            include_str!("../../../tasks/path_integration.ron"), include_str!("../../../tasks/hidden_markov.ron"),
        ][which].chars().collect();
        let at = at.index(text.len());
        let mutated: String =
            text[..at].iter().copied().chain(insert.chars()).chain(text[(at + cut).min(text.len())..].iter().copied()).collect();
        match Task::from_ron(&mutated, "t.ron") {
            Err(error) => prop_assert!(error.to_string().starts_with("t.ron:"), "{}", error),
            Ok(task) => {
                let shape = task.shape("train").unwrap();
                if shape.n_steps * shape.n_inputs.max(shape.n_outputs) < 100_000 {
                    prop_assert!(task.sample("train", 2, 1).is_ok());
                }
            }
        }
    }
}
