//! Arrays and trials on disk: what goes out comes back, and what is damaged is refused with a reason.

#![expect(
    clippy::unwrap_used,
    reason = "a test helper that fails is a test that fails"
)]

use std::fs::{self, File};
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;

use chiliad_tasks::{NpzArray, Task, TrialBank, Trials, read_npz, write_npz};
use npyz::WriterBuilder;
use proptest::prelude::*;

/// A folder of one test's own, removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new(test: &str) -> Self {
        let path =
            std::env::temp_dir().join(format!("chiliad-tasks-{test}-{}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// An archive whose entries are given byte by byte, deflated as `numpy.savez_compressed` does.
fn write_raw(path: &PathBuf, entries: &[(&str, Vec<u8>)]) {
    let mut archive = zip::ZipWriter::new(File::create(path).unwrap());
    for (name, bytes) in entries {
        let options =
            zip::write::FileOptions::default().compression_method(zip::CompressionMethod::Deflated);
        archive.start_file(format!("{name}.npy"), options).unwrap();
        archive.write_all(bytes).unwrap();
    }
    archive.finish().unwrap();
}

fn npy<T: npyz::Serialize + Copy>(
    descr: &str,
    order: npyz::Order,
    shape: &[u64],
    data: &[T],
) -> Vec<u8> {
    let mut bytes = Vec::new();
    let dtype = npyz::DType::new_scalar(descr.parse().unwrap());
    let mut npy = npyz::WriteOptions::new()
        .dtype(dtype)
        .order(order)
        .shape(shape)
        .writer(&mut bytes)
        .begin_nd()
        .unwrap();
    npy.extend(data.iter().copied()).unwrap();
    npy.finish().unwrap();
    bytes
}

#[test]
fn arrays_round_trip_and_equal_arrays_are_equal_files() {
    let folder = Folder::new("round");
    let arrays = [
        (
            "a",
            NpzArray::f32(&[2, 3], vec![0.0, -1.5, f32::NAN, f32::MAX, 1e-40, 3.0]),
        ),
        ("b", NpzArray::f64(&[2], vec![1.0 / 3.0, f64::MIN])),
        ("c", NpzArray::i32(&[0, 4], vec![])),
        ("state.h", NpzArray::i64(&[], vec![i64::MIN])),
    ];
    write_npz(folder.file("x.npz"), &arrays).unwrap();
    write_npz(folder.file("y.npz"), &arrays).unwrap();
    assert_eq!(
        fs::read(folder.file("x.npz")).unwrap(),
        fs::read(folder.file("y.npz")).unwrap()
    );
    let back = read_npz(folder.file("x.npz")).unwrap();
    assert_eq!(back.len(), 4);
    for (name, array) in &arrays {
        assert_eq!(format!("{:?}", back[*name]), format!("{array:?}"));
    }
    assert_eq!(
        fs::read_dir(&folder.0).unwrap().count(),
        2,
        "nothing temporary is left"
    );
    let wrong = write_npz(
        folder.file("z.npz"),
        &[("a", NpzArray::f32(&[2, 3], vec![0.0; 5]))],
    )
    .unwrap_err()
    .to_string();
    assert!(
        wrong.contains("[2, 3]") && wrong.contains("5 elements"),
        "{wrong}"
    );
    assert!(!folder.file("z.npz").exists());
    let nowhere = write_npz(folder.file("no/such/x.npz"), &arrays)
        .unwrap_err()
        .to_string();
    assert!(nowhere.contains("cannot write"), "{nowhere}");
}

#[test]
fn fortran_order_big_endian_and_small_types_are_read() {
    let folder = Folder::new("orders");
    // Element [i, j, k] is 100 i + 10 j + k; in Fortran order i runs fastest.
    let fortran: Vec<f64> = (0..4)
        .flat_map(|k| {
            (0..3).flat_map(move |j| (0..2).map(move |i| f64::from(100 * i + 10 * j + k)))
        })
        .collect();
    let c: Vec<f64> = (0..2)
        .flat_map(|i| {
            (0..3).flat_map(move |j| (0..4).map(move |k| f64::from(100 * i + 10 * j + k)))
        })
        .collect();
    write_raw(
        &folder.file("x.npz"),
        &[
            (
                "fortran",
                npy("<f8", npyz::Order::Fortran, &[2, 3, 4], &fortran),
            ),
            ("big", npy(">f8", npyz::Order::C, &[2], &[1.5_f64, -2.0])),
            ("bool", npy("|b1", npyz::Order::C, &[2], &[true, false])),
            ("short", npy("<i2", npyz::Order::C, &[2], &[-300_i16, 7])),
            ("unsigned", npy("<u4", npyz::Order::C, &[1], &[u32::MAX])),
        ],
    );
    let arrays = read_npz(folder.file("x.npz")).unwrap();
    assert_eq!(arrays["fortran"], NpzArray::f64(&[2, 3, 4], c));
    assert_eq!(arrays["big"], NpzArray::f64(&[2], vec![1.5, -2.0]));
    assert_eq!(arrays["bool"], NpzArray::i32(&[2], vec![1, 0]));
    assert_eq!(arrays["short"], NpzArray::i32(&[2], vec![-300, 7]));
    assert_eq!(
        arrays["unsigned"],
        NpzArray::i64(&[1], vec![i64::from(u32::MAX)])
    );
}

#[test]
fn trials_round_trip_and_become_an_external_task() {
    let folder = Folder::new("trials");
    let file = folder.file("mine.npz");
    let trials = Task::builtin("sine")
        .unwrap()
        .sample("train", 7, 3)
        .unwrap();
    trials.save_npz(&file).unwrap();
    assert_eq!(Trials::load_npz(&file).unwrap(), trials);

    let task = Arc::new(Task::find(file.to_str().unwrap()).unwrap());
    assert_eq!((task.name.as_str(), task.is_external()), ("mine", true));
    assert_eq!(task.sample_all("train", 1).unwrap(), trials);
    assert_eq!(
        task.sample_range("train", 2, 3, 1).unwrap(),
        trials.select(&[2, 3, 4]).unwrap()
    );
    let error = task.sample("train", 8, 1).unwrap_err().to_string();
    assert!(error.contains("holds 7 trials"), "{error}");
    assert_eq!(task.evaluation(512, 0).unwrap(), trials);
    let bank = TrialBank::new(Arc::clone(&task), "train", 1, 64, 16).unwrap();
    assert_eq!((bank.bank_trials(), bank.generation_of(1 << 40)), (7, 0));
    assert_eq!(*bank.generation(0), trials);

    let text = "(summary: \"s\", source: \"t\", generator: External(npz: \"mine.npz\"))";
    fs::write(folder.file("task.ron"), text).unwrap();
    let named = Task::load(folder.file("task.ron")).unwrap();
    assert_eq!(named.ron, text);
    assert_eq!(
        Task::from_ron(&task.ron, "again.ron")
            .unwrap()
            .sample_all("train", 0)
            .unwrap(),
        trials
    );
    assert_eq!(named.sample_all("train", 0).unwrap(), trials);
    assert_eq!(named.conditions()[0].input, [0.0]);
}

#[test]
fn what_users_bring_is_completed() {
    let folder = Folder::new("bring");
    let file = folder.file("x.npz");
    let inputs = NpzArray::f64(&[2, 3, 1], vec![0.5; 6]);
    let targets = NpzArray::f64(&[2, 3, 2], vec![0.25; 12]);
    write_npz(
        &file,
        &[("inputs", inputs.clone()), ("targets", targets.clone())],
    )
    .unwrap();
    let trials = Trials::load_npz(&file).unwrap();
    assert_eq!(
        (&trials.mask, &trials.condition),
        (&vec![1.0; 12], &vec![0; 2])
    );
    let mask = NpzArray::i32(&[2, 3], vec![0, 1, 1, 0, 0, 1]);
    let condition = NpzArray::i64(&[2], vec![4, -1]);
    write_npz(
        &file,
        &[
            ("inputs", inputs),
            ("targets", targets),
            ("mask", mask),
            ("condition", condition),
        ],
    )
    .unwrap();
    let trials = Trials::load_npz(&file).unwrap();
    assert_eq!(
        trials.mask,
        [0.0, 0.0, 1.0, 1.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 1.0]
    );
    assert_eq!(trials.condition, [4, -1]);
}

#[test]
fn wrong_trials_are_refused_by_file_array_and_shapes() {
    let folder = Folder::new("wrong");
    let file = folder.file("x.npz");
    let inputs = || ("inputs", NpzArray::f32(&[2, 3, 1], vec![0.0; 6]));
    let targets = || ("targets", NpzArray::f32(&[2, 3, 1], vec![0.0; 6]));
    let mut poisoned = vec![0.0; 6];
    poisoned[4] = f64::NAN;
    type Case = (Vec<(&'static str, NpzArray)>, &'static [&'static str]);
    let cases: Vec<Case> = vec![
        (vec![inputs()], &["`targets`", "missing", "`inputs`"]),
        (vec![], &["`inputs`", "no array"]),
        (
            vec![("inputs", NpzArray::f32(&[2, 3], vec![0.0; 6])), targets()],
            &["`inputs`", "[2, 3]", "[trial, time, input]"],
        ),
        (
            vec![
                inputs(),
                ("targets", NpzArray::f32(&[2, 4, 1], vec![0.0; 8])),
            ],
            &["`targets`", "[2, 4, 1]", "[2, 3, output]"],
        ),
        (
            vec![
                inputs(),
                targets(),
                ("mask", NpzArray::f32(&[3], vec![1.0; 3])),
            ],
            &["`mask`", "[3]", "[2, 3, 1]"],
        ),
        (
            vec![
                inputs(),
                targets(),
                ("mask", NpzArray::f32(&[2, 3], vec![0.0; 6])),
            ],
            &["`mask`", "every weight is 0"],
        ),
        (
            vec![
                inputs(),
                targets(),
                ("mask", NpzArray::f32(&[2, 3], vec![-1.0; 6])),
            ],
            &["`mask`", "negative"],
        ),
        (
            vec![
                inputs(),
                targets(),
                ("condition", NpzArray::i32(&[1], vec![0])),
            ],
            &["`condition`", "[1]", "[2]"],
        ),
        (
            vec![
                inputs(),
                targets(),
                ("condition", NpzArray::f32(&[2], vec![0.0; 2])),
            ],
            &["`condition`", "integers"],
        ),
        (
            vec![inputs(), ("targets", NpzArray::f64(&[2, 3, 1], poisoned))],
            &["`targets`[1, 1, 0] is NaN"],
        ),
        (
            vec![
                inputs(),
                ("targets", NpzArray::f64(&[2, 3, 1], vec![1e300; 6])),
            ],
            &["`targets`[0, 0, 0] is inf"],
        ),
        (
            vec![
                ("inputs", NpzArray::f32(&[0, 3, 1], vec![])),
                ("targets", NpzArray::f32(&[0, 3, 1], vec![])),
            ],
            &["`inputs`", "[0, 3, 1]"],
        ),
    ];
    for (arrays, says) in cases {
        write_npz(&file, &arrays).unwrap();
        let error = Trials::load_npz(&file).unwrap_err().to_string();
        assert!(error.contains("x.npz"), "{error}");
        says.iter()
            .for_each(|part| assert!(error.contains(part), "{error} lacks {part}"));
    }
}

#[test]
fn a_header_that_promises_too_much_is_refused() {
    let folder = Folder::new("header");
    let file = folder.file("x.npz");
    let mut bytes = npy("<f4", npyz::Order::C, &[2], &[1.0_f32, 2.0]);
    let brackets = "(".repeat(40_000);
    // A product beyond 64 bits: npyz multiplies it out unchecked, which an unoptimised build turns into a panic.
    let beyond = if cfg!(debug_assertions) {
        "(3,)"
    } else {
        "(4294967296, 4294967296, 4294967296)"
    };
    for shape in [
        "(1099511627776,)",
        "(9,)",
        beyond,
        "(-1,)",
        "(0,)",
        &brackets,
    ] {
        let header = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}\n");
        bytes.splice(
            8..bytes.len(),
            [
                (header.len() as u16).to_le_bytes().as_slice(),
                header.as_bytes(),
                &[0; 8],
            ]
            .concat(),
        );
        write_raw(&file, &[("inputs", bytes.clone())]);
        let error = read_npz(&file).unwrap_err().to_string();
        assert!(error.contains("`inputs`"), "{error}");
    }
    write_raw(
        &file,
        &[(
            "inputs",
            npy("|S2", npyz::Order::C, &[1], &[b"ab".as_slice()]),
        )],
    );
    let error = read_npz(&file).unwrap_err().to_string();
    assert!(error.contains("not supported"), "{error}");
}

#[test]
fn a_file_cut_anywhere_is_an_error() {
    let folder = Folder::new("cut");
    let whole = folder.file("whole.npz");
    Task::builtin("flip_flop")
        .unwrap()
        .sample("train", 2, 0)
        .unwrap()
        .save_npz(&whole)
        .unwrap();
    let bytes = fs::read(&whole).unwrap();
    let cut = folder.file("cut.npz");
    for n in (0..bytes.len())
        .step_by(97)
        .chain([bytes.len() / 2, bytes.len() - 1])
    {
        fs::write(&cut, &bytes[..n]).unwrap();
        let error = Trials::load_npz(&cut).unwrap_err().to_string();
        assert!(error.contains("cut.npz"), "{error}");
    }
}

proptest! {
    #[test]
    fn a_changed_byte_is_an_error_or_harmless(at in any::<prop::sample::Index>(), to in any::<u8>()) {
        let folder = Folder::new(&format!("byte-{to}"));
        let file = folder.file("x.npz");
        let trials = Task::builtin("sine").unwrap().sample("train", 1, 0).unwrap();
        trials.save_npz(&file).unwrap();
        let mut bytes = fs::read(&file).unwrap();
        let at = at.index(bytes.len());
        bytes[at] = to;
        fs::write(&file, bytes).unwrap();
        // Names, time stamps and comments are not under the checksum; values are.
        if let Ok(read) = Trials::load_npz(&file) {
            prop_assert_eq!(read.inputs, trials.inputs);
            prop_assert_eq!(read.targets, trials.targets);
        }
    }
}
