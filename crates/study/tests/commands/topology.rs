//! `topology` and `explain` from outside: the ideal 3-bit memory, three units that know nothing of each other, and what
//! the two commands refuse.
use crate::folder::Folder;
use chiliad_engine::files::tensors_to_bytes;
use serde_json::Value;

impl Folder {
    /// With the memory imported as `m`, its trials in `t.npz`.
    pub(crate) fn with_memory(name: &str) -> Self {
        let f = Self::new(name);
        let diagonal = |value: f32| {
            let mut matrix = vec![0.0; 9];
            (0..3).for_each(|i| matrix[4 * i] = value);
            matrix
        };
        let tensors = [("w_rec.a", 1.5), ("w_in.a", 2.0), ("w_out", 1.0 / 0.858_56)]
            .map(|(name, value)| (name.to_owned(), vec![3, 3], diagonal(value)));
        std::fs::write(
            f.join("m.safetensors"),
            tensors_to_bytes(&tensors, None).unwrap(),
        )
        .unwrap();
        f.json("import m.safetensors --cell vanilla --activation tanh --out m");
        f.json("task sample flip_flop --trials 32 --seed 1 --out t.npz");
        f
    }
}

#[test]
fn the_ideal_memory_has_its_cube() {
    let f = Folder::with_memory("cube");
    f.json("topology m --trials t.npz --out graphs");
    let file: Value =
        serde_json::from_slice(&std::fs::read(f.join("graphs/result.json")).unwrap()).unwrap();
    let network = &file["networks"][0];
    let nodes = network["nodes"].as_array().unwrap();
    let of_index = |k: u64| nodes.iter().filter(|n| n["index"] == k).count();
    assert_eq!([0, 1, 2, 3].map(of_index), [8, 12, 6, 1]);
    let edges = network["edges"].as_array().unwrap();
    let of_kind = |kind: &str| edges.iter().filter(|e| e["kind"] == kind).count();
    // 12 edges of the cube with two ends each; 6 faces to 4 edges, the centre to 6 faces; 8 corners under 3 x 2 pulses.
    assert_eq!(["end", "link", "pulse"].map(of_kind), [24, 24 + 6, 48]);
    assert_eq!(network["automaton_fidelity"], 1.0);
    assert_eq!(network["missed_by_search"], 0);
    assert_eq!(network["unresolved"], 0);
    let corners: std::collections::BTreeSet<&str> = nodes
        .iter()
        .filter(|n| n["kind"] == "stable")
        .map(|n| n["label"].as_str().unwrap())
        .collect();
    assert_eq!(corners.len(), 8);
    assert!(corners.contains("+-+"));
}

#[test]
fn a_point_tells_how_it_was_found_and_where_it_leads() {
    let f = Folder::with_memory("explain");
    f.json("fixed-points m --trials t.npz --out points");
    // Points are in the order of their unstable directions: 8 corners, 12 edges, 6 faces, the centre.
    let edge = f.json("explain m --network 0 --point 10 --points points");
    assert!((edge["eigenvalues"][0]["re"].as_f64().unwrap() - 1.5).abs() < 1e-12);
    let leads_to = edge["graph"]["leads_to"].as_array().unwrap();
    assert_eq!(leads_to.len(), 2);
    assert!(leads_to.iter().all(|e| e["share"] == 0.5));
    assert_eq!(edge["graph"]["led_to_by"].as_array().unwrap().len(), 2);
    assert!(edge["hits"].as_u64().unwrap() >= 1);
    f.refused(
        "explain m --network 0 --point 27 --points points",
        &["point 27"],
    );
    f.refused(
        "explain m --network 1 --point 0 --points points",
        &["network 1"],
    );
    f.refused("topology m --directions 0 --out g", &["--directions 0"]);
    f.refused("topology m --amplitude=-1 --out g", &["--amplitude"]);
    assert!(!f.join("g").exists());
}

/// In a report, what the graph predicts of the pulses alone stands under what the network said: for the ideal memory the same.
#[test]
fn the_report_draws_what_the_automaton_predicts() {
    let f = Folder::with_memory("predicts");
    f.write(
        "s.ron",
        "(title: \"t\", task: \"flip_flop\", networks: [Import(file: \"m.safetensors\", cell: \"vanilla\", activation: \"tanh\")],
          measure: [FixedPoints(), Topology()])",
    );
    f.run("run s.ron --out out");
    let page = String::from_utf8(f.read("out/report.html")).unwrap();
    assert_eq!(page.matches(r#"<path class="predicted" d="M"#).count(), 9);
    assert!(page.contains("what the graph predicts"));
}
