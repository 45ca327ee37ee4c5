//! The evaluation of layers with weights: exact sums of codes, or floats where there are no codes.

use exactum_runtime::num::IntRange;

use super::{OperatorShape, Wbiol, WeightedOperator};
use crate::activation::{Activation, Data};
use crate::backend::{self, Tensor};
use crate::error::ForwardError;
use crate::exact::{self, Carrier, ExactTensor, Offset};
use crate::math::broadcast;
use crate::pass::Mode;
use crate::quant::{FixedQuantizer, WeightQuantProxy};
use crate::quant_tensor::QuantTensor;
use crate::real::Real;
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
        let device = backend::evaluation_device();
        let repeats = if input.scales.len() == 1 { Some(1) } else { self.operator.outputs_per_input() };
        let along_channels = input.scales.len() == 1 || input.axis == 1;
        let repeats = repeats.filter(|_| input.offset == Offset::Zero && along_channels);
        let repeats = repeats.ok_or_else(|| ForwardError::Accumulated { layer: self.name.clone() })?;
        let input_scales = exact::repeat_channels(&input.scales, repeats, 1);
        weight_quant.set_input(f32::from(input.declared_bits), input.signed && input.zero_point == 0);
        self.check_parameters()?;
        let (codes, quantizer) = weight_quant.codes(&self.weight).map_err(|source| self.failed(source))?;
        let run_elems = self.weight.shape().iter().skip(self.operator.output_axis() + 1).product();
        let centred = centred(&codes, &quantizer, run_elems);
        let magnitudes: Vec<u64> = centred.iter().map(|code| u64::from(code.unsigned_abs())).collect();
        let bound = exact::subset_bound(self.operator.magnitude(&magnitudes), input.range, input.zero_point);
        let carrier = Carrier::for_bound(bound)
            .ok_or_else(|| ForwardError::Accumulator { layer: self.name.clone(), bound })?;
        let weight = carrier.tensor(&centred, self.shape::<D>());
        let accumulator = self.operator.apply(input.centred(carrier), weight);
        let scales = self.products(&input_scales, quantizer.scales());
        let bias = self.fixed_bias(scales.iter().map(|scale| scale.nearest() as f32).collect())?;
        let bound = bound as i64;
        let bits = |bits: u8| backend::tensor(vec![f32::from(bits)], [1, 1], &device);
        let bias_bits = match &bias {
            Some(Constant::Quantized { quantizer, .. }) => Some(bits(quantizer.int_type().width.bits())),
            _ => None,
        };
        let weight_bits = bits(quantizer.int_type().width.bits());
        let declared_bits = self.accumulator_bits(&bits(input.declared_bits), &weight_bits, bias_bits);
        let declared_bits = backend::scalar(&declared_bits) as u8;
        let output = ExactTensor {
            codes: accumulator,
            range: IntRange { lo: -bound, hi: bound },
            scales,
            zero_point: 0,
            offset: match &bias {
                None => Offset::Zero,
                Some(Constant::Float(values)) => {
                    Offset::Real(values.iter().map(|value| Real::from(*value)).collect())
                }
                Some(Constant::Quantized { codes, quantizer }) => {
                    Offset::Codes { codes: codes.clone(), scales: quantizer.scales().to_vec() }
                }
            },
            axis: 1,
            signed: true,
            declared_bits,
        };
        Ok(x.next(QuantTensor::from(output).into(), || {
            self.record(&input.dims(), Constant::Quantized { codes, quantizer }, bias)
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
        self.check_parameters()?;
        let bias = match (self.bias(), &self.bias_quant) {
            (Some(bias), Some(proxy)) => {
                let fixed = proxy.codes(bias, None).map_err(|source| self.failed(source))?;
                let (codes, quantizer) = fixed.ok_or_else(|| self.bias_error(x.quant().is_some()))?;
                let value = proxy.forward(bias, None, Mode::Eval).map(|quantized| quantized.value);
                value.map(|value| (value, Constant::Quantized { codes, quantizer }))
            }
            (Some(bias), None) => {
                let value = bias.tensor(Mode::Eval, [1, bias.len_elems()]);
                Some((value, Constant::Float(bias.values())))
            }
            (None, _) => None,
        };
        let (value, weight) = match &self.weight_quant {
            Some(proxy) => {
                let (codes, quantizer) = proxy.codes(&self.weight).map_err(|source| self.failed(source))?;
                let value = proxy.forward::<D>(&self.weight, Mode::Eval).value();
                (value, Constant::Quantized { codes, quantizer })
            }
            None => (self.weight.tensor(Mode::Eval, self.shape()), Constant::Float(self.weight.values())),
        };
        let y = self.apply_floats(x, value, bias.as_ref().map(|(value, _)| value.clone()));
        let record = || self.record(&x.dims(), weight, bias.map(|(_, constant)| constant));
        Ok(x.next(Data::Float(y), record))
    }

    /// The operator on floats; the bias has a value per channel, in any shape.
    pub(super) fn apply_floats<const D: usize>(
        &self,
        x: &Activation<D>,
        weight: Tensor<D>,
        bias: Option<Tensor<2>>,
    ) -> Tensor<D>
    where
        O: WeightedOperator<D>,
    {
        let x = x.value();
        let weight = backend::beside(weight, &x);
        let y = self.operator.apply(x, weight);
        match bias {
            Some(bias) => {
                let bias = backend::beside(bias, &y);
                let channels = bias.dims().iter().product();
                y + broadcast(bias.reshape([channels, 1]), Some(1))
            }
            None => y,
        }
    }

    /// The bias as a constant; a quantized one takes the accumulator's scales, unless it has its own.
    fn fixed_bias(&self, scales: Vec<f32>) -> Result<Option<Constant>, ForwardError> {
        let Some(bias) = self.bias() else { return Ok(None) };
        let Some(proxy) = self.bias_quant(bias, &scales) else {
            return Ok(Some(Constant::Float(bias.values())));
        };
        let fixed = proxy.codes(bias, Some(scales)).map_err(|source| self.failed(source))?;
        Ok(fixed.map(|(codes, quantizer)| Constant::Quantized { codes, quantizer }))
    }

    /// Exact products of the scales of input and weight, one for all or one per output channel.
    fn products(&self, input: &[Real], weight: &[f32]) -> Vec<Real> {
        let channels = if input.len().max(weight.len()) == 1 { 1 } else { self.operator.out_channels() };
        (0..channels).map(|c| &input[c % input.len()] * &Real::from(weight[c % weight.len()])).collect()
    }
}

/// Weight codes without their zero points. A channel is runs of `run_elems` elements.
fn centred(codes: &[i32], quantizer: &FixedQuantizer, run_elems: usize) -> Vec<i32> {
    let zero_points = quantizer.zero_points();
    let zero_point = |index: usize| zero_points[index / run_elems.max(1) % zero_points.len()];
    codes.iter().enumerate().map(|(index, code)| code - zero_point(index)).collect()
}
