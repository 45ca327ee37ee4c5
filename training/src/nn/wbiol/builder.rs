//! Keywords of layers with weights: a quantizer for each of the four, and every attribute of their definitions under its
//! name with the prefix `weight_`, `bias_`, `input_` or `output_`.
//!
//! Keywords beat the definition, whichever comes first.

use std::sync::{Arc, OnceLock};

use super::{OperatorShape, Wbiol};
use crate::Parameter;
use crate::error::BuildError;
use crate::init::Init;
use crate::nn::keywords::{Keywords, quantizer_keywords};
use crate::quant::definition::{act_attributes, bias_attributes, keywords, weight_attributes};
use crate::quant::{
    ActQuant, ActQuantProxy, BiasQuant, BiasQuantProxy, BitWidth, BitWidthImplType, Clamp, FloatToInt,
    FloatToIntImplType, Int8WeightPerTensorFloat, IntScaling, QuantType, RestrictValue, RestrictValueType,
    Scaling, ScalingImplType, ScalingInit, ScalingPerOutputType, Stats, StatsOp, TensorQuant, WeightQuant,
    WeightQuantProxy, ZeroPointImpl,
};

/// Builds a layer with weights. By default the weight is quantized by [`Int8WeightPerTensorFloat`] and nothing else.
pub struct WbiolBuilder<O> {
    name: String,
    operator: O,
    bias: bool,
    weight_quant: Keywords<WeightQuant>,
    shared_weight_quant: Option<WeightQuantProxy>,
    bias_quant: Keywords<BiasQuant>,
    input_quant: Keywords<ActQuant>,
    output_quant: Keywords<ActQuant>,
    bias_as_zero_point: bool,
    float_bias_where_wide: bool,
    return_quant_tensor: bool,
}

impl<O: OperatorShape> WbiolBuilder<O> {
    pub(in crate::nn) fn new(name: String, operator: O) -> Self {
        Self {
            name,
            operator,
            bias: true,
            weight_quant: Keywords::new(Some(Int8WeightPerTensorFloat)),
            shared_weight_quant: None,
            bias_quant: Keywords::new(None),
            input_quant: Keywords::new(None),
            output_quant: Keywords::new(None),
            bias_as_zero_point: false,
            float_bias_where_wide: false,
            return_quant_tensor: true,
        }
    }

    /// Whether the layer has a bias.
    pub fn bias(mut self, bias: bool) -> Self {
        self.bias = bias;
        self
    }

    /// A quantizer that other layers use, too: all of them get one scale, from the statistics of all their weights.
    pub fn shared_weight_quant(mut self, proxy: WeightQuantProxy) -> Self {
        self.shared_weight_quant = Some(proxy);
        self
    }

    /// Report the bias of training passes as the zero point `-bias / scale` of the accumulator, which is then without it,
    /// as Brevitas does where scales are per channel; the values are the same. Off by default: the zero point is 0 and
    /// the bias is part of the accumulator's codes.
    pub fn bias_as_zero_point(mut self, enabled: bool) -> Self {
        self.bias_as_zero_point = enabled;
        self
    }

    /// Leave the bias in floats where its codes would leave their width, as they do of weights that are tiny beside it,
    /// instead of saturating it as Brevitas does. A float bias is exact in evaluation and in the program.
    pub fn float_bias_where_wide(mut self, enabled: bool) -> Self {
        self.float_bias_where_wide = enabled;
        self
    }

    /// Whether the output keeps scale and codes, as by default, or is floats. Floats are rounded to single precision,
    /// so a later quantizer may give another code next to a tie than the exported network, which has no such rounding.
    pub fn return_quant_tensor(mut self, return_quant_tensor: bool) -> Self {
        self.return_quant_tensor = return_quant_tensor;
        self
    }

    /// The layer, its values drawn from `init`.
    ///
    /// # Errors
    ///
    /// If settings of the operator fit no input, or a quantizer cannot be built from its definition.
    pub fn build(self, init: &mut Init) -> Result<Wbiol<O>, BuildError> {
        let shape = self.operator.weight_shape();
        let fan_in: usize = shape.iter().skip(1).product();
        let weight = init.fan_in_uniform(&shape, fan_in);
        let channels = [self.operator.out_channels()];
        let bias = self.bias.then(|| init.fan_in_uniform(&channels, fan_in));
        self.with_parameters(weight, bias)
    }

    /// The layer with given parameters.
    ///
    /// # Errors
    ///
    /// If settings of the operator fit no input, if the shape of a parameter does not fit the operator, or if a quantizer cannot be built from its definition.
    pub fn with_parameters(self, weight: Parameter, bias: Option<Parameter>) -> Result<Wbiol<O>, BuildError> {
        if let Some(needed) = self.operator.problem() {
            return Err(BuildError::Operator { layer: self.name, needed });
        }
        let shape = self.operator.weight_shape();
        let fits = |parameter: &Parameter, name, needed: &[usize]| {
            let error = || BuildError::Parameter {
                layer: self.name.clone(),
                name,
                found: parameter.shape().to_vec(),
                needed: needed.to_vec(),
            };
            if parameter.shape() == needed { Ok(()) } else { Err(error()) }
        };
        fits(&weight, "weight", &shape)?;
        if let Some(bias) = &bias {
            fits(bias, "bias", &[self.operator.out_channels()])?;
        }
        let name = &self.name;
        let failed =
            |quantizer| move |source| BuildError::Quantizer { layer: name.clone(), quantizer, source };
        let weight_quant = match (&self.shared_weight_quant, self.weight_quant.finish()) {
            (Some(proxy), _) => proxy.share_with(&weight).map(Some),
            (None, Some(quant)) => WeightQuantProxy::build(quant, &weight, self.operator.output_axis()),
            (None, None) => Ok(None),
        };
        let act = |quant: Keywords<ActQuant>| match quant.finish() {
            Some(quant) => ActQuantProxy::build(quant),
            None => Ok(None),
        };
        let bias_quant = match (&bias, self.bias_quant.finish()) {
            (Some(bias), Some(quant)) => BiasQuantProxy::build(&quant, bias),
            _ => Ok(None),
        };
        Ok(Wbiol {
            weight_quant: weight_quant.map_err(failed("weight_quant"))?,
            bias_quant: bias_quant.map_err(failed("bias_quant"))?,
            input_quant: act(self.input_quant).map_err(failed("input_quant"))?,
            output_quant: act(self.output_quant).map_err(failed("output_quant"))?,
            bias_as_zero_point: self.bias_as_zero_point,
            float_bias_where_wide: self.float_bias_where_wide,
            return_quant_tensor: self.return_quant_tensor,
            name: self.name,
            operator: self.operator,
            weight,
            bias: Arc::new(bias.map(OnceLock::from).unwrap_or_default()),
        })
    }

    /// Changes the operator.
    pub(in crate::nn) fn operator(mut self, change: impl FnOnce(&mut O)) -> Self {
        change(&mut self.operator);
        self
    }
}

quantizer_keywords! {
    [<O: OperatorShape>] WbiolBuilder<O>;
    /// The quantizer of the weight; `None` for floats.
    weight_quant: WeightQuant, weight_attributes, "weight_", change_weight
}
quantizer_keywords! {
    [<O: OperatorShape>] WbiolBuilder<O>;
    /// The quantizer of the input; `None` to take the input as it comes.
    input_quant: ActQuant, act_attributes, "input_", change_input
}
quantizer_keywords! {
    [<O: OperatorShape>] WbiolBuilder<O>;
    /// The quantizer of the output; `None` to return the accumulator.
    output_quant: ActQuant, act_attributes, "output_", change_output
}
quantizer_keywords! {
    [<O: OperatorShape>] WbiolBuilder<O>;
    /// The quantizer of the bias; `None` for floats.
    bias_quant: BiasQuant, bias_attributes, "bias_", change_bias
}
