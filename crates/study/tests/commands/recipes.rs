//! Training recipes from outside: sweeps are their networks alone, restrictions hold in the files, bad values are refused
//! with their path.
use crate::folder::Folder;
use chiliad_engine::population::{Population, Role};
use std::process::Command;

/// A study of small networks: `train` is what `Train(...)` says besides sizes and steps.
fn text(train: &str) -> String {
    format!(
        "(title: \"recipes\", task: \"flip_flop\", networks: [Train(units: 8, batch: 4, bank_trials: 32, \
         eval_trials: 8, eval_every: 5, max_steps: 5, until: Steps, {train})])"
    )
}

/// Runs a study on the CPU; exit code and what was said on standard error.
fn run(folder: &Folder, out: &str, train: &str) -> (i32, String) {
    let file = folder.join("study.ron");
    std::fs::write(&file, text(train)).unwrap();
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

fn trained(folder: &Folder, out: &str, train: &str) -> Population {
    let (code, message) = run(folder, out, train);
    assert_eq!(code, 0, "{train}: {message}");
    folder.population(out).0
}

#[test]
fn five_hundred_networks_sweep_four_settings_and_equal_themselves_alone() {
    let folder = Folder::new("sweep");
    let together = trained(
        &folder,
        "all",
        "cell: \"rate\", seeds: 2, learning_rate: [0.01, 0.003, 0.03, 0.001, 0.02], noise: [0.0, 0.05, 0.1, 0.2, 0.4], \
         penalise: (l1: [0.0, 0.001, 0.003, 0.01, 0.03], l2: [0.0, 0.004])",
    );
    assert_eq!(together.n_networks, 500);
    // In the order of the axes: step size, noise, L1, L2, seed.
    for network in [0_usize, 7, 123, 250, 388, 499] {
        let axis = |by: usize| network / by % 5;
        let l2 = [0.0, 0.004][network / 2 % 2];
        let alone = trained(
            &folder,
            &format!("alone-{network}"),
            &format!(
                "cell: \"rate\", seeds: [{}], learning_rate: {}, noise: {}, penalise: (l1: {}, l2: {l2})",
                network % 2,
                [0.01, 0.003, 0.03, 0.001, 0.02][axis(100)],
                [0.0, 0.05, 0.1, 0.2, 0.4][axis(20)],
                [0.0, 0.001, 0.003, 0.01, 0.03][axis(4)],
            ),
        );
        let bits = |p: &[f32]| p.iter().map(|v| v.to_bits()).collect::<Vec<u32>>();
        assert_eq!(
            bits(together.network(network)),
            bits(alone.network(0)),
            "network {network}"
        );
    }
}

#[test]
fn restrictions_hold_in_the_weights_that_are_written() {
    let folder = Folder::new("restrictions");
    let matrix = |p: &Population, role: Role| {
        let tensor = p.layout.find(role).unwrap();
        p.network(0)[tensor.range()].to_vec()
    };
    for (out, by) in [
        ("projection", "Projection"),
        ("absolute", "Absolute"),
        ("rectified", "Rectified"),
    ] {
        let p = trained(
            &folder,
            out,
            &format!(
                "cell: \"rate\", seeds: 1, initial: DaleBalanced(ratio: 3.0, radius: 1.2), \
                 constrain: (dale: (ratio: 3.0, by: {by}), autapses: false, non_negative: [Input, Readout])"
            ),
        );
        let (w, u, v) = (
            matrix(&p, Role::Recurrent(0, 0)),
            matrix(&p, Role::Input(0, 0)),
            matrix(&p, Role::Readout),
        );
        for (e, w) in w.iter().enumerate() {
            let (to, from) = (e / 8, e % 8);
            assert!(
                if from < 6 { *w >= 0.0 } else { *w <= 0.0 },
                "{by} {to} {from}: {w}"
            );
            assert!(to != from || *w == 0.0);
        }
        assert!(w.iter().any(|w| *w > 0.0) && w.iter().any(|w| *w < 0.0));
        assert!(u.iter().chain(&v).all(|w| *w >= 0.0));
        assert!(v.iter().enumerate().all(|(e, w)| e % 8 < 6 || *w == 0.0));
    }
    let p = trained(
        &folder,
        "rank",
        "cell: \"vanilla\", seeds: 1, constrain: (rank: [1], frozen: [Readout])",
    );
    let w = matrix(&p, Role::Recurrent(0, 0));
    for to in 1..8 {
        for from in 1..8 {
            let minor = w[0] * w[to * 8 + from] - w[from] * w[to * 8];
            assert!(minor.abs() < 1e-6, "{to} {from}: {minor}");
        }
    }
    assert!(w.iter().any(|w| w.abs() > 1e-3));
    let first = trained(
        &folder,
        "first",
        "cell: \"vanilla\", seeds: 1, learning_rate: 1e-30",
    );
    assert_eq!(matrix(&p, Role::Readout), matrix(&first, Role::Readout));
    let p = trained(
        &folder,
        "nuclear",
        "cell: \"vanilla\", seeds: 1, learning_rate: 0.05, penalise: (nuclear: (strength: 2.0))",
    );
    // Five steps take half a unit off every singular value: the small ones are exactly zero, and the file says so.
    let rank = p.recurrent_rank()[0];
    assert!((1..8).contains(&rank), "{rank}");
    let p = trained(
        &folder,
        "antisymmetric",
        "cell: \"antisymmetric\", seeds: 1",
    );
    let w = matrix(&p, Role::Recurrent(0, 0));
    assert!((0..64).all(|e| w[e] == -w[e % 8 * 8 + e / 8]));
    assert!(w.iter().any(|w| w.abs() > 1e-2));
    let p = trained(
        &folder,
        "not_antisymmetric",
        "cell: \"antisymmetric\", seeds: 1, constrain: (antisymmetric: false)",
    );
    assert!(matrix(&p, Role::Recurrent(0, 0))[0].abs() > 0.0);
    let p = trained(
        &folder,
        "sparse",
        "cell: \"vanilla\", seeds: 1, constrain: (density: 0.3, silenced: [2])",
    );
    let w = matrix(&p, Role::Recurrent(0, 0));
    let present = w.iter().filter(|w| **w != 0.0).count();
    assert!((8..30).contains(&present), "{present} of 64");
    assert!((0..8).all(|to| w[to * 8 + 2] == 0.0));
}

#[test]
fn matched_by_parameters_are_as_large_as_whole_units_allow() {
    let folder = Folder::new("match");
    std::fs::write(
        folder.join("study.ron"),
        "(title: \"t\", task: \"flip_flop\", networks: [Train(cell: [\"vanilla\", \"gru\"], units: 32, seeds: 1, match: Parameters)])",
    )
    .unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_chiliad"))
        .args(["study", "show", "study.ron"])
        .current_dir(&folder)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    // 32 units of a vanilla network: 1024 + 96 + 32 + 96 + 3 + 32 = 1283 parameters. A GRU of n units has 3 n^2 + 16 n + 3:
    // 1263 with 18 units, 1390 with 19.
    assert!(said.contains("units: 18"), "{said}");
}

#[test]
fn bad_values_are_refused_with_their_path() {
    let folder = Folder::new("bad");
    for (train, words) in [
        ("penalise: (l1: -0.1)", &["penalise.l1", "-0.1"][..]),
        ("penalise: (l2: [0.1, -0.2])", &["penalise.l2[1]", "-0.2"]),
        ("constrain: (rank: 9)", &["constrain.rank", "1 to 4"]),
        ("constrain: (rank: 0)", &["constrain.rank", "1 to 4"]),
        (
            "constrain: (dale: (ratio: 0.0))",
            &["constrain.dale.ratio", "0"],
        ),
        ("constrain: (density: 1.5)", &["constrain.density", "1.5"]),
        ("constrain: (density: 0.0)", &["constrain.density"]),
        (
            "constrain: (silenced: [8])",
            &["constrain.silenced", "0 to 7"],
        ),
        ("constrain: (ranks: 2)", &["ranks", "rank"]),
        (
            "constrain: (dale: (ratio: 4.0), rank: 2)",
            &["constrain.rank", "constrain.dale"],
        ),
        (
            "constrain: (dimensions: 3, non_negative: [Input])",
            &["constrain.dimensions", "non_negative"],
        ),
        (
            "constrain: (antisymmetric: true, density: 0.5)",
            &["constrain.antisymmetric", "density"],
        ),
        (
            "constrain: (dimensions: 100000)",
            &["constrain.dimensions", "parameters"],
        ),
        (
            "penalise: (nuclear: (strength: 0.1)), constrain: (rank: 2)",
            &["penalise.nuclear", "proximal"],
        ),
        ("optimiser: Adam(beta1: 1.5)", &["optimiser.beta1", "1.5"]),
        ("optimiser: Adagrad()", &["Adagrad", "RAdam"]),
        (
            "schedule: Exponential(factor: -1.0, every: 10)",
            &["schedule", "factor"],
        ),
        (
            "initial: SpectralRadius(radius: -1.0)",
            &["initial", "radius"],
        ),
        (
            "penalise: (communicability: (strength: 0.1, grid: (3, 3, 1)))",
            &["grid", "units, 8"],
        ),
        (
            "penalise: (resolvent: (strength: 0.1, length: 0))",
            &["resolvent.length"],
        ),
        ("clip_value: 0.0", &["clip_value"]),
        ("loss: CrossEntropie", &["CrossEntropie", "CrossEntropy"]),
    ] {
        let (code, message) = run(
            &folder,
            "out",
            &format!("cell: \"vanilla\", seeds: 1, {train}"),
        );
        assert_eq!(code, 2, "{train}: {message}");
        for word in words.iter().chain(&["study.ron"]) {
            assert!(
                message.contains(word),
                "{train}: `{word}` is not in: {message}"
            );
        }
        let left = std::fs::read_dir(&folder).unwrap().count();
        assert_eq!(left, 1, "{train}: something was left behind");
    }
}
