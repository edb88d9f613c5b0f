//! Bad input ends with exit code 2 (1 for the disk), a message that names file, field, line and what is allowed, and
//! nothing half-written.
use crate::folder::Folder;
use std::path::{Path, PathBuf};
use std::process::Command;

fn chiliad(arguments: &[&str]) -> (i32, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_chiliad"))
        .args(arguments)
        .output()
        .unwrap();
    (
        output.status.code().unwrap_or(-1),
        String::from_utf8_lossy(&output.stderr).into_owned(),
    )
}

/// The command must end with `code`, say all of `words`, and leave `left` files in `folder`.
fn refused(arguments: &[&str], code: i32, words: &[&str], folder: &Path, left: usize) {
    let (found, message) = chiliad(arguments);
    assert_eq!(found, code, "{message}");
    for word in words {
        assert!(message.contains(word), "`{word}` is not in: {message}");
    }
    assert_eq!(
        std::fs::read_dir(folder).unwrap().count(),
        left,
        "something was left behind"
    );
}

fn study(name: &str, text: &str, words: &[&str]) {
    let folder = Folder::new(name);
    let file = folder.join("study.ron");
    std::fs::write(&file, text).unwrap();
    let out = folder.join("out");
    let mut all = vec!["study.ron"];
    all.extend(words);
    refused(
        &[
            "run",
            file.to_str().unwrap(),
            "--out",
            out.to_str().unwrap(),
        ],
        2,
        &all,
        &folder,
        1,
    );
}

#[test]
fn malformed_ron() {
    study(
        "ron",
        "(title: \"t\",\n task: \"flip_flop\",\n networks: [Train(cell: \"gru\", units: 8],\n)",
        &["study.ron:3:", "networks[0]"],
    );
}

#[test]
fn unknown_field() {
    study(
        "field",
        "(title: \"t\", task: \"flip_flop\",\n networks: [Train(cell: \"gru\",\n unts: 8)])",
        &["study.ron:3:", "`unts`", "did you mean `units`?", "`batch`"],
    );
}

#[test]
fn search_out_of_range() {
    let measured = |measure: &str| {
        format!(
            "(title: \"t\", task: \"flip_flop\", networks: [Train(cell: \"gru\", units: 8)],\n measure: [FixedPoints({measure})])"
        )
    };
    study(
        "rounds",
        &measured("rounds_max: 0"),
        &["study.ron:2:", "measure[0].rounds_max", "1 to 1000"],
    );
    study(
        "tolerance",
        &measured("tolerance: 1e-9"),
        &["study.ron:2:", "measure[0].fixed_step", "below `tolerance`"],
    );
    study(
        "round",
        &measured("rounds: 4"),
        &["study.ron:2:", "`rounds`", "`rounds_max`"],
    );
}

#[test]
fn unknown_cell() {
    study(
        "cell",
        "(title: \"t\", task: \"flip_flop\",\n networks: [\n Train(cell: [\"gru\", \"lstn\"], units: 8)])",
        &[
            "study.ron:3:",
            "networks[0].cell[1]",
            "did you mean `lstm`?",
            "vanilla",
        ],
    );
}

#[test]
fn unknown_task_and_activation() {
    study(
        "task",
        "(title: \"t\",\n task: \"flipflop\", networks: [Train(cell: \"gru\", units: 8)])",
        &["study.ron:2:", "task: ", "flip_flop"],
    );
    study(
        "activation",
        "(title: \"t\", task: \"flip_flop\",\n networks: [Train(cell: \"gru\", activation: \"tahn\", units: 8)])",
        &["study.ron:2:", "did you mean `tanh`?"],
    );
}

#[test]
fn zero_units_and_zero_seeds() {
    study(
        "units",
        "(title: \"t\", task: \"flip_flop\",\n networks: [Train(cell: \"gru\",\n units: [8, 0])])",
        &["study.ron:3:", "networks[0].units[1]", "allowed: 1 to"],
    );
    study(
        "seeds",
        "(title: \"t\", task: \"flip_flop\",\n networks: [Train(cell: \"gru\", units: 8,\n seeds: 0)])",
        &["study.ron:3:", "networks[0].seeds", "allowed: "],
    );
}

#[test]
fn a_cell_with_a_loop() {
    let folder = Folder::new("loop");
    let cell = "struct State { h: f32 }\nstruct Input { a: f32 }\nfn input_drive(s: State) -> f32 { return s.h; }\nfn next(s: State, g: Input) -> State {\n    var h = s.h;\n    loop { h = h * 0.5; if h < 0.1 { break; } }\n    return State(h + g.a);\n}\n";
    let file = folder.join("own.wgsl");
    std::fs::write(&file, cell).unwrap();
    refused(
        &["cell", "check", file.to_str().unwrap()],
        2,
        &["own.wgsl:", "not allowed", "instead"],
        &folder,
        1,
    );
    let ron = folder.join("study.ron");
    std::fs::write(
        &ron,
        "(title: \"t\", task: \"flip_flop\",\n networks: [Train(cell: \"own.wgsl\", units: 8)])",
    )
    .unwrap();
    refused(
        &[
            "run",
            ron.to_str().unwrap(),
            "--out",
            folder.join("out").to_str().unwrap(),
        ],
        2,
        &["study.ron:2:", "own.wgsl:"],
        &folder,
        2,
    );
}

/// A vanilla network of 2 units, 1 input, 1 output; `w_rec.a` as given.
fn weights(folder: &Path, shape: Vec<usize>, w_rec: Vec<f32>, extra: Option<&str>) -> PathBuf {
    let mut tensors = vec![
        ("w_rec.a".to_owned(), shape, w_rec),
        ("w_in.a".to_owned(), vec![2, 1], vec![1.0; 2]),
        ("w_out".to_owned(), vec![1, 2], vec![1.0; 2]),
    ];
    tensors.extend(extra.map(|name| (name.to_owned(), vec![1], vec![0.0])));
    let file = folder.join("w.safetensors");
    std::fs::write(
        &file,
        chiliad_engine::files::tensors_to_bytes(&tensors, None).unwrap(),
    )
    .unwrap();
    file
}

fn import(name: &str, make: impl FnOnce(&Path) -> PathBuf, words: &[&str]) {
    let folder = Folder::new(name);
    let file = make(&folder);
    let out = folder.join("out");
    let mut all = vec!["w.safetensors"];
    all.extend(words);
    refused(
        &[
            "import",
            file.to_str().unwrap(),
            "--cell",
            "vanilla",
            "--out",
            out.to_str().unwrap(),
        ],
        2,
        &all,
        &folder,
        1,
    );
}

#[test]
fn safetensors_cut_in_half() {
    let cut = |folder: &Path| {
        let file = weights(folder, vec![2, 2], vec![0.5; 4], None);
        let bytes = std::fs::read(&file).unwrap();
        std::fs::write(&file, &bytes[..bytes.len() / 2]).unwrap();
        file
    };
    import("half", cut, &["not a whole safetensors file"]);
}

#[test]
fn wrong_shapes_and_names() {
    import(
        "shape",
        |f| weights(f, vec![2, 3], vec![0.5; 6], None),
        &["`w_rec.a`", "[2, 3]", "[2, 2]"],
    );
    import(
        "name",
        |f| weights(f, vec![2, 2], vec![0.5; 4], Some("w_rex")),
        &["unknown tensor `w_rex`", "`w_rec.a`"],
    );
}

#[test]
fn nan_weights() {
    import(
        "nan",
        |f| weights(f, vec![2, 2], vec![0.5, 0.5, f32::NAN, 0.5], None),
        &["`w_rec.a`[1, 0] is NaN", "finite"],
    );
}

const SMALL: &str = "(title: \"small\", task: \"flip_flop\", networks: [Train(cell: \"vanilla\", units: 8, seeds: 2, until: Steps, max_steps: 10, eval_every: 5, eval_trials: 16, bank_trials: 64)])";

#[test]
fn the_folder_of_another_study() {
    let folder = Folder::new("other");
    let (file, out) = (folder.join("s.ron"), folder.join("out"));
    std::fs::write(&file, SMALL).unwrap();
    let arguments = [
        "run",
        file.to_str().unwrap(),
        "--out",
        out.to_str().unwrap(),
        "--json",
    ];
    assert_eq!(chiliad(&arguments).0, 0);
    let before = std::fs::read(out.join("populations/vanilla-tanh-8/weights.safetensors")).unwrap();
    // The same command again does nothing again; another study is refused and changes nothing.
    assert_eq!(chiliad(&arguments).0, 0);
    std::fs::write(&file, SMALL.replace("units: 8", "units: 9")).unwrap();
    refused(&arguments, 2, &["holds another study", "--out"], &folder, 2);
    assert_eq!(
        std::fs::read(out.join("populations/vanilla-tanh-8/weights.safetensors")).unwrap(),
        before
    );
    // Nor is a folder of something else taken.
    let foreign = folder.join("foreign");
    std::fs::create_dir(&foreign).unwrap();
    std::fs::write(foreign.join("thesis.tex"), "x").unwrap();
    refused(
        &[
            "run",
            file.to_str().unwrap(),
            "--out",
            foreign.to_str().unwrap(),
        ],
        2,
        &["thesis.tex", "--out"],
        &foreign,
        1,
    );
}

#[cfg(unix)]
#[test]
fn a_full_disk() {
    // A limit on the size of files fails a write in the middle, as a full disk does, and needs no rights.
    let folder = Folder::new("disk");
    let out = folder.join("trials.npz");
    let command = format!(
        "trap '' XFSZ; ulimit -f 8; exec '{}' task sample flip_flop --trials 4096 --out '{}'",
        env!("CARGO_BIN_EXE_chiliad"),
        out.display()
    );
    let output = Command::new("sh").args(["-c", &command]).output().unwrap();
    let message = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{message}");
    assert!(
        message.contains("cannot write") && message.contains("trials.npz"),
        "{message}"
    );
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 0);
    // A study: what was whole stays, the file that did not fit is not there, and a run with room goes on from it.
    let file = folder.join("s.ron");
    std::fs::write(&file, SMALL.replace("units: 8", "units: 128")).unwrap();
    let run = folder.join("out");
    let command = format!(
        "trap '' XFSZ; ulimit -f 64; exec '{}' run '{}' --out '{}'",
        env!("CARGO_BIN_EXE_chiliad"),
        file.display(),
        run.display()
    );
    let output = Command::new("sh").args(["-c", &command]).output().unwrap();
    let message = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{message}");
    assert!(message.contains("weights.safetensors"), "{message}");
    assert!(!run.join("populations/vanilla-tanh-128").exists());
    assert_eq!(
        chiliad(&[
            "run",
            file.to_str().unwrap(),
            "--out",
            run.to_str().unwrap(),
            "--json"
        ])
        .0,
        0
    );
}

#[test]
fn numbers_that_no_machine_can_serve() {
    for (name, setting) in [
        ("bank", "bank_trials: 10000000000"),
        ("eval", "eval_trials: 100000000"),
        ("batch", "batch: 1000000000"),
        ("rate", "learning_rate: 1e300"),
        ("noname", "name: \"\""),
    ] {
        let text = format!(
            "(title: \"t\", task: \"flip_flop\",\n networks: [Train(cell: \"gru\", units: 8,\n {setting})])"
        );
        let field = setting.split(':').next().unwrap();
        study(name, &text, &["study.ron:3:", field, "allowed"]);
    }
    let long = format!(
        "(title: \"t\", task: \"flip_flop\",\n networks: [Train(cell: \"gru\", units: 8,\n name: \"{}\")])",
        "n".repeat(250)
    );
    study("long", &long, &["study.ron:3:", "networks[0].name"]);
    study(
        "words",
        "(title: \"t\", task: \"flip_flop\",\n networks: [Train(cell: \"gru\", units: 8,\n max_steps: -1)])",
        &["study.ron:3:", "max_steps", "whole number"],
    );
    study("deep", &"(".repeat(50_000), &["brackets"]);
    // More units than a kernel takes: refused before there is a folder.
    let folder = Folder::new("gpu-units");
    let (file, out) = (folder.join("s.ron"), folder.join("out"));
    std::fs::write(&file, SMALL.replace("units: 8", "units: 300")).unwrap();
    let arguments = [
        "run",
        file.to_str().unwrap(),
        "--device",
        "llvmpipe",
        "--out",
        out.to_str().unwrap(),
    ];
    refused(&arguments, 2, &[], &folder, 1);
}

/// A study of two small networks that has run.
fn finished(folder: &Path) -> (PathBuf, PathBuf) {
    let (file, out) = (folder.join("s.ron"), folder.join("out"));
    std::fs::write(&file, SMALL).unwrap();
    let arguments = [
        "run",
        file.to_str().unwrap(),
        "--out",
        out.to_str().unwrap(),
    ];
    let (code, message) = chiliad(&arguments);
    assert_eq!(code, 0, "{message}");
    (file, out)
}

#[test]
fn results_replace_nothing_but_results() {
    let folder = Folder::new("replace");
    let (_, study) = finished(&folder);
    let population = study.join("populations/vanilla-tanh-8");
    let precious = folder.join("precious");
    std::fs::create_dir(&precious).unwrap();
    std::fs::write(precious.join("thesis.tex"), "x").unwrap();
    for command in [
        "fixed-points",
        "cycles",
        "lyapunov",
        "linearise",
        "topology",
        "hops",
    ] {
        for (out, word) in [
            (&precious, "thesis.tex"),
            (&population, "networks.parquet"),
            (&study, "study"),
        ] {
            let arguments = [
                command,
                population.to_str().unwrap(),
                "--out",
                out.to_str().unwrap(),
            ];
            let before = std::fs::read_dir(out).unwrap().count();
            let (code, message) = chiliad(&arguments);
            assert_eq!(code, 2, "{command}: {message}");
            let said = message.contains("--out")
                && (message.contains(word) || message.contains("holds `"));
            assert!(said, "{command}: {message}");
            assert_eq!(std::fs::read_dir(out).unwrap().count(), before);
        }
    }
    let out = folder.join("fp");
    let arguments = [
        "fixed-points",
        population.to_str().unwrap(),
        "--n-seeds",
        "99999999999999",
        "--out",
        out.to_str().unwrap(),
    ];
    refused(&arguments, 2, &["--n-seeds", "allowed"], &folder, 3);
    for (option, value) in [
        ("--n-seeds", "0"),
        ("--rounds-max", "0"),
        ("--round-seeds", "99999999999"),
        ("--tolerance", "nan"),
        ("--fixed-step", "0.1"),
    ] {
        let mut arguments = arguments;
        (arguments[2], arguments[3]) = (option, value);
        refused(&arguments, 2, &[option, "allowed"], &folder, 3);
    }
    let arguments = [
        "cycles",
        population.to_str().unwrap(),
        "--max-period",
        "1000000000",
        "--out",
        out.to_str().unwrap(),
    ];
    refused(&arguments, 2, &["--max-period", "allowed"], &folder, 3);
}

#[test]
fn a_folder_that_another_run_works_in() {
    let folder = Folder::new("lock");
    let (file, out) = finished(&folder);
    let held = std::fs::File::create(out.join(".lock")).unwrap();
    fs4::FileExt::lock(&held).unwrap();
    let arguments = [
        "run",
        file.to_str().unwrap(),
        "--out",
        out.to_str().unwrap(),
    ];
    refused(&arguments, 75, &["another run", "--out"], &folder, 2);
    fs4::FileExt::unlock(&held).unwrap();
    assert_eq!(chiliad(&arguments).0, 0);
}

#[test]
fn an_export_that_would_be_another_network() {
    let folder = Folder::new("export");
    let file = weights(&folder, vec![2, 2], vec![0.5; 4], None);
    for (activation, code, words) in [
        ("softplus", 2, "no activation `softplus`"),
        ("relu", 0, "nonlinearity"),
    ] {
        let own = folder.join(activation);
        let imported = [
            "import",
            file.to_str().unwrap(),
            "--cell",
            "vanilla",
            "--activation",
            activation,
            "--out",
            own.to_str().unwrap(),
        ];
        assert_eq!(chiliad(&imported).0, 0);
        let to = folder.join("torch.safetensors");
        let output = Command::new(env!("CARGO_BIN_EXE_chiliad"))
            .args([
                "export",
                own.to_str().unwrap(),
                "--out",
                to.to_str().unwrap(),
            ])
            .output()
            .unwrap();
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said);
        assert_eq!(output.status.code(), Some(code), "{said}");
        assert!(said.contains(words), "{said}");
        assert_eq!(to.exists(), code == 0);
    }
}

#[cfg(target_os = "linux")]
#[test]
fn an_answer_that_cannot_be_written() {
    for words in ["task list", "cell show gru", "task show flip_flop --json"] {
        let output = Command::new("sh")
            .args([
                "-c",
                &format!(
                    "exec '{}' {words} > /dev/full",
                    env!("CARGO_BIN_EXE_chiliad")
                ),
            ])
            .output()
            .unwrap();
        let message = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{words}: {message}");
        assert!(message.contains("standard output"), "{words}: {message}");
    }
}

#[cfg(unix)]
#[test]
fn a_path_that_is_no_text() {
    use std::os::unix::ffi::OsStrExt as _;
    let folder = Folder::new("bytes");
    let out = folder.join(std::ffi::OsStr::from_bytes(b"o\xff.npz"));
    let output = Command::new(env!("CARGO_BIN_EXE_chiliad"))
        .args([
            "task",
            "sample",
            "flip_flop",
            "--trials",
            "1",
            "--json",
            "--out",
        ])
        .arg(&out)
        .output()
        .unwrap();
    assert_eq!(
        output.status.code(),
        Some(0),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(out.exists());
    let file = folder.join("s.ron");
    std::fs::write(&file, SMALL).unwrap();
    let out = folder.join(std::ffi::OsStr::from_bytes(b"study\xff"));
    let output = Command::new(env!("CARGO_BIN_EXE_chiliad"))
        .args(["run", "--json", "--out"])
        .arg(&out)
        .arg(&file)
        .output()
        .unwrap();
    assert_eq!(
        output.status.code(),
        Some(0),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}
