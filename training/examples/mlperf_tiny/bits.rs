//! Bits of weights and activations, and the layers that have them.

use exactum_training::burn::{self, module::Module};
use exactum_training::error::BuildError;
use exactum_training::nn::{QuantConv2d, QuantIdentity, QuantLinear, QuantReLU};
use exactum_training::quant::{
    Int8WeightPerChannelFloat, Int16Bias, SignedBinaryActPerTensorConst, SignedBinaryWeightPerTensorConst,
    SignedTernaryWeightPerTensorConst, WeightQuant,
};
use exactum_training::{Activation, ForwardError, Init};

/// Bits of weights, and of activations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bits {
    W8A8,
    W4A8,
    TernaryA8,
    W2A2,
    W1A1,
}

impl Bits {
    fn weight(self) -> WeightQuant {
        let integer = |bit_width| WeightQuant { bit_width, ..Int8WeightPerChannelFloat };
        match self {
            Self::W8A8 => integer(8),
            Self::W4A8 => integer(4),
            Self::W2A2 => integer(2),
            Self::TernaryA8 => SignedTernaryWeightPerTensorConst,
            Self::W1A1 => SignedBinaryWeightPerTensorConst,
        }
    }

    pub(crate) fn linear(
        self,
        name: &str,
        inputs: usize,
        outputs: usize,
        init: &mut Init,
    ) -> Result<QuantLinear, BuildError> {
        let builder = QuantLinear::builder(name, inputs, outputs).weight_quant(self.weight());
        // Of signs no sum has a unit that a bias of 16 bits could have.
        if self == Self::W1A1 {
            builder.bias(false).build(init)
        } else {
            builder.bias_quant(Int16Bias).build(init)
        }
    }
}

/// An activation: a rectifier to unsigned codes, or signs.
#[derive(Module, Debug)]
pub(crate) enum Act {
    Relu(QuantReLU),
    Sign(QuantIdentity),
}

impl Act {
    pub(crate) fn new(name: &str, bits: Bits) -> Result<Self, BuildError> {
        let rectifier = |bits| QuantReLU::builder(name).bit_width(bits).build().map(Self::Relu);
        match bits {
            Bits::W8A8 | Bits::W4A8 | Bits::TernaryA8 => rectifier(8),
            Bits::W2A2 => rectifier(2),
            Bits::W1A1 => {
                let signs = QuantIdentity::builder(name).act_quant(SignedBinaryActPerTensorConst);
                signs.build().map(Self::Sign)
            }
        }
    }

    pub(crate) fn forward<const D: usize>(&self, x: &Activation<D>) -> Result<Activation<D>, ForwardError> {
        match self {
            Self::Relu(layer) => layer.forward(x),
            Self::Sign(layer) => layer.forward(x),
        }
    }
}

/// What a convolution is, besides its channels.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Window {
    pub(crate) size: [usize; 2],
    pub(crate) stride: [usize; 2],
    pub(crate) padding: [usize; 2],
    /// Whether each channel has a filter of its own.
    pub(crate) depthwise: bool,
}

impl Window {
    /// 3 by 3, around the middle.
    pub(crate) const fn three(stride: usize) -> Self {
        Self { size: [3, 3], stride: [stride, stride], padding: [1, 1], depthwise: false }
    }

    /// One position.
    pub(crate) const fn point(stride: usize) -> Self {
        Self { size: [1, 1], stride: [stride, stride], padding: [0, 0], depthwise: false }
    }

    /// The same for each channel alone.
    pub(crate) const fn depthwise(self) -> Self {
        Self { depthwise: true, ..self }
    }

    pub(crate) fn conv(
        self,
        name: &str,
        [inputs, outputs]: [usize; 2],
        bits: Bits,
        init: &mut Init,
    ) -> Result<QuantConv2d, BuildError> {
        let builder = QuantConv2d::builder(name, inputs, outputs, self.size)
            .stride(self.stride)
            .padding(self.padding)
            .groups(if self.depthwise { inputs } else { 1 })
            .weight_quant(bits.weight());
        if bits == Bits::W1A1 {
            builder.bias(false).build(init)
        } else {
            builder.bias_quant(Int16Bias).build(init)
        }
    }
}

/// A convolution and its activation.
#[derive(Module, Debug)]
pub(crate) struct Block {
    conv: QuantConv2d,
    act: Act,
}

impl Block {
    pub(crate) fn new(
        name: &str,
        window: Window,
        channels: [usize; 2],
        bits: Bits,
        init: &mut Init,
    ) -> Result<Self, BuildError> {
        let conv = window.conv(&format!("{name}_conv"), channels, bits, init)?;
        Ok(Self { conv, act: Act::new(&format!("{name}_act"), bits)? })
    }

    pub(crate) fn forward(&self, x: &Activation<4>) -> Result<Activation<4>, ForwardError> {
        self.act.forward(&self.conv.forward(x)?)
    }
}
