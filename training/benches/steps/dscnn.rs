//! DS-CNN-S, the keyword spotting network of MLPerf Tiny: a convolution and four depthwise separable ones on 49 by 10
//! features, batch norm behind each, twelve classes.

use burn::module::Module;
use exactum_training::nn::{
    AdaptiveAvgPool2d, BatchNorm2d, Flatten, QuantConv2d, QuantIdentity, QuantLinear, QuantReLU,
};
use exactum_training::{Activation, BuildError, ForwardError, Init, Network};

const CHANNELS: usize = 64;

/// A convolution without bias, batch norm, a quantized rectifier.
#[derive(Module, Debug)]
struct Block {
    conv: QuantConv2d,
    norm: BatchNorm2d,
    relu: QuantReLU,
}

impl Block {
    fn new(conv: QuantConv2d, name: &str) -> Result<Self, BuildError> {
        let norm = BatchNorm2d::new(format!("{name}.norm"), CHANNELS);
        Ok(Self { conv, norm, relu: super::relu(name)? })
    }

    fn forward(&self, x: &Activation<4>) -> Result<Activation<4>, ForwardError> {
        self.relu.forward(&self.norm.forward(&self.conv.forward(x)?)?)
    }
}

#[derive(Module, Debug)]
pub(crate) struct DsCnn {
    input: QuantIdentity,
    blocks: Vec<Block>,
    pool: AdaptiveAvgPool2d,
    flatten: Flatten,
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
        let pool = AdaptiveAvgPool2d::new("pool", [1, 1]);
        Ok(Self { input: super::input()?, blocks, pool, flatten: Flatten::new("flatten"), fc })
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
        self.fc.forward(&self.flatten.forward(&self.pool.forward(&x)?))
    }
}
