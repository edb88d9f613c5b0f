//! The box that a cell's map sends into itself at a constant input, computed from the weights.

use super::Map;
use crate::cell::sidecar::Bound;
use crate::numerics::exact::sigmoid;

/// Half-width of every state coordinate, `[field, unit]`, as the cell's sidecar describes it; `None` where it does not,
/// or where a half-width is not finite.
pub(crate) fn half_widths(map: &Map) -> Option<Vec<f64>> {
    let cell = map.cell();
    let activation = cell.activation.bound?;
    let n = map.n_units();
    let bounds = cell
        .states
        .iter()
        .map(|state| cell.sidecar.bounds.get(state))
        .collect::<Option<Vec<&Bound>>>()?;
    // The largest |drive| of a stage: the bound of the field it is, else the activation's, which a drive such as
    // `activation(x)` or `sigmoid(r) h` never passes.
    let drive = |stage: usize| match cell.plain_drive(stage) {
        Some(field) if *bounds[field] != Bound::Activation => None,
        _ => Some(activation),
    };
    let pre_activation = |name: &str, signed: bool| -> Option<Vec<f64>> {
        let (s, index) = cell
            .gates()
            .enumerate()
            .find(|(_, (_, _, gate))| gate.name == name)
            .map(|(i, (s, ..))| (s, i))?;
        let weights = &map.weights()[index];
        let largest = if weights.rows.is_empty() {
            0.0
        } else {
            drive(s)?
        };
        let row = |i: usize| {
            if weights.rows.is_empty() {
                0.0
            } else {
                weights.rows[i * super::dense::stride(n)..][..n]
                    .iter()
                    .map(|w| w.abs())
                    .sum::<f64>()
            }
        };
        Some(
            (0..n)
                .map(|i| {
                    row(i) * largest
                        + if signed {
                            weights.constant[i]
                        } else {
                            weights.constant[i].abs()
                        }
                })
                .collect(),
        )
    };
    let mut widths = Vec::with_capacity(map.n_state());
    for bound in bounds.iter().copied() {
        match bound {
            Bound::Activation => widths.extend(std::iter::repeat_n(activation, n)),
            Bound::Retained { gate } => widths.extend(
                pre_activation(gate, true)?
                    .into_iter()
                    .map(|p| activation / (1.0 - sigmoid(p))),
            ),
            Bound::PreActivation { gate } => widths.extend(pre_activation(gate, false)?),
        }
    }
    widths.iter().all(|w| w.is_finite()).then_some(widths)
}
