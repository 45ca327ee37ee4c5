//! Average pooling: exact sums of codes, whose scale is divided by the number of elements of a window.

use crate::activation::{Activation, Data};
use crate::backend::{Tensor, module};
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
        self.pooled(x, |x| module::avg_pool1d(x, self.options()))
    }
}

impl AvgPool<2> {
    /// The pooled input, quantized if the input is.
    ///
    /// # Errors
    ///
    /// If the input is smaller than a window, or padding meets an accumulator with a bias.
    pub fn forward(&self, x: &Activation<4>) -> Result<Activation<4>, ForwardError> {
        self.pooled(x, |x| module::avg_pool2d(x, self.options()))
    }
}

impl<const N: usize> Component for AvgPool<N> {
    fn label(&self) -> String {
        format!("AvgPool{N}d(kernel_size={:?}, stride={:?})", self.kernel_size, self.stride)
    }
}

/// Average pooling to an output of given height and width, which divide those of the input.
#[derive(Clone)]
pub struct AdaptiveAvgPool2d {
    name: String,
    output_size: [usize; 2],
}

impl AdaptiveAvgPool2d {
    /// A pool to height and width `output_size`; `[1, 1]` is the mean of each channel.
    pub fn new(name: impl Into<String>, output_size: [usize; 2]) -> Self {
        Self { name: name.into(), output_size }
    }

    /// The pooled input, quantized if the input is.
    ///
    /// # Errors
    ///
    /// If the output size does not divide the input's: windows of different sizes have no common scale.
    pub fn forward(&self, x: &Activation<4>) -> Result<Activation<4>, ForwardError> {
        let found = x.dims();
        let [height, width] = self.output_size;
        let divides = |out: usize, extent: usize| out > 0 && extent > 0 && extent.is_multiple_of(out);
        if !divides(height, found[2]) || !divides(width, found[3]) {
            let needed = format!("[batch, channels, a multiple of {height}, a multiple of {width}]");
            return Err(ForwardError::Shape { layer: self.name.clone(), found: found.to_vec(), needed });
        }
        let kernel = [found[2] / height, found[3] / width];
        AvgPool::new(self.name.clone(), kernel, kernel).forward(x)
    }
}

impl Component for AdaptiveAvgPool2d {
    fn label(&self) -> String {
        format!("AdaptiveAvgPool2d(output_size={:?})", self.output_size)
    }
}

burn_module!([const N: usize] AvgPool<N>, [] AdaptiveAvgPool2d);
