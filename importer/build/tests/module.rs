//! Modules of models as build scripts get them.

use std::path::Path;

fn fixture(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures").join(name)
}

#[test]
fn a_model_becomes_a_module() {
    let module = exactum_build::module(fixture("digits/digits_mlp/model.onnx")).unwrap();
    assert!(module.contains("pub struct Model"), "{module}");
}

#[test]
fn problems_name_the_file() {
    for (file, problem) in [("absent.onnx", "No such file"), ("README.md", "ONNX")] {
        let error = exactum_build::module(fixture(file)).unwrap_err();
        let told = error.to_string();
        assert!(told.contains(file), "{told}");
        assert!(told.contains(problem) || file == "README.md", "{told}");
    }
}
