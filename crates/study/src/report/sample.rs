//! A made-up study for the tests: the shape of a 3-bit flip-flop result, from a fixed sequence of numbers.

mod look;
mod measures;
mod networks;

use super::data::*;
use look::look;
use measures::{alike, benchmark, dynamics, robustness, topology};
use networks::{decisions, network};

/// A repeatable stream of numbers in [0, 1).
struct Draw(u64);

impl Draw {
    fn next(&mut self) -> f64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1u64 << 53) as f64
    }
}

/// Four cells with `per_cell` networks each.
pub(super) fn study(per_cell: usize) -> ReportData {
    let mut draw = Draw(7);
    let cells = [
        ("vanilla", 371.0, 1059),
        ("ugrnn", 534.0, 2179),
        ("gru", 495.0, 3299),
        ("lstm", 374.0, 4419),
    ];
    let mut populations = Vec::new();
    for (p, (cell, steps, n_parameters)) in cells.into_iter().enumerate() {
        populations.push(PopulationReport {
            label: format!("{cell} tanh 32"),
            cell: cell.to_owned(),
            activation: "tanh".to_owned(),
            units: 32,
            n_parameters,
            criterion: Some(1e-3),
            expected_attractors: Some("8 fixed points, one per sign pattern".to_owned()),
            networks: (0..per_cell)
                .map(|n| network(&mut draw, p, p * per_cell + n, steps, p == 3 && n == 5))
                .collect(),
            psychometric: (0..per_cell).map(|_| decisions(&mut draw)).collect(),
        });
    }
    let looks = if per_cell == 0 {
        Vec::new()
    } else {
        (0..4)
            .map(|p| look(&mut draw, p, p * per_cell + per_cell / 3))
            .collect()
    };
    ReportData {
        header: header(),
        populations,
        looks,
        topology: Some(topology(per_cell)),
        dynamics: Some(dynamics(&mut draw, per_cell)),
        alike: Some(alike(&mut draw, per_cell)),
        benchmark: Some(benchmark()),
        robustness: Some(robustness()),
        methods: methods(),
    }
}

fn header() -> Header {
    let claim = |sentence: &str, verdict, numbers: &str| Claim {
        sentence: sentence.to_owned(),
        verdict,
        numbers: numbers.to_owned(),
    };
    Header {
        title: "Is the scaffold of 3-bit memory universal?".to_owned(),
        subtitle: "flip_flop, 3 bits, 64 steps; 4 cells × 16 networks".to_owned(),
        claims: vec![
            claim(
                "Geometry tells cells apart",
                Verdict::Yes,
                "k-NN 0.97 [0.93, 0.99], chance 0.25, n = 63",
            ),
            claim(
                "The scaffold does not",
                Verdict::Undecided,
                "agreement 0.86 [0.77, 0.92], asked at least 0.8, n = 63",
            ),
        ],
        topology_classes: None,
        device: "CPU, 2 threads, AVX-512".to_owned(),
        minutes: 1.43,
        notes: vec!["Trials come from a bank of 65,536; none was seen more than twice.".to_owned()],
    }
}

fn methods() -> Methods {
    let constant = |name: &str, value: &str, project_default| Constant {
        name: name.to_owned(),
        value: value.to_owned(),
        project_default,
    };
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    Methods {
        paragraphs: vec![
            "We trained 64 recurrent networks (vanilla, UGRNN, GRU and LSTM with tanh, 16 each, 32 units) on a 3-bit flip-flop (64 steps, pulse probability 0.1 per channel and step) by back-propagation through time with Adam (learning rate 0.01, global-norm clip 1, 64 trials per step) until the mean squared error on 512 fixed trials was at most 0.001.".to_owned(),
            "Fixed points at zero input were searched from 1,024 seeds of five kinds per network by damped Newton in double precision, and in rounds from combinations of the points found until two rounds added none.".to_owned(),
        ],
        constants: vec![
            constant("train.learning_rate", "0.01", false),
            constant("train.clip", "1 (global norm)", true),
            constant("fixed_points.seeds", "1,024 per condition", true),
            constant("fixed_points.newton_step", "1e-8 of the state scale", true),
        ],
        provenance: vec![pair("chiliad", "0.1.0"), pair("seed", "0"), pair("resolved.ron", &"9f2c4e1b".repeat(8))],
        load_tables: "import pandas as pd\nnetworks = pd.read_parquet(\"networks.parquet\")".to_owned(),
    }
}
