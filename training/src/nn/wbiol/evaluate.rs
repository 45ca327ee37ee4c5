//! The evaluation of layers with weights: exact sums of codes, or floats where there are no codes.

use exactum_runtime::num::IntRange;

use super::{OperatorShape, Wbiol, WeightedOperator};
use crate::activation::{Activation, Data, Mode};
use crate::error::ForwardError;
use crate::exact::{self, Carrier, ExactTensor, Offset};
use crate::quant::{FixedQuantizer, WeightQuantProxy, broadcast};
use crate::quant_tensor::QuantTensor;
use crate::trace::Constant;

impl<O: OperatorShape> Wbiol<O> {
    /// Codes, exact sums.
    pub(super) fn evaluate<const D: usize>(
        &self,
        x: &Activation<D>,
        input: &ExactTensor<D>,
        weight_quant: &WeightQuantProxy,
    ) -> Result<Activation<D>, ForwardError>
    where
        O: WeightedOperator<D>,
    {
        if input.scales.len() > 1 || input.offset != Offset::Zero {
            return Err(ForwardError::Accumulated { layer: self.name.clone() });
        }
        let (codes, quantizer) = weight_quant.codes(&self.weight).map_err(|source| self.failed(source))?;
        let channel_elems = self.weight.shape().iter().skip(1).product();
        let bound = exact::channel_bound(&codes, channel_elems, input.range, input.zero_point);
        let carrier = Carrier::for_bound(bound)
            .ok_or_else(|| ForwardError::Accumulator { layer: self.name.clone(), bound })?;
        let weight = carrier.tensor(&codes, self.shape::<D>());
        let accumulator = self.operator.apply(input.centred(carrier), weight);
        let input_scale = input.scales[0];
        let bias = self.fixed_bias(input_scale as f32, &quantizer)?;
        let bound = bound as i64;
        let output = ExactTensor {
            codes: accumulator,
            range: IntRange { lo: -bound, hi: bound },
            scales: quantizer.scales().iter().map(|scale| input_scale * f64::from(*scale)).collect(),
            zero_point: 0,
            offset: match &bias {
                None => Offset::Zero,
                Some(Constant::Float(values)) => Offset::Real(values.clone()),
                Some(Constant::Quantized { codes, quantizer }) => {
                    Offset::Codes { codes: codes.clone(), scales: quantizer.scales().to_vec() }
                }
            },
            int_type: None,
            declared_bits: self.declared_bits(input.declared_bits, quantizer.int_type().width.bits()),
        };
        Ok(x.next(QuantTensor::from(output).into(), || {
            self.record(Constant::Quantized { codes, quantizer }, bias)
        }))
    }

    /// An input without codes: values of the quantized constants in floats.
    pub(super) fn evaluate_floats<const D: usize>(
        &self,
        x: &Activation<D>,
    ) -> Result<Activation<D>, ForwardError>
    where
        O: WeightedOperator<D>,
    {
        if self.bias_quant.is_some() && self.bias.is_some() {
            return Err(self.bias_error(x.quant().is_some()));
        }
        let (value, weight) = match &self.weight_quant {
            Some(proxy) => {
                let (codes, quantizer) = proxy.codes(&self.weight).map_err(|source| self.failed(source))?;
                let value = proxy.forward::<D>(&self.weight, Mode::Eval).value();
                (value, Constant::Quantized { codes, quantizer })
            }
            None => (self.weight.tensor(Mode::Eval, self.shape()), Constant::Float(self.weight.values())),
        };
        let y = self.operator.apply(x.value(), value);
        let y = match &self.bias {
            Some(bias) => y + broadcast(bias.tensor(Mode::Eval, [bias.len_elems(), 1]), Some(1)),
            None => y,
        };
        Ok(x.next(Data::Float(y), || {
            let bias = self.bias.as_ref().map(|bias| Constant::Float(bias.values()));
            self.record(weight, bias)
        }))
    }

    /// The bias as a constant; a quantized one takes its scale from the input's and the weight's.
    fn fixed_bias(
        &self,
        input_scale: f32,
        weight: &FixedQuantizer,
    ) -> Result<Option<Constant>, ForwardError> {
        let Some(bias) = &self.bias else { return Ok(None) };
        let values = bias.values();
        let Some(proxy) = &self.bias_quant else { return Ok(Some(Constant::Float(values))) };
        let scales = weight.scales().iter().map(|scale| input_scale * scale).collect();
        let quantizer = proxy.fixed(scales).map_err(|source| self.failed(source))?;
        Ok(Some(Constant::Quantized { codes: quantizer.quantize(&values, 1), quantizer }))
    }
}
