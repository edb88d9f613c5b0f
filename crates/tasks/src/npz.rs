//! Named arrays on disk, as `numpy.savez` writes and `numpy.load` reads them.
//!
//! Reading accepts C and Fortran order, both byte orders, stored and deflated entries, and the small integer and boolean
//! types; arrays in memory are always in C order. Writing is little endian, C order, stored, and a function of the
//! arrays alone: no time stamp, so equal arrays give equal files.

mod read;
mod write;

pub use read::{read_npy, read_npz};
pub use write::{write_npy, write_npz};

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

fn checked_product(shape: &[usize]) -> Option<usize> {
    shape
        .iter()
        .try_fold(1_usize, |product, n| product.checked_mul(*n))
}
