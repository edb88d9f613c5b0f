//! Folders, files and disks that are not what a command needs: nothing is lost, nothing half-written.
use crate::folder::{Folder, SMALL};
use std::process::{Command, Output};

const WEIGHTS: &str = "out/populations/vanilla-tanh-8/weights.safetensors";

/// What a shell makes of `line`, in which `chiliad` is the binary.
#[cfg(unix)]
fn shell(folder: &Folder, line: &str) -> Output {
    let line = line.replace("chiliad", &format!("'{}'", env!("CARGO_BIN_EXE_chiliad")));
    let mut command = Command::new("sh");
    command
        .args(["-c", &line])
        .current_dir(folder)
        .output()
        .unwrap()
}

/// A study of two small networks that has run: `s.ron` and `out`.
fn finished(folder: &Folder) {
    folder.write("s.ron", SMALL);
    folder.run("run s.ron --out out");
}

#[test]
fn the_folder_of_another_study() {
    let folder = Folder::new("other");
    finished(&folder);
    let before = folder.read(WEIGHTS);
    // The same command again does nothing again; another study is refused and changes nothing.
    folder.run("run s.ron --out out --json");
    folder.write("s.ron", &SMALL.replace("units: 8", "units: 9"));
    folder.refused(
        "run s.ron --out out --json",
        &["holds another study", "--out"],
    );
    assert_eq!(folder.read(WEIGHTS), before);
    // Nor is a folder of something else taken.
    std::fs::create_dir(folder.join("foreign")).unwrap();
    folder.write("foreign/thesis.tex", "x");
    folder.refused("run s.ron --out foreign", &["thesis.tex", "--out"]);
    assert_eq!(
        std::fs::read_dir(folder.join("foreign")).unwrap().count(),
        1
    );
}

#[cfg(unix)]
#[test]
fn a_full_disk() {
    // A limit on the size of files fails a write in the middle, as a full disk does, and needs no rights.
    let folder = Folder::new("disk");
    let fails = |blocks: usize, words: &str, needed: &[&str]| {
        let output = shell(
            &folder,
            &format!("trap '' XFSZ; ulimit -f {blocks}; exec chiliad {words}"),
        );
        let message = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{message}");
        for part in needed {
            assert!(message.contains(part), "`{part}` is not in: {message}");
        }
    };
    let sample = "task sample flip_flop --trials 4096 --out trials.npz";
    fails(8, sample, &["cannot write", "trials.npz"]);
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 0);
    // A study: what was whole stays, the file that did not fit is not there, and a run with room goes on from it.
    folder.write("s.ron", &SMALL.replace("units: 8", "units: 128"));
    fails(64, "run s.ron --out out", &["weights.safetensors"]);
    assert!(!folder.join("out/populations/vanilla-tanh-128").exists());
    folder.run("run s.ron --out out --json");
}

#[test]
fn results_replace_nothing_but_results() {
    let folder = Folder::new("replace");
    finished(&folder);
    let population = "out/populations/vanilla-tanh-8";
    std::fs::create_dir(folder.join("precious")).unwrap();
    folder.write("precious/thesis.tex", "x");
    for command in [
        "fixed-points",
        "cycles",
        "lyapunov",
        "linearise",
        "topology",
        "hops",
    ] {
        for (out, word) in [
            ("precious", "thesis.tex"),
            (population, "networks.parquet"),
            ("out", "study"),
        ] {
            let count = || std::fs::read_dir(folder.join(out)).unwrap().count();
            let before = count();
            let output = folder.chiliad(&format!("{command} {population} --out {out}"), 2);
            let message = String::from_utf8_lossy(&output.stderr);
            let said = message.contains("--out")
                && (message.contains(word) || message.contains("holds `"));
            assert!(said, "{command}: {message}");
            assert_eq!(count(), before);
        }
    }
    for (option, value) in [
        ("--n-seeds", "99999999999999"),
        ("--n-seeds", "0"),
        ("--rounds-max", "0"),
        ("--round-seeds", "99999999999"),
        ("--tolerance", "nan"),
        ("--fixed-step", "0.1"),
    ] {
        let words = format!("fixed-points {population} {option} {value} --out fp");
        folder.refused(&words, &[option, "allowed"]);
    }
    let words = format!("cycles {population} --max-period 1000000000 --out fp");
    folder.refused(&words, &["--max-period", "allowed"]);
}

#[test]
fn a_folder_that_another_run_works_in() {
    let folder = Folder::new("lock");
    finished(&folder);
    let held = std::fs::File::create(folder.join("out/.lock")).unwrap();
    fs4::FileExt::lock(&held).unwrap();
    folder.says_once("run s.ron --out out", 75, &["another run", "--out"]);
    fs4::FileExt::unlock(&held).unwrap();
    folder.run("run s.ron --out out");
}

#[cfg(target_os = "linux")]
#[test]
fn an_answer_that_cannot_be_written() {
    let folder = Folder::new("full");
    for words in ["task list", "cell show gru", "task show flip_flop --json"] {
        let output = shell(&folder, &format!("exec chiliad {words} > /dev/full"));
        let message = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{words}: {message}");
        assert!(message.contains("standard output"), "{words}: {message}");
    }
}

#[cfg(unix)]
#[test]
fn a_path_that_is_no_text() {
    use std::os::unix::ffi::OsStrExt as _;
    let folder = Folder::new("bytes");
    folder.write("s.ron", SMALL);
    for (words, out) in [
        (
            "task sample flip_flop --trials 1 --json --out",
            &b"o\xff.npz"[..],
        ),
        ("run s.ron --json --out", b"study\xff"),
    ] {
        let out = std::ffi::OsStr::from_bytes(out);
        let output = folder.command(words).arg(out).output().unwrap();
        let message = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{words}: {message}");
        assert!(folder.join(out).exists(), "{words}");
    }
}
