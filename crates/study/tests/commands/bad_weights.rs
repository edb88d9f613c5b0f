//! Bad weights are refused with the tensor's name and shape, and weights are exported only where they stay the network
//! they are.
use crate::folder::Folder;

/// Writes `w.safetensors`: a vanilla network of 2 units, 1 input, 1 output; `w_rec.a` as given.
fn weights(folder: &Folder, shape: Vec<usize>, w_rec: Vec<f32>, extra: Option<&str>) {
    let mut tensors = vec![
        ("w_rec.a".to_owned(), shape, w_rec),
        ("w_in.a".to_owned(), vec![2, 1], vec![1.0; 2]),
        ("w_out".to_owned(), vec![1, 2], vec![1.0; 2]),
    ];
    tensors.extend(extra.map(|name| (name.to_owned(), vec![1], vec![0.0])));
    let bytes = chiliad_engine::files::tensors_to_bytes(&tensors, None).unwrap();
    std::fs::write(folder.join("w.safetensors"), bytes).unwrap();
}

fn import(name: &str, make: impl FnOnce(&Folder), words: &[&str]) {
    let folder = Folder::new(name);
    make(&folder);
    let words = [&["w.safetensors"], words].concat();
    folder.refused("import w.safetensors --cell vanilla --out out", &words);
}

#[test]
fn safetensors_cut_in_half() {
    let cut = |folder: &Folder| {
        weights(folder, vec![2, 2], vec![0.5; 4], None);
        let bytes = folder.read("w.safetensors");
        std::fs::write(folder.join("w.safetensors"), &bytes[..bytes.len() / 2]).unwrap();
    };
    import("half", cut, &["not a whole safetensors file"]);
}

#[test]
fn wrong_shapes_and_names() {
    import(
        "shape",
        |f| weights(f, vec![2, 3], vec![0.5; 6], None),
        &["`w_rec.a`", "[2, 3]", "[2, 2]"],
    );
    import(
        "name",
        |f| weights(f, vec![2, 2], vec![0.5; 4], Some("w_rex")),
        &["unknown tensor `w_rex`", "`w_rec.a`"],
    );
}

#[test]
fn nan_weights() {
    import(
        "nan",
        |f| weights(f, vec![2, 2], vec![0.5, 0.5, f32::NAN, 0.5], None),
        &["`w_rec.a`[1, 0] is NaN", "finite"],
    );
}

#[test]
fn an_export_that_would_be_another_network() {
    let folder = Folder::new("export");
    weights(&folder, vec![2, 2], vec![0.5; 4], None);
    for (activation, code, words) in [
        ("softplus", 2, "no activation `softplus`"),
        ("relu", 0, "nonlinearity"),
    ] {
        let import = "import w.safetensors --cell vanilla --activation";
        folder.run(&format!("{import} {activation} --out {activation}"));
        let output = folder.chiliad(
            &format!("export {activation} --out torch.safetensors"),
            code,
        );
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said);
        assert!(said.contains(words), "{said}");
        assert_eq!(folder.join("torch.safetensors").exists(), code == 0);
    }
}
