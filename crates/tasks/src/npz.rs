//! Named arrays on disk, as `numpy.savez` writes and `numpy.load` reads them.
//!
//! Reading accepts C and Fortran order, both byte orders, stored and deflated entries, and the small integer and boolean
//! types; arrays in memory are always in C order. Writing is little endian, C order, stored, and a function of the
//! arrays alone: no time stamp, so equal arrays give equal files.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::path::Path;

use npyz::{NpyHeader, Order, TypeChar, WriterBuilder};

use crate::error::{Result, TaskError};
use crate::replace_file::replace_file;

/// The elements of an [`NpzArray`], in C order.
#[derive(Clone, Debug, PartialEq)]
pub enum NpzData {
    /// float32.
    F32(Vec<f32>),
    /// float64.
    F64(Vec<f64>),
    /// int32; also what bool and the 8- and 16-bit integers are read as.
    I32(Vec<i32>),
    /// int64; also what uint32 is read as.
    I64(Vec<i64>),
}

/// One array: its shape, and its elements in C order (last axis fastest).
#[derive(Clone, Debug, PartialEq)]
pub struct NpzArray {
    /// Extent of each axis; empty for a scalar.
    pub shape: Vec<usize>,
    /// The elements, as many as the product of `shape`.
    pub data: NpzData,
}

impl NpzArray {
    /// A float32 array.
    #[must_use]
    pub fn f32(shape: &[usize], data: Vec<f32>) -> Self {
        Self {
            shape: shape.to_vec(),
            data: NpzData::F32(data),
        }
    }

    /// A float64 array.
    #[must_use]
    pub fn f64(shape: &[usize], data: Vec<f64>) -> Self {
        Self {
            shape: shape.to_vec(),
            data: NpzData::F64(data),
        }
    }

    /// An int32 array.
    #[must_use]
    pub fn i32(shape: &[usize], data: Vec<i32>) -> Self {
        Self {
            shape: shape.to_vec(),
            data: NpzData::I32(data),
        }
    }

    /// An int64 array.
    #[must_use]
    pub fn i64(shape: &[usize], data: Vec<i64>) -> Self {
        Self {
            shape: shape.to_vec(),
            data: NpzData::I64(data),
        }
    }

    /// The elements as float32, rounded to nearest; a float64 beyond the range becomes infinite.
    #[must_use]
    pub fn to_f32(&self) -> Vec<f32> {
        match &self.data {
            NpzData::F32(v) => v.clone(),
            NpzData::F64(v) => v.iter().map(|x| *x as f32).collect(),
            NpzData::I32(v) => v.iter().map(|x| *x as f32).collect(),
            NpzData::I64(v) => v.iter().map(|x| *x as f32).collect(),
        }
    }

    /// The elements as float64; an int64 beyond 2^53 is rounded.
    #[must_use]
    pub fn to_f64(&self) -> Vec<f64> {
        match &self.data {
            NpzData::F32(v) => v.iter().map(|x| f64::from(*x)).collect(),
            NpzData::F64(v) => v.clone(),
            NpzData::I32(v) => v.iter().map(|x| f64::from(*x)).collect(),
            NpzData::I64(v) => v.iter().map(|x| *x as f64).collect(),
        }
    }

    /// The elements as int32 where the array is of integers that fit, else `None`.
    #[must_use]
    pub fn to_i32(&self) -> Option<Vec<i32>> {
        match &self.data {
            NpzData::I32(v) => Some(v.clone()),
            NpzData::I64(v) => v.iter().map(|x| i32::try_from(*x).ok()).collect(),
            NpzData::F32(_) | NpzData::F64(_) => None,
        }
    }

    fn len(&self) -> usize {
        match &self.data {
            NpzData::F32(v) => v.len(),
            NpzData::F64(v) => v.len(),
            NpzData::I32(v) => v.len(),
            NpzData::I64(v) => v.len(),
        }
    }
}

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
        let array = read_npy(entry).map_err(|e| TaskError::Array {
            file: path.display().to_string(),
            array: name.clone(),
            message: e.to_string(),
        })?;
        arrays.insert(name, array);
    }
    Ok(arrays)
}

/// Writes named arrays as an npz file: to a temporary name in the same folder, then renamed.
///
/// # Errors
///
/// [`TaskError::Shape`] where an array has not as many elements as its shape says, [`TaskError::Write`] from the disk.
pub fn write_npz(path: impl AsRef<Path>, arrays: &[(&str, NpzArray)]) -> Result<()> {
    let path = path.as_ref();
    for (name, array) in arrays {
        if checked_product(&array.shape) != Some(array.len()) {
            return Err(TaskError::Shape {
                file: path.display().to_string(),
                array: (*name).to_owned(),
                found: array.shape.clone(),
                expected: format!("a shape of its {} elements", array.len()),
            });
        }
    }
    replace_file(path, |file| {
        let mut archive = zip::ZipWriter::new(file);
        for (name, array) in arrays {
            let options = zip::write::FileOptions::default()
                .compression_method(zip::CompressionMethod::Stored)
                .last_modified_time(zip::DateTime::default())
                // Without it an entry of 4 GiB or more is refused by the zip format.
                .large_file(array.len() > (u32::MAX / 16) as usize);
            archive.start_file(npyz::npz::file_name_from_array_name(name), options)?;
            let mut entry = BufWriter::with_capacity(1 << 16, &mut archive);
            match &array.data {
                NpzData::F32(v) => write_npy(&mut entry, &array.shape, v)?,
                NpzData::F64(v) => write_npy(&mut entry, &array.shape, v)?,
                NpzData::I32(v) => write_npy(&mut entry, &array.shape, v)?,
                NpzData::I64(v) => write_npy(&mut entry, &array.shape, v)?,
            }
            entry.flush()?;
        }
        archive.finish()?;
        Ok(())
    })
    .map_err(|source| TaskError::Write {
        file: path.into(),
        source,
    })
}

fn write_npy<T: npyz::AutoSerialize + Copy>(
    writer: impl Write,
    shape: &[usize],
    data: &[T],
) -> io::Result<()> {
    let shape: Vec<u64> = shape.iter().map(|n| *n as u64).collect();
    let mut npy = npyz::WriteOptions::new()
        .default_dtype()
        .shape(&shape)
        .writer(writer)
        .begin_nd()?;
    npy.extend(data.iter().copied())?;
    npy.finish()
}

fn checked_product(shape: &[usize]) -> Option<usize> {
    shape
        .iter()
        .try_fold(1_usize, |product, n| product.checked_mul(*n))
}

/// One .npy entry. The header is not believed: no more is allocated than there are bytes to fill it.
fn read_npy(mut entry: impl Read) -> io::Result<NpzArray> {
    let invalid = |message: String| io::Error::new(io::ErrorKind::InvalidData, message);
    let header = NpyHeader::from_reader(&mut entry)?;
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
