//! Which units are connected, from outside: areas and masks hold in the weights that are written, and what is refused.
use crate::folder::{Folder, adapter};
use chiliad_engine::population::{Population, Role};
use chiliad_tasks::NpzArray;

fn study(f: &Folder, constrain: &str) {
    f.write(
        "s.ron",
        &format!(
            "(title: \"t\", task: \"flip_flop\", networks: [Train(cell: \"gru\", units: 8, seeds: 2, batch: 4, bank_trials: 32, \
             eval_trials: 8, eval_every: 5, max_steps: 10, until: Steps,\n constrain: ({constrain}))])"
        ),
    );
}

/// Networks after a few steps.
fn trained(f: &Folder, constrain: &str, device: &str) -> Population {
    study(f, constrain);
    f.run(&format!("run s.ron --device {device} --out {device}"));
    f.population(device).0
}

/// Rows and columns of a network's matrix that are not zero.
fn present(p: &Population, network: usize, role: Role) -> Vec<(usize, usize)> {
    let tensor = p.layout.find(role).unwrap();
    let columns = tensor.shape[1];
    let values = p.network(network)[tensor.range()].iter().enumerate();
    let here = values.filter(|(_, w)| **w != 0.0);
    here.map(|(e, _)| (e / columns, e % columns)).collect()
}

#[test]
fn areas_have_the_connections_that_their_shares_say() {
    let f = Folder::new("areas");
    let areas = "areas: (units: [5, 3], recurrent: [[1.0, 0.0], [0.5, 1.0]], input: [1.0, 0.0], readout: [0.0, 1.0])";
    let signed = format!("{areas}, dale: (ratio: 1.5, excitatory_readout: false)");
    let p = trained(&f, &signed, "cpu");
    let mut patterns = Vec::new();
    for network in 0..2 {
        for gate in 0..2 {
            let here = present(&p, network, Role::Recurrent(0, gate));
            // Nothing from the second area to the first; all within an area but what Dale's law has set to 0.
            assert!(!here.iter().any(|(to, from)| *to < 5 && *from >= 5));
            let between: Vec<_> = here
                .iter()
                .filter(|(to, from)| *to >= 5 && *from < 5)
                .collect();
            assert!((1..15).contains(&between.len()), "{between:?}");
            patterns.push(format!("{between:?}"));
            assert!(
                present(&p, network, Role::Input(0, gate))
                    .iter()
                    .all(|(to, _)| *to < 5)
            );
        }
        let readout = present(&p, network, Role::Readout);
        assert!(!readout.is_empty() && readout.iter().all(|(_, from)| *from >= 5));
        // Three of five and two of three are excitatory: each area has its own.
        let tensor = p.layout.find(Role::Recurrent(0, 0)).unwrap();
        for (e, w) in p.network(network)[tensor.range()].iter().enumerate() {
            let excitatory = [0, 1, 2, 5, 6].contains(&(e % 8));
            assert!(if excitatory { *w >= 0.0 } else { *w <= 0.0 }, "{e}: {w}");
        }
    }
    patterns.sort();
    patterns.dedup();
    assert_eq!(
        patterns.len(),
        4,
        "every network and gate has its own pattern"
    );
    // The kernels read the same restrictions.
    let Some(device) = adapter() else { return };
    let gpu = trained(&f, areas, &device);
    std::fs::remove_dir_all(f.join("cpu")).unwrap();
    let cpu = trained(&f, areas, "cpu");
    for (a, b) in cpu.params.iter().zip(&gpu.params) {
        assert!(
            (a - b).abs() < 1e-4 && (*a == 0.0) == (*b == 0.0),
            "{a} {b}"
        );
    }
}

#[test]
fn masks_take_connections_away_or_weigh_them() {
    let f = Folder::new("masks");
    // A ring: each unit hears its left neighbour, twice as loud. Inputs reach unit 0, the readout is unit 7's.
    let ring = |e: usize| if (e / 8) == (e % 8 + 1) % 8 { 2.0 } else { 0.0 };
    let of = |rows: usize, columns: usize, here: &dyn Fn(usize, usize) -> bool| {
        let value = |e| f64::from(u8::from(here(e / columns, e % columns)));
        NpzArray::f64(&[rows, columns], (0..rows * columns).map(value).collect())
    };
    f.npz(
        "mask.npz",
        &[
            (
                "recurrent",
                NpzArray::f64(&[8, 8], (0..64).map(ring).collect()),
            ),
            ("input", of(8, 3, &|to, _| to == 0)),
            ("readout", of(3, 8, &|_, from| from == 7)),
        ],
    );
    let p = trained(&f, "mask: \"mask.npz\"", "cpu");
    let ring: Vec<(usize, usize)> = (0..8).map(|to| (to, (to + 7) % 8)).collect();
    assert_eq!(present(&p, 1, Role::Recurrent(0, 1)), ring);
    assert_eq!(present(&p, 0, Role::Input(0, 0)), [(0, 0), (0, 1), (0, 2)]);
    assert_eq!(present(&p, 0, Role::Readout), [(0, 7), (1, 7), (2, 7)]);
    // What is resolved stands for itself: the study is read without the file.
    std::fs::remove_file(f.join("mask.npz")).unwrap();
    f.run("report cpu");
    let page = String::from_utf8(f.read("cpu/report.html")).unwrap();
    assert!(page.contains("weights masked: recurrent, input, readout"));
}

#[test]
fn areas_and_masks_that_cannot_be_are_refused() {
    let f = Folder::new("connections-refused");
    f.npz(
        "zero.npz",
        &[("input", NpzArray::f64(&[8, 3], vec![0.0; 24]))],
    );
    f.npz(
        "small.npz",
        &[("recurrent", NpzArray::f64(&[2, 2], vec![1.0; 4]))],
    );
    f.npz(
        "name.npz",
        &[("recurrant", NpzArray::f64(&[8, 8], vec![1.0; 64]))],
    );
    f.npz(
        "nan.npz",
        &[("readout", NpzArray::f64(&[3, 8], vec![f64::NAN; 24]))],
    );
    let two = "units: [5, 3], recurrent: [[1.0, 0.0], [0.5, 1.0]]";
    for (constrain, words) in [
        (
            "areas: (units: [5, 4], recurrent: [[1.0, 0.0], [0.5, 1.0]])".into(),
            &["areas.units", "8 in all"][..],
        ),
        (
            "areas: (units: [5, 3], recurrent: [[1.0, 0.0]])".into(),
            &["areas.recurrent", "2 rows of 2"],
        ),
        (
            format!("areas: ({two}, input: [0.0, 0.0])"),
            &["areas.input", "one at least"],
        ),
        (
            format!("areas: ({two}, input: [1.0])"),
            &["areas.input", "one per area"],
        ),
        (
            format!("areas: ({two}, readout: [1.0, 1.5])"),
            &["areas.readout", "1.5"],
        ),
        (
            format!("areas: ({two}), density: 0.5"),
            &["constrain.density", "areas"],
        ),
        (
            format!("areas: ({two}), antisymmetric: true"),
            &["constrain.antisymmetric", "areas"],
        ),
        (
            "mask: \"zero.npz\"".into(),
            &["constrain.mask", "`input`", "0 throughout"],
        ),
        (
            "mask: \"small.npz\"".into(),
            &["constrain.mask", "[2, 2]", "[8, 8]"],
        ),
        (
            "mask: \"name.npz\"".into(),
            &["constrain.mask", "`recurrant`"],
        ),
        ("mask: \"nan.npz\"".into(), &["constrain.mask", "finite"]),
        ("mask: \"none.npz\"".into(), &["constrain.mask", "none.npz"]),
    ] {
        study(&f, &constrain);
        f.refused("run s.ron --out out", words);
        f.refused(
            "run s.ron --out out",
            &["s.ron:2:", "networks[0].constrain"],
        );
    }
}
