//! The engine's own layout, with or without a leading network axis.

use super::header::Header;
use super::{Imported, MappedTensor, RawTensor, read_tensors, tensors_to_bytes};
use crate::cell::Cell;
use crate::error::EngineError;
use crate::population::{Architecture, Layout, Population, Role, Seeds};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

/// Prefix of a per-network constant in a file.
const CONSTANT: &str = "constant.";

/// A population as a safetensors file: every tensor with the network axis first, constants as `constant.<name>`
/// `[network]`, the header telling cell, shape and seeds.
///
/// # Errors
///
/// Those of [`tensors_to_bytes`].
pub fn to_bytes(population: &Population) -> Result<Vec<u8>, EngineError> {
    let n = population.n_networks;
    let mut tensors = Vec::new();
    for tensor in &population.layout.tensors {
        let shape: Vec<usize> = std::iter::once(n)
            .chain(tensor.shape.iter().copied())
            .collect();
        let data = (0..n)
            .flat_map(|k| &population.network(k)[tensor.range()])
            .copied()
            .collect();
        tensors.push((tensor.name.clone(), shape, data));
    }
    for (i, (name, _)) in population.architecture.cell.constants.iter().enumerate() {
        let data = (0..n).map(|k| population.network_constants(k)[i]).collect();
        tensors.push((format!("{CONSTANT}{name}"), vec![n], data));
    }
    tensors_to_bytes(&tensors, Some(Header::of(population).to_json()))
}

/// A file written by [`to_bytes`].
///
/// # Errors
///
/// [`EngineError::File`] where it is another or a damaged one, and those of the cell in its header.
pub fn load(path: &Path) -> Result<Population, EngineError> {
    let file = path.display().to_string();
    let (tensors, header) = read_tensors(path)?;
    let header = header.ok_or_else(|| EngineError::File {
        file: file.clone(),
        message: "no `chiliad` header, so the cell is not known: use `chiliad import` with --cell"
            .into(),
    })?;
    let header = Header::from_json(&header, &file)?;
    let cell = Arc::new(header.cell.compile(&header.activation)?);
    if !tensors.contains_key("w_out") {
        return Err(missing_of(
            &tensors,
            &file,
            "w_out",
            "[network, output, unit]",
        ));
    }
    let mut population = populate(&tensors, &file, &cell, &[])?.population;
    let found = (
        population.architecture.units,
        population.architecture.inputs,
        population.architecture.outputs,
        population.n_networks,
    );
    let expected = (
        header.units,
        header.inputs,
        header.outputs,
        header.seeds.len(),
    );
    if found != expected {
        let words = |(units, inputs, outputs, networks)| {
            format!("{networks} networks of {units} units, {inputs} inputs, {outputs} outputs")
        };
        return Err(EngineError::Shape {
            operation: "load",
            what: file,
            found: words(found),
            expected: format!("{} as its header says", words(expected)),
        });
    }
    population.seeds = header.seeds;
    Ok(population)
}

/// Networks from a file in the engine's own layout; `constants` replace those of the file, which replace the defaults.
/// Without `w_out`, the outputs are the hidden state.
///
/// # Errors
///
/// [`EngineError::File`] and [`EngineError::Shape`] name the tensor, its shape and the shape it should have.
pub fn import(
    path: &Path,
    cell: &Arc<Cell>,
    constants: &[(String, f64)],
) -> Result<Imported, EngineError> {
    let (tensors, _) = read_tensors(path)?;
    populate(&tensors, &path.display().to_string(), cell, constants)
}

fn populate(
    tensors: &BTreeMap<String, RawTensor>,
    file: &str,
    cell: &Arc<Cell>,
    constants: &[(String, f64)],
) -> Result<Imported, EngineError> {
    let (architecture, networks) = extents(tensors, file, cell)?;
    let n_networks = networks.unwrap_or(1);
    let mut population = Population::zeros(architecture, n_networks);
    population.seeds = (0..n_networks as u64).map(Seeds::all).collect();
    let layout = Arc::clone(&population.layout);
    check_names(tensors, file, &layout, cell)?;
    let (mut map, mut notes) = (Vec::new(), Vec::new());
    for tensor in &layout.tensors {
        let expected: Vec<usize> = networks
            .into_iter()
            .chain(tensor.shape.iter().copied())
            .collect();
        let from = match tensors.get(&tensor.name) {
            Some(found) if found.shape == expected => {
                for network in 0..n_networks {
                    let to = &mut population.params[network * layout.n_params..][tensor.range()];
                    for (to, x) in to.iter_mut().zip(&found.data[network * tensor.len()..]) {
                        *to = *x as f32;
                    }
                }
                tensor.name.clone()
            }
            Some(found) => return Err(wrong_shape(file, &tensor.name, &found.shape, &expected)),
            None if tensor.role == Role::Readout => {
                for network in 0..n_networks {
                    let to = &mut population.params[network * layout.n_params..][tensor.range()];
                    to.iter_mut()
                        .step_by(tensor.shape[1] + 1)
                        .for_each(|w| *w = 1.0);
                }
                notes.push("no `w_out` in the file: the outputs are the hidden state".into());
                "identity".into()
            }
            None => {
                let value = match tensor.role {
                    Role::Unit(i) => cell
                        .sidecar
                        .initial_unit
                        .get(&cell.unit_params[i])
                        .copied()
                        .unwrap_or(1.0) as f32,
                    Role::Bias(..) | Role::ReadoutBias | Role::InitialState(_) => 0.0,
                    Role::Recurrent(..) | Role::Input(..) | Role::Readout => {
                        return Err(missing(tensors, file, &tensor.name, &tensor.shape));
                    }
                };
                for network in 0..n_networks {
                    population.params[network * layout.n_params..][tensor.range()].fill(value);
                }
                notes.push(format!(
                    "`{}` is not in the file: {value} everywhere",
                    tensor.name
                ));
                format!("{value}")
            }
        };
        map.push(MappedTensor {
            tensor: tensor.name.clone(),
            shape: tensor.shape.clone(),
            from,
        });
    }
    fill_constants(&mut population, tensors, file, constants)?;
    Ok(Imported {
        population,
        map,
        notes,
    })
}

/// Units, inputs and outputs as the tensors say, and the number of networks if there is an axis for them.
fn extents(
    tensors: &BTreeMap<String, RawTensor>,
    file: &str,
    cell: &Arc<Cell>,
) -> Result<(Architecture, Option<usize>), EngineError> {
    let wrong = |name: &str, found: &[usize], expected: &str| EngineError::Shape {
        operation: "import",
        what: format!("{file}: tensor `{name}`"),
        found: format!("{found:?}"),
        expected: expected.into(),
    };
    let two = |name: &str, axes: &str| -> Result<(Option<usize>, usize, usize), EngineError> {
        let tensor = tensors
            .get(name)
            .ok_or_else(|| missing_of(tensors, file, name, axes))?;
        match tensor.shape[..] {
            [a, b] if a > 0 && b > 0 => Ok((None, a, b)),
            [n, a, b] if n > 0 && a > 0 && b > 0 => Ok((Some(n), a, b)),
            _ => Err(wrong(
                name,
                &tensor.shape,
                &format!("{axes} or [network, {}, no axis empty", &axes[1..]),
            )),
        }
    };
    // Without a readout the outputs are the hidden state, and the first recurrent matrix tells the units.
    let recurrent = cell
        .gates()
        .find(|(_, _, g)| g.recurrent && !g.sum)
        .map(|(_, _, g)| format!("w_rec.{}", g.name))
        .filter(|_| !tensors.contains_key("w_out"));
    let (sizes, (networks, outputs, units)) = match recurrent {
        Some(name) => {
            let found = two(&name, "[to, from]")?;
            (name, found)
        }
        None => ("w_out".to_owned(), two("w_out", "[output, unit]")?),
    };
    let first_input = cell
        .gates()
        .find(|(_, _, g)| g.input)
        .map(|(_, _, g)| format!("w_in.{}", g.name));
    let inputs = match first_input {
        Some(name) => {
            let (also, to, inputs) = two(&name, "[to, input]")?;
            if to != units || also != networks {
                return Err(wrong(
                    &name,
                    &tensors[&name].shape,
                    &format!(
                        "{units} units{} as in `{sizes}` {:?}",
                        networks.map_or(String::new(), |n| format!(" of {n} networks")),
                        tensors[&sizes].shape
                    ),
                ));
            }
            inputs
        }
        None => 0,
    };
    Ok((
        Architecture {
            cell: Arc::clone(cell),
            units,
            inputs,
            outputs,
        },
        networks,
    ))
}

fn check_names(
    tensors: &BTreeMap<String, RawTensor>,
    file: &str,
    layout: &Layout,
    cell: &Cell,
) -> Result<(), EngineError> {
    let known = |name: &str| {
        layout.named(name).is_some()
            || name
                .strip_prefix(CONSTANT)
                .is_some_and(|c| cell.constants.iter().any(|k| k.0 == c))
    };
    let unknown: Vec<String> = tensors
        .keys()
        .filter(|name| !known(name))
        .map(|name| format!("`{name}`"))
        .collect();
    if unknown.is_empty() {
        return Ok(());
    }
    let allowed: Vec<String> = layout
        .tensors
        .iter()
        .map(|t| format!("`{}`", t.name))
        .chain(
            cell.constants
                .iter()
                .map(|c| format!("`{CONSTANT}{}`", c.0)),
        )
        .collect();
    Err(EngineError::File {
        file: file.into(),
        message: format!(
            "unknown tensor {}; cell `{}` has {}",
            unknown.join(", "),
            cell.name,
            allowed.join(", ")
        ),
    })
}

fn fill_constants(
    population: &mut Population,
    tensors: &BTreeMap<String, RawTensor>,
    file: &str,
    given: &[(String, f64)],
) -> Result<(), EngineError> {
    let cell = Arc::clone(&population.architecture.cell);
    let n = cell.constants.len();
    for network in 0..population.n_networks {
        let mut values: Vec<(String, f64)> = Vec::new();
        for (name, _) in &cell.constants {
            let Some(tensor) = tensors.get(&format!("{CONSTANT}{name}")) else {
                continue;
            };
            let value = match tensor.data.len() {
                1 => tensor.data[0],
                len if len == population.n_networks => tensor.data[network],
                _ => {
                    return Err(wrong_shape(
                        file,
                        &format!("{CONSTANT}{name}"),
                        &tensor.shape,
                        &[population.n_networks],
                    ));
                }
            };
            values.push((name.clone(), value));
        }
        values.extend_from_slice(given);
        population.constants[network * n..][..n].copy_from_slice(&cell.constants_with(&values)?);
    }
    Ok(())
}

fn wrong_shape(file: &str, tensor: &str, found: &[usize], expected: &[usize]) -> EngineError {
    EngineError::Shape {
        operation: "import",
        what: format!("{file}: tensor `{tensor}`"),
        found: format!("{found:?}"),
        expected: format!("{expected:?}"),
    }
}

fn missing(
    tensors: &BTreeMap<String, RawTensor>,
    file: &str,
    name: &str,
    shape: &[usize],
) -> EngineError {
    missing_of(tensors, file, name, &format!("{shape:?}"))
}

fn missing_of(
    tensors: &BTreeMap<String, RawTensor>,
    file: &str,
    name: &str,
    shape: &str,
) -> EngineError {
    let held: Vec<String> = tensors
        .iter()
        .map(|(name, t)| format!("`{name}` {:?}", t.shape))
        .collect();
    EngineError::File {
        file: file.into(),
        message: format!(
            "tensor `{name}` {shape} is missing; the file holds {}",
            held.join(", ")
        ),
    }
}
