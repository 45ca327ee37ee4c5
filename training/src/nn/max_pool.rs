//! Max pooling: keeps codes, because a larger code is a larger value.

use crate::activation::{Activation, Data};
use crate::backend::{self, MaxPoolOptions, Tensor};
use crate::component::{Component, burn_module};
use crate::error::ForwardError;
use crate::trace::{Record, Structural};

/// The largest value of each window; `N` is the number of spatial axes.
///
/// Elements added by padding are never the largest. Scales of channels stay.
#[derive(Clone)]
pub struct MaxPool<const N: usize> {
    name: String,
    kernel_size: [usize; N],
    stride: [usize; N],
    padding: [(usize, usize); N],
    dilation: [usize; N],
    ceil_mode: bool,
}

/// Max pooling of `[batch, channels, length]`.
pub type MaxPool1d = MaxPool<1>;

/// Max pooling of `[batch, channels, height, width]`; pairs are height and width.
pub type MaxPool2d = MaxPool<2>;

impl<const N: usize> MaxPool<N> {
    /// Windows of `kernel_size`, `stride` apart.
    pub fn new(name: impl Into<String>, kernel_size: [usize; N], stride: [usize; N]) -> Self {
        let (padding, dilation) = ([(0, 0); N], [1; N]);
        Self { name: name.into(), kernel_size, stride, padding, dilation, ceil_mode: false }
    }

    /// Elements added on both sides, at most half of a window.
    #[must_use]
    pub fn padding(self, padding: [usize; N]) -> Self {
        self.padding_ends(padding.map(|elems| (elems, elems)))
    }

    /// Elements added before and behind each axis, at both ends less than a window.
    #[must_use]
    pub fn padding_ends(self, padding: [(usize, usize); N]) -> Self {
        Self { padding, ..self }
    }

    /// Distance between window elements.
    #[must_use]
    pub fn dilation(self, dilation: [usize; N]) -> Self {
        Self { dilation, ..self }
    }

    /// Whether a last window may reach beyond the end.
    #[must_use]
    pub fn ceil_mode(self, ceil_mode: bool) -> Self {
        Self { ceil_mode, ..self }
    }

    fn pooled<const D: usize>(
        &self,
        x: &Activation<D>,
        pool: impl FnOnce(Tensor<D>) -> Tensor<D>,
    ) -> Result<Activation<D>, ForwardError> {
        let shape = x.dims();
        let span = |axis: usize| self.dilation[axis] * self.kernel_size[axis].saturating_sub(1) + 1;
        let fits = |axis: usize| {
            let positive = self.kernel_size[axis] > 0 && self.stride[axis] > 0 && self.dilation[axis] > 0;
            let (begin, end) = self.padding[axis];
            let kernel = self.kernel_size[axis];
            let reaches = if begin == end { 2 * begin <= kernel } else { begin.max(end) < kernel };
            positive && reaches && shape[axis + 2] + begin + end >= span(axis)
        };
        if !(0..N).all(fits) {
            let least = |axis: usize| span(axis).saturating_sub(self.padding[axis].0 + self.padding[axis].1);
            let least: Vec<usize> = (0..N).map(least).collect();
            let needed = format!(
                "[batch, channels] and at least {least:?}, with windows and strides above zero and padding of at most \
                 half a window, or less than a window where its ends differ"
            );
            return Err(ForwardError::Shape { layer: self.name.clone(), found: shape.to_vec(), needed });
        }
        let data = match x.data() {
            Data::Float(value) => Data::Float(pool(value.clone())),
            Data::Quant(quant) => quant.choose_largest(pool).into(),
        };
        let operator = Structural::MaxPool {
            kernel_size: self.kernel_size.to_vec(),
            stride: self.stride.to_vec(),
            padding: self.padding.to_vec(),
            dilation: self.dilation.to_vec(),
            ceil_mode: self.ceil_mode,
        };
        Ok(x.next(data, || Record::Structural { name: self.name.clone(), operator }))
    }

    fn options(&self) -> MaxPoolOptions<N> {
        MaxPoolOptions::new(self.kernel_size)
            .with_stride(self.stride)
            .with_padding_pairs(self.padding)
            .with_dilation(self.dilation)
            .with_ceil_mode(self.ceil_mode)
    }
}

impl MaxPool<1> {
    /// The pooled input, quantized if the input is.
    ///
    /// # Errors
    ///
    /// If the input is smaller than a window, or padding more than half of one.
    pub fn forward(&self, x: &Activation<3>) -> Result<Activation<3>, ForwardError> {
        self.pooled(x, |x| backend::max_pool1d(x, self.options()))
    }
}

impl MaxPool<2> {
    /// The pooled input, quantized if the input is.
    ///
    /// # Errors
    ///
    /// If the input is smaller than a window, or padding more than half of one.
    pub fn forward(&self, x: &Activation<4>) -> Result<Activation<4>, ForwardError> {
        self.pooled(x, |x| backend::max_pool2d(x, self.options()))
    }
}

impl<const N: usize> Component for MaxPool<N> {
    fn label(&self) -> String {
        format!("MaxPool{N}d(kernel_size={:?}, stride={:?})", self.kernel_size, self.stride)
    }
}

burn_module!([const N: usize] MaxPool<N>);
