//! Why the penalty of the spectral radius stays where eigenvectors can be had: it ends where powers of the matrix tell nothing apart.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use chiliad_engine::cell::Cell;
use chiliad_engine::population::{Architecture, Layout, Role};
use chiliad_engine::recipe::Penalty;
use chiliad_tasks::random::Stream;
use std::sync::Arc;

/// Descent on the penalty brings further eigenvalues to the modulus of the first. After k products with the matrix their shares
/// still stand as (second / first)^k.
#[test]
fn the_penalty_of_the_radius_drives_eigenvalues_together() {
    let n = 24;
    let layout = Layout::new(&Architecture {
        cell: Arc::new(Cell::builtin("vanilla", "tanh").unwrap()),
        units: n,
        inputs: 1,
        outputs: 1,
    });
    let range = layout.find(Role::Recurrent(0, 0)).unwrap().range();
    let (stream, spread) = (Stream::new(3, 0x483), 1.5 / (n as f32).sqrt());
    let mut params = vec![0.0; layout.n_params];
    for (e, p) in params[range.clone()].iter_mut().enumerate() {
        *p = spread * stream.normal_at((e / n) as u32, (e % n) as u32);
    }
    // The first modulus, and how far below it the next one lies that is not its conjugate's, relative to it.
    let gap = |params: &[f32]| {
        let w = faer::Mat::from_fn(n, n, |i, j| f64::from(params[range.start + i * n + j]));
        let values = w.eigenvalues().unwrap();
        let mut moduli: Vec<f64> = values.iter().map(|l| l.norm()).collect();
        moduli.sort_by(|a, b| b.total_cmp(a));
        let next = moduli.iter().find(|m| moduli[0] - **m > 1e-9).unwrap();
        (moduli[0], 1.0 - next / moduli[0])
    };
    let penalty = Penalty::SpectralRadius { bound: 1.0 };
    let before = gap(&params);
    for _ in 0..600 {
        let mut gradient = vec![0.0; params.len()];
        penalty.of_weights(&layout, &params, 1.0, &mut gradient);
        for (p, g) in params.iter_mut().zip(&gradient) {
            *p -= 0.02 * g;
        }
    }
    let after = gap(&params);
    println!("modulus and gap: {before:?}, then {after:?}");
    assert!(before.1 > 1e-2 && after.1 < 1e-6, "{before:?} {after:?}");
    assert!(after.0 < 1.0 + 1e-3);
}
