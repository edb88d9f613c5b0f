//! `linearise`, `hops` and `probe` from outside: known answers on plain files, and what they refuse.
use crate::folder::Folder;
use chiliad_engine::files::tensors_to_bytes;
use chiliad_tasks::{NpzArray, read_npz};
use serde_json::Value;

impl Folder {
    /// Standard output must be one JSON value, the same as in `result.json` of `out`.
    fn result(&self, words: &str, out: &str) -> Value {
        let output = self.output(&format!("{words} --out {out} --json"));
        let message = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{words}: {message}");
        let said: Value = serde_json::from_slice(&output.stdout).unwrap();
        let file = std::fs::read(self.join(out).join("result.json")).unwrap();
        assert_eq!(said, serde_json::from_slice::<Value>(&file).unwrap());
        said
    }

    /// Refused, and no folder `out`.
    fn refused_out(&self, words: &str, needed: &[&str]) {
        self.refused(&format!("{words} --out nothing"), needed);
    }

    /// Imports networks, all tensors `[network, ...]`, as `name`.
    fn import(&self, name: &str, cell: &str, tensors: &[(&str, &[usize], &[f32])]) {
        let tensors: Vec<_> = tensors
            .iter()
            .map(|(n, shape, v)| ((*n).to_owned(), shape.to_vec(), v.to_vec()))
            .collect();
        let file = self.join(format!("{name}.safetensors"));
        std::fs::write(&file, tensors_to_bytes(&tensors, None).unwrap()).unwrap();
        let output = self.output(&format!(
            "import {name}.safetensors --cell {cell} --out {name}"
        ));
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
}

#[track_caller]
fn near(value: &Value, expected: f64, tolerance: f64) {
    let value = value.as_f64().unwrap_or(f64::NAN);
    assert!(
        (value - expected).abs() <= tolerance,
        "{value} against {expected}"
    );
}

/// Two networks of three units that hold one bit each, the second with its units in another order.
fn memories(f: &Folder) {
    let matrix = |entries: [(usize, usize); 3], value: f32| {
        let mut m = [0.0; 9];
        entries.iter().for_each(|(i, j)| m[3 * i + j] = value);
        m
    };
    let turned = [(2, 0), (0, 1), (1, 2)];
    let out = turned.map(|(unit, channel)| (channel, unit));
    let plain = [(0, 0), (1, 1), (2, 2)];
    let shape: &[usize] = &[2, 3, 3];
    f.import(
        "memory",
        "vanilla",
        &[
            (
                "w_rec.a",
                shape,
                &[matrix(plain, 1.7), matrix(plain, 1.7)].concat(),
            ),
            (
                "w_in.a",
                shape,
                &[matrix(plain, 4.0), matrix(turned, 4.0)].concat(),
            ),
            (
                "w_out",
                shape,
                &[matrix(plain, 1.1), matrix(out, 1.1)].concat(),
            ),
        ],
    );
    let sampled = f.output("task sample flip_flop --trials 24 --seed 3 --out trials.npz");
    assert!(sampled.status.success());
}

#[test]
fn linearise_of_three_bits() {
    let f = Folder::new("linearise");
    memories(&f);
    let result = f.result("linearise memory", "here");
    let network = &result["networks"][1];
    assert_eq!(network["network"], 1);
    let condition = &network["conditions"][0];
    let points = condition["points"].as_array().unwrap();
    assert_eq!(points.len(), 27);
    // At a corner h^2 = a^2 with a = tanh(1.7 a): lambda = 1.7 (1 - a^2), the same three times; at the centre 1.7.
    let mut a: f64 = 0.9;
    (0..200).for_each(|_| a = (1.7_f32 as f64 * a).tanh());
    let lambda = 1.7_f32 as f64 * (1.0 - a * a);
    let corner = points.iter().find(|p| p["unstable"] == 0).unwrap();
    for k in 0..3 {
        near(&corner["eigenvalues"][k][0], lambda, 1e-9);
        near(&corner["time_constants"][k], -1.0 / lambda.ln(), 1e-8);
        near(&corner["participants"][k], 1.0, 1e-6);
    }
    near(&corner["non_normality"]["henrici"], 0.0, 1e-6);
    near(&corner["non_normality"]["eigenvector_condition"], 1.0, 1e-6);
    let centre = points.iter().find(|p| p["unstable"] == 3).unwrap();
    near(&centre["eigenvalues"][0][0], f64::from(1.7_f32), 1e-9);
    // Input 0 moves output 0 alone; growing points do not count.
    let removal = condition["mode_removal"].as_array().unwrap();
    assert_eq!(removal.len(), 9);
    for curve in removal {
        assert_eq!(curve["points"], 8);
        assert_eq!(curve["left_out"], 19);
        if curve["channel"] == curve["output"] {
            near(&curve["curve"][3], 1.0, 1e-12);
            near(
                &curve["response"],
                4.4 * (1.0 - a * a) / (1.0 - lambda),
                1e-6,
            );
        } else {
            assert_eq!(curve["curve"].as_array().unwrap().len(), 0);
        }
    }
    assert_eq!(condition["slow_set"]["shape"], "pieces");
    assert_eq!(condition["slow_set"]["betti_0"], 27);
    let arrays = read_npz(f.join("here/linearised.npz")).unwrap();
    assert_eq!(arrays["eigenvalues"].shape, [54, 3, 2]);
    assert_eq!(arrays["left"].shape, [54, 3, 3, 2]);
    assert_eq!(arrays["input_jacobian"].shape, [54, 3, 3]);

    // Points from files are the same points.
    assert!(
        f.output("fixed-points memory --out points")
            .status
            .success()
    );
    let again = f.result("linearise memory --points points", "again");
    assert_eq!(again["networks"], result["networks"]);
    // Driven states: still pieces, now with drift.
    let driven = f.result(
        "linearise memory --points points --trials trials.npz",
        "driven",
    );
    assert!(
        driven["networks"][0]["conditions"][0]["slow_states"]["slow"]
            .as_u64()
            .unwrap()
            > 500
    );

    f.refused_out(
        "linearise memory --points nowhere",
        &["cannot read", "nowhere"],
    );
    f.refused_out("linearise memory --horizon 0", &["--horizon 0", "allowed"]);
    f.refused_out(
        "linearise memory --persistence 0",
        &["--persistence", "above 0"],
    );
    f.import(
        "other",
        "vanilla",
        &[
            ("w_rec.a", &[2, 3, 3], &[0.3; 18]),
            ("w_in.a", &[2, 3, 3], &[1.0; 18]),
            ("w_out", &[2, 3, 3], &[1.0; 18]),
        ],
    );
    f.refused_out(
        "linearise other --points points",
        &["another population", "moves by"],
    );
    f.npz(
        "bad.npz",
        &[("inputs", NpzArray::f64(&[1, 2], vec![0.0; 2]))],
    );
    f.refused_out(
        "linearise memory --inputs bad.npz",
        &["bad.npz", "`inputs`", "[condition, channel]"],
    );
}

#[test]
fn linearise_of_an_exact_line() {
    // h' = (h + its swap) / 2 for positive h: every (a, a) is fixed. Visited states find the line, points alone need not.
    let f = Folder::new("line");
    let file = f.join("line.safetensors");
    let tensors = [
        ("w_rec.a".to_owned(), vec![2, 2], vec![0.5_f32; 4]),
        ("w_in.a".to_owned(), vec![2, 1], vec![1.0, 0.0]),
        ("w_out".to_owned(), vec![1, 2], vec![1.0, 1.0]),
    ];
    std::fs::write(&file, tensors_to_bytes(&tensors, None).unwrap()).unwrap();
    assert!(
        f.output("import line.safetensors --cell vanilla --activation relu --out line")
            .status
            .success()
    );
    let inputs: Vec<f64> = (0..40)
        .flat_map(|k| (0..20).map(move |t| if t == 0 { f64::from(k) / 40.0 } else { 0.0 }))
        .collect();
    f.npz(
        "trials.npz",
        &[
            ("inputs", NpzArray::f64(&[40, 20, 1], inputs)),
            ("targets", NpzArray::f64(&[40, 20, 1], vec![0.0; 800])),
        ],
    );
    let result = f.result("linearise line --trials trials.npz", "out");
    let set = &result["networks"][0]["conditions"][0]["slow_set"];
    assert_eq!(
        (
            set["shape"].as_str(),
            set["betti_0"].as_u64(),
            set["betti_1"].as_u64()
        ),
        (Some("line"), Some(1), Some(0))
    );
    near(&set["dimension_local"], 1.0, 0.01);
    near(&set["drift"]["max"], 0.0, 1e-6);
}

#[test]
fn hops_of_the_reference_system() {
    let f = Folder::new("hops");
    let at = |f: &dyn Fn(f64, f64) -> f64, rows: usize, columns: usize| -> Vec<f32> {
        (0..rows * columns)
            .map(|k| f((k / columns) as f64, (k % columns) as f64) as f32)
            .collect()
    };
    let w = at(
        &|a, b| 0.45 * (1.0 + 1.7 * a + 0.6 * b * b + 0.9 * a * b).cos(),
        4,
        4,
    );
    let u = at(&|a, p| 0.8 * (0.9 + 1.1 * p + 0.5 * a).sin(), 4, 2);
    let v = at(&|q, a| 0.7 * (0.4 + 0.8 * a + 1.5 * q).cos(), 2, 4);
    f.import(
        "ref",
        "vanilla",
        &[
            ("w_rec.a", &[4, 4], &w),
            ("w_in.a", &[4, 2], &u),
            ("w_out", &[2, 4], &v),
        ],
    );
    let result = f.result("hops ref --alpha 0.8 --length 6", "out");
    let n = &result["networks"][0];
    // Weights are f32 in the file: relative 1e-5 is what the reference asks of f32.
    near(&n["omega"], 1.32325637564162, 1.3e-5);
    near(&n["omega_infinite"], 1.28136086292684, 1.3e-5);
    near(&n["omega_per_hop"], 2.02508859197302, 2e-5);
    near(&n["spectral_radius"], 0.974353502014, 1e-6);
    near(&n["energy"][0], 2.52120410994, 2.5e-5);
    near(&n["hops"][5][1][0], 0.04150690468, 1e-6);
    near(&n["resolvent"]["truncated"][0][1], 0.389477114093, 4e-6);
    near(&n["resolvent"]["infinite"][1][0], -0.653859527, 7e-6);
    near(
        &n["resolvent"]["truncated_normalised"][1][0],
        -0.714331059681,
        7e-6,
    );
    near(
        &n["resolvent"]["infinite_normalised"][0][1],
        0.407719928455,
        4e-6,
    );
    assert_eq!(n["gate"]["recurrent"], "a");
    assert!(n["correlation_with_optimal"].is_null() && n["driven"].is_null());
    assert_eq!(
        read_npz(f.join("out/hops.npz")).unwrap()["hops"].shape,
        [1, 6, 2, 2]
    );
    let much = f.result("hops ref --alpha 1.2", "much");
    assert!(much["networks"][0]["resolvent"]["infinite"].is_null());
    assert!(
        much["networks"][0]["infinite_refused"]
            .as_str()
            .unwrap()
            .contains("converge")
    );
    f.refused_out("hops ref --alpha 0", &["--alpha 0", "above 0"]);
    f.refused_out("hops ref --length 0", &["--length 0"]);
    f.refused_out("hops ref --density 2", &["--density 2"]);
    f.refused_out("hops ref --gate nope", &["nope", "[a]"]);
    std::fs::write(f.join("bad.npy"), "no array").unwrap();
    f.refused_out("hops ref --optimal bad.npy", &["bad.npy"]);
}

#[test]
fn probe_of_three_bits() {
    let f = Folder::new("probe");
    memories(&f);
    let result = f.result(
        "probe memory --network 0 --remove-units 1 --trials trials.npz",
        "units",
    );
    let n = &result["networks"][0];
    assert!(n["loss_probed"].as_f64().unwrap() > 0.2 && n["loss_intact"].as_f64().unwrap() < 0.02);
    for o in [0, 2] {
        assert_eq!(
            n["outputs"][o]["loss_intact"],
            n["outputs"][o]["loss_probed"]
        );
    }
    assert_eq!(
        read_npz(f.join("units/probed.npz")).unwrap()["outputs"].shape,
        [24, 64, 3]
    );
    assert!(
        f.output("fixed-points memory --out points")
            .status
            .success()
    );
    let result = f.result(
        "probe memory --network 1 --remove-mode 26:0 --points points --trials trials.npz",
        "mode",
    );
    assert!(result["networks"][0]["change"].as_f64().unwrap() > 0.1);
    near(
        &result["networks"][0]["probe"]["remove_mode"]["eigenvalues"][0][0],
        f64::from(1.7_f32),
        1e-9,
    );
    let result = f.result(
        "probe memory --network 0 --transplant-from 1 --points points --trials trials.npz",
        "state",
    );
    let n = &result["networks"][0];
    near(&n["change"], 0.0, 1e-9);
    near(&n["explained"], 1.0, 1e-9);
    let [other, intact] = ["loss_other_trial", "loss_intact"].map(|k| n[k].as_f64().unwrap());
    assert!(other > 10.0 * intact, "{other} {intact}");
    assert_eq!(n["nodes"], serde_json::json!({"labelled": 8, "kept": 8}));
    let probe = "probe memory --trials trials.npz --network";
    f.refused_out(&format!("{probe} 0"), &["--remove-units"]);
    f.refused_out(
        &format!("{probe} 2 --remove-units 0"),
        &["--network 2", "there are 2"],
    );
    f.refused_out(&format!("{probe} 0 --remove-units 3"), &["less than 3"]);
    f.refused_out(&format!("{probe} 0 --remove-mode 1-2"), &["POINT:MODE"]);
    f.refused_out(&format!("{probe} 0 --remove-mode 0:0"), &["fixed_points"]);
    f.refused_out(
        &format!("{probe} 0 --points points --remove-mode 27:0"),
        &["27 points"],
    );
    f.refused_out(
        &format!("{probe} 0 --points points --remove-mode 0:3"),
        &["no mode 3"],
    );
    f.refused_out(
        &format!("{probe} 0 --transplant-from 1 --step 63"),
        &["less than 63"],
    );
}
