//! Writes a scheduled graph as a program image: tensors with places, operators with packed weights.

use exactum_runtime::codes::Element;
use exactum_runtime::num::IntRange;
use exactum_runtime::program::op::{
    Bias, Conv2d, Dense, MaxPool2d, Op as ProgramOp, Requantize as ProgramRequantize, Transpose,
};
use exactum_runtime::program::{Input, Output, Shape, Source, Tensor, TensorId, Window2d, encode};

use super::buffers::{buffers, window_shape};
use crate::diagnostic::{Code, Diagnostic, Location, Result};
use crate::graph::{Certified, Constant, Conv, Graph, Node, Op, Requantize, Type, Value, ValueId, Window};

/// A program and where its operators come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lowered {
    /// The flash image.
    pub image: Vec<u8>,
    /// An entry for each operator of the image.
    pub ops: Vec<OpOrigin>,
}

/// Where an operator of the program comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpOrigin {
    /// Kind in the program.
    pub kind: &'static str,
    /// Name of the layer.
    pub name: String,
    /// Nodes of the file that it computes.
    pub nodes: Vec<String>,
    /// Bytes of weights and biases in the image.
    pub weight_bytes: usize,
    /// Bytes of requantization parameters in the image.
    pub table_bytes: usize,
    /// Multiply-accumulates for one sample.
    pub macs: u64,
}

/// Arrays that the image copies; kept apart because operators borrow them.
struct Packed {
    weights: Vec<i8>,
    bias: PackedBias,
}

enum PackedBias {
    None,
    I16(Vec<i16>),
    I32(Vec<i32>),
}

/// The program of `graph`.
///
/// # Errors
/// If a size leaves the format's limits.
///
/// # Panics
/// If the graph is not on the scheduled level or the runtime refuses the image: faults of the compiler.
pub fn program(graph: &Graph) -> Result<Lowered> {
    let tensors = tensors(graph)?;
    let packed: Vec<Option<Packed>> = graph.nodes.iter().map(|node| pack(graph, node)).collect();
    let mut ops = vec![];
    let mut origins = vec![];
    for (index, layer) in graph.steps() {
        let built = match layer {
            Some(layer) => Some((op(graph, &tensors, &packed, layer, Some(index))?, layer)),
            None if graph.nodes[index].op == Op::Quantize || tensors.is_renaming(&graph.nodes[index]) => None,
            None => Some((op(graph, &tensors, &packed, index, None)?, index)),
        };
        if let Some((built, first)) = built {
            origins.push(origin(graph, &packed, &built, first, index));
            ops.push(built);
        }
    }
    let inputs: Vec<Input> = input_codes(graph).into_iter().map(|id| input(graph, &tensors, id)).collect();
    let outputs: Vec<Output> =
        graph.outputs.iter().map(|id| Output { tensor: TensorId(tensors.ids[id.index()]) }).collect();
    let source = Source {
        arena_bytes: arena_bytes(graph) as u32,
        tensors: &tensors.tensors,
        inputs: &inputs,
        outputs: &outputs,
        ops: &ops,
    };
    let mut image = vec![];
    encode(&source, &mut image).map_err(|error| {
        Diagnostic::new(Code::TooLarge, Location::part("program"), error.to_string(), "a smaller model")
    })?;
    Ok(Lowered { image, ops: origins })
}

/// The codes of each input of the graph, in order.
pub fn input_codes(graph: &Graph) -> Vec<ValueId> {
    let quantized =
        |input: &ValueId| graph.nodes.iter().find(|node| node.inputs[0] == *input && node.op == Op::Quantize);
    graph.inputs.iter().map(|input| quantized(input).map_or(*input, |node| node.output)).collect()
}

/// Bytes of working memory.
pub fn arena_bytes(graph: &Graph) -> usize {
    let places = graph.values.iter().filter_map(|value| value.placement);
    places.map(|place| place.offset_bytes + place.size_bytes.next_multiple_of(8)).max().unwrap_or(0)
}

/// The tensor table and the number of each value in it.
struct Tensors {
    tensors: Vec<Tensor>,
    ids: Vec<u16>,
}

impl Tensors {
    /// Whether `node` gives the same place another name.
    fn is_renaming(&self, node: &Node) -> bool {
        node.op == Op::Reshape && self.ids[node.inputs[0].index()] == self.ids[node.output.index()]
    }
}

/// One tensor for each place, whatever names its value has; its shape is the one that a window needs.
fn tensors(graph: &Graph) -> Result<Tensors> {
    let mut table = Tensors { tensors: vec![], ids: vec![u16::MAX; graph.values.len()] };
    let (groups, _) = buffers(graph);
    for group in &groups {
        let value = graph.value(group[0]);
        let shape = group.iter().find_map(|id| window_shape(graph, *id)).unwrap_or(&value.shape);
        let (element, range) = stored(value);
        // A program handles one sample; the batch axis is its caller's loop.
        let sample = &shape[usize::from(shape.len() > 1)..];
        let dims: Option<Vec<u32>> = sample.iter().map(|dim| u32::try_from(*dim).ok()).collect();
        let place = value.placement.map_or(0, |place| place.offset_bytes);
        let (Some(shape), Ok(id)) =
            (dims.and_then(|dims| Shape::new(&dims)), u16::try_from(table.tensors.len()))
        else {
            let at = Location::part(format!("value `{}`", value.name));
            let found = format!("shape {shape:?} in a program of {} tensors", table.tensors.len());
            let needed = "rank 1 to 4 without the batch, no empty axis, at most 65535 tensors";
            return Err(Diagnostic::new(Code::TooLarge, at, found, needed).into());
        };
        for member in group {
            table.ids[member.index()] = id;
        }
        table.tensors.push(Tensor { element, shape, offset_bytes: place as u32, range });
    }
    Ok(table)
}

/// How a value's integers are stored, and which can occur.
fn stored(value: &Value) -> (Element, IntRange) {
    match &value.ty {
        Type::Codes(codes) => (Element::smallest_for(codes.int.range()).unwrap_or(Element::I32), codes.range),
        Type::Accumulators { bounds, .. } => {
            let range = bounds.iter().copied().reduce(IntRange::union);
            (Element::I32, range.unwrap_or(Element::I32.range()))
        }
        Type::Float | Type::Shape => (Element::I32, Element::I32.range()),
    }
}

/// Weights and biases of a layer as the image stores them.
fn pack(graph: &Graph, node: &Node) -> Option<Packed> {
    let depthwise = match &node.op {
        Op::Dense => false,
        Op::Conv2d(conv) => is_depthwise(graph, node, conv),
        _ => return None,
    };
    let weight = graph.value(node.inputs[1]);
    let Some(Constant::Codes(codes)) = &weight.constant else { return None };
    let outputs = weight.shape[0];
    let filter_elems = codes.len() / outputs.max(1);
    let mut weights = vec![0i8; codes.len()];
    for (position, code) in codes.iter().enumerate() {
        let (o, i) = (position / filter_elems, position % filter_elems);
        weights[Conv2d::weight_index(depthwise, outputs, filter_elems, o, i)] = *code as i8;
    }
    let bias = match node.inputs.get(2).map(|id| &graph.value(*id).constant) {
        Some(Some(Constant::Codes(codes))) => {
            let short: Option<Vec<i16>> = codes.iter().map(|code| i16::try_from(*code).ok()).collect();
            short.map_or_else(|| PackedBias::I32(codes.clone()), PackedBias::I16)
        }
        _ => PackedBias::None,
    };
    Some(Packed { weights, bias })
}

fn is_depthwise(graph: &Graph, node: &Node, conv: &Conv) -> bool {
    let channels = |id: ValueId| graph.value(id).shape.last().copied().unwrap_or(0);
    Conv2d::is_depthwise(conv.groups, channels(node.inputs[0]), channels(node.output))
}

/// The operator of node `index`, whose accumulators node `fused` requantizes.
fn op<'a>(
    graph: &'a Graph,
    tensors: &Tensors,
    packed: &'a [Option<Packed>],
    index: usize,
    fused: Option<usize>,
) -> Result<ProgramOp<'a>> {
    let node = &graph.nodes[index];
    let tensor = |id: ValueId| TensorId(tensors.ids[id.index()]);
    let x = graph.value(node.inputs[0]);
    let (input, output) = (tensor(node.inputs[0]), tensor(graph.nodes[fused.unwrap_or(index)].output));
    let input_zero_point = x.codes().map_or(0, |codes| codes.zero_point) as i32;
    let requant = fused.and_then(|node| match &graph.nodes[node].op {
        Op::Requantize(Requantize::Certified(certified)) => Some(certified.params.view()),
        _ => None,
    });
    let layer = packed[index].as_ref().map(|packed| {
        let bias = match &packed.bias {
            PackedBias::None => Bias::None,
            PackedBias::I16(bias) => Bias::I16(bias),
            PackedBias::I32(bias) => Bias::I32(bias),
        };
        (packed.weights.as_slice(), bias)
    });
    let at = || graph.location(index);
    Ok(match (&node.op, layer) {
        (Op::Dense, Some((weights, bias))) => {
            let shape = &graph.value(node.inputs[1]).shape;
            let (out_features, in_features) = (small(shape[0], &at)?, small(shape[1], &at)?);
            ProgramOp::Dense(Dense {
                input,
                output,
                input_zero_point,
                in_features,
                out_features,
                weights,
                bias,
                requant,
            })
        }
        (Op::Conv2d(conv), Some((weights, bias))) => {
            let window = window(&conv.window, &at)?;
            let groups = small(conv.groups, &at)?;
            ProgramOp::Conv2d(Conv2d {
                input,
                output,
                input_zero_point,
                window,
                groups,
                weights,
                bias,
                requant,
            })
        }
        (Op::MaxPool(pool), _) => {
            ProgramOp::MaxPool2d(MaxPool2d { input, output, window: window(&pool.window, &at)? })
        }
        (Op::Requantize(Requantize::Certified(certified)), _) => {
            let requant = certified.params.view();
            let channels = small(rows_of(certified, x), &at)?;
            ProgramOp::Requantize(ProgramRequantize { input, output, channels, requant })
        }
        // A reshape to a place of its own copies: one row stays one row.
        (Op::Reshape, _) => {
            ProgramOp::Transpose(Transpose { input, output, rows: 1, columns: small(x.elems(), &at)? })
        }
        (Op::Transpose { perm }, _) => {
            let (rows, columns) = matrix(perm, &x.shape).ok_or_else(|| {
                let needed = "a permutation that swaps two neighbouring blocks of axes";
                Diagnostic::new(Code::UnsupportedForm, at(), format!("perm {perm:?}"), needed)
            })?;
            ProgramOp::Transpose(Transpose {
                input,
                output,
                rows: small(rows, &at)?,
                columns: small(columns, &at)?,
            })
        }
        (op, _) => panic!("{} has no operator in programs, please report this with the model", op.name()),
    })
}

/// Codes of one row of a requantization: its channels, or 1 if all share the parameters.
fn rows_of(certified: &Certified, x: &Value) -> usize {
    if certified.certificate.channels.len() == 1 { 1 } else { x.shape.last().copied().unwrap_or(1) }
}

/// Rows and columns of the matrix transpose that `perm` is: all axes before some axis change places with the rest.
fn matrix(perm: &[usize], shape: &[usize]) -> Option<(usize, usize)> {
    let long: Vec<usize> = (0..shape.len()).filter(|axis| shape[*axis] > 1).collect();
    let order: Vec<usize> = perm.iter().copied().filter(|axis| shape[*axis] > 1).collect();
    (0..=long.len()).find_map(|split| {
        let turned: Vec<usize> = [&long[split..], &long[..split]].concat();
        let size = |axes: &[usize]| axes.iter().map(|axis| shape[*axis]).product();
        (turned == order).then(|| (size(&long[..split]), size(&long[split..])))
    })
}

fn small<T: TryFrom<usize>>(value: usize, at: &dyn Fn() -> Location) -> Result<T> {
    value.try_into().map_err(|_| {
        let needed = format!("at most {} bits", 8 * size_of::<T>());
        Diagnostic::new(Code::TooLarge, at(), value.to_string(), needed).into()
    })
}

fn window(window: &Window, at: &dyn Fn() -> Location) -> Result<Window2d> {
    let pair = |values: [usize; 2]| {
        Ok::<_, crate::diagnostic::Report>([small(values[0], at)?, small(values[1], at)?])
    };
    let [top, left, bottom, right] = window.pads;
    let ([top, left], [bottom, right]) = (pair([top, left])?, pair([bottom, right])?);
    Ok(Window2d {
        size: pair(window.size)?,
        stride: pair(window.stride)?,
        dilation: pair(window.dilation)?,
        pads: [top, left, bottom, right],
    })
}

fn input(graph: &Graph, tensors: &Tensors, id: ValueId) -> Input {
    let codes = graph.value(id).codes();
    Input {
        tensor: TensorId(tensors.ids[id.index()]),
        scale: codes.and_then(|codes| codes.scale.first().copied()),
        zero_point: codes.map_or(0, |codes| codes.zero_point) as i32,
    }
}

fn origin(
    graph: &Graph,
    packed: &[Option<Packed>],
    op: &ProgramOp<'_>,
    first: usize,
    last: usize,
) -> OpOrigin {
    let node = &graph.nodes[first];
    let mut nodes = node.origin.clone();
    if last != first {
        nodes.extend(graph.nodes[last].origin.iter().cloned());
    }
    let weight_bytes = packed[first].as_ref().map_or(0, |packed| {
        let bias_bytes = match &packed.bias {
            PackedBias::None => 0,
            PackedBias::I16(bias) => size_of_val(&**bias),
            PackedBias::I32(bias) => size_of_val(&**bias),
        };
        packed.weights.len() + bias_bytes
    });
    let table_bytes = match &graph.nodes[last].op {
        Op::Requantize(Requantize::Certified(certified)) => certified.params.size_bytes(),
        _ => 0,
    };
    let macs = packed[first].as_ref().map_or(0, |packed| {
        let outputs = graph.value(node.output).elems() as u64;
        let channels = graph.value(node.inputs[1]).shape[0].max(1) as u64;
        outputs * (packed.weights.len() as u64 / channels)
    });
    OpOrigin { kind: op.kind().name(), name: node.name.clone(), nodes, weight_bytes, table_bytes, macs }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layout_changes_are_matrix_transposes() {
        assert_eq!(matrix(&[0, 2, 3, 1], &[1, 3, 4, 5]), Some((3, 20)));
        assert_eq!(matrix(&[0, 3, 1, 2], &[1, 4, 5, 3]), Some((20, 3)));
        assert_eq!(matrix(&[1, 0], &[2, 7]), Some((2, 7)));
        assert_eq!(matrix(&[0, 3, 2, 1], &[1, 2, 3, 4]), None);
    }
}
