//! Why tensors cannot be operands of an operation. Layers add their name.

use thiserror::Error;

/// Operands of an operation on quantized tensors do not fit each other, or the operation.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum OperandError {
    /// Element-wise operands of different shapes, or a concatenation whose other dimensions differ.
    #[error("Shapes are different: {left:?} and {right:?}; reshape one operand first")]
    Shapes {
        /// Of the first operand.
        left: Vec<usize>,
        /// Of the other operand.
        right: Vec<usize>,
    },
    /// Codes of different scales have no common unit.
    #[error(
        "Scaling factors are different: {left:?} and {right:?}; quantize both operands by one quantizer, such as the \
         input_quant of a QuantEltwiseAdd"
    )]
    Scales {
        /// Of the first operand.
        left: Vec<f32>,
        /// Of the other operand.
        right: Vec<f32>,
    },
    /// Joined codes of different zero points have no common zero.
    #[error("Zero points are different: {left:?} and {right:?}; quantize both operands by one quantizer")]
    ZeroPoints {
        /// Of the first operand.
        left: Vec<f32>,
        /// Of the other operand.
        right: Vec<f32>,
    },
    /// Joined codes have one width.
    #[error("Bit widths are different: {left} and {right}; give both quantizers the same bit_width")]
    BitWidths {
        /// Of the first operand.
        left: f32,
        /// Of the other operand.
        right: f32,
    },
    /// Joined codes have one sign.
    #[error("Signs are different: one operand is signed, the other one is not; give both the same quantizer")]
    Signs,
    /// A product of codes is a code only if zero stands for zero.
    #[error(
        "Zero points of the operands are not zero: {left:?} and {right:?}; use quantizers with ZeroZeroPoint"
    )]
    ZeroPointProduct {
        /// Of the first operand.
        left: Vec<f32>,
        /// Of the other operand.
        right: Vec<f32>,
    },
    /// The value zero is no code, or larger codes are not larger values.
    #[error(
        "the operand is an accumulator with a bias or with scales below zero, whose codes do not stand for this \
         operation; quantize it before"
    )]
    Offset,
    /// Operands of a training pass and of an evaluation.
    #[error("one operand is fake-quantized and the other one exact; compute both in one pass")]
    Passes,
    /// One operand comes from an exported pass and the other one does not.
    #[error("one operand is no value of the recorded pass; compute both from its input")]
    Untraced,
    /// A constant that is zero, infinite or not a number.
    #[error("constant {value} is not finite, or zero where a factor is needed")]
    Constant {
        /// What was found.
        value: f32,
    },
    /// Codes of the result may leave the integers that double precision holds.
    #[error("codes of the result may reach {bound}, needed below 2^53; use narrower operands")]
    Overflow {
        /// The largest magnitude of a code, if it is known.
        bound: u64,
    },
    /// Scales or offsets belong to different dimensions.
    #[error(
        "channels are dimension {left} of one operand and dimension {right} of the other; permute one first"
    )]
    Axes {
        /// Of the first operand.
        left: usize,
        /// Of the other operand.
        right: usize,
    },
    /// A rearrangement would separate elements from the scale of their channel.
    #[error(
        "dimension {axis} has a scale or an offset per index, which the new arrangement does not keep; quantize to one \
         scale before"
    )]
    Channels {
        /// The dimension of channels.
        axis: usize,
    },
    /// No tensors to concatenate.
    #[error("a concatenation of no tensors; give at least one")]
    Empty,
    /// A dimension that the tensor does not have, or a shape of another number of elements.
    #[error("a tensor of shape {found:?} has no {needed}")]
    Shape {
        /// The shape of the operand.
        found: Vec<usize>,
        /// What the operation needs.
        needed: String,
    },
}
