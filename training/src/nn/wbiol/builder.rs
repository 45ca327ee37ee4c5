//! Keywords of layers with weights: a quantizer for each of the four, and overrides of the weight quantizer's
//! attributes under their names with the prefix `weight_`.

use std::sync::Arc;

use super::{OperatorShape, Wbiol};
use crate::Parameter;
use crate::init::Init;
use crate::quant::{
    ActQuant, ActQuantProxy, BiasQuant, Int8WeightPerTensorFloat, RestrictValueType, WeightQuant,
    WeightQuantProxy, WeightScaling,
};

/// Builds a layer with weights. By default the weight is quantized by [`Int8WeightPerTensorFloat`] and nothing else.
pub struct WbiolBuilder<O> {
    name: String,
    operator: O,
    bias: bool,
    weight_quant: Option<WeightQuant>,
    shared_weight_quant: Option<WeightQuantProxy>,
    bias_quant: Option<BiasQuant>,
    input_quant: Option<ActQuant>,
    output_quant: Option<ActQuant>,
}

impl<O: OperatorShape> WbiolBuilder<O> {
    pub(in crate::nn) fn new(name: String, operator: O) -> Self {
        Self {
            name,
            operator,
            bias: true,
            weight_quant: Some(Int8WeightPerTensorFloat),
            shared_weight_quant: None,
            bias_quant: None,
            input_quant: None,
            output_quant: None,
        }
    }

    /// Whether the layer has a bias.
    pub fn bias(mut self, bias: bool) -> Self {
        self.bias = bias;
        self
    }

    /// The quantizer of the weight; `None` for floats.
    pub fn weight_quant(mut self, quant: impl Into<Option<WeightQuant>>) -> Self {
        self.weight_quant = quant.into();
        self
    }

    /// A quantizer that other layers use, too: all of them get one scale, from the statistics of all their weights.
    pub fn shared_weight_quant(mut self, proxy: WeightQuantProxy) -> Self {
        self.shared_weight_quant = Some(proxy);
        self
    }

    /// The quantizer of the bias; `None` for floats.
    pub fn bias_quant(mut self, quant: impl Into<Option<BiasQuant>>) -> Self {
        self.bias_quant = quant.into();
        self
    }

    /// The quantizer of the input; `None` to take the input as it comes.
    pub fn input_quant(mut self, quant: impl Into<Option<ActQuant>>) -> Self {
        self.input_quant = quant.into();
        self
    }

    /// The quantizer of the output; `None` to return the accumulator.
    pub fn output_quant(mut self, quant: impl Into<Option<ActQuant>>) -> Self {
        self.output_quant = quant.into();
        self
    }

    /// Bits of a weight's code.
    pub fn weight_bit_width(self, bits: u8) -> Self {
        self.change(|quant| quant.bit_width = bits)
    }

    /// Leave out the most negative code of weights.
    pub fn weight_narrow_range(self, narrow: bool) -> Self {
        self.change(|quant| quant.narrow_range = narrow)
    }

    /// One weight scale per output channel.
    pub fn weight_scaling_per_output_channel(self, per_channel: bool) -> Self {
        self.change(|quant| quant.scaling_per_output_channel = per_channel)
    }

    /// Origin of the weight scale.
    pub fn weight_scaling_impl_type(self, kind: WeightScaling) -> Self {
        self.change(|quant| quant.scaling_impl_type = kind)
    }

    /// Permitted weight scales.
    pub fn weight_restrict_scaling_type(self, kind: RestrictValueType) -> Self {
        self.change(|quant| quant.restrict_scaling_type = kind)
    }

    /// The layer, its values drawn from `init`.
    pub fn build(self, init: &mut Init) -> Wbiol<O> {
        let shape = self.operator.weight_shape();
        let fan_in: usize = shape.iter().skip(1).product();
        let weight = init.fan_in_uniform(&shape, fan_in);
        let bias = self.bias.then(|| init.fan_in_uniform(&shape[..1], fan_in));
        self.with_parameters(weight, bias)
    }

    /// The layer with given parameters.
    ///
    /// # Panics
    ///
    /// If the shape of a parameter does not fit the operator.
    pub fn with_parameters(self, weight: Parameter, bias: Option<Parameter>) -> Wbiol<O> {
        let shape = self.operator.weight_shape();
        assert_eq!(weight.shape(), shape, "shape of the weight of layer `{}`", self.name);
        if let Some(bias) = &bias {
            assert_eq!(bias.shape(), &shape[..1], "shape of the bias of layer `{}`", self.name);
        }
        let own = || {
            let quant = self.weight_quant?;
            Some(WeightQuantProxy::new(Arc::new(quant.build(&weight)), quant.view()))
        };
        let act = |quant: Option<ActQuant>| quant.map(|quant| ActQuantProxy::new(Arc::new(quant.build())));
        Wbiol {
            weight_quant: self
                .shared_weight_quant
                .as_ref()
                .map(|proxy| proxy.share_with(&weight))
                .or_else(own),
            bias_quant: self.bias_quant.map(|quant| quant.build()),
            input_quant: act(self.input_quant),
            output_quant: act(self.output_quant),
            name: self.name,
            operator: self.operator,
            weight,
            bias,
        }
    }

    /// Changes the operator.
    pub(in crate::nn) fn operator(mut self, change: impl FnOnce(&mut O)) -> Self {
        change(&mut self.operator);
        self
    }

    fn change(mut self, change: impl FnOnce(&mut WeightQuant)) -> Self {
        if let Some(quant) = &mut self.weight_quant {
            change(quant);
        }
        self
    }
}
