//! Our own operators on the processor, forward and backward. Called by `backend`, which falls back to burn's.
//!
//! Each function gives `None` where it does not apply: another device, another element type, shapes that do not fit.
//! Sums are taken in an order that shapes alone determine, so the number of threads never changes a bit.

mod abs_max;
mod adam;
mod avg_pool;
mod batch_norm;
mod conv;
mod depthwise;
mod fake_quant;
mod fused;
mod gemm;
mod linear;
mod max_pool;
mod ops;
mod parallel;
mod quotient;
mod relu;
#[cfg(test)]
mod tests;
mod window;

pub(crate) use adam::AdamStep;
pub(crate) use fake_quant::FakeQuant;

use burn::tensor::Tensor;
use burn::tensor::module::BatchNormTrainOutput;
use burn::tensor::ops::{AvgPoolOptions, ConvOptions, ConvTransposeOptions, MaxPoolOptions};

use avg_pool::AvgPool;
use conv::Conv;
use fused::{Dense, Operand, apply};
use max_pool::MaxPool;
use ops::{
    AbsMax, AddChannels, Average, Convolution, FakeQuantize, Linear, Normalize, Pool, Rectify, Through,
};

/// Spatial extents as two dimensions; a single one is a width.
fn plane<const N: usize>(extents: [usize; N], missing: usize) -> [usize; 2] {
    let last = extents.last().copied().unwrap_or(missing);
    [if N == 2 { extents[0] } else { missing }, last]
}

/// Batch, channels and spatial extents of `[batch, channels, (height,) width]`.
fn split<const D: usize>(dims: [usize; D]) -> ([usize; 2], [usize; 2]) {
    ([dims[0], dims[1]], [if D == 4 { dims[2] } else { 1 }, dims[D - 1]])
}

/// How many windows fit along each axis, given the elements added before and after the input.
fn outputs(
    input: [usize; 2],
    [begin, end]: [[usize; 2]; 2],
    kernel: [usize; 2],
    stride: [usize; 2],
    dilation: [usize; 2],
) -> Option<[usize; 2]> {
    let mut output = [0; 2];
    for axis in 0..2 {
        let window = (kernel[axis] - 1) * dilation[axis] + 1;
        let span = (input[axis] + begin[axis] + end[axis]).checked_sub(window)?;
        output[axis] = span / stride[axis] + 1;
    }
    Some(output)
}

/// The convolution whose kernel is that of `weight`, from `x_dims` to as many outputs as fit.
fn geometry<const N: usize, const D: usize>(
    x_dims: [usize; D],
    weight_dims: [usize; D],
    options: &ConvOptions<N>,
) -> Option<Conv> {
    let ([batch, in_channels], input) = split(x_dims);
    let ([out_channels, group_channels], kernel) = split(weight_dims);
    let (stride, dilation) = (plane(options.stride, 1), plane(options.dilation, 1));
    let begin = plane(options.padding.map(|(begin, _)| begin), 0);
    let end = plane(options.padding.map(|(_, end)| end), 0);
    let groups = options.groups;
    let output = outputs(input, [begin, end], kernel, stride, dilation)?;
    let fits = group_channels * groups == in_channels && out_channels.is_multiple_of(groups);
    fits.then_some(Conv {
        batch,
        in_channels,
        out_channels,
        groups,
        input,
        output,
        kernel,
        stride,
        begin,
        dilation,
    })
}

/// `[batch, channels, (height,) width]` of the same rank as `like`.
fn shape_like<const D: usize>(
    like: [usize; D],
    batch: usize,
    channels: usize,
    plane: [usize; 2],
) -> Vec<usize> {
    let mut shape = like.to_vec();
    shape[..2].copy_from_slice(&[batch, channels]);
    shape[2..].copy_from_slice(&plane[4 - D..]);
    shape
}

/// A convolution without bias; `D` is 3 or 4, and `N` two less.
pub(crate) fn conv<const N: usize, const D: usize>(
    x: &Tensor<D>,
    weight: &Tensor<D>,
    options: &ConvOptions<N>,
) -> Option<Tensor<D>> {
    let operands = [Operand::of(x)?, Operand::of(weight)?];
    let conv = geometry(x.dims(), weight.dims(), options)?;
    let shape = shape_like(x.dims(), conv.batch, conv.out_channels, conv.output);
    Some(apply(Convolution { conv, transposed: false, shape }, operands))
}

/// A transposed convolution without bias; `D` is 3 or 4, and `N` two less.
pub(crate) fn conv_transpose<const N: usize, const D: usize>(
    x: &Tensor<D>,
    weight: &Tensor<D>,
    options: &ConvTransposeOptions<N>,
) -> Option<Tensor<D>> {
    let operands = [Operand::of(x)?, Operand::of(weight)?];
    let ([batch, from], input) = split(x.dims());
    let ([_, group_channels], kernel) = split(weight.dims());
    let channels = group_channels * options.groups;
    let (stride, dilation) = (plane(options.stride, 1), plane(options.dilation, 1));
    let (padding, extra) = (plane(options.padding, 0), plane(options.padding_out, 0));
    let mut output = [0; 2];
    for axis in 0..2 {
        let full = (input[axis] - 1) * stride[axis] + (kernel[axis] - 1) * dilation[axis] + 1 + extra[axis];
        output[axis] = full.checked_sub(2 * padding[axis]).filter(|extent| *extent > 0)?;
    }
    // The convolution that this is the transpose of, from `output` back to `input`.
    let conv = Conv {
        batch,
        in_channels: channels,
        out_channels: from,
        groups: options.groups,
        input: output,
        output: input,
        kernel,
        stride,
        begin: padding,
        dilation,
    };
    let fits = weight.dims()[0] == from && from.is_multiple_of(options.groups);
    // Without a stride, windows must tile the padded plane exactly: output padding reaches past them.
    let exact = stride != [1, 1] || extra == [0, 0];
    let shape = shape_like(x.dims(), batch, channels, output);
    (fits && exact).then(|| apply(Convolution { conv, transposed: true, shape }, operands))
}

/// Batch normalization with the statistics of the batch; mean and variance carry no gradient.
pub(crate) fn batch_norm_train<const D: usize>(
    x: &Tensor<D>,
    gamma: &Tensor<1>,
    beta: &Tensor<1>,
    epsilon: f64,
) -> Option<BatchNormTrainOutput<D>> {
    let operands = [Operand::of(x)?, Operand::of(gamma)?, Operand::of(beta)?];
    let shape = channel_shape(x.dims());
    if gamma.dims() != [shape[1]] || beta.dims() != [shape[1]] {
        return None;
    }
    let (mean, variance) = batch_norm::statistics(operands[0].dense().values(), shape);
    let inv_std = variance.iter().map(|v| (1.0 / (f64::from(*v) + epsilon).sqrt()) as f32).collect();
    let statistic = |values: &[f32]| {
        let tensor = fused::plain(Dense::new(values.to_vec(), vec![values.len()]));
        if x.is_autodiff() { tensor.autodiff() } else { tensor }
    };
    let [mean_out, variance_out] = [statistic(&mean), statistic(&variance)];
    let output = apply(Normalize { shape, mean, inv_std }, operands);
    Some(BatchNormTrainOutput { output, mean: mean_out, variance: variance_out })
}

/// `x` plus an element per channel, dimension 1.
pub(crate) fn add_channels<const D: usize>(x: &Tensor<D>, channels: &Tensor<1>) -> Option<Tensor<D>> {
    let operands = [Operand::of(x)?, Operand::of(channels)?];
    let shape = channel_shape(x.dims());
    (channels.dims() == [shape[1]]).then(|| apply(AddChannels { shape }, operands))
}

/// Whether no element is infinite or not a number.
pub(crate) fn is_finite<const D: usize>(x: &Tensor<D>) -> Option<bool> {
    Some(abs_max::is_finite(Operand::of(x)?.dense().values()))
}

/// The largest magnitude of each group of `[groups, elems]`, `[groups, 1]`.
pub(crate) fn abs_max(x: &Tensor<2>) -> Option<Tensor<2>> {
    let [groups, elems] = x.dims();
    Some(apply(AbsMax { groups, elems }, [Operand::of(x)?]))
}

/// The product of `[batch, inputs]` with the transpose of `[outputs, inputs]`.
pub(crate) fn linear(x: &Tensor<2>, weight: &Tensor<2>) -> Option<Tensor<2>> {
    let ([batch, inputs], [outputs, columns]) = (x.dims(), weight.dims());
    let operands = [Operand::of(x)?, Operand::of(weight)?];
    (inputs == columns).then(|| apply(Linear { dims: [batch, inputs, outputs] }, operands))
}

/// The largest element of each window; `D` is 3 or 4, and `N` two less. Windows that reach beyond the end are burn's.
pub(crate) fn max_pool<const N: usize, const D: usize>(
    x: &Tensor<D>,
    options: &MaxPoolOptions<N>,
) -> Option<Tensor<D>> {
    let operands = [Operand::of(x)?];
    let ([batch, channels], input) = split(x.dims());
    let (kernel, stride) = (plane(options.kernel_size, 1), plane(options.stride, 1));
    let dilation = plane(options.dilation, 1);
    let begin = plane(options.padding.map(|(begin, _)| begin), 0);
    let end = plane(options.padding.map(|(_, end)| end), 0);
    let output = outputs(input, [begin, end], kernel, stride, dilation)?;
    let pool = MaxPool { planes: batch * channels, input, output, kernel, stride, begin, dilation };
    let shape = shape_like(x.dims(), batch, channels, output);
    (!options.ceil_mode).then(|| apply(Pool { pool, shape }, operands))
}

/// The mean of each window; `D` is 3 or 4, and `N` two less. Windows that reach beyond the end, and means of what is not
/// padding alone, are burn's.
pub(crate) fn avg_pool<const N: usize, const D: usize>(
    x: &Tensor<D>,
    options: &AvgPoolOptions<N>,
) -> Option<Tensor<D>> {
    let operands = [Operand::of(x)?];
    let ([batch, channels], input) = split(x.dims());
    let (kernel, stride) = (plane(options.kernel_size, 1), plane(options.stride, 1));
    let padding = plane(options.padding.map(|(begin, _)| begin), 0);
    let symmetric = options.padding.iter().all(|(begin, end)| begin == end);
    let output = outputs(input, [padding; 2], kernel, stride, [1, 1])?;
    let pool = AvgPool { planes: batch * channels, input, output, kernel, stride, padding };
    let shape = shape_like(x.dims(), batch, channels, output);
    let ours = symmetric && options.count_include_pad && !options.ceil_mode;
    ours.then(|| apply(Average { pool, shape }, operands))
}

/// `x`, or zero where it is negative.
pub(crate) fn relu<const D: usize>(x: &Tensor<D>) -> Option<Tensor<D>> {
    Some(apply(Rectify, [Operand::of(x)?]))
}

/// `exact`, with the gradient of `x`.
pub(crate) fn straight_through<const D: usize>(x: &Tensor<D>, exact: &Tensor<D>) -> Option<Tensor<D>> {
    let operands = [Operand::of(x)?];
    let exact = Operand::of(exact).filter(|_| exact.dims() == x.dims())?.dense();
    Some(apply(Through { exact }, operands))
}

/// Fake quantization of `[groups, elems]` with `scale`, `[groups, 1]` or `[1, 1]`.
pub(crate) fn fake_quant(x: &Tensor<2>, scale: &Tensor<2>, quant: FakeQuant) -> Option<Tensor<2>> {
    let operands = [Operand::of(x)?, Operand::of(scale)?];
    let [groups, columns] = scale.dims();
    let fits = columns == 1 && (groups == 1 || groups == x.dims()[0]) && quant.min <= quant.max;
    fits.then(|| apply(FakeQuantize(quant), operands))
}

/// Quotients of `[groups, elems]` by `scale`, plus `zero_point`, each `[groups, 1]` or `[1, 1]`, outside any graph: floats that
/// round to the integers that the real numbers round to. `computed` if `x` is known to single precision only.
pub(crate) fn quotient(
    x: &Tensor<2>,
    scale: &Tensor<2>,
    zero_point: &Tensor<2>,
    computed: bool,
) -> Option<Tensor<2>> {
    let [x, scale, zero_point] = [Operand::of(x)?, Operand::of(scale)?, Operand::of(zero_point)?];
    let [x, scale, zero_point] = [x.dense(), scale.dense(), zero_point.dense()];
    let groups = x.shape()[0];
    let per_group = |dense: &Dense| [1, groups].contains(&dense.values().len());
    if !per_group(&scale) || !per_group(&zero_point) {
        return None;
    }
    let mut out = vec![0.0; x.values().len()];
    let elems = out.len() / groups;
    for (group, (x, out)) in x.values().chunks(elems).zip(out.chunks_mut(elems)).enumerate() {
        let of = |values: &[f32]| values[group % values.len()];
        quotient::forward(x, of(scale.values()), of(zero_point.values()), computed, out);
    }
    Some(fused::plain(Dense::new(out, x.shape())))
}

/// `parameter` after a step of Adam by `gradient`, and the means of gradients and of their squares, which it was given,
/// if there were steps before. Gives the means back where the kernel does not apply.
#[expect(clippy::result_large_err, reason = "the means go back as they came")]
pub(crate) fn adam<const D: usize>(
    parameter: &Tensor<D>,
    gradient: &Tensor<D>,
    means: Option<[Tensor<D>; 2]>,
    step: AdamStep,
) -> Result<(Tensor<D>, [Tensor<D>; 2]), Option<[Tensor<D>; 2]>> {
    let tensors = [parameter, gradient].into_iter().chain(means.iter().flatten());
    let Some(operands) = tensors.map(Operand::of).collect::<Option<Vec<Operand>>>() else {
        return Err(means);
    };
    // So that nobody else holds them.
    drop(means);
    let shape = parameter.dims().to_vec();
    let mut dense = operands.into_iter().map(Operand::into_dense);
    let [Some(parameter), Some(gradient)] = [dense.next(), dense.next()] else { return Err(None) };
    let mut parameter = parameter.values().to_vec();
    // Minus zero plus a number is that number, also if it is a zero.
    let elems = parameter.len();
    let mut mean = || dense.next().map_or_else(|| vec![-0.0; elems], Dense::into_values);
    let [mut mean, mut square] = [mean(), mean()];
    step.apply(gradient.values(), &mut parameter, [&mut mean, &mut square]);
    let [parameter, mean, square] =
        [parameter, mean, square].map(|values| fused::plain(Dense::new(values, shape.clone())));
    Ok((parameter, [mean, square]))
}

/// `[batch, channels, rest]`.
fn channel_shape<const D: usize>(dims: [usize; D]) -> batch_norm::Shape {
    [dims[0], dims[1], dims[2..].iter().product()]
}
