//! Files that appear whole or not at all, and their hashes.

use crate::error::{Result, StudyError};
use sha2::{Digest, Sha256};
use std::fs::{self, File};
use std::io::Write;
use std::path::Path;

/// Ending of a file that is being written.
const PART: &str = ".part";

/// SHA-256 in hexadecimal.
#[must_use]
pub fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes)
        .iter()
        .map(|b| format!("{b:02x}"))
        .collect()
}

/// Writes a file under a temporary name beside it, then renames it; its hash. On any error nothing is left, and an older
/// file of that name stays as it was.
///
/// # Errors
///
/// [`StudyError::Write`].
pub fn write(path: &Path, bytes: &[u8]) -> Result<String> {
    let name = path
        .file_name()
        .map(|n| n.to_string_lossy().into_owned())
        .unwrap_or_default();
    let temporary = path.with_file_name(format!(".{name}.{}{PART}", std::process::id()));
    let written = (|| {
        let mut file = File::create(&temporary)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&temporary, path)
    })();
    if written.is_err() {
        // The first error is the one to report; a file that was never created cannot be removed.
        let _ = fs::remove_file(&temporary);
    }
    written.map_err(StudyError::write(path))?;
    Ok(sha256(bytes))
}

/// Makes a folder and those above it.
///
/// # Errors
///
/// [`StudyError::Write`].
pub fn make(path: &Path) -> Result<()> {
    fs::create_dir_all(path).map_err(StudyError::write(path))
}

/// Removes what an earlier process was writing when it was killed, in this folder and those below it.
pub fn clear_parts(path: &Path) {
    let Ok(entries) = fs::read_dir(path) else {
        return;
    };
    for entry in entries.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if entry.file_type().is_ok_and(|t| t.is_dir()) {
            clear_parts(&entry.path());
        } else if name.starts_with('.') && name.ends_with(PART) {
            // A leftover does no harm beyond its size.
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// A file as bytes.
///
/// # Errors
///
/// [`StudyError::Read`].
pub fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).map_err(StudyError::read(path))
}
