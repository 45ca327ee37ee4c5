//! Upsampling by repetition: keeps codes.

use crate::activation::{Activation, Data};
use crate::backend::Tensor;
use crate::component::{Component, burn_module};
use crate::error::ForwardError;
use crate::trace::{Record, Structural};

/// Repeats each pixel of `[batch, channels, height, width]`: nearest interpolation by whole factors.
#[derive(Clone)]
pub struct QuantUpsample {
    name: String,
    scale_factor: [usize; 2],
}

impl QuantUpsample {
    /// Each pixel `scale_factor` times along height and width.
    pub fn new(name: impl Into<String>, scale_factor: [usize; 2]) -> Self {
        Self { name: name.into(), scale_factor }
    }

    /// The larger image, quantized if the input is.
    ///
    /// # Errors
    ///
    /// If a factor is zero.
    pub fn forward(&self, x: &Activation<4>) -> Result<Activation<4>, ForwardError> {
        if self.scale_factor.contains(&0) {
            let needed = format!("factors above zero instead of {:?}", self.scale_factor);
            return Err(ForwardError::Shape { layer: self.name.clone(), found: x.dims().to_vec(), needed });
        }
        let data = match x.data() {
            Data::Float(value) => Data::Float(self.repeat(value.clone())),
            Data::Quant(quant) => quant.rearrange(|x| self.repeat(x)).into(),
        };
        let [height, width] = self.scale_factor;
        let operator = Structural::Upsample { scale: vec![1, 1, height, width] };
        Ok(x.next(data, || Record::Structural { name: self.name.clone(), operator }))
    }

    fn repeat(&self, x: Tensor<4>) -> Tensor<4> {
        let ([batch, channels, height, width], [rows, columns]) = (x.dims(), self.scale_factor);
        let wide: Tensor<3> = x.reshape([batch * channels * height, width, 1]).repeat_dim(2, columns);
        let width = width * columns;
        let tall: Tensor<4> = wide.reshape([batch * channels, height, 1, width]).repeat_dim(2, rows);
        tall.reshape([batch, channels, height * rows, width])
    }
}

impl Component for QuantUpsample {
    fn label(&self) -> String {
        format!("QuantUpsample(scale_factor={:?})", self.scale_factor)
    }
}

burn_module!([] QuantUpsample);
