//! What each operator of the file becomes.

use exactum_qonnx::{DEFAULT_DOMAIN, DEFAULT_DOMAIN_NAME, Node, PoolWindow, TransposedWindow, Window, shape};

use super::{Reader, elementwise, help, moves};
use crate::float::error::{form, misfit};
use crate::float::{Array, AveragePool, BatchNorm, FloatGraphError, FloatOp, Weighted, WeightedKind};

/// Operators of float networks: the arms of [`convert`], and `Constant` and `Shape`, which are folded.
const SUPPORTED: &str = "Add, AveragePool, BatchNormalization, Cast, Clip, Concat, Constant, Conv, ConvTranspose, Div, \
                         Dropout, Flatten, Gemm, GlobalAveragePool, Identity, MatMul, MaxPool, Mul, Pad, ReduceMean, \
                         Relu, Reshape, Shape, Sigmoid, Softmax, Squeeze, Sub, Tanh, Transpose, Unsqueeze";

/// Largest number in an attribute of a window.
const MOST: usize = u16::MAX as usize;

/// An operator and the values it reads.
pub(super) type Converted = Result<(FloatOp, Vec<String>), FloatGraphError>;

/// Reads `node`, which is no constant.
pub(super) fn convert(reader: &Reader, node: &Node) -> Converted {
    let standard = [DEFAULT_DOMAIN, DEFAULT_DOMAIN_NAME].contains(&node.domain.as_str());
    match node.op_type.as_str() {
        _ if !standard => Err(unsupported(node)),
        "Conv" => conv(reader, node),
        "ConvTranspose" => conv_transpose(reader, node),
        "Gemm" => gemm(reader, node),
        "MatMul" => linear(reader, node, 1.0, false, None),
        "BatchNormalization" => batch_norm(reader, node),
        "Relu" => reader.unary(node, FloatOp::Relu),
        "Sigmoid" => reader.unary(node, FloatOp::Sigmoid),
        "Tanh" => reader.unary(node, FloatOp::Tanh),
        "Softmax" => softmax(reader, node),
        "Clip" => elementwise::clip(reader, node),
        "Add" | "Sub" | "Mul" | "Div" => elementwise::binary(reader, node),
        "Identity" | "Cast" => reader.unary(node, FloatOp::Identity),
        "Dropout" => reader.unary(node, FloatOp::Dropout { ratio: node.float("ratio").unwrap_or(0.5) }),
        "MaxPool" => {
            let window = pool_window(reader, node)?;
            reader.unary(node, FloatOp::MaxPool(window))
        }
        "AveragePool" => {
            let window = pool_window(reader, node)?;
            if window.dilation.iter().any(|dilation| *dilation != 1) {
                return Err(form(
                    &node.label(),
                    format!("dilations {:?}", window.dilation),
                    "dilations of 1",
                ));
            }
            let count_include_pad = node.int("count_include_pad").unwrap_or(0) != 0;
            reader.unary(node, FloatOp::AveragePool(AveragePool { window, count_include_pad }))
        }
        "GlobalAveragePool" => reader.unary(node, FloatOp::GlobalAveragePool),
        "ReduceMean" => moves::reduce_mean(reader, node),
        "Concat" => moves::concat(reader, node),
        "Flatten" => moves::flatten(reader, node),
        "Reshape" => moves::reshape(reader, node),
        "Squeeze" => moves::squeeze(reader, node),
        "Unsqueeze" => moves::unsqueeze(reader, node),
        "Transpose" => moves::transpose(reader, node),
        "Pad" => moves::pad(reader, node),
        _ => Err(unsupported(node)),
    }
}

pub(super) fn unsupported(node: &Node) -> FloatGraphError {
    let operator = match node.domain.as_str() {
        DEFAULT_DOMAIN | DEFAULT_DOMAIN_NAME => node.op_type.clone(),
        domain => format!("{} of domain {domain}", node.op_type),
    };
    let help = help::instead_of(&node.op_type).to_owned();
    FloatGraphError::Operator { node: node.label(), operator, help, supported: SUPPORTED.to_owned() }
}

/// The spatial extents of the data operand.
fn spatial<'a>(reader: &'a Reader, node: &Node) -> Result<&'a [usize], FloatGraphError> {
    let shape = reader.shape(node, reader.operand(node, 0)?)?;
    match shape.len() {
        3 | 4 => Ok(&shape[2..]),
        _ => {
            Err(form(&node.label(), format!("an input of shape {shape:?}"), "one or two spatial dimensions"))
        }
    }
}

/// The weight of a convolution over `spatial` dimensions.
fn kernel<'a>(reader: &'a Reader, node: &Node, spatial: usize) -> Result<&'a Array, FloatGraphError> {
    let weight = reader.array(node, 1)?;
    if weight.shape.len() == spatial + 2 {
        return Ok(weight);
    }
    Err(form(
        &node.label(),
        format!("a weight of shape {:?}", weight.shape),
        format!("{} dimensions", spatial + 2),
    ))
}

fn groups(node: &Node) -> Result<usize, FloatGraphError> {
    let groups = node.int("group").unwrap_or(1);
    usize::try_from(groups)
        .ok()
        .filter(|groups| *groups > 0)
        .ok_or_else(|| form(&node.label(), format!("{groups} groups"), "1 or more"))
}

fn conv(reader: &Reader, node: &Node) -> Converted {
    let input = spatial(reader, node)?;
    let weight = kernel(reader, node, input.len())?;
    let kind = WeightedKind::Conv {
        window: Window::of(node, input, Some(&weight.shape[2..]), MOST)
            .map_err(|found| misfit(node, found))?,
        groups: groups(node)?,
    };
    weighted(reader, node, kind, weight.clone())
}

fn conv_transpose(reader: &Reader, node: &Node) -> Converted {
    let input = spatial(reader, node)?;
    let weight = kernel(reader, node, input.len())?;
    let found = TransposedWindow::of(node, input, &weight.shape[2..], MOST);
    let TransposedWindow { window, output_padding } = found.map_err(|found| misfit(node, found))?;
    let kind = WeightedKind::ConvTranspose { window, output_padding, groups: groups(node)? };
    weighted(reader, node, kind, weight.clone())
}

fn weighted(reader: &Reader, node: &Node, kind: WeightedKind, weight: Array) -> Converted {
    let mut layer = Weighted { kind, weight, bias: None };
    if node.input(2).is_some() {
        layer.bias = Some(reader.vector(node, 2, layer.out_channels())?);
    }
    reader.unary(node, FloatOp::Weighted(layer))
}

fn gemm(reader: &Reader, node: &Node) -> Converted {
    if node.int("transA").unwrap_or(0) != 0 {
        return Err(form(&node.label(), "transA 1", "the batch as first dimension"));
    }
    let beta = node.float("beta").unwrap_or(1.0);
    let bias = reader.optional_array(node, 2)?;
    let bias = bias.map(|bias| bias.values.iter().map(|value| value * beta).collect());
    linear(reader, node, node.float("alpha").unwrap_or(1.0), node.int("transB").unwrap_or(0) != 0, bias)
}

/// A matrix product with a constant, which is `[out, in]` if `transposed`.
fn linear(reader: &Reader, node: &Node, factor: f32, transposed: bool, bias: Option<Vec<f32>>) -> Converted {
    let given = reader.array(node, 1)?;
    let two_dimensional = given.transposed();
    let weight = if transposed { two_dimensional.map(|_| given.clone()) } else { two_dimensional };
    let mut weight = weight.ok_or_else(|| {
        form(&node.label(), format!("a weight of shape {:?}", given.shape), "two dimensions")
    })?;
    for value in &mut weight.values {
        *value *= factor;
    }
    let outputs = weight.shape[0];
    // A single element is the bias of all outputs.
    let bias = bias.map(|bias| if bias.len() == 1 { vec![bias[0]; outputs] } else { bias });
    reader.unary(node, FloatOp::Weighted(Weighted { kind: WeightedKind::Linear, weight, bias }))
}

fn batch_norm(reader: &Reader, node: &Node) -> Converted {
    if node.int("training_mode").unwrap_or(0) != 0 {
        return Err(form(&node.label(), "training_mode 1", "0; export the network in evaluation mode"));
    }
    let channels = reader.array(node, 1)?.values.len();
    let vector = |index| reader.vector(node, index, channels);
    let norm = BatchNorm {
        scale: vector(1)?,
        bias: vector(2)?,
        mean: vector(3)?,
        var: vector(4)?,
        epsilon: node.float("epsilon").unwrap_or(1e-5),
    };
    if let Some(variance) = norm.var.iter().find(|variance| **variance + norm.epsilon <= 0.0) {
        return Err(form(&node.label(), format!("variance {variance}"), "variances above zero"));
    }
    reader.unary(node, FloatOp::BatchNorm(norm))
}

/// `Softmax`, which flattens what is behind its axis before version 13 of the operators.
fn softmax(reader: &Reader, node: &Node) -> Converted {
    let shape = reader.shape(node, reader.operand(node, 0)?)?;
    let flattens = reader.opset < 13;
    let given = node.int("axis").unwrap_or(if flattens { 1 } else { -1 });
    let axis = shape::axis(given, shape.len()).unwrap_or(usize::MAX);
    let behind = shape.get(axis.saturating_add(1)..).unwrap_or_default();
    if !(1..shape.len()).contains(&axis) || flattens && behind.iter().any(|extent| *extent != 1) {
        let found = format!("Softmax along axis {given} of a value of shape {shape:?}");
        return Err(form(&node.label(), found, "one dimension behind the batch"));
    }
    reader.unary(node, FloatOp::Softmax { axis })
}

fn pool_window(reader: &Reader, node: &Node) -> Result<Window, FloatGraphError> {
    let input = spatial(reader, node)?;
    let pool = PoolWindow::of(node, input, MOST).map_err(|found| misfit(node, found))?;
    if node.op_type != "MaxPool" && pool.beyond.iter().any(|beyond| *beyond > 0) {
        return Err(form(
            &node.label(),
            "AveragePool of ceil_mode 1 with a last window beyond the input",
            "ceil_mode 0, or an input that windows fill: its mean then has one scale",
        ));
    }
    if node.output(1).is_some() {
        return Err(form(&node.label(), "indices as second output", "one output"));
    }
    Ok(pool.padded())
}
