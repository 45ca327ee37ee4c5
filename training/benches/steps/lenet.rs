//! LeNet on 28 by 28 pixels: two convolutions with max pools, three linear layers.

use burn::module::Module;
use exactum_training::nn::{Flatten, MaxPool2d, QuantConv2d, QuantIdentity, QuantLinear, QuantReLU};
use exactum_training::{Activation, BuildError, ForwardError, Init, Network};

#[derive(Module, Debug)]
pub(crate) struct LeNet {
    input: QuantIdentity,
    conv1: QuantConv2d,
    relu1: QuantReLU,
    pool1: MaxPool2d,
    conv2: QuantConv2d,
    relu2: QuantReLU,
    pool2: MaxPool2d,
    flatten: Flatten,
    fc1: QuantLinear,
    relu3: QuantReLU,
    fc2: QuantLinear,
    relu4: QuantReLU,
    fc3: QuantLinear,
}

impl LeNet {
    pub(crate) fn new() -> Result<Self, BuildError> {
        let init = &mut Init::from_seed(1);
        Ok(Self {
            input: super::input()?,
            conv1: QuantConv2d::builder("conv1", 1, 6, [5, 5]).build(init)?,
            relu1: super::relu("relu1")?,
            pool1: MaxPool2d::new("pool1", [2, 2], [2, 2]),
            conv2: QuantConv2d::builder("conv2", 6, 16, [5, 5]).build(init)?,
            relu2: super::relu("relu2")?,
            pool2: MaxPool2d::new("pool2", [2, 2], [2, 2]),
            flatten: Flatten::new("flatten"),
            fc1: QuantLinear::builder("fc1", 256, 120).build(init)?,
            relu3: super::relu("relu3")?,
            fc2: QuantLinear::builder("fc2", 120, 84).build(init)?,
            relu4: super::relu("relu4")?,
            fc3: QuantLinear::builder("fc3", 84, 10).build(init)?,
        })
    }
}

impl Network<4> for LeNet {
    fn input_shape(&self) -> [usize; 4] {
        [1, 1, 28, 28]
    }

    fn forward(&self, x: &Activation<4>) -> Result<Activation<2>, ForwardError> {
        let x = self.input.forward(x)?;
        let x = self.pool1.forward(&self.relu1.forward(&self.conv1.forward(&x)?)?)?;
        let x = self.pool2.forward(&self.relu2.forward(&self.conv2.forward(&x)?)?)?;
        let x = self.flatten.forward(&x);
        let x = self.relu3.forward(&self.fc1.forward(&x)?)?;
        let x = self.relu4.forward(&self.fc2.forward(&x)?)?;
        self.fc3.forward(&x)
    }
}
