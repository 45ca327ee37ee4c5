//! From nodes of the integer graph to stages that are not yet unrolled, in the order of the stream.
//!
//! The graph has to be a chain. A quantized float input stays with the host: the stream starts with its codes.

use exactum_runtime::num::IntRange;

use super::device::{Device, DspFamily};
use super::stage::{
    Arithmetic, ConvolutionInputGenerator, FmPadding, Mvau, Pool, Requantization, Thresholding, Unit, Vvau,
};
use crate::diagnostic::{Code, Diagnostic, Location, Report, Result};
use crate::graph::{Constant, Conv, Graph, Level, Node, Op, Requantize, Type, Value, Window};

/// A stage before its folding is chosen.
pub(super) struct Unfolded {
    /// Kind and dimensions.
    pub(super) unit: Unit,
    /// Names of the nodes that it computes.
    pub(super) nodes: Vec<String>,
    /// The first of them.
    pub(super) at: Location,
}

/// The stages of `graph`.
///
/// # Errors
/// E0603 for each node that has no stage.
pub(super) fn stages(graph: &Graph, device: &Device) -> Result<Vec<Unfolded>> {
    if graph.level != Level::Integer {
        let at = Location::part("graph");
        return Err(refused(at, format!("the {} level", graph.level.name()), "the integer level"));
    }
    let mut builder = Builder { graph, device, stages: vec![], flattened: None };
    let mut problems = builder.forks();
    for (index, layer) in graph.steps() {
        if let Err(report) = builder.step(index, layer) {
            problems.extend_from_slice(report.diagnostics());
        }
    }
    if problems.is_empty() && builder.stages.is_empty() {
        problems.push(refuse(Location::part("graph"), "no layer", "one layer at least"));
    }
    Report::check(problems, builder.stages)
}

fn refuse(at: Location, found: impl Into<String>, needed: impl Into<String>) -> Diagnostic {
    Diagnostic::new(Code::NotDataflow, at, found, needed)
}

fn refused(at: Location, found: impl Into<String>, needed: impl Into<String>) -> Report {
    refuse(at, found, needed).into()
}

struct Builder<'a> {
    graph: &'a Graph,
    device: &'a Device,
    stages: Vec<Unfolded>,
    /// Height, width and channels of a frame that the last node flattened; its elements stream in this order.
    flattened: Option<[usize; 3]>,
}

impl Builder<'_> {
    /// A stream has one writer and one reader.
    fn forks(&self) -> Vec<Diagnostic> {
        let graph = self.graph;
        let mut problems = vec![];
        for (part, ends) in [("inputs", &graph.inputs), ("outputs", &graph.outputs)] {
            if ends.len() != 1 {
                problems.push(refuse(Location::part(part), ends.len().to_string(), "one"));
            }
        }
        let written = graph.nodes.iter().map(|node| node.output);
        for id in graph.inputs.iter().copied().chain(written) {
            let outputs = graph.outputs.iter().filter(|output| **output == id).count();
            let readers = graph.consumers(id).count() + outputs;
            if readers > 1 {
                let at = Location::part(format!("value {:?}", graph.value(id).name));
                problems.push(refuse(
                    at,
                    format!("{readers} readers"),
                    "one reader: streams are not duplicated",
                ));
            }
        }
        problems
    }

    fn step(&mut self, index: usize, layer: Option<usize>) -> Result<()> {
        let node = &self.graph.nodes[layer.unwrap_or(index)];
        let requantize = layer.map(|_| &self.graph.nodes[index]);
        let at = self.graph.location(layer.unwrap_or(index));
        let flattened = self.flattened.take();
        if flattened.is_some() && !matches!(node.op, Op::Dense | Op::Reshape) {
            return Err(refused(
                at,
                "flattened channels in the order of the stream",
                "a dense layer after a flatten",
            ));
        }
        match &node.op {
            Op::Quantize(_) | Op::Dequantize(_) => Ok(()),
            Op::Dense => self.dense(node, requantize, at, flattened),
            Op::Conv2d(conv) => self.convolution(node, conv, requantize, at),
            Op::Requantize(function) => self.thresholding(node, function, at),
            Op::MaxPool(pool) => self.max_pool(node, &pool.window, at),
            Op::Reshape => self.reshape(node, at, flattened),
            _ => Err(refused(
                at,
                format!("operator {}", node.op.name()),
                "dense, conv2d, requantize, max_pool or reshape",
            )),
        }
    }

    fn push(&mut self, unit: Unit, nodes: &[&Node], at: &Location) {
        let nodes = nodes.iter().map(|node| node.name.clone()).collect();
        self.stages.push(Unfolded { unit, nodes, at: at.clone() });
    }

    fn dense(
        &mut self,
        node: &Node,
        requantize: Option<&Node>,
        at: Location,
        flattened: Option<[usize; 3]>,
    ) -> Result<()> {
        let [matrix_height, matrix_width] = axes(self.graph.value(node.inputs[1]), &at)?;
        let (arithmetic, rtl) = self.arithmetic(node, requantize);
        let unit = Mvau { matrix_width, matrix_height, vectors: 1, arithmetic, rtl, flattened };
        self.push(Unit::Mvau(unit), &layer_nodes(node, requantize), &at);
        Ok(())
    }

    fn convolution(
        &mut self,
        node: &Node,
        conv: &Conv,
        requantize: Option<&Node>,
        at: Location,
    ) -> Result<()> {
        let x = self.graph.value(node.inputs[0]);
        let [_, channels, _, _] = axes(x, &at)?;
        let [outputs, _, _, _] = axes(self.graph.value(node.inputs[1]), &at)?;
        let [_, _, height, width] = axes(self.graph.value(node.output), &at)?;
        let depthwise = conv.groups > 1;
        if depthwise && (conv.groups != channels || outputs != channels) {
            let found = format!("{} groups of {channels} channels to {outputs}", conv.groups);
            return Err(refused(at, found, "one group, or as many groups as input and output channels"));
        }
        let zero_point = x.codes().map_or(0, |codes| codes.zero_point);
        if conv.window.is_padded() && zero_point != 0 {
            let found = format!("a padded window over codes with zero point {zero_point}");
            return Err(refused(at, found, "zero point 0: padding streams the code 0"));
        }
        self.windows(node, &conv.window, depthwise, &at)?;
        let (arithmetic, rtl) = self.arithmetic(node, requantize);
        let [kh, kw] = conv.window.size;
        let unit = if depthwise {
            Unit::Vvau(Vvau { channels, window: [kh, kw], output_size: [height, width], arithmetic })
        } else {
            let (matrix_width, vectors) = (channels * kh * kw, height * width);
            Unit::Mvau(Mvau {
                matrix_width,
                matrix_height: outputs,
                vectors,
                arithmetic,
                rtl,
                flattened: None,
            })
        };
        self.push(unit, &layer_nodes(node, requantize), &at);
        Ok(())
    }

    fn max_pool(&mut self, node: &Node, window: &Window, at: Location) -> Result<()> {
        let x = self.graph.value(node.inputs[0]);
        let [_, channels, height, width] = axes(self.graph.value(node.output), &at)?;
        let range = range(x);
        if window.is_padded() && range.lo < 0 {
            let found = format!("a padded window over codes {range}");
            return Err(refused(
                at,
                found,
                "no negative codes: padding streams the code 0, which could be the largest",
            ));
        }
        self.windows(node, window, true, &at)?;
        let unit =
            Pool { channels, window: window.size, output_size: [height, width], code_bits: elem_bits(x) };
        self.push(Unit::Pool(unit), &[node], &at);
        Ok(())
    }

    /// Padding and sliding window of `node`, as far as it needs them.
    fn windows(&mut self, node: &Node, window: &Window, depthwise: bool, at: &Location) -> Result<()> {
        let x = self.graph.value(node.inputs[0]);
        let [_, channels, height, width] = axes(x, at)?;
        let [_, _, output_height, output_width] = axes(self.graph.value(node.output), at)?;
        let mut input_size = [height, width];
        let code_bits = elem_bits(x);
        if window.is_padded() {
            let padding = FmPadding { channels, input_size, pads: window.pads, code_bits };
            input_size = padding.output_size();
            self.push(Unit::FmPadding(padding), &[node], at);
        }
        if window.size == [1, 1] && window.stride == [1, 1] && !window.is_padded() {
            return Ok(());
        }
        if window.stride[0] > input_size[0] || window.stride[1] > input_size[1] {
            let found = format!("stride {:?} over {input_size:?}", window.stride);
            return Err(refused(at.clone(), found, "a stride within the padded input"));
        }
        let unit = ConvolutionInputGenerator {
            channels,
            input_size,
            output_size: [output_height, output_width],
            window: window.size,
            stride: window.stride,
            dilation: window.dilation,
            depthwise,
            code_bits,
        };
        self.push(Unit::ConvolutionInputGenerator(unit), &[node], at);
        Ok(())
    }

    fn thresholding(&mut self, node: &Node, function: &Requantize, at: Location) -> Result<()> {
        let (x, y) = (self.graph.value(node.inputs[0]), self.graph.value(node.output));
        let Some(requantization) = requantization(function) else {
            return Err(refused(at, "a requantization without an integer form", "a certified one"));
        };
        let channels = x.shape.get(1).copied().unwrap_or(1);
        let pixels = x.elems().checked_div(channels).unwrap_or(0);
        let (input_bits, output_bits) = (elem_bits(x), elem_bits(y));
        let unit = Thresholding { channels, pixels, input_bits, output_bits, requantization };
        self.push(Unit::Thresholding(unit), &[node], &at);
        Ok(())
    }

    /// A reshape streams the same elements. Where that is another order than ONNX's, the next layer has to know.
    fn reshape(&mut self, node: &Node, at: Location, flattened: Option<[usize; 3]>) -> Result<()> {
        let (from, to) = (&self.graph.value(node.inputs[0]).shape, &self.graph.value(node.output).shape);
        let ([1, ..], [1, rest @ ..]) = (from.as_slice(), to.as_slice()) else {
            return Err(refused(at, format!("{from:?} as {to:?}"), "a batch of one"));
        };
        let spatial = channels_last(from).or(flattened);
        let read = self.graph.consumers(node.output).next().is_some();
        match (spatial, channels_last(to), rest) {
            (None, None, _) => Ok(()),
            (Some(_), None, [_]) if read => {
                self.flattened = spatial;
                Ok(())
            }
            _ => Err(refused(at, format!("{from:?} as {to:?}"), "a flatten before a dense layer")),
        }
    }

    /// Types of a layer, and whether FINN builds it from its DSP library.
    fn arithmetic(&self, node: &Node, requantize: Option<&Node>) -> (Arithmetic, bool) {
        let [x, weight] = [0, 1].map(|operand| self.graph.value(node.inputs[operand]));
        let sums = range(self.graph.value(node.output));
        let requantization = requantize.and_then(|node| match &node.op {
            Op::Requantize(function) => requantization(function),
            _ => None,
        });
        let output = requantize.map_or(self.graph.value(node.output), |node| self.graph.value(node.output));
        let arithmetic = Arithmetic {
            input_bits: elem_bits(x),
            input_zero_point: x.codes().map_or(0, |codes| codes.zero_point),
            weight_bits: elem_bits(weight),
            accumulator: sums.into(),
            requantization,
            output_bits: elem_bits(output),
        };
        let rtl = requantize.is_none() && self.fits_dsps(x, weight);
        (arithmetic, rtl)
    }

    /// FINN's rule for `MVAU_rtl`, besides that it has no thresholds.
    fn fits_dsps(&self, x: &Value, weight: &Value) -> bool {
        let (Some(input), Some(codes)) = (x.codes(), weight.codes()) else { return false };
        let most_input_bits = if input.int.signed { 9 } else { 8 };
        let least = codes.int.min() - i64::from(codes.int.narrow);
        let is_narrow = match &weight.constant {
            Some(Constant::Codes(weights)) => weights.iter().all(|weight| i64::from(*weight) > least),
            _ => false,
        };
        (4..=most_input_bits).contains(&input.int.width.bits())
            && (4..=8).contains(&codes.int.width.bits())
            && codes.int.signed
            && (is_narrow || self.device.dsp_family != DspFamily::Dsp48E1)
    }
}

fn layer_nodes<'a>(node: &'a Node, requantize: Option<&'a Node>) -> Vec<&'a Node> {
    [node].into_iter().chain(requantize).collect()
}

fn requantization(function: &Requantize) -> Option<Requantization> {
    match function {
        Requantize::Certified(certified) => {
            let requant = certified.params.view();
            Some(Requantization::new(requant.form_name(), requant.lo, requant.hi))
        }
        Requantize::Exact(_) => None,
    }
}

/// Height, width and channels of a value whose elements stream in another order than ONNX stores them.
fn channels_last(shape: &[usize]) -> Option<[usize; 3]> {
    let (channels, height, width) = match shape {
        [_, channels, height, width] => (*channels, *height, *width),
        [_, channels, rest @ ..] => (*channels, 1, rest.iter().product()),
        _ => return None,
    };
    (channels > 1 && height * width > 1).then_some([height, width, channels])
}

/// The axes of a value of rank `N`, none of them empty.
fn axes<const N: usize>(value: &Value, at: &Location) -> Result<[usize; N]> {
    let axes = <[usize; N]>::try_from(value.shape.as_slice()).ok().filter(|axes| !axes.contains(&0));
    axes.ok_or_else(|| {
        let found = format!("{:?} of shape {:?}", value.name, value.shape);
        refused(at.clone(), found, format!("{N} axes that are not empty"))
    })
}

/// The integers that an element can be; of accumulators over all channels.
fn range(value: &Value) -> IntRange {
    let ranges: &[IntRange] = match &value.ty {
        Type::Codes(codes) => &[codes.range],
        Type::Accumulators { bounds, .. } => bounds,
        Type::Float | Type::Shape => &[],
    };
    ranges.iter().copied().reduce(IntRange::union).unwrap_or(IntRange::point(0))
}

/// Bits of an element in a stream: of the codes' type, or of the sums' bounds.
fn elem_bits(value: &Value) -> u32 {
    value.codes().map_or_else(|| range(value).signed_bits(), |codes| codes.int.width.bits().into())
}
