//! Plain files from outside: networks and arrays that come in, what is refused of them, and answers for machines.

use crate::folder::Folder;
use chiliad_tasks::{NpzArray, read_npz};

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
