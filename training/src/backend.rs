//! The tensor library behind this crate, named in one place.
//!
//! Autograd, optimizers and tensor kernels come from burn on its pure-Rust processor backend. Nothing outside this
//! file, `kernels` and the layers' operators depends on its shape, so an upgrade is felt here first. Operators run in
//! our own kernels where those apply, in burn's everywhere else.

pub use burn::lr_scheduler::cosine::CosineAnnealingLrSchedulerConfig;
pub use burn::module::Module;
pub use burn::optim::{AdamConfig, GradientsParams, ModuleOptimizer};
pub use burn::tensor::activation::{sigmoid, softmax};
pub use burn::tensor::loss::cross_entropy_with_logits;
pub use burn::tensor::module::BatchNormTrainOutput;
pub use burn::tensor::ops::{AvgPoolOptions, ConvOptions, ConvTransposeOptions, MaxPoolOptions};
pub use burn::tensor::{DType, Device, FloatDType, Gradients, Int, Tensor, TensorData, module};

use crate::kernels;

/// Where training tensors live: operations on them are recorded for the backward pass.
pub fn training_device() -> Device {
    Device::flex().autodiff()
}

/// Where evaluation tensors live: nothing is recorded.
pub fn evaluation_device() -> Device {
    Device::flex()
}

/// `f`, on a thread of the pool that tensor operations divide their work over: handing every operation over to the
/// pool from outside would cost more than a small operation itself.
pub fn in_pool<T: Send>(f: impl FnOnce() -> T + Send) -> T {
    rayon::scope(|_| f())
}

/// `x * transpose(weight)`, with `x` as `[batch, in]` and `weight` as `[out, in]`.
///
/// # Panics
///
/// If `in` differs; layers check their input before.
pub fn linear(x: Tensor<2>, weight: Tensor<2>) -> Tensor<2> {
    kernels::linear(&x, &weight).unwrap_or_else(|| x.matmul(weight.transpose()))
}

/// The largest magnitude of each group of `[groups, elems]`, `[groups, 1]`. The first of the largest elements of a group
/// has all of its gradient.
pub fn abs_max(x: Tensor<2>) -> Tensor<2> {
    kernels::abs_max(&x).unwrap_or_else(|| x.abs().max_dim(1))
}

/// A convolution of `[batch, in, length]` with `[out, in / groups, kernel]`, without bias.
///
/// # Panics
///
/// If the shapes do not fit; layers check their input before.
pub fn conv1d(x: Tensor<3>, weight: Tensor<3>, options: ConvOptions<1>) -> Tensor<3> {
    kernels::conv(&x, &weight, &options).unwrap_or_else(|| module::conv1d(x, weight, None, options))
}

/// A convolution of `[batch, in, height, width]` with `[out, in / groups, kernel height, kernel width]`, without bias.
///
/// # Panics
///
/// If the shapes do not fit; layers check their input before.
pub fn conv2d(x: Tensor<4>, weight: Tensor<4>, options: ConvOptions<2>) -> Tensor<4> {
    kernels::conv(&x, &weight, &options).unwrap_or_else(|| module::conv2d(x, weight, None, options))
}

/// A transposed convolution of `[batch, in, length]` with `[in, out / groups, kernel]`, without bias.
///
/// # Panics
///
/// If the shapes do not fit; layers check their input before.
pub fn conv_transpose1d(x: Tensor<3>, weight: Tensor<3>, options: ConvTransposeOptions<1>) -> Tensor<3> {
    kernels::conv_transpose(&x, &weight, &options)
        .unwrap_or_else(|| module::conv_transpose1d(x, weight, None, options))
}

/// A transposed convolution of `[batch, in, height, width]` with `[in, out / groups, kernel height, kernel width]`,
/// without bias.
///
/// # Panics
///
/// If the shapes do not fit; layers check their input before.
pub fn conv_transpose2d(x: Tensor<4>, weight: Tensor<4>, options: ConvTransposeOptions<2>) -> Tensor<4> {
    kernels::conv_transpose(&x, &weight, &options)
        .unwrap_or_else(|| module::conv_transpose2d(x, weight, None, options))
}

/// `x`, or zero where it is negative; the gradient is that of `x` where it is positive.
pub fn relu<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    kernels::relu(&x).unwrap_or_else(|| burn::tensor::activation::relu(x))
}

/// The largest element of each window of `[batch, channels, length]`.
///
/// # Panics
///
/// If no window fits; layers check their input before.
pub fn max_pool1d(x: Tensor<3>, options: MaxPoolOptions<1>) -> Tensor<3> {
    kernels::max_pool(&x, &options).unwrap_or_else(|| module::max_pool1d(x, options))
}

/// The largest element of each window of `[batch, channels, height, width]`.
///
/// # Panics
///
/// If no window fits; layers check their input before.
pub fn max_pool2d(x: Tensor<4>, options: MaxPoolOptions<2>) -> Tensor<4> {
    kernels::max_pool(&x, &options).unwrap_or_else(|| module::max_pool2d(x, options))
}

/// The mean of each window of `[batch, channels, length]`.
///
/// # Panics
///
/// If no window fits; layers check their input before.
pub fn avg_pool1d(x: Tensor<3>, options: AvgPoolOptions<1>) -> Tensor<3> {
    kernels::avg_pool(&x, &options).unwrap_or_else(|| module::avg_pool1d(x, options))
}

/// The mean of each window of `[batch, channels, height, width]`.
///
/// # Panics
///
/// If no window fits; layers check their input before.
pub fn avg_pool2d(x: Tensor<4>, options: AvgPoolOptions<2>) -> Tensor<4> {
    kernels::avg_pool(&x, &options).unwrap_or_else(|| module::avg_pool2d(x, options))
}

/// Batch normalization over every dimension but the channels (dimension 1), with the statistics of the batch:
/// `(x - mean) / sqrt(variance + epsilon) * gamma + beta`. The returned mean and variance (of the population, without
/// Bessel's correction) carry no gradient of their own.
///
/// # Panics
///
/// If `gamma` or `beta` has not one element per channel; layers check their input before.
pub fn batch_norm_train<const D: usize>(
    x: Tensor<D>,
    gamma: Tensor<1>,
    beta: Tensor<1>,
    epsilon: f64,
) -> BatchNormTrainOutput<D> {
    kernels::batch_norm_train(&x, &gamma, &beta, epsilon)
        .unwrap_or_else(|| module::batch_norm_train(x, gamma, beta, epsilon))
}

/// `x` plus one element per channel (dimension 1).
///
/// # Panics
///
/// If `channels` has not one element per channel; layers check their input before.
pub fn add_channels<const D: usize>(x: Tensor<D>, channels: Tensor<1>) -> Tensor<D> {
    kernels::add_channels(&x, &channels).unwrap_or_else(|| {
        let mut shape = [1; D];
        shape[1] = channels.dims()[0];
        x + channels.reshape(shape)
    })
}

/// Batch normalization with given statistics, one element per channel each.
///
/// # Panics
///
/// If an operand has not one element per channel; layers check their input before.
pub fn batch_norm<const D: usize>(
    x: Tensor<D>,
    [gamma, beta, mean, variance]: [Tensor<1>; 4],
    epsilon: f64,
) -> Tensor<D> {
    module::batch_norm(x, gamma, beta, mean, variance, epsilon)
}

/// Whether no element is infinite or not a number.
pub(crate) fn is_finite<const D: usize>(tensor: &Tensor<D>) -> bool {
    kernels::is_finite(tensor).unwrap_or_else(|| to_f32(tensor).iter().all(|value| value.is_finite()))
}

/// An `f32` tensor of `shape` from row-major `values`.
pub(crate) fn tensor<const D: usize>(values: Vec<f32>, shape: [usize; D], device: &Device) -> Tensor<D> {
    Tensor::from_data(TensorData::new(values, shape), (device, DType::F32))
}

/// A constant where `operand` is: operators need all their operands on one device.
pub(crate) fn constant<const D: usize, const E: usize>(
    values: Vec<f32>,
    shape: [usize; D],
    operand: &Tensor<E>,
) -> Tensor<D> {
    tensor(values, shape, &operand.device().inner())
}

/// `tensor` where `operand` is, as [`constant`]; a place in the autograd graph stays.
pub(crate) fn beside<const D: usize, const E: usize>(tensor: Tensor<D>, operand: &Tensor<E>) -> Tensor<D> {
    let (from, to) = (tensor.device(), operand.device().inner());
    if from.clone().inner() == to {
        return tensor;
    }
    tensor.to_device(&if from.is_autodiff() { to.autodiff() } else { to })
}

/// An `f64` tensor of `shape` from row-major `values`.
pub(crate) fn tensor_f64<const D: usize>(values: Vec<f64>, shape: [usize; D], device: &Device) -> Tensor<D> {
    Tensor::from_data(TensorData::new(values, shape), (device, DType::F64))
}

/// The elements in row-major order. Processor tensors can always be read.
pub(crate) fn to_f32<const D: usize>(tensor: &Tensor<D>) -> Vec<f32> {
    tensor.clone().try_into_vec_as::<f32>().expect("a tensor in host memory is readable")
}

/// The elements in row-major order, widened without loss.
pub(crate) fn to_f64<const D: usize>(tensor: &Tensor<D>) -> Vec<f64> {
    tensor.clone().try_into_vec_as::<f64>().expect("a tensor in host memory is readable")
}

/// The only element of a tensor of one element.
pub(crate) fn scalar<const D: usize>(tensor: &Tensor<D>) -> f32 {
    to_f32(tensor).first().copied().unwrap_or_default()
}
