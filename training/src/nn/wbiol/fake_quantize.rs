//! The training pass of layers with weights: floats with gradients.

use super::{OperatorShape, Wbiol, WeightedOperator};
use crate::activation::{Activation, Data};
use crate::backend;
use crate::error::ForwardError;
use crate::error::check_finite;
use crate::pass::Mode;
use crate::quant_tensor::{FakeQuantized, QuantTensor};

impl<O: OperatorShape> Wbiol<O> {
    /// Fake-quantized operands, floats, gradients.
    pub(super) fn train<const D: usize>(&self, x: &Activation<D>) -> Result<Activation<D>, ForwardError>
    where
        O: WeightedOperator<D>,
    {
        self.check_parameters()?;
        if let (Some(proxy), Some(input)) = (&self.weight_quant, x.quant().and_then(QuantTensor::fake)) {
            let symmetric =
                input.signed && !backend::to_f32(&input.zero_point).iter().any(|zero| *zero != 0.0);
            proxy.set_input(backend::scalar(&input.bit_width), symmetric);
        }
        let weight = self.weight_quant.as_ref().map(|proxy| proxy.forward::<D>(&self.weight, Mode::Train));
        let weight = weight.as_ref().and_then(QuantTensor::fake);
        if let Some(weight) = weight {
            // A learned scale may be no number, too.
            check_finite(&format!("{}.weight_quant", self.name), &weight.scale)?;
        }
        let input = x.quant().and_then(QuantTensor::fake);
        let scale = input.zip(weight).and_then(|(input, weight)| {
            let along_channels = input.axis.is_none_or(|axis| axis == 1);
            let scales = along_channels.then(|| self.input_scales(input.scale.clone())).flatten()?;
            Some(scales * self.channel_scales(weight.scale.clone()))
        });
        let weight_value = weight
            .map_or_else(|| self.weight.tensor(Mode::Train, self.shape()), |weight| weight.value.clone());
        let value = self.operator.apply(x.value(), weight_value);
        let scales = scale.as_ref().filter(|_| self.float_bias_where_wide).map(backend::to_f32);
        let bias_quant = match (self.bias(), &scales) {
            (Some(bias), Some(scales)) => self.bias_quant(bias, scales),
            _ => self.bias_quant.as_ref(),
        };
        let bias = match (self.bias(), bias_quant) {
            (None, _) => None,
            (Some(bias), None) => Some((bias.tensor(Mode::Train, [bias.len_elems(), 1]), None)),
            (Some(bias), Some(proxy)) => {
                let quantized = proxy
                    .forward(bias, scale.clone(), Mode::Train)
                    .ok_or_else(|| self.bias_error(input.is_some()))?;
                Some((quantized.value.reshape([bias.len_elems(), 1]), Some(quantized.bit_width)))
            }
        };
        let as_zero_point = bias.as_ref().filter(|_| self.bias_as_zero_point).map(|(bias, _)| bias.clone());
        let (value, bias_bits) = match bias {
            Some((bias, bits)) => (backend::add_channels(value, bias.flatten(0, 1)), bits),
            None => (value, None),
        };
        let (Some(input), Some(weight), Some(scale)) = (input, weight, scale) else {
            return Ok(x.untraced_next(Data::Float(value)));
        };
        let output = QuantTensor::from(FakeQuantized {
            value,
            axis: (scale.dims()[0] > 1).then_some(1),
            zero_point: match as_zero_point {
                Some(bias) => (bias / scale.clone()).neg(),
                None => scale.zeros_like(),
            },
            bit_width: self.accumulator_bits(&input.bit_width, &weight.bit_width, bias_bits),
            scale,
            signed: true,
            training: true,
            averaged: false,
        });
        Ok(x.untraced_next(output.into()))
    }
}
