//! Attractors, Lyapunov exponents and linear systems inside studies, from outside: known answers, that they are what the
//! commands give, resumption, parts, the report, defaults, and what is refused.
use crate::folder::Folder;
use chiliad_tasks::{NpzArray, Task, write_npz};

impl Folder {
    fn refused_measure(&self, measure: &str, needed: &[&str]) {
        self.write("bad.ron", &study(measure));
        self.refused("run bad.ron --out bad", needed);
    }
}

/// Two cells, three networks each, hardly trained; `measure` stands in line 3.
fn study(measure: &str) -> String {
    format!(
        "(title: \"t\", task: \"flip_flop\",
networks: [Train(cell: [\"vanilla\", \"gru\"], units: 6, seeds: 3, until: Steps, max_steps: 20, eval_every: 10, eval_trials: 16, bank_trials: 64, batch: 8)],
measure: [{measure}])"
    )
}

const EVERY: &str = "FixedPoints(seeds: 32, driven: 8, driven_steps: 50), Linearise(trials: 4, relax: 20, slow: 3.0),
    Attractors(trials: 8, driven: 16, uniform: 16, settle_steps: 200, classify_steps: 400, max_period: 2, seeds: 16),
    Lyapunov(exponents: 3, steps: 200, warmup: 50)";

const LABELS: [&str; 2] = ["vanilla-tanh-6", "gru-tanh-6"];
const FILES: [&str; 7] = [
    "attractors.json",
    "attractors.parquet",
    "lyapunov.json",
    "lyapunov.parquet",
    "linearise.json",
    "linear_points.parquet",
    "slow_sets.parquet",
];

#[test]
fn what_a_measure_costs_is_in_the_minutes_said_before() {
    let f = Folder::new("minutes");
    let minutes = |measure: &str| {
        f.write("s.ron", &study(measure));
        f.json("run s.ron --dry")["minutes"].as_f64().unwrap()
    };
    let none = minutes("");
    // Such that the noise in the peak that is measured, a few times at most, cannot hide it.
    assert!(minutes("Attractors(driven: 4096, settle_steps: 1000000)") > 10.0 * none);
    assert!(minutes("Lyapunov(steps: 100000000)") > 10.0 * none);
    assert!(minutes("FixedPoints(seeds: 1000000)") > 10.0 * none);
}

#[test]
fn a_study_gives_what_the_commands_give_whole_in_parts_or_made_anew() {
    let f = Folder::new("every");
    f.write("s.ron", &study(EVERY));
    f.run("run s.ron --out whole");
    let all = |root: &str| -> Vec<Vec<u8>> {
        let files = LABELS.iter().flat_map(|label| FILES.map(|f| (label, f)));
        files
            .map(|(label, file)| f.read(&format!("{root}/populations/{label}/{file}")))
            .collect()
    };
    let whole = all("whole");
    for part in 1..=2 {
        f.run(&format!("run s.ron --out part{part} --shard {part}/2"));
    }
    f.run("merge part2 part1 --out merged");
    assert!(all("merged") == whole, "parts differ from the whole");
    // What is damaged is made anew, and nothing else.
    let place = "whole/populations/gru-tanh-6";
    f.write(&format!("{place}/lyapunov.parquet"), "damaged");
    std::fs::remove_file(f.join(place).join("attractors.json")).unwrap();
    let stages = f.run("status whole");
    let to_do = |stage: &str| {
        stages
            .lines()
            .any(|l| l.contains(stage) && l.ends_with("to do"))
    };
    assert!(
        to_do("attractors/gru-tanh-6") && to_do("lyapunov/gru-tanh-6"),
        "{stages}"
    );
    assert!(
        !to_do("linearise/gru-tanh-6") && !to_do("lyapunov/vanilla-tanh-6"),
        "{stages}"
    );
    f.run("run s.ron --out whole");
    assert!(all("whole") == whole, "made anew they differ");

    // The commands, with the same words.
    for n in [4, 8] {
        let task = Task::builtin("flip_flop").unwrap();
        let t = chiliad::engine_calls::trials_of(&task, n, 0).unwrap();
        let of = |channels: usize, data: &[f32]| {
            NpzArray::f32(&[t.n_trials, t.n_steps, channels], data.to_vec())
        };
        let arrays = [
            ("inputs", of(t.n_inputs, &t.inputs)),
            ("targets", of(t.n_outputs, &t.targets)),
        ];
        write_npz(f.join(format!("t{n}.npz")), &arrays).unwrap();
    }
    for label in LABELS {
        let here = format!("whole/populations/{label}");
        f.run(&format!("cycles {here} --driven 16 --uniform 16 --settle-steps 200 --classify-steps 400 --max-period 2 --n-seeds 16 --trials t8.npz --out c-{label}"));
        f.run(&format!(
            "lyapunov {here} --exponents 3 --steps 200 --warmup 50 --out l-{label}"
        ));
        f.run(&format!(
            "linearise {here} --trials t4.npz --relax 20 --slow 3 --out d-{label}"
        ));
        let own = |name: &str| f.value(&format!("{here}/{name}.json"))["networks"].clone();
        let command =
            |name: &str| f.value(&format!("{name}-{label}/result.json"))["networks"].clone();
        assert_eq!(own("linearise"), command("d"), "{label}");
        let (spectra, exponents) = (own("lyapunov"), command("l"));
        let table = f.table(&format!("{here}/lyapunov.parquet"));
        for n in 0..3 {
            let condition = &spectra[n]["conditions"][0];
            for figure in [
                "exponents",
                "standard_error",
                "kaplan_yorke",
                "entropy",
                "steps",
            ] {
                assert_eq!(condition[figure], exponents[n][figure], "{label} {figure}");
            }
            for k in 0..3 {
                let column = table.number(&format!("exponent_{k}"));
                assert_eq!(column[n], condition["exponents"][k].as_f64().unwrap());
            }
        }
        assert_eq!(own("attractors"), command("c"), "{label}");
        let rows = f.table(&format!("{here}/attractors.parquet"));
        for column in ["driven", "uniform"] {
            assert_eq!(
                rows.integer(column).iter().sum::<i64>(),
                3 * 16,
                "{label} {column}"
            );
        }
    }
    let report = String::from_utf8(f.read("whole/report.html")).unwrap();
    for part in [
        "How they move",
        "What states end on",
        "Lyapunov exponents",
        "Linear systems at the points",
        "Slow sets",
        "Lyapunov spectra of gru tanh 6",
        "<td>Attractors settle_steps</td><td>200 steps</td><td>study file</td>",
        "<td>Attractors max_sequences</td><td>200000</td><td><span class=\"default\">",
    ] {
        assert!(report.contains(part), "{part}");
    }
    assert!(f.join("whole/figures/lyapunov_spectra.svg").exists());
}

/// A study folder has its own trials and its own constant inputs: nothing needs to be named.
#[test]
fn cycles_of_a_study_folder_take_its_inputs_and_trials() {
    let f = Folder::new("folder");
    f.write(
        "s.ron",
        "(title: \"t\", task: \"context_integration\", networks: [Train(cell: \"ugrnn\", units: 5, seeds: 2, until: Steps, max_steps: 10, eval_every: 10, eval_trials: 16, bank_trials: 64, batch: 8)],
          measure: [Attractors(driven: 16, uniform: 8, settle_steps: 100, classify_steps: 200, max_period: 1, seeds: 8)])",
    );
    f.run("run s.ron --out out");
    f.run("cycles out --driven 16 --uniform 8 --settle-steps 100 --classify-steps 200 --max-period 1 --n-seeds 8 --out cycles");
    let networks = f.value("cycles/result.json")["networks"].clone();
    let conditions = Task::builtin("context_integration").unwrap().conditions();
    assert_eq!(
        (conditions.len(), networks.as_array().unwrap().len()),
        (2, 2)
    );
    for network in networks.as_array().unwrap() {
        let found = network["conditions"].as_array().unwrap();
        assert_eq!(found.len(), 2);
        for (found, known) in found.iter().zip(&conditions) {
            let input: Vec<f32> = serde_json::from_value(found["input"].clone()).unwrap();
            assert_eq!(input, known.input);
            for (kind, states) in [("driven", 16), ("uniform", 8)] {
                let census = found["census"][kind].as_object().unwrap();
                let sum: u64 = census.values().map(|n| n.as_u64().unwrap()).sum();
                assert_eq!(sum, states, "{kind} {census:?}");
            }
        }
    }
    let study = f.value("out/populations/ugrnn-tanh-5/attractors.json");
    assert_eq!(study["networks"], networks);
}

/// h' = tanh(-1.5 h) has one attractor, of period 2; h' = tanh(1.5 h) has two points.
#[test]
fn known_networks_have_their_figures() {
    let f = Folder::new("known");
    let tensors = [
        ("w_rec.a".to_owned(), vec![2, 1, 1], vec![-1.5, 1.5]),
        ("w_in.a".to_owned(), vec![2, 1, 1], vec![0.5; 2]),
        ("w_out".to_owned(), vec![2, 1, 1], vec![1.0; 2]),
    ];
    let bytes = chiliad_engine::files::tensors_to_bytes(&tensors, None).unwrap();
    std::fs::write(f.join("two.safetensors"), bytes).unwrap();
    let wave: Vec<f32> = (0..80).map(|k| (k as f32 * 0.7 + 0.3).sin()).collect();
    let array = || NpzArray::f32(&[4, 20, 1], wave.clone());
    write_npz(
        f.join("t.npz"),
        &[("inputs", array()), ("targets", array())],
    )
    .unwrap();
    f.write(
        "s.ron",
        "(title: \"t\", task: External(\"t.npz\"), networks: [Import(file: \"two.safetensors\", cell: \"vanilla\")],
          measure: [FixedPoints(seeds: 64, driven: 4, driven_steps: 100), Attractors(driven: 32, uniform: 32), Lyapunov(steps: 500, warmup: 200), Linearise()])",
    );
    f.run("run s.ron --out out");
    let here = "out/populations/vanilla-tanh-1";
    let rows = f.table(&format!("{here}/attractors.parquet"));
    assert_eq!(rows.integer("network"), [0, 1, 1]);
    assert_eq!(
        rows.words("kind"),
        ["period-2", "fixed point", "fixed point"]
    );
    assert_eq!(rows.integer("period"), [2, 1, 1]);
    assert_eq!(
        (rows.integer("driven")[0], rows.integer("uniform")[0]),
        (32, 32)
    );
    let exponents = f.table(&format!("{here}/lyapunov.parquet"));
    let known = [0.5 * 0.155_482_762_078_f64.ln(), 0.394_313_025_499_f64.ln()];
    for (found, known) in exponents.number("exponent_0").iter().zip(known) {
        assert!((found - known).abs() < 1e-9, "{found} against {known}");
    }
    assert_eq!(exponents.number("kaplan_yorke"), [0.0, 0.0]);
    // The point of the first network is unstable, a growing mode of 1.5; of the second's three one is.
    let points = f.table(&format!("{here}/linear_points.parquet"));
    assert_eq!(points.integer("network"), [0, 1, 1, 1]);
    assert_eq!(points.integer("unstable"), [1, 0, 0, 1]);
    let growing = 1.0 / 1.5_f64.ln();
    for (found, known) in points
        .number("slowest")
        .iter()
        .zip([growing, 1.074_563_759_922])
    {
        assert!((found - known).abs() < 1e-6, "{found} against {known}");
    }
    assert!(points.number("henrici").iter().all(|h| *h < 1e-12));
    let report = String::from_utf8(f.read("out/report.html")).unwrap();
    assert!(report.contains("period-2") && report.contains("How they move"));
}

#[test]
fn defaults_are_shown() {
    let f = Folder::new("defaults");
    f.write(
        "s.ron",
        &study("FixedPoints(), Attractors(), Lyapunov(), Linearise()"),
    );
    let shown = f.run("study show s.ron");
    for part in [
        "settle_steps: 4000",
        "classify_steps: 20000",
        "max_sequences: 200000",
        "exponents: Some(6)",
        "steps: Some(10000)",
        "warmup: Some(1000)",
        "drive: Constant",
        "slow: Some(6.4)",
        "relax: Some(128)",
        "trial_length: Some(64)",
        "normalise: RatioOfMeans",
    ] {
        assert!(shown.contains(part), "`{part}` is not in: {shown}");
    }
    f.write("s.ron", &study("Lyapunov(drive: Trials(4))"));
    let shown = f.run("study show s.ron");
    assert!(
        shown.contains("steps: Some(58)") && shown.contains("warmup: Some(6)"),
        "{shown}"
    );
}

#[test]
fn bad_values_are_refused_with_file_field_and_line() {
    let f = Folder::new("refused");
    for (measure, field, allowed) in [
        (
            "Attractors(max_period: 0)",
            "measure[0].max_period: 0",
            "1 or more",
        ),
        (
            "Attractors(driven: 0, uniform: 0)",
            "measure[0].driven: 0",
            "at least one of them above 0",
        ),
        (
            "Attractors(uniform: 99999999999)",
            "measure[0].uniform: 99999999999",
            "at most 1000000",
        ),
        ("Attractors(trials: 0)", "measure[0].trials: 0", "1 or more"),
        (
            "Lyapunov(exponents: 7)",
            "measure[0].exponents: 7",
            "1 to 6",
        ),
        (
            "Lyapunov(exponents: 0)",
            "measure[0].exponents: 0",
            "1 to 6",
        ),
        ("Lyapunov(steps: 0)", "measure[0].steps: 0", "1 or more"),
        (
            "Lyapunov(drive: Trials(0))",
            "measure[0].drive: 0",
            "1 or more",
        ),
        (
            "Lyapunov(drive: Trials(2), warmup: 64)",
            "measure[0].warmup: 64",
            "64 steps",
        ),
        ("Lyapunov(), Lyapunov()", "measure[1]: Lyapunov", "once"),
        ("Linearise()", "measure[0]: Linearise()", "FixedPoints()"),
        (
            "FixedPoints(), Linearise(persistence: 0.0)",
            "measure[1].persistence: 0",
            "above 0",
        ),
        (
            "FixedPoints(), Linearise(horizon: 0)",
            "measure[1].horizon: 0",
            "1 or more",
        ),
        ("Lyapunov(exponent: 3)", "measure[0]", "exponents"),
        ("Attractor()", "measure[0]", "Attractors"),
    ] {
        f.refused_measure(measure, &["bad.ron:3:", field, allowed]);
    }
}
