//! One device against two: burn's multi-device strategy hands each device half of the data, adds the gradients of both
//! and takes one step. Given the same images in each step, the losses of both runs differ by the rounding of sums alone.

use std::error::Error;

use burn::lr_scheduler::constant::ConstantLr;
use burn::optim::AdamConfig;
use burn_train::renderer::CliMetricsRenderer;
use burn_train::{ExecutionStrategy, Learner, MultiDeviceOptim, SupervisedTraining};
use exactum_training::backend::training_device;
use exactum_training::data::digits;

use crate::batches::{self, Sample};
use crate::classifier::Classifier;
use crate::{BATCH_SAMPLES, LEARNING_RATE};

const DEVICES: usize = 2;
const EPOCHS: usize = 4;
const DIRECTORY: &str = "target/exactum/data-parallel";
/// Largest difference between the losses of a step, as a fraction. Where a sum of gradients is rounded otherwise, a code
/// may change, and the runs drift apart slowly.
const TOLERANCE: f32 = 0.02;

pub(crate) fn compare() -> Result<(), Box<dyn Error>> {
    let data = digits::load()?;
    let mut samples = batches::samples(&data.train);
    samples.truncate(samples.len() / BATCH_SAMPLES * BATCH_SAMPLES);
    let one = losses(&samples, 1)?;
    let two = losses(&in_halves(&samples), DEVICES)?;
    let difference = |(a, b): (&f32, &f32)| (a - b).abs() / a.abs();
    let largest = one.iter().zip(&two).map(difference).fold(0.0, f32::max);
    println!("{} steps: loss {:.4} to {:.4}", one.len(), one[0], one[one.len() - 1]);
    println!("largest difference between one device and {DEVICES}: {:.4} %", 100.0 * largest);
    if one.len() != two.len() || largest.is_nan() || largest > TOLERANCE {
        return Err(format!("the losses differ by more than {} %", 100.0 * TOLERANCE).into());
    }
    Ok(())
}

/// The samples in an order in which device `d` finds part `d` of every batch in its share.
fn in_halves(samples: &[Sample]) -> Vec<Sample> {
    let share = BATCH_SAMPLES / DEVICES;
    let part = |device: usize| {
        samples.chunks(BATCH_SAMPLES).flat_map(move |batch| batch[device * share..][..share].to_vec())
    };
    (0..DEVICES).flat_map(part).collect()
}

/// The mean loss of each step on `devices` devices.
fn losses(samples: &[Sample], devices: usize) -> Result<Vec<f32>, Box<dyn Error>> {
    let mut classifier = Classifier::new(3)?;
    classifier.batches_per_step = devices;
    let losses = classifier.losses.clone();
    let strategy = match devices {
        1 => ExecutionStrategy::SingleDevice(training_device()),
        _ => ExecutionStrategy::MultiDevice(
            vec![training_device(); devices],
            MultiDeviceOptim::OptimMainDevice,
        ),
    };
    let loader = || batches::loader(samples.to_vec(), BATCH_SAMPLES / devices, None);
    let result = SupervisedTraining::new(DIRECTORY, loader(), loader())
        .with_training_strategy(strategy.into())
        .renderer(Box::new(CliMetricsRenderer::new()))
        .num_epochs(EPOCHS)
        .launch(Learner::new(classifier, AdamConfig::new().build().into(), ConstantLr::from(LEARNING_RATE)));
    match result.error {
        Some(error) => Err(error.to_string().into()),
        None => Ok(losses
            .to_vec()
            .chunks(devices)
            .map(|step| step.iter().sum::<f32>() / devices as f32)
            .collect()),
    }
}
