//! Layers that quantize activations: [`QuantIdentity`] as they are, [`QuantReLU`] after a rectifier.

use crate::activation::{Activation, Data, Mode};
use crate::backend::relu;
use crate::calibrate::{self, Purpose};
use crate::component::{Component, burn_module};
use crate::error::{BuildError, ForwardError};
use crate::exact;
use crate::nn::keywords::Keywords;
use crate::quant::definition::{act_attributes, keywords};
use crate::quant::{
    ActQuant, ActQuantProxy, BitWidth, BitWidthImplType, Clamp, FloatToInt, FloatToIntImplType,
    Int8ActPerTensorFloat, IntScaling, QuantType, QuantizerError, RestrictValue, RestrictValueType, Scaling,
    ScalingImplType, ScalingInit, ScalingPerOutputType, Stats, StatsOp, TensorQuant, Uint8ActPerTensorFloat,
    ZeroPointImpl,
};
use crate::quant_tensor::QuantTensor;
use crate::trace::Record;

/// Quantizes its input.
#[derive(Clone)]
pub struct QuantIdentity(QuantAct);

/// Replaces values below zero by zero, then quantizes.
#[derive(Clone)]
pub struct QuantReLU(QuantAct);

#[derive(Clone)]
struct QuantAct {
    name: String,
    relu: bool,
    proxy: Option<ActQuantProxy>,
}

/// Builds a [`QuantIdentity`] or a [`QuantReLU`]; `T` says which.
pub struct ActBuilder<T> {
    name: String,
    quant: Keywords<ActQuant>,
    finish: fn(String, Option<ActQuantProxy>) -> T,
}

impl<T> ActBuilder<T> {
    fn new(name: impl Into<String>, quant: ActQuant, finish: fn(String, Option<ActQuantProxy>) -> T) -> Self {
        Self { name: name.into(), quant: Keywords::new(Some(quant)), finish }
    }

    /// The quantizer; `None` for the float layer.
    pub fn act_quant(mut self, quant: impl Into<Option<ActQuant>>) -> Self {
        self.quant.define(quant.into());
        self
    }

    /// The layer.
    ///
    /// # Errors
    ///
    /// If the quantizer cannot be built from its definition.
    pub fn build(self) -> Result<T, BuildError> {
        let proxy = match self.quant.finish() {
            Some(quant) => ActQuantProxy::build(quant).map_err(|source| BuildError::Quantizer {
                layer: self.name.clone(),
                quantizer: "act_quant",
                source,
            })?,
            None => None,
        };
        Ok((self.finish)(self.name, proxy))
    }

    fn change(mut self, change: impl FnOnce(&mut ActQuant) + 'static) -> Self {
        self.quant.change(change);
        self
    }
}

act_attributes! { keywords { [<T>] ActBuilder<T>, "", change } }

impl QuantIdentity {
    /// A builder; the default quantizer is [`Int8ActPerTensorFloat`].
    pub fn builder(name: impl Into<String>) -> ActBuilder<Self> {
        ActBuilder::new(name, Int8ActPerTensorFloat, |name, proxy| {
            Self(QuantAct { name, relu: false, proxy })
        })
    }

    /// A layer with a quantizer made or shared elsewhere.
    pub fn with_proxy(name: impl Into<String>, proxy: ActQuantProxy) -> Self {
        Self(QuantAct { name: name.into(), relu: false, proxy: Some(proxy) })
    }

    /// The quantized input, of the same shape.
    ///
    /// # Errors
    ///
    /// If the quantizer's parameters are no integer quantizer.
    pub fn forward<const D: usize>(&self, x: &Activation<D>) -> Result<Activation<D>, ForwardError> {
        self.0.forward(x)
    }
}

impl QuantReLU {
    /// A builder; the default quantizer is [`Uint8ActPerTensorFloat`].
    pub fn builder(name: impl Into<String>) -> ActBuilder<Self> {
        ActBuilder::new(name, Uint8ActPerTensorFloat, |name, proxy| {
            Self(QuantAct { name, relu: true, proxy })
        })
    }

    /// A layer with a quantizer made or shared elsewhere.
    pub fn with_proxy(name: impl Into<String>, proxy: ActQuantProxy) -> Self {
        Self(QuantAct { name: name.into(), relu: true, proxy: Some(proxy) })
    }

    /// The rectified and quantized input, of the same shape.
    ///
    /// # Errors
    ///
    /// If the quantizer's parameters are no integer quantizer.
    pub fn forward<const D: usize>(&self, x: &Activation<D>) -> Result<Activation<D>, ForwardError> {
        self.0.forward(x)
    }
}

impl QuantAct {
    fn forward<const D: usize>(&self, x: &Activation<D>) -> Result<Activation<D>, ForwardError> {
        match &self.proxy {
            Some(proxy) => quantize_activation(&self.name, proxy, x, self.relu),
            None if self.relu => {
                Ok(x.next(Data::Float(relu(x.value())), || Record::Relu { name: self.name.clone() }))
            }
            None => Ok(x.clone()),
        }
    }
}

/// Quantizes an activation, in training by fake quantization, in evaluation exactly. Also the `input_quant` and
/// `output_quant` of layers with weights.
pub(super) fn quantize_activation<const D: usize>(
    name: &str,
    proxy: &ActQuantProxy,
    x: &Activation<D>,
    rectified: bool,
) -> Result<Activation<D>, ForwardError> {
    let failed = |source: QuantizerError| ForwardError::Quantizer { layer: name.to_owned(), source };
    proxy.check(&x.dims()).map_err(failed)?;
    if matches!(x.purpose(), Purpose::Calibration) {
        let value = if rectified { relu(x.value()) } else { x.value() };
        calibrate::check_finite(name, &value)?;
        proxy.observe(value.clone());
        return Ok(x.train_next(Data::Float(value)));
    }
    if x.mode() == Mode::Train {
        let value = x.value();
        let value = if rectified { relu(value) } else { value };
        return Ok(x.train_next(proxy.forward(value).into()));
    }
    let quantizer = proxy.fixed().map_err(failed)?;
    let exact = match x.quant().and_then(QuantTensor::exact) {
        Some(exact) => exact::requantize(exact, &quantizer, rectified),
        None => exact::quantize(&x.value(), &quantizer, rectified),
    };
    let data = Data::from(QuantTensor::from(exact));
    if !rectified {
        return Ok(x.next(data, || Record::Quant { name: name.to_owned(), quantizer }));
    }
    let rectified = x.next(data.clone(), || Record::Relu { name: format!("{name}.relu") });
    Ok(rectified.next(data, || Record::Quant { name: name.to_owned(), quantizer }))
}

impl Component for QuantAct {
    fn label(&self) -> String {
        if self.relu { "QuantReLU".into() } else { "QuantIdentity".into() }
    }

    fn children(&self) -> Vec<(&'static str, &dyn Component)> {
        self.proxy.iter().map(|proxy| ("act_quant", proxy as &dyn Component)).collect()
    }
}

macro_rules! delegate_component {
    ($($layer:ty),*) => {$(
        impl Component for $layer {
            fn label(&self) -> String {
                self.0.label()
            }

            fn children(&self) -> Vec<(&'static str, &dyn Component)> {
                self.0.children()
            }
        }
    )*};
}
delegate_component!(QuantIdentity, QuantReLU);
burn_module!([] QuantIdentity, [] QuantReLU);
