//! The networks: each block is a layer with weights, batch norm and a quantized activation of the same bit width.

use exactum_training::burn::{self, module::Module};
use exactum_training::data::digits;
use exactum_training::error::BuildError;
use exactum_training::nn::{
    BatchNorm1d, BatchNorm2d, Flatten, MaxPool2d, QuantConv2d, QuantIdentity, QuantLinear, QuantReLU,
};
use exactum_training::quant::{
    Int8WeightPerTensorFloat, SignedBinaryActPerTensorConst, SignedBinaryWeightPerTensorConst, WeightQuant,
};
use exactum_training::{Activation, ForwardError, Init, Network};

const HIDDEN: usize = 64;
const CHANNELS: [usize; 2] = [8, 16];
/// Values of the second convolution's output behind two pools.
const FEATURES: usize = CHANNELS[1] * (digits::SIDE / 4) * (digits::SIDE / 4);

fn weight(bits: u8) -> WeightQuant {
    match bits {
        1 => SignedBinaryWeightPerTensorConst,
        _ => WeightQuant { bit_width: bits, ..Int8WeightPerTensorFloat },
    }
}

/// Signs, or unsigned codes behind a rectifier.
#[derive(Module, Debug)]
enum Act {
    Sign(QuantIdentity),
    Relu(QuantReLU),
}

impl Act {
    fn new(name: &str, bits: u8) -> Result<Self, BuildError> {
        Ok(match bits {
            1 => Self::Sign(QuantIdentity::builder(name).act_quant(SignedBinaryActPerTensorConst).build()?),
            _ => Self::Relu(QuantReLU::builder(name).bit_width(bits).build()?),
        })
    }

    fn forward<const D: usize>(&self, x: &Activation<D>) -> Result<Activation<D>, ForwardError> {
        match self {
            Self::Sign(layer) => layer.forward(x),
            Self::Relu(layer) => layer.forward(x),
        }
    }
}

/// 64-64-64-10.
#[derive(Module, Debug)]
pub(crate) struct Mlp {
    input: QuantIdentity,
    fc1: QuantLinear,
    norm1: BatchNorm1d,
    act1: Act,
    fc2: QuantLinear,
    norm2: BatchNorm1d,
    act2: Act,
    fc3: QuantLinear,
}

impl Mlp {
    pub(crate) fn new(bits: u8, seed: u64) -> Result<Self, BuildError> {
        let init = &mut Init::from_seed(seed);
        let mut linear = |name: &str, inputs, outputs, bias| {
            QuantLinear::builder(name, inputs, outputs).bias(bias).weight_quant(weight(bits)).build(init)
        };
        Ok(Self {
            input: QuantIdentity::builder("input").build()?,
            fc1: linear("fc1", digits::PIXELS, HIDDEN, false)?,
            norm1: BatchNorm1d::new("norm1", HIDDEN),
            act1: Act::new("act1", bits)?,
            fc2: linear("fc2", HIDDEN, HIDDEN, false)?,
            norm2: BatchNorm1d::new("norm2", HIDDEN),
            act2: Act::new("act2", bits)?,
            fc3: linear("fc3", HIDDEN, digits::CLASSES, true)?,
        })
    }
}

impl Network<2> for Mlp {
    fn input_shape(&self) -> [usize; 2] {
        [1, digits::PIXELS]
    }

    fn forward(&self, x: &Activation<2>) -> Result<Activation<2>, ForwardError> {
        let x = self.input.forward(x)?;
        let x = self.act1.forward(&self.norm1.forward(&self.fc1.forward(&x)?)?)?;
        let x = self.act2.forward(&self.norm2.forward(&self.fc2.forward(&x)?)?)?;
        self.fc3.forward(&x)
    }
}

/// Two 3 by 3 convolutions of 8 and 16 channels, each with a 2 by 2 max pool, and a linear layer.
#[derive(Module, Debug)]
pub(crate) struct Cnn {
    input: QuantIdentity,
    conv1: QuantConv2d,
    norm1: BatchNorm2d,
    act1: Act,
    pool1: MaxPool2d,
    conv2: QuantConv2d,
    norm2: BatchNorm2d,
    act2: Act,
    pool2: MaxPool2d,
    flatten: Flatten,
    fc: QuantLinear,
}

impl Cnn {
    pub(crate) fn new(bits: u8, seed: u64) -> Result<Self, BuildError> {
        let init = &mut Init::from_seed(seed);
        let mut conv = |name: &str, inputs, outputs| {
            let builder = QuantConv2d::builder(name, inputs, outputs, [3, 3]).padding([1, 1]);
            builder.bias(false).weight_quant(weight(bits)).build(init)
        };
        Ok(Self {
            input: QuantIdentity::builder("input").build()?,
            conv1: conv("conv1", 1, CHANNELS[0])?,
            norm1: BatchNorm2d::new("norm1", CHANNELS[0]),
            act1: Act::new("act1", bits)?,
            pool1: MaxPool2d::new("pool1", [2, 2], [2, 2]),
            conv2: conv("conv2", CHANNELS[0], CHANNELS[1])?,
            norm2: BatchNorm2d::new("norm2", CHANNELS[1]),
            act2: Act::new("act2", bits)?,
            pool2: MaxPool2d::new("pool2", [2, 2], [2, 2]),
            flatten: Flatten::new("flatten"),
            fc: QuantLinear::builder("fc", FEATURES, digits::CLASSES)
                .weight_quant(weight(bits))
                .build(init)?,
        })
    }
}

impl Network<4> for Cnn {
    fn input_shape(&self) -> [usize; 4] {
        [1, 1, digits::SIDE, digits::SIDE]
    }

    fn forward(&self, x: &Activation<4>) -> Result<Activation<2>, ForwardError> {
        let x = self.input.forward(x)?;
        let x = self.act1.forward(&self.norm1.forward(&self.conv1.forward(&x)?)?)?;
        let x = self.pool1.forward(&x)?;
        let x = self.act2.forward(&self.norm2.forward(&self.conv2.forward(&x)?)?)?;
        let x = self.pool2.forward(&x)?;
        self.fc.forward(&self.flatten.forward(&x))
    }
}
