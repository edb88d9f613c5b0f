//! The command line on real files: PyTorch's numbers come back, and a study ends with the same bits however it was run.
use crate::folder::Folder;
use chiliad_tasks::read_npz;
use std::path::{Path, PathBuf};
use std::process::Command;

fn chiliad(arguments: &[&str], code: i32) {
    let output = Command::new(env!("CARGO_BIN_EXE_chiliad"))
        .args(arguments)
        .output()
        .unwrap();
    assert_eq!(
        output.status.code(),
        Some(code),
        "{arguments:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
}

#[test]
fn pytorch_networks_roll_out_as_in_pytorch() {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/data");
    let folder = Folder::new("pytorch");
    for (name, cell, activation) in [
        ("rnn_tanh", "vanilla", "tanh"),
        ("rnn_relu", "vanilla", "relu"),
        ("gru", "gru_reset_after", "tanh"),
        ("gru_stack", "gru_reset_after", "tanh"),
        ("lstm", "lstm", "tanh"),
    ] {
        let path = |p: PathBuf| p.to_str().unwrap().to_owned();
        let (weights, reference) = (
            path(data.join(format!("pytorch_{name}.safetensors"))),
            path(data.join(format!("pytorch_{name}.npz"))),
        );
        let (dir, again) = (
            path(folder.join(name)),
            path(folder.join(format!("{name}-again"))),
        );
        let (out, exported) = (
            path(folder.join(format!("{name}.npz"))),
            path(folder.join(format!("{name}.safetensors"))),
        );
        chiliad(
            &[
                "import",
                &weights,
                "--cell",
                cell,
                "--activation",
                activation,
                "--layout",
                "pytorch",
                "--out",
                &dir,
            ],
            0,
        );
        chiliad(
            &["roll-out", &dir, "--inputs", &reference, "--out", &out],
            0,
        );
        let (found, expected) = (read_npz(&out).unwrap(), read_npz(&reference).unwrap());
        for (ours, theirs) in [("state.h", "h"), ("outputs", "outputs")] {
            let worst = found[ours]
                .to_f64()
                .iter()
                .zip(expected[theirs].to_f64())
                .map(|(a, b)| (a - b).abs())
                .fold(0.0, f64::max);
            assert_eq!(found[ours].to_f64().len(), expected[theirs].to_f64().len());
            assert!(worst < 1e-6, "{name} {ours}: {worst:e}");
        }
        // Out and in again is the same network.
        chiliad(&["export", &dir, "--out", &exported], 0);
        chiliad(
            &[
                "import",
                &exported,
                "--cell",
                cell,
                "--activation",
                activation,
                "--layout",
                "pytorch",
                "--out",
                &again,
            ],
            0,
        );
        assert_eq!(
            std::fs::read(folder.join(name).join("weights.safetensors")).unwrap(),
            std::fs::read(folder.join(format!("{name}-again/weights.safetensors"))).unwrap()
        );
    }
}

#[test]
fn interrupted_or_sharded_a_study_ends_with_the_same_bits() {
    let folder = Folder::new("bits");
    let study = folder.join("s.ron");
    std::fs::write(&study, "(title: \"small\", task: \"flip_flop\", networks: [Train(cell: [\"gru\", \"vanilla\"], units: 7, seeds: 3, max_steps: 60, eval_every: 10, eval_trials: 32, bank_trials: 64, snapshots: [])], measure: [FixedPoints(seeds: 32, driven: 8, driven_steps: 50)])").unwrap();
    let at = |name: &str| folder.join(name).to_str().unwrap().to_owned();
    let file = study.to_str().unwrap();
    chiliad(&["run", file, "--out", &at("whole")], 0);
    // Every run stops at its first evaluation and leaves a checkpoint.
    chiliad(
        &[
            "run",
            file,
            "--out",
            &at("interrupted"),
            "--time-limit",
            "0",
        ],
        75,
    );
    assert!(
        folder
            .join("interrupted/populations/gru-tanh-7/checkpoint.npz")
            .exists()
    );
    chiliad(&["status", &at("interrupted")], 0);
    chiliad(&["run", file, "--out", &at("interrupted")], 0);
    for part in ["1/2", "2/2"] {
        chiliad(&["run", file, "--out", &at(&part[..1]), "--shard", part], 0);
    }
    chiliad(&["merge", &at("2"), &at("1"), "--out", &at("merged")], 0);
    for cell in ["gru", "vanilla"] {
        for name in [
            "weights.safetensors",
            "networks.parquet",
            "curves.parquet",
            "fixed_points.parquet",
            "fixed_points.npz",
            "census.json",
        ] {
            let read = |run: &str| {
                std::fs::read(
                    folder
                        .join(run)
                        .join(format!("populations/{cell}-tanh-7/{name}")),
                )
                .unwrap()
            };
            assert!(
                read("whole") == read("interrupted"),
                "{cell} {name} differs after an interruption"
            );
            assert!(
                read("whole") == read("merged"),
                "{cell} {name} differs after a merge"
            );
        }
    }
    assert!(folder.join("merged/report.html").exists());
    chiliad(
        &[
            "inspect",
            &at("whole"),
            "--population",
            "gru-tanh-7",
            "--network",
            "2",
        ],
        0,
    );
}

#[test]
fn a_bare_module_without_a_readout_outputs_its_hidden_state() {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/data");
    let (tensors, _) =
        chiliad_engine::files::read_tensors(&data.join("pytorch_gru.safetensors")).unwrap();
    let bare: Vec<(String, Vec<usize>, Vec<f32>)> = tensors
        .into_iter()
        .filter(|(name, _)| !name.starts_with("readout"))
        .map(|(name, t)| (name, t.shape, t.data.iter().map(|x| *x as f32).collect()))
        .collect();
    let folder = Folder::new("bare");
    let at = |name: &str| folder.join(name).to_str().unwrap().to_owned();
    let (file, net, out) = (at("bare.safetensors"), at("net"), at("out.npz"));
    let bytes = chiliad_engine::files::tensors_to_bytes(&bare, None).unwrap();
    std::fs::write(&file, bytes).unwrap();
    let cell = ["--cell", "gru_reset_after", "--layout", "pytorch"];
    chiliad(
        &[&["import", &file], &cell[..], &["--out", &net]].concat(),
        0,
    );
    let reference = data.join("pytorch_gru.npz");
    let inputs = reference.to_str().unwrap();
    chiliad(&["roll-out", &net, "--inputs", inputs, "--out", &out], 0);
    let ours = read_npz(&out).unwrap();
    assert_eq!(ours["outputs"].to_f64(), ours["state.h"].to_f64());
    let theirs = read_npz(&reference).unwrap()["h"].to_f64();
    for (a, b) in ours["outputs"].to_f64().iter().zip(&theirs) {
        assert!((a - b).abs() < 1e-6);
    }
}
