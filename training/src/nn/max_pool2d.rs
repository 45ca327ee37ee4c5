//! Max pooling: keeps codes, because a larger code is a larger value.

use crate::activation::{Activation, Data};
use crate::backend::{MaxPoolOptions, Tensor, module};
use crate::component::{Component, burn_module};
use crate::error::ForwardError;
use crate::trace::Record;

/// The largest value of each window of `[batch, channels, height, width]`. Windows lie inside the input.
#[derive(Clone)]
pub struct MaxPool2d {
    name: String,
    kernel_size: [usize; 2],
    stride: [usize; 2],
}

impl MaxPool2d {
    /// Windows of `kernel_size`, `stride` apart; both height and width.
    pub fn new(name: impl Into<String>, kernel_size: [usize; 2], stride: [usize; 2]) -> Self {
        Self { name: name.into(), kernel_size, stride }
    }

    /// The pooled input, quantized if the input is.
    ///
    /// # Errors
    ///
    /// If the input is smaller than a window.
    pub fn forward(&self, x: &Activation<4>) -> Result<Activation<4>, ForwardError> {
        let shape = x.dims();
        if shape[2] < self.kernel_size[0] || shape[3] < self.kernel_size[1] {
            let [height, width] = self.kernel_size;
            let needed = format!("[batch, channels, at least {height}, at least {width}]");
            return Err(ForwardError::Shape { layer: self.name.clone(), found: shape.to_vec(), needed });
        }
        let data = match x.data() {
            Data::Float(value) => Data::Float(self.pool(value.clone())),
            Data::Quant(quant) => quant.rearrange(|x| self.pool(x)).into(),
        };
        Ok(x.next(data, || Record::MaxPool2d {
            name: self.name.clone(),
            kernel_size: self.kernel_size,
            stride: self.stride,
        }))
    }

    fn pool(&self, x: Tensor<4>) -> Tensor<4> {
        module::max_pool2d(x, MaxPoolOptions::new(self.kernel_size).with_stride(self.stride))
    }
}

impl Component for MaxPool2d {
    fn label(&self) -> String {
        format!("MaxPool2d(kernel_size={:?}, stride={:?})", self.kernel_size, self.stride)
    }
}

burn_module!([] MaxPool2d);
