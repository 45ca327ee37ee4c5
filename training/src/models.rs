//! Networks ready to train. The float network of a quantized one is the same code without quantizers.

mod digits_cnn;
mod digits_mlp;

pub use digits_cnn::DigitsCnn;
pub use digits_mlp::DigitsMlp;

use crate::BuildError;

/// Whether a network has quantizers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arithmetic {
    /// 8-bit weights and activations, 16-bit biases.
    Quantized,
    /// Floats throughout, to compare with.
    Float,
}

impl Arithmetic {
    /// `quant` in a quantized network, nothing in a float one.
    pub(crate) fn then<T>(self, quant: T) -> Option<T> {
        (self == Self::Quantized).then_some(quant)
    }
}

/// The quantized multilayer perceptron for digits; its starting values depend on `seed` alone.
///
/// # Errors
///
/// If a layer cannot be built.
pub fn digits_mlp(arithmetic: Arithmetic, seed: u64) -> Result<DigitsMlp, BuildError> {
    DigitsMlp::new(arithmetic, seed)
}

/// The quantized convolutional network for digits; its starting values depend on `seed` alone.
///
/// # Errors
///
/// If a layer cannot be built.
pub fn digits_cnn(arithmetic: Arithmetic, seed: u64) -> Result<DigitsCnn, BuildError> {
    DigitsCnn::new(arithmetic, seed)
}
