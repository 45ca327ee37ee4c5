//! Calibration: the quantizers of a trained float network from a small amount of data, without training.
//!
//! [`calibration_mode`] switches quantization off and lets quantizers of activations collect their statistics;
//! [`bias_correction_mode`] then makes up in the biases for what quantization adds to the mean of each channel.
//! [`calibrate_model`] runs both. Called by programs; layers recognize the passes by their purpose.

mod bias_correction;
mod collect;

pub use bias_correction::{BiasCorrection, MissingBias, bias_correction_mode};
pub use collect::{Calibration, calibration_mode};

use thiserror::Error;

pub use crate::pass::Collection;

use crate::backend::Tensor;
use crate::{ForwardError, Network};

/// How to calibrate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CalibrateConfig {
    /// Correct biases after the statistics are collected.
    pub bias_correction: bool,
    /// What bias correction does with layers that have no bias.
    pub missing_bias: MissingBias,
}

impl Default for CalibrateConfig {
    /// Bias correction that gives a bias to layers without one.
    fn default() -> Self {
        Self { bias_correction: true, missing_bias: MissingBias::Create }
    }
}

/// Calibration stopped.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum CalibrateError {
    /// There is nothing to calibrate with.
    #[error(
        "calibration: found no batch, or one without samples, needed at least one sample in each; pass some training inputs"
    )]
    Empty,
    /// A forward pass failed.
    #[error(transparent)]
    Forward(#[from] ForwardError),
}

/// Calibrates `network` on `batches` of inputs and then corrects its biases. Nothing is recorded for gradients.
///
/// Batches count equally, whatever their size. The network can be evaluated, exported, or trained further afterwards:
/// scales and zero points are learned parameters then, as they are after training has collected statistics.
///
/// # Errors
///
/// If there is no sample, an input does not fit, a value is not finite, or a layer fails. Quantizers keep what they had
/// collected until then, biases stay as they were.
pub fn calibrate_model<const D: usize, const E: usize>(
    network: &impl Network<D, E>,
    batches: impl IntoIterator<Item = Tensor<D>> + Clone,
    config: &CalibrateConfig,
) -> Result<(), CalibrateError> {
    let mut empty = true;
    calibration_mode(network, |calibration| {
        batches.clone().into_iter().try_for_each(|batch| {
            if batch.dims().contains(&0) {
                return Err(CalibrateError::Empty);
            }
            empty = false;
            Ok(network.forward(&calibration.input(batch)).map(drop)?)
        })
    })?;
    if empty {
        return Err(CalibrateError::Empty);
    }
    if config.bias_correction {
        bias_correction_mode(config.missing_bias, |correction| {
            batches.into_iter().try_for_each(|batch| network.forward(&correction.input(batch)).map(drop))
        })?;
    }
    Ok(())
}
