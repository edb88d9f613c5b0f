//! A user's own cell by path, from the tutorial: checked, trained on CPU and GPU without rebuilding anything, its fixed points
//! found.
#![allow(clippy::print_stderr, reason = "a skipped part says so")]

use crate::folder::{Folder, adapter};
use chiliad::tables::Table;
use serde_json::Value;
use std::path::Path;
use std::process::{Command, Output};

/// The tutorial: what it shows is what is tested.
const TUTORIAL: &str = include_str!("../../../../docs/cells.md");

/// The n-th fenced block of a language.
fn block(language: &str, n: usize) -> String {
    let fence = format!("```{language}\n");
    let rest = TUTORIAL.split(&fence).nth(n + 1).unwrap();
    rest.split("```").next().unwrap().to_owned()
}

fn folder(name: &str) -> Folder {
    let path = Folder::new(name);
    std::fs::write(path.join("adapting.wgsl"), block("wgsl", 0)).unwrap();
    std::fs::write(path.join("adapting.ron"), block("ron", 0)).unwrap();
    path
}

fn chiliad(folder: &Path, words: &str, code: i32) -> Output {
    let output = Command::new(env!("CARGO_BIN_EXE_chiliad"))
        .args(words.split(' '))
        .current_dir(folder)
        .output()
        .unwrap();
    let message = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{words}: {message}");
    output
}

fn json(folder: &Path, words: &str) -> Value {
    let output = chiliad(folder, &format!("{words} --json"), 0);
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn a_cell_by_path_trains_on_both_devices_and_has_its_fixed_points_found() {
    let folder = folder("both");
    let checked = json(&folder, "cell check adapting.wgsl");
    assert_eq!(checked["verdict"], "passed", "{checked}");
    assert_eq!(checked["states"], serde_json::json!(["y", "a"]));
    assert_eq!(checked["box"]["Stepped"]["steps"], 1000);
    let study = "(title: \"own\", task: \"flip_flop\", networks: [Train(cell: \"adapting.wgsl\", units: 8, seeds: 2, batch: 8, \
         bank_trials: 64, eval_trials: 16, eval_every: 10, max_steps: 30, until: Steps)], \
         measure: [FixedPoints(seeds: 64, driven: 16, driven_steps: 200)])";
    std::fs::write(folder.join("own.ron"), study).unwrap();
    let mut devices = vec!["cpu".to_owned()];
    devices.extend(adapter());
    let mut losses: Vec<Vec<f64>> = Vec::new();
    for (k, device) in devices.iter().enumerate() {
        let out = format!("out{k}");
        chiliad(
            &folder,
            &format!("run own.ron --device {device} --out {out}"),
            0,
        );
        // The study folder opens without the user's files: the cell's text lies in it.
        let moved = folder.join(format!("alone{k}"));
        std::fs::create_dir(&moved).unwrap();
        std::fs::rename(folder.join(&out), moved.join("study")).unwrap();
        let found = json(&moved, "fixed-points study --out points");
        let networks = found["networks"].as_array().unwrap();
        assert_eq!(networks.len(), 2);
        for network in networks {
            let certificate = &network["conditions"][0]["certificate"];
            assert!(
                certificate == "held" || certificate == "open",
                "{certificate}: the sidecar declares a box"
            );
        }
        let points = Table::from_bytes(
            std::fs::read(moved.join("points/fixed_points.parquet")).unwrap(),
            Path::new("fixed_points.parquet"),
        );
        assert!(points.unwrap().n_rows() >= 2);
        let populations = moved.join("study").join("populations");
        let only = std::fs::read_dir(populations).unwrap().next().unwrap();
        let table = only.unwrap().path().join("networks.parquet");
        let table = Table::from_bytes(std::fs::read(&table).unwrap(), &table).unwrap();
        assert_eq!(table.integer("steps"), [30, 30]);
        losses.push(table.number("final_loss").to_vec());
    }
    if let [cpu, gpu] = &losses[..] {
        for (a, b) in cpu.iter().zip(gpu) {
            assert!((a - b).abs() < 1e-4 * a, "{cpu:?} against {gpu:?}");
        }
    }
    let _ = std::fs::remove_dir_all(&folder);
}

/// Every mistake that the tutorial's table lists is refused with the words the table has.
#[test]
fn mistakes_of_the_tutorial_are_refused_as_it_says() {
    let folder = folder("mistakes");
    let text = block("wgsl", 0);
    let table = TUTORIAL.split("## What is refused").nth(1).unwrap();
    let table = table.split("\n## ").next().unwrap();
    let rows: Vec<Vec<&str>> = table
        .lines()
        .filter(|l| l.starts_with("| `"))
        .map(|l| l.trim_matches('|').split(" | ").map(str::trim).collect())
        .collect();
    assert!(rows.len() >= 6);
    for row in rows {
        let [from, to, says] = row[..] else {
            panic!("{row:?}")
        };
        let [from, to, says] = [from, to, says].map(|cell| cell.trim_matches('`'));
        assert!(text.contains(from), "{from} is not in the example");
        std::fs::write(folder.join("wrong.wgsl"), text.replace(from, to)).unwrap();
        std::fs::write(folder.join("wrong.ron"), block("ron", 0)).unwrap();
        let output = chiliad(&folder, "cell check wrong.wgsl", 2);
        let message = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(message.contains(says), "{to}: {message} has no `{says}`");
    }
    let _ = std::fs::remove_dir_all(&folder);
}
