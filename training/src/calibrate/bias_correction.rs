//! Bias correction: what quantization adds to the mean of a channel is taken back in the bias.

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::Activation;
use crate::backend::Tensor;
use crate::purpose::{Corrections, Purpose};

/// What to do with a layer that has no bias.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MissingBias {
    /// Give it one.
    #[default]
    Create,
    /// Leave it as it is.
    Skip,
}

/// Starts the passes of [`bias_correction_mode`].
#[derive(Default)]
pub struct BiasCorrection {
    passes: AtomicUsize,
    corrections: Corrections,
}

/// Runs `f` and, unless it fails, corrects the biases of the layers with weights that ran in its passes.
///
/// In a pass from [`BiasCorrection::input`] every such layer runs twice on the same input: quantized, and with weight,
/// bias and input in floats. The channel means of both differ by what quantization adds; the mean difference over
/// passes is added to the bias. The float output is passed on, so that each layer answers for itself alone. Output
/// quantizers of the layers have no part in it.
///
/// # Errors
///
/// Those of `f`; no bias is changed then.
pub fn bias_correction_mode<T, E>(
    missing_bias: MissingBias,
    f: impl FnOnce(&BiasCorrection) -> Result<T, E>,
) -> Result<T, E> {
    let correction = BiasCorrection::default();
    let result = f(&correction)?;
    correction.corrections.apply(missing_bias == MissingBias::Create);
    Ok(result)
}

impl BiasCorrection {
    /// Inputs of one batch.
    pub fn input<const D: usize>(&self, values: Tensor<D>) -> Activation<D> {
        let number = self.passes.fetch_add(1, Ordering::Relaxed);
        Activation::with_purpose(values, Purpose::BiasCorrection(self.corrections.pass(number)))
    }
}
