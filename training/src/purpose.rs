//! What a forward pass does beside computing its output, and what passes of bias correction have seen so far.
//!
//! Activations carry it; layers recognize passes of [`calibrate`](crate::calibrate) by it.

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use crate::backend::{self, Tensor};
use crate::error::check_finite;
use crate::{ForwardError, Parameter};

/// What a forward pass does beside computing its output.
#[derive(Clone, Default)]
pub(crate) enum Purpose {
    /// Nothing.
    #[default]
    Output,
    /// Nothing is quantized; quantizers of activations see what they would have quantized.
    Calibration,
    /// Layers with weights compare their quantized output with the float one, and return the float one.
    BiasCorrection(BiasCorrectionPass),
}

/// What passes of bias correction have found out. Clones are the same.
#[derive(Clone, Default)]
pub(crate) struct Corrections {
    collected: Arc<Mutex<Vec<Collected>>>,
}

/// One pass of bias correction.
#[derive(Clone)]
pub(crate) struct BiasCorrectionPass {
    number: usize,
    corrections: Corrections,
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

impl Corrections {
    /// A pass with a number of its own.
    pub(crate) fn pass(&self, number: usize) -> BiasCorrectionPass {
        BiasCorrectionPass { number, corrections: self.clone() }
    }

    /// Corrects the biases of the layers that ran; `create` gives one to those without.
    pub(crate) fn apply(&self, create: bool) {
        for layer in self.lock().iter() {
            if create || layer.bias.get().is_some() {
                layer.correct();
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Collected>> {
        self.collected.lock().unwrap_or_else(PoisonError::into_inner)
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
        let mut collected = self.corrections.lock();
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
