//! The tensor library behind this crate, named in one place.
//!
//! Autograd, optimizers and tensor kernels come from burn on its pure-Rust processor backend. Nothing outside this
//! file and the layers' operators depends on its shape, so an upgrade is felt here first.

pub use burn::lr_scheduler::cosine::CosineAnnealingLrSchedulerConfig;
pub use burn::module::Module;
pub use burn::optim::{AdamConfig, GradientsParams, ModuleOptimizer};
pub use burn::tensor::activation::relu;
pub use burn::tensor::loss::cross_entropy_with_logits;
pub use burn::tensor::ops::{ConvOptions, MaxPoolOptions};
pub use burn::tensor::{DType, Device, FloatDType, Gradients, Int, Tensor, TensorData, module};

/// Where training tensors live: operations on them are recorded for the backward pass.
pub fn training_device() -> Device {
    Device::flex().autodiff()
}

/// Where evaluation tensors live: nothing is recorded.
pub fn evaluation_device() -> Device {
    Device::flex()
}

/// An `f32` tensor of `shape` from row-major `values`.
pub(crate) fn tensor<const D: usize>(values: Vec<f32>, shape: [usize; D], device: &Device) -> Tensor<D> {
    Tensor::from_data(TensorData::new(values, shape), (device, DType::F32))
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
