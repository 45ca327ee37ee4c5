//! The meaning of an ONNX or QONNX file, evaluated node by node in exact numbers.
//!
//! Shares no arithmetic with the compiler, the runtime or training: rounding, quantization, convolution and padding
//! are written again here, from the definitions of ONNX and QONNX, so that a shared misreading cannot hide. Every
//! constant of a file is a rational number, and so is what operators make of them. Functions that are no rationals,
//! sigmoid and its like, are doubles by the definition in `docs/arithmetic.md`, and these are rationals again.

mod applied;
mod constant;
mod conv;
mod elementwise;
pub mod exact;
mod function;
mod fused;
mod grid;
pub mod int;
mod linear;
mod normalization;
mod patches;
mod pool;
mod quantize;
mod reduce;
mod resize;
mod round;
mod select;
mod shape;
mod standard;
mod window;

use std::collections::{BTreeMap, BTreeSet};

use exactum_qonnx::{Dim, ElemType, Model, Node};

use applied::Applied;
pub use exact::Exact;
pub use round::round;

/// Domain of the operators of ONNX Runtime.
const MICROSOFT: &str = "com.microsoft";
/// Domain of the operators of ONNX Runtime whose channels lie in blocks, which only memory shows.
const BLOCKED: &str = "com.microsoft.nchwc";
/// Domain of the operators of QONNX with channels on the last axis.
const CHANNELS_LAST: &str = "qonnx.custom_op.channels_last";
/// What is left to the host where nothing but the output follows.
const HOST: [&str; 4] = ["Softmax", "LogSoftmax", "Sigmoid", "Tanh"];

/// Why a file or an input has no exact value here.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{node}: {problem}")]
pub struct OracleError {
    /// Label of the node, or what else is meant.
    pub node: String,
    /// What was found.
    pub problem: String,
}

/// A value while a file is evaluated.
#[derive(Clone, Debug, PartialEq)]
enum Value {
    /// Numbers, and the type the file stores them in. A float holds any number here.
    Real(Exact, ElemType),
    /// One infinite float.
    Infinite { negative: bool },
    /// No numbers, and why.
    Unreadable(String),
}

/// An output of a file for one sample.
#[derive(Clone, Debug, PartialEq)]
pub struct Output {
    /// The exact numbers.
    pub value: Exact,
    /// Type of the output in the file; an integer type if the numbers are codes or indices.
    pub elem: ElemType,
    /// Label of the last node, where it is one that is left to the host: `value` is what the node reads.
    pub skipped: Option<String>,
    /// Labels of the `QuantizeLinear` and `DequantizeLinear` behind that one, in order.
    pub encoded: Vec<String>,
}

/// An input of a file.
#[derive(Clone, Debug)]
struct Input<'m> {
    name: &'m str,
    elem: ElemType,
    /// Shape of one sample, with a batch of one.
    shape: Vec<usize>,
}

impl Input<'_> {
    fn elems(&self) -> usize {
        self.shape.iter().product()
    }
}

/// An ONNX file, ready to evaluate. The first axis of its inputs and of everything that depends on them is the batch,
/// which is one sample here.
#[derive(Clone, Debug)]
pub struct Oracle<'m> {
    model: &'m Model,
    /// Everything that does not depend on the input, by name.
    constants: BTreeMap<&'m str, Value>,
    /// The other nodes that an output needs, in file order, each with the names that no later node reads.
    nodes: Vec<(&'m Node, Vec<&'m str>)>,
    inputs: Vec<Input<'m>>,
    /// The batch of the file, where it is a number.
    batch: Option<usize>,
    /// For each output the value to return, and the nodes that are skipped for it.
    outputs: Vec<Skipped<'m>>,
}

/// The value to return for an output, the label of the node that is left to the host, and of those which encode its result.
type Skipped<'m> = (&'m str, Option<String>, Vec<String>);

type Result<T> = std::result::Result<T, OracleError>;

/// Operators whose results are multiples of a scale, and no floats of the file.
const QUANTIZERS: [&str; 6] =
    ["Quant", "IntQuant", "BipolarQuant", "Trunc", "MultiThreshold", "DequantizeLinear"];

fn fail<T>(node: impl Into<String>, problem: impl Into<String>) -> Result<T> {
    Err(OracleError { node: node.into(), problem: problem.into() })
}

impl Output {
    /// Whether the file stores the output as an integer, which has no scale.
    pub fn is_integer(&self) -> bool {
        standard::range(self.elem).is_some()
    }
}

impl<'m> Oracle<'m> {
    /// Reads `model` and evaluates what depends on constants alone.
    ///
    /// # Errors
    /// If the model has not inputs of known shapes, or a constant node is not understood.
    pub fn new(model: &'m Model) -> Result<Self> {
        let graph = &model.graph;
        let known = |dim: &Dim| match dim {
            Dim::Known(size) => Some(*size),
            Dim::Symbol(_) | Dim::Unknown => None,
        };
        let mut inputs = vec![];
        let mut batch = None;
        for input in graph.real_inputs() {
            let dims = input.shape.as_deref().unwrap_or_default();
            let sample: Option<Vec<usize>> = dims.iter().skip(1).map(known).collect();
            let Some(sample) = sample else { return fail(&input.name, "an axis of unknown size") };
            batch = batch.or(dims.first().and_then(known));
            inputs.push(Input {
                name: &input.name,
                elem: input.elem,
                shape: [&[1], sample.as_slice()].concat(),
            });
        }
        if inputs.is_empty() {
            return fail(&graph.name, "needed an input");
        }
        let initializers = graph.initializers.iter();
        let mut oracle = Self {
            model,
            constants: initializers.map(|tensor| (tensor.name.as_str(), constant::read(tensor))).collect(),
            nodes: vec![],
            inputs,
            batch,
            outputs: vec![],
        };
        // Constants that no quantizer made are floats of the file, and so is what arithmetic makes of them.
        let mut floats: BTreeSet<&str> = oracle.constants.keys().copied().collect();
        for node in &graph.nodes {
            let known = |name: &String| name.is_empty() || oracle.constants.contains_key(name.as_str());
            if node.inputs.iter().all(known) {
                let mut results = evaluate(node, None, |name| oracle.constants.get(name))?;
                let quantizes = QUANTIZERS.contains(&node.op_type.as_str());
                let plain = |name: &String| name.is_empty() || floats.contains(name.as_str());
                if !quantizes && node.inputs.iter().all(plain) {
                    results = results.into_iter().map(constant::as_float).collect::<Result<_>>()?;
                    floats.extend(node.outputs.iter().map(String::as_str));
                }
                let names = node.outputs.iter().map(String::as_str);
                oracle.constants.extend(names.zip(results));
            } else {
                oracle.nodes.push((node, vec![]));
            }
        }
        for (node, _) in &oracle.nodes {
            let Some((name, outputs)) = grid::weight(node, |name| floats.contains(name)) else { continue };
            let multiples = oracle.constants.get(name).and_then(|value| grid::multiples(value, outputs));
            oracle.constants.extend(multiples.map(|value| (name, value)));
        }
        oracle.outputs = graph.outputs.iter().map(|output| oracle.before_host(&output.name)).collect();
        // From the last node on: what is read, and by which node last.
        let mut read: Vec<&str> = oracle.outputs.iter().map(|(name, ..)| *name).collect();
        for (node, mut done) in std::mem::take(&mut oracle.nodes).into_iter().rev() {
            if !node.outputs.iter().any(|name| read.contains(&name.as_str())) {
                continue;
            }
            for name in node.inputs.iter().chain(&node.outputs) {
                if !read.contains(&name.as_str()) {
                    read.push(name);
                    done.push(name);
                }
            }
            oracle.nodes.insert(0, (node, done));
        }
        Ok(oracle)
    }

    /// The value to return for output `name`, which is the operand of its node if that is left to the host.
    fn before_host(&self, name: &'m str) -> Skipped<'m> {
        let node = |name: &str| {
            let makes = |(node, _): &&(&'m Node, _)| node.outputs.iter().any(|output| output == name);
            self.nodes.iter().find(makes).map(|(node, _)| *node)
        };
        let maker = |name: &str| {
            let mut last = node(name);
            while let Some(copy) =
                last.filter(|node| ["Identity", "DebugMarker"].contains(&node.op_type.as_str()))
            {
                last = copy.input(0).and_then(node);
            }
            last
        };
        // Nothing but the host computes a softmax, and so what is made of it.
        let (mut host, mut encoded) = (maker(name), vec![]);
        while let Some(coder) =
            host.filter(|node| ["QuantizeLinear", "DequantizeLinear"].contains(&node.op_type.as_str()))
        {
            encoded.insert(0, coder.label());
            host = coder.input(0).and_then(maker);
        }
        let host = host.filter(|node| match node.op_type.as_str() {
            "Softmax" => true,
            op_type => encoded.is_empty() && HOST.contains(&op_type),
        });
        match host {
            Some(host) => (host.input(0).unwrap_or_default(), Some(host.label()), encoded),
            None => (name, None, vec![]),
        }
    }

    /// Every output for one sample, the elements of all inputs in a row. Where the last node is a softmax, sigmoid or tanh, which is left to the host, the
    /// value before it.
    ///
    /// # Errors
    /// If a node is not understood, or the input is not finite or has the wrong number of elements.
    pub fn run(&self, sample: &[f32]) -> Result<Vec<Output>> {
        self.observe(sample, |_, _| ())
    }

    /// As [`run`](Self::run), showing every computed value with its name in the file.
    ///
    /// # Errors
    /// As for [`run`](Self::run).
    pub fn observe(&self, sample: &[f32], mut seen: impl FnMut(&str, &Exact)) -> Result<Vec<Output>> {
        let needed: usize = self.inputs.iter().map(Input::elems).sum();
        if sample.len() != needed {
            return fail("inputs", format!("{} elements instead of {needed}", sample.len()));
        }
        let mut values = BTreeMap::new();
        let mut rest = sample;
        for input in &self.inputs {
            let (own, after) = rest.split_at(input.elems());
            rest = after;
            let exact = Exact::from_f32(input.shape.clone(), own)?;
            values.insert(input.name, Value::Real(exact, input.elem));
        }
        for (node, done) in &self.nodes {
            let value = |name: &str| values.get(name).or_else(|| self.constants.get(name));
            let results = evaluate(node, Some(self.batch), value)?;
            for (name, result) in node.outputs.iter().zip(results) {
                if let Value::Real(exact, _) = &result {
                    seen(name, exact);
                }
                values.insert(name, result);
            }
            for name in done {
                values.remove(name);
            }
        }
        let output = |(name, skipped, encoded): &Skipped<'m>| match values
            .get(name)
            .or_else(|| self.constants.get(name))
        {
            Some(Value::Real(value, elem)) => Ok(Output {
                value: value.clone(),
                elem: *elem,
                skipped: skipped.clone(),
                encoded: encoded.clone(),
            }),
            _ => fail(*name, "an output that nothing computes"),
        };
        self.outputs.iter().map(output).collect()
    }

    /// The model.
    pub fn model(&self) -> &'m Model {
        self.model
    }
}

/// Outputs of a node. `batch` is that of the file, `None` for a node that does not depend on the input.
fn evaluate<'a>(
    node: &'a Node,
    batch: Option<Option<usize>>,
    value: impl Fn(&str) -> Option<&'a Value>,
) -> Result<Vec<Value>> {
    let operand = |name: &'a String| match name.as_str() {
        "" => Ok(None),
        name => value(name).map(Some).ok_or_else(|| OracleError {
            node: node.label(),
            problem: format!("operand `{name}`, which nothing computes"),
        }),
    };
    let operands = node.inputs.iter().map(operand).collect::<Result<_>>()?;
    let applied = Applied { node, operands, batch: batch.flatten(), constant: batch.is_none() };
    let results = match node.domain.as_str() {
        CHANNELS_LAST => channels_last(&applied),
        MICROSOFT => standard::microsoft(&applied).map(|value| vec![value]),
        BLOCKED if node.op_type.starts_with("Reorder") => reordered(&applied),
        _ => operator(&applied),
    };
    // Problems of arithmetic do not know the node they belong to.
    results.map_err(|error| OracleError { node: node.label(), ..error })
}

/// Outputs of a standard operator or one of QONNX.
fn operator(applied: &Applied<'_>) -> Result<Vec<Value>> {
    let float = |exact: Result<Exact>| exact.map(|exact| vec![Value::Real(exact, ElemType::F32)]);
    let op_type = applied.node.op_type.as_str();
    match op_type {
        "Quant" | "IntQuant" => float(quantize::quant(applied)),
        "BipolarQuant" => float(quantize::bipolar(applied)),
        "Trunc" => float(quantize::trunc(applied)),
        "MultiThreshold" => float(quantize::multi_threshold(applied)),
        "QuantizeLinear" | "DequantizeLinear" | "QLinearConv" | "QLinearMatMul" | "ConvInteger"
        | "MatMulInteger" => standard::operator(applied).map(|value| vec![value]),
        "Gemm" => float(linear::gemm(applied)),
        "MatMul" => float(linear::mat_mul(applied.real(0)?, applied.real(1)?)),
        "Conv" => float(conv::conv(applied)),
        "ConvTranspose" => float(conv::conv_transpose(applied)),
        "BatchNormalization" => float(normalization::batch_normalization(applied)),
        "MaxPool" | "AveragePool" | "GlobalMaxPool" | "GlobalAveragePool" => {
            applied.same_type(pool::pool(applied)?)
        }
        "MaxPoolNHWC" => float(patches::max_pool(applied)),
        "Im2Col" => float(patches::im2col(applied)),
        "ReduceMean" | "ReduceSum" | "ReduceMax" | "ReduceMin" | "ReduceL1" | "ReduceL2"
        | "ReduceSumSquare" | "ReduceLogSum" | "ReduceProd" => applied.same_type(reduce::reduce(applied)?),
        "CumSum" => applied.same_type(reduce::cum_sum(applied)?),
        "Where" => float(elementwise::choose(applied)),
        "ArgMax" | "ArgMin" => select::arg(applied).map(|value| vec![value]),
        "TopK" => select::top_k(applied),
        "Constant" | "ConstantOfShape" | "Shape" | "Cast" => {
            constant::operator(applied).map(|value| vec![value])
        }
        "Resize" | "Upsample" => applied.same_type(resize::resize(applied)?),
        "DepthToSpace" | "SpaceToDepth" => applied.same_type(resize::rearrange(applied)?),
        "Split" => shape::split(applied),
        _ if shape::OPERATORS.contains(&op_type) => applied.same_type(shape::operator(applied)?),
        _ if elementwise::OPERATORS.contains(&op_type) => applied.same_type(elementwise::operator(applied)?),
        _ => applied.fail(format!("operator {op_type}")),
    }
}

/// The operand, from or to channels that lie in blocks.
fn reordered(applied: &Applied<'_>) -> Result<Vec<Value>> {
    let x = applied.real(0)?;
    let turned = match (applied.int("channels_last", 0)?, applied.node.op_type.as_str()) {
        (0, _) => x.clone(),
        (_, "ReorderInput") => shape::channels_first(x)?,
        _ => shape::channels_last(x)?,
    };
    applied.same_type(turned)
}

/// Outputs of an operator whose image, and weights if it has any, have their channels on the last axis.
fn channels_last(applied: &Applied<'_>) -> Result<Vec<Value>> {
    let turned = match applied.node.op_type.as_str() {
        "Conv" => 2,
        "MaxPool" | "BatchNormalization" => 1,
        other => return applied.fail(format!("operator {other} with channels last")),
    };
    let values: Vec<Value> = (0..turned)
        .map(|index| Ok(Value::Real(shape::channels_first(applied.real(index)?)?, ElemType::F32)))
        .collect::<Result<_>>()?;
    let others = applied.operands.iter().skip(turned).copied();
    let operands = values.iter().map(Some).chain(others).collect();
    let results = operator(&Applied { operands, ..*applied })?;
    let back = |value| match value {
        Value::Real(exact, elem) => Ok(Value::Real(shape::channels_last(&exact)?, elem)),
        other => Ok(other),
    };
    results.into_iter().map(back).collect()
}
