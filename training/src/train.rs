//! The training loop: cross entropy, Adam, a cosine schedule.
//!
//! [`train`] is the plain loop; a [`Trainer`] also saves checkpoints and adds a cost to the loss.
//!
//! Deterministic: the same network, data and configuration give the same parameters, whatever the number of threads.

mod adam;

use std::path::PathBuf;

use thiserror::Error;

use self::adam::Adam;
use crate::backend::{
    self, CosineAnnealingLrSchedulerConfig, Device, GradientsParams, Module, ModuleOptimizer, Tensor,
};
use crate::data::{Dataset, Shuffle};
use crate::network::Network;
use crate::state::{StateDict, StateFileError, state_dict};
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
#[derive(Debug, Error)]
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
    /// A value of the data or of the network is infinite or not a number.
    #[error("training: value {index} of {place} is {value}, needed finite numbers; {help}")]
    NotFinite {
        /// The sample or the parameter.
        place: String,
        /// Index within it.
        index: usize,
        /// What was found.
        value: f32,
        /// What to change.
        help: &'static str,
    },
    /// A checkpoint cannot be written. The one before is still there.
    #[error("training: {0}")]
    Checkpoint(#[from] StateFileError),
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
/// If the data do not fit the network, the configuration is unusable, a value is not finite, a layer fails, or the loss
/// diverges.
pub fn train<const D: usize, N: Network<D>>(
    network: &mut N,
    data: &Dataset,
    config: &TrainConfig,
    progress: impl FnMut(Progress),
) -> Result<(), TrainError> {
    Trainer::new(*config).run(network, data, progress)
}

/// The training loop with what can be added to it.
pub struct Trainer<'a, N> {
    config: TrainConfig,
    checkpoint: Option<PathBuf>,
    cost: Option<Box<Cost<'a, N>>>,
}

type Cost<'a, N> = dyn Fn(&N) -> Tensor<1> + Sync + 'a;

impl<'a, N> Trainer<'a, N> {
    /// The plain loop.
    pub fn new(config: TrainConfig) -> Self {
        Self { config, checkpoint: None, cost: None }
    }

    /// Saves the state after each epoch, as a safetensors file. The file is replaced in one step, so that there is a
    /// usable one whenever training is interrupted.
    #[must_use]
    pub fn checkpoint(mut self, path: impl Into<PathBuf>) -> Self {
        self.checkpoint = Some(path.into());
        self
    }

    /// Adds a cost, one value, to the loss of each step: a price of learned bit widths, for example. It is evaluated
    /// after the forward pass and belongs to the autograd graph.
    #[must_use]
    pub fn cost(mut self, cost: impl Fn(&N) -> Tensor<1> + Sync + 'a) -> Self {
        self.cost = Some(Box::new(cost));
        self
    }

    /// Trains `network` on `data` and reports each step to `progress`.
    ///
    /// # Errors
    ///
    /// As [`train`], or if a checkpoint cannot be written.
    pub fn run<const D: usize>(
        &self,
        network: &mut N,
        data: &Dataset,
        mut progress: impl FnMut(Progress),
    ) -> Result<(), TrainError>
    where
        N: Network<D>,
    {
        let config = &self.config;
        let mut shape = network.input_shape();
        check(data, config, shape.iter().skip(1).product())?;
        check_state(&state_dict(network), "load a state from before it diverged")?;
        let steps = config.epochs * data.len_samples().div_ceil(config.batch_samples);
        let mut schedule = CosineAnnealingLrSchedulerConfig::new(config.learning_rate, steps)
            .init()
            .map_err(|reason| TrainError::Config { reason })?;
        let mut optimizer = ModuleOptimizer::from(Adam::new());
        let mut shuffle = Shuffle::new(data.len_samples(), config.seed);
        let device = place(network);
        let mut step = 0;
        for _ in 0..config.epochs {
            for indices in shuffle.epoch().chunks(config.batch_samples) {
                let (inputs, labels) = data.batch(indices);
                shape[0] = labels.len();
                let inputs = backend::tensor(inputs, shape, &device);
                let labels = one_hot(&labels, data.classes, &device);
                step += 1;
                let (pooled, optimizer) = (&mut *network, &mut optimizer);
                let learning_rate = schedule.step();
                let mean = backend::in_pool(move || {
                    let (mean, gradients) = self.gradients(pooled, inputs, labels)?;
                    if mean.is_finite() {
                        *pooled = optimizer.step(learning_rate, pooled.clone(), gradients);
                    }
                    Ok::<_, ForwardError>(mean)
                })?;
                if !mean.is_finite() {
                    return Err(TrainError::Diverged { step, loss: mean });
                }
                progress(Progress { step, steps, loss: mean });
            }
            if let Some(path) = &self.checkpoint {
                let state = state_dict(network);
                check_state(&state, "lower the learning rate; the checkpoint of the epoch before is kept")?;
                state.save_safetensors(path)?;
            }
        }
        Ok(())
    }

    /// The loss of a batch and its gradients.
    fn gradients<const D: usize>(
        &self,
        network: &N,
        inputs: Tensor<D>,
        labels: Tensor<2>,
    ) -> Result<(f32, GradientsParams), ForwardError>
    where
        N: Network<D>,
    {
        let logits = network.forward(&Activation::train(inputs))?.value();
        let loss = backend::cross_entropy_with_logits(logits, labels);
        let loss = match &self.cost {
            Some(cost) => loss + cost(network),
            None => loss,
        };
        let mean = backend::scalar(&loss);
        Ok((mean, GradientsParams::from_grads(loss.backward(), network)))
    }
}

fn check_state(state: &StateDict, help: &'static str) -> Result<(), TrainError> {
    for key in state.keys() {
        let values = state.get(key).map(|tensor| tensor.values.as_slice()).unwrap_or_default();
        check_finite(values, || format!("`{key}`"), help)?;
    }
    Ok(())
}

fn check_finite(values: &[f32], place: impl Fn() -> String, help: &'static str) -> Result<(), TrainError> {
    match values.iter().position(|value| !value.is_finite()) {
        Some(index) => Err(TrainError::NotFinite { place: place(), index, value: values[index], help }),
        None => Ok(()),
    }
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
    if let Some(sample) = data.labels.iter().position(|&label| label >= data.classes) {
        let (label, classes) = (data.labels[sample], data.classes);
        return fail(format!("sample {sample} has label {label}, needed one below {classes}"));
    }
    for sample in 0..data.len_samples() {
        check_finite(data.input(sample), || format!("sample {sample}"), "repair the data")?;
    }
    Ok(())
}

/// Where `network` is, with a graph.
fn place(network: &impl Module) -> Device {
    network
        .devices()
        .into_iter()
        .next()
        .map_or_else(backend::training_device, |device| device.inner().autodiff())
}

fn one_hot(labels: &[usize], classes: usize, device: &Device) -> Tensor<2> {
    let mut rows = vec![0.0; labels.len() * classes];
    for (row, label) in rows.chunks_mut(classes.max(1)).zip(labels) {
        row[*label] = 1.0;
    }
    backend::tensor(rows, [labels.len(), classes], &device.clone().inner())
}
