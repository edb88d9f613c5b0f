//! From arrays to a file that appears whole or not at all.

use std::io::{self, BufWriter, Seek, Write};
use std::path::Path;

use npyz::WriterBuilder;

use super::{NpzArray, NpzData, checked_product};
use crate::error::{Result, TaskError};
use crate::replace_file::replace_file;

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
        let written = write_entries(&mut archive, arrays);
        if written.is_err() {
            // Dropped, an unfinished archive tries to finish itself and prints that it could not.
            std::mem::forget(archive);
        }
        written
    })
    .map_err(|source| TaskError::Write {
        file: path.into(),
        source,
    })
}

/// Writes one array as an npy file: to a temporary name in the same folder, then renamed.
///
/// # Errors
///
/// As [`write_npz`].
pub fn write_npy(path: impl AsRef<Path>, array: &NpzArray) -> Result<()> {
    let path = path.as_ref();
    if checked_product(&array.shape) != Some(array.len()) {
        return Err(TaskError::Shape {
            file: path.display().to_string(),
            array: "npy".to_owned(),
            found: array.shape.clone(),
            expected: format!("a shape of its {} elements", array.len()),
        });
    }
    replace_file(path, |file| write_array(file, array)).map_err(|source| TaskError::Write {
        file: path.into(),
        source,
    })
}

fn write_entries<W: Write + Seek>(
    archive: &mut zip::ZipWriter<W>,
    arrays: &[(&str, NpzArray)],
) -> io::Result<()> {
    for (name, array) in arrays {
        let options = zip::write::FileOptions::default()
            .compression_method(zip::CompressionMethod::Stored)
            .last_modified_time(zip::DateTime::default())
            // Without it an entry of 4 GiB or more is refused by the zip format.
            .large_file(array.len() > (u32::MAX / 16) as usize);
        archive.start_file(npyz::npz::file_name_from_array_name(name), options)?;
        let mut entry = BufWriter::with_capacity(1 << 16, &mut *archive);
        write_array(&mut entry, array)?;
        entry.flush()?;
    }
    archive.finish()?;
    Ok(())
}

fn write_array(writer: &mut impl Write, array: &NpzArray) -> io::Result<()> {
    match &array.data {
        NpzData::F32(v) => write_elements(writer, &array.shape, v),
        NpzData::F64(v) => write_elements(writer, &array.shape, v),
        NpzData::I32(v) => write_elements(writer, &array.shape, v),
        NpzData::I64(v) => write_elements(writer, &array.shape, v),
    }
}

fn write_elements<T: npyz::AutoSerialize + Copy>(
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
