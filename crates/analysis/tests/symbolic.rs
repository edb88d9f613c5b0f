//! Symbolic codes of orbits whose regions are known.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use chiliad_analysis::symbolic::{Code, text};
use chiliad_engine::cycles::orbit;
use chiliad_engine::piecewise::{Options, PiecewiseLinear, find};

/// `z' = a z + W relu(z) + h`, bistable between a fixed point and a 2-cycle.
fn two_units() -> PiecewiseLinear {
    PiecewiseLinear::new(
        &[-0.8, 0.0, 0.0, -0.2],
        &[-0.7, 0.3],
        &[1.8, 0.7, 0.9, -0.7],
        &[1.0, 0.0, 0.0, 1.0],
        &[0.0, 0.0],
    )
    .unwrap()
}

#[test]
fn a_fixed_point_is_a_constant_symbol_and_a_2_cycle_alternates() {
    let map = two_units();
    let found = find(&map, &Options::default());
    for cycle in found.cycles.iter().filter(|c| c.stable) {
        let path = orbit(&mut map.clone(), &cycle.points[0], 101);
        let code = Code::of(&map, &path);
        let texts: Vec<String> = code.regions.iter().map(|r| text(r)).collect();
        match cycle.period {
            1 => {
                assert_eq!(texts, ["01"]);
                assert_eq!(code.visits, [101]);
                assert_eq!(code.transitions, [[100]]);
            }
            _ => {
                // From (-, +) to (+, -) and back.
                assert_eq!(texts, ["01", "10"]);
                assert_eq!(code.visits, [51, 50]);
                assert_eq!(code.transitions, [[0, 50], [50, 0]]);
                assert_eq!(code.transition_matrix(), [[0.0, 1.0], [1.0, 0.0]]);
                assert!(code.sequence.iter().enumerate().all(|(t, &s)| s == t % 2));
            }
        }
    }
}

#[test]
fn visits_and_transitions_add_up() {
    // A tent map: chaotic, two regions.
    let tent = PiecewiseLinear::new(&[1.9], &[0.0], &[-3.8], &[1.0], &[-0.5]).unwrap();
    let path = orbit(&mut tent.clone(), &[0.3], 1000);
    let code = Code::of(&tent, &path);
    assert_eq!(code.regions.len(), 2);
    assert_eq!(code.visits.iter().sum::<usize>(), 1000);
    assert_eq!(code.transitions.iter().flatten().sum::<usize>(), 999);
    assert!(code.visits[0] >= code.visits[1]);
    for row in code.transition_matrix() {
        assert!((row.iter().sum::<f64>() - 1.0).abs() < 1e-12);
    }
    assert_eq!(Code::of(&tent, &[]).visits, [0_usize; 0]);
}
