//! The page holds what it promises: self-contained, safe, finite, labelled, and drawn whatever the study did.

use super::data::*;
use super::{figures, render, sample, text};

fn data_block(page: &str) -> serde_json::Value {
    let start = page.find(r#"id="data">"#).expect("data block") + r#"id="data">"#.len();
    let end = start + page[start..].find("</script>").expect("end of data");
    serde_json::from_str(&page[start..end]).expect("valid JSON")
}

/// Also the way to look at the page: the path is printed by `--no-capture`.
#[test]
fn page_is_self_contained() {
    let page = render(&sample::study(16));
    for outside in ["http:", "https:", "//cdn", "@import", "url(", "src="] {
        assert!(
            !page.contains(outside),
            "the page names something outside itself: {outside}"
        );
    }
    let file = std::env::temp_dir().join("chiliad-sample-report.html");
    std::fs::write(&file, &page).expect("write sample");
    assert_eq!(
        data_block(&page)["networks"]
            .as_object()
            .map(serde_json::Map::len),
        Some(64)
    );
    // Three channels of three trials of four networks, and the words that say what the broad lines are.
    assert_eq!(page.matches(r#"<path class="predicted" d="M"#).count(), 36);
    assert!(page.contains("what the graph predicts"));
}

#[test]
fn figures_have_axis_labels_and_stand_alone() {
    let data = sample::study(16);
    let figures = figures(&data);
    let mut names: Vec<_> = figures.iter().map(|f| f.0.clone()).collect();
    names.dedup();
    assert_eq!(names.len(), 9 + data.looks.len());
    for (name, svg) in &figures {
        let file = std::env::temp_dir().join(format!("chiliad-sample-{name}"));
        std::fs::write(file, svg).expect("write sample");
        assert!(
            svg.starts_with("<svg xmlns="),
            "{name} would not open on its own"
        );
        assert!(
            svg.matches("axis-label").count() > 2,
            "{name} lacks axis labels"
        );
        assert!(
            !svg.contains("NaN") && !svg.contains("inf "),
            "{name} has a place that is no number"
        );
    }
}

#[test]
fn names_cannot_inject() {
    let attack = "</script><script>alert(1)</script><img onerror='x' \"&";
    let mut data = sample::study(2);
    data.header.title = attack.to_owned();
    data.header.notes = vec![attack.to_owned()];
    data.header.claims[0].numbers = attack.to_owned();
    data.populations[0].label = attack.to_owned();
    data.populations[0].cell = attack.to_owned();
    data.looks[0].why = attack.to_owned();
    data.looks[0].points[0].label = attack.to_owned();
    if let Some(topology) = &mut data.topology {
        topology.classes[0].nodes[0].label = attack.to_owned();
        topology.fidelity[0] = attack.to_owned();
        topology.universality[0].0 = attack.to_owned();
    }
    if let Some(robust) = &mut data.robustness {
        robust.tolerances[0].population = attack.to_owned();
        robust.snapshots[0].population = attack.to_owned();
    }
    if let Some(dynamics) = &mut data.dynamics {
        dynamics.attractors[0].kinds[0].kind = attack.to_owned();
        dynamics.exponents[0].drive = attack.to_owned();
        dynamics.linear[0].sets[0].shape = attack.to_owned();
    }
    if let Some(benchmark) = &mut data.benchmark {
        benchmark.rows[0].label = attack.to_owned();
        benchmark.rows[1].device = attack.to_owned();
        benchmark.longer = Some((attack.to_owned(), 2.0));
    }
    if let Some(alike) = &mut data.alike {
        alike.factor = attack.to_owned();
        alike.how = attack.to_owned();
        alike.left_out[0] = attack.to_owned();
        alike.failed[0] = (attack.to_owned(), attack.to_owned());
        alike.measures[0].name = attack.to_owned();
        alike.measures[0].words = attack.to_owned();
        alike.measures[0].remarks[0] = attack.to_owned();
        alike.effects[0].measure = attack.to_owned();
        alike.elsewhere[0].0 = attack.to_owned();
        alike.neighbouring[0].0 = attack.to_owned();
        alike.worst_left_out[0].0 = attack.to_owned();
    }
    data.methods.load_tables = attack.to_owned();
    data.methods.provenance[0].1 = attack.to_owned();
    if let Some(census) = &mut data.populations[0].networks[0].census {
        census.ended_on = attack.to_owned();
        census.complete = Some(false);
        census.attractors[0].label = attack.to_owned();
    }
    let page = render(&data);
    assert!(!page.contains("<script>alert") && !page.contains("<img"));
    assert_eq!(page.matches("</script>").count(), 2);
    let names = &data_block(&page)["networks"];
    assert!(
        names["0"]
            .as_str()
            .is_some_and(|name| name.starts_with(attack)),
        "the text itself survives"
    );
    for (name, svg) in figures(&data) {
        assert!(!svg.contains("<script") && !svg.contains("<img"), "{name}");
    }
}

#[test]
fn what_is_not_finite_is_no_place_and_reads_back() {
    let mut data = sample::study(3);
    let network = &mut data.populations[1].networks[0];
    (network.loss, network.normalised_error) = (f64::NAN, f64::INFINITY);
    network.curve[0].loss = f64::NEG_INFINITY;
    network.curve[1].loss = 0.0;
    data.looks[0].trajectories[0][0] = [f64::NAN; 3];
    data.looks[0].points[0].at[1] = f64::INFINITY;
    data.looks[0].points[1].eigenvalues[0] = [f64::NAN, 0.0];
    let page = render(&data);
    assert!(!page.contains("NaN") && !page.contains("=\"inf"));
    data_block(&page);
    let json = serde_json::to_string(&data).expect("written");
    let back: ReportData = serde_json::from_str(&json).expect("read back");
    assert!(back.populations[1].networks[0].loss.is_nan());
}

#[test]
fn odd_studies_render() {
    let mut unlucky = sample::study(2);
    for network in unlucky.populations.iter_mut().flat_map(|p| &mut p.networks) {
        network.outcome = Outcome::BudgetSpent;
        network.census = None;
        network.curve.iter_mut().for_each(|p| p.loss = f64::NAN);
    }
    let mut single = sample::study(1);
    single.populations.truncate(1);
    single.looks.truncate(1);
    single.looks[0].n_components = 1;
    single.looks[0].variance_explained.truncate(1);
    single.looks[0].points.clear();
    let mut planar = sample::study(1);
    planar.looks[0].n_components = 2;
    planar.looks[1].trials.clear();
    planar.looks[2].trajectories.clear();
    for inputs in &mut planar.looks[0].trials[0].inputs {
        inputs.push(0.5);
    }
    if let Some(topology) = &mut single.topology {
        topology.classes[0].nodes[0].readout.clear();
        topology.classes[0].edges.push((99, 0));
    }
    planar.topology = None;
    if let Some(dynamics) = &mut single.dynamics {
        dynamics.attractors[0].kinds.clear();
        dynamics.attractors[0].states = [0; 2];
        dynamics.exponents[0].spectra[0].exponents = vec![f64::NEG_INFINITY, f64::NAN];
        dynamics.linear[0].sets.clear();
    }
    planar.dynamics = Some(Dynamics::default());
    if let Some(alike) = &mut single.alike {
        alike.measures[0].matrix.fill(f64::NAN);
        alike.measures[0].picture.clear();
        alike.level.fill(None);
    }
    if let Some(benchmark) = &mut single.benchmark {
        benchmark.rows.clear();
    }
    planar.alike = None;
    planar.benchmark = None;
    planar.robustness = None;
    let empty = ReportData::default();
    let studies = [empty, sample::study(0), unlucky, single, planar];
    for (k, data) in studies.iter().enumerate() {
        let page = render(data);
        let file = std::env::temp_dir().join(format!("chiliad-sample-odd-{k}.html"));
        std::fs::write(file, &page).expect("write sample");
        assert!(page.contains("</html>") && !page.contains("NaN"));
        data_block(&page);
        assert!(figures(data).iter().all(|(_, svg)| !svg.contains("NaN")));
    }
}

#[test]
fn a_thousand_networks_stay_a_small_page() {
    let page = render(&sample::study(250));
    std::fs::write(
        std::env::temp_dir().join("chiliad-sample-thousand.html"),
        &page,
    )
    .expect("write sample");
    assert!(page.len() < 10_000_000, "{} bytes", page.len());
}

#[test]
fn numbers_read_well() {
    for (x, words) in [
        (0.0, "0"),
        (0.000_93, "0.00093"),
        (0.000_093, "9.3 × 10⁻⁵"),
        (0.034_56, "0.0346"),
        (1.5, "1.5"),
        (371.0, "371"),
        (-2.25, "−2.25"),
        (f64::NAN, "–"),
        (f64::INFINITY, "∞"),
        (4e5, "4.0 × 10⁵"),
    ] {
        assert_eq!(text::number(x), words);
    }
}
