//! Trains two digit classifiers with quantized arithmetic, exports them as QONNX, compiles them to integer programs
//! and compares every output integer.
//!
//! `cargo run --release -p exactum-training --example digits` needs no data or tools beside this repository and leaves
//! its files in `target/exactum/digits`.
#![allow(clippy::print_stdout, reason = "the table is what this program is for")]

mod compile;
mod table;

use std::error::Error;
use std::fs;
use std::path::Path;

use exactum_training::data::{Dataset, Split, digits};
use exactum_training::models::{Arithmetic, DigitsCnn, DigitsMlp, digits_cnn, digits_mlp};
use exactum_training::{BuildError, Network, TrainConfig, accuracy, evaluate, progress_bar, to_qonnx, train};
use table::Row;

/// Training allocates and frees large tensors at every step; this allocator keeps their pages.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const DIRECTORY: &str = "target/exactum/digits";
const SEED: u64 = 2;
/// Images for the demonstration firmware.
const FIRMWARE_IMAGES: usize = 12;

fn main() -> Result<(), Box<dyn Error>> {
    let data = digits::load()?;
    fs::create_dir_all(DIRECTORY)?;
    fs::write(Path::new(DIRECTORY).join("images.csv"), images(&data.test))?;
    let rows = [
        classifier("digits_mlp", |arithmetic| digits_mlp(arithmetic, SEED), &DigitsMlp::TRAINING, &data)?,
        classifier("digits_cnn", |arithmetic| digits_cnn(arithmetic, SEED), &DigitsCnn::TRAINING, &data)?,
    ];
    print!("{}\nfiles in {DIRECTORY}\n", table::render(&rows));
    Ok(())
}

/// The first test images for the demonstration firmware: pixels and label, an image a line.
fn images(data: &Dataset) -> String {
    let line = |index: usize| {
        let pixels: String = data.input(index).iter().map(|pixel| format!("{pixel},")).collect();
        format!("{pixels}{}\n", data.labels[index])
    };
    (0..FIRMWARE_IMAGES.min(data.len_samples())).map(line).collect()
}

/// Trains the float and the quantized network of one architecture, exports and compiles the latter.
fn classifier<const D: usize, N: Network<D>>(
    name: &'static str,
    network: impl Fn(Arithmetic) -> Result<N, BuildError>,
    training: &TrainConfig,
    data: &Split,
) -> Result<Row, Box<dyn Error>> {
    let mut float = network(Arithmetic::Float)?;
    train(&mut float, &data.train, training, progress_bar(&format!("{name} float")))?;
    let mut quantized = network(Arithmetic::Quantized)?;
    train(&mut quantized, &data.train, training, progress_bar(&format!("{name} int8")))?;
    let directory = Path::new(DIRECTORY);
    let model = to_qonnx(&quantized, name)?;
    fs::write(directory.join(name).with_extension("onnx"), exactum_qonnx::write(&model))?;
    Ok(Row {
        name,
        samples: data.test.len_samples(),
        float_accuracy: accuracy(&float, &data.test)?,
        quantized_accuracy: accuracy(&quantized, &data.test)?,
        program: compile::compile(
            name,
            &model,
            &data.test,
            &evaluate(&quantized, &data.test.inputs)?,
            directory,
        )?,
    })
}
