//! DS-CNN-S, the keyword spotting network of MLPerf Tiny: a convolution and four depthwise separable ones on 49 by 10
//! features, batch norm behind each, twelve classes.

use burn::module::{Module, Param};
use exactum_training::backend::{self, Tensor};
use exactum_training::nn::{QuantConv2d, QuantIdentity, QuantLinear, QuantReLU};
use exactum_training::{Activation, BuildError, ForwardError, Init, Network};

const CHANNELS: usize = 64;

/// A convolution without bias, batch norm, a quantized rectifier.
#[derive(Module, Debug)]
struct Block {
    conv: QuantConv2d,
    gamma: Param<Tensor<1>>,
    beta: Param<Tensor<1>>,
    relu: QuantReLU,
}

impl Block {
    fn new(conv: QuantConv2d, name: &str) -> Result<Self, BuildError> {
        let device = backend::training_device();
        let constant = |value| Param::from_tensor(Tensor::full([CHANNELS], value, &device));
        Ok(Self { conv, gamma: constant(1.0), beta: constant(0.0), relu: super::relu(name)? })
    }

    fn forward(&self, x: &Activation<4>) -> Result<Activation<4>, ForwardError> {
        let x = self.conv.forward(x)?.value();
        let normalized = backend::batch_norm_train(x, self.gamma.val(), self.beta.val(), 1e-5);
        self.relu.forward(&Activation::train(normalized.output))
    }
}

#[derive(Module, Debug)]
pub(crate) struct DsCnn {
    input: QuantIdentity,
    blocks: Vec<Block>,
    fc: QuantLinear,
}

impl DsCnn {
    pub(crate) fn new() -> Result<Self, BuildError> {
        let init = &mut Init::from_seed(1);
        let first = QuantConv2d::builder("conv", 1, CHANNELS, [10, 4]).stride([2, 2]).padding([4, 1]);
        let mut blocks = vec![Block::new(first.bias(false).build(init)?, "relu")?];
        for index in 1..=4 {
            let name = format!("depthwise{index}");
            let depthwise = QuantConv2d::builder(&name, CHANNELS, CHANNELS, [3, 3]).padding([1, 1]);
            let depthwise = depthwise.groups(CHANNELS).bias(false).build(init)?;
            blocks.push(Block::new(depthwise, &format!("{name}.relu"))?);
            let name = format!("pointwise{index}");
            let pointwise =
                QuantConv2d::builder(&name, CHANNELS, CHANNELS, [1, 1]).bias(false).build(init)?;
            blocks.push(Block::new(pointwise, &format!("{name}.relu"))?);
        }
        let fc = QuantLinear::builder("fc", CHANNELS, 12).build(init)?;
        Ok(Self { input: super::input()?, blocks, fc })
    }
}

impl Network<4> for DsCnn {
    fn input_shape(&self) -> [usize; 4] {
        [1, 1, 49, 10]
    }

    fn forward(&self, x: &Activation<4>) -> Result<Activation<2>, ForwardError> {
        let mut x = self.input.forward(x)?;
        for block in &self.blocks {
            x = block.forward(&x)?;
        }
        let pooled = x.value().flatten::<3>(2, 3).mean_dim(2).flatten::<2>(1, 2);
        self.fc.forward(&Activation::train(pooled))
    }
}
