//! A safetensors file as checked numbers: f32 or f64, finite, row-major.

use crate::error::EngineError;
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};
use std::collections::{BTreeMap, HashMap};
use std::path::Path;

/// A tensor of a file.
#[derive(Clone, Debug, PartialEq)]
pub struct RawTensor {
    /// Extents, as in the file.
    pub shape: Vec<usize>,
    /// Elements, row-major.
    pub data: Vec<f64>,
}

/// All tensors of a file, and the text under `chiliad` in its header, if there is one.
///
/// # Errors
///
/// [`EngineError::File`] where the file cannot be read, is cut or damaged, or holds a type other than F32 and F64, or a
/// number that is not finite.
pub fn read_tensors(
    path: &Path,
) -> Result<(BTreeMap<String, RawTensor>, Option<String>), EngineError> {
    let refuse = |message: String| EngineError::File {
        file: path.display().to_string(),
        message,
    };
    let bytes = std::fs::read(path).map_err(|e| refuse(format!("cannot be read: {e}")))?;
    let damaged = |e: safetensors::SafeTensorError| {
        refuse(format!(
            "not a whole safetensors file ({} bytes): {e}; was it cut in a download?",
            bytes.len()
        ))
    };
    let (_, metadata) = SafeTensors::read_metadata(&bytes).map_err(damaged)?;
    let header = metadata
        .metadata()
        .as_ref()
        .and_then(|m| m.get("chiliad").cloned());
    let file = SafeTensors::deserialize(&bytes).map_err(damaged)?;
    let mut tensors = BTreeMap::new();
    for (name, view) in file.tensors() {
        let data = elements(&view).ok_or_else(|| {
            refuse(format!(
                "tensor `{name}` is of type {:?}; allowed: F32, F64",
                view.dtype()
            ))
        })?;
        // Stored as f32 by the engine: what overflows there is refused as well.
        if let Some(flat) = data.iter().position(|x| !(*x as f32).is_finite()) {
            return Err(refuse(format!(
                "tensor `{name}`{:?} is {:?}; every weight must be a finite f32",
                index(flat, view.shape()),
                data[flat]
            )));
        }
        tensors.insert(
            name,
            RawTensor {
                shape: view.shape().to_vec(),
                data,
            },
        );
    }
    Ok((tensors, header))
}

fn elements(view: &TensorView<'_>) -> Option<Vec<f64>> {
    let bytes = view.data();
    match view.dtype() {
        Dtype::F32 => Some(
            bytes
                .chunks_exact(4)
                .map(|b| f64::from(f32::from_le_bytes([b[0], b[1], b[2], b[3]])))
                .collect(),
        ),
        Dtype::F64 => Some(
            bytes
                .chunks_exact(8)
                .map(|b| f64::from_le_bytes([b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7]]))
                .collect(),
        ),
        _ => None,
    }
}

fn index(mut flat: usize, shape: &[usize]) -> Vec<usize> {
    let mut index = vec![0; shape.len()];
    for (i, extent) in shape.iter().enumerate().rev() {
        index[i] = flat % extent;
        flat /= extent;
    }
    index
}

/// A safetensors file of f32 tensors; `header` is stored under `chiliad`. The same tensors give the same bytes.
///
/// # Errors
///
/// [`EngineError::File`] where a tensor has not as many elements as its shape says.
pub fn tensors_to_bytes(
    tensors: &[(String, Vec<usize>, Vec<f32>)],
    header: Option<String>,
) -> Result<Vec<u8>, EngineError> {
    let refuse = |e: safetensors::SafeTensorError| EngineError::File {
        file: "safetensors".into(),
        message: e.to_string(),
    };
    let bytes: Vec<Vec<u8>> = tensors
        .iter()
        .map(|t| t.2.iter().flat_map(|x| x.to_le_bytes()).collect())
        .collect();
    let mut views = Vec::with_capacity(tensors.len());
    for ((name, shape, _), bytes) in tensors.iter().zip(&bytes) {
        views.push((
            name.as_str(),
            TensorView::new(Dtype::F32, shape.clone(), bytes).map_err(refuse)?,
        ));
    }
    let header = header.map(|text| HashMap::from([("chiliad".to_owned(), text)]));
    safetensors::serialize(views, header).map_err(refuse)
}
