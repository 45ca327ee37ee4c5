//! Layers that quantize activations: [`QuantIdentity`] as they are, [`QuantReLU`] after a rectifier, others after the
//! functions in files of their own.

use crate::activation::{Activation, Data};
use crate::component::Component;
use crate::error::check_finite;
use crate::error::{BuildError, ForwardError};
use crate::nn::function::Function;
use crate::nn::keywords::{Keywords, quantizer_keywords};
use crate::pass::Mode;
use crate::purpose::Purpose;
use crate::quant::definition::{act_attributes, keywords};
use crate::quant::{
    ActQuant, ActQuantProxy, BitWidth, BitWidthImplType, Clamp, FloatToInt, FloatToIntImplType,
    Int8ActPerTensorFloat, IntScaling, QuantType, QuantizerError, RestrictValue, RestrictValueType, Scaling,
    ScalingImplType, ScalingInit, ScalingPerOutputType, Stats, StatsOp, TensorQuant, Uint8ActPerTensorFloat,
    ZeroPointImpl,
};
use crate::quant_tensor::QuantTensor;
use crate::trace::Record;

/// Declares a layer around [`QuantAct`].
macro_rules! activation_layer {
    ($(#[$doc:meta])* $layer:ident) => {
        $(#[$doc])*
        #[derive(Clone)]
        pub struct $layer(crate::nn::quant_act::QuantAct);

        impl $layer {
            /// The quantized output, of the input's shape.
            ///
            /// # Errors
            ///
            /// If a float input is not finite, or the quantizer's parameters are no integer quantizer.
            pub fn forward<const D: usize>(
                &self,
                x: &crate::Activation<D>,
            ) -> Result<crate::Activation<D>, crate::ForwardError> {
                self.0.forward(x)
            }
        }

        impl crate::Component for $layer {
            fn label(&self) -> String {
                stringify!($layer).into()
            }

            fn children(&self) -> Vec<(&'static str, &dyn crate::Component)> {
                self.0.children()
            }
        }

        crate::component::burn_module!([] $layer);
    };
}
pub(super) use activation_layer;

activation_layer! {
    /// Quantizes its input.
    QuantIdentity
}

activation_layer! {
    /// Replaces values below zero by zero, then quantizes.
    QuantReLU
}

/// A function and a quantizer: the mechanism of all activation layers.
#[derive(Clone)]
pub(super) struct QuantAct {
    pub(super) name: String,
    pub(super) function: Function,
    pub(super) proxy: Option<ActQuantProxy>,
}

/// Builds an activation layer; `T` says which.
pub struct ActBuilder<T> {
    name: String,
    act_quant: Keywords<ActQuant>,
    finish: Box<dyn FnOnce(String, Option<ActQuantProxy>) -> T>,
}

impl<T> ActBuilder<T> {
    pub(super) fn new(
        name: impl Into<String>,
        quant: ActQuant,
        finish: impl FnOnce(String, Option<ActQuantProxy>) -> T + 'static,
    ) -> Self {
        Self { name: name.into(), act_quant: Keywords::new(Some(quant)), finish: Box::new(finish) }
    }

    /// The layer.
    ///
    /// # Errors
    ///
    /// If the quantizer cannot be built from its definition.
    pub fn build(self) -> Result<T, BuildError> {
        let proxy = match self.act_quant.finish() {
            Some(quant) => ActQuantProxy::build(quant).map_err(|source| BuildError::Quantizer {
                layer: self.name.clone(),
                quantizer: "act_quant",
                source,
            })?,
            None => None,
        };
        Ok((self.finish)(self.name, proxy))
    }
}

quantizer_keywords! {
    [<T>] ActBuilder<T>;
    /// The quantizer; `None` for the float layer.
    act_quant: ActQuant, act_attributes, "", change
}

impl QuantIdentity {
    /// A builder; the default quantizer is [`Int8ActPerTensorFloat`].
    pub fn builder(name: impl Into<String>) -> ActBuilder<Self> {
        ActBuilder::new(name, Int8ActPerTensorFloat, |name, proxy| {
            Self(QuantAct { name, function: Function::Identity, proxy })
        })
    }

    /// A layer with a quantizer made or shared elsewhere.
    pub fn with_proxy(name: impl Into<String>, proxy: ActQuantProxy) -> Self {
        Self(QuantAct { name: name.into(), function: Function::Identity, proxy: Some(proxy) })
    }
}

impl QuantReLU {
    /// A builder; the default quantizer is [`Uint8ActPerTensorFloat`].
    pub fn builder(name: impl Into<String>) -> ActBuilder<Self> {
        ActBuilder::new(name, Uint8ActPerTensorFloat, |name, proxy| {
            Self(QuantAct { name, function: Function::Relu, proxy })
        })
    }

    /// A layer with a quantizer made or shared elsewhere.
    pub fn with_proxy(name: impl Into<String>, proxy: ActQuantProxy) -> Self {
        Self(QuantAct { name: name.into(), function: Function::Relu, proxy: Some(proxy) })
    }
}

impl QuantAct {
    pub(super) fn forward<const D: usize>(&self, x: &Activation<D>) -> Result<Activation<D>, ForwardError> {
        match &self.proxy {
            Some(proxy) => quantize_activation(&self.name, proxy, x, self.function),
            None => match self.function.record(self.name.clone()) {
                Some(record) => Ok(x.next(Data::Float(self.function.of_floats(x.value())), || record)),
                None => Ok(x.clone()),
            },
        }
    }

    pub(super) fn children(&self) -> Vec<(&'static str, &dyn Component)> {
        self.proxy.iter().map(|proxy| ("act_quant", proxy as &dyn Component)).collect()
    }
}

/// Quantizes a function of an activation, in training by fake quantization, in evaluation exactly. Also the
/// `input_quant` and `output_quant` of layers with weights.
pub(super) fn quantize_activation<const D: usize>(
    name: &str,
    proxy: &ActQuantProxy,
    x: &Activation<D>,
    function: Function,
) -> Result<Activation<D>, ForwardError> {
    let failed = |source: QuantizerError| ForwardError::Quantizer { layer: name.to_owned(), source };
    proxy.check(&x.dims()).map_err(failed)?;
    // In training only what comes from outside is looked at: tracked values are those of layers.
    if let Data::Float(value) = x.data()
        && !value.is_tracked()
    {
        check_finite(name, value)?;
    }
    if matches!(x.purpose(), Purpose::Calibration) {
        let value = function.of_floats(x.value());
        proxy.observe(value.clone());
        return Ok(x.untraced_next(Data::Float(value)));
    }
    if x.mode() == Mode::Train {
        let computed = x.quant().is_some();
        return Ok(x.untraced_next(proxy.forward(function.of_floats(x.value()), computed).into()));
    }
    let quantizer = proxy.fixed().map_err(failed)?;
    let axis = proxy.axis();
    let exact = match x.quant().and_then(QuantTensor::exact) {
        Some(exact) => function.requantize(exact, &quantizer, axis),
        None => function.quantize(&x.value(), &quantizer, axis),
    };
    let data = Data::from(QuantTensor::from(exact));
    let quantized = |x: &Activation<D>, data| {
        x.next(data, || Record::Quant { name: name.to_owned(), quantizer: quantizer.clone(), axis })
    };
    Ok(match function.record(format!("{name}.{}", function.suffix())) {
        Some(record) => quantized(&x.next(data.clone(), || record), data),
        None => quantized(x, data),
    })
}
