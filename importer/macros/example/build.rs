//! Compiles the model whenever its file or the labels change.

fn main() -> Result<(), exactum_build::Error> {
    let model = "../../../tests/fixtures/digits/digits_mlp/model.onnx";
    exactum_build::compile_with(model, ["--target", "mps2-an386", "--labels", "labels.txt"])
}
