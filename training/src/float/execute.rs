//! Running a float graph, in `f32`: the reference that transformations and quantization are compared with.

use super::array::elems;
use super::{AveragePool, FloatGraph, FloatGraphError, FloatOp, Weighted, WeightedKind, Window, shape};
use crate::backend::{
    self, AvgPoolOptions, ConvOptions, ConvTransposeOptions, MaxPoolOptions, Tensor, module,
};

/// Samples computed at once; bounds memory, not results.
const BATCH_SAMPLES: usize = 256;

impl FloatGraph {
    /// The outputs for row-major `inputs`, row-major.
    ///
    /// # Errors
    ///
    /// If the inputs are no whole number of samples or not finite, or the graph is not consistent.
    pub fn run(&self, inputs: &[f32]) -> Result<Vec<f32>, FloatGraphError> {
        self.shapes()?;
        let sample_elems = elems(&self.input_shape[1..]).unwrap_or(0);
        check_inputs(inputs, sample_elems)?;
        let mut outputs = Vec::new();
        for batch in inputs.chunks(BATCH_SAMPLES * sample_elems) {
            let mut shape = self.input_shape.clone();
            shape[0] = batch.len() / sample_elems;
            let flat = backend::tensor(batch.to_vec(), [batch.len()], &backend::evaluation_device());
            outputs.extend(backend::to_f32(&self.compute(Value { flat, shape })?.flat));
        }
        Ok(outputs)
    }

    fn compute(&self, input: Value) -> Result<Value, FloatGraphError> {
        let mut values = std::collections::BTreeMap::from([(self.input.as_str(), input)]);
        for node in &self.nodes {
            let inputs: Vec<&Value> = node.inputs.iter().map(|name| &values[name.as_str()]).collect();
            let shapes: Vec<&[usize]> = inputs.iter().map(|value| value.shape.as_slice()).collect();
            let shape = shape::infer(&node.op, &shapes).map_err(|needed| {
                super::error::form(&node.name, format!("inputs of shapes {shapes:?}"), needed)
            })?;
            let flat = apply(&node.op, &inputs, &shape);
            values.insert(&node.output, Value { flat, shape });
        }
        Ok(values[self.output.as_str()].clone())
    }
}

/// Checks that there are samples, whole ones, of finite numbers.
pub(super) fn check_inputs(inputs: &[f32], sample_elems: usize) -> Result<(), FloatGraphError> {
    let fail = |found: String, needed: String| Err(FloatGraphError::Input { found, needed });
    if sample_elems == 0 || inputs.is_empty() || !inputs.len().is_multiple_of(sample_elems) {
        return fail(
            format!("{} values", inputs.len()),
            format!("one or more samples of {sample_elems} values"),
        );
    }
    match inputs.iter().position(|value| !value.is_finite()) {
        Some(index) => fail(
            format!("{} in sample {}", inputs[index], index / sample_elems),
            "finite numbers; remove the sample or repair it".to_owned(),
        ),
        None => Ok(()),
    }
}

/// A value of any rank.
#[derive(Clone)]
struct Value {
    flat: Tensor<1>,
    shape: Vec<usize>,
}

impl Value {
    fn rank<const D: usize>(&self, shape: [usize; D]) -> Tensor<D> {
        self.flat.clone().reshape(shape)
    }

    /// `[batch, channels, height, width]`; missing dimensions have extent 1, a single spatial one is the width.
    fn image(&self) -> Tensor<4> {
        self.rank(image_shape(&self.shape))
    }

    /// `[batch, channels, elements]`.
    fn channels(&self) -> Tensor<3> {
        self.rank([self.shape[0], self.shape[1], self.shape[2..].iter().product()])
    }
}

fn image_shape(shape: &[usize]) -> [usize; 4] {
    match *shape {
        [n, c] => [n, c, 1, 1],
        [n, c, width] => [n, c, 1, width],
        [n, c, height, width] => [n, c, height, width],
        _ => [shape[0], 1, 1, shape[1..].iter().product()],
    }
}

fn flat<const D: usize>(x: Tensor<D>) -> Tensor<1> {
    let elems: usize = x.dims().iter().product();
    x.reshape([elems])
}

/// Applies `op` to values that fit it; the result has `shape`.
fn apply(op: &FloatOp, inputs: &[&Value], shape: &[usize]) -> Tensor<1> {
    let x = inputs[0];
    match op {
        FloatOp::Weighted(layer) => weighted(layer, x),
        FloatOp::BatchNorm(norm) => {
            let (factors, terms) = norm.affine();
            let per_channel = |values: Vec<f64>| {
                let values: Vec<f32> = values.into_iter().map(|value| value as f32).collect();
                backend::tensor(values, [1, norm.channels(), 1], &backend::evaluation_device())
            };
            flat(x.channels() * per_channel(factors) + per_channel(terms))
        }
        FloatOp::Relu => backend::relu(x.flat.clone()),
        FloatOp::Clip { min, max } => x.flat.clone().clamp(*min, *max),
        FloatOp::Sigmoid => backend::sigmoid(x.flat.clone()),
        FloatOp::Tanh => x.flat.clone().tanh(),
        FloatOp::Softmax { axis } => {
            let parts = [&x.shape[..*axis], &x.shape[*axis..=*axis], &x.shape[axis + 1..]];
            let rows = x.rank(parts.map(|part| part.iter().product()));
            flat(backend::softmax(rows, 1))
        }
        FloatOp::Add => x.flat.clone() + inputs[1].flat.clone(),
        FloatOp::Concat { axis } => concat(inputs, *axis),
        FloatOp::MaxPool(window) => {
            let window = window.two_dimensional();
            let options = MaxPoolOptions::new(pair(&window.kernel))
                .with_stride(pair(&window.stride))
                .with_dilation(pair(&window.dilation));
            flat(backend::max_pool2d(pad(x.image(), &window, f32::NEG_INFINITY), options))
        }
        FloatOp::AveragePool(pool) => flat(average(x.image(), pool)),
        FloatOp::GlobalAveragePool => flat(x.channels().mean_dim(2)),
        FloatOp::Mean { axes, .. } => mean(x, axes),
        FloatOp::Transpose { perm } => transpose(x, perm),
        FloatOp::Pad { begin, end } => {
            let window =
                Window { begin: begin.clone(), end: end.clone(), ..Window::new(&vec![1; begin.len()]) };
            flat(pad(x.image(), &window.two_dimensional(), 0.0))
        }
        FloatOp::Flatten | FloatOp::Reshape { .. } | FloatOp::Identity | FloatOp::Dropout { .. } => {
            debug_assert_eq!(x.flat.dims()[0], shape.iter().product::<usize>());
            x.flat.clone()
        }
    }
}

fn weighted(layer: &Weighted, x: &Value) -> Tensor<1> {
    let device = backend::evaluation_device();
    let shape = &layer.weight.shape;
    let weight = |shape| backend::tensor(layer.weight.values.clone(), shape, &device);
    let bias = layer.bias.as_ref().map(|bias| backend::tensor(bias.clone(), [bias.len()], &device));
    match &layer.kind {
        WeightedKind::Linear => {
            let y = x.rank([x.shape[0], x.shape[1]]).matmul(
                backend::tensor(layer.weight.values.clone(), [shape[0], shape[1]], &device).transpose(),
            );
            flat(match bias {
                Some(bias) => y + bias.unsqueeze::<2>(),
                None => y,
            })
        }
        WeightedKind::Conv { window, groups } => {
            let window = window.two_dimensional();
            let options = ConvOptions::new(pair(&window.stride), [0, 0], pair(&window.dilation), *groups);
            flat(module::conv2d(pad(x.image(), &window, 0.0), weight(image_shape(shape)), bias, options))
        }
        WeightedKind::ConvTranspose { window, output_padding, groups } => {
            let window = window.two_dimensional();
            let extra = match output_padding[..] {
                [width] => [0, width],
                _ => pair(output_padding),
            };
            let options = ConvTransposeOptions::new(
                pair(&window.stride),
                [0, 0],
                extra,
                pair(&window.dilation),
                *groups,
            );
            let y = module::conv_transpose2d(x.image(), weight(image_shape(shape)), bias, options);
            let [batch, channels, height, width] = y.dims();
            let rows = window.begin[0]..height - window.end[0];
            let columns = window.begin[1]..width - window.end[1];
            flat(y.slice([0..batch, 0..channels, rows, columns]))
        }
    }
}

fn average(x: Tensor<4>, pool: &AveragePool) -> Tensor<4> {
    let window = pool.window.two_dimensional();
    let options = || AvgPoolOptions::new(pair(&window.kernel)).with_stride(pair(&window.stride));
    let mean = |x: Tensor<4>| backend::avg_pool2d(pad(x, &window, 0.0), options());
    if pool.count_include_pad || window.is_unpadded() {
        return mean(x);
    }
    // The mean of ones is the fraction of a window that is no padding.
    mean(x.clone()) / mean(x.ones_like())
}

fn mean(x: &Value, axes: &[usize]) -> Tensor<1> {
    let mut shape = x.shape.clone();
    let mut flat_x = x.flat.clone();
    for axis in axes {
        let [before, behind] =
            [&shape[..*axis], &shape[axis + 1..]].map(|part| part.iter().product::<usize>());
        flat_x = flat(flat_x.reshape([before, shape[*axis], behind]).mean_dim(1));
        shape[*axis] = 1;
    }
    flat_x
}

fn concat(inputs: &[&Value], axis: usize) -> Tensor<1> {
    let part = |value: &&Value| {
        let [before, behind] =
            [&value.shape[..axis], &value.shape[axis..]].map(|part| part.iter().product::<usize>());
        value.rank([before, behind])
    };
    flat(Tensor::cat(inputs.iter().map(part).collect(), 1))
}

fn transpose(x: &Value, perm: &[usize]) -> Tensor<1> {
    fn permute<const D: usize>(x: &Value, perm: &[usize]) -> Tensor<1> {
        let shape: [usize; D] = std::array::from_fn(|axis| x.shape[axis]);
        let perm: [isize; D] = std::array::from_fn(|axis| perm[axis] as isize);
        flat(x.rank(shape).permute(perm))
    }
    match perm.len() {
        3 => permute::<3>(x, perm),
        4 => permute::<4>(x, perm),
        5 => permute::<5>(x, perm),
        6 => permute::<6>(x, perm),
        // One or two dimensions, of which the first stays.
        _ => x.flat.clone(),
    }
}

/// `x` with `value` around its height and width.
fn pad(x: Tensor<4>, window: &Window, value: f32) -> Tensor<4> {
    if window.is_unpadded() {
        return x;
    }
    let [batch, channels, height, width] = x.dims();
    let padded = [height + window.begin[0] + window.end[0], width + window.begin[1] + window.end[1]];
    let around = Tensor::full([batch, channels, padded[0], padded[1]], value, &backend::evaluation_device());
    let rows = window.begin[0]..window.begin[0] + height;
    let columns = window.begin[1]..window.begin[1] + width;
    around.slice_assign([0..batch, 0..channels, rows, columns], x)
}

fn pair(values: &[usize]) -> [usize; 2] {
    [values[0], values[1]]
}
