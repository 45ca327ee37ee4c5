//! Trains a quantized digit classifier with burn's own learner: metrics, checkpoints of every epoch, and the dashboard
//! when standard output is a terminal.
//!
//! `cargo run --release -p exactum-learner` leaves checkpoints and metrics in
//! `target/exactum/learner`. With `-- --data-parallel` it trains on one device and on two at once instead, and compares
//! the losses of the two runs step by step.
#![allow(clippy::print_stdout, reason = "the results are what this program is for")]

mod batches;
mod classifier;
mod data_parallel;

use std::error::Error;
use std::path::Path;

use burn::lr_scheduler::constant::ConstantLr;
use burn::optim::AdamConfig;
use burn_train::metric::{AccuracyMetric, LossMetric};
use burn_train::{ExecutionStrategy, Learner, SupervisedTraining};
use exactum_training::backend::training_device;
use exactum_training::data::digits;
use exactum_training::{accuracy, to_qonnx};

use classifier::Classifier;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const DIRECTORY: &str = "target/exactum/learner";
const EPOCHS: usize = 12;
const BATCH_SAMPLES: usize = 64;
const LEARNING_RATE: f64 = 2e-3;

fn main() -> Result<(), Box<dyn Error>> {
    if std::env::args().any(|argument| argument == "--data-parallel") {
        return data_parallel::compare();
    }
    let data = digits::load()?;
    let train = batches::loader(batches::samples(&data.train), BATCH_SAMPLES, Some(1));
    let valid = batches::loader(batches::samples(&data.test), BATCH_SAMPLES, None);
    let result = SupervisedTraining::new(DIRECTORY, train, valid)
        .with_training_strategy(ExecutionStrategy::SingleDevice(training_device()).into())
        .metrics((AccuracyMetric::new(), LossMetric::new()))
        .with_default_checkpointers()
        .num_epochs(EPOCHS)
        .summary()
        .launch(Learner::new(
            Classifier::new(1)?,
            AdamConfig::new().build().into(),
            ConstantLr::from(LEARNING_RATE),
        ));
    if let Some(error) = result.error {
        return Err(error.to_string().into());
    }
    let model = to_qonnx(&result.model, "digits")?;
    std::fs::write(Path::new(DIRECTORY).join("digits.onnx"), exactum_qonnx::write(&model))?;
    println!("{:.2} % of the test images on exact integers", 100.0 * accuracy(&result.model, &data.test)?);
    Ok(())
}
