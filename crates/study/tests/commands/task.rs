//! `chiliad task` from outside: grids whole, a user's trials byte for byte, what is shown, and what is refused.
use crate::folder::Folder;
use chiliad_engine::cell::Cell;
use chiliad_engine::files::own;
use chiliad_engine::population::{Architecture, Seeds, initialise::initialise};
use std::sync::Arc;

#[test]
fn a_grid_is_sampled_whole_and_a_users_trials_come_back() {
    let folder = Folder::new("sample");
    for (name, variant, n) in [
        ("cddm", "grid", 450),
        ("cddm", "grid-98", 98),
        ("cddm", "analysis", 50),
        ("go_no_go", "grid", 256),
        ("memory_number", "analysis", 11),
    ] {
        let answer = folder.json(&format!(
            "task sample {name} --variant {variant} --out a.npz"
        ));
        assert_eq!(answer["trials"], n, "{name} {variant}");
    }
    folder.json("task sample a.npz --out b.npz");
    let bytes = |name: &str| std::fs::read(folder.join(name)).unwrap();
    assert_eq!(bytes("a.npz"), bytes("b.npz"));
    folder.refused(
        "task sample cddm --out nothing.npz",
        &["say how many trials"],
    );
    folder.refused(
        "task sample a.npz --trials 12 --out nothing.npz",
        &["11 trials"],
    );
    std::fs::write(
        folder.join("mine.ron"),
        "(summary: \"\", source: \"\",\n generator: Trial(\n  inputs: {\"x\": 1}, outputs: {\"y\": 1},\n  epochs: {\"a\": \"wat\"},\n  targets: [(to: \"y\", value: 1)],\n ))",
    )
    .unwrap();
    folder.refused(
        "task sample mine.ron --trials 2 --out nothing.npz",
        &["mine.ron:4: generator.epochs[\"a\"] = \"wat\": no name `wat` here"],
    );
}

#[test]
fn show_has_lengths_recipe_and_census_and_plot_has_epochs() {
    let folder = Folder::new("show");
    let shown = folder.json("task show delayed_discrimination");
    let length = &shown["variants"]["train"]["length"];
    assert_eq!((&length["min"], &length["max"]), (&30.into(), &45.into()));
    assert!((length["mean"].as_f64().unwrap() - 37.5).abs() < 1.0);
    assert!(shown["census"].as_str().unwrap().contains("slow"));
    let mse = shown["recipe"]["criterion_mse"].as_f64().unwrap();
    assert!(mse > 0.0 && mse < 0.05);
    folder.json("task plot delayed_discrimination --trial 2 --out p.svg");
    let svg = std::fs::read_to_string(folder.join("p.svg")).unwrap();
    assert!(svg.contains("pulse_1") && svg.contains("response") && svg.contains("trial 2"));
}

#[test]
fn learn_makes_a_row_per_task_and_cell() {
    let folder = Folder::new("learn");
    let rows = folder.json("task learn go_no_go --cells gru --units 16 --seeds 2 --max-steps 300");
    assert_eq!(rows.as_array().unwrap().len(), 1);
    let errors = rows[0]["normalised_errors"].as_array().unwrap();
    assert!(
        errors.len() == 2 && errors.iter().all(|e| e.as_f64().unwrap() < 0.5),
        "{rows}"
    );
    folder.refused("task learn go_no_go nowhere", &["no task `nowhere`"]);
    folder.refused("task learn go_no_go --units 0", &["1 to 4096 units"]);
}

#[test]
fn psychometric_counts_every_trial_of_every_network() {
    let folder = Folder::new("psychometric");
    let architecture = Architecture {
        cell: Arc::new(Cell::builtin("gru", "tanh").unwrap()),
        units: 8,
        inputs: 6,
        outputs: 2,
    };
    let networks = initialise(&architecture, &[Seeds::all(1), Seeds::all(2)]);
    std::fs::create_dir(folder.join("nets")).unwrap();
    std::fs::write(
        folder.join("nets/weights.safetensors"),
        own::to_bytes(&networks).unwrap(),
    )
    .unwrap();
    let found = folder.json("task psychometric cddm nets --variant analysis");
    let curves = found["networks"].as_array().unwrap();
    assert_eq!(curves.len(), 2);
    for curve in curves {
        let points = curve.as_array().unwrap();
        let evidence: Vec<f64> = points
            .iter()
            .map(|p| p["evidence"].as_f64().unwrap())
            .collect();
        assert_eq!(evidence, [-1.0, -0.5, 0.0, 0.5, 1.0]);
        assert!(points.iter().all(|p| p["first"]["n"] == 10));
    }
    folder.refused("task psychometric flip_flop nets", &["names no `evidence`"]);
    folder.refused(
        "task psychometric go_no_go nets",
        &["6 inputs and 2 outputs", "3 and 1"],
    );
}

#[test]
fn a_report_shows_the_decisions_of_every_network_that_counts() {
    let folder = Folder::new("decisions");
    let study = r#"(title: "t", task: "go_no_go", networks: [
        Train(cell: ["vanilla", "gru"], activation: "tanh", units: 6, seeds: 3, until: NormalisedError(20.0), max_steps: 25, batch: 16),
    ], measure: [])"#;
    std::fs::write(folder.join("s.ron"), study).unwrap();
    let output = folder.output("run s.ron --out o --device cpu");
    let message = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{message}");
    let page = std::fs::read_to_string(folder.join("o/report.html")).unwrap();
    let part = page.split("What they decide").nth(1).unwrap();
    let part = part.split("</section>").next().unwrap();
    // 256 values are more than a curve's points: 15 bins, one line per network that reached the criterion.
    let lines: Vec<&str> = part
        .split(r#"class="curve""#)
        .skip(1)
        .map(|l| l.split("/>").next().unwrap())
        .collect();
    assert_eq!(lines.len(), 6);
    for line in lines {
        assert!(line.matches('L').count() >= 10, "{line}");
    }
    let figure = std::fs::read_to_string(folder.join("o/figures/psychometric.svg")).unwrap();
    assert_eq!(figure.matches(r#"class="curve""#).count(), 6);
}

#[test]
fn a_normalised_error_stands_for_the_loss_that_show_prints() {
    let folder = Folder::new("normalised");
    let shown = folder.json("task show go_no_go");
    let (criterion, mse) = (
        &shown["recipe"]["criterion"],
        &shown["recipe"]["criterion_mse"],
    );
    let loss = 0.6 * mse.as_f64().unwrap() / criterion.as_f64().unwrap();
    let run = |until: &str, out: &str| {
        let study = format!(
            r#"(title: "t", task: "go_no_go", networks: [Train(cell: "gru", activation: "tanh", units: 6, seeds: 3,
            until: {until}, max_steps: 300, eval_every: 5, batch: 16)], measure: [])"#
        );
        std::fs::write(folder.join("s.ron"), study).unwrap();
        let output = folder.output(&format!("run s.ron --out {out} --device cpu"));
        let message = String::from_utf8_lossy(&output.stderr).into_owned();
        (output.status.code(), message)
    };
    assert_eq!(run("NormalisedError(0.6)", "a").0, Some(0));
    assert_eq!(run(&format!("Loss({loss:?})"), "b").0, Some(0));
    let weights = |out: &str| {
        let population = folder.join(out).join("populations/gru-tanh-6");
        std::fs::read(population.join("weights.safetensors")).unwrap()
    };
    assert_eq!(weights("a"), weights("b"));
    let page = std::fs::read_to_string(folder.join("a/report.html")).unwrap();
    assert!(page.contains("3 of 3"), "not all reached the criterion");
    let (code, message) = run("NormalisedError(-1.0)", "c");
    assert_eq!(code, Some(2));
    assert!(
        message.contains("until") && message.contains("-1"),
        "{message}"
    );
    assert!(!folder.join("c").exists());
}

#[test]
fn fresh_trials_are_told_and_not_mixed_with_a_banks() {
    let folder = Folder::new("fresh");
    let run = |train: &str, out: &str| {
        let study = format!(
            r#"(title: "t", task: "go_no_go", networks: [Train(cell: "gru", activation: "tanh", units: 6, seeds: 2,
            until: Steps, max_steps: 10, eval_every: 5, batch: 16, {train})], measure: [])"#
        );
        std::fs::write(folder.join("s.ron"), study).unwrap();
        let output = folder.output(&format!("run s.ron --out {out} --device cpu"));
        (
            output.status.code(),
            String::from_utf8_lossy(&output.stderr).into_owned(),
        )
    };
    let (code, message) = run("data: Fresh", "a");
    assert_eq!(code, Some(0), "{message}");
    let page = std::fs::read_to_string(folder.join("a/report.html")).unwrap();
    assert!(
        page.contains("of each network's own stream")
            || page.contains("of each network&#39;s own stream")
    );
    assert_eq!(run("data: Bank", "b").0, Some(0));
    let weights = |out: &str| {
        std::fs::read(
            folder
                .join(out)
                .join("populations/gru-tanh-6/weights.safetensors"),
        )
        .unwrap()
    };
    assert_ne!(weights("a"), weights("b"));
    let (code, message) = run("data: Fresh, in_turn: true", "c");
    assert_eq!(code, Some(2));
    assert!(
        message.contains("networks[0].data") && message.contains("in_turn"),
        "{message}"
    );
    let (code, message) = run("data: Frech", "c");
    assert!(code == Some(2) && message.contains("Fresh"), "{message}");
    assert!(!folder.join("c").exists());
}
