//! `fixed-points` from outside, on plain files that were not made here: points known in closed form.

use crate::folder::Folder;
use chiliad_tasks::{NpzArray, read_npz};
use serde_json::Value;

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

/// Five stored patterns of three components: at beta 4 three states are retrieved (published closed form), and the sum that
/// the softmax divides by is no tensor. The same cell trains.
#[test]
fn stored_patterns_are_retrieved_by_a_softmax_over_units() {
    let f = Folder::new("hopfield");
    let n = 5;
    let component = |i: f32, k: f32| (1.0 + 1.3 * i + 0.9 * k * k + 0.4 * i * k).cos();
    let pattern = |i: usize, k: usize| {
        if k < 3 {
            component(i as f32, k as f32)
        } else {
            0.0
        }
    };
    let rows = (0..n * n).map(|at| pattern(at / n, at % n)).collect();
    let columns = (0..n * n).map(|at| pattern(at % n, at / n)).collect();
    let tensors = [
        ("w_rec.k".to_owned(), vec![n, n], rows),
        ("w_rec.q".to_owned(), vec![n, n], columns),
        ("w_in.q".to_owned(), vec![n, 1], vec![0.0; n]),
        ("w_out".to_owned(), vec![1, n], vec![1.0; n]),
    ];
    let bytes = chiliad_engine::files::tensors_to_bytes(&tensors, None).unwrap();
    std::fs::write(f.join("patterns.safetensors"), bytes).unwrap();
    let constants = "--constants patterns=5,components=3,beta=4";
    f.run(&format!(
        "import patterns.safetensors --cell modern_hopfield {constants} --out memory"
    ));
    f.run("fixed-points memory --out points");
    let table = f.table("points/fixed_points.parquet");
    let states = read_npz(f.join("points/fixed_points.npz")).unwrap()["state"].to_f64();
    let stable = table.integer("unstable").iter().zip(states.chunks(n));
    let mut stable: Vec<&[f64]> = stable.filter(|s| *s.0 == 0).map(|s| s.1).collect();
    stable.sort_by(|a, b| a[0].total_cmp(&b[0]));
    let known = [
        [-0.893153842, 0.554839794, -0.808629838, 0.0, 0.0],
        [-0.653894833, -0.895558273, 0.914163080, 0.0, 0.0],
        [0.992417145, -0.748468241, 0.906296225, 0.0, 0.0],
    ];
    assert_eq!(stable.len(), 3);
    for (found, known) in stable.iter().zip(known) {
        // The patterns are stored in f32.
        assert!(
            found.iter().zip(known).all(|(a, b)| (a - b).abs() < 1e-6),
            "{found:?}"
        );
    }
    f.write(
        "s.ron",
        "(title: \"t\", task: \"flip_flop\", networks: [Train(cell: \"modern_hopfield\", units: 8, seeds: 1, until: Steps, max_steps: 40, eval_every: 20, eval_trials: 16, bank_trials: 64)])",
    );
    f.run("run s.ron --out out");
    let (population, _) = f.population("out");
    assert!(population.layout.named("w_rec.s").is_none());
    let curve = f.table("out/populations/modern_hopfield-tanh-8/curves.parquet");
    let loss = curve.number("loss");
    assert!(loss[loss.len() - 1] < loss[0], "{loss:?}");
}
