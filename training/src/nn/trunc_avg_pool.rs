//! Truncating average pooling: the sum of a window, whose low bits are dropped.
//!
//! A sum of codes of `b` bits has `i = ceil(log2((2^b - 1) * elements))` bits, and the output keeps the upper ones. Its
//! scale is that of the average times `2^(i - bits)`, which for windows of a power of two is the scale of the input.

use exactum_runtime::num::Rounding;

use super::avg_pool::AvgPool;
use crate::activation::{Activation, Data};
use crate::component::{Component, burn_module};
use crate::error::ForwardError;
use crate::trace::{Record, Structural};

/// An average pool that drops low bits; `N` is the number of spatial axes.
#[derive(Clone)]
pub struct TruncAvgPool<const N: usize> {
    name: String,
    pool: AvgPool<N>,
    bit_width: u8,
    rounding: Rounding,
}

/// Truncating average pooling of `[batch, channels, length]`.
pub type TruncAvgPool1d = TruncAvgPool<1>;

/// Truncating average pooling of `[batch, channels, height, width]`.
pub type TruncAvgPool2d = TruncAvgPool<2>;

impl<const N: usize> TruncAvgPool<N> {
    /// Windows of `kernel_size`, `stride` apart, to 8 bits, rounded half to even.
    pub fn new(name: impl Into<String>, kernel_size: [usize; N], stride: [usize; N]) -> Self {
        let name = name.into();
        let pool = AvgPool::new(format!("{name}.avg_pool"), kernel_size, stride);
        Self { name, pool, bit_width: 8, rounding: Rounding::HalfEven }
    }

    /// Bits that are kept, 1 to 32.
    #[must_use]
    pub fn bit_width(self, bit_width: u8) -> Self {
        Self { bit_width, ..self }
    }

    /// Drops bits without rounding, as Brevitas did before version 0.12.
    #[must_use]
    pub fn floor(self) -> Self {
        Self { rounding: Rounding::Floor, ..self }
    }

    fn truncate<const D: usize>(
        &self,
        x: &Activation<D>,
        averaged: Activation<D>,
    ) -> Result<Activation<D>, ForwardError> {
        let (Some(input), Some(quant)) = (x.quant(), averaged.quant()) else { return Ok(averaged) };
        let count = self.pool.window_elems();
        let codes = (f64::from(input.bit_width().ceil()).exp2() - 1.0) * count as f64;
        let input_bit_width = codes.log2().ceil() as u8;
        let shift = input_bit_width.saturating_sub(self.bit_width);
        let failed = |source| ForwardError::Operands { layer: self.name.clone(), source };
        let (truncated, [scale, output_scale]) =
            quant.truncate(input, count, shift, self.bit_width, self.rounding).map_err(failed)?;
        let operator = Structural::Trunc {
            scale,
            input_bit_width,
            output_scale,
            output_bit_width: self.bit_width,
            signed: truncated.signed(),
            rounding: self.rounding,
        };
        let data = Data::from(truncated);
        Ok(averaged.next(data, || Record::Structural { name: self.name.clone(), operator }))
    }
}

impl TruncAvgPool<1> {
    /// The truncated averages; plain averages of floats.
    ///
    /// # Errors
    ///
    /// If the input is smaller than a window, or an accumulator with a bias or one scale per channel.
    pub fn forward(&self, x: &Activation<3>) -> Result<Activation<3>, ForwardError> {
        self.truncate(x, self.pool.forward(x)?)
    }
}

impl TruncAvgPool<2> {
    /// The truncated averages; plain averages of floats.
    ///
    /// # Errors
    ///
    /// If the input is smaller than a window, or an accumulator with a bias or one scale per channel.
    pub fn forward(&self, x: &Activation<4>) -> Result<Activation<4>, ForwardError> {
        self.truncate(x, self.pool.forward(x)?)
    }
}

impl<const N: usize> Component for TruncAvgPool<N> {
    fn label(&self) -> String {
        format!("TruncAvgPool{N}d(bit_width={}, rounding={:?})", self.bit_width, self.rounding)
    }

    fn children(&self) -> Vec<(&'static str, &dyn Component)> {
        vec![("avg_pool", &self.pool)]
    }
}

burn_module!([const N: usize] TruncAvgPool<N>);
