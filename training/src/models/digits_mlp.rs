//! A multilayer perceptron, 64-64-32-10, with one scale per weight tensor.

use burn::module::Module;

use super::Arithmetic;
use crate::data::digits;
use crate::network::Network;
use crate::nn::{QuantIdentity, QuantLinear, QuantReLU};
use crate::quant::{Int8ActPerTensorFloat, Int8WeightPerTensorFloat, Int16Bias, Uint8ActPerTensorFloat};
use crate::train::TrainConfig;
use crate::{Activation, BuildError, ForwardError, Init};

/// 64 pixels, two hidden layers, ten digits.
#[derive(Module, Debug)]
pub struct DigitsMlp {
    input: QuantIdentity,
    fc1: QuantLinear,
    relu1: QuantReLU,
    fc2: QuantLinear,
    relu2: QuantReLU,
    fc3: QuantLinear,
}

impl DigitsMlp {
    /// Training that reaches the accuracy the tests ask for.
    pub const TRAINING: TrainConfig =
        TrainConfig { epochs: 40, batch_samples: 64, learning_rate: 5e-3, seed: 1 };

    pub(super) fn new(arithmetic: Arithmetic, seed: u64) -> Result<Self, BuildError> {
        let mut init = Init::from_seed(seed);
        let mut linear = |name: &str, inputs, outputs| {
            QuantLinear::builder(name, inputs, outputs)
                .weight_quant(arithmetic.then(Int8WeightPerTensorFloat))
                .bias_quant(arithmetic.then(Int16Bias))
                .build(&mut init)
        };
        let relu =
            |name: &str| QuantReLU::builder(name).act_quant(arithmetic.then(Uint8ActPerTensorFloat)).build();
        Ok(Self {
            input: QuantIdentity::builder("input_quant")
                .act_quant(arithmetic.then(Int8ActPerTensorFloat))
                .build()?,
            fc1: linear("fc1", digits::PIXELS, 64)?,
            relu1: relu("relu1")?,
            fc2: linear("fc2", 64, 32)?,
            relu2: relu("relu2")?,
            fc3: linear("fc3", 32, digits::CLASSES)?,
        })
    }
}

impl Network<2> for DigitsMlp {
    fn input_shape(&self) -> [usize; 2] {
        [1, digits::PIXELS]
    }

    fn forward(&self, x: &Activation<2>) -> Result<Activation<2>, ForwardError> {
        let x = self.input.forward(x)?;
        let x = self.relu1.forward(&self.fc1.forward(&x)?)?;
        let x = self.relu2.forward(&self.fc2.forward(&x)?)?;
        self.fc3.forward(&x)
    }
}
