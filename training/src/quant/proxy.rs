//! Between layers and tensor quantizers: views, fake quantization in training, exact codes in evaluation.
//!
//! Cloning a proxy shares its quantizer: two layers with clones of one proxy have one scale.

use std::sync::Arc;

use super::{FixedQuantizer, QuantizerError, TensorQuant, View};
use crate::component::Component;
use crate::quant_tensor::FakeQuantized;
use crate::{Mode, Parameter, QuantTensor, backend};

/// Quantizes a layer's weight.
#[derive(Clone)]
pub struct WeightQuantProxy {
    tensor_quant: Arc<dyn TensorQuant>,
    view: View,
}

impl WeightQuantProxy {
    /// A proxy of any tensor quantizer. `view` is per tensor or along dimension 0.
    pub fn new(tensor_quant: Arc<dyn TensorQuant>, view: View) -> Self {
        Self { tensor_quant, view }
    }

    /// A handle of the same quantizer for one more `weight`, which becomes part of its statistics.
    #[must_use]
    pub fn share_with(&self, weight: &Parameter) -> Self {
        self.tensor_quant.track(weight);
        self.clone()
    }

    /// The fake-quantized weight.
    ///
    /// # Panics
    ///
    /// If the weight does not have rank `D`.
    pub fn forward<const D: usize>(&self, weight: &Parameter, mode: Mode) -> QuantTensor<D> {
        let shape: [usize; D] = weight.shape().try_into().expect("the rank of the weight");
        let quantized = self.tensor_quant.forward(self.view.apply(weight.tensor(mode, shape)), mode);
        QuantTensor::from(FakeQuantized {
            value: self.view.restore(quantized.value, shape),
            scale: quantized.scale,
            zero_point: quantized.zero_point,
            bit_width: quantized.bit_width,
            axis: self.view.axis(),
            signed: self.tensor_quant.signed(),
            training: mode == Mode::Train,
        })
    }

    /// The exact codes of the weight, row-major, and their quantizer.
    ///
    /// # Errors
    ///
    /// If the parameters are no integer quantizer.
    pub fn codes(&self, weight: &Parameter) -> Result<(Vec<i32>, FixedQuantizer), QuantizerError> {
        let quantizer = self.tensor_quant.fixed()?;
        let channel_elems = weight.len_elems() / weight.shape().first().copied().unwrap_or(1).max(1);
        Ok((quantizer.quantize(&weight.values(), channel_elems), quantizer))
    }
}

impl Component for WeightQuantProxy {
    fn label(&self) -> String {
        "WeightQuantProxy".into()
    }

    fn children(&self) -> Vec<(&'static str, &dyn Component)> {
        vec![("tensor_quant", &*self.tensor_quant)]
    }
}

/// Quantizes activations.
#[derive(Clone)]
pub struct ActQuantProxy {
    tensor_quant: Arc<dyn TensorQuant>,
}

impl ActQuantProxy {
    /// A proxy of a tensor quantizer with one scale.
    pub fn new(tensor_quant: Arc<dyn TensorQuant>) -> Self {
        Self { tensor_quant }
    }

    /// Fake-quantizes values for training.
    pub(crate) fn forward<const D: usize>(&self, x: backend::Tensor<D>) -> QuantTensor<D> {
        let shape = x.dims();
        let quantized = self.tensor_quant.forward(View::PerTensor.apply(x), Mode::Train);
        QuantTensor::from(FakeQuantized {
            value: View::PerTensor.restore(quantized.value, shape),
            scale: quantized.scale,
            zero_point: quantized.zero_point,
            bit_width: quantized.bit_width,
            axis: None,
            signed: self.tensor_quant.signed(),
            training: true,
        })
    }

    /// Scale, zero point and type as evaluation uses them.
    ///
    /// # Errors
    ///
    /// If the parameters are no integer quantizer.
    pub fn fixed(&self) -> Result<FixedQuantizer, QuantizerError> {
        self.tensor_quant.fixed()
    }
}

impl Component for ActQuantProxy {
    fn label(&self) -> String {
        "ActQuantProxy".into()
    }

    fn children(&self) -> Vec<(&'static str, &dyn Component)> {
        vec![("tensor_quant", &*self.tensor_quant)]
    }
}
