//! Bias correction: what quantization adds to the mean of a channel is taken back in the bias.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use crate::backend::{self, Tensor};
use crate::calibrate::{Purpose, check_finite};
use crate::{Activation, ForwardError, Parameter};

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
    collected: Arc<Mutex<Vec<Collected>>>,
}

/// One pass of bias correction.
#[derive(Clone)]
pub(crate) struct BiasCorrectionPass {
    number: usize,
    collected: Arc<Mutex<Vec<Collected>>>,
}

/// The bias of all handles of a layer, or the place for one.
pub(crate) type SharedBias = Arc<OnceLock<Parameter>>;

/// What is known of one layer.
struct Collected {
    bias: SharedBias,
    /// Float mean minus quantized mean of each channel, summed over passes.
    differences: Vec<f64>,
    passes: usize,
    last_pass: usize,
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
    for layer in lock(&correction.collected).iter() {
        if layer.bias.get().is_some() || missing_bias == MissingBias::Create {
            layer.correct();
        }
    }
    Ok(result)
}

impl BiasCorrection {
    /// Inputs of one batch.
    pub fn input<const D: usize>(&self, values: Tensor<D>) -> Activation<D> {
        let number = self.passes.fetch_add(1, Ordering::Relaxed);
        let pass = BiasCorrectionPass { number, collected: self.collected.clone() };
        Activation::with_purpose(values, Purpose::BiasCorrection(pass))
    }
}

impl BiasCorrectionPass {
    /// Adds the channel means of `float` minus those of `quantized`, both outputs of `layer`.
    ///
    /// # Errors
    ///
    /// If the layer was called before in this pass, or an output is not finite.
    pub(crate) fn add<const D: usize>(
        &self,
        layer: &str,
        bias: &SharedBias,
        float: &Tensor<D>,
        quantized: &Tensor<D>,
    ) -> Result<(), ForwardError> {
        check_finite(layer, float)?;
        check_finite(layer, quantized)?;
        let differences: Vec<f64> =
            channel_means(float).iter().zip(channel_means(quantized)).map(|(f, q)| f - q).collect();
        let mut collected = lock(&self.collected);
        let Some(known) = collected.iter_mut().find(|known| Arc::ptr_eq(&known.bias, bias)) else {
            let bias = bias.clone();
            collected.push(Collected { bias, differences, passes: 1, last_pass: self.number });
            return Ok(());
        };
        if known.last_pass == self.number {
            return Err(ForwardError::CorrectedTwice { layer: layer.to_owned() });
        }
        known.last_pass = self.number;
        known.passes += 1;
        known.differences.iter_mut().zip(differences).for_each(|(sum, difference)| *sum += difference);
        Ok(())
    }
}

impl Collected {
    fn correct(&self) {
        let channels = self.differences.len();
        let bias = self.bias.get_or_init(|| Parameter::new(vec![0.0; channels], &[channels]));
        let corrected = bias.values().into_iter().zip(&self.differences);
        bias.set(corrected.map(|(bias, sum)| bias + (sum / self.passes as f64) as f32).collect());
    }
}

/// The mean over all dimensions but the channels', which are dimension 1.
fn channel_means<const D: usize>(x: &Tensor<D>) -> Vec<f64> {
    let dims = x.dims();
    let run_elems: usize = dims.iter().skip(2).product::<usize>().max(1);
    let mut sums = vec![0.0; dims[1]];
    for (run, values) in backend::to_f64(x).chunks(run_elems).enumerate() {
        sums[run % dims[1]] += values.iter().sum::<f64>();
    }
    let elems = (dims[0] * run_elems).max(1) as f64;
    sums.iter().map(|sum| sum / elems).collect()
}

fn lock(collected: &Mutex<Vec<Collected>>) -> std::sync::MutexGuard<'_, Vec<Collected>> {
    collected.lock().unwrap_or_else(PoisonError::into_inner)
}
