//! PyTorch's layout: the rows of `weight_ih_l0` and `weight_hh_l0` are the gates' weights, one below the other, in the
//! order that the cell's sidecar gives; a gate's bias is the sum of its blocks of `bias_ih_l0` and `bias_hh_l0`.

use super::{Imported, MappedTensor, RawTensor, read_tensors, tensors_to_bytes};
use crate::cell::sidecar::Pytorch;
use crate::cell::{Cell, names};
use crate::error::EngineError;
use crate::population::{Architecture, Population, Role, Seeds};
use std::collections::BTreeMap;
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

/// A tensor of the file that is used.
struct Source<'a> {
    name: &'a str,
    tensor: &'a RawTensor,
}

impl Source<'_> {
    fn network(&self, network: usize, n_networks: usize) -> &[f64] {
        let each = self.tensor.data.len() / n_networks;
        &self.tensor.data[network * each..][..each]
    }
}

struct StateDict<'a> {
    n_networks: usize,
    units: usize,
    inputs: usize,
    outputs: usize,
    weight_ih: Source<'a>,
    weight_hh: Source<'a>,
    bias_ih: Option<Source<'a>>,
    bias_hh: Option<Source<'a>>,
    /// None: the outputs are the hidden state.
    readout: Option<Source<'a>>,
    readout_bias: Option<Source<'a>>,
    notes: Vec<String>,
}

impl<'a> StateDict<'a> {
    fn find(
        tensors: &'a BTreeMap<String, RawTensor>,
        file: &str,
        stacking: &Pytorch,
    ) -> Result<Self, EngineError> {
        let refuse = |message: String| EngineError::File {
            file: file.into(),
            message,
        };
        let held = || {
            tensors
                .iter()
                .map(|(name, t)| format!("`{name}` {:?}", t.shape))
                .collect::<Vec<_>>()
                .join(", ")
        };
        let wrong = |source: &Source<'_>, expected: String| EngineError::Shape {
            operation: "import",
            what: format!("{file}: tensor `{}`", source.name),
            found: format!("{:?}", source.tensor.shape),
            expected,
        };
        let get = |name: &str| {
            tensors
                .get_key_value(name)
                .map(|(name, tensor)| Source { name, tensor })
        };
        let prefixes: Vec<&str> = tensors
            .keys()
            .filter_map(|name| name.strip_suffix("weight_ih_l0"))
            .collect();
        let [prefix] = prefixes[..] else {
            return Err(refuse(format!(
                "exactly one tensor `*weight_ih_l0` is needed; the file holds {}",
                held()
            )));
        };
        let part = |name: &str| get(&format!("{prefix}{name}"));
        let needed = |name: &str| {
            part(name).ok_or_else(|| {
                refuse(format!(
                    "tensor `{prefix}{name}` is missing; the file holds {}",
                    held()
                ))
            })
        };
        let (weight_ih, weight_hh) = (needed("weight_ih_l0")?, needed("weight_hh_l0")?);
        let (lead, rows, units) = match weight_hh.tensor.shape[..] {
            [rows, units] if rows > 0 && units > 0 => (None, rows, units),
            [n, rows, units] if n > 0 && rows > 0 && units > 0 => (Some(n), rows, units),
            _ => {
                return Err(wrong(
                    &weight_hh,
                    "[gates * units, units] or [network, gates * units, units]".into(),
                ));
            }
        };
        let stacked = |axes: &[usize]| -> Vec<usize> {
            lead.into_iter().chain(axes.iter().copied()).collect()
        };
        let (recurrent_rows, input_rows) = (
            stacking.recurrent.len() * units,
            stacking.input.len() * units,
        );
        if rows != recurrent_rows {
            let gates = stacking.recurrent.join(", ");
            return Err(wrong(
                &weight_hh,
                format!(
                    "{:?}: {units} rows for each of {gates} of {}",
                    stacked(&[recurrent_rows, units]),
                    stacking.module
                ),
            ));
        }
        let inputs = *weight_ih.tensor.shape.last().unwrap_or(&0);
        if inputs == 0 || weight_ih.tensor.shape != stacked(&[input_rows, inputs]) {
            return Err(wrong(
                &weight_ih,
                format!(
                    "{} to go with `{}` {:?}",
                    axes(lead, &[&input_rows.to_string(), "inputs"]),
                    weight_hh.name,
                    weight_hh.tensor.shape
                ),
            ));
        }
        let mut notes = Vec::new();
        let mut optional =
            |source: Option<Source<'a>>, name: String, shape: Vec<usize>| match source {
                Some(source) if source.tensor.shape == shape => Ok(Some(source)),
                Some(source) => Err(wrong(&source, format!("{shape:?}"))),
                None => {
                    notes.push(format!("`{name}` is not in the file: 0 everywhere"));
                    Ok(None)
                }
            };
        let bias_ih = optional(
            part("bias_ih_l0"),
            format!("{prefix}bias_ih_l0"),
            stacked(&[input_rows]),
        )?;
        let bias_hh = optional(
            part("bias_hh_l0"),
            format!("{prefix}bias_hh_l0"),
            stacked(&[recurrent_rows]),
        )?;
        let rank = 2 + usize::from(lead.is_some());
        let is_readout = |(name, t): &(&'a String, &RawTensor)| {
            name.ends_with(".weight")
                && t.shape.len() == rank
                && t.shape.last() == Some(&units)
                && lead.is_none_or(|n| t.shape[0] == n)
        };
        let readouts: Vec<&String> = tensors
            .iter()
            .filter(is_readout)
            .map(|(name, _)| name)
            .collect();
        let (readout, readout_bias, outputs) = match readouts[..] {
            [] => {
                notes.push("no readout in the file: the outputs are the hidden state".into());
                (None, None, units)
            }
            [name] => {
                let tensor = &tensors[name];
                let outputs = tensor.shape[rank - 2];
                let bias = name.replace(".weight", ".bias");
                let bias = optional(get(&bias), bias, stacked(&[outputs]))?;
                (Some(Source { name, tensor }), bias, outputs)
            }
            _ => {
                return Err(refuse(format!(
                    "at most one readout `*.weight` {} is allowed; the file holds {}",
                    axes(lead, &["outputs", &units.to_string()]),
                    held()
                )));
            }
        };
        let found = Self {
            n_networks: lead.unwrap_or(1),
            units,
            inputs,
            outputs,
            weight_ih,
            weight_hh,
            bias_ih,
            bias_hh,
            readout,
            readout_bias,
            notes,
        };
        let used = found.names();
        let unknown: Vec<String> = tensors
            .keys()
            .filter(|name| !used.contains(&name.as_str()))
            .map(|name| format!("`{name}`"))
            .collect();
        if !unknown.is_empty() {
            return Err(refuse(format!(
                "unknown tensor {}; allowed: one layer (`*_l0`, one direction) and one readout with its bias",
                unknown.join(", ")
            )));
        }
        Ok(found)
    }

    fn names(&self) -> Vec<&'a str> {
        let optional = [
            &self.bias_ih,
            &self.bias_hh,
            &self.readout,
            &self.readout_bias,
        ]
        .into_iter()
        .flatten();
        [&self.weight_ih, &self.weight_hh]
            .into_iter()
            .chain(optional)
            .map(|s| s.name)
            .collect()
    }
}

fn axes(lead: Option<usize>, axes: &[&str]) -> String {
    let lead = lead.map(|n| n.to_string());
    format!(
        "[{}]",
        lead.as_deref()
            .into_iter()
            .chain(axes.iter().copied())
            .collect::<Vec<_>>()
            .join(", ")
    )
}
