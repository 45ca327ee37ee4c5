//! At which levels an operator may stand, and how many operands it takes: what the verifier asks of every node.

use super::{Level, Op, Requantize, RequantizePair};

impl Op {
    /// First and last level that allow the operator.
    pub const fn levels(&self) -> (Level, Level) {
        match self {
            Self::Quant(_)
            | Self::BipolarQuant
            | Self::Trunc(_)
            | Self::MultiThreshold(_)
            | Self::Conv(_)
            | Self::ConvTranspose(_)
            | Self::Gemm { .. }
            | Self::MatMul
            | Self::BatchNormalization { .. }
            | Self::Add
            | Self::Sub
            | Self::Mul
            | Self::Div
            | Self::Pow
            | Self::Affine(_)
            | Self::Activation(_)
            | Self::Max
            | Self::Min
            | Self::Where
            | Self::MinPool(_)
            | Self::AveragePool(_)
            | Self::Softmax { .. }
            | Self::Pad { .. }
            | Self::Flatten { .. }
            | Self::Identity => (Level::Imported, Level::Imported),
            Self::Quantize(_)
            | Self::Dense
            | Self::Conv2d(_)
            | Self::ConvTranspose2d(_)
            | Self::Sum { .. }
            | Self::Product { .. }
            | Self::SumPool(_)
            | Self::Border { .. }
            | Self::Push
            | Self::Dequantize(_) => (Level::Quantized, Level::Scheduled),
            Self::Requantize(Requantize::Exact(_)) | Self::RequantizePair(RequantizePair::Exact { .. }) => {
                (Level::Quantized, Level::Quantized)
            }
            Self::Requantize(Requantize::Certified(_))
            | Self::RequantizePair(RequantizePair::Certified { .. }) => (Level::Integer, Level::Scheduled),
            Self::MaxPool(_)
            | Self::Reshape
            | Self::Transpose { .. }
            | Self::Concat { .. }
            | Self::Repeat { .. }
            | Self::Slice { .. }
            | Self::TopK { .. } => (Level::Imported, Level::Scheduled),
        }
    }

    /// Fewest and most operands.
    pub const fn arity(&self) -> (usize, usize) {
        match self {
            Self::Quant(_) => (4, 4),
            Self::BipolarQuant | Self::MultiThreshold(_) => (2, 2),
            Self::Trunc(_) => (5, 6),
            Self::Conv(_)
            | Self::ConvTranspose(_)
            | Self::Gemm { .. }
            | Self::Dense
            | Self::Conv2d(_)
            | Self::ConvTranspose2d(_) => (2, 3),
            Self::MatMul
            | Self::Add
            | Self::Sub
            | Self::Mul
            | Self::Div
            | Self::Pow
            | Self::Sum { .. }
            | Self::Product { .. }
            | Self::Push
            | Self::RequantizePair(_) => (2, 2),
            Self::BatchNormalization { .. } => (5, 5),
            Self::Where => (3, 3),
            Self::Max | Self::Min => (2, usize::MAX),
            Self::Concat { .. } => (1, usize::MAX),
            Self::Reshape => (1, 2),
            Self::Affine(_)
            | Self::Activation(_)
            | Self::MinPool(_)
            | Self::MaxPool(_)
            | Self::AveragePool(_)
            | Self::SumPool(_)
            | Self::Softmax { .. }
            | Self::Pad { .. }
            | Self::Border { .. }
            | Self::Flatten { .. }
            | Self::Identity
            | Self::Transpose { .. }
            | Self::Repeat { .. }
            | Self::Slice { .. }
            | Self::TopK { .. }
            | Self::Quantize(_)
            | Self::Requantize(_)
            | Self::Dequantize(_) => (1, 1),
        }
    }
}
