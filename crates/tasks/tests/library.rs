//! Every file of the library parses, samples and is what its neighbours are.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use chiliad_tasks::{Task, Trials, builtin_names};

#[test]
fn every_variant_of_every_task_samples_finite_trials_of_its_shape() {
    let mut wrong = Vec::new();
    for name in builtin_names() {
        let task = match Task::builtin(name) {
            Ok(task) => task,
            Err(error) => {
                wrong.push(error.to_string());
                continue;
            }
        };
        assert!(
            !task.summary.is_empty() && !task.source.is_empty(),
            "{name}"
        );
        let conditions = task.conditions();
        for variant in task.variants() {
            let trials = task.sample(variant, 40, 3).unwrap();
            let kept = trials.clone();
            if let Err(error) = Trials::new(
                40,
                kept.shape(),
                kept.inputs,
                kept.targets,
                kept.mask,
                kept.condition,
            ) {
                wrong.push(format!("{name} {variant}: {error}"));
            }
            let indices = 0..conditions.len() as i32;
            assert!(
                trials.condition.iter().all(|c| indices.contains(c)),
                "{name} {variant}"
            );
        }
        for condition in conditions {
            assert_eq!(
                condition.input.len(),
                task.shape("train").unwrap().n_inputs,
                "{name}"
            );
            assert!(condition.input.iter().all(|x| x.is_finite()), "{name}");
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_file_is_in_the_library() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tasks");
    let mut files: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| {
            entry
                .unwrap()
                .path()
                .file_stem()
                .unwrap()
                .to_str()
                .unwrap()
                .to_owned()
        })
        .collect();
    let mut names: Vec<String> = builtin_names().map(str::to_owned).collect();
    files.sort();
    names.sort();
    assert_eq!(files, names);
}
