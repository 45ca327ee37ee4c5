//! Random networks made of training's own layers.

use exactum_training::burn::{self, module::Module};
use exactum_training::nn::{Flatten, MaxPool2d, QuantConv2d, QuantIdentity, QuantLinear, QuantReLU};
use exactum_training::quant::{Int8WeightPerTensorFloat, Int16Bias, RestrictValueType};
use exactum_training::{Activation, ForwardError, Init, Network};

use crate::values::Values;

/// Channels, height and width of the input.
const INPUT: [usize; 3] = [2, 6, 6];
/// Outputs of the dense layer.
const OUTPUTS: usize = 5;

/// A quantizer with or without a ReLU.
#[derive(Module, Debug)]
enum Activated {
    Signed(QuantIdentity),
    Rectified(QuantReLU),
}

/// Input quantizer, convolution, activation, pool, dense layer, and perhaps an output quantizer: bit widths, scales,
/// windows, groups and biases follow from a seed.
#[derive(Module, Debug)]
pub struct Trainable {
    input: QuantIdentity,
    conv: QuantConv2d,
    hidden: Activated,
    pool: MaxPool2d,
    flatten: Flatten,
    fc: QuantLinear,
    output: Option<QuantIdentity>,
}

impl Activated {
    fn forward<const D: usize>(&self, x: &Activation<D>) -> Result<Activation<D>, ForwardError> {
        match self {
            Self::Signed(layer) => layer.forward(x),
            Self::Rectified(layer) => layer.forward(x),
        }
    }
}

impl Trainable {
    /// The network of `seed`.
    ///
    /// # Panics
    ///
    /// Never: every attribute is drawn within its range.
    pub fn new(seed: u64) -> Self {
        let init = &mut Init::from_seed(seed);
        let values = &mut Values::new(seed);
        let restrict = if values.bits().is_multiple_of(2) {
            RestrictValueType::PowerOfTwo
        } else {
            RestrictValueType::Fp
        };
        let coin = |values: &mut Values| values.bits().is_multiple_of(2);
        let bits = |values: &mut Values| values.integer(2, 8) as u8;
        let max = |values: &mut Values| (0.3 + values.unit()) as f32;
        let identity = |name: &str, values: &mut Values| {
            QuantIdentity::builder(name)
                .bit_width(bits(values))
                .narrow_range(coin(values))
                .restrict_scaling_type(restrict)
                .max_val(max(values))
                .build()
                .expect("a network within the attributes' ranges")
        };
        let pair = |values: &mut Values, lo: i64, hi: i64| [(); 2].map(|()| values.integer(lo, hi) as usize);
        let [channels, height, width] = INPUT;
        let groups = values.integer(1, 2) as usize;
        let hidden_channels = groups * values.integer(1, 3) as usize;
        let (size, stride) = (pair(values, 1, 3), pair(values, 1, 2));
        let (padding, dilation) = (pair(values, 0, 1), pair(values, 1, 2));
        let conv = QuantConv2d::builder("conv", channels, hidden_channels, size)
            .stride(stride)
            .padding(padding)
            .dilation(dilation)
            .groups(groups)
            .weight_quant(Int8WeightPerTensorFloat)
            .weight_bit_width(bits(values))
            .weight_scaling_per_output_channel(coin(values))
            .weight_restrict_scaling_type(restrict)
            .bias(coin(values))
            .bias_quant(coin(values).then_some(Int16Bias))
            .build(init)
            .expect("a network within the attributes' ranges");
        let extent = |axis: usize, image: usize| {
            (image + 2 * padding[axis] - (size[axis] - 1) * dilation[axis] - 1) / stride[axis] + 1
        };
        let image = [extent(0, height), extent(1, width)];
        let window = [0, 1].map(|axis| image[axis].min(2));
        let steps = pair(values, 1, 2);
        let pooled = [0, 1].map(|axis| (image[axis] - window[axis]) / steps[axis] + 1);
        let hidden = if coin(values) {
            Activated::Signed(identity("hidden", values))
        } else {
            let relu = QuantReLU::builder("hidden").bit_width(bits(values)).restrict_scaling_type(restrict);
            Activated::Rectified(
                relu.max_val(max(values)).build().expect("a network within the attributes' ranges"),
            )
        };
        let fc = QuantLinear::builder("fc", hidden_channels * pooled[0] * pooled[1], OUTPUTS)
            .weight_quant(Int8WeightPerTensorFloat)
            .weight_bit_width(bits(values))
            .weight_scaling_per_output_channel(coin(values))
            .weight_restrict_scaling_type(restrict)
            .bias(coin(values))
            .bias_quant(coin(values).then_some(Int16Bias))
            .build(init)
            .expect("a network within the attributes' ranges");
        Self {
            input: identity("input_quant", values),
            conv,
            hidden,
            pool: MaxPool2d::new("pool", window, steps),
            flatten: Flatten::new("flatten"),
            fc,
            output: coin(values).then(|| identity("output_quant", values)),
        }
    }

    /// `count` samples, many of them on or between two codes.
    pub fn samples(seed: u64, count: usize) -> Vec<Vec<f32>> {
        let values = &mut Values::new(seed);
        let scale = values.scale(1.0 / 64.0, true);
        (0..count)
            .map(|_| (0..INPUT.iter().product()).map(|_| values.input(scale, -64, 64)).collect())
            .collect()
    }
}

impl Network<4> for Trainable {
    fn input_shape(&self) -> [usize; 4] {
        [1, INPUT[0], INPUT[1], INPUT[2]]
    }

    fn forward(&self, x: &Activation<4>) -> Result<Activation<2>, ForwardError> {
        let x = self.hidden.forward(&self.conv.forward(&self.input.forward(x)?)?)?;
        let x = self.fc.forward(&self.flatten.forward(&self.pool.forward(&x)?))?;
        match &self.output {
            Some(output) => output.forward(&x),
            None => Ok(x),
        }
    }
}
