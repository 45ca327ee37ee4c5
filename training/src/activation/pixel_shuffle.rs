//! Between blocks of channels and blocks of pixels: elements move, codes stay.

use super::{Activation, Data};
use crate::backend::Tensor;
use crate::error::ForwardError;
use crate::quant_tensor::OperandError;
use crate::trace::{Record, Structural};

impl Activation<4> {
    /// From `[batch, channels * factor^2, height, width]` to `[batch, channels, height * factor, width * factor]`.
    ///
    /// # Errors
    ///
    /// If the channels are no multiple of `factor^2`, or have scales of their own.
    pub fn pixel_shuffle(&self, factor: usize) -> Result<Self, ForwardError> {
        let [batch, channels, height, width] = self.dims();
        let fits = factor > 0 && channels.is_multiple_of(factor * factor);
        let name = self.step_name("pixel_shuffle");
        if !fits {
            let needed = format!("channels that are a multiple of the square of {factor}");
            return Err(ForwardError::Shape { layer: name, found: self.dims().to_vec(), needed });
        }
        let channels = channels / (factor * factor);
        let map = |x: Tensor<4>| {
            let blocks: Tensor<6> = x.reshape([batch, channels, factor, factor, height, width]);
            let pixels = blocks.permute([0, 1, 4, 2, 5, 3]);
            pixels.reshape([batch, channels, height * factor, width * factor])
        };
        let data = match self.data() {
            Data::Float(value) => Data::Float(map(value.clone())),
            Data::Quant(quant) if quant.per_channel() => {
                let source = OperandError::Channels { axis: 1 };
                return Err(ForwardError::Operands { layer: name, source });
            }
            Data::Quant(quant) => quant.rearrange(map).into(),
        };
        let operator = Structural::PixelShuffle { factor };
        Ok(self.next(data, || Record::Structural { name, operator }))
    }

    /// From `[batch, channels, height * factor, width * factor]` to `[batch, channels * factor^2, height, width]`.
    ///
    /// # Errors
    ///
    /// If height and width are no multiples of `factor`, or channels have scales of their own.
    pub fn pixel_unshuffle(&self, factor: usize) -> Result<Self, ForwardError> {
        let [batch, channels, height, width] = self.dims();
        if factor == 0 || !height.is_multiple_of(factor) || !width.is_multiple_of(factor) {
            let needed = format!("height and width that are multiples of {factor}");
            let layer = self.step_name("pixel_unshuffle");
            return Err(ForwardError::Shape { layer, found: self.dims().to_vec(), needed });
        }
        let (height, width) = (height / factor, width / factor);
        let blocks: Activation<6> = self.reshape([batch, channels, height, factor, width, factor])?;
        blocks.permute([0, 1, 3, 5, 2, 4])?.reshape([batch, channels * factor * factor, height, width])
    }
}
