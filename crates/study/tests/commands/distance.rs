//! `chiliad distance` from outside: known answers on plain files, all pairs across folders, and what it refuses.
use crate::folder::Folder;
use chiliad_engine::files::tensors_to_bytes;
use chiliad_tasks::{NpzArray, read_npy, write_npy, write_npz};
use serde_json::Value;

impl Folder {
    fn array(&self, name: &str, shape: &[usize], f: impl Fn(&[usize]) -> f64) {
        let total = shape.iter().product();
        let values = (0..total).map(|k| {
            let mut place = vec![0; shape.len()];
            let mut rest = k;
            for (axis, n) in shape.iter().enumerate().rev() {
                place[axis] = rest % n;
                rest /= n;
            }
            f(&place)
        });
        write_npy(self.join(name), &NpzArray::f64(shape, values.collect())).unwrap();
    }
}

fn figure(value: &Value, name: &str) -> f64 {
    value[name].as_f64().unwrap()
}

fn near(value: &Value, name: &str, known: f64) {
    let found = figure(value, name);
    assert!((found - known).abs() < 1e-6, "{name}: {found}, not {known}");
}

#[test]
fn two_files_give_the_known_figures() {
    let f = Folder::new("files");
    f.array("x.npy", &[12, 3], |p| {
        let (i, j) = (p[0] as f64, p[1] as f64);
        (0.7 * (i + 1.0) * (j + 1.0) / 3.0 + 0.3 * j).sin()
    });
    f.array("y.npy", &[12, 3], |p| {
        let (i, j) = (p[0] as f64, p[1] as f64);
        (0.5 * (i + 1.0) * (j + 1.0) / 3.0 - 0.2 * j).cos() + 0.1 * (j - 1.0)
    });
    for (words, known) in [
        ("procrustes", 0.481914),
        ("procrustes --alpha 0.5", 0.423642),
        ("permutation", 0.720970),
        ("cka", 1.0 - 0.795346),
        ("angular-cka", 0.651219),
        ("debiased-cka", 1.0 - 0.786731),
        ("cca", 1.0 - 0.925111),
        ("svcca", 1.0 - 0.955575),
        ("svcca --variance 0.9", 1.0 - 0.890623),
        ("rsa", 1.0 - 0.874238),
        (
            "rsa --comparison spearman --dissimilarity correlation",
            1.0 - 0.746624,
        ),
    ] {
        let (metric, options) = words.split_once(' ').unwrap_or((words, ""));
        let line = format!("distance {metric} x.npy y.npy {options}");
        near(&f.json(line.trim_end()), "distance", known);
    }
    let rotation = |radius: f64, angle: f64| {
        move |p: &[usize]| {
            let (s, c) = (angle * p[1] as f64).sin_cos();
            radius.powi(p[1] as i32) * [c, s][p[2]]
        }
    };
    f.array("a.npy", &[1, 41, 2], rotation(0.97, 0.3));
    f.array("b.npy", &[1, 41, 2], rotation(0.90, 0.7));
    let turned = f.json("distance dsa-procrustes a.npy b.npy --delays 1 --rank 2");
    near(&turned, "angular", 0.410640);
    near(&turned, "distance", 0.407761);
    assert!(figure(&turned, "lower_bound") <= figure(&turned, "distance"));
    let moved = f.json("distance dsa-wasserstein a.npy b.npy --rank 2");
    near(&moved, "w2_squared", 0.142728);
    near(&moved, "distance", 0.377793);
    f.array("w1.npy", &[5, 5], |p| {
        let (i, j) = (p[0] as f64, p[1] as f64);
        (1.3 * i * j + 0.7 * i + 0.2 * j).sin()
    });
    f.array("w2.npy", &[5, 5], |p| {
        let (i, j) = (p[0] as f64, p[1] as f64);
        (0.9 * i * j + 0.5 * j - 0.3 * i).cos()
    });
    let weights = f.json("distance weights w1.npy w2.npy");
    near(&weights, "distance", 3.311983);
    near(&weights, "per_parameter", 0.132479);
}

/// Five thousand steps of three sines and of what a model made of them; figures of the published code.
#[test]
fn measures_of_reconstruction_give_the_published_figures() {
    let f = Folder::new("reconstruction");
    f.array("x.npy", &[5000, 3], |p| {
        let t = p[0] as f64;
        [(0.07 * t).sin(), (0.11 * t).cos(), (0.05 * t + 1.0).sin()][p[1]]
    });
    f.array("y.npy", &[5000, 3], |p| {
        let t = p[0] as f64;
        let first = 0.95 * (0.07 * t + 0.3).sin();
        [first, (0.12 * t).cos(), 0.9 * (0.05 * t).sin()][p[1]]
    });
    let both = "x.npy y.npy";
    for (density, known) in [
        ("", 12.6745861849),
        (" --density extended", 12.6745861849),
        (" --density without-first", 12.7007274831),
    ] {
        let found = f.json(&format!("distance d-stsp {both}{density}"));
        near(&found, "forward", known);
        let mean = 0.5 * (figure(&found, "forward") + figure(&found, "backward"));
        near(&found, "distance", mean);
    }
    // The other way round the two directions change places.
    let there = f.json(&format!("distance d-stsp {both}"));
    let back = f.json("distance d-stsp y.npy x.npy");
    near(&back, "forward", figure(&there, "backward"));
    let mixture = "--density mixture --mixture-variance 0.3";
    let one = f.json(&format!("distance d-stsp {both} {mixture} --seed 1"));
    assert_eq!(
        one,
        f.json(&format!("distance d-stsp {both} {mixture} --seed 1"))
    );
    let same = f.json(&format!("distance d-stsp x.npy x.npy {mixture}"));
    assert!(figure(&one, "distance") > 0.01 && figure(&same, "distance").abs() < 1e-12);
    for (sigma, known) in [(0, 0.3058348852), (1, 0.2987227461), (20, 0.0493752748)] {
        let found = f.json(&format!("distance d-hellinger {both} --sigma {sigma}"));
        near(&found, "distance", known);
        assert_eq!(found["left_out"], 0);
    }
    near(
        &f.json(&format!("distance d-hellinger {both}")),
        "largest",
        0.1364469818,
    );
    f.array("short.npy", &[4000, 3], |p| (p[0] + p[1]) as f64);
    f.array("narrow.npy", &[5000, 2], |p| (p[0] + p[1]) as f64);
    f.refused(
        "distance d-hellinger x.npy short.npy",
        &["[1, 5000, 3]", "[1, 4000, 3]"],
    );
    f.refused(
        "distance d-stsp x.npy narrow.npy",
        &["[1, 5000, 2]", "units"],
    );
    f.refused(
        "distance d-stsp x.npy y.npy --density extended --bins 1000000",
        &["1e15 bins"],
    );
}

#[test]
fn what_cannot_be_compared_is_refused_with_its_shape() {
    let f = Folder::new("refused");
    f.array("good.npy", &[6, 2], |p| ((3 * p[0] + p[1]) as f64).sin());
    f.array("short.npy", &[5, 2], |p| ((3 * p[0] + p[1]) as f64).cos());
    f.array("one.npy", &[1, 2], |p| p[1] as f64);
    f.array("constant.npy", &[6, 2], |p| {
        if p[1] == 0 { 1.0 } else { p[0] as f64 }
    });
    f.array("nan.npy", &[6, 2], |p| {
        if p[0] == 3 { f64::NAN } else { p[0] as f64 }
    });
    f.array("flat.npy", &[6], |p| p[0] as f64);
    f.refused("distance cka good.npy short.npy", &["[6, 2]", "[5, 2]"]);
    f.refused("distance cka one.npy one.npy", &["one.npy", "[1, 2]"]);
    f.refused(
        "distance cka good.npy constant.npy",
        &["constant.npy", "[6, 2]", "constant"],
    );
    f.refused(
        "distance cka good.npy nan.npy",
        &["nan.npy", "[6, 2]", "NaN"],
    );
    f.refused("distance cka good.npy flat.npy", &["flat.npy", "[6]"]);
    f.refused(
        "distance weights good.npy good.npy",
        &["good.npy", "[6, 2]", "square"],
    );
    f.refused(
        "distance dsa-procrustes good.npy good.npy --rank 0",
        &["rank", "0", "[1, 6, 2]"],
    );
    f.refused(
        "distance dsa-procrustes good.npy good.npy --delays 6",
        &["[1, 6, 2]", "delays"],
    );
    f.refused(
        "distance dsa-wasserstein good.npy good.npy --rank 9",
        &["rank", "9"],
    );
    f.refused(
        "distance cka good.npy good.npy --rank 2",
        &["--rank", "cka"],
    );
    f.refused("distance cka good.npy", &["1 networks", "--out"]);
    f.refused(
        "distance cka good.npy short.npy --out nothing.npy",
        &["[5, 2]"],
    );
    f.refused("distance cka good.npy missing.npy", &["missing.npy"]);
    f.refused("distance cka good.npy .", &["mixed"]);
}

/// Every metric, and what it needs beside two files of states.
const OF_STATES: [(&str, &str); 14] = [
    ("procrustes", ""),
    ("permutation", ""),
    ("cka", ""),
    ("angular-cka", ""),
    ("debiased-cka", ""),
    ("cca", ""),
    ("svcca", ""),
    ("rsa", ""),
    ("trajectories", ""),
    ("endpoints", ""),
    ("outputs", ""),
    ("dsa-procrustes", "--rank 1"),
    ("dsa-wasserstein", "--rank 1"),
    ("dsa-input", "--rank 1 --inputs inputs.npy"),
];

#[test]
fn every_metric_refuses_bad_input_with_its_shape() {
    let f = Folder::new("every-metric");
    let wave = |p: &[usize]| ((5 * p[0] + 3 * p[1] + p[2]) as f64 * 0.7).sin();
    let shape = [3, 4, 2];
    f.array("good.npy", &shape, wave);
    f.array("inputs.npy", &[3, 4, 1], |p| wave(&[p[0], p[1], 1]));
    f.array("nan.npy", &shape, |p| {
        if p == [1, 2, 0] { f64::NAN } else { wave(p) }
    });
    f.array("infinite.npy", &shape, |p| {
        if p == [2, 3, 1] {
            f64::INFINITY
        } else {
            wave(p)
        }
    });
    f.array("constant.npy", &shape, |p| {
        if p[2] == 1 { 0.5 } else { wave(p) }
    });
    f.array("still.npy", &shape, |_| 0.5);
    f.array("one.npy", &[1, 1, 2], wave);
    f.array("empty.npy", &[3, 0, 2], wave);
    f.array("short.npy", &[2, 4, 2], wave);
    f.array("flat.npy", &[6], |p| p[0] as f64);
    let line = |metric: &str, first: &str, second: &str, more: &str| {
        let line = format!("distance {metric} {first}.npy {second}.npy {more}");
        line.trim_end().to_owned()
    };
    let more = [("selectivity", ""), ("d-stsp", ""), ("d-hellinger", "")];
    for (metric, options) in OF_STATES.into_iter().chain(more) {
        let refused = |bad: &str, needed: &[&str]| {
            f.refused(&line(metric, "good", bad, options), needed);
            f.refused(&line(metric, bad, "good", options), needed);
        };
        // Moments one below the other, or trial by trial.
        let trials = [
            "endpoints",
            "dsa-procrustes",
            "dsa-wasserstein",
            "dsa-input",
            "d-stsp",
            "d-hellinger",
        ]
        .contains(&metric);
        let whole = if trials { "[3, 4, 2]" } else { "[12, 2]" };
        refused("nan", &["nan.npy", whole, "NaN"]);
        refused("infinite", &["infinite.npy", whole, "inf"]);
        refused("still", &["still.npy", whole, "constant"]);
        refused("flat", &["flat.npy", "[6]"]);
        refused(
            "empty",
            &["empty.npy", if trials { "[3, 0, 2]" } else { "[0, 2]" }],
        );
        refused(
            "one",
            &["one.npy", if trials { "[1, 1, 2]" } else { "[1, 2]" }],
        );
        // An output may stay where it is; a unit of a file may not.
        if metric == "outputs" {
            f.json(&line(metric, "good", "constant", options));
        } else {
            refused("constant", &["constant.npy", whole, "unit 1 is constant"]);
        }
        // Where moments are matched, there must be as many.
        if !["selectivity", "dsa-procrustes", "dsa-wasserstein", "d-stsp"].contains(&metric) {
            let [of_good, of_short] = match metric {
                "endpoints" => ["[3, 2]", "[2, 2]"],
                "dsa-input" => ["[3, 4, 1]", "[2, 4, 2]"],
                _ if trials => ["[3, 4, 2]", "[2, 4, 2]"],
                _ => ["[12, 2]", "[8, 2]"],
            };
            refused("short", &[of_good, of_short]);
        }
    }
    for (option, metrics) in [
        (
            "--rank",
            &[
                "dsa-procrustes",
                "dsa-wasserstein",
                "dsa-input --inputs inputs.npy",
            ][..],
        ),
        (
            "--delays",
            &[
                "dsa-procrustes",
                "dsa-wasserstein",
                "dsa-input --inputs inputs.npy",
            ],
        ),
        (
            "--components",
            &["svcca", "trajectories", "selectivity", "endpoints"],
        ),
        ("--starts", &["selectivity"]),
    ] {
        for metric in metrics {
            let name = match option {
                "--starts" => "restarts",
                _ => &option[2..],
            };
            f.refused(
                &format!("distance {metric} good.npy good.npy {option} 0"),
                &[name, "0", "allowed"],
            );
        }
    }
}

#[test]
fn square_matrices_that_are_none_are_refused_with_their_shapes() {
    let f = Folder::new("every-matrix");
    let wave = |p: &[usize]| ((3 * p[0] + 5 * p[1]) as f64 * 0.7).sin();
    f.array("good.npy", &[3, 3], wave);
    f.array("wide.npy", &[3, 4], wave);
    f.array("larger.npy", &[4, 4], wave);
    f.array("nan.npy", &[3, 3], |p| {
        if p == [1, 2] { f64::NAN } else { wave(p) }
    });
    f.array("empty.npy", &[0, 0], wave);
    f.array("zero.npy", &[3, 3], |_| 0.0);
    for metric in ["weights", "spectrum", "conjugation"] {
        for bad in ["wide", "nan", "empty"] {
            let file = format!("{bad}.npy");
            let shape = match bad {
                "wide" => "[3, 4]",
                "empty" => "[0, 0]",
                _ => "[3, 3]",
            };
            f.refused(
                &format!("distance {metric} good.npy {file}"),
                &[&file, shape],
            );
            f.refused(
                &format!("distance {metric} {file} good.npy"),
                &[&file, shape],
            );
        }
        let shapes = if metric == "spectrum" {
            ["[3]", "[4]"]
        } else {
            ["[3, 3]", "[4, 4]"]
        };
        f.refused(&format!("distance {metric} good.npy larger.npy"), &shapes);
    }
    f.refused(
        "distance conjugation good.npy zero.npy",
        &["zero.npy", "[3, 3]", "norm 0"],
    );
    f.refused(
        "distance weights good.npy good.npy --starts 0",
        &["starts", "0", "1 or more"],
    );
}

#[test]
fn more_memory_than_allowed_is_refused_before_anything_is_compared() {
    let f = Folder::new("memory");
    f.array("a.npy", &[500, 2], |p| ((3 * p[0] + p[1]) as f64).sin());
    // 500 samples of 2 units are 8 kB; their dissimilarities 998 kB.
    let line = "a.npy a.npy --out nothing.npy --memory-gb 0.0005";
    f.refused(
        &format!("distance rsa {line}"),
        &["--memory-gb 0.0005", "[500, 2]", "0.001 GB", "rsa"],
    );
    f.refused(
        "distance cka a.npy a.npy --memory-gb 0",
        &["--memory-gb 0", "above 0"],
    );
    f.json("distance cka a.npy a.npy --memory-gb 0.001");
}

#[test]
fn all_pairs_across_folders_are_told_apart() {
    let f = Folder::new("folders");
    let (n, units) = (4_usize, 3_usize);
    for (name, scale) in [("slow", 0.2_f32), ("fast", 1.6)] {
        let wave = |count: usize, factor: f32| -> Vec<f32> {
            (0..count)
                .map(|k| factor * ((k as f32 * 1.7 + scale).sin() * 0.3 + 0.1))
                .collect()
        };
        let tensors: Vec<(String, Vec<usize>, Vec<f32>)> = vec![
            ("w_rec.a".into(), vec![n, units, units], wave(n * 9, scale)),
            ("w_in.a".into(), vec![n, units, 1], wave(n * 3, 1.0)),
            ("bias.a".into(), vec![n, units], wave(n * 3, 0.1)),
            ("w_out".into(), vec![n, 1, units], wave(n * 3, 1.0)),
            ("b_out".into(), vec![n, 1], vec![0.0; n]),
        ];
        std::fs::write(
            f.join("w.safetensors"),
            tensors_to_bytes(&tensors, None).unwrap(),
        )
        .unwrap();
        let output = f.output(&format!("import w.safetensors --cell vanilla --out {name}"));
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
    let inputs: Vec<f32> = (0..60).map(|k| (k as f32 * 0.9).sin()).collect();
    write_npz(
        f.join("probe.npz"),
        &[("inputs", NpzArray::f32(&[2, 30, 1], inputs))],
    )
    .unwrap();
    for metric in [
        "procrustes",
        "dsa-procrustes",
        "weights",
        "outputs",
        "selectivity",
        "dsa-input",
    ] {
        let trials = if metric == "weights" {
            ""
        } else {
            " --trials probe.npz"
        };
        let value = f.json(&format!("distance {metric} slow fast{trials} --out d.npy"));
        assert_eq!(value["pairs"], 28, "{metric}");
        let beside = std::fs::read(f.join("d.json")).unwrap();
        assert_eq!(value, serde_json::from_slice::<Value>(&beside).unwrap());
        let matrix = read_npy(f.join("d.npy")).unwrap();
        assert_eq!(matrix.shape, [8, 8]);
        let d = matrix.to_f64();
        for i in 0..8 {
            assert_eq!(d[i * 9], 0.0);
            (0..8).for_each(|j| assert_eq!(d[i * 8 + j], d[j * 8 + i]));
        }
        let accuracy = value["populations"]["neighbours"]["accuracy"]
            .as_f64()
            .unwrap();
        assert!((0.0..=1.0).contains(&accuracy));
    }
    f.refused("distance cka slow fast --out nothing.npy", &["--trials"]);
    f.refused(
        "distance cka slow --trials probe.npz",
        &["4 networks", "--out"],
    );
}
