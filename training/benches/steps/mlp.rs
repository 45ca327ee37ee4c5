//! A multilayer perceptron, 784-64-64-10.

use burn::module::Module;
use exactum_training::nn::{QuantIdentity, QuantLinear, QuantReLU};
use exactum_training::{Activation, BuildError, ForwardError, Init, Network};

#[derive(Module, Debug)]
pub(crate) struct Mlp {
    input: QuantIdentity,
    fc1: QuantLinear,
    relu1: QuantReLU,
    fc2: QuantLinear,
    relu2: QuantReLU,
    fc3: QuantLinear,
}

impl Mlp {
    pub(crate) fn new() -> Result<Self, BuildError> {
        let init = &mut Init::from_seed(1);
        Ok(Self {
            input: super::input()?,
            fc1: QuantLinear::builder("fc1", 784, 64).build(init)?,
            relu1: super::relu("relu1")?,
            fc2: QuantLinear::builder("fc2", 64, 64).build(init)?,
            relu2: super::relu("relu2")?,
            fc3: QuantLinear::builder("fc3", 64, 10).build(init)?,
        })
    }
}

impl Network<2> for Mlp {
    fn input_shape(&self) -> [usize; 2] {
        [1, 784]
    }

    fn forward(&self, x: &Activation<2>) -> Result<Activation<2>, ForwardError> {
        let x = self.input.forward(x)?;
        let x = self.relu1.forward(&self.fc1.forward(&x)?)?;
        let x = self.relu2.forward(&self.fc2.forward(&x)?)?;
        self.fc3.forward(&x)
    }
}
