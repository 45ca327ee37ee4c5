//! Writes a scheduled graph as a program image: tensors with places, operators with packed weights.

mod input;
mod meaning;
mod moves;
mod pack;
mod tensors;

use exactum_runtime::num::Requant;
use exactum_runtime::num::requant::Form;
use exactum_runtime::program::op::{
    Add, Concat, Conv2d, ConvTranspose2d, Dense, Layer, MaxPool2d, Mul, Op as ProgramOp, Push,
    Requantize as ProgramRequantize, SumPool2d, TopK,
};
use exactum_runtime::program::{Input, Meaning, Model, Output, Source, State, TensorId, Window2d, encode};

use crate::diagnostic::{Code, Diagnostic, Location, Result};
use crate::graph::{
    Certified, FileNodeId, Graph, Node, Op, Requantize, RequantizePair, Type, ValueId, Window, joined,
};
pub use meaning::PortMeaning;
use pack::{Packed, pack};
use tensors::{Tensors, tensors};

/// A program and where its operators come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lowered {
    /// The flash image.
    pub image: Vec<u8>,
    /// An entry for each operator of the image.
    pub ops: Vec<OpOrigin>,
}

/// What a program says of the model besides what it computes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct About {
    /// The model's name.
    pub name: String,
    /// The model's version.
    pub version: i64,
    /// SHA-256 of the model's file.
    pub digest: [u8; 32],
    /// What its inputs stand for; none is nothing.
    pub inputs: Vec<PortMeaning>,
    /// What its outputs stand for.
    pub outputs: Vec<PortMeaning>,
}

impl About {
    /// Bytes that it takes in an image.
    pub fn size_bytes(&self) -> usize {
        let ports = self.inputs.iter().chain(&self.outputs).map(PortMeaning::size_bytes);
        ports.sum::<usize>() + self.name.len().next_multiple_of(8)
    }
}

/// Where an operator of the program comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpOrigin {
    /// Kind in the program.
    pub kind: &'static str,
    /// Name of the layer.
    pub name: String,
    /// Names of the file's nodes that it comes from.
    pub nodes: Vec<String>,
    /// These nodes.
    pub origin: Vec<FileNodeId>,
    /// Value of the scheduled graph that it writes.
    pub output: ValueId,
    /// Bytes of weights and biases in the image.
    pub weight_bytes: usize,
    /// Bytes of requantization parameters in the image.
    pub table_bytes: usize,
    /// Multiply-accumulates for one sample.
    pub macs: u64,
}

/// The program of `graph`, which says `about` of the model.
///
/// # Errors
/// If a size leaves the format's limits.
///
/// # Panics
/// If the graph is not on the scheduled level or the runtime refuses the image: faults of the compiler.
pub fn program(graph: &Graph, about: &About) -> Result<Lowered> {
    let tensors = tensors(graph)?;
    let packed: Vec<Packed> = (0..graph.nodes.len()).map(|index| pack(graph, &tensors, index)).collect();
    let mut ops = vec![];
    let mut origins = vec![];
    for (index, layer) in graph.steps() {
        let node = &graph.nodes[index];
        let at_edge = matches!(node.op, Op::Quantize(_) | Op::Dequantize(_));
        if layer.is_none() && (at_edge || tensors.is_renaming(node)) {
            continue;
        }
        let first = layer.unwrap_or(index);
        let built = op(graph, &tensors, &packed[first], first, layer.map(|_| index))?;
        origins.push(origin(graph, &packed, &built, first, index));
        ops.push(built);
    }
    let rules: Vec<_> = graph.inputs.iter().map(|id| input::rule(graph, *id)).collect::<Result<_, _>>()?;
    let inputs: Vec<Input<'_>> = rules
        .iter()
        .enumerate()
        .map(|(port, rule)| Input {
            quantizer: rule.as_ref().map(input::Rule::view),
            meaning: meaning(&about.inputs, port),
        })
        .collect();
    let states: Vec<State> = graph.states.iter().map(|state| State { fill: state.fill as i32 }).collect();
    let outputs: Vec<Output<'_>> = graph
        .outputs
        .iter()
        .enumerate()
        .map(|(port, id)| Output {
            tensor: tensors.id(graph.integers(*id)),
            meaning: meaning(&about.outputs, port),
        })
        .collect();
    let source = Source {
        arena_bytes: arena_bytes(graph) as u32,
        tensors: &tensors.tensors,
        inputs: &inputs,
        states: &states,
        outputs: &outputs,
        ops: &ops,
        model: Model { name: &about.name, version: about.version, digest: about.digest },
    };
    let mut image = vec![];
    encode(&source, &mut image).map_err(|error| {
        Diagnostic::new(Code::TooLarge, Location::part("program"), error.to_string(), "a smaller model")
    })?;
    Ok(Lowered { image, ops: origins })
}

fn meaning(known: &[PortMeaning], port: usize) -> Meaning<'_> {
    known.get(port).map(PortMeaning::view).unwrap_or_default()
}

/// The nodes of `graph`, whose packings are chosen, with kernels that work in memory, and the bytes of it.
///
/// # Errors
/// If a size leaves the format's limits.
pub(crate) fn scratch(graph: &Graph) -> Result<Vec<(usize, usize)>> {
    let tensors = tensors(graph)?;
    let mut needs = vec![];
    for (index, layer) in graph.steps() {
        let first = layer.unwrap_or(index);
        if !graph.nodes[first].op.is_layer() {
            continue;
        }
        let packed = pack(graph, &tensors, first);
        let op = op(graph, &tensors, &packed, first, layer.map(|_| index))?;
        let bytes =
            op.scratch_bytes(&tensors.tensors[usize::from(tensors.id(graph.nodes[first].inputs[0]).0)]);
        if bytes > 0 {
            needs.push((first, bytes as usize));
        }
    }
    Ok(needs)
}

/// Bytes of working memory.
pub fn arena_bytes(graph: &Graph) -> usize {
    let scratch = graph.nodes.iter().filter_map(|node| node.scratch);
    let places = graph.values.iter().filter_map(|value| value.placement).chain(scratch);
    places.map(|place| place.offset_bytes + place.size_bytes.next_multiple_of(8)).max().unwrap_or(0)
}

/// The operator of node `index`, whose accumulators node `fused` requantizes.
fn op<'a>(
    graph: &'a Graph,
    tensors: &Tensors,
    packed: &'a Packed,
    index: usize,
    fused: Option<usize>,
) -> Result<ProgramOp<'a>> {
    let scratch = tensors.scratch(index);
    let node = &graph.nodes[index];
    let x = graph.value(node.inputs[0]);
    let result = graph.value(node.output);
    let (input, output) =
        (tensors.id(node.inputs[0]), tensors.id(graph.nodes[fused.unwrap_or(index)].output));
    let second = |operand: usize| node.inputs.get(operand).map_or(TensorId(u16::MAX), |id| tensors.id(*id));
    let input_zero_point = x.codes().map_or(0, |codes| codes.zero_point) as i32;
    let certified = fused.and_then(|node| certified(&graph.nodes[node].op));
    let requant: Option<Requant<'_>> = certified.map(|certified| certified.params.view());
    let wide = matches!(&result.ty, Type::Accumulators { bounds, .. }
        if bounds.iter().any(|bound| bound.signed_bits() > i32::BITS));
    let at = || graph.location(index);
    let (weights, bias) = packed.layer();
    let requant_of_layer = requant.map(|requant| match requant.form {
        Form::MultiplyHigh { lines, shifts, .. } if !packed.offsets().is_empty() => {
            let offsets = packed.offsets();
            Requant { form: Form::MultiplyHigh { lines, offsets, shifts }, ..requant }
        }
        _ => requant,
    });
    let layer = Layer { input_zero_point, weights, bias, requant: requant_of_layer, wide };
    Ok(match &node.op {
        Op::Dense => {
            let shape = &graph.value(node.inputs[1]).shape;
            let (out_features, in_features) = (small(shape[0], &at)?, small(shape[1], &at)?);
            ProgramOp::Dense(Dense { input, output, scratch, in_features, out_features, layer })
        }
        Op::Conv2d(conv) => {
            let (window, groups) = (window(&conv.window, &at)?, small(conv.groups, &at)?);
            ProgramOp::Conv2d(Conv2d { input, output, scratch, window, groups, layer })
        }
        Op::ConvTranspose2d(conv) => {
            let (window, groups) = (window(&conv.window, &at)?, small(conv.groups, &at)?);
            ProgramOp::ConvTranspose2d(ConvTranspose2d { input, output, scratch, window, groups, layer })
        }
        Op::MaxPool(pool) => {
            ProgramOp::MaxPool2d(MaxPool2d { input, output, window: window(&pool.window, &at)? })
        }
        Op::SumPool(pool) => ProgramOp::SumPool2d(SumPool2d {
            input,
            output,
            input_zero_point: whole(pool.zero_point, &at)?,
            window: window(&pool.pool.window, &at)?,
            unit: whole(pool.unit, &at)?,
            requant,
        }),
        Op::Sum { multipliers } => ProgramOp::Add(Add {
            input,
            second: second(1),
            output,
            multipliers: packed.multipliers(),
            channels: if multipliers.len() > 1 {
                small(result.shape.last().copied().unwrap_or(1), &at)?
            } else {
                channels(certified, &result.shape, &at)?
            },
            requant,
        }),
        Op::Product { zero_points: [p, q] } => ProgramOp::Mul(Mul {
            input,
            second: second(1),
            output,
            zero_points: [whole(*p, &at)?, whole(*q, &at)?],
            channels: channels(certified, &result.shape, &at)?,
            requant,
            wide,
        }),
        Op::RequantizePair(RequantizePair::Certified { certified, .. }) => ProgramOp::Add(Add {
            input,
            second: second(1),
            output,
            multipliers: packed.multipliers(),
            channels: channels(Some(certified), &result.shape, &at)?,
            requant: Some(certified.params.view()),
        }),
        Op::Requantize(Requantize::Certified(certified)) => ProgramOp::Requantize(ProgramRequantize {
            input,
            output,
            channels: channels(Some(certified), &x.shape, &at)?,
            requant: certified.params.view(),
        }),
        Op::Concat { axis } => ProgramOp::Concat(Concat {
            input,
            rest: packed.rest(),
            output,
            rows: small(result.shape[..*axis].iter().product(), &at)?,
        }),
        Op::Push => ProgramOp::Push(Push { input: second(1), output }),
        Op::TopK { k, largest, values, multipliers, offsets } => ProgramOp::TopK(TopK {
            input,
            output,
            elems: small(x.shape.last().copied().unwrap_or(1), &at)?,
            k: small(*k, &at)?,
            largest: *largest,
            values: *values,
            multipliers,
            offsets,
        }),
        op => match moves::rearrange(op, &x.shape, &result.shape) {
            Some(steps) => ProgramOp::Rearrange(steps.into_program(input, output).map_err(|found| {
                Diagnostic::new(Code::UnsupportedForm, at(), found, "a move along at most six axes")
            })?),
            None => panic!("{} has no operator in programs, please report this with the model", op.name()),
        },
    })
}

/// The form and proof of a requantization.
fn certified(op: &Op) -> Option<&Certified> {
    match op {
        Op::Requantize(Requantize::Certified(certified))
        | Op::RequantizePair(RequantizePair::Certified { certified, .. }) => Some(certified),
        _ => None,
    }
}

/// Codes of one row of a requantization: its channels, or 1 if all share the parameters.
fn channels(certified: Option<&Certified>, shape: &[usize], at: &dyn Fn() -> Location) -> Result<u32> {
    match certified {
        Some(certified) if certified.certificate.channels.len() > 1 => {
            small(shape.last().copied().unwrap_or(1), at)
        }
        _ => Ok(1),
    }
}

fn small<T: TryFrom<usize>>(value: usize, at: &dyn Fn() -> Location) -> Result<T> {
    whole(value, at)
}

fn whole<F: Copy + std::fmt::Display, T: TryFrom<F>>(value: F, at: &dyn Fn() -> Location) -> Result<T> {
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

fn origin(graph: &Graph, packed: &[Packed], op: &ProgramOp<'_>, first: usize, last: usize) -> OpOrigin {
    let node = &graph.nodes[first];
    let computed = joined(&node.origin, &graph.nodes[last].origin);
    let table_bytes = certified(&graph.nodes[last].op).map_or(0, |certified| certified.params.size_bytes());
    // Every output of a layer takes its filter once; a transposed one every input the filters of its group.
    let weights = |node: &Node| graph.value(node.inputs[1]).elems() as u64;
    let macs = match &node.op {
        op if !op.is_layer() => 0,
        Op::ConvTranspose2d(_) => {
            let x = graph.value(node.inputs[0]);
            let channels = x.shape.last().copied().unwrap_or(1).max(1) as u64;
            x.elems() as u64 * (weights(node) / channels)
        }
        _ => {
            let channels = graph.value(node.inputs[1]).shape[0].max(1) as u64;
            graph.value(node.output).elems() as u64 * (weights(node) / channels)
        }
    };
    let weight_bytes = packed[first].size_bytes();
    let output = graph.nodes[last].output;
    OpOrigin {
        kind: op.kind().name(),
        name: node.name.clone(),
        nodes: graph.names_of(&computed),
        origin: computed,
        output,
        weight_bytes,
        table_bytes,
        macs,
    }
}
