//! A folder of one test's own, in which the binary runs. It goes with the test.

use chiliad::tables::Table;
use chiliad_engine::cell::Cell;
use chiliad_engine::files::own;
use chiliad_engine::population::Population;
use chiliad_tasks::{NpzArray, write_npz};
use serde_json::Value;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A study of two networks of 8 units, soon done.
pub(crate) const SMALL: &str = "(title: \"small\", task: \"flip_flop\", networks: [Train(cell: \"vanilla\", units: 8, seeds: 2, until: Steps, max_steps: 10, eval_every: 5, eval_trials: 16, bank_trials: 64)])";

pub(crate) struct Folder(PathBuf);

impl Folder {
    /// An empty folder.
    pub(crate) fn new(name: &str) -> Self {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let n = NEXT.fetch_add(1, Ordering::Relaxed);
        let unique = format!("chiliad-{}-{n}-{name}", std::process::id());
        let path = std::env::temp_dir().join(unique);
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    /// The binary with arguments that hold no space, to be run here.
    pub(crate) fn command(&self, words: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_chiliad"));
        command.args(words.split(' ')).current_dir(&self.0);
        command
    }

    /// However it ends.
    pub(crate) fn output(&self, words: &str) -> Output {
        self.command(words).output().unwrap()
    }

    /// Must end with `code`.
    pub(crate) fn chiliad(&self, words: &str, code: i32) -> Output {
        let output = self.output(words);
        let message = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{words}: {message}");
        output
    }

    /// Must end well; its standard output.
    pub(crate) fn run(&self, words: &str) -> String {
        String::from_utf8(self.chiliad(words, 0).stdout).unwrap()
    }

    /// With `--json`, ends well, and standard output is one JSON value and nothing else.
    pub(crate) fn json(&self, words: &str) -> Value {
        let output = self.chiliad(&format!("{words} --json"), 0);
        serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|e| panic!("{words}: {e}: {}", String::from_utf8_lossy(&output.stdout)))
    }

    /// Ends with code 2 and a message that says all of `needed`, and leaves nothing behind.
    pub(crate) fn refused(&self, words: &str, needed: &[&str]) {
        let before = self.entries();
        let output = self.chiliad(words, 2);
        let message = String::from_utf8_lossy(&output.stderr);
        for part in needed {
            assert!(message.contains(part), "`{part}` is not in: {message}");
        }
        assert_eq!(self.entries(), before, "{words}: something was left behind");
    }

    fn entries(&self) -> Vec<std::ffi::OsString> {
        let entries = std::fs::read_dir(&self.0).unwrap();
        let mut names: Vec<_> = entries.map(|e| e.unwrap().file_name()).collect();
        names.sort();
        names
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        std::fs::write(self.join(name), text).unwrap();
    }

    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.join(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
    }

    /// A JSON file.
    pub(crate) fn value(&self, name: &str) -> Value {
        serde_json::from_slice(&self.read(name)).unwrap()
    }

    pub(crate) fn table(&self, name: &str) -> Table {
        Table::from_bytes(self.read(name), Path::new(name)).unwrap()
    }

    /// The only population of a finished study, and its folder.
    pub(crate) fn population(&self, study: &str) -> (Population, PathBuf) {
        let entries = std::fs::read_dir(self.join(study).join("populations")).unwrap();
        let places: Vec<PathBuf> = entries.map(|e| e.unwrap().path()).collect();
        let [place] = &places[..] else {
            panic!("{places:?}")
        };
        let label = place.file_name().unwrap().to_string_lossy();
        let mut words = label.split('-');
        let (cell, activation) = (words.next().unwrap(), words.next().unwrap());
        let cell = Arc::new(Cell::builtin(cell, activation).unwrap());
        let file = place.join("weights.safetensors");
        let population = own::import(&file, &cell, &[]).unwrap().population;
        (population, place.clone())
    }

    pub(crate) fn npz(&self, name: &str, arrays: &[(&str, NpzArray)]) {
        write_npz(self.join(name), arrays).unwrap();
    }

    /// Ends with `code` and a message that says all of `needed`, none of them twice.
    pub(crate) fn says_once(&self, words: &str, code: i32, needed: &[&str]) {
        let output = self.chiliad(words, code);
        let message = String::from_utf8_lossy(&output.stderr).into_owned();
        for part in needed {
            assert_eq!(
                message.matches(part).count(),
                1,
                "`{part}` must be said once: {message}"
            );
        }
    }

    /// One vanilla network with these recurrent weights, imported into `name`.
    pub(crate) fn vanilla(&self, name: &str, w_rec: &[f32], activation: &str) {
        let n = (w_rec.len() as f64).sqrt() as usize;
        let tensors = [
            ("w_rec.a".to_owned(), vec![n, n], w_rec.to_vec()),
            ("w_in.a".to_owned(), vec![n, 1], vec![0.5; n]),
            ("w_out".to_owned(), vec![1, n], vec![1.0; n]),
        ];
        std::fs::write(
            self.join(format!("{name}.safetensors")),
            chiliad_engine::files::tensors_to_bytes(&tensors, None).unwrap(),
        )
        .unwrap();
        self.chiliad(
            &format!(
                "import {name}.safetensors --cell vanilla --activation {activation} --out {name}"
            ),
            0,
        );
    }
}

impl Deref for Folder {
    type Target = Path;

    fn deref(&self) -> &Path {
        &self.0
    }
}

impl AsRef<Path> for Folder {
    fn as_ref(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// First word of an adapter's name, as `--device` takes it. Without one the test says so, and fails where that is asked.
#[expect(clippy::print_stderr, reason = "what was not run is said")]
pub(crate) fn adapter() -> Option<String> {
    let found = chiliad_engine::gpu::list();
    let Some(first) = found.first() else {
        assert_ne!(std::env::var("GPU_TESTS").as_deref(), Ok("required"));
        eprintln!("SKIPPED the GPU's part: no adapter");
        return None;
    };
    first.name.split(' ').next().map(str::to_owned)
}
