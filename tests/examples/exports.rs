//! Writes a small network for each layer and quantizer of training, as QONNX and in standard operators, with inputs
//! and the outputs of training's evaluation. `tests/fixtures/make/training_exports.py` runs them with other tools.
//!
//! `cargo run --release -p exactum-tests --example exports` leaves its files in `target/exactum/exports`.
#![allow(clippy::print_stdout, reason = "the number of files is what this program reports")]

use std::fs;
use std::path::Path;

use exactum_importer::npy;
use exactum_tests::exports::{Error, all};
use serde_json::{Map, Value, json};

const DIRECTORY: &str = "target/exactum/exports";

fn main() -> Result<(), Error> {
    let directory = Path::new(DIRECTORY);
    if directory.exists() {
        fs::remove_dir_all(directory)?;
    }
    fs::create_dir_all(directory)?;
    let exports = all()?;
    let mut index = Map::new();
    let mut models = 0;
    for export in &exports {
        let name = &export.name;
        let file = |end: &str| directory.join(format!("{name}.{end}"));
        fs::write(file("input.npy"), npy::write(&export.shape, &export.inputs))?;
        fs::write(file("output.npy"), npy::write(&export.output_shape, &export.outputs))?;
        if let Some(codes) = &export.codes {
            fs::write(file("codes.npy"), npy::write(&export.output_shape, codes))?;
        }
        let mut flavours = Map::new();
        for (flavour, model) in export.flavours() {
            let refused = match model {
                Ok(model) => {
                    fs::write(file(&format!("{flavour}.onnx")), exactum_qonnx::write(&model))?;
                    models += 1;
                    Value::Null
                }
                Err(refused) => json!(refused.to_string()),
            };
            flavours.insert(flavour.to_owned(), refused);
        }
        index.insert(name.clone(), Value::Object(flavours));
    }
    fs::write(directory.join("index.json"), serde_json::to_vec_pretty(&index)?)?;
    println!("{} networks, {models} models in {DIRECTORY}", exports.len());
    Ok(())
}
