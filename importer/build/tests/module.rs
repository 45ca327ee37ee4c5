//! Modules of models as build scripts and macros get them.

use std::fs;
use std::path::{Path, PathBuf};

use exactum_build::{Module, module};

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures")
}

const MLP: &str = "digits/digits_mlp/model.onnx";

fn refused(model: &str, options: &[&str]) -> String {
    module(&fixtures(), model.as_ref(), options).unwrap_err()
}

#[test]
fn a_model_becomes_a_module() {
    let Module { text, warnings, files } = module(&fixtures(), MLP.as_ref(), [""; 0]).unwrap();
    assert!(text.contains("pub struct Model"), "{text}");
    assert!(warnings.iter().any(|warning| warning.starts_with("the channels of output")), "{warnings:?}");
    assert_eq!(files, [fixtures().join(MLP)]);
}

#[test]
fn options_are_those_of_the_command_with_paths_in_the_folder() {
    let folder = tempfile::tempdir().unwrap();
    let labels: String = (0..10).map(|class| format!("class {class}\n")).collect();
    fs::write(folder.path().join("labels.txt"), labels).unwrap();
    let facts = Path::new(env!("CARGO_MANIFEST_DIR")).join("../targets/mps2-an386.toml");
    fs::copy(facts, folder.path().join("board.toml")).unwrap();
    fs::copy(fixtures().join(MLP), folder.path().join("model.onnx")).unwrap();
    let options = ["--labels", "labels.txt", "--target=board.toml", "--model-name", "mine"];
    let Module { text, mut files, .. } = module(folder.path(), "model.onnx".as_ref(), options).unwrap();
    assert!(text.contains("\"class 9\"") && text.contains("MODEL_NAME: &str = \"mine\""), "{text}");
    files.sort();
    assert_eq!(files, ["board.toml", "labels.txt", "model.onnx"].map(|name| folder.path().join(name)));
}

#[test]
fn problems_name_the_file() {
    for (file, problem) in [("absent.onnx", "No such file"), ("README.md", "complete ONNX model")] {
        let told = refused(file, &[]);
        assert!(told.contains(file) && told.contains(problem), "{told}");
    }
    let told = refused(MLP, &["--labels", "README.md"]);
    assert!(told.contains("README.md") && told.contains("a label for each class"), "{told}");
}

#[test]
fn what_the_command_does_not_know_is_refused() {
    for (options, problem) in [
        (&["--emit", "rust"][..], "unexpected argument '--emit'"),
        (&["--target", "abacus"], "found abacus"),
        (&["--stream"], "a value is required"),
        (&["other.onnx"], "unexpected argument"),
    ] {
        let told = refused(MLP, options);
        assert!(told.contains(problem), "{told}");
    }
}

/// Whose flash is smaller than the program is refused here as by the command.
#[test]
fn a_model_has_to_fit_the_target() {
    let folder = tempfile::tempdir().unwrap();
    let facts =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../targets/mps2-an386.toml")).unwrap();
    let line = facts.lines().find(|line| line.starts_with("flash-bytes")).expect("flash is a fact");
    fs::write(folder.path().join("small.toml"), facts.replace(line, "flash-bytes = 1000")).unwrap();
    let small = folder.path().join("small.toml");
    let told = refused(MLP, &["--target", small.to_str().unwrap()]);
    assert!(told.contains("E0502"), "{told}");
}
