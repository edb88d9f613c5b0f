//! Boxes that maps keep, and one that a map leaves.

use chiliad_engine::cell::{Activation, Cell};
use chiliad_engine::map::{BoxKept, keeps_box};
use std::sync::Arc;

#[test]
fn the_box_is_kept_by_every_cell_that_declares_one() {
    // a z + W f(z) + b is bounded by nothing that is known of a and W; a turning or summed state by no interval per field.
    let without = [
        "antisymmetric",
        "plrnn",
        "al_rnn",
        "shplrnn",
        "shplrnn_clipped",
        "state_space_complex",
        "linear_attention",
        "modern_hopfield",
    ];
    for cell in chiliad_engine::cell::names() {
        for activation in ["tanh", "sigmoid", "erf", "saturating_linear"] {
            let kept = keeps_box(&Arc::new(Cell::builtin(cell, activation).unwrap())).unwrap();
            if without.contains(&cell) {
                assert_eq!(kept, BoxKept::Undeclared);
                continue;
            }
            assert!(
                matches!(kept, BoxKept::Stepped { steps: 1000, .. }) && kept.passed(),
                "{cell} {activation}: {kept:?}"
            );
        }
        let unbounded = keeps_box(&Arc::new(Cell::builtin(cell, "relu").unwrap())).unwrap();
        let expected = if without.contains(&cell) {
            BoxKept::Undeclared
        } else {
            BoxKept::Unbounded
        };
        assert_eq!(unbounded, expected, "{cell}");
    }
}

#[test]
fn a_box_that_the_map_leaves_is_found_out() {
    // At the border, 0.9 + 0.4 of the activation's bound.
    let wgsl = "struct State { h: f32 }\nstruct Input { a: f32 }\nfn input_drive(s: State) -> f32 { return s.h; }\nfn next(s: State, p: Input) -> State { return State(0.9 * s.h + 0.4 * activation(p.a)); }\n";
    let compile = |sidecar: &str| {
        let tanh = Activation::builtin("tanh").unwrap();
        Arc::new(Cell::compile("mine", "mine.wgsl", wgsl, sidecar, tanh).unwrap())
    };
    let wrong = keeps_box(&compile("(box: { \"h\": Activation })")).unwrap();
    assert!(
        matches!(wrong, BoxKept::Stepped { farthest, .. } if farthest > 1.2 && farthest <= 1.3),
        "{wrong:?}"
    );
    assert!(!wrong.passed());
    let missing = keeps_box(&compile("(box: { \"h\": Retained(gate: \"f\") })")).unwrap();
    assert_eq!(missing, BoxKept::Incomputable);
    assert_eq!(keeps_box(&compile("")).unwrap(), BoxKept::Undeclared);
}
