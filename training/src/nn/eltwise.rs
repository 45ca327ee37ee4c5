//! Sums and concatenations of activations that one quantizer aligns.

use super::function::Function;
use super::keywords::{Keywords, quantizer_keywords};
use super::quant_act::quantize_activation;
use crate::activation::Activation;
use crate::component::{Component, burn_module};
use crate::error::{BuildError, ForwardError};
use crate::quant::definition::{act_attributes, keywords};
use crate::quant::{
    ActQuant, ActQuantProxy, BitWidth, BitWidthImplType, Clamp, FloatToInt, FloatToIntImplType,
    Int8ActPerTensorFloat, IntScaling, QuantType, RestrictValue, RestrictValueType, Scaling, ScalingImplType,
    ScalingInit, ScalingPerOutputType, Stats, StatsOp, TensorQuant, ZeroPointImpl,
};

/// Adds two activations: both quantized by one input quantizer, the sum by an output quantizer.
#[derive(Clone)]
pub struct QuantEltwiseAdd(Aligned);

/// Concatenates activations: all quantized by one input quantizer, the result by an output quantizer.
#[derive(Clone)]
pub struct QuantCat(Aligned);

/// The quantizers of both layers.
#[derive(Clone)]
struct Aligned {
    label: &'static str,
    name: String,
    input_quant: Option<ActQuantProxy>,
    output_quant: Option<ActQuantProxy>,
}

/// Builds a [`QuantEltwiseAdd`] or a [`QuantCat`]; `T` says which. Both quantizers are [`Int8ActPerTensorFloat`] by
/// default; every attribute of them is a keyword with the prefix `input_` or `output_`.
pub struct AlignedBuilder<T> {
    name: String,
    label: &'static str,
    input_quant: Keywords<ActQuant>,
    output_quant: Keywords<ActQuant>,
    shared_input_quant: Option<ActQuantProxy>,
    tie_input_output_quant: bool,
    finish: fn(Aligned) -> T,
}

impl<T> AlignedBuilder<T> {
    fn new(name: String, label: &'static str, finish: fn(Aligned) -> T) -> Self {
        let default = || Keywords::new(Some(Int8ActPerTensorFloat));
        Self {
            name,
            label,
            input_quant: default(),
            output_quant: default(),
            shared_input_quant: None,
            tie_input_output_quant: false,
            finish,
        }
    }

    /// A quantizer that other layers use, too.
    pub fn shared_input_quant(mut self, proxy: ActQuantProxy) -> Self {
        self.shared_input_quant = Some(proxy);
        self
    }

    /// Whether the quantizer of the operands is that of the result, too.
    pub fn tie_input_output_quant(mut self, tie: bool) -> Self {
        self.tie_input_output_quant = tie;
        self
    }

    /// The layer.
    ///
    /// # Errors
    ///
    /// If a quantizer cannot be built from its definition.
    pub fn build(self) -> Result<T, BuildError> {
        let proxy = |quant: Keywords<ActQuant>, quantizer: &'static str| match quant.finish() {
            None => Ok(None),
            Some(quant) => ActQuantProxy::build(quant).map_err(|source| BuildError::Quantizer {
                layer: self.name.clone(),
                quantizer,
                source,
            }),
        };
        let input_quant = match self.shared_input_quant {
            Some(shared) => Some(shared),
            None => proxy(self.input_quant, "input_quant")?,
        };
        let output_quant = match &input_quant {
            Some(tied) if self.tie_input_output_quant => Some(tied.clone()),
            _ => proxy(self.output_quant, "output_quant")?,
        };
        Ok((self.finish)(Aligned { label: self.label, name: self.name.clone(), input_quant, output_quant }))
    }
}

quantizer_keywords! {
    [<T>] AlignedBuilder<T>;
    /// The quantizer of all operands; `None` takes them as they come.
    input_quant: ActQuant, act_attributes, "input_", change_input
}
quantizer_keywords! {
    [<T>] AlignedBuilder<T>;
    /// The quantizer of the result; `None` returns the exact sum or concatenation.
    output_quant: ActQuant, act_attributes, "output_", change_output
}

impl Aligned {
    /// Quantizes operand `index`.
    fn input<const D: usize>(&self, x: &Activation<D>, index: usize) -> Result<Activation<D>, ForwardError> {
        let name = format!("{}.input_quant.{index}", self.name);
        self.input_quant
            .as_ref()
            .map_or_else(|| Ok(x.clone()), |proxy| quantize_activation(&name, proxy, x, Function::Identity))
    }

    fn output<const D: usize>(&self, x: Activation<D>) -> Result<Activation<D>, ForwardError> {
        let name = format!("{}.output_quant", self.name);
        match &self.output_quant {
            Some(proxy) => quantize_activation(&name, proxy, &x, Function::Identity),
            None => Ok(x),
        }
    }
}

impl QuantEltwiseAdd {
    /// A builder.
    pub fn builder(name: impl Into<String>) -> AlignedBuilder<Self> {
        AlignedBuilder::new(name.into(), "QuantEltwiseAdd", Self)
    }

    /// The sum of two activations of one shape: codes are added exactly and quantized once.
    ///
    /// # Errors
    ///
    /// If shapes differ, if operands have different scales and the layer no input quantizer, or if a quantizer fails.
    pub fn forward<const D: usize>(
        &self,
        x: &Activation<D>,
        y: &Activation<D>,
    ) -> Result<Activation<D>, ForwardError> {
        let (x, y) = (self.0.input(x, 0)?, self.0.input(y, 1)?);
        self.0.output(x.add_as(&self.0.name, &y)?)
    }
}

impl QuantCat {
    /// A builder.
    pub fn builder(name: impl Into<String>) -> AlignedBuilder<Self> {
        AlignedBuilder::new(name.into(), "QuantCat", Self)
    }

    /// The activations one behind the other along dimension `dim`, which is 1 for channels.
    ///
    /// # Errors
    ///
    /// If shapes or quantizers do not fit, or a quantizer fails.
    pub fn forward<const D: usize>(
        &self,
        tensors: &[&Activation<D>],
        dim: usize,
    ) -> Result<Activation<D>, ForwardError> {
        let quantized: Vec<Activation<D>> = tensors
            .iter()
            .enumerate()
            .map(|(index, tensor)| self.0.input(tensor, index))
            .collect::<Result<_, _>>()?;
        let quantized: Vec<&Activation<D>> = quantized.iter().collect();
        self.0.output(Activation::cat_as(&self.0.name, &quantized, dim)?)
    }
}

macro_rules! aligned_component {
    ($($layer:ty),*) => {$(
        impl Component for $layer {
            fn label(&self) -> String {
                self.0.label.into()
            }

            fn children(&self) -> Vec<(&'static str, &dyn Component)> {
                let input = self.0.input_quant.iter().map(|part| ("input_quant", part as &dyn Component));
                let output = self.0.output_quant.iter().map(|part| ("output_quant", part as &dyn Component));
                input.chain(output).collect()
            }
        }
    )*};
}
aligned_component!(QuantEltwiseAdd, QuantCat);
burn_module!([] QuantEltwiseAdd, [] QuantCat);
