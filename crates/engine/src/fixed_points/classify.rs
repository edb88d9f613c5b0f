//! From a polished state to a fixed point or a slow point with every number at that state.

use super::solve::{Solver, norm};
use super::{Options, Point, Provenance, SlowPoint};
use crate::linearise::spectrum;

/// The fixed point at a polished state, if it is one.
pub(crate) fn point(
    solver: &mut Solver,
    options: &Options,
    scale: f64,
    state: Vec<f64>,
    mut provenance: Provenance,
) -> Option<Point> {
    let map = solver.map;
    let newton_step = solver.newton_length(&state);
    let inside = map.half_widths().is_none_or(|widths| {
        state
            .iter()
            .zip(widths)
            .all(|(x, w)| x.abs() <= w * (1.0 + 1e-12))
    });
    // A wide spread of visited states must not make a point of what is none: its own size bounds the tolerance.
    let scale = scale.min(1.0 + norm(&state));
    if !(inside && newton_step <= options.fixed_step * scale) {
        return None;
    }
    let size = map.n_state();
    let mut residual = vec![0.0; size];
    map.residual(&mut solver.scratch, &state, &mut residual);
    provenance.residual_after = norm(&residual);
    let jacobian = map.jacobian(&mut solver.scratch, &state);
    let spectrum = spectrum(&jacobian, size)?;
    let nearest = if map.solves_candidate() {
        let of_candidate = map.candidate_jacobian(&mut solver.scratch, &state);
        // A step that is the identity has every state for a fixed point, whatever the candidate says.
        crate::linearise::spectrum(&of_candidate, size).map_or(0.0, |s| {
            if spectrum.nearest_to_one < 1e-13 {
                0.0
            } else {
                s.nearest_to_one
            }
        })
    } else {
        spectrum.nearest_to_one
    };
    Some(Point {
        readout: map.readout(&mut solver.scratch, &state),
        q: 0.5 * provenance.residual_after * provenance.residual_after,
        newton_step,
        index_sign: map.index_sign(&mut solver.scratch, &state),
        degenerate: nearest < options.degenerate,
        spectrum,
        provenance,
        state,
    })
}

/// The slow point at a local minimum, if it is slow.
pub(crate) fn slow(
    solver: &mut Solver,
    options: &Options,
    scale: f64,
    state: Vec<f64>,
    hits: usize,
) -> Option<SlowPoint> {
    let map = solver.map;
    let size = map.n_state();
    let mut residual = vec![0.0; size];
    map.residual(&mut solver.scratch, &state, &mut residual);
    let speed = norm(&residual);
    if speed.is_nan() || speed > options.slow_speed * scale {
        return None;
    }
    let drift = speed * 10.0 * options.trial_length / scale;
    let jacobian = map.jacobian(&mut solver.scratch, &state);
    Some(SlowPoint {
        q: 0.5 * speed * speed,
        speed,
        drift,
        lasting: drift <= options.lasting_drift,
        readout: map.readout(&mut solver.scratch, &state),
        spectrum: spectrum(&jacobian, size)?,
        hits,
        state,
    })
}
