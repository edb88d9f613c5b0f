//! The crate graph: data flows one way.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::process::Command;

/// Names of everything a package depends on.
fn dependencies(package: &str) -> String {
    let output = Command::new(env!("CARGO"))
        .args([
            "tree", "--locked", "-e", "normal", "--prefix", "none", "-p", package,
        ])
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn crates_name_only_what_stands_above_them() {
    let names = |package: &str| -> Vec<String> {
        dependencies(package)
            .lines()
            .skip(1)
            .filter_map(|l| l.split(' ').next().map(String::from))
            .collect()
    };
    let tasks = names("chiliad-tasks");
    for forbidden in [
        "wgpu",
        "naga",
        "chiliad-engine",
        "chiliad-analysis",
        "chiliad",
    ] {
        assert!(
            !tasks.iter().any(|n| n == forbidden),
            "chiliad-tasks depends on {forbidden}"
        );
    }
    let engine = names("chiliad-engine");
    for forbidden in [
        "anyhow",
        "clap",
        "indicatif",
        "parquet",
        "chiliad-analysis",
        "chiliad",
    ] {
        assert!(
            !engine.iter().any(|n| n == forbidden),
            "chiliad-engine depends on {forbidden}"
        );
    }
    let analysis = names("chiliad-analysis");
    for forbidden in ["anyhow", "clap", "indicatif", "chiliad"] {
        assert!(
            !analysis.iter().any(|n| n == forbidden),
            "chiliad-analysis depends on {forbidden}"
        );
    }
    assert!(names("chiliad-shaders").is_empty());
}
