//! What networks are taught with, from outside: curricula, stop rules, states as targets, teacher forcing, own penalties.
use crate::folder::Folder;
use chiliad::tables::Table;
use chiliad_engine::population::{Population, Role};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Runs a study of one `Train(...)` on the CPU; exit code and what was said on standard error.
fn run(folder: &Folder, out: &str, task: &str, train: &str) -> (i32, String) {
    let text = format!(
        "(title: \"teaching\", task: \"{task}\", networks: [Train(batch: 4, bank_trials: 32, eval_trials: 16, \
         eval_every: 5, {train})])"
    );
    std::fs::write(folder.join("study.ron"), text).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_chiliad"))
        .args(["run", "study.ron", "--device", "cpu", "--out", out])
        .current_dir(folder)
        .output()
        .unwrap();
    (
        output.status.code().unwrap_or(-1),
        String::from_utf8_lossy(&output.stderr).into_owned(),
    )
}

/// The only population of a finished study, and its folder.
fn trained(folder: &Folder, out: &str, task: &str, train: &str) -> (Population, PathBuf) {
    let (code, message) = run(folder, out, task, train);
    assert_eq!(code, 0, "{train}: {message}");
    folder.population(out)
}

fn table(place: &Path, file: &str) -> Table {
    let file = place.join(file);
    Table::from_bytes(std::fs::read(&file).unwrap(), &file).unwrap()
}

fn bits(p: &[f32]) -> Vec<u32> {
    p.iter().map(|v| v.to_bits()).collect()
}

#[test]
fn networks_go_through_a_curriculum_at_their_own_speed_and_equal_themselves_alone() {
    let folder = Folder::new("curriculum");
    let lessons = "cell: \"vanilla\", units: 8, max_steps: 60, learning_rate: [0.001, 0.03], until: Steps, \
                   curriculum: [(variant: \"dense\", until: 0.8), (variant: \"sparse\", until: 0.7)]";
    let (together, place) = trained(&folder, "all", "flip_flop", &format!("seeds: 3, {lessons}"));
    let (curves, networks) = (
        table(&place, "curves.parquet"),
        table(&place, "networks.parquet"),
    );
    // The lesson of a point follows from the points before it; each is left at the first loss that is low enough.
    let (mut now, mut last, mut seen) = (0_usize, -1, Vec::new());
    for row in 0..curves.n_rows() {
        let network = curves.integer("network")[row];
        if network != last {
            (now, last) = (0, network);
        }
        assert_eq!(curves.integer("lesson")[row], now as i64);
        seen.push(now);
        if now < 2 && curves.number("loss")[row] <= f64::from([0.8_f32, 0.7][now]) {
            now += 1;
        }
        let ends = curves.integer("network").get(row + 1) != Some(&network);
        assert!(!ends || networks.number("lesson")[network as usize] == now as f64);
    }
    assert!(
        (0..3).all(|lesson| seen.contains(&lesson)),
        "{seen:?}: the test shows nothing"
    );
    let reached = networks.number("lesson");
    assert!(
        reached.iter().any(|l| *l != reached[0]),
        "all at the same speed: {reached:?}"
    );
    for (network, rate) in [(1, "0.001"), (5, "0.03")] {
        let alone = lessons.replace("[0.001, 0.03]", rate);
        let train = format!("seeds: [{}], {alone}", network % 3);
        let (one, _) = trained(&folder, &format!("alone-{network}"), "flip_flop", &train);
        assert_eq!(
            bits(together.network(network)),
            bits(one.network(0)),
            "network {network}"
        );
    }
}

#[test]
fn stop_rules_of_the_papers() {
    let folder = Folder::new("stop");
    let train = |until: &str| {
        format!(
            "cell: \"vanilla\", units: 8, seeds: 2, learning_rate: 0.03, max_steps: 80, until: {until}"
        )
    };
    let (_, place) = trained(
        &folder,
        "held",
        "flip_flop",
        &train("Held(loss: 0.6, evaluations: 3)"),
    );
    let (networks, curves) = (
        table(&place, "networks.parquet"),
        table(&place, "curves.parquet"),
    );
    for n in 0..2 {
        assert_eq!(networks.words("outcome")[n], "converged");
        let of = curves.integer("network").iter().zip(curves.number("loss"));
        let losses: Vec<f64> = of.filter(|p| *p.0 == n as i64).map(|p| *p.1).collect();
        let low = |w: &[f64]| w.iter().all(|l| *l <= f64::from(0.6_f32));
        let first = losses.windows(3).position(low).unwrap();
        assert_eq!(first + 3, losses.len(), "{losses:?}");
    }
    let (_, place) = trained(
        &folder,
        "accuracy",
        "flip_flop",
        &train("Accuracy(at_least: 0.05, mean_of: 4)"),
    );
    // Four evaluations are needed, whatever they say: at steps 0, 5, 10 and 15.
    let networks = table(&place, "networks.parquet");
    assert!(networks.words("outcome").iter().all(|o| o == "converged"));
    assert!(networks.integer("steps").iter().all(|s| *s >= 15));
}

#[test]
fn observed_units_are_read_as_they_are_and_forced() {
    let folder = Folder::new("observe");
    let train =
        "cell: \"vanilla\", units: 8, seeds: 1, max_steps: 20, until: Steps, observe: [5, 0]";
    let (free, _) = trained(&folder, "free", "lorenz63", train);
    let readout = free.layout.find(Role::Readout).unwrap().range();
    let rows = &free.network(0)[readout];
    for (row, unit) in [(1, 5), (2, 0)] {
        for (u, w) in rows[row * 8..][..8].iter().enumerate() {
            assert_eq!(*w, f32::from(u8::from(u == unit)));
        }
    }
    assert!(rows[..8].iter().any(|w| *w != 0.0 && *w != 1.0));
    let mut all = vec![bits(free.network(0))];
    for (out, forcing) in [
        ("sparse", "Sparse(every: 8)"),
        ("generalised", "Generalised(alpha: 0.3)"),
        ("annealed", "Annealed(norm: MeanJacobian)"),
    ] {
        let (forced, _) = trained(
            &folder,
            out,
            "lorenz63",
            &format!("{train}, forcing: {forcing}"),
        );
        all.push(bits(forced.network(0)));
    }
    for i in 0..all.len() {
        assert!(all[..i].iter().all(|other| *other != all[i]), "{i}");
    }
    // An axis: each network as if it were alone.
    let (swept, _) = trained(
        &folder,
        "swept",
        "lorenz63",
        &format!("{train}, forcing: Generalised(alpha: [0.9, 0.3])"),
    );
    assert_eq!(bits(swept.network(1)), all[2]);
}

#[test]
fn an_own_penalty_of_squares_is_l2_bit_for_bit() {
    let folder = Folder::new("own");
    std::fs::write(
        folder.join("square.wgsl"),
        "// L2.\nfn penalty(w: f32) -> f32 { return w * w; }\n",
    )
    .unwrap();
    let train = "cell: \"gru\", units: 8, seeds: 1, max_steps: 5, until: Steps";
    let penalised = |out: &str, penalty: &str| {
        trained(
            &folder,
            out,
            "flip_flop",
            &format!("{train}, penalise: ({penalty})"),
        )
        .0
    };
    let own = penalised(
        "own",
        "own: (file: \"square.wgsl\", strength: [0.01, 0.03])",
    );
    for (network, strength) in [(0, "0.01"), (1, "0.03")] {
        let l2 = penalised(&format!("l2-{network}"), &format!("l2: {strength}"));
        assert_eq!(bits(own.network(network)), bits(l2.network(0)));
    }
    let none = trained(&folder, "none", "flip_flop", train).0;
    assert_ne!(bits(own.network(0)), bits(none.network(0)));
    // The study folder holds the text: the file may go.
    std::fs::remove_file(folder.join("square.wgsl")).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_chiliad"))
        .args(["report", "own"])
        .current_dir(&folder)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn silent_units_are_removed_and_the_networks_say_the_same() {
    let folder = Folder::new("silent");
    let train = "cell: \"rate\", activation: \"relu\", units: 12, seeds: 3, max_steps: 5, until: Steps, ntk: 4, \
                 initial: Normal(gain: 0.1)";
    let (_, place) = trained(&folder, "out", "flip_flop", train);
    let networks = table(&place, "networks.parquet");
    let alignment = networks.number("ntk_alignment");
    assert!(
        alignment.iter().all(|a| *a > 0.0 && *a < 1.0),
        "{alignment:?}"
    );
    let output = Command::new(env!("CARGO_BIN_EXE_chiliad"))
        .args([
            "remove-silent",
            "out",
            "--threshold",
            "0.05",
            "--out",
            "pruned",
            "--json",
        ])
        .current_dir(&folder)
        .output()
        .unwrap();
    let message = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{message}");
    let value: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let rows = value["networks"].as_array().unwrap();
    assert_eq!(rows.len(), 3);
    for row in rows {
        let (silent, left) = (
            row["silent"].as_array().unwrap().len(),
            row["units"].as_u64().unwrap(),
        );
        assert_eq!(silent as u64 + left, 12);
        let file = folder
            .join("pruned")
            .join(format!("units-{left}/weights.safetensors"));
        assert!(left == 0 || file.exists());
    }
    assert!(folder.join("pruned/result.json").exists());
}

#[test]
fn bad_values_are_refused_with_their_path() {
    let folder = Folder::new("bad");
    std::fs::write(
        folder.join("sine.wgsl"),
        "fn penalty(w: f32) -> f32 { return sin(w); }",
    )
    .unwrap();
    for (train, words) in [
        (
            "curriculum: [(variant: \"dens\", until: 0.5)]",
            &["curriculum[0].variant", "dens"][..],
        ),
        (
            "curriculum: [(variant: \"dense\", until: -1.0)]",
            &["curriculum[0].until"],
        ),
        (
            "until: Held(loss: 0.1, evaluations: 0)",
            &["until.evaluations"],
        ),
        ("until: Accuracy(at_least: 1.5)", &["until.at_least", "1.5"]),
        ("observe: [8]", &["observe[0]", "0 to 7"]),
        ("observe: [1, 1]", &["observe[1]", "already"]),
        ("observe: [0, 1, 2, 3]", &["observe", "outputs, 3"]),
        ("forcing: Sparse(every: 0)", &["forcing.every", "0"]),
        (
            "forcing: Generalised(alpha: [0.5, 1.5])",
            &["forcing.alpha[1]", "1.5"],
        ),
        ("forcing: Annealed(every: 0)", &["forcing.every"]),
        (
            "forcing: Annealed(norm: ParameterBound)",
            &["forcing.norm", "vanilla"],
        ),
        (
            "forcing: Sparse(every: 4), penalise: (effective_dimension: 0.1)",
            &["forcing", "effective_dimension"],
        ),
        (
            "penalise: (own: (file: \"sine.wgsl\", strength: 0.1))",
            &["penalise.own.file", "sine.wgsl", "sin"],
        ),
        (
            "penalise: (own: (file: \"none.wgsl\", strength: 0.1))",
            &["penalise.own.file", "none.wgsl"],
        ),
        (
            "penalise: (own: (file: \"sine.wgsl\", strength: 0.1, on: []))",
            &["penalise.own.on"],
        ),
    ] {
        let train = format!("cell: \"vanilla\", units: 8, seeds: 1, max_steps: 5, {train}");
        let (code, message) = run(&folder, "out", "flip_flop", &train);
        assert_eq!(code, 2, "{train}: {message}");
        for word in words.iter().chain(&["study.ron"]) {
            assert!(
                message.contains(word),
                "{train}: `{word}` is not in: {message}"
            );
        }
        assert!(
            !folder.join("out").exists(),
            "{train}: something was left behind"
        );
    }
}
