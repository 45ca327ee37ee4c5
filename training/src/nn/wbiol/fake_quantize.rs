//! The training pass of layers with weights: floats with gradients.

use super::{OperatorShape, Wbiol, WeightedOperator};
use crate::activation::{Activation, Data, Mode};
use crate::backend::{self, Tensor};
use crate::error::ForwardError;
use crate::quant::broadcast;
use crate::quant_tensor::{FakeQuantized, QuantTensor};

impl<O: OperatorShape> Wbiol<O> {
    /// Fake-quantized operands, floats, gradients.
    pub(super) fn train<const D: usize>(&self, x: &Activation<D>) -> Result<Activation<D>, ForwardError>
    where
        O: WeightedOperator<D>,
    {
        let weight = self.weight_quant.as_ref().map(|proxy| proxy.forward::<D>(&self.weight, Mode::Train));
        let weight = weight.as_ref().and_then(QuantTensor::fake);
        let input = x.quant().and_then(QuantTensor::fake);
        let scale = input.zip(weight).map(|(input, weight)| input.scale.clone() * weight.scale.clone());
        let weight_value = weight
            .map_or_else(|| self.weight.tensor(Mode::Train, self.shape()), |weight| weight.value.clone());
        let value = self.operator.apply(x.value(), weight_value);
        let bias = match (&self.bias, &self.bias_quant) {
            (None, _) => None,
            (Some(bias), None) => Some(bias.tensor(Mode::Train, [1, bias.len_elems()])),
            (Some(bias), Some(proxy)) => {
                let scale = scale.clone().ok_or_else(|| self.bias_error(input.is_some()))?;
                Some(proxy.forward(bias, scale, Mode::Train).value)
            }
        };
        let value = match bias {
            Some(bias) => {
                let channels = bias.dims().iter().product();
                value + broadcast(bias.reshape([channels, 1]), Some(1))
            }
            None => value,
        };
        let (Some(input), Some(weight), Some(scale)) = (input, weight, scale) else {
            return Ok(x.train_next(Data::Float(value)));
        };
        let bits = self.declared_bits(bits_of(&input.bit_width), bits_of(&weight.bit_width));
        let output = QuantTensor::from(FakeQuantized {
            value,
            axis: (scale.dims()[0] > 1).then_some(1),
            zero_point: scale.zeros_like(),
            bit_width: backend::tensor(vec![f32::from(bits)], [1, 1], &backend::evaluation_device()),
            scale,
            signed: true,
            training: true,
        });
        Ok(x.train_next(output.into()))
    }
}

fn bits_of(bit_width: &Tensor<2>) -> u8 {
    backend::scalar(bit_width).ceil() as u8
}
