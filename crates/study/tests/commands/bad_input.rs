//! Bad study files and cells end with exit code 2, a message that names file, field, line and what is allowed, and
//! nothing half-written.
use crate::folder::{Folder, SMALL};

/// `study.ron` with this text is refused.
fn study(name: &str, text: &str, words: &[&str]) {
    let folder = Folder::new(name);
    folder.write("study.ron", text);
    folder.refused("run study.ron --out out", &[&["study.ron"], words].concat());
}

#[test]
fn malformed_ron() {
    study(
        "ron",
        "(title: \"t\",\n task: \"flip_flop\",\n networks: [Train(cell: \"gru\", units: 8],\n)",
        &["study.ron:3:", "networks[0]"],
    );
}

#[test]
fn unknown_field() {
    study(
        "field",
        "(title: \"t\", task: \"flip_flop\",\n networks: [Train(cell: \"gru\",\n unts: 8)])",
        &["study.ron:3:", "`unts`", "did you mean `units`?", "`batch`"],
    );
}

#[test]
fn search_out_of_range() {
    let measured = |measure: &str| {
        format!(
            "(title: \"t\", task: \"flip_flop\", networks: [Train(cell: \"gru\", units: 8)],\n measure: [FixedPoints({measure})])"
        )
    };
    study(
        "rounds",
        &measured("rounds_max: 0"),
        &["study.ron:2:", "measure[0].rounds_max", "1 to 1000"],
    );
    study(
        "tolerance",
        &measured("tolerance: 1e-9"),
        &["study.ron:2:", "measure[0].fixed_step", "below `tolerance`"],
    );
    study(
        "round",
        &measured("rounds: 4"),
        &["study.ron:2:", "`rounds`", "`rounds_max`"],
    );
}

#[test]
fn unknown_cell() {
    study(
        "cell",
        "(title: \"t\", task: \"flip_flop\",\n networks: [\n Train(cell: [\"gru\", \"lstn\"], units: 8)])",
        &[
            "study.ron:3:",
            "networks[0].cell[1]",
            "did you mean `lstm`?",
            "vanilla",
        ],
    );
}

#[test]
fn unknown_task_and_activation() {
    study(
        "task",
        "(title: \"t\",\n task: \"flipflop\", networks: [Train(cell: \"gru\", units: 8)])",
        &["study.ron:2:", "task: ", "flip_flop"],
    );
    study(
        "activation",
        "(title: \"t\", task: \"flip_flop\",\n networks: [Train(cell: \"gru\", activation: \"tahn\", units: 8)])",
        &["study.ron:2:", "did you mean `tanh`?"],
    );
}

#[test]
fn zero_units_and_zero_seeds() {
    study(
        "units",
        "(title: \"t\", task: \"flip_flop\",\n networks: [Train(cell: \"gru\",\n units: [8, 0])])",
        &["study.ron:3:", "networks[0].units[1]", "allowed: 1 to"],
    );
    study(
        "seeds",
        "(title: \"t\", task: \"flip_flop\",\n networks: [Train(cell: \"gru\", units: 8,\n seeds: 0)])",
        &["study.ron:3:", "networks[0].seeds", "allowed: "],
    );
}

#[test]
fn a_cell_with_a_loop() {
    let folder = Folder::new("loop");
    let cell = "struct State { h: f32 }\nstruct Input { a: f32 }\nfn input_drive(s: State) -> f32 { return s.h; }\nfn next(s: State, g: Input) -> State {\n    var h = s.h;\n    loop { h = h * 0.5; if h < 0.1 { break; } }\n    return State(h + g.a);\n}\n";
    folder.write("own.wgsl", cell);
    let words = ["own.wgsl:", "not allowed", "instead"];
    folder.refused("cell check own.wgsl", &words);
    folder.write(
        "study.ron",
        "(title: \"t\", task: \"flip_flop\",\n networks: [Train(cell: \"own.wgsl\", units: 8)])",
    );
    folder.refused("run study.ron --out out", &["study.ron:2:", "own.wgsl:"]);
}

#[test]
fn numbers_that_no_machine_can_serve() {
    for (name, setting) in [
        ("bank", "bank_trials: 10000000000"),
        ("eval", "eval_trials: 100000000"),
        ("batch", "batch: 1000000000"),
        ("rate", "learning_rate: 1e300"),
        ("noname", "name: \"\""),
    ] {
        let text = format!(
            "(title: \"t\", task: \"flip_flop\",\n networks: [Train(cell: \"gru\", units: 8,\n {setting})])"
        );
        let field = setting.split(':').next().unwrap();
        study(name, &text, &["study.ron:3:", field, "allowed"]);
    }
    let long = format!(
        "(title: \"t\", task: \"flip_flop\",\n networks: [Train(cell: \"gru\", units: 8,\n name: \"{}\")])",
        "n".repeat(250)
    );
    study("long", &long, &["study.ron:3:", "networks[0].name"]);
    study(
        "words",
        "(title: \"t\", task: \"flip_flop\",\n networks: [Train(cell: \"gru\", units: 8,\n max_steps: -1)])",
        &["study.ron:3:", "max_steps", "whole number"],
    );
    study("deep", &"(".repeat(50_000), &["brackets"]);
    // More units than a kernel takes: refused before there is a folder.
    let folder = Folder::new("gpu-units");
    folder.write("s.ron", &SMALL.replace("units: 8", "units: 300"));
    folder.refused("run s.ron --device llvmpipe --out out", &[]);
}
