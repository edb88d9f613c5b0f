//! The tensors of a state dict: found under any prefix, their shapes checked.

use crate::cell::sidecar::Pytorch;
use crate::error::EngineError;
use crate::files::RawTensor;
use std::collections::BTreeMap;

/// A tensor of the file that is used.
pub(super) struct Source<'a> {
    pub(super) name: &'a str,
    tensor: &'a RawTensor,
}

impl Source<'_> {
    pub(super) fn network(&self, network: usize, n_networks: usize) -> &[f64] {
        let each = self.tensor.data.len() / n_networks;
        &self.tensor.data[network * each..][..each]
    }
}

/// The tensors of a state dict, their shapes checked against each other.
pub(super) struct StateDict<'a> {
    pub(super) n_networks: usize,
    pub(super) units: usize,
    pub(super) inputs: usize,
    pub(super) outputs: usize,
    pub(super) weight_ih: Source<'a>,
    pub(super) weight_hh: Source<'a>,
    pub(super) bias_ih: Option<Source<'a>>,
    pub(super) bias_hh: Option<Source<'a>>,
    /// None: the outputs are the hidden state.
    pub(super) readout: Option<Source<'a>>,
    pub(super) readout_bias: Option<Source<'a>>,
    pub(super) notes: Vec<String>,
}

impl<'a> StateDict<'a> {
    pub(super) fn find(
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
