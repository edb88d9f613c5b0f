//! Files that appear whole or not at all, and their hashes.

use crate::error::{Result, StudyError};
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// Ending of a file that is being written.
const PART: &str = ".part";
/// Held by the process that works in a folder.
const LOCK: &str = ".lock";

/// Folders that this process has made.
static MADE: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());

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
        // Folders made for this file alone go too: one that holds anything cannot be removed.
        let made = MADE.lock().unwrap_or_else(PoisonError::into_inner);
        for folder in path.ancestors().skip(1) {
            if !made.contains(folder) || fs::remove_dir(folder).is_err() {
                break;
            }
        }
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
    let missing = path.ancestors().take_while(|folder| !folder.exists());
    let missing: Vec<PathBuf> = missing.map(Path::to_owned).collect();
    fs::create_dir_all(path).map_err(StudyError::write(path))?;
    let mut made = MADE.lock().unwrap_or_else(PoisonError::into_inner);
    made.extend(missing);
    Ok(())
}

/// A folder that no other process works in, for as long as this is held.
#[derive(Debug)]
pub struct Lock {
    path: PathBuf,
    file: Option<File>,
}

impl Drop for Lock {
    fn drop(&mut self) {
        if self.file.is_some() {
            // An empty file that stays does no harm: what counts is who holds it.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Takes a folder for this process alone. Where the file system has no locks, nothing keeps others out.
///
/// # Errors
///
/// [`StudyError::InUse`] where another process has it, [`StudyError::Write`].
pub fn lock(folder: &Path) -> Result<Lock> {
    let path = folder.join(LOCK);
    let file = File::create(&path).map_err(StudyError::write(&path))?;
    match fs4::FileExt::try_lock(&file) {
        Ok(()) => Ok(Lock {
            path,
            file: Some(file),
        }),
        Err(fs4::TryLockError::WouldBlock) => Err(StudyError::InUse(folder.to_owned())),
        Err(fs4::TryLockError::Error(_)) => Ok(Lock { path, file: None }),
    }
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
