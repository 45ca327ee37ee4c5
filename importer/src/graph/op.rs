//! Operators of the graph and their attributes.
//!
//! Attributes are plain data; printing and parsing come from their `serde` form, so an operator is declared here
//! once. Which levels allow an operator is stated by [`Op::levels`].

use exactum_runtime::num::Rounding;
use num_traits::Zero;
use serde::{Deserialize, Serialize};

use super::{Dequantize, Quantize, Requantize, RequantizePair};
use crate::exact::{self, Elementary, Rational, ShortFloat};

/// What a node does. Operands are named in the order of the node's inputs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "snake_case")]
pub enum Op {
    /// Floats to codes and back, as QONNX `Quant` and ONNX `QuantizeLinear`: x, scale, zero point, bit width.
    Quant(QuantAttributes),
    /// QONNX `BipolarQuant`: x, scale.
    BipolarQuant,
    /// QONNX `Trunc`: x, scale, zero point, input bit width, output scale (version 2 only), output bit width.
    Trunc(QuantAttributes),
    /// QONNX `MultiThreshold`: x, thresholds.
    MultiThreshold(MultiThreshold),
    /// ONNX `Conv`: x, weight, optional bias.
    Conv(Conv),
    /// ONNX `ConvTranspose`: x, weight (inputs first), optional bias.
    ConvTranspose(ConvTranspose),
    /// ONNX `Gemm`: a, b, optional c.
    Gemm {
        /// Factor of the product.
        #[serde(with = "crate::exact::text::float")]
        alpha: f32,
        /// Factor of c.
        #[serde(with = "crate::exact::text::float")]
        beta: f32,
        /// Whether a is stored transposed.
        trans_a: bool,
        /// Whether b is stored transposed.
        trans_b: bool,
    },
    /// ONNX `MatMul` of matrices: a, b.
    MatMul,
    /// ONNX `BatchNormalization` of inference: x, gamma, beta, mean, variance.
    BatchNormalization {
        /// Added to the variance.
        #[serde(with = "crate::exact::text::float")]
        epsilon: f32,
    },
    /// Elementwise sum: a, b.
    Add,
    /// Elementwise difference: a, b.
    Sub,
    /// Elementwise product: a, b.
    Mul,
    /// Elementwise quotient: a, b.
    Div,
    /// Elementwise power: a, b.
    Pow,
    /// `x * multiply / divide + add` with constants: x.
    Affine(Affine),
    /// A function of each element by itself: x.
    Activation(Activation),
    /// Elementwise largest: two operands or more, of one shape.
    Max,
    /// Elementwise smallest: two operands or more, of one shape.
    Min,
    /// Elementwise choice, the second operand where the first is not zero, else the third: three operands of one shape.
    Where,
    /// Smallest value of each window: x.
    MinPool(Pool),
    /// Averages of windows: x.
    AveragePool(AveragePool),
    /// Relative sizes of exponentials along an axis; only where the caller takes them: x.
    Softmax {
        /// The axis.
        axis: usize,
    },
    /// Drops the shape's structure from `axis` on: x.
    Flatten {
        /// First axis that is merged.
        axis: usize,
    },
    /// The same value: x.
    Identity,
    /// Surrounds x with elements of one value: x.
    Pad {
        /// Elements before each axis.
        before: Vec<usize>,
        /// Elements after each axis.
        after: Vec<usize>,
        /// Their value.
        #[serde(with = "crate::exact::text::float")]
        value: f32,
    },

    /// Codes of a float input: x. The exact edge between the caller's floats and the integers.
    Quantize(Quantize),
    /// Dense layer: codes x of shape `[1, inputs]`, weight codes `[outputs, inputs]`, optional integer bias.
    Dense,
    /// Convolution of codes: x, weight codes, optional integer bias.
    Conv2d(Conv),
    /// Transposed convolution of codes: x, weight codes (outputs first), optional integer bias.
    ConvTranspose2d(ConvTranspose),
    /// The exact integer sum `m[0] * a + m[1] * b` with the multipliers `m` of the channel: a, b; b may repeat along
    /// a's leading axes.
    Sum {
        /// Whole units of the result in one unit of each operand: one pair for all channels, or one for each.
        multipliers: Vec<[i64; 2]>,
    },
    /// The exact integer product `(a - zero_points[0]) * (b - zero_points[1])`: a, b, as for `sum`.
    Product {
        /// Integers of the real number zero.
        zero_points: [i64; 2],
    },
    /// Sums of windows, padding left out: x.
    SumPool(SumPool),
    /// What a state holds once its elements have moved to the front, as many as x has are lost, and those of x have the
    /// places at its end: the state, x. Nothing reads the state after it.
    Push,
    /// Codes from accumulators or other codes: x.
    Requantize(Requantize),
    /// Codes from a real sum of two integers in units of their own: a, b.
    RequantizePair(RequantizePair),
    /// Surrounds codes with one code: x.
    Border {
        /// Elements before each axis.
        before: Vec<usize>,
        /// Elements after each axis.
        after: Vec<usize>,
        /// The code.
        code: i64,
    },
    /// What the caller makes of the integers of an output: x. The exact edge at the other end; programs stop before it.
    Dequantize(Dequantize),

    /// Largest value of each window: x.
    MaxPool(Pool),
    /// The same elements in the output's shape: x; on the imported level also the shape.
    Reshape,
    /// Reorders axes: x.
    Transpose {
        /// Axis of x that becomes each axis of the result.
        perm: Vec<usize>,
    },
    /// One after the other along an axis: any number of operands.
    Concat {
        /// The axis.
        axis: usize,
    },
    /// Every element repeated along each axis, as `Resize` with nearest neighbours: x.
    Repeat {
        /// How often, for each axis.
        factors: Vec<usize>,
    },
    /// A regular part of x: x.
    Slice {
        /// First index along each axis.
        starts: Vec<usize>,
        /// Steps between indices along each axis; negative ones go backwards.
        steps: Vec<isize>,
        /// Indices along each axis.
        sizes: Vec<usize>,
    },
    /// The largest or smallest elements along the last axis or their indices, best first, equal ones by index: x.
    TopK {
        /// How many.
        k: usize,
        /// Whether large is good.
        largest: bool,
        /// Whether the result holds the elements, else their indices.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        values: bool,
        /// What elements are compared as, `multipliers * x + offsets`; empty for x itself, one for all or one for each
        /// index along the last axis.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        multipliers: Vec<i64>,
        /// As `multipliers`.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        offsets: Vec<i64>,
    },
}

/// Attributes of QONNX `Quant` and `Trunc` and of ONNX `QuantizeLinear`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuantAttributes {
    /// Two's complement codes.
    pub signed: bool,
    /// One end of the range left out.
    pub narrow: bool,
    /// How quotients become codes.
    #[serde(with = "crate::exact::text::rounding")]
    pub rounding: Rounding,
    /// The zero point is added after rounding, as ONNX does, not before, as QONNX does.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub zero_point_outside: bool,
    /// Codes that are left after a `Clip` of codes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clip: Option<[i64; 2]>,
}

/// Attributes of QONNX `MultiThreshold`: `out_scale * (thresholds <= x) + out_bias`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct MultiThreshold {
    /// Value of one threshold passed.
    #[serde(with = "crate::exact::text::float")]
    pub out_scale: f32,
    /// Value where none is passed.
    #[serde(with = "crate::exact::text::float")]
    pub out_bias: f32,
    /// Axis of the channels.
    pub axis: usize,
}

/// Constants of `x * multiply / divide + add`; each list has one element, or one for each index along `axis`.
///
/// A factor that the file does not have is 1, a summand 0; nothing is rounded.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Affine {
    /// Factors.
    pub multiply: Vec<f64>,
    /// Divisors.
    pub divide: Vec<f64>,
    /// Summands.
    pub add: Vec<f64>,
    /// Axis of the channels.
    pub axis: usize,
}

impl Affine {
    /// `x * gain + offset` in exact numbers: as many of both as there are channels.
    ///
    /// # Errors
    /// The first channel with a constant that is not finite or missing, or a divisor of 0.
    pub(crate) fn line(&self) -> Result<(Vec<Rational>, Vec<Rational>), usize> {
        let channels = self.multiply.len().max(self.divide.len()).max(self.add.len());
        let pick = |values: &[f64], channel: usize| {
            exact::from_f64(*values.get(if values.len() == 1 { 0 } else { channel })?)
        };
        let of_channel = |channel: usize| {
            let divide = pick(&self.divide, channel).filter(|divide| !divide.is_zero())?;
            Some((pick(&self.multiply, channel)? / divide, pick(&self.add, channel)?))
        };
        let lines: Result<Vec<_>, usize> =
            (0..channels).map(|channel| of_channel(channel).ok_or(channel)).collect();
        Ok(lines?.into_iter().unzip())
    }
}

/// A function of single elements.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "function", rename_all = "snake_case")]
pub enum Activation {
    /// Larger of x and 0.
    Relu,
    /// x limited to a range.
    Clip {
        /// Lower end.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        lo: Option<f64>,
        /// Upper end.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        hi: Option<f64>,
    },
    /// Negative x times a slope; one slope, or one for each index along an axis (`PRelu`).
    LeakyRelu {
        /// The slopes.
        slope: Vec<f64>,
        /// Axis of the channels.
        #[serde(default = "second", skip_serializing_if = "is_second")]
        axis: usize,
    },
    /// Magnitude.
    Abs,
    /// x to an integer power.
    Power {
        /// The exponent.
        exponent: u32,
    },
    /// `1 / (1 + exp(-x))`.
    Sigmoid,
    /// Hyperbolic tangent.
    Tanh,
    /// `alpha * (exp(x) - 1)` for negative x, else x.
    Elu {
        /// The factor.
        alpha: f64,
    },
    /// Error function.
    Erf,
    /// -1, 0 or 1.
    Sign,
    /// To an integer.
    Round {
        /// How.
        #[serde(with = "crate::exact::text::rounding")]
        rounding: Rounding,
    },
    /// x rounded to a float of 16 bits.
    Short {
        /// Its type.
        float: ShortFloat,
    },
    /// `x / (1 + |x|)`.
    Softsign,
    /// `1 / x`.
    Reciprocal,
    /// A function that `docs/arithmetic.md` defines on doubles.
    Elementary {
        /// Which.
        of: Elementary,
    },
}

/// The axis that channels have where nothing else is said.
const fn second() -> usize {
    1
}

const fn is_second(axis: &usize) -> bool {
    *axis == 1
}

/// A sliding window over height and width.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// Height and width of the window, in taps.
    pub size: [usize; 2],
    /// Steps between windows.
    pub stride: [usize; 2],
    /// Top, left, bottom, right.
    pub pads: [usize; 4],
    /// Distance between taps.
    pub dilation: [usize; 2],
}

/// Order of the axes of a spatial value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Layout {
    /// Batch, channels, height, width; weights out, in, height, width. As ONNX.
    #[default]
    ChannelsFirst,
    /// Batch, height, width, channels; weights out, height, width, in. As the runtime.
    ChannelsLast,
}

/// Attributes of a convolution.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conv {
    /// Where the window goes.
    #[serde(flatten)]
    pub window: Window,
    /// Groups of channels that do not see each other.
    pub groups: usize,
    /// Order of the axes.
    pub layout: Layout,
}

/// Attributes of a pooling.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pool {
    /// Where the window goes.
    #[serde(flatten)]
    pub window: Window,
    /// Order of the axes.
    pub layout: Layout,
}

/// Attributes of a transposed convolution. The output's size is part of its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConvTranspose {
    /// Where the window goes; padding is taken from the output.
    #[serde(flatten)]
    pub window: Window,
    /// Rows and columns that the output has at its end beyond those that the windows reach.
    pub output_padding: [usize; 2],
    /// Groups of channels that do not see each other.
    pub groups: usize,
    /// Order of the axes.
    pub layout: Layout,
}

/// Attributes of an average pooling.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AveragePool {
    /// Where the window goes.
    #[serde(flatten)]
    pub pool: Pool,
    /// Padding counts as elements of value 0; otherwise only elements of the input are averaged.
    pub count_include_pad: bool,
}

/// Attributes of a sum over windows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SumPool {
    /// Where the window goes.
    #[serde(flatten)]
    pub pool: Pool,
    /// Integer of the real number zero, subtracted from each element.
    pub zero_point: i64,
    /// 0, or the number that each sum is brought to by the factor `unit / elements of the input in its window`.
    pub unit: u64,
}

impl Op {
    /// Whether it computes accumulators that a requantization can take over as they are made.
    pub const fn accumulates(&self) -> bool {
        matches!(
            self,
            Self::Dense
                | Self::Conv2d(_)
                | Self::ConvTranspose2d(_)
                | Self::Sum { .. }
                | Self::Product { .. }
                | Self::SumPool(_)
        )
    }

    /// Whether it is a layer: a multiply-accumulate with constant weights.
    pub const fn is_layer(&self) -> bool {
        matches!(self, Self::Dense | Self::Conv2d(_) | Self::ConvTranspose2d(_))
    }

    /// The name in printed graphs.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Quant(_) => "quant",
            Self::BipolarQuant => "bipolar_quant",
            Self::Trunc(_) => "trunc",
            Self::MultiThreshold(_) => "multi_threshold",
            Self::Conv(_) => "conv",
            Self::Gemm { .. } => "gemm",
            Self::MatMul => "mat_mul",
            Self::ConvTranspose(_) => "conv_transpose",
            Self::BatchNormalization { .. } => "batch_normalization",
            Self::Add => "add",
            Self::Sub => "sub",
            Self::Mul => "mul",
            Self::Div => "div",
            Self::Pow => "pow",
            Self::Affine(_) => "affine",
            Self::Activation(_) => "activation",
            Self::Max => "max",
            Self::Min => "min",
            Self::Where => "where",
            Self::MinPool(_) => "min_pool",
            Self::AveragePool(_) => "average_pool",
            Self::Softmax { .. } => "softmax",
            Self::Pad { .. } => "pad",
            Self::Flatten { .. } => "flatten",
            Self::Identity => "identity",
            Self::Quantize(_) => "quantize",
            Self::Dense => "dense",
            Self::Conv2d(_) => "conv2d",
            Self::ConvTranspose2d(_) => "conv_transpose2d",
            Self::Sum { .. } => "sum",
            Self::Product { .. } => "product",
            Self::SumPool(_) => "sum_pool",
            Self::Push => "push",
            Self::Requantize(_) => "requantize",
            Self::RequantizePair(_) => "requantize_pair",
            Self::Border { .. } => "border",
            Self::Dequantize(_) => "dequantize",
            Self::MaxPool(_) => "max_pool",
            Self::Reshape => "reshape",
            Self::Transpose { .. } => "transpose",
            Self::Concat { .. } => "concat",
            Self::Repeat { .. } => "repeat",
            Self::Slice { .. } => "slice",
            Self::TopK { .. } => "top_k",
        }
    }
}

impl Window {
    /// Output height and width for an input of `size`, or `None` if the window does not fit or a stride is 0.
    pub fn output(&self, size: [usize; 2]) -> Option<[usize; 2]> {
        let mut output = [0; 2];
        for axis in 0..2 {
            let extent = self.size[axis].checked_sub(1)?.checked_mul(self.dilation[axis])?.checked_add(1)?;
            let padded = size[axis].checked_add(self.pads[axis])?.checked_add(self.pads[axis + 2])?;
            output[axis] = padded.checked_sub(extent)?.checked_div(self.stride[axis])? + 1;
        }
        Some(output)
    }

    /// Whether each of `outputs` windows along `axis` has a tap inside an input of `size`; a pool of none has no value.
    pub fn sees_input(&self, axis: usize, size: usize, outputs: usize) -> bool {
        let (pad, dilation) = (self.pads[axis], self.dilation[axis]);
        // The first tap past the padding decides.
        let inside = |start: usize| {
            let tap = pad.saturating_sub(start).div_ceil(dilation);
            tap < self.size[axis] && start + tap * dilation < pad + size
        };
        (0..outputs).all(|output| inside(output * self.stride[axis]))
    }

    /// Whether any window reaches outside the input.
    pub fn is_padded(&self) -> bool {
        self.pads.iter().any(|pad| *pad > 0)
    }
}

impl Layout {
    /// Axes of channels, height and width of a value with a batch axis.
    pub const fn axes(self) -> [usize; 3] {
        match self {
            Self::ChannelsFirst => [1, 2, 3],
            Self::ChannelsLast => [3, 1, 2],
        }
    }

    /// Axis of the channels of a value with `rank` axes.
    pub const fn channel_axis(self, rank: usize) -> usize {
        match self {
            Self::ChannelsFirst => 1,
            Self::ChannelsLast => rank - 1,
        }
    }
}
