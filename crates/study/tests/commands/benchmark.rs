//! The benchmark from outside: step sizes tuned by pilots, its files and figures, resumption and parts.
use crate::folder::Folder;
use chiliad::tables::Table;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

const STUDY: &str = r#"(
    title: "benchmark", task: "flip_flop",
    networks: [Train(
        cell: ["vanilla", "lstm"], units: 12, match: Parameters, seeds: 7, batch: 8, bank_trials: 64, eval_trials: 32,
        eval_every: 10, max_steps: 120, until: Loss(0.2), tune: (learning_rate: [1e-6, 0.03], pilots: 2),
    )],
    measure: [Benchmark(noise: [1e-6, 0.5], silenced: [0.1, 0.5], draws: 2, longer: "double_length", trials: 24)],
)"#;

fn folder(name: &str) -> Folder {
    let path = Folder::new(name);
    std::fs::write(path.join("study.ron"), STUDY).unwrap();
    path
}

fn chiliad(folder: &Path, words: &str) -> (i32, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_chiliad"))
        .args(words.split(' '))
        .current_dir(folder)
        .output()
        .unwrap();
    (
        output.status.code().unwrap_or(-1),
        String::from_utf8_lossy(&output.stderr).into_owned(),
    )
}

fn run(folder: &Path, words: &str) {
    let (code, message) = chiliad(folder, words);
    assert_eq!(code, 0, "{words}: {message}");
}

fn table(file: PathBuf) -> Table {
    Table::from_bytes(std::fs::read(&file).unwrap(), &file).unwrap()
}

/// Every file of a study folder but those that hold seconds, by path.
fn files(root: &Path) -> BTreeMap<String, Vec<u8>> {
    let (mut found, mut look) = (BTreeMap::new(), vec![root.to_owned()]);
    while let Some(path) = look.pop() {
        for entry in std::fs::read_dir(path).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                look.push(path);
                continue;
            }
            let name = path.strip_prefix(root).unwrap().display().to_string();
            if !["manifest.json", "report.html", "benchmark/cost.json"].contains(&name.as_str()) {
                found.insert(name, std::fs::read(path).unwrap());
            }
        }
    }
    found
}

#[test]
fn benchmark_says_who_learns_how_fast_and_how_robustly() {
    let folder = folder("whole");
    run(&folder, "run study.ron --device cpu --out out");
    let out = folder.join("out");
    let summary: Value =
        serde_json::from_slice(&std::fs::read(out.join("benchmark/summary.json")).unwrap())
            .unwrap();
    let rows = summary["rows"].as_array().unwrap();
    assert_eq!(rows.len(), 2);
    let tests = table(out.join("benchmark/networks.parquet"));
    for row in rows {
        let label = row["label"].as_str().unwrap();
        // The chosen rate: of its own pilots, in the resolved study and in the table of networks.
        let place = out.join("populations").join(label);
        let pilots = table(place.join("tuning.parquet"));
        assert_eq!(pilots.n_rows(), 4);
        let networks = table(place.join("networks.parquet"));
        let of_study = networks.integer("init_seed");
        assert!(
            pilots
                .integer("init_seed")
                .iter()
                .all(|s| !of_study.contains(s))
        );
        assert!(networks.number("learning_rate").iter().all(|r| *r == 0.03));
        assert_eq!(row["learning_rate"], serde_json::json!([0.03, 0.03]));
        // Success and steps, from the learning curves.
        let curves = table(place.join("curves.parquet"));
        let first = |n: i64| {
            let points = curves.integer("network").iter().zip(curves.integer("step"));
            let points = points.zip(curves.number("loss"));
            points
                .filter(|((m, _), loss)| **m == n && **loss <= f64::from(0.2_f32))
                .map(|((_, step), _)| *step as f64)
                .next()
        };
        let steps: Vec<f64> = (0..7).filter_map(first).collect();
        assert_eq!(row["succeeded"][0], steps.len(), "{label}");
        assert_eq!(row["succeeded"][1], 7);
        assert!(
            !steps.is_empty(),
            "{label}: no network succeeded, the test shows nothing"
        );
        let (k, n, z) = (steps.len() as f64, 7.0, 1.959_963_984_540_054_f64);
        let centre = (k + z * z / 2.0) / (n + z * z);
        let half = z / (n + z * z) * (k * (n - k) / n + z * z / 4.0).sqrt();
        let near = |a: &Value, b: f64| (a.as_f64().unwrap() - b).abs() < 1e-9;
        assert!(near(&row["share"]["low"], (centre - half).max(0.0)));
        assert!(near(&row["share"]["high"], (centre + half).min(1.0)));
        let mut sorted = steps.clone();
        sorted.resize(7, f64::INFINITY);
        sorted.sort_by(f64::total_cmp);
        match row["steps"]["value"].as_f64() {
            Some(median) => assert_eq!(median, sorted[3]),
            None => assert!(sorted[3].is_infinite()),
        }
        // What is hardly disturbed is hardly worse; much noise and half of the units gone are felt.
        let loss = |v: &Value| v["value"].as_f64().unwrap();
        let undisturbed = loss(&row["loss"]);
        assert!((loss(&row["noise"][0][1]) / undisturbed - 1.0).abs() < 1e-3);
        assert!(loss(&row["noise"][1][1]) > 1.1 * undisturbed);
        assert!(loss(&row["silenced"][1][1]) > 1.1 * undisturbed);
        assert!(loss(&row["longer"]) > 0.0);
        assert!(row["operations"].as_f64().unwrap() > 0.0);
        // Six tests for each that succeeded, one row for each that did not.
        let of_row = tests.words("population").iter().filter(|p| *p == label);
        assert_eq!(of_row.count(), 6 * steps.len() + (7 - steps.len()));
    }
    // Matched by parameters.
    let parameters = |r: &Value| r["n_parameters"].as_f64().unwrap();
    assert!((parameters(&rows[1]) / parameters(&rows[0]) - 1.0).abs() < 0.3);
    assert!(rows[1]["units"].as_u64() < rows[0]["units"].as_u64());
    let resolved = std::fs::read_to_string(out.join("resolved.ron")).unwrap();
    assert_eq!(resolved.matches("chosen: Some(0.03)").count(), 2);
    let cost: Value =
        serde_json::from_slice(&std::fs::read(out.join("benchmark/cost.json")).unwrap()).unwrap();
    assert!(
        cost.as_object()
            .unwrap()
            .values()
            .all(|c| c[0].as_f64().unwrap() > 0.0)
    );
    let report = std::fs::read_to_string(out.join("report.html")).unwrap();
    for words in [
        "<h2>Benchmark</h2>",
        "50 % silenced",
        "longer trials",
        "What it takes",
    ] {
        assert!(report.contains(words), "{words}");
    }
    let figure = std::fs::read_to_string(out.join("figures/benchmark.svg")).unwrap();
    assert!(figure.contains("Steps to criterion") && !figure.contains("NaN"));
    // A damaged file is made anew, with the same content; nothing else changes.
    let before = files(&out);
    std::fs::write(out.join("benchmark/summary.json"), "{}").unwrap();
    run(&folder, "run study.ron --device cpu --out out");
    assert_eq!(before, files(&out));
}

#[test]
fn interrupted_and_cut_runs_give_the_same_benchmark() {
    let folder = folder("parts");
    run(&folder, "run study.ron --device cpu --out whole");
    let whole = files(&folder.join("whole"));
    // Killed earlier and later, in pilots, networks or tests.
    for times in 1..9 {
        let mut child = Command::new(env!("CARGO_BIN_EXE_chiliad"))
            .args("run study.ron --device cpu --out pieces --checkpoint-every 0".split(' '))
            .current_dir(&folder)
            .stderr(std::process::Stdio::null())
            .stdout(std::process::Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(std::time::Duration::from_millis(25 * times));
        let _ = child.kill();
        child.wait().unwrap();
    }
    run(&folder, "run study.ron --device cpu --out pieces");
    assert_eq!(whole, files(&folder.join("pieces")));
    for part in ["1/2", "2/2"] {
        let out = part.replace('/', "of");
        run(
            &folder,
            &format!("run study.ron --device cpu --out {out} --shard {part}"),
        );
    }
    run(&folder, "merge 1of2 2of2 --out merged");
    assert_eq!(whole, files(&folder.join("merged")));
}

#[test]
fn bad_values_are_refused_with_their_path() {
    let folder = folder("bad");
    for (from, to, words) in [
        (
            "0.5], silenced",
            "-0.5], silenced",
            &["measure[0].noise[1]", "-0.5"][..],
        ),
        (
            "[0.1, 0.5]",
            "[0.1, 1.5]",
            &["measure[0].silenced[1]", "1.5"],
        ),
        ("draws: 2", "draws: 0", &["measure[0].draws"]),
        (
            "double_length",
            "double_lenght",
            &["measure[0].longer", "double_length"],
        ),
        (
            "until: Loss(0.2)",
            "until: Steps",
            &["measure[0].criterion", "names no loss"],
        ),
        ("[1e-6, 0.03]", "[]", &["tune.learning_rate"]),
        (
            "[1e-6, 0.03]",
            "[0.03, 0.03]",
            &["tune.learning_rate[1]", "already"],
        ),
        ("pilots: 2", "pilots: 0", &["tune.pilots"]),
        (
            "max_steps: 120",
            "max_steps: 120, learning_rate: 0.01",
            &["tune", "learning_rate"],
        ),
    ] {
        std::fs::write(folder.join("study.ron"), STUDY.replace(from, to)).unwrap();
        let (code, message) = chiliad(&folder, "run study.ron --device cpu --out out");
        assert_eq!(code, 2, "{to}: {message}");
        for word in words.iter().chain(&["study.ron"]) {
            assert!(
                message.contains(word),
                "{to}: `{word}` is not in: {message}"
            );
        }
        assert!(
            !folder.join("out").exists(),
            "{to}: something was left behind"
        );
    }
}
