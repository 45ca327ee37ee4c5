//! Records of layers without weights.

use exactum_runtime::num::Rounding;

/// What a layer without weights does.
#[derive(Clone, Debug)]
pub enum Structural {
    /// The sum of two values.
    Add,
    /// The difference of two values.
    Sub,
    /// The product of two values.
    Mul,
    /// The negative.
    Neg,
    /// The magnitude.
    Abs,
    /// Values below zero become zero.
    Relu,
    /// A constant is added.
    AddScalar(f32),
    /// A constant is a factor.
    MulScalar(f32),
    /// A constant is the divisor.
    DivScalar(f32),
    /// Values are limited.
    Clip {
        /// The least value.
        min: f32,
        /// The greatest value.
        max: f32,
    },
    /// The hyperbolic tangent.
    Tanh,
    /// The logistic function.
    Sigmoid,
    /// Shares along a dimension.
    Softmax {
        /// The dimension.
        dim: usize,
    },
    /// Values one behind the other.
    Concat {
        /// The dimension that grows.
        dim: usize,
    },
    /// The largest value of each window; one number per spatial axis.
    MaxPool {
        /// Extents of the window.
        kernel_size: Vec<usize>,
        /// Steps between windows.
        stride: Vec<usize>,
        /// Elements added before and behind each axis, which are never the largest.
        padding: Vec<(usize, usize)>,
        /// Distance between window elements.
        dilation: Vec<usize>,
        /// Whether a window may reach beyond the end.
        ceil_mode: bool,
    },
    /// The mean of each window, added zeros included; one number per spatial axis.
    AveragePool {
        /// Extents of the window.
        kernel_size: Vec<usize>,
        /// Steps between windows.
        stride: Vec<usize>,
        /// Zeros added on both sides.
        padding: Vec<usize>,
    },
    /// The mean of each channel.
    GlobalAveragePool,
    /// Low bits of codes are dropped.
    Trunc {
        /// Scale of the input's codes.
        scale: f32,
        /// Bits of the input's codes.
        input_bit_width: u8,
        /// Scale of the output's codes.
        output_scale: f32,
        /// Bits of the output's codes.
        output_bit_width: u8,
        /// Whether codes may be negative.
        signed: bool,
        /// Of the dropped bits.
        rounding: Rounding,
    },
    /// `(x - mean) / sqrt(variance + epsilon) * weight + bias`, each one per channel.
    BatchNorm {
        /// Factors.
        weight: Vec<f32>,
        /// Addends.
        bias: Vec<f32>,
        /// Running means.
        mean: Vec<f32>,
        /// Running variances.
        variance: Vec<f32>,
        /// Added to variances.
        epsilon: f32,
    },
    /// Another shape of the same elements; the first dimension is taken from the input.
    Reshape {
        /// All dimensions.
        shape: Vec<usize>,
    },
    /// Dimensions in another order.
    Transpose {
        /// Dimension `i` of the output is this dimension of the input.
        axes: Vec<usize>,
    },
    /// Zeros around the last two dimensions.
    Pad {
        /// Zeros before each dimension, then zeros behind each.
        pads: Vec<usize>,
    },
    /// Each value `scale` times along each spatial axis.
    Upsample {
        /// One number per dimension.
        scale: Vec<usize>,
    },
    /// Blocks of channels become blocks of pixels.
    PixelShuffle {
        /// The side of a block.
        factor: usize,
    },
    /// Rows of a table, chosen by the input.
    Embedding {
        /// Rows and columns.
        shape: [usize; 2],
        /// The rows, one behind the other.
        table: super::Constant,
    },
}

impl Structural {
    /// The ONNX operator.
    pub fn node(&self) -> &'static str {
        match self {
            Self::Add | Self::AddScalar(_) => "Add",
            Self::Sub => "Sub",
            Self::Mul | Self::MulScalar(_) => "Mul",
            Self::DivScalar(_) => "Div",
            Self::Neg => "Neg",
            Self::Abs => "Abs",
            Self::Relu => "Relu",
            Self::Clip { .. } => "Clip",
            Self::Tanh => "Tanh",
            Self::Sigmoid => "Sigmoid",
            Self::Softmax { .. } => "Softmax",
            Self::Concat { .. } => "Concat",
            Self::MaxPool { .. } => "MaxPool",
            Self::AveragePool { .. } => "AveragePool",
            Self::GlobalAveragePool => "GlobalAveragePool",
            Self::Trunc { .. } => "Trunc",
            Self::BatchNorm { .. } => "BatchNormalization",
            Self::Reshape { .. } => "Reshape",
            Self::Transpose { .. } => "Transpose",
            Self::Pad { .. } => "Pad",
            Self::Upsample { .. } => "Resize",
            Self::PixelShuffle { .. } => "DepthToSpace",
            Self::Embedding { .. } => "Gather",
        }
    }
}
