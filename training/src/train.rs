//! The training loop: cross entropy, Adam, a cosine schedule.
//!
//! Deterministic: the same network, data and configuration give the same parameters, whatever the number of threads.

use thiserror::Error;

use crate::backend::{
    self, AdamConfig, CosineAnnealingLrSchedulerConfig, GradientsParams, ModuleOptimizer, Tensor,
};
use crate::data::{Dataset, Shuffle};
use crate::network::Network;
use crate::{Activation, ForwardError};

/// How to train.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TrainConfig {
    /// Passes over the training set.
    pub epochs: usize,
    /// Samples of a step; the last step of an epoch may have fewer.
    pub batch_samples: usize,
    /// Learning rate of the first step, above 0 and at most 1; it falls to zero along a cosine.
    pub learning_rate: f64,
    /// Determines the order of the samples.
    pub seed: u64,
}

/// What a training step reports.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Progress {
    /// Steps done.
    pub step: usize,
    /// Steps in all.
    pub steps: usize,
    /// Mean loss of the step's samples.
    pub loss: f32,
}

/// Training stopped.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum TrainError {
    /// The forward pass failed.
    #[error(transparent)]
    Forward(#[from] ForwardError),
    /// The configuration gives no step, or no learning rate.
    #[error("training: {reason}")]
    Config {
        /// What was found and needed.
        reason: String,
    },
    /// The loss is no longer a number.
    #[error("training: the loss of step {step} is {loss}; lower the learning rate")]
    Diverged {
        /// From 1.
        step: usize,
        /// The loss.
        loss: f32,
    },
}

/// Trains `network` on `data` and reports each step to `progress`.
///
/// # Errors
///
/// If the data do not fit the network, the configuration is unusable, a layer fails, or the loss diverges.
pub fn train<const D: usize>(
    network: &mut impl Network<D>,
    data: &Dataset,
    config: &TrainConfig,
    mut progress: impl FnMut(Progress),
) -> Result<(), TrainError> {
    let mut shape = network.input_shape();
    check(data, config, shape.iter().skip(1).product())?;
    let steps = config.epochs * data.len_samples().div_ceil(config.batch_samples);
    let mut schedule = CosineAnnealingLrSchedulerConfig::new(config.learning_rate, steps)
        .init()
        .map_err(|reason| TrainError::Config { reason })?;
    let mut optimizer = ModuleOptimizer::from(AdamConfig::new().with_epsilon(1e-8).build());
    let mut shuffle = Shuffle::new(data.len_samples(), config.seed);
    let device = backend::training_device();
    let mut step = 0;
    for _ in 0..config.epochs {
        for indices in shuffle.epoch().chunks(config.batch_samples) {
            let (inputs, labels) = data.batch(indices);
            shape[0] = labels.len();
            let logits =
                network.forward(&Activation::train(backend::tensor(inputs, shape, &device)))?.value();
            let loss = backend::cross_entropy_with_logits(logits, one_hot(&labels, data.classes));
            step += 1;
            let mean = backend::scalar(&loss);
            if !mean.is_finite() {
                return Err(TrainError::Diverged { step, loss: mean });
            }
            let gradients = GradientsParams::from_grads(loss.backward(), network);
            *network = optimizer.step(schedule.step(), network.clone(), gradients);
            progress(Progress { step, steps, loss: mean });
        }
    }
    Ok(())
}

fn check(data: &Dataset, config: &TrainConfig, features: usize) -> Result<(), TrainError> {
    let fail = |reason: String| Err(TrainError::Config { reason });
    if data.features != features {
        return fail(format!("samples have {} values, the network takes {features}", data.features));
    }
    if data.len_samples() == 0 || config.batch_samples == 0 || config.epochs == 0 {
        let TrainConfig { epochs, batch_samples, .. } = config;
        let samples = data.len_samples();
        return fail(format!(
            "{samples} samples, {epochs} epochs and batches of {batch_samples} give no step"
        ));
    }
    Ok(())
}

fn one_hot(labels: &[usize], classes: usize) -> Tensor<2> {
    let mut rows = vec![0.0; labels.len() * classes];
    for (row, label) in rows.chunks_mut(classes.max(1)).zip(labels) {
        row[*label] = 1.0;
    }
    backend::tensor(rows, [labels.len(), classes], &backend::evaluation_device())
}
