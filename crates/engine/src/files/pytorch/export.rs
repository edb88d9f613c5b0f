//! A population as a state dict, and what that does not say.

use super::{other_activation, stacking};
use crate::error::EngineError;
use crate::files::tensors_to_bytes;
use crate::population::{Population, Role};

/// A population as a state dict of PyTorch with prefix `rnn.` and readout `readout.`; the network axis first where there
/// is more than one network. A gate with one bias in the cell has it in `bias_ih_l0`, and 0 in `bias_hh_l0`.
///
/// # Errors
///
/// [`EngineError::File`] where PyTorch has no module with the cell's equations, or none with its activation.
pub fn to_bytes(population: &Population) -> Result<Vec<u8>, EngineError> {
    let cell = &population.architecture.cell;
    let stacking = stacking(cell, "export")?;
    if let Some(message) = other_activation(cell, stacking) {
        return Err(EngineError::File {
            file: "export".into(),
            message,
        });
    }
    let (units, n) = (population.architecture.units, population.n_networks);
    let lead = |shape: &[usize]| -> Vec<usize> {
        (n > 1)
            .then_some(n)
            .into_iter()
            .chain(shape.iter().copied())
            .collect()
    };
    let stack = |prefix: &str,
                 order: &[String],
                 width: usize,
                 keep: &dyn Fn(&String) -> bool|
     -> Vec<f32> {
        let mut data = Vec::new();
        for network in 0..n {
            for gate in order {
                match population
                    .layout
                    .named(&format!("{prefix}.{gate}"))
                    .filter(|_| keep(gate))
                {
                    Some(tensor) => {
                        data.extend_from_slice(&population.network(network)[tensor.range()]);
                    }
                    None => data.extend(std::iter::repeat_n(0.0, units * width)),
                }
            }
        }
        data
    };
    let all = |_: &String| true;
    let not_in_input = |gate: &String| !stacking.input.contains(gate);
    let rows = |order: &[String]| order.len() * units;
    let inputs = population.architecture.inputs;
    let whole = |name: &str| -> Vec<f32> {
        (0..n)
            .flat_map(|k| {
                population
                    .layout
                    .named(name)
                    .map_or(&[][..], |t| &population.network(k)[t.range()])
            })
            .copied()
            .collect()
    };
    let tensors = [
        (
            "rnn.weight_ih_l0".to_owned(),
            lead(&[rows(&stacking.input), inputs]),
            stack("w_in", &stacking.input, inputs, &all),
        ),
        (
            "rnn.weight_hh_l0".to_owned(),
            lead(&[rows(&stacking.recurrent), units]),
            stack("w_rec", &stacking.recurrent, units, &all),
        ),
        (
            "rnn.bias_ih_l0".to_owned(),
            lead(&[rows(&stacking.input)]),
            stack("bias", &stacking.input, 1, &all),
        ),
        (
            "rnn.bias_hh_l0".to_owned(),
            lead(&[rows(&stacking.recurrent)]),
            stack("bias", &stacking.recurrent, 1, &not_in_input),
        ),
        (
            "readout.weight".to_owned(),
            lead(&[population.architecture.outputs, units]),
            whole("w_out"),
        ),
        (
            "readout.bias".to_owned(),
            lead(&[population.architecture.outputs]),
            whole("b_out"),
        ),
    ];
    tensors_to_bytes(&tensors, None)
}

/// What a state dict of this population does not say.
#[must_use]
pub fn lost(population: &Population) -> Vec<String> {
    let mut notes = Vec::new();
    let activation = &population.architecture.cell.activation.name;
    if activation != "tanh" {
        notes.push(format!("build the module with nonlinearity='{activation}'"));
    }
    let initial = population
        .layout
        .tensors
        .iter()
        .filter(|t| matches!(t.role, Role::InitialState(_)));
    let starts = initial.flat_map(|t| {
        (0..population.n_networks).flat_map(move |n| &population.network(n)[t.range()])
    });
    if starts.into_iter().any(|x| *x != 0.0) {
        notes.push(
            "the initial state is not 0: a state dict does not hold it, pass it as h_0".into(),
        );
    }
    notes
}
