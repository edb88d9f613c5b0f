//! Studies of the user's own task, networks and cell from outside: in parts, killed, and held against another device.

use crate::folder::Folder;
use chiliad_tasks::NpzArray;
use serde_json::Value;
use std::path::PathBuf;
use std::process::Command;

const OWN: &str = "struct State { h: f32 }
struct Input { a: f32 }
struct Constants { leak: f32 }
fn input_drive(s: State) -> f32 { return s.h; }
fn next(s: State, p: Input, k: Constants) -> State {
    return State((1.0 - k.leak) * s.h + k.leak * activation(p.a));
}
";

#[test]
fn a_users_own_cell_is_checked_and_a_wrong_one_named_by_line() {
    let f = Folder::new("cell");
    f.write("mine.wgsl", OWN);
    f.write(
        "mine.ron",
        "(summary: \"s\", source: \"s\", constants: {\"leak\": 0.3})",
    );
    let found = f.json("cell check mine.wgsl");
    assert_eq!(found["verdict"], "passed");
    assert!(found["points"].as_u64().unwrap() > 100, "{found}");
    assert!(found["worst_error"].as_f64().unwrap() < 1e-6);
    let gpu = &found["gpu"];
    if gpu["checked"] == true {
        assert!(gpu["adapter"].is_string() && gpu["against_cpu"]["gradient"].is_number());
    } else {
        assert_ne!(std::env::var("GPU_TESTS").as_deref(), Ok("required"));
        assert_eq!(gpu["reason"], "no adapter: GPU not checked");
    }
    assert_eq!(found["box"], "Undeclared");
    // 0.7 of the state and 0.3 of the activation stay within the activation's bound; 0.9 and 0.3 do not.
    let sidecar =
        "(constants: {\"leak\": 0.3}, ranges: {\"leak\": (0.0, 1.0)}, box: {\"h\": Activation})";
    f.write("mine.ron", sidecar);
    let steps = &f.json("cell check mine.wgsl")["box"]["Stepped"];
    assert!(steps["steps"] == 1000 && steps["farthest"].as_f64().unwrap() <= 1.0);
    f.write("wide.wgsl", &OWN.replace("(1.0 - k.leak)", "0.9"));
    f.write("wide.ron", sidecar);
    f.says_once("cell check wide.wgsl", 2, &["wide.wgsl", "half-widths"]);
    f.write("bad.wgsl", &OWN.replace("s.h + k", "s.q + k"));
    f.says_once("cell check bad.wgsl", 2, &["bad.wgsl:6"]);
}

/// The user's own trials and networks, an own cell, a reference trained to their loss, and nulls.
#[test]
fn a_study_of_the_users_own_in_parts_ends_with_the_same_bits() {
    let f = Folder::new("own");
    f.write("mine.wgsl", OWN);
    f.write(
        "mine.ron",
        "(summary: \"s\", source: \"s\", constants: {\"leak\": 0.3})",
    );
    let (trials, steps) = (40, 12);
    let wave = |i: usize| ((i * 7 % 23) as f32 - 11.0) / 11.0;
    let inputs: Vec<f32> = (0..trials * steps).map(wave).collect();
    let targets: Vec<f32> = inputs.iter().map(|x| 0.3 * x).collect();
    f.npz(
        "trials.npz",
        &[
            ("inputs", NpzArray::f32(&[trials, steps, 1], inputs)),
            ("targets", NpzArray::f32(&[trials, steps, 1], targets)),
        ],
    );
    let weights = |rows: &[usize], scale: f32| {
        let n: usize = rows.iter().product();
        (
            rows.to_vec(),
            (0..n)
                .map(|i| scale * wave(3 * i + 1))
                .collect::<Vec<f32>>(),
        )
    };
    let tensors: Vec<(String, Vec<usize>, Vec<f32>)> = [
        ("w_rec.a", weights(&[3, 4, 4], 0.8)),
        ("w_in.a", weights(&[3, 4, 1], 1.0)),
        ("w_out", weights(&[3, 1, 4], 0.2)),
    ]
    .into_iter()
    .map(|(name, (shape, data))| (name.to_owned(), shape, data))
    .collect();
    std::fs::write(
        f.join("mine.safetensors"),
        chiliad_engine::files::tensors_to_bytes(&tensors, None).unwrap(),
    )
    .unwrap();
    f.write("s.ron", "(title: \"<script>alert(1)</script>\", task: External(\"trials.npz\"), networks: [
        Train(name: \"ref\", cell: [\"mine.wgsl\", \"gru\"], units: [3, 5], seeds: 3, until: LossOf(\"mine\"), max_steps: 40, eval_every: 10, eval_trials: 32, bank_trials: 40, snapshots: [0.5, 0.1, 0.05]),
        Train(name: \"first\", cell: \"gru\", units: 4, seeds: 3, until: Steps, max_steps: 20, eval_every: 10, eval_trials: 32, bank_trials: 40),
        Train(name: \"then\", cell: \"gru\", units: 2, seeds: 3, until: LossOf(\"first\"), max_steps: 40, eval_every: 10, eval_trials: 32, bank_trials: 40),
        Import(name: \"mine\", file: \"mine.safetensors\", cell: \"mine.wgsl\", constants: {\"leak\": 0.5}),
        Untrained(name: \"null\", like: \"mine\")],
        measure: [FixedPoints(seeds: 16, driven: 4, driven_steps: 30)])");
    f.chiliad("run s.ron --out whole", 0);
    for part in 1..=2 {
        f.chiliad(&format!("run s.ron --out part{part} --shard {part}/2"), 0);
    }
    f.chiliad("merge part2 part1 --out merged", 0);
    let mut compared = 0;
    let mut folders = vec![f.join("whole/populations")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let inside = path.strip_prefix(f.join("whole")).unwrap().to_owned();
            let other = f.join("merged").join(&inside);
            assert!(
                std::fs::read(&path).unwrap() == std::fs::read(&other).unwrap(),
                "{}",
                inside.display()
            );
            compared += 1;
        }
    }
    assert!(compared >= 8 * 6, "{compared} files");
    // Some met the median of the others: it is what the whole group's training left.
    let then = f.table("whole/populations/then-gru-tanh-2/networks.parquet");
    let median = {
        let first = f.table("whole/populations/first-gru-tanh-4/networks.parquet");
        let mut losses = first.number("best_loss").to_vec();
        losses.sort_by(f64::total_cmp);
        losses[1]
    };
    for (outcome, loss) in then.words("outcome").iter().zip(then.number("best_loss")) {
        assert_eq!(
            outcome == "converged",
            *loss <= median,
            "{outcome} {loss} {median}"
        );
    }
    for (label, outcome) in [
        ("mine-mine-tanh-4", "imported"),
        ("null-mine-tanh-4", "untrained"),
    ] {
        let table = f.table(&format!("whole/populations/{label}/networks.parquet"));
        assert_eq!(table.words("outcome"), [outcome; 3]);
    }
    let report = String::from_utf8(f.read("whole/report.html")).unwrap();
    assert!(!report.contains("<script>alert(1)"));
    assert!(report.contains("imported (3)") && report.contains("untrained (3)"));
    // A whole study is no part.
    f.says_once(
        "merge whole --out again",
        2,
        &["whole: holds a whole study", "--shard"],
    );
}

#[cfg(unix)]
#[test]
fn killed_anywhere_a_study_ends_with_the_same_bits() {
    let f = Folder::new("kill");
    f.write("s.ron", "(title: \"t\", task: \"flip_flop\", networks: [Train(cell: \"gru\", units: 8, seeds: 3, until: Steps, max_steps: 80, eval_every: 10, eval_trials: 32, bank_trials: 64, snapshots: [0.9, 0.6])], measure: [FixedPoints(seeds: 256, driven: 32, driven_steps: 500)])");
    f.chiliad("run s.ron --out whole", 0);
    let mut delay = 0.05;
    for _ in 0..40 {
        let mut child = Command::new(env!("CARGO_BIN_EXE_chiliad"))
            .args("run s.ron --out killed --checkpoint-every 0 --json".split(' '))
            .current_dir(&f)
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(std::time::Duration::from_secs_f64(delay));
        delay *= 1.2;
        if child.try_wait().unwrap().is_some() {
            break;
        }
        child.kill().unwrap();
        child.wait().unwrap();
    }
    // What a process killed while writing leaves is cleared, below the folder as well.
    std::fs::write(
        f.join("killed/populations/gru-tanh-8/snapshots/.x.1.part"),
        "half",
    )
    .unwrap();
    f.chiliad("run s.ron --out killed", 0);
    let list = |root: &str| -> Vec<(PathBuf, Vec<u8>)> {
        let root = f.join(root).join("populations/gru-tanh-8");
        let mut files = Vec::new();
        for folder in [root.clone(), root.join("snapshots")] {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_file() {
                    let bytes = std::fs::read(&path).unwrap();
                    files.push((path.strip_prefix(&root).unwrap().to_owned(), bytes));
                }
            }
        }
        files.sort();
        files
    };
    let (whole, killed) = (list("whole"), list("killed"));
    let names =
        |files: &[(PathBuf, Vec<u8>)]| files.iter().map(|f| f.0.clone()).collect::<Vec<_>>();
    assert_eq!(names(&whole), names(&killed));
    assert!(whole == killed);
}

#[test]
fn a_finished_study_is_held_against_another_device() {
    let f = Folder::new("parity");
    f.write("s.ron", "(title: \"t\", task: \"flip_flop\", networks: [Train(cell: [\"vanilla\", \"gru\"], units: 6, seeds: 3, until: Steps, max_steps: 20, eval_every: 10, eval_trials: 32, bank_trials: 64, batch: 16)], measure: [FixedPoints(seeds: 256, driven: 32, driven_steps: 500)])");
    f.says_once("parity s", 2, &["no study folder"]);
    f.chiliad("run s.ron --out s", 0);
    // The trials of the study drive the states where none are given.
    let alone = f.json("fixed-points s --population gru-tanh-6 --out points");
    let reached = |census: &Value| census["networks"][0]["conditions"][0]["reached"].clone();
    let study: Value =
        serde_json::from_slice(&f.read("s/populations/gru-tanh-6/census.json")).unwrap();
    assert_eq!(reached(&alone), reached(&study));
    assert!(
        f.table("points/fixed_points.parquet")
            .flag("reached")
            .contains(&true)
    );
    f.says_once(
        "parity s --device nonsense",
        2,
        &["no such device", "nonsense"],
    );
    f.says_once("parity s --networks 0", 2, &["allowed: 1 or more"]);
    if chiliad_engine::gpu::list().is_empty() {
        assert_ne!(std::env::var("GPU_TESTS").as_deref(), Ok("required"));
        f.says_once("parity s", 2, &["no adapter"]);
        return;
    }
    let found = f.json("parity s");
    assert_eq!(found["agrees"], true, "{found}");
    let populations = found["populations"].as_array().unwrap();
    assert_eq!(populations.len(), 2);
    for population in populations {
        let networks = population["networks"].as_array().unwrap();
        assert_eq!(networks.len(), 2);
        for n in networks {
            assert_eq!(n["steps"], serde_json::json!([20, 20]));
            assert!(n["first_difference"].as_f64().unwrap() < 1e-5, "{n}");
            assert!(n["census"][0]["pairs"].as_u64().unwrap() >= 1, "{n}");
        }
    }
    assert_eq!(found["outcomes"][0][0], "budget_spent");
    assert_eq!(found["outcomes"][0][1][0]["n"], 4);
    assert!(found["devices"][0].as_str().unwrap().starts_with("CPU"));
}
