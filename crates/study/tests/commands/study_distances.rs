//! Distances inside studies, from outside: the files, that they are what the command gives, resumption, parts, claims of
//! known truth, and what is refused.
use crate::folder::Folder;
use chiliad::tables::Table;
use chiliad_tasks::read_npy;
use serde_json::Value;
use std::path::Path;
use std::process::Stdio;

impl Folder {
    fn matrix(&self, file: &str) -> (usize, Vec<f64>) {
        let array = read_npy(self.join(file)).unwrap();
        (array.shape[0], array.to_f64())
    }

    /// Every file below `distances`, by name.
    fn distances(&self, study: &str) -> Vec<(String, Vec<u8>)> {
        let entries = std::fs::read_dir(self.join(study).join("distances")).unwrap();
        let mut files: Vec<(String, Vec<u8>)> = entries
            .map(|e| e.unwrap().path())
            .map(|p| {
                let name = p.file_name().unwrap().to_string_lossy().into_owned();
                let bytes = std::fs::read(&p).unwrap_or_else(|e| panic!("{name}: {e}"));
                (name, bytes)
            })
            .collect();
        files.sort();
        files
    }

    /// A study that is refused.
    fn refused_study(&self, text: &str, needed: &[&str]) {
        self.write("bad.ron", text);
        self.refused("run bad.ron --out bad", needed);
    }
}

const TRAIN: &str =
    "until: Steps, max_steps: 20, eval_every: 10, eval_trials: 16, bank_trials: 64, batch: 8";

/// Two cells, three networks each, compared by `measure`.
fn study(measure: &str) -> String {
    study_of(3, measure)
}

/// Two cells, so many networks each.
fn study_of(seeds: usize, measure: &str) -> String {
    format!(
        "(title: \"t\", task: \"flip_flop\", networks: [Train(name: \"a\", cell: [\"vanilla\", \"gru\"], units: 8, seeds: {seeds}, {TRAIN})],
          compare: (trials: 4, permutations: 49, resamplings: 40, neighbours: 1),
          measure: [{measure}])"
    )
}

const EVERY: &str = "FixedPoints(seeds: 32, driven: 8, driven_steps: 50), Topology(trials: 8), Svcca(), Cka(), Procrustes(),
    Rsa(), Trajectories(components: 4), Endpoints(components: 3), Selectivity(dimensions: 3, restarts: 4),
    Configuration(dimensions: 3, restarts: 4), Dsa(delays: 3, rank: 5, starts: 2), DmdWasserstein(delays: 3, rank: 5),
    WeightPermutation(starts: 4, scale: [Relative, Raw, Untrained]), OutputDistance(), OutOfDistribution(variant: \"double_length\")";

const MATRICES: [&str; 19] = [
    "svcca",
    "cka",
    "procrustes",
    "rsa",
    "trajectories",
    "endpoints",
    "selectivity",
    "configuration",
    "dsa",
    "dsa_delays2_rank4",
    "dsa_delays4_rank6",
    "dmd_wasserstein",
    "weight_permutation",
    "output_distance",
    "topology",
    "topology_all",
    "transitions",
    "points",
    "census",
];

#[test]
fn every_measure_leaves_its_matrix_and_parts_end_with_the_same_bits() {
    let f = Folder::new("every");
    std::fs::write(f.join("s.ron"), study(EVERY)).unwrap();
    f.run("run s.ron --out whole");
    for name in MATRICES {
        let (n, values) = f.matrix(&format!("whole/distances/{name}.npy"));
        assert_eq!(n, 6, "{name}");
        for i in 0..n {
            assert_eq!(values[i * n + i], 0.0, "{name}");
            for j in 0..n {
                let (d, mirror) = (values[i * n + j], values[j * n + i]);
                assert!(
                    d == mirror || (d.is_nan() && mirror.is_nan()),
                    "{name} {i} {j}"
                );
                assert!(d >= -1e-12 || d.is_nan(), "{name} {i} {j}: {d}");
            }
        }
    }
    let table = |name: &str| {
        let path = f.join("whole/distances").join(name);
        Table::from_bytes(std::fs::read(&path).unwrap(), Path::new(name)).unwrap()
    };
    let (labels, pairs) = (table("labels.parquet"), table("pairs.parquet"));
    assert_eq!(labels.integer("network"), [0, 1, 2, 3, 4, 5]);
    assert_eq!(labels.words("cell")[2..4], ["vanilla", "gru"]);
    assert_eq!(pairs.n_rows(), 15);
    let (_, cka) = f.matrix("whole/distances/cka.npy");
    let ends = pairs
        .integer("network_a")
        .iter()
        .zip(pairs.integer("network_b"));
    for ((a, b), d) in ends.zip(pairs.number("cka")) {
        assert_eq!(*d, cka[(a * 6 + b) as usize]);
    }
    let bounded = pairs
        .number("dsa")
        .iter()
        .zip(pairs.number("dsa_lower_bound"));
    assert!(bounded.clone().count() == 15 && bounded.into_iter().all(|(d, b)| b <= d));
    assert_eq!(table("out_of_distribution.parquet").n_rows(), 6);
    // Units in another order are the same network; shuffled moments are not.
    let statistics = f.value("whole/distances/statistics.json");
    for row in statistics["rows"].as_array().unwrap() {
        let name = row["name"].as_str().unwrap();
        let most = row["controls"]["permuted"]["most"].as_f64();
        if [
            "svcca",
            "cka",
            "procrustes",
            "rsa",
            "trajectories",
            "endpoints",
            "dmd_wasserstein",
        ]
        .contains(&name)
        {
            assert!(most.unwrap() < 1e-6, "{name}: {most:?}");
            assert!(
                row["controls"]["shuffled"]["mean"].as_f64().unwrap() > 1e-3,
                "{name}"
            );
        }
        let has = |control: &str| row["controls"][control].is_object();
        let graph = row["level"] == "topology" || row["neighbour_of"].is_string();
        let own_halves = ["selectivity", "dsa", "dmd_wasserstein"].contains(&name);
        let no_trials = graph || ["configuration", "weight_permutation"].contains(&name);
        assert_eq!(has("halves"), own_halves, "{name}");
        assert_eq!(has("split"), !own_halves && !no_trials, "{name}");
        assert_eq!(has("twins"), !graph && name != "configuration", "{name}");
        if has("twins") {
            // Two of each population, as the defaults say.
            assert_eq!(row["controls"]["twins"]["n"], 4, "{name}");
        }
    }
    let report = std::fs::read_to_string(f.join("whole/report.html")).unwrap();
    for part in [
        "How alike",
        "What tells them apart",
        "Neighbouring settings",
        "Geometry · svcca",
        "dsa_delays2_rank4",
    ] {
        assert!(report.contains(part), "{part}");
    }
    // In parts and joined, and made anew from damaged files.
    let whole = f.distances("whole");
    for part in 1..=2 {
        f.run(&format!("run s.ron --out part{part} --shard {part}/2"));
        assert!(!f.join(format!("part{part}/distances")).exists());
    }
    f.run("merge part1 part2 --out merged");
    assert!(f.distances("merged") == whole);
    std::fs::write(f.join("whole/distances/cka.npy"), b"damaged").unwrap();
    f.run("run s.ron --out whole");
    assert!(f.distances("whole") == whole);
}

/// The probe trials of a study with seed 0.
const PROBE: &str = "task sample flip_flop --trials 4 --seed 482956239461 --out probe.npz";

#[test]
fn a_study_gives_what_the_command_gives() {
    let f = Folder::new("command");
    std::fs::write(
        f.join("s.ron"),
        study("Cka(), Procrustes(alpha: 0.5), WeightPermutation(starts: 4)"),
    )
    .unwrap();
    f.run("run s.ron --out out");
    f.run(PROBE);
    for (measure, words) in [("cka", "cka"), ("procrustes", "procrustes --alpha 0.5")] {
        let (metric, options) = words.split_once(' ').unwrap_or((words, "--seed 0"));
        f.run(&format!(
            "distance {metric} out --trials probe.npz {options} --out {measure}.npy"
        ));
        assert_eq!(
            f.matrix(&format!("{measure}.npy")),
            f.matrix(&format!("out/distances/{measure}.npy"))
        );
    }
    f.run("distance weights out --starts 4 --trials probe.npz --out w.npy");
    assert_eq!(
        f.matrix("w.npy"),
        f.matrix("out/distances/weight_permutation.npy")
    );
}

/// Kills a run once a part is on disk and before the matrix is; the part stays, and what the run gives when it goes on is
/// byte for byte what it gives in one go.
#[track_caller]
fn killed_once_there_is(f: &Folder, study: &str, part: &str, not_yet: &str) {
    f.write("s.ron", study);
    let mut child = f
        .command("run s.ron --out killed")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let parts = || {
        let inside = std::fs::read_dir(f.join("killed/distances")).ok()?;
        inside
            .flatten()
            .find(|e| e.file_name().to_string_lossy().starts_with(".parts-"))
            .map(|e| e.path())
    };
    let there = || parts().map(|p| p.join(part)).filter(|p| p.exists());
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(60);
    while there().is_none() {
        assert!(std::time::Instant::now() < deadline, "no {part} was kept");
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(there().is_some(), "the run was over before it was killed");
    let next = parts().unwrap().join(not_yet);
    assert!(!next.exists() && !f.join("killed/distances").join(not_yet).exists());
    f.run("run s.ron --out whole");
    f.run("run s.ron --out killed");
    assert!(
        parts().is_none(),
        "parts of a finished study are still there"
    );
    assert!(f.distances("killed") == f.distances("whole"));
}

#[test]
fn a_run_killed_between_two_measures_goes_on_where_it_was() {
    let f = Folder::new("killed");
    // The second measure takes long enough to be killed in.
    let study = study("Cka(), WeightPermutation(starts: 1500)");
    killed_once_there_is(&f, &study, "cka.trained.0.pairs-0.npy", "cka.npy");
}

#[test]
fn a_run_killed_between_two_blocks_of_a_measure_goes_on_where_it_was() {
    let f = Folder::new("killed-block");
    // 24 networks have 276 pairs: a block of 256 and one of 20.
    let study = study_of(12, "WeightPermutation(starts: 300)");
    let blocks = [0, 256].map(|from| format!("weight_permutation.trained.0.pairs-{from}.npy"));
    killed_once_there_is(&f, &study, &blocks[0], &blocks[1]);
}

#[test]
fn claims_of_known_truth_are_decided() {
    let f = Folder::new("claims");
    let text = format!(
        "(title: \"t\", task: \"flip_flop\", networks: [
            Train(name: \"a\", cell: \"vanilla\", units: [4, 8, 16], seeds: 4, {TRAIN}),
            Untrained(name: \"null\", like: \"a\")],
          compare: (trials: 4, permutations: 49, resamplings: 40, neighbours: 1),
          measure: [Cka(), OutputDistance(), WeightPermutation(starts: 4, scale: [Raw, PerParameter])],
          claims: [
            (say: \"raw\", test: Trend(along: \"units\", of: \"weight_permutation\"), is: Rising),
            (say: \"fall\", test: Trend(along: \"units\", of: \"weight_permutation\"), is: Falling),
            (say: \"knn\", test: KnnAccuracy(of: \"units\", by: \"cka\"), is: AtLeast(0.0)),
            (say: \"within\", test: Agreement(across: \"units\", by: \"cka\"), is: AtMost(100)),
            (say: \"out\", test: Outliers(of: \"null\", against: \"null\", by: \"cka\"), is: AtMost(0.9)),
            (say: \"none\", test: KnnAccuracy(of: \"units\", by: \"svcca\"), is: AtLeast(0.5)),
          ])"
    );
    std::fs::write(f.join("s.ron"), text).unwrap();
    let dry = f.run("run s.ron --dry --json");
    let dry: Value = serde_json::from_str(&dry).unwrap();
    assert_eq!(dry["claims_decidable"], 5);
    assert_eq!(dry["comparison"]["pairs"], 24 * 23 / 2);
    assert!(dry["comparison"]["prepared"].as_u64().unwrap() > 0);
    f.run("run s.ron --out out");
    let report = std::fs::read_to_string(f.join("out/report.html")).unwrap();
    let verdict = |say: &str| {
        let end = report.find(&format!("<span>{say} <span")).unwrap();
        let start = report[..end].rfind("verdict ").unwrap() + "verdict ".len();
        report[start..].split('"').next().unwrap().to_owned()
    };
    // Independent uniform weights of n units are about sqrt(2 n / 3) apart.
    let found = ["raw", "fall", "knn", "within", "out", "none"].map(verdict);
    assert_eq!(found, ["yes", "no", "yes", "yes", "yes", "undecided"]);
    // The nulls were drawn from the seeds of the trained ones: before training the two are the same networks.
    let (n, all) = f.matrix("out/distances/cka.npy");
    let (_, before) = f.matrix("out/distances/cka.untrained.npy");
    for i in 0..12 {
        for j in 0..12 {
            assert_eq!(before[i * n + j], all[(i + 12) * n + j + 12]);
        }
    }
    // Networks of different sizes have no distance between their weights.
    let (_, weights) = f.matrix("out/distances/weight_permutation.npy");
    assert!(weights[4].is_nan() && weights[1] > 0.0);
}

/// The line of `resolved.ron` that the choice stands in, and what follows.
fn chosen(f: &Folder, study: &str) -> String {
    let text = std::fs::read_to_string(f.join(study).join("resolved.ron")).unwrap();
    let start = text.find("chosen: [").unwrap_or(text.len());
    text[start..].to_owned()
}

/// The step size that pilots chose is that of everything trained for its population.
#[test]
fn twins_and_pilots_train_with_the_step_size_that_was_chosen() {
    let f = Folder::new("tuned");
    let text = study("Cka(), Dsa(delays: 2, rank: \"auto\", starts: 2)").replace(
        "seeds: 3,",
        "seeds: 3, tune: (learning_rate: [1e-9, 0.01], pilots: 2),",
    );
    f.write("s.ron", &text);
    f.run("run s.ron --out out");
    let mut trained = 0;
    for entry in std::fs::read_dir(f.join("out/populations")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let networks = f.table(&format!("out/populations/{name}/networks.parquet"));
        assert!(
            networks.number("learning_rate").iter().all(|r| *r == 0.01),
            "{name}"
        );
        trained += 1;
    }
    // Two populations, each with twins and with pilots of the distances.
    assert_eq!(trained, 6);
    f.run("run s.ron --out out");
}

#[test]
fn delays_and_rank_are_chosen_on_pilots_and_fixed_from_then_on() {
    let f = Folder::new("pilots");
    let text = study(
        "Cka(), Dsa(delays: \"auto\", rank: \"auto\", starts: 2), DmdWasserstein(delays: 2, rank: \"auto\")",
    );
    std::fs::write(f.join("s.ron"), &text).unwrap();
    f.run("run s.ron --out whole");
    let words = chosen(&f, "whole");
    assert!(words.contains("measure: \"dsa\"") && words.contains("measure: \"dmd_wasserstein\""));
    let (delays, rank) = setting(&words, "dsa");
    assert_eq!(setting(&words, "dmd_wasserstein").0, 2);
    // What was chosen is what was measured, and two settings stand beside.
    let statistics = f.value("whole/distances/statistics.json");
    let rows = statistics["rows"].as_array().unwrap();
    let dsa = rows.iter().find(|r| r["name"] == "dsa").unwrap();
    let said = format!("operators of rank {rank} on {delays} delays");
    assert!(
        dsa["words"].as_str().unwrap().contains(&said),
        "{said}: {}",
        dsa["words"]
    );
    let neighbours = rows.iter().filter(|r| r["neighbour_of"] == "dsa").count();
    assert!(neighbours >= 1, "{neighbours}");
    // The pilots were trained, and are in no matrix; no network of the study has their seeds.
    assert!(
        f.join("whole/populations/pilot-a-gru-tanh-8/weights.safetensors")
            .exists()
    );
    assert_eq!(f.matrix("whole/distances/dsa.npy").0, 6);
    // Given as numbers, the same distances.
    let given = text.replace(
        "delays: \"auto\", rank: \"auto\", starts",
        &format!("delays: {delays}, rank: {rank}, starts"),
    );
    std::fs::write(f.join("given.ron"), given).unwrap();
    f.run("run given.ron --out given");
    assert_eq!(
        f.matrix("given/distances/dsa.npy"),
        f.matrix("whole/distances/dsa.npy")
    );
    // Taken up again nothing is chosen anew, even where the comparison is; parts choose the same.
    std::fs::remove_file(f.join("whole/distances/dsa.npy")).unwrap();
    f.run("run s.ron --out whole");
    assert_eq!(chosen(&f, "whole"), words);
    // The third part has neither twins nor pilots.
    for part in 1..=3 {
        f.run(&format!("run s.ron --out part{part} --shard {part}/3"));
    }
    f.run("merge part1 part2 part3 --out merged");
    assert_eq!(chosen(&f, "merged"), words);
    assert!(f.distances("merged") == f.distances("whole"));
}

/// Delays and rank chosen for a measure.
fn setting(words: &str, measure: &str) -> (usize, usize) {
    let from = words.find(&format!("measure: \"{measure}\"")).unwrap();
    let number = |field: &str| -> usize {
        let start = words[from..].find(&format!("{field}: ")).unwrap() + from + field.len() + 2;
        let digits = words[start..].chars().take_while(char::is_ascii_digit);
        digits.collect::<String>().parse().unwrap()
    };
    (number("delays"), number("rank"))
}

#[test]
fn a_comparison_that_needs_too_much_memory_is_refused_before_training() {
    let f = Folder::new("memory");
    // 256 moments: 32,640 dissimilarities of 8 bytes for each of 6 networks.
    let text = study("Rsa()").replace("trials: 4", "trials: 4, memory_gb: 0.001");
    f.refused_study(
        &text,
        &["compare.memory_gb", "0.001 allowed", "6 networks", "`rsa`"],
    );
    f.refused_study(
        &study("Rsa()").replace("trials: 4", "trials: 4, memory_gb: 0"),
        &["compare.memory_gb", "above 0"],
    );
}

#[test]
fn bad_input_is_refused_before_anything_is_done() {
    let f = Folder::new("bad");
    f.refused_study(
        &study("Svcca(componets: 3)"),
        &["bad.ron:3:", "`componets`", "did you mean `components`?"],
    );
    f.refused_study(&study("Svcc()"), &["`Svcc`", "did you mean `Svcca`?"]);
    f.refused_study(
        &study("Svcca(components: 9)"),
        &["measure[0].components", "1 to 8"],
    );
    f.refused_study(
        &study("Dsa(delays: 3, rank: 25)"),
        &["measure[0].rank", "1 to 24"],
    );
    f.refused_study(
        &study("Dsa(delays: 70)"),
        &["measure[0].delays", "64 steps"],
    );
    f.refused_study(
        &study("Cka(), Cka()"),
        &["measure[1]", "`cka` is there already"],
    );
    f.refused_study(&study("Configuration()"), &["measure[0]", "FixedPoints()"]);
    f.refused_study(
        &study("Dsa(delays: \"many\")"),
        &["\"many\"", "a number or \"auto\""],
    );
    f.refused_study(&study("Dsa(rank: 0)"), &["measure[0].rank", "1 or more"]);
    f.refused_study(
        &study("Dsa(rank: \"auto\")").replace("trials: 4", "trials: 1"),
        &["measure[0].delays", "trials: 2"],
    );
    f.refused_study(
        &study("Dsa(rank: \"auto\")").replace("trials: 4", "trials: 4, pilots: 0"),
        &["compare.pilots", "1 or more"],
    );
    f.refused_study(
        &study("OutOfDistribution(variant: \"dubble_length\")"),
        &["measure[0].variant", "dubble_length", "ood-double_length"],
    );
    f.refused_study(
        &study("WeightPermutation(scale: [])"),
        &["measure[0].scale", "Raw"],
    );
    f.refused_study(
        &study("Cka()").replace("trials: 4", "variant: \"spars\""),
        &["compare.variant", "spars", "sparse"],
    );
    f.refused_study(
        &study("Cka()").replace("trials: 4", "trials: 0"),
        &["compare.trials", "1 or more"],
    );
    let one = study("Cka()")
        .replace("[\"vanilla\", \"gru\"]", "\"gru\"")
        .replace("seeds: 3", "seeds: 1");
    f.refused_study(&one, &["1 network", "2 or more"]);
}
