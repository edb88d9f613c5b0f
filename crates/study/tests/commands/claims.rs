//! Claims from outside: what they name must be there, and what decides them must be able to say yes and no.
use crate::folder::Folder;
use serde_json::Value;

/// Vanilla networks and GRUs, so many of each; those of one cell are the same network, so nothing is easier than telling cells.
fn study(networks: [usize; 2], rest: &str) -> String {
    let train = |cell: &str, n: usize| {
        format!(
            "Train(name: \"{cell}\", cell: \"{cell}\", units: 6, seeds: {n}, init_seed: 1, learning_rate: 1e-30, until: Steps, \
             max_steps: 2, eval_every: 2, eval_trials: 8, bank_trials: 16, batch: 4)"
        )
    };
    format!(
        "(title: \"t\", task: \"flip_flop\", networks: [{}, {}],\n measure: [Cka()],\n {rest})",
        train("vanilla", networks[0]),
        train("gru", networks[1])
    )
}

const COMPARE: &str = "compare: (trials: 4, permutations: 19, resamplings: 20, controls: false)";
const TOLD: &str =
    "claims: [(say: \"told\", test: KnnAccuracy(of: \"cell\", by: \"cka\"), is: AtLeast(0.9))]";

fn cells(f: &Folder, folder: &str) -> Value {
    let statistics = f.value(&format!("{folder}/distances/statistics.json"));
    let factors = statistics["rows"][0]["factors"].as_array().unwrap().clone();
    let cell = factors.iter().find(|e| e["factor"] == "cell");
    cell.unwrap().clone()
}

#[test]
fn as_many_neighbours_vote_as_the_smallest_level_has_others() {
    let f = Folder::new("voters");
    // Five neighbours (the default) of three networks would be two own ones against three others.
    for (networks, voters) in [([3, 3], 2), ([4, 6], 3), ([7, 8], 5)] {
        f.write("s.ron", &study(networks, &format!("{COMPARE}, {TOLD}")));
        f.run("run s.ron --out out");
        let found = cells(&f, "out");
        assert_eq!(found["neighbours"]["k"], voters);
        assert_eq!(found["neighbours"]["accuracy"], 1.0);
        assert_eq!(found["accuracy"]["estimate"], 1.0);
        let page = String::from_utf8(f.read("out/report.html")).unwrap();
        assert!(page.contains(&format!("{voters}-NN accuracy of cell by cka 1.000")));
        assert!(
            page.contains(&format!("k = {voters}</small>")),
            "the table says k"
        );
        assert!(page.contains(&format!("naming the cell from the {voters} nearest")));
        assert!(page.contains("verdict yes"));
        let folders = "out/populations/vanilla-vanilla-tanh-6 out/populations/gru-gru-tanh-6";
        let pairs = f.json(&format!("distance cka {folders} --out d.npy"));
        let told = &pairs["populations"]["neighbours"];
        assert_eq!(
            (&told["k"], &told["accuracy"]),
            (&voters.into(), &1.0.into())
        );
        std::fs::remove_dir_all(f.join("out")).unwrap();
    }
}

#[test]
fn a_level_of_one_network_is_told_by_nothing() {
    let f = Folder::new("lone");
    f.write("s.ron", &study([4, 1], &format!("{COMPARE}, {TOLD}")));
    f.run("run s.ron --out out");
    let found = cells(&f, "out");
    assert!(found["neighbours"].is_null() && found["accuracy"].is_null());
    let page = String::from_utf8(f.read("out/report.html")).unwrap();
    let why = "cell `gru` has a single network, and none of its own is left to name it by";
    assert!(page.contains(&format!("not decided: {why}")));
    assert!(page.contains("verdict undecided"));
    let folders = "out/populations/vanilla-vanilla-tanh-6 out/populations/gru-gru-tanh-6";
    let pairs = f.json(&format!("distance cka {folders} --out d.npy"));
    let told = pairs["populations"]["neighbours"]["undecided"]
        .as_str()
        .unwrap();
    assert!(
        told.contains("gru-gru-tanh-6 has a single network"),
        "{told}"
    );
}

#[test]
fn claims_that_name_nothing_are_refused() {
    let f = Folder::new("nothing");
    for (test, words) in [
        (
            "KnnAccuracy(of: \"cell\", by: \"nope\")",
            &["test.by: ", "`nope`", "`svcca`", "`topology`"][..],
        ),
        (
            "KnnAccuracy(of: \"cel\", by: \"cka\")",
            &["test.of: ", "did you mean `cell`?", "`activation`"],
        ),
        (
            "KnnAccuracy(of: \"cell\", by: \"cka_\")",
            &["test.by: ", "did you mean `cka`?"],
        ),
        (
            "Agreement(across: \"seed\", by: \"cka\")",
            &["test.across: ", "`seed`", "`group`"],
        ),
        (
            "Agreement(across: \"units\", by: \"graph\")",
            &["test.by: ", "`graph`"],
        ),
        (
            "Trend(along: \"depth\", of: \"cka\")",
            &["test.along: ", "`depth`"],
        ),
        (
            "Trend(along: \"units\", of: \"out_of_distributions\")",
            &["test.of: ", "did you mean `out_of_distribution`?"],
        ),
        (
            "Outliers(of: \"vanila\", against: \"gru\")",
            &["test.of: ", "did you mean `vanilla`?"],
        ),
        (
            "Outliers(of: \"vanilla\", against: \"lstm\")",
            &["test.against: ", "`lstm`", "`gru`"],
        ),
        (
            "Outliers(of: \"vanilla\", against: \"gru\", by: \"cak\")",
            &["test.by: ", "`cak`"],
        ),
    ] {
        let sound =
            "(say: \"sound\", test: KnnAccuracy(of: \"cell\", by: \"cka\"), is: AtLeast(0.5))";
        let text = study(
            [2, 2],
            &format!("claims: [{sound},\n (say: \"x\", test: {test}, is: AtMost(0.5))]"),
        );
        f.write("s.ron", &text);
        for start in ["run s.ron --out out", "run s.ron --dry", "study show s.ron"] {
            f.refused(start, &[words, &["s.ron:4:", "claims[1]."]].concat());
        }
    }
    // Without groups there is none to list.
    let nameless = |until: &str, claims: &str| {
        format!(
            "(title: \"t\", task: \"flip_flop\", networks: [Train(cell: \"vanilla\", units: 4, seeds: 2{until})], measure: [Cka()]{claims})"
        )
    };
    let outliers =
        ", claims: [(say: \"x\", test: Outliers(of: \"x\", against: \"y\"), is: AtMost(0.1))]";
    f.write("s.ron", &nameless("", outliers));
    f.refused(
        "run s.ron --out out",
        &["claims[0].test.of: ", "none has a `name`"],
    );
    f.write("s.ron", &nameless(", until: LossOf(\"nobody\")", ""));
    f.refused(
        "run s.ron --out out",
        &["networks[0].until: ", "`nobody`", "none has a `name`"],
    );
    let all = [
        "svcca",
        "cka",
        "procrustes",
        "rsa",
        "trajectories",
        "endpoints",
        "selectivity",
        "configuration",
        "dsa",
        "dmd_wasserstein",
        "weight_permutation",
        "output_distance",
        "topology",
        "topology_all",
        "transitions",
        "points",
        "census",
    ];
    let claims: Vec<String> = all
        .iter()
        .map(|by| {
            format!("(say: \"x\", test: KnnAccuracy(of: \"cell\", by: \"{by}\"), is: AtLeast(0.5))")
        })
        .collect();
    f.write(
        "s.ron",
        &study([2, 2], &format!("claims: [{}]", claims.join(", "))),
    );
    // What has a name but is not measured here is left undecided.
    assert_eq!(f.json("run s.ron --dry")["claims_decidable"], 1);
}

#[test]
fn paths_and_populations_that_are_not_there_are_named() {
    let f = Folder::new("not-there");
    f.vanilla("one", &[0.1, 0.2, 0.3, 0.4], "tanh");
    f.vanilla("two", &[0.3, 0.2, 0.1, 0.5], "tanh");
    f.refused(
        "distance weights one missing --out d.npy",
        &["missing: not there"],
    );
    f.refused(
        "distance weights missing.npy one --out d.npy",
        &["missing.npy: not there"],
    );
    f.refused(
        "distance weights one two --out d.npy --population x",
        &["--population x", "`one`"],
    );
    f.refused(
        "fixed-points one --out points --population x",
        &["--population x", "`one`"],
    );
}
