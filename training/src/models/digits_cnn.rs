//! A convolutional network: two convolutions, a max pool behind each, one linear layer; one scale per output channel.

use burn::module::Module;

use super::Arithmetic;
use crate::data::digits;
use crate::network::Network;
use crate::nn::{Flatten, MaxPool2d, QuantConv2d, QuantIdentity, QuantLinear, QuantReLU};
use crate::quant::{Int8ActPerTensorFloat, Int8WeightPerChannelFloat, Int16Bias, Uint8ActPerTensorFloat};
use crate::train::TrainConfig;
use crate::{Activation, BuildError, ForwardError, Init};

/// 8 by 8 pixels, 8 and 16 channels, ten digits.
#[derive(Module, Debug)]
pub struct DigitsCnn {
    input: QuantIdentity,
    conv1: QuantConv2d,
    relu1: QuantReLU,
    pool1: MaxPool2d,
    conv2: QuantConv2d,
    relu2: QuantReLU,
    pool2: MaxPool2d,
    flatten: Flatten,
    fc: QuantLinear,
}

impl DigitsCnn {
    /// Training that reaches the accuracy the tests ask for.
    pub const TRAINING: TrainConfig =
        TrainConfig { epochs: 60, batch_samples: 32, learning_rate: 5e-3, seed: 1 };

    pub(super) fn new(arithmetic: Arithmetic, seed: u64) -> Result<Self, BuildError> {
        let init = &mut Init::from_seed(seed);
        let weight = arithmetic.then(Int8WeightPerChannelFloat);
        let bias = arithmetic.then(Int16Bias);
        let relu =
            |name: &str| QuantReLU::builder(name).act_quant(arithmetic.then(Uint8ActPerTensorFloat)).build();
        let conv = |name: &str, inputs, outputs, init: &mut Init| {
            QuantConv2d::builder(name, inputs, outputs, [3, 3])
                .padding([1, 1])
                .weight_quant(weight.clone())
                .bias_quant(bias.clone())
                .build(init)
        };
        let pooled = digits::SIDE / 4;
        Ok(Self {
            input: QuantIdentity::builder("input_quant")
                .act_quant(arithmetic.then(Int8ActPerTensorFloat))
                .build()?,
            conv1: conv("conv1", 1, 8, init)?,
            relu1: relu("relu1")?,
            pool1: MaxPool2d::new("pool1", [2, 2], [2, 2]),
            conv2: conv("conv2", 8, 16, init)?,
            relu2: relu("relu2")?,
            pool2: MaxPool2d::new("pool2", [2, 2], [2, 2]),
            flatten: Flatten::new("flatten"),
            fc: QuantLinear::builder("fc", 16 * pooled * pooled, digits::CLASSES)
                .weight_quant(weight.clone())
                .bias_quant(bias.clone())
                .build(init)?,
        })
    }
}

impl Network<4> for DigitsCnn {
    fn input_shape(&self) -> [usize; 4] {
        [1, 1, digits::SIDE, digits::SIDE]
    }

    fn forward(&self, x: &Activation<4>) -> Result<Activation<2>, ForwardError> {
        let x = self.input.forward(x)?;
        let x = self.pool1.forward(&self.relu1.forward(&self.conv1.forward(&x)?)?)?;
        let x = self.pool2.forward(&self.relu2.forward(&self.conv2.forward(&x)?)?)?;
        self.fc.forward(&self.flatten.forward(&x))
    }
}
