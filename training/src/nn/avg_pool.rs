//! Average pooling: exact sums of codes, whose scale is divided by the number of elements of a window.

use crate::activation::{Activation, Data};
use crate::backend::{self, Tensor};
use crate::component::{Component, burn_module};
use crate::error::ForwardError;
use crate::trace::{Record, Structural};
use burn::tensor::DType;
use burn::tensor::ops::AvgPoolOptions;

/// The mean of each window, padding included; `N` is the number of spatial axes.
#[derive(Clone)]
pub struct AvgPool<const N: usize> {
    name: String,
    kernel_size: [usize; N],
    stride: [usize; N],
    padding: [usize; N],
}

/// Average pooling of `[batch, channels, length]`.
pub type AvgPool1d = AvgPool<1>;

/// Average pooling of `[batch, channels, height, width]`; pairs are height and width.
pub type AvgPool2d = AvgPool<2>;

impl<const N: usize> AvgPool<N> {
    /// Windows of `kernel_size`, `stride` apart.
    pub fn new(name: impl Into<String>, kernel_size: [usize; N], stride: [usize; N]) -> Self {
        Self { name: name.into(), kernel_size, stride, padding: [0; N] }
    }

    /// Zeros added on both sides, at most half of a window; they count as elements.
    #[must_use]
    pub fn padding(self, padding: [usize; N]) -> Self {
        Self { padding, ..self }
    }

    /// Elements of a window.
    pub(super) fn window_elems(&self) -> usize {
        self.kernel_size.iter().product()
    }

    fn pooled<const D: usize>(
        &self,
        x: &Activation<D>,
        pool: impl Fn(Tensor<D>) -> Tensor<D>,
    ) -> Result<Activation<D>, ForwardError> {
        let shape = x.dims();
        let fits = |axis: usize| {
            let (kernel, padding) = (self.kernel_size[axis], self.padding[axis]);
            let positive = kernel > 0 && self.stride[axis] > 0;
            positive && 2 * padding <= kernel && shape[axis + 2] + 2 * padding >= kernel
        };
        if !(0..N).all(fits) {
            let needed = format!(
                "[batch, channels] and at least {:?} with the padding, with windows and strides above zero and padding \
                 of at most half a window",
                self.kernel_size
            );
            return Err(ForwardError::Shape { layer: self.name.clone(), found: shape.to_vec(), needed });
        }
        let count = self.window_elems();
        // The mean of integers below 2^50 in double precision is within less than half of 1 / count.
        let sum = |codes: Tensor<D>| {
            let carrier = codes.dtype();
            (pool(codes.cast(DType::F64)) * count as f64).round().cast(carrier)
        };
        let data = match x.data() {
            Data::Float(value) => Data::Float(pool(value.clone())),
            Data::Quant(quant) => {
                let padded = self.padding.iter().any(|padding| *padding > 0);
                let failed = |source| ForwardError::Operands { layer: self.name.clone(), source };
                quant.average(count, padded, &pool, sum).map_err(failed)?.into()
            }
        };
        let global = (0..N).all(|axis| self.kernel_size[axis] == shape[axis + 2] && self.padding[axis] == 0);
        let operator = if global {
            Structural::GlobalAveragePool
        } else {
            Structural::AveragePool {
                kernel_size: self.kernel_size.to_vec(),
                stride: self.stride.to_vec(),
                padding: self.padding.to_vec(),
            }
        };
        Ok(x.next(data, || Record::Structural { name: self.name.clone(), operator }))
    }

    fn options(&self) -> AvgPoolOptions<N> {
        AvgPoolOptions::new(self.kernel_size).with_stride(self.stride).with_padding(self.padding)
    }
}

impl AvgPool<1> {
    /// The pooled input, quantized if the input is.
    ///
    /// # Errors
    ///
    /// If the input is smaller than a window, or padding meets an accumulator with a bias.
    pub fn forward(&self, x: &Activation<3>) -> Result<Activation<3>, ForwardError> {
        self.pooled(x, |x| backend::avg_pool1d(x, self.options()))
    }
}

impl AvgPool<2> {
    /// The pooled input, quantized if the input is.
    ///
    /// # Errors
    ///
    /// If the input is smaller than a window, or padding meets an accumulator with a bias.
    pub fn forward(&self, x: &Activation<4>) -> Result<Activation<4>, ForwardError> {
        self.pooled(x, |x| backend::avg_pool2d(x, self.options()))
    }
}

impl<const N: usize> Component for AvgPool<N> {
    fn label(&self) -> String {
        format!("AvgPool{N}d(kernel_size={:?}, stride={:?})", self.kernel_size, self.stride)
    }
}

burn_module!([const N: usize] AvgPool<N>);
