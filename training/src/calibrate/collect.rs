//! Collecting statistics of activations while nothing is quantized.

use crate::backend::{Module, Tensor};
use crate::component::{Component, layers, walk};
use crate::pass::Collection;
use crate::purpose::Purpose;
use crate::{Activation, Layer};

/// Starts the passes of [`calibration_mode`].
#[derive(Debug)]
pub struct Calibration {
    layers: Vec<Layer>,
}

/// Runs `f` while quantization of weights, biases and activations of `network` is off and its quantizers of activations
/// collect.
///
/// The passes `f` makes from [`Calibration::input`] give the float network's output, bit for bit. Quantizers take the
/// mean of the statistics of all batches, however many; when `f` returns, also by an error or a panic, the means become
/// the quantizers' parameters. Passes of another origin are not affected, except that training passes count as batches.
pub fn calibration_mode<T>(network: &impl Module, f: impl FnOnce(&Calibration) -> T) -> T {
    let calibration = Calibration { layers: layers(network) };
    calibration.tell(Collection::Start);
    // Dropping it ends the collection.
    f(&calibration)
}

impl Calibration {
    /// Inputs of one batch.
    pub fn input<const D: usize>(&self, values: Tensor<D>) -> Activation<D> {
        Activation::with_purpose(values, Purpose::Calibration)
    }

    fn tell(&self, collection: Collection) {
        for layer in &self.layers {
            walk(&*layer.component, &mut |part: &dyn Component| part.set_collection(collection));
        }
    }
}

impl Drop for Calibration {
    fn drop(&mut self) {
        self.tell(Collection::End);
    }
}
