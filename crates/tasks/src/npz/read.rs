//! From a file to arrays, believing nothing that the file says about itself.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;

use npyz::{NpyHeader, Order, TypeChar};

use super::{NpzArray, NpzData, checked_product};
use crate::error::{Result, TaskError};

/// An array of plain numbers says so in 128 bytes or so. The header is a Python literal and its parser recurses, so that a
/// long one made of brackets would exhaust the stack.
const MOST_HEADER_BYTES: u64 = 1024;

/// Reads every array of an npz file, by name.
///
/// # Errors
///
/// [`TaskError::Read`] where there is no such file, [`TaskError::Npz`] where it is not a whole archive,
/// [`TaskError::Array`] where an array is damaged or of a type not listed in [`NpzData`].
pub fn read_npz(path: impl AsRef<Path>) -> Result<BTreeMap<String, NpzArray>> {
    let path = path.as_ref();
    let file = File::open(path).map_err(|source| TaskError::Read {
        file: path.into(),
        source,
    })?;
    let damaged = |e: &dyn std::fmt::Display| TaskError::Npz {
        file: path.into(),
        message: e.to_string(),
    };
    let mut archive = zip::ZipArchive::new(BufReader::new(file)).map_err(|e| damaged(&e))?;
    let mut arrays = BTreeMap::new();
    for index in 0..archive.len() {
        let entry = archive.by_index(index).map_err(|e| damaged(&e))?;
        let Some(name) = npyz::npz::array_name_from_file_name(entry.name()).map(str::to_owned)
        else {
            continue;
        };
        let array = read_array(entry).map_err(|e| TaskError::Array {
            file: path.display().to_string(),
            array: name.clone(),
            message: e.to_string(),
        })?;
        arrays.insert(name, array);
    }
    Ok(arrays)
}

/// Reads an npy file: one array without a name.
///
/// # Errors
///
/// [`TaskError::Read`] where there is no such file, [`TaskError::Array`] where it is damaged or of a type not listed in
/// [`NpzData`].
pub fn read_npy(path: impl AsRef<Path>) -> Result<NpzArray> {
    let path = path.as_ref();
    let file = File::open(path).map_err(|source| TaskError::Read {
        file: path.into(),
        source,
    })?;
    read_array(BufReader::new(file)).map_err(|e| TaskError::Array {
        file: path.display().to_string(),
        array: "npy".to_owned(),
        message: e.to_string(),
    })
}

/// One array. The header is not believed: no more is allocated than there are bytes to fill it.
fn read_array(mut entry: impl Read) -> io::Result<NpzArray> {
    let invalid = |message: String| io::Error::new(io::ErrorKind::InvalidData, message);
    let header = NpyHeader::from_reader(entry.by_ref().take(MOST_HEADER_BYTES))?;
    let shape = header
        .shape()
        .iter()
        .map(|n| usize::try_from(*n).ok())
        .collect::<Option<Vec<_>>>()
        .ok_or_else(|| invalid(format!("shape {:?} is beyond this machine", header.shape())))?;
    let npyz::DType::Plain(element) = header.dtype() else {
        return Err(invalid(format!(
            "type {} is not supported; use float32 or float64",
            header.dtype().descr()
        )));
    };
    let width = element.num_bytes().unwrap_or(0);
    let known = match element.type_char() {
        TypeChar::Float => matches!(width, 4 | 8),
        TypeChar::Int => matches!(width, 1 | 2 | 4 | 8),
        TypeChar::Uint => matches!(width, 1 | 2 | 4),
        TypeChar::Bool => true,
        _ => false,
    };
    if !known {
        return Err(invalid(format!(
            "type {element} is not supported; use float32 or float64"
        )));
    }
    let n_bytes = checked_product(&shape)
        .and_then(|n| n.checked_mul(width))
        .ok_or_else(|| invalid(format!("shape {shape:?} is beyond this machine")))?;
    let mut bytes = Vec::new();
    // One byte more than expected, so that the reader meets the end of the entry and checks its CRC.
    let n_read = entry
        .take((n_bytes as u64).saturating_add(1))
        .read_to_end(&mut bytes)?;
    if n_read != n_bytes {
        let found = if n_read < n_bytes {
            format!("only {n_read}")
        } else {
            "more".to_owned()
        };
        return Err(invalid(format!(
            "shape {shape:?} of {element} needs {n_bytes} bytes, the entry holds {found}"
        )));
    }
    if matches!(element.endianness(), npyz::Endianness::Big) {
        bytes
            .chunks_exact_mut(width.max(1))
            .for_each(<[u8]>::reverse);
    }
    let data = match (element.type_char(), width) {
        (TypeChar::Float, 4) => NpzData::F32(decode(&bytes, f32::from_le_bytes)),
        (TypeChar::Float, 8) => NpzData::F64(decode(&bytes, f64::from_le_bytes)),
        (TypeChar::Int, 4) => NpzData::I32(decode(&bytes, i32::from_le_bytes)),
        (TypeChar::Int, 8) => NpzData::I64(decode(&bytes, i64::from_le_bytes)),
        (TypeChar::Uint, 4) => NpzData::I64(decode(&bytes, |b| i64::from(u32::from_le_bytes(b)))),
        (TypeChar::Int, 2) => NpzData::I32(decode(&bytes, |b| i32::from(i16::from_le_bytes(b)))),
        (TypeChar::Uint, 2) => NpzData::I32(decode(&bytes, |b| i32::from(u16::from_le_bytes(b)))),
        (TypeChar::Int, 1) => NpzData::I32(decode(&bytes, |b| i32::from(i8::from_le_bytes(b)))),
        (TypeChar::Uint | TypeChar::Bool, 1) => NpzData::I32(decode(&bytes, |[b]| i32::from(b))),
        _ => {
            return Err(invalid(format!(
                "type {element} is not supported; use float32 or float64"
            )));
        }
    };
    Ok(match header.order() {
        Order::C => NpzArray { shape, data },
        Order::Fortran => NpzArray {
            data: reorder(data, &shape),
            shape,
        },
    })
}

fn decode<const N: usize, T>(bytes: &[u8], from: impl Fn([u8; N]) -> T) -> Vec<T> {
    bytes
        .chunks_exact(N)
        .map(|chunk| {
            let mut element = [0; N];
            element.copy_from_slice(chunk);
            from(element)
        })
        .collect()
}

fn reorder(data: NpzData, shape: &[usize]) -> NpzData {
    match data {
        NpzData::F32(v) => NpzData::F32(from_fortran(&v, shape)),
        NpzData::F64(v) => NpzData::F64(from_fortran(&v, shape)),
        NpzData::I32(v) => NpzData::I32(from_fortran(&v, shape)),
        NpzData::I64(v) => NpzData::I64(from_fortran(&v, shape)),
    }
}

/// Walks the elements in C order while an odometer keeps the place of each in Fortran order.
fn from_fortran<T: Copy>(data: &[T], shape: &[usize]) -> Vec<T> {
    let strides: Vec<usize> = shape
        .iter()
        .scan(1, |stride, n| {
            let this = *stride;
            *stride *= n;
            Some(this)
        })
        .collect();
    let mut index = vec![0; shape.len()];
    let mut place = 0;
    let mut out = Vec::with_capacity(data.len());
    for _ in 0..data.len() {
        out.push(data[place]);
        for axis in (0..shape.len()).rev() {
            index[axis] += 1;
            place += strides[axis];
            if index[axis] < shape[axis] {
                break;
            }
            place -= strides[axis] * shape[axis];
            index[axis] = 0;
        }
    }
    out
}
