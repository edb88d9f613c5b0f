//! PyTorch's layout: the rows of `weight_ih_l0` and `weight_hh_l0` are the gates' weights, one below the other, in the
//! order that the cell's sidecar gives; a gate's bias is the sum of its blocks of `bias_ih_l0` and `bias_hh_l0`.

mod export;
mod state_dict;

pub use export::{lost, to_bytes};

use super::{Imported, MappedTensor, read_tensors};
use crate::cell::sidecar::Pytorch;
use crate::cell::{Cell, names};
use crate::error::EngineError;
use crate::population::{Architecture, Population, Role, Seeds};
use state_dict::{Source, StateDict};
use std::path::Path;
use std::sync::Arc;

/// Networks from a state dict of PyTorch, any prefix before `weight_ih_l0`, with or without a leading network axis.
///
/// # Errors
///
/// [`EngineError::File`] and [`EngineError::Shape`] name the tensor, its shape and the shape it should have.
pub fn import(
    path: &Path,
    cell: &Arc<Cell>,
    constants: &[(String, f64)],
) -> Result<Imported, EngineError> {
    let file = path.display().to_string();
    let stacking = stacking(cell, &file)?;
    let (tensors, _) = read_tensors(path)?;
    let dict = StateDict::find(&tensors, &file, stacking)?;
    let architecture = Architecture {
        cell: Arc::clone(cell),
        units: dict.units,
        inputs: dict.inputs,
        outputs: dict.outputs,
    };
    let mut population = Population::zeros(architecture, dict.n_networks);
    population.seeds = (0..dict.n_networks as u64).map(Seeds::all).collect();
    population.constants = cell.constants_with(constants)?.repeat(dict.n_networks);
    let layout = Arc::clone(&population.layout);
    let (mut map, mut notes) = (Vec::new(), dict.notes.clone());
    for tensor in &layout.tensors {
        let gate = |s: usize, g: usize| cell.stages[s].gates[g].name.as_str();
        let place = |order: &[String], name: &str| order.iter().position(|n| n == name);
        let blocks: Vec<(&Source<'_>, usize)> = match tensor.role {
            Role::Recurrent(s, g) => place(&stacking.recurrent, gate(s, g))
                .map(|p| (&dict.weight_hh, p))
                .into_iter()
                .collect(),
            Role::Input(s, g) => place(&stacking.input, gate(s, g))
                .map(|p| (&dict.weight_ih, p))
                .into_iter()
                .collect(),
            Role::Bias(s, g) => {
                let input = place(&stacking.input, gate(s, g))
                    .and_then(|p| Some((dict.bias_ih.as_ref()?, p)));
                let recurrent = place(&stacking.recurrent, gate(s, g))
                    .and_then(|p| Some((dict.bias_hh.as_ref()?, p)));
                input.into_iter().chain(recurrent).collect()
            }
            Role::Readout => dict.readout.iter().map(|r| (r, 0)).collect(),
            Role::ReadoutBias => dict.readout_bias.iter().map(|b| (b, 0)).collect(),
            Role::Unit(_) => {
                return Err(EngineError::File {
                    file,
                    message: format!(
                        "cell `{}` has unit parameters, which PyTorch's {} has not",
                        cell.name, stacking.module
                    ),
                });
            }
            Role::InitialState(_) => Vec::new(),
        };
        for network in 0..dict.n_networks {
            let to = &mut population.params[network * layout.n_params..][tensor.range()];
            if blocks.is_empty() {
                // Not the sum of nothing, which is -0.
                to.fill(0.0);
                if tensor.role == Role::Readout {
                    to.iter_mut().step_by(dict.units + 1).for_each(|w| *w = 1.0);
                }
                continue;
            }
            for (e, to) in to.iter_mut().enumerate() {
                // Summed in f64 and rounded once.
                *to = blocks
                    .iter()
                    .map(|(source, p)| {
                        source.network(network, dict.n_networks)[p * tensor.len() + e]
                    })
                    .sum::<f64>() as f32;
            }
        }
        let rows = tensor.shape[0];
        let from: Vec<String> = blocks
            .iter()
            .map(|(s, p)| format!("{}[{}..{}]", s.name, p * rows, (p + 1) * rows))
            .collect();
        map.push(MappedTensor {
            tensor: tensor.name.clone(),
            shape: tensor.shape.clone(),
            from: if from.is_empty() {
                let identity = tensor.role == Role::Readout;
                if identity { "identity" } else { "0" }.into()
            } else {
                from.join(" + ")
            },
        });
    }
    if let Some(note) = other_activation(cell, stacking) {
        notes.push(note);
    }
    notes.push("initial state: 0, as PyTorch's default; a state dict does not hold it".into());
    Ok(Imported {
        population,
        map,
        notes,
    })
}

/// In words, that the module has not the cell's activation.
fn other_activation(cell: &Cell, stacking: &Pytorch) -> Option<String> {
    let known: &[&str] = if stacking.module.ends_with("RNN") {
        &["tanh", "relu"]
    } else {
        &["tanh"]
    };
    let own = &cell.activation.name;
    (!known.contains(&own.as_str())).then(|| {
        format!(
            "PyTorch's {} has no activation `{own}`, only {}",
            stacking.module,
            known.join(" and ")
        )
    })
}

fn stacking<'a>(cell: &'a Cell, file: &str) -> Result<&'a Pytorch, EngineError> {
    cell.sidecar.pytorch.as_ref().ok_or_else(|| EngineError::File {
        file: file.into(),
        message: format!("no PyTorch module has the equations of cell `{}` (its sidecar has no `pytorch`); cells of the library that have one: {}", cell.name, with_module()),
    })
}

fn with_module() -> String {
    let named = names().filter_map(|name| {
        let module = Cell::builtin(name, "tanh").ok()?.sidecar.pytorch?.module;
        Some(format!("`{name}` ({module})"))
    });
    named.collect::<Vec<_>>().join(", ")
}
