//! `cycles` and `lyapunov` from outside: orbits and exponents known in closed form, and what is refused.

use crate::folder::Folder;
use chiliad_tasks::{NpzArray, read_npz};
use serde_json::Value;

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
