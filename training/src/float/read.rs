//! From a float ONNX file, as PyTorch's exporters write it, to a [`FloatGraph`].
//!
//! Constants are folded on the way, shape computations with a free batch included. Whatever is left must be a layer.

mod arrays;
mod constants;
mod elementwise;
mod help;
mod integers;
mod moves;
mod operators;

use std::collections::BTreeMap;

use exactum_qonnx::{DEFAULT_DOMAIN, Dim, Model, Node, TensorData, ValueInfo};

use super::error::form;
use super::{Array, FloatGraph, FloatGraphError, FloatNode, FloatOp, shape};
use integers::Integers;

/// Reads the float network in `model`.
///
/// # Errors
///
/// If it does not have one float input with a batch and one output, or a node has no float layer: the error names the
/// node and its operator.
pub fn from_onnx(model: &Model) -> Result<FloatGraph, FloatGraphError> {
    let file = &model.graph;
    let interface = |found: String, needed: &str| FloatGraphError::Interface {
        network: file.name.clone(),
        found,
        needed: needed.to_owned(),
    };
    let inputs = file.real_inputs();
    let [input] = inputs[..] else {
        let needed = "one input; concatenate several in a layer of the network that is exported without them";
        return Err(interface(format!("{} inputs", inputs.len()), needed));
    };
    let [output] = &file.outputs[..] else {
        let needed = "one output; export the network with the one that matters";
        return Err(interface(format!("{} outputs", file.outputs.len()), needed));
    };
    let (batch, input_shape) = input_shape(input).ok_or_else(|| {
        let found = format!("input `{}` of shape {:?}", input.name, input.shape);
        interface(
            found,
            "[batch, features], or [batch, channels] and one or two spatial dimensions, of known extents",
        )
    })?;
    let mut reader = Reader {
        integers: BTreeMap::new(),
        floats: BTreeMap::new(),
        shapes: BTreeMap::from([(input.name.clone(), input_shape.clone())]),
        batch,
        opset: model.opset_version(DEFAULT_DOMAIN).unwrap_or(1),
        file_output: output.name.clone(),
        graph: FloatGraph {
            name: file.name.clone(),
            input: input.name.clone(),
            input_shape,
            nodes: Vec::new(),
            output: output.name.clone(),
        },
    };
    for tensor in &file.initializers {
        reader.constant(&tensor.name, &tensor.name, tensor)?;
    }
    // What surrounds them would be refused first, and say less.
    if let Some(node) = file.nodes.iter().find(|node| help::is_recurrent(&node.op_type)) {
        return Err(operators::unsupported(node));
    }
    for node in &file.nodes {
        reader.node(node)?;
    }
    reader.graph.check()?;
    Ok(reader.graph)
}

/// The batch, if the file fixes it, and the shape of one sample behind a 1.
fn input_shape(input: &ValueInfo) -> Option<(Option<usize>, Vec<usize>)> {
    let (first, rest) = input.shape.as_ref()?.split_first()?;
    let batch = match first {
        Dim::Known(extent) => Some(*extent),
        Dim::Symbol(_) | Dim::Unknown => None,
    };
    let known = |dim: &Dim| match dim {
        Dim::Known(extent) if *extent > 0 => Some(*extent),
        _ => None,
    };
    let sample: Vec<usize> = rest.iter().map(known).collect::<Option<_>>()?;
    (1..=3).contains(&sample.len()).then(|| (batch, [vec![1], sample].concat()))
}

/// A file on its way to a graph.
struct Reader {
    /// Constants of integers, such as shapes and axes.
    integers: BTreeMap<String, Integers>,
    /// Constants of floats, such as weights.
    floats: BTreeMap<String, Array>,
    /// Shapes of values that depend on the input; the batch has extent 1.
    shapes: BTreeMap<String, Vec<usize>>,
    /// The batch that the file fixes.
    batch: Option<usize>,
    /// The version of the standard operators.
    opset: i64,
    /// The value that is the output of the network.
    file_output: String,
    graph: FloatGraph,
}

impl Reader {
    fn node(&mut self, node: &Node) -> Result<(), FloatGraphError> {
        if self.fold(node)? {
            return Ok(());
        }
        let (op, inputs) = operators::convert(self, node)?;
        let label = node.label();
        let output = node.output(0).ok_or_else(|| form(&label, "no output", "one output"))?;
        let mut shapes = Vec::new();
        for input in &inputs {
            shapes.push(self.shape(node, input)?);
        }
        let shape = shape::infer(&op, &shapes).map_err(|needed| {
            form(&label, format!("{} of inputs of shapes {shapes:?}", node.op_type), needed)
        })?;
        self.shapes.insert(output.to_owned(), shape);
        self.graph.nodes.push(FloatNode { name: label, op, inputs, output: output.to_owned() });
        Ok(())
    }

    /// The name of operand `index`, which the node must have.
    fn operand<'a>(&self, node: &'a Node, index: usize) -> Result<&'a str, FloatGraphError> {
        let found = || format!("{} inputs", node.inputs.len());
        node.input(index).ok_or_else(|| form(&node.label(), found(), format!("input {index}")))
    }

    /// The shape of a value that depends on the input.
    fn shape(&self, node: &Node, value: &str) -> Result<&[usize], FloatGraphError> {
        self.shapes.get(value).map(Vec::as_slice).ok_or_else(|| {
            let found = match self.floats.contains_key(value) || self.integers.contains_key(value) {
                true => format!("the constant `{value}`"),
                false => format!("`{value}`, which nothing before it defines"),
            };
            form(&node.label(), found, "a value that depends on the input")
        })
    }

    /// The float constant that is operand `index`.
    fn array(&self, node: &Node, index: usize) -> Result<&Array, FloatGraphError> {
        let name = self.operand(node, index)?;
        self.floats.get(name).ok_or_else(|| {
            form(&node.label(), format!("input {index}, `{name}`, which is computed"), "a constant of floats")
        })
    }

    /// The float constant that is operand `index`, if the operand is there.
    fn optional_array(&self, node: &Node, index: usize) -> Result<Option<&Array>, FloatGraphError> {
        node.input(index).map(|_| self.array(node, index)).transpose()
    }

    /// One float per channel from operand `index`.
    fn vector(&self, node: &Node, index: usize, channels: usize) -> Result<Vec<f32>, FloatGraphError> {
        let array = self.array(node, index)?;
        if array.values.len() == channels {
            return Ok(array.values.clone());
        }
        let found = format!("input {index} of shape {:?}", array.shape);
        Err(form(&node.label(), found, format!("{channels} elements, one per channel")))
    }

    /// Remembers `tensor` as constant `name`.
    fn constant(
        &mut self,
        node: &str,
        name: &str,
        tensor: &exactum_qonnx::Tensor,
    ) -> Result<(), FloatGraphError> {
        let shape = tensor.shape.clone();
        let integers = match &tensor.data {
            TensorData::F32(values) => {
                self.floats.insert(name.to_owned(), Array { shape, values: values.clone() });
                return Ok(());
            }
            TensorData::F64(values) => {
                let values = values.iter().map(|value| *value as f32).collect();
                self.floats.insert(name.to_owned(), Array { shape, values });
                return Ok(());
            }
            TensorData::I64(values) => values.clone(),
            TensorData::I32(values) => values.iter().map(|value| i64::from(*value)).collect(),
            TensorData::Bool(values) => values.iter().map(|value| i64::from(*value)).collect(),
            _ => {
                let found = format!("a constant of {}", tensor.elem());
                return Err(form(node, found, "float32, float64 or integers; export the network in float32"));
            }
        };
        self.integers.insert(name.to_owned(), Integers { shape, values: integers });
        Ok(())
    }

    /// The data operand `index` together with an operator.
    fn unary(&self, node: &Node, op: FloatOp) -> Result<(FloatOp, Vec<String>), FloatGraphError> {
        Ok((op, vec![self.operand(node, 0)?.to_owned()]))
    }
}
