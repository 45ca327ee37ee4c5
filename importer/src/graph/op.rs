//! Operators of the graph and their attributes.
//!
//! Attributes are plain data; printing and parsing come from their `serde` form, so an operator is declared here
//! once. Which levels allow an operator is stated by [`Op::levels`].

use exactum_runtime::num::{IntRange, IntType, Rounding};
use serde::{Deserialize, Serialize};

use super::{Level, Meaning, exact_text};
use crate::certify::LayerCertificate;
use crate::requant::RequantParams;

/// What a node does. Operands are named in the order of the node's inputs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "snake_case")]
pub enum Op {
    /// QONNX `Quant`: x, scale, zero point, bit width.
    Quant(QuantAttributes),
    /// ONNX `Conv`: x, weight, optional bias.
    Conv(Conv),
    /// ONNX `Gemm`: a, b, optional c.
    Gemm {
        /// Factor of the product.
        #[serde(with = "exact_text::float")]
        alpha: f32,
        /// Factor of c.
        #[serde(with = "exact_text::float")]
        beta: f32,
        /// Whether a is stored transposed.
        trans_a: bool,
        /// Whether b is stored transposed.
        trans_b: bool,
    },
    /// ONNX `MatMul`: a, b.
    MatMul,
    /// Elementwise sum: a, b.
    Add,
    /// Larger of x and 0.
    Relu,
    /// Drops the shape's structure from `axis` on: x.
    Flatten {
        /// First axis that is merged.
        axis: usize,
    },
    /// The same value: x.
    Identity,

    /// Codes of a float input: x. The exact edge between the caller's floats and the integers.
    Quantize,
    /// Dense layer: codes x of shape `[1, inputs]`, weight codes `[outputs, inputs]`, optional integer bias.
    Dense,
    /// Convolution of codes: x, weight codes, optional integer bias.
    Conv2d(Conv),
    /// Codes from accumulators or other codes: x.
    Requantize(Requantize),

    /// Largest value of each window: x.
    MaxPool(Pool),
    /// The same elements in the output's shape: x; on the imported level also the shape.
    Reshape,
    /// Reorders axes: x.
    Transpose {
        /// Axis of x that becomes each axis of the result.
        perm: Vec<usize>,
    },
}

/// Attributes of QONNX `Quant`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuantAttributes {
    /// Two's complement codes.
    pub signed: bool,
    /// One end of the range left out.
    pub narrow: bool,
    /// How quotients become codes.
    #[serde(with = "exact_text::rounding")]
    pub rounding: Rounding,
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

/// The function of a requantization: exact on the quantized level, certified integers below.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Requantize {
    /// What the model says.
    Exact(Tail),
    /// What the program computes.
    Certified(Box<Certified>),
}

/// From integers to codes: `clamp(round(integer_meaning / scale + zero_point), range)`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tail {
    /// What the incoming integers stand for, biases included.
    pub input: Meaning,
    /// Scale of the resulting codes.
    #[serde(with = "exact_text::float")]
    pub scale: f32,
    /// Code of zero.
    pub zero_point: i64,
    /// Type of the resulting codes.
    #[serde(with = "exact_text::display")]
    pub int: IntType,
    /// Clamp: the type's range, raised to the zero point by a ReLU.
    #[serde(with = "exact_text::range")]
    pub range: IntRange,
    /// How quotients become codes.
    #[serde(with = "exact_text::rounding")]
    pub rounding: Rounding,
}

/// An integer form and the proof that it equals the exact function.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Certified {
    /// The form and its constants.
    pub params: RequantParams,
    /// What was proven.
    pub certificate: LayerCertificate,
}

impl Op {
    /// The name in printed graphs.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Quant(_) => "quant",
            Self::Conv(_) => "conv",
            Self::Gemm { .. } => "gemm",
            Self::MatMul => "mat_mul",
            Self::Add => "add",
            Self::Relu => "relu",
            Self::Flatten { .. } => "flatten",
            Self::Identity => "identity",
            Self::Quantize => "quantize",
            Self::Dense => "dense",
            Self::Conv2d(_) => "conv2d",
            Self::Requantize(_) => "requantize",
            Self::MaxPool(_) => "max_pool",
            Self::Reshape => "reshape",
            Self::Transpose { .. } => "transpose",
        }
    }

    /// First and last level that allow the operator.
    pub const fn levels(&self) -> (Level, Level) {
        match self {
            Self::Quant(_)
            | Self::Conv(_)
            | Self::Gemm { .. }
            | Self::MatMul
            | Self::Add
            | Self::Relu
            | Self::Flatten { .. }
            | Self::Identity => (Level::Imported, Level::Imported),
            Self::Quantize | Self::Dense | Self::Conv2d(_) => (Level::Quantized, Level::Scheduled),
            Self::Requantize(Requantize::Exact(_)) => (Level::Quantized, Level::Quantized),
            Self::Requantize(Requantize::Certified(_)) => (Level::Integer, Level::Scheduled),
            Self::MaxPool(_) | Self::Reshape | Self::Transpose { .. } => (Level::Imported, Level::Scheduled),
        }
    }

    /// Fewest and most operands.
    pub const fn arity(&self) -> (usize, usize) {
        match self {
            Self::Quant(_) => (4, 4),
            Self::Conv(_) | Self::Gemm { .. } | Self::Dense | Self::Conv2d(_) => (2, 3),
            Self::MatMul | Self::Add => (2, 2),
            Self::Reshape => (1, 2),
            _ => (1, 1),
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
