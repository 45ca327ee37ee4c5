//! Networks of depthwise separable convolutions: keyword spotting and visual wake words.

use exactum_training::burn::{self, module::Module};
use exactum_training::error::BuildError;
use exactum_training::nn::{AvgPool2d, Flatten, QuantIdentity, QuantLinear};
use exactum_training::{Activation, ForwardError, Init, Network};

use crate::bits::{Bits, Block, Window};

/// Convolutions, a pool over all positions, and a dense layer.
#[derive(Module, Debug)]
pub(crate) struct Separable {
    input: QuantIdentity,
    blocks: Vec<Block>,
    pool: AvgPool2d,
    pooled: QuantIdentity,
    flatten: Flatten,
    fc: QuantLinear,
    shape: [usize; 3],
}

/// The network of an input `[channels, height, width]`: what its convolutions are, with the channels they give, then the positions
/// that are left, and the classes.
fn separable(
    bits: Bits,
    shape: [usize; 3],
    convolutions: &[(Window, usize)],
    positions: [usize; 2],
    classes: usize,
    init: &mut Init,
) -> Result<Separable, BuildError> {
    let mut channels = shape[0];
    let mut blocks = vec![];
    for (index, (window, outputs)) in convolutions.iter().enumerate() {
        blocks.push(Block::new(&format!("block{index}"), *window, [channels, *outputs], bits, init)?);
        channels = *outputs;
    }
    Ok(Separable {
        input: QuantIdentity::builder("input").build()?,
        blocks,
        pool: AvgPool2d::new("pool", positions, positions),
        pooled: QuantIdentity::builder("pooled").build()?,
        flatten: Flatten::new("flatten"),
        // The last layer of a network of signs has 8 bits, as is usual.
        fc: Bits::W8A8.linear("fc", channels, classes, init)?,
        shape,
    })
}

/// DS-CNN S: 49 frames of 10 coefficients, 12 words.
pub(crate) fn keyword_spotting(bits: Bits, init: &mut Init) -> Result<Separable, BuildError> {
    const CHANNELS: usize = 64;
    let first = Window { size: [10, 4], stride: [2, 2], padding: [5, 1], depthwise: false };
    let mut convolutions = vec![(first, CHANNELS)];
    for _ in 0..4 {
        convolutions.extend([(Window::three(1).depthwise(), CHANNELS), (Window::point(1), CHANNELS)]);
    }
    separable(bits, [1, 49, 10], &convolutions, [25, 5], 12, init)
}

/// MobileNet V1 with a quarter of the channels: 96 by 96 pixels of 3 colours, a person or none.
pub(crate) fn visual_wake_words(init: &mut Init) -> Result<Separable, BuildError> {
    let mut channels = 8;
    let mut convolutions = vec![(Window::three(2), channels)];
    let steps = [(1, 16), (2, 32), (1, 32), (2, 64), (1, 64), (2, 128)];
    let rest = [(1, 128), (1, 128), (1, 128), (1, 128), (1, 128), (2, 256), (1, 256)];
    for (stride, outputs) in steps.into_iter().chain(rest) {
        convolutions.extend([(Window::three(stride).depthwise(), channels), (Window::point(1), outputs)]);
        channels = outputs;
    }
    separable(Bits::W8A8, [3, 96, 96], &convolutions, [3, 3], 2, init)
}

impl Network<4> for Separable {
    fn input_shape(&self) -> [usize; 4] {
        let [channels, height, width] = self.shape;
        [1, channels, height, width]
    }

    fn forward(&self, x: &Activation<4>) -> Result<Activation<2>, ForwardError> {
        let mut x = self.input.forward(x)?;
        for block in &self.blocks {
            x = block.forward(&x)?;
        }
        let x = self.pooled.forward(&self.pool.forward(&x)?)?;
        self.fc.forward(&self.flatten.forward(&x))
    }
}
