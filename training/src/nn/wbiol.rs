//! The mechanism of all layers with weights: quantizable weight, bias, input and output around a linear operator.
//!
//! Training applies the operator to fake-quantized values. Evaluation applies it to codes, which gives the exact
//! integer accumulator, and keeps the bias beside it as an exact constant.

mod builder;
mod calibrate;
mod evaluate;
mod fake_quantize;
mod merge;

pub use builder::WbiolBuilder;

use super::function::Function;
use super::quant_act::quantize_activation;
use crate::Parameter;
use crate::activation::Activation;
use crate::backend::{self, Tensor};
use crate::component::{Component, burn_module};
use crate::error::ForwardError;
use crate::error::check_finite;
use crate::math::{exp2, exp2_of, log2, straight_through};
use crate::pass::Mode;
use crate::purpose::{Purpose, SharedBias};
use crate::quant::{ActQuantProxy, BiasQuantProxy, QuantizerError, WeightQuantProxy};
use crate::quant_tensor::QuantTensor;
use crate::trace::{Constant, Operator, Record, Weighted};

/// A linear operator with weights, without bias.
pub trait WeightedOperator<const D: usize>: OperatorShape {
    /// Applies `weight` to `x`. Every output element is a sum of products, which holds for codes as for values.
    fn apply(&self, x: Tensor<D>, weight: Tensor<D>) -> Tensor<D>;

    /// Checks that an input fits.
    ///
    /// # Errors
    ///
    /// What would fit, in words.
    fn check(&self, shape: [usize; D]) -> Result<(), String>;
}

/// What the mechanism needs to know of an operator, whatever its rank.
pub trait OperatorShape: Clone + Send + Sync + 'static {
    /// Name and settings of the layer when printed.
    fn label(&self) -> String;

    /// Settings that no input fits: what is needed, in words.
    fn problem(&self) -> Option<String> {
        None
    }

    /// Shape of the weight.
    fn weight_shape(&self) -> Vec<usize>;

    /// The dimension of the weight that runs over output channels, of one group if there are groups.
    fn output_axis(&self) -> usize {
        0
    }

    /// Channels of the output.
    fn out_channels(&self) -> usize;

    /// The largest number of products in an output element.
    fn fan_in(&self) -> usize;

    /// Output channels per input channel, if every output channel is made of one input channel alone.
    fn outputs_per_input(&self) -> Option<usize> {
        None
    }

    /// The largest sum of the weights' magnitudes in an output element; `weights` are magnitudes, row-major. Here
    /// output channels come first and an output element has all weights of its channel.
    fn magnitude(&self, weights: &[u64]) -> u64 {
        let channel_elems = weights.len() / self.out_channels().max(1);
        weights.chunks(channel_elems.max(1)).map(|channel| channel.iter().sum()).max().unwrap_or(0)
    }

    /// The operator for export, on an input of `input_shape`.
    fn operator(&self, input_shape: &[usize]) -> Operator;
}

/// A layer with quantizable weight, bias, input and output.
#[derive(Clone)]
pub struct Wbiol<O> {
    name: String,
    operator: O,
    weight: Parameter,
    /// Shared by all handles, because bias correction may give the layer a bias.
    bias: SharedBias,
    weight_quant: Option<WeightQuantProxy>,
    bias_quant: Option<BiasQuantProxy>,
    input_quant: Option<ActQuantProxy>,
    output_quant: Option<ActQuantProxy>,
    bias_as_zero_point: bool,
    /// See [`WbiolBuilder::float_bias_where_wide`].
    float_bias_where_wide: bool,
    return_quant_tensor: bool,
}

impl<O: OperatorShape> Wbiol<O> {
    /// The weight.
    pub fn weight(&self) -> &Parameter {
        &self.weight
    }

    /// The bias, one element per output channel.
    pub fn bias(&self) -> Option<&Parameter> {
        self.bias.get()
    }

    /// The quantizer of the weight, to share it with another layer.
    pub fn weight_quant(&self) -> Option<&WeightQuantProxy> {
        self.weight_quant.as_ref()
    }

    /// The weight as training sees it, if it is quantized.
    pub fn quant_weight<const D: usize>(&self) -> Option<QuantTensor<D>> {
        self.weight_quant.as_ref().map(|proxy| proxy.forward(&self.weight, Mode::Train))
    }

    /// The layer's output.
    ///
    /// The output is quantized if weight and input are: the accumulator with its exact scale, or codes if the layer
    /// has an output quantizer.
    ///
    /// # Errors
    ///
    /// If the input does not fit, if a quantized bias has no scale to refer to, if a quantizer's parameters are not
    /// integer, or if sums may leave the integers that double precision holds.
    pub fn forward<const D: usize>(&self, x: &Activation<D>) -> Result<Activation<D>, ForwardError>
    where
        O: WeightedOperator<D>,
    {
        let shape = x.dims();
        self.operator.check(shape).map_err(|needed| ForwardError::Shape {
            layer: self.name.clone(),
            found: shape.to_vec(),
            needed,
        })?;
        let y = match x.purpose() {
            Purpose::Output => self.accumulate(&self.quantize_input(x)?)?,
            Purpose::Calibration => self.without_quantization(&self.quantize_input(x)?),
            Purpose::BiasCorrection(correction) => return self.compare(x, correction),
        };
        let y = match &self.output_quant {
            Some(proxy) => {
                quantize_activation(&format!("{}.output_quant", self.name), proxy, &y, Function::Identity)?
            }
            None => y,
        };
        Ok(if self.return_quant_tensor { y } else { y.to_float() })
    }

    fn quantize_input<const D: usize>(&self, x: &Activation<D>) -> Result<Activation<D>, ForwardError> {
        match &self.input_quant {
            Some(proxy) => {
                quantize_activation(&format!("{}.input_quant", self.name), proxy, x, Function::Identity)
            }
            None => Ok(x.clone()),
        }
    }

    /// The output before its quantizer.
    fn accumulate<const D: usize>(&self, x: &Activation<D>) -> Result<Activation<D>, ForwardError>
    where
        O: WeightedOperator<D>,
    {
        let exact = x.quant().and_then(QuantTensor::exact);
        match (x.mode(), exact, &self.weight_quant) {
            (Mode::Train, _, _) => self.train(x),
            (Mode::Eval, Some(exact), Some(weight)) => self.evaluate(x, exact, weight),
            (Mode::Eval, _, _) => self.evaluate_floats(x),
        }
    }

    /// Checks that weight and bias are numbers.
    fn check_parameters(&self) -> Result<(), ForwardError> {
        for (name, parameter) in self.parameters() {
            let values = parameter.tensor(Mode::Eval, [parameter.len_elems()]);
            check_finite(&format!("{}.{name}", self.name), &values)?;
        }
        Ok(())
    }

    fn record(&self, input_shape: &[usize], weight: Constant, bias: Option<Constant>) -> Record {
        Record::Weighted(Box::new(Weighted {
            name: self.name.clone(),
            operator: self.operator.operator(input_shape),
            weight_shape: self.weight.shape().to_vec(),
            output_axis: self.operator.output_axis(),
            weight,
            bias,
            own_bias_scale: self.bias_quant.as_ref().is_some_and(|quant| !quant.requires_input_scale()),
        }))
    }

    /// Bits that any codes of the operands' widths can need, `[1, 1]` each: products of unsigned maxima, summed, and one
    /// more than the wider of that and the bias. The gradient passes the rounding up, so that a cost of accumulators
    /// reaches learned widths.
    ///
    /// A code of one bit is a sign, whose largest magnitude is that of its product's, so it adds a bit.
    fn accumulator_bits(&self, input: &Tensor<2>, weight: &Tensor<2>, bias: Option<Tensor<2>>) -> Tensor<2> {
        let fan_in = self.operator.fan_in() as f64;
        if ![input, weight].into_iter().chain(&bias).any(Tensor::is_tracked) {
            let widths = [input, weight].map(backend::scalar);
            let [input_code, weight_code] = widths.map(|bits| exp2_of(bits) - 1.0);
            let sign = f32::from(u8::from(widths.contains(&1.0)));
            let bits = (input_code * weight_code * fan_in as f32).log2().ceil() + sign;
            let bits = bias.map_or(bits, |bias| bits.max(backend::scalar(&bias)) + 1.0);
            return backend::constant(vec![bits], [1, 1], input);
        }
        let largest = |bits: &Tensor<2>| exp2(bits.clone()) - 1.0;
        let product = largest(input) * largest(weight) * fan_in;
        let bits = log2(product);
        let sign = [input, weight].iter().any(|bits| backend::scalar(bits) == 1.0);
        let bits = straight_through(bits.clone(), bits.ceil()) + f64::from(u8::from(sign));
        match bias {
            Some(bias) => bits.max_pair(bias) + 1.0,
            None => bits,
        }
    }

    /// The scale that the input of each output channel has: one for all, or one per channel where every output channel
    /// reads one input channel. `None` where an output mixes channels of different scales.
    fn input_scales(&self, scale: Tensor<2>) -> Option<Tensor<2>> {
        let [channels, _] = scale.dims();
        if channels == 1 {
            return Some(scale);
        }
        let outputs = self.operator.outputs_per_input()?;
        Some(scale.expand([channels, outputs]).reshape([self.operator.out_channels(), 1]))
    }

    /// The weight's scale, one for all or one per output channel of all groups.
    fn channel_scales(&self, scale: Tensor<2>) -> Tensor<2> {
        match scale.dims()[0] {
            1 => scale,
            rows => scale.repeat_dim(0, self.operator.out_channels() / rows),
        }
    }

    /// The quantizer of `bias` by `scales`, one or one per channel, unless the bias stays in floats.
    fn bias_quant(&self, bias: &Parameter, scales: &[f32]) -> Option<&BiasQuantProxy> {
        self.bias_quant.as_ref().filter(|proxy| !self.float_bias_where_wide || proxy.holds(bias, scales))
    }

    fn bias_error(&self, input_has_scale: bool) -> ForwardError {
        let (missing, help) = if input_has_scale {
            ("weight has", "quantize the weight, or leave the bias as floats")
        } else {
            ("input has", "quantize the input before the layer, or give the layer an input_quant")
        };
        ForwardError::BiasScale { layer: self.name.clone(), missing, help }
    }

    fn failed(&self, source: QuantizerError) -> ForwardError {
        ForwardError::Quantizer { layer: self.name.clone(), source }
    }

    fn shape<const D: usize>(&self) -> [usize; D] {
        self.weight.shape().try_into().expect("operators give weights of their rank")
    }
}

impl<O: OperatorShape> Component for Wbiol<O> {
    fn label(&self) -> String {
        self.operator.label()
    }

    fn parameters(&self) -> Vec<(&'static str, &Parameter)> {
        let bias = self.bias().map(|bias| ("bias", bias));
        [("weight", &self.weight)].into_iter().chain(bias).collect()
    }

    fn children(&self) -> Vec<(&'static str, &dyn Component)> {
        let mut parts: Vec<(&'static str, &dyn Component)> = Vec::new();
        parts.extend(self.input_quant.iter().map(|part| ("input_quant", part as &dyn Component)));
        parts.extend(self.output_quant.iter().map(|part| ("output_quant", part as &dyn Component)));
        parts.extend(self.weight_quant.iter().map(|part| ("weight_quant", part as &dyn Component)));
        parts.extend(self.bias_quant.iter().map(|part| ("bias_quant", part as &dyn Component)));
        parts
    }
}

burn_module!([O: OperatorShape] Wbiol<O>);
