//! Reads real files of other people's tools: every `.onnx` file in the folder that `EXACTUM_MODELS` names.

use std::path::PathBuf;

use exactum_qonnx::{Model, read, write};

/// The models found, or `None` after saying why there are none.
fn models() -> Option<Vec<(PathBuf, Vec<u8>)>> {
    let Some(folder) = std::env::var_os("EXACTUM_MODELS") else {
        eprintln!("ignored: EXACTUM_MODELS does not name a folder of .onnx files");
        return None;
    };
    let entries = std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "onnx"));
    paths.sort();
    assert!(!paths.is_empty(), "no .onnx files in {}", folder.display());
    Some(paths.into_iter().map(|path| (path.clone(), std::fs::read(path).unwrap())).collect())
}

fn read_model(path: &std::path::Path, bytes: &[u8]) -> Model {
    read(bytes).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn round_trip() {
    for (path, bytes) in models().into_iter().flatten() {
        let model = read_model(&path, &bytes);
        assert!(!model.graph.nodes.is_empty() && !model.graph.real_inputs().is_empty(), "{}", path.display());
        let written = write(&model);
        assert_eq!(read_model(&path, &written), model, "{}", path.display());
        assert_eq!(write(&model), written);
    }
}
