//! The command line as a contract, from outside: what comes back on plain files that were not made here.

use crate::folder::Folder;
use chiliad_tasks::{NpzArray, read_npz};
use serde_json::Value;
use std::path::PathBuf;
use std::process::Command;

impl Folder {
    /// Ends with `code` and a message that says all of `needed`, none of them twice.
    fn says_once(&self, words: &str, code: i32, needed: &[&str]) {
        let output = self.chiliad(words, code);
        let message = String::from_utf8_lossy(&output.stderr).into_owned();
        for part in needed {
            assert_eq!(
                message.matches(part).count(),
                1,
                "`{part}` must be said once: {message}"
            );
        }
    }

    /// One vanilla network with these recurrent weights, imported into `name`.
    fn vanilla(&self, name: &str, w_rec: &[f32], activation: &str) {
        let n = (w_rec.len() as f64).sqrt() as usize;
        let tensors = [
            ("w_rec.a".to_owned(), vec![n, n], w_rec.to_vec()),
            ("w_in.a".to_owned(), vec![n, 1], vec![0.5; n]),
            ("w_out".to_owned(), vec![1, n], vec![1.0; n]),
        ];
        std::fs::write(
            self.join(format!("{name}.safetensors")),
            chiliad_engine::files::tensors_to_bytes(&tensors, None).unwrap(),
        )
        .unwrap();
        self.chiliad(
            &format!(
                "import {name}.safetensors --cell vanilla --activation {activation} --out {name}"
            ),
            0,
        );
    }
}

fn one_condition(census: &Value, condition: usize) -> (String, Option<i64>) {
    let c = &census["networks"][0]["conditions"][condition];
    (
        c["certificate"].as_str().unwrap().to_owned(),
        c["index_sum"].as_i64(),
    )
}

#[test]
fn fixed_points_of_known_networks() {
    let f = Folder::new("points");
    // Three uncoupled units h' = tanh(1.7 h): 3^3 points, of which 2^3 are stable.
    let mut diagonal = [0.0; 9];
    (0..3).for_each(|i| diagonal[4 * i] = 1.7);
    f.vanilla("cube", &diagonal, "tanh");
    let census = f.json("fixed-points cube --out cube-points");
    assert_eq!(one_condition(&census, 0), ("held".into(), Some(1)));
    let table = f.table("cube-points/fixed_points.parquet");
    let unstable = |k: i64| {
        table
            .integer("unstable")
            .iter()
            .filter(|u| **u == k)
            .count()
    };
    assert_eq!([0, 1, 2, 3].map(unstable), [8, 12, 6, 1]);
    assert_eq!(table.integer("index_sign").iter().sum::<i64>(), 1);
    let arrays = read_npz(f.join("cube-points/fixed_points.npz")).unwrap();
    assert_eq!(arrays["state"].shape, [27, 3]);
    assert_eq!(arrays["eigenvalues"].shape, [27, 3, 2]);
    for h in arrays["state"].to_f64() {
        assert!((h - (f64::from(1.7_f32) * h).tanh()).abs() < 1e-12, "{h}");
    }
    // The search as one says: a first round alone proves nothing, small rounds need more of them.
    let census = f.json("fixed-points cube --n-seeds 8 --rounds-max 1 --out one-round");
    assert_eq!(one_condition(&census, 0).0, "open");
    let small = "--n-seeds 8 --round-seeds 64 --rounds-max 50 --quiet-rounds 3";
    let census = f.json(&format!("fixed-points cube {small} --out small-rounds"));
    assert_eq!(one_condition(&census, 0), ("held".into(), Some(1)));
    let table = f.table("small-rounds/fixed_points.parquet");
    assert_eq!(table.integer("unstable").len(), 27);
    // Points nearer than the tolerance are one: where it is nearly the size of the cube, fewer are told apart.
    f.json("fixed-points cube --tolerance 0.9 --out coarse");
    let table = f.table("coarse/fixed_points.parquet");
    assert!((1..27).contains(&table.integer("unstable").len()));
    // A network of period 2 has one point, which is unstable; two constant inputs are two conditions.
    f.vanilla("flip", &[-2.0], "tanh");
    f.npz(
        "in.npz",
        &[("inputs", NpzArray::f64(&[2, 1], vec![0.0, 1.0]))],
    );
    let census = f.json("fixed-points flip --inputs in.npz --out flip-points");
    assert_eq!(one_condition(&census, 0), ("held".into(), Some(1)));
    assert_eq!(one_condition(&census, 1), ("held".into(), Some(1)));
    let table = f.table("flip-points/fixed_points.parquet");
    assert_eq!(table.integer("condition"), [0, 1]);
    assert_eq!(table.integer("unstable"), [1, 1]);
    assert!((table.number("spectral_radius")[0] - 2.0).abs() < 1e-12);
    // No box, no certificate: in words, as everywhere.
    f.vanilla("relu", &[0.5], "relu");
    let census = f.json("fixed-points relu --out relu-points");
    assert_eq!(one_condition(&census, 0), ("not applicable".into(), None));
}

/// h' = relu(3 h + x / 2) runs off from most states: that must neither hide its points nor make one of what is none.
#[test]
fn points_of_a_network_that_runs_off() {
    let f = Folder::new("runs-off");
    f.vanilla("net", &[3.0], "relu");
    f.npz(
        "in.npz",
        &[("inputs", NpzArray::f64(&[2, 1], vec![-1.0, 1.0]))],
    );
    f.chiliad("fixed-points net --inputs in.npz --out points", 0);
    assert_eq!(
        f.table("points/fixed_points.parquet").integer("condition"),
        [0, 0]
    );
    let arrays = read_npz(f.join("points/fixed_points.npz")).unwrap();
    let mut states = arrays["state"].to_f64();
    states.sort_by(f64::total_cmp);
    assert_eq!(states, [0.0, 0.25]);
}

#[test]
fn bad_arrays_and_paths_are_refused() {
    let f = Folder::new("arrays");
    f.vanilla("net", &[0.5], "tanh");
    f.npz(
        "huge.npz",
        &[("inputs", NpzArray::f64(&[1, 1, 1], vec![1e300]))],
    );
    f.says_once(
        "roll-out net --inputs huge.npz --out r.npz",
        2,
        &["huge.npz", "finite f32"],
    );
    f.npz(
        "ok.npz",
        &[("inputs", NpzArray::f64(&[1, 1, 1], vec![1.0]))],
    );
    f.says_once(
        "roll-out net --inputs ok.npz --out no/such/r.npz",
        2,
        &["no/such/r.npz", "No such file"],
    );
    f.says_once(
        "roll-out net --inputs nope.npz --out r.npz",
        2,
        &["nope.npz", "No such file"],
    );
    f.says_once("run nope.ron", 2, &["nope.ron", "No such file"]);
    assert!(!f.join("r.npz").exists());
}

#[test]
fn pytorch_without_biases_comes_back_bit_for_bit() {
    let f = Folder::new("biases");
    let tensor = |name: &str, shape: [usize; 2]| {
        let data = (0..shape[0] * shape[1]).map(|i| 0.1 * i as f32 - 0.7);
        (name.to_owned(), shape.to_vec(), data.collect::<Vec<f32>>())
    };
    let tensors = [
        tensor("gru.weight_ih_l0", [15, 2]),
        tensor("gru.weight_hh_l0", [15, 5]),
        tensor("head.weight", [3, 5]),
    ];
    std::fs::write(
        f.join("a.safetensors"),
        chiliad_engine::files::tensors_to_bytes(&tensors, None).unwrap(),
    )
    .unwrap();
    let import = "--cell gru_reset_after --layout pytorch --out";
    f.chiliad(&format!("import a.safetensors {import} a"), 0);
    f.chiliad("export a --layout pytorch --out b.safetensors", 0);
    f.chiliad(&format!("import b.safetensors {import} b"), 0);
    assert!(f.read("a/weights.safetensors") == f.read("b/weights.safetensors"));
}

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

#[test]
fn devices_and_dry_runs_answer_machines() {
    let f = Folder::new("dry");
    let devices = f.json("device");
    assert_eq!(devices["devices"][0]["kind"], "cpu");
    assert!(devices["choice"].is_string() && devices["reason"].is_string());
    f.write("s.ron", "(title: \"t\", task: \"flip_flop\", networks: [Train(cell: [\"gru\", \"lstm\"], units: [32, 64], seeds: 16)], measure: [FixedPoints()])");
    let start = std::time::Instant::now();
    let dry = f.json("run s.ron --dry --set networks[0].seeds=8");
    assert!(start.elapsed().as_secs_f64() < 5.0);
    assert_eq!(dry["networks"], 32);
    assert!(dry["minutes"].as_f64().unwrap() > 0.0);
    assert!(dry["device"]["kind"].is_string() && dry["device"]["reason"].is_string());
    let most = |what: &str| {
        let populations = dry["populations"].as_array().unwrap();
        let bytes = populations.iter().map(|p| p[what].as_u64().unwrap());
        bytes.max().unwrap()
    };
    // The largest population: lstm with 64 units, 4 gates, 3 inputs and outputs, 8 networks; weights thrice and more.
    let parameters = 4 * (64 * 64 + 64 * 3 + 64) + 3 * 64 + 3 + 2 * 64;
    assert!(most("bytes_per_network") >= 3 * 4 * parameters);
    assert_eq!(dry["bytes"], most("bytes"));
    assert!(
        most("history_bytes") > 0
            && most("bytes") >= 8 * most("bytes_per_network") + most("history_bytes")
    );
    assert_eq!(std::fs::read_dir(&f).unwrap().count(), 1);
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
fn a_file_without_a_readout_shows_its_hidden_state() {
    let f = Folder::new("readout");
    let tensors = [
        ("w_rec.a".to_owned(), vec![2, 2], vec![0.0; 4]),
        ("w_in.a".to_owned(), vec![2, 1], vec![0.5, -0.25]),
    ];
    let bytes = chiliad_engine::files::tensors_to_bytes(&tensors, None).unwrap();
    std::fs::write(f.join("w.safetensors"), bytes).unwrap();
    let import = f.json("import w.safetensors --cell vanilla --out net");
    assert_eq!(
        (&import["units"], &import["outputs"]),
        (&2.into(), &2.into())
    );
    let notes = import["notes"].to_string();
    assert!(
        notes.contains("the outputs are the hidden state"),
        "{notes}"
    );
    f.npz(
        "in.npz",
        &[("inputs", NpzArray::f32(&[1, 1, 1], vec![1.0]))],
    );
    f.chiliad("roll-out net --inputs in.npz --out out.npz", 0);
    let rolled = read_npz(f.join("out.npz")).unwrap();
    assert_eq!(rolled["outputs"].to_f32(), rolled["state.h"].to_f32());
    assert!((rolled["outputs"].to_f32()[0] - 0.5_f32.tanh()).abs() < 1e-6);
    // Neither a readout nor a recurrent matrix: no telling how many units there are.
    let bytes = chiliad_engine::files::tensors_to_bytes(&tensors[1..], None).unwrap();
    std::fs::write(f.join("half.safetensors"), bytes).unwrap();
    f.says_once(
        "import half.safetensors --cell vanilla --out half",
        2,
        &["half.safetensors", "`w_rec.a`", "is missing"],
    );
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

#[test]
fn cycles_and_attractors_of_known_networks() {
    let f = Folder::new("cycles");
    // h' = tanh(-1.5 h): 0 is fixed and unstable, the only attractor has period 2.
    f.vanilla("two", &[-1.5], "tanh");
    let result = f.json("cycles two --max-period 3 --out two-cycles");
    let file: Value = serde_json::from_slice(&f.read("two-cycles/result.json")).unwrap();
    assert_eq!(file["networks"], result["networks"]);
    let network = &result["networks"][0];
    let cycles = network["cycles"].as_array().unwrap();
    let of = |i: usize, key: &str| cycles[i][key].clone();
    assert_eq!(cycles.len(), 2, "{cycles:?}");
    assert_eq!((of(0, "period"), of(1, "period")), (1.into(), 2.into()));
    assert_eq!(
        (of(0, "stable"), of(1, "stable")),
        (false.into(), true.into())
    );
    let number = |v: &Value| v.as_f64().unwrap();
    assert!((number(&cycles[1]["points"][0][0]) + 0.858_559_636_640).abs() < 1e-9);
    assert!((number(&cycles[1]["multipliers"][0][0]) - 0.155_482_762_078).abs() < 1e-9);
    assert_eq!(network["conditions"][0]["method"], "newton");
    assert_eq!(network["conditions"][0]["complete"], false);
    let attractors = network["attractors"].as_array().unwrap();
    assert_eq!(attractors.len(), 1);
    assert_eq!(attractors[0]["kind"], "period-2");
    assert_eq!(attractors[0]["cycle"], 1);
    assert_eq!(attractors[0]["uniform"], 512);
    assert_eq!(
        network["conditions"][0]["census"]["uniform"]["period-2"],
        512
    );
    let arrays = read_npz(f.join("two-cycles/cycles.npz")).unwrap();
    assert_eq!(arrays["state"].shape, [3, 1]);
    assert_eq!(arrays["period"].to_i32().unwrap(), [1, 2, 2]);

    // A relu network is solved exactly; an input of 0.4 moves its point: h = 0.5 h + 0.5 x.
    f.vanilla("half", &[0.5], "relu");
    f.npz(
        "inputs.npz",
        &[("inputs", NpzArray::f64(&[2, 1], vec![0.4, -0.4]))],
    );
    let result = f.json("cycles half --inputs inputs.npz --out half-cycles");
    let network = &result["networks"][0];
    let points: Vec<(u64, f64)> = network["cycles"]
        .as_array()
        .unwrap()
        .iter()
        .map(|c| (c["condition"].as_u64().unwrap(), number(&c["points"][0][0])))
        .collect();
    assert_eq!(points.len(), 2, "{points:?}");
    assert!(
        (points[0].1 - 0.4).abs() < 1e-7 && points[1].1 == 0.0,
        "{points:?}"
    );
    for c in 0..2 {
        assert_eq!(network["conditions"][c]["method"], "exact");
        assert_eq!(network["conditions"][c]["complete"], true);
    }
}

#[test]
fn lyapunov_exponents_of_known_networks() {
    let f = Folder::new("lyapunov");
    // At rest on h = tanh(1.7 h): log of 1.7 (1 - h^2).
    f.vanilla("one", &[1.7], "tanh");
    let rest = (0..2000).fold(0.5_f64, |h, _| (f64::from(1.7_f32) * h).tanh());
    let known = (f64::from(1.7_f32) * (1.0 - rest * rest)).ln();
    let result = f.json("lyapunov one --steps 500 --warmup 200 --exponents 1 --out one-le");
    let network = &result["networks"][0];
    let exponent = network["exponents"][0].as_f64().unwrap();
    assert!(
        (exponent - known).abs() < 1e-9,
        "{exponent} against {known}"
    );
    assert_eq!(network["kaplan_yorke"], 0.0);
    assert_eq!(network["entropy"], 0.0);
    assert!(network["standard_error"][0].as_f64().unwrap() < 1e-9);
    assert!(f.join("one-le/result.json").exists());
    let growth = &read_npz(f.join("one-le/lyapunov.npz")).unwrap()["growth"];
    assert_eq!(growth.shape, [1, 1, 20, 1]);
    // Driven: h' = tanh(1.7 h + 0.5 x) with x = 0 is the same network; its initial state is 0, where the exponent is log 1.7.
    f.npz(
        "drive.npz",
        &[("inputs", NpzArray::f64(&[2, 30, 1], vec![0.0; 60]))],
    );
    let result = f.json("lyapunov one --inputs drive.npz --out driven-le");
    let network = &result["networks"][0];
    assert_eq!(network["orbits"], 2);
    assert_eq!(network["steps"], 54);
    let exponent = network["exponents"][0].as_f64().unwrap();
    assert!(
        (exponent - f64::from(1.7_f32).ln()).abs() < 1e-9,
        "{exponent}"
    );
    // A silent relu network annihilates everything: minus infinity is null.
    f.vanilla("silent", &[-0.5], "relu");
    let result = f.json("lyapunov silent --steps 50 --warmup 50 --out silent-le");
    assert!(result["networks"][0]["exponents"][0].is_null(), "{result}");
}

#[test]
fn bad_requests_for_cycles_and_exponents_are_refused() {
    let f = Folder::new("dynamics-refused");
    f.vanilla("net", &[0.5], "tanh");
    f.npz(
        "wide.npz",
        &[("inputs", NpzArray::f64(&[2, 3], vec![0.0; 6]))],
    );
    f.npz(
        "long.npz",
        &[("inputs", NpzArray::f64(&[1, 20, 1], vec![0.0; 20]))],
    );
    f.says_once("cycles net --max-period 0 --out c", 2, &["--max-period 0"]);
    f.says_once(
        "cycles net --inputs wide.npz --out c",
        2,
        &["wide.npz", "[condition, channel]"],
    );
    f.says_once(
        "cycles net --driven 0 --uniform 0 --out c",
        2,
        &["--driven 0 and uniform 0"],
    );
    f.says_once(
        "cycles net --uniform 99999999999 --out c",
        2,
        &["--uniform 99999999999"],
    );
    f.says_once(
        "lyapunov net --steps 99999999999 --out l",
        2,
        &["--steps 99999999999"],
    );
    f.says_once("lyapunov net --steps 0 --out l", 2, &["--steps 0"]);
    f.says_once(
        "lyapunov net --exponents 2 --out l",
        2,
        &["--exponents 2", "1 to 1"],
    );
    f.says_once(
        "lyapunov net --inputs wide.npz --out l",
        2,
        &["wide.npz", "[trial, time, channel]"],
    );
    f.says_once(
        "lyapunov net --inputs long.npz --warmup 30 --out l",
        2,
        &["--warmup 30", "20 steps"],
    );
    f.says_once(
        "lyapunov net --device nosuch --out l",
        2,
        &["nosuch: no such device"],
    );
    assert!(!f.join("c").exists() && !f.join("l").exists());
}
