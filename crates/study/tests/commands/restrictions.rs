//! Restrictions two by two, from outside: either both hold in the weights that are written, or the study is refused with the
//! field and its line and nothing is left behind.
use crate::folder::{Folder, adapter};
use chiliad_engine::population::{Population, Role};
use chiliad_tasks::NpzArray;

/// Networks of eight units; `train` is what `Train(...)` says besides sizes and steps, on the second line.
fn write(f: &Folder, train: &str) {
    f.write(
        "s.ron",
        &format!(
            "(title: \"t\", task: \"flip_flop\", networks: [Train(units: 8, seeds: 2, batch: 4, bank_trials: 32, eval_trials: 8, \
             eval_every: 5, max_steps: 5, until: Steps,\n {train})])"
        ),
    );
}

/// Ends with code 2, says the line, the field and all of `words`, and leaves nothing.
fn refused(f: &Folder, train: &str, words: &[&str]) {
    write(f, train);
    for start in ["run s.ron --out out --device cpu", "run s.ron --dry"] {
        f.refused(start, &[words, &["s.ron:2:", "networks[0]."]].concat());
    }
}

/// Eight by eight, without the connections from units 0 and 1 to unit 5, and those to unit 3 twice as strong.
fn factor(to: usize, from: usize) -> f64 {
    match (to, from) {
        (5, 0 | 1) => 0.0,
        (3, _) => 2.0,
        _ => 1.0,
    }
}

type Holds = fn(&Population, &Population) -> bool;

/// Whether something is true of every recurrent weight, `(to, from, w)`, of every network.
fn each(p: &Population, holds: impl Fn(usize, usize, f32) -> bool) -> bool {
    let of = p.layout.find(Role::Recurrent(0, 0)).unwrap().range();
    (0..p.n_networks).all(|n| {
        let w = &p.network(n)[of.clone()];
        (0..64).all(|e| holds(e / 8, e % 8, w[e]))
    })
}

fn same(p: &Population, q: &Population, wanted: impl Fn(Role) -> bool) -> bool {
    let tensors = p.layout.tensors.iter().filter(|t| wanted(t.role));
    let mut all = tensors
        .map(|t| (0..p.n_networks).all(|n| p.network(n)[t.range()] == q.network(n)[t.range()]));
    all.all(|same| same)
}

/// What a study says, and what is true of its networks then; the second population is the same before any step.
const RESTRICTIONS: [(&str, Holds); 15] = [
    ("dale: (ratio: 3.0)", signed),
    ("dale: (ratio: 3.0, by: Absolute)", signed),
    ("dale: (ratio: 3.0, by: Rectified)", signed),
    ("density: 0.5", |p, _| {
        let w = p.layout.find(Role::Recurrent(0, 0)).unwrap();
        let here = p.network(0)[w.range()].iter().filter(|w| **w != 0.0);
        here.count() < 50
    }),
    (
        "areas: (units: [5, 3], recurrent: [[1.0, 0.0], [0.5, 1.0]])",
        |p, _| each(p, |to, from, w| to >= 5 || from < 5 || w == 0.0),
    ),
    ("mask: \"mask.npz\"", |p, _| {
        each(p, |to, from, w| factor(to, from) > 0.0 || w == 0.0)
    }),
    ("autapses: false", |p, _| {
        each(p, |to, from, w| to != from || w == 0.0)
    }),
    ("non_negative: [Recurrent]", |p, _| {
        each(p, |_, _, w| w >= 0.0)
    }),
    ("non_negative: [Input, Readout]", |p, _| {
        let tensors = [Role::Input(0, 0), Role::Readout].map(|r| p.layout.find(r).unwrap());
        let mut all = tensors.iter().flat_map(|t| &p.network(1)[t.range()]);
        all.all(|w| *w >= 0.0)
    }),
    ("frozen: [Recurrent]", |p, first| {
        same(p, first, |r| matches!(r, Role::Recurrent(..)))
    }),
    ("frozen: [Input, Bias]", |p, first| {
        same(p, first, |r| {
            matches!(r, Role::Input(..) | Role::Bias(..) | Role::ReadoutBias)
        })
    }),
    ("silenced: [2]", |p, _| {
        each(p, |_, from, w| from != 2 || w == 0.0)
    }),
    ("rank: 2", |p, _| p.recurrent_rank().iter().all(|r| *r <= 2)),
    ("antisymmetric: true", |p, _| {
        let of = p.layout.find(Role::Recurrent(0, 0)).unwrap().range();
        let w = &p.network(1)[of];
        (0..64).all(|e| w[e] == -w[e % 8 * 8 + e / 8])
    }),
    ("dimensions: 5", |p, first| {
        same(p, first, |r| matches!(r, Role::InitialState(_)))
    }),
];

/// Everything that leaves a unit has one sign, there are units of both, and no inhibitory one is read out.
fn signed(p: &Population, _: &Population) -> bool {
    let [w, v] = [Role::Recurrent(0, 0), Role::Readout].map(|r| p.layout.find(r).unwrap().range());
    (0..p.n_networks).all(|n| {
        let (w, v) = (&p.network(n)[w.clone()], &p.network(n)[v.clone()]);
        let leaves = |from: usize, sign: f32| (0..8).any(|to| w[to * 8 + from] * sign > 0.0);
        let read = |from: usize| v.chunks(8).any(|row| row[from] != 0.0);
        let sound = |from: usize| !leaves(from, -1.0) || !(leaves(from, 1.0) || read(from));
        let both = [1.0, -1.0].map(|sign| (0..8).any(|from| leaves(from, sign)));
        (0..8).all(sound) && both == [true; 2]
    })
}

#[test]
fn two_restrictions_both_hold_or_are_refused() {
    let f = Folder::new("pairs");
    let values = (0..64).map(|e| factor(e / 8, e % 8)).collect();
    f.npz("mask.npz", &[("recurrent", NpzArray::f64(&[8, 8], values))]);
    let (mut held, mut out) = (Vec::new(), Vec::new());
    for (i, (one, holds)) in RESTRICTIONS.iter().enumerate() {
        for (other, too) in &RESTRICTIONS[i..] {
            let field = |text: &str| text.split(':').next().unwrap().to_owned();
            let both = match (one == other, field(one) == field(other)) {
                (true, _) => (*one).to_owned(),
                (false, true) => continue,
                _ => format!("{one}, {other}"),
            };
            let train = |rate: f64| {
                format!("cell: \"vanilla\", learning_rate: {rate:e}, constrain: ({both})")
            };
            write(&f, &train(0.05));
            if f.output("run s.ron --dry").status.code() == Some(2) {
                refused(&f, &train(0.05), &["together with"]);
                out.push(both);
                continue;
            }
            f.run("run s.ron --device cpu --out out");
            let trained = f.population("out").0;
            write(&f, &train(1e-30));
            f.run("run s.ron --device cpu --out first");
            let first = f.population("first").0;
            assert!(
                trained.params != first.params,
                "{both}: nothing was trained"
            );
            assert!(holds(&trained, &first), "{one} does not hold in {both}");
            assert!(too(&trained, &first), "{other} does not hold in {both}");
            for folder in ["out", "first"] {
                std::fs::remove_dir_all(f.join(folder)).unwrap();
            }
            held.push(both);
        }
    }
    // What is refused is refused for a reason, and the rest of the table is really run.
    let alone = RESTRICTIONS.len();
    assert_eq!(
        (held.len() - alone, out.len()),
        (75, 25),
        "refused: {out:#?}"
    );
}

#[test]
fn what_the_engine_refuses_leaves_nothing() {
    let f = Folder::new("engine-refuses");
    for (train, words) in [
        (
            "cell: \"vanilla\", constrain: (rank: [1, 2], non_negative: [Input, Recurrent])",
            &["constrain.rank: ", "constrain.non_negative: [Recurrent]"][..],
        ),
        (
            "cell: \"gru\", constrain: (antisymmetric: true, non_negative: [Recurrent])",
            &["constrain.antisymmetric: "],
        ),
        // By the cell's own sidecar.
        (
            "cell: \"antisymmetric\", constrain: (non_negative: [Recurrent])",
            &["constrain.antisymmetric: ", "`antisymmetric: false`"],
        ),
        (
            "cell: \"antisymmetric\", constrain: (silenced: [0])",
            &["constrain.antisymmetric: ", "constrain.silenced"],
        ),
        (
            "cell: \"vanilla\", penalise: (nuclear: (strength: 0.1)), constrain: (frozen: [Recurrent])",
            &["penalise.nuclear: ", "constrain.frozen"],
        ),
    ] {
        refused(&f, train, words);
    }
    let Some(device) = adapter() else { return };
    for (train, field) in [
        (
            "cell: \"vanilla\", penalise: (l1: 0.1, nuclear: (strength: [0.0, 0.1]))",
            "networks[0].penalise.nuclear: ",
        ),
        (
            "cell: \"gru\", penalise: (spectral_radius: (strength: 0.1, bound: 1.0), l2: 0.1)",
            "networks[0].penalise.spectral_radius: ",
        ),
    ] {
        write(&f, train);
        for start in ["run s.ron --out out", "run s.ron --dry"] {
            let words = format!("{start} --device {device}");
            f.refused(&words, &[field, "s.ron:2:", "GPU", &device]);
        }
        f.run("run s.ron --out out --device cpu");
        std::fs::remove_dir_all(f.join("out")).unwrap();
    }
}

#[test]
fn dales_law_needs_units_of_both_kinds() {
    let f = Folder::new("dale");
    for (units, ratio, words) in [
        (
            10,
            "9.5",
            &["constrain.dale.ratio: ", "9.5", "inhibitory", "at most 9"][..],
        ),
        (10, "[4.0, 1000.0]", &["constrain.dale.ratio[1]: ", "1000"]),
        (10, "1e-12", &["constrain.dale.ratio: ", "excitatory"]),
        (3, "4.0", &["constrain.dale.ratio: ", "at most 2"]),
        (1, "1.0", &["constrain.dale.ratio: ", "two units"]),
    ] {
        f.write("s.ron", &format!("(title: \"t\", task: \"flip_flop\", networks: [Train(cell: \"rate\", units: [{units}], seeds: 1, constrain: (dale: (ratio: {ratio})))])"));
        f.refused("run s.ron --out out", words);
    }
    // Every area has its own; one area with both kinds is enough.
    let areas = |ratio: &str| {
        format!(
            "cell: \"rate\", constrain: (dale: (ratio: {ratio}), areas: (units: [6, 2], recurrent: [[1.0, 0.5], [0.5, 1.0]]))"
        )
    };
    refused(&f, &areas("5.5"), &["constrain.dale.ratio: ", "at most 5"]);
    for train in [
        areas("5.0"),
        "cell: \"rate\", constrain: (dale: (ratio: 7.0))".into(),
    ] {
        write(&f, &train);
        f.run("run s.ron --dry");
    }
}

#[test]
fn what_is_left_of_a_network_can_be_trained_and_read() {
    let f = Folder::new("left");
    let all = "frozen: [Recurrent, Input, Readout, Bias]";
    refused(
        &f,
        &format!("cell: \"vanilla\", constrain: ({all})"),
        &["constrain.frozen: ", "nothing"],
    );
    // The outputs observed are all there are, and they read units as they are.
    refused(
        &f,
        "cell: \"vanilla\", observe: [0, 1, 2], constrain: (frozen: [Bias, Recurrent, Input])",
        &["constrain.frozen: ", "nothing"],
    );
    refused(
        &f,
        "cell: \"vanilla\", observe: [4], constrain: (silenced: [1, 4])",
        &["constrain.silenced: ", "unit 4"],
    );
    refused(
        &f,
        "cell: \"vanilla\", constrain: (dimensions: 28, frozen: [Recurrent, Input, Bias])",
        &["constrain.dimensions: ", "1 to 24"],
    );
    for train in [
        format!("cell: \"vanilla\", train_initial_state: true, constrain: ({all})"),
        "cell: \"vanilla\", constrain: (dimensions: 24, frozen: [Recurrent, Input, Bias])".into(),
    ] {
        write(&f, &train);
        f.run("run s.ron --dry");
    }
}

#[test]
fn a_mask_does_not_turn_signs() {
    let f = Folder::new("negative-mask");
    let minus = |rows: usize, columns: usize| {
        let value = |e| if e == 3 { -0.5 } else { 1.0 };
        NpzArray::f64(&[rows, columns], (0..rows * columns).map(value).collect())
    };
    f.npz("w.npz", &[("recurrent", minus(8, 8))]);
    f.npz("u.npz", &[("input", minus(8, 3))]);
    f.npz("v.npz", &[("readout", minus(3, 8))]);
    for (constrain, words) in [
        (
            "mask: \"w.npz\", dale: (ratio: 3.0, by: Absolute)",
            &["`recurrent`", "dale"][..],
        ),
        (
            "mask: \"w.npz\", non_negative: [Recurrent]",
            &["`recurrent`", "non_negative"],
        ),
        (
            "mask: \"u.npz\", non_negative: [Readout, Input]",
            &["`input`", "-0.5"],
        ),
        (
            "mask: \"v.npz\", non_negative: [Readout]",
            &["`readout`", "-0.5"],
        ),
    ] {
        let train = format!("cell: \"vanilla\", constrain: ({constrain})");
        refused(&f, &train, &[words, &["constrain.mask: "]].concat());
    }
    for constrain in [
        "mask: \"w.npz\", non_negative: [Input]",
        "mask: \"u.npz\", dale: (ratio: 3.0)",
        // Nothing is taken from the recurrent weights.
        "mask: \"u.npz\", rank: 2",
        "mask: \"v.npz\", antisymmetric: true",
    ] {
        write(&f, &format!("cell: \"vanilla\", constrain: ({constrain})"));
        f.run("run s.ron --dry");
    }
}
